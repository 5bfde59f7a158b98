//! First replies by `requestid`, replayed word for word.
//!
//! The key is the `requestid` alone within a realm, over all entity kinds; in a batch it is the
//! `requestid` together with the element's `bId`. A replay looks at neither body nor path.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// Longest `requestid` of a single request.
pub const SINGLE_MAX: usize = 50;
/// Longest `requestid` of a batch.
pub const BATCH_MAX: usize = 36;
/// Longest `bId` when the batch has a `requestid`.
pub const ELEMENT_MAX: usize = 10;

/// The identity of a write: the `requestid`, and the `bId` inside a batch.
pub type Key = (String, Option<String>);

/// A reply to send again.
#[derive(Debug, Clone)]
pub struct Stored {
    /// HTTP status; 200 for batch elements.
    pub status: u16,
    /// Exact body, or the exact text of the batch element.
    pub body: String,
    kept_at: DateTime<Utc>,
}

/// The replies a realm remembers.
#[derive(Debug, Default)]
pub struct Replies(HashMap<Key, Stored>);

impl Replies {
    /// The reply stored under a key, unless it has outlived `life_ms` (none: it never does).
    pub fn find(&self, key: &Key, life_ms: Option<u64>, now: DateTime<Utc>) -> Option<&Stored> {
        self.0.get(key).filter(|stored| {
            let age = now - stored.kept_at;
            life_ms.is_none_or(|life| {
                age < TimeDelta::milliseconds(i64::try_from(life).unwrap_or(i64::MAX))
            })
        })
    }

    /// Stores the first reply; an outlived one is replaced.
    pub fn keep(&mut self, key: Key, status: u16, body: String, now: DateTime<Utc>) {
        let stored = Stored {
            status,
            body,
            kept_at: now,
        };
        self.0.insert(key, stored);
    }
}
