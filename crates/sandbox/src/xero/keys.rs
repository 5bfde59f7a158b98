//! First replies by `Idempotency-Key`.
//!
//! A key belongs to an application. For six minutes the same request brings the first reply again,
//! a failure as well, and another request is refused. Whether the tenant is part of the comparison
//! is not established: here it is, as part of the request.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::answer::Answer;

/// Longest key.
pub const LENGTH_MAX: usize = 128;

/// Keys are swept when there are this many more than after the last sweep.
const SWEEP_EVERY: usize = 10_000;

/// What a key was first used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method, path and query, tenant and body.
    pub parts: [String; 4],
}

#[derive(Debug)]
struct Kept {
    at: DateTime<Utc>,
    request: Request,
    answer: Answer,
}

/// What a key says of a request.
#[derive(Debug)]
pub enum Recall<'a> {
    /// It was not used, or long ago.
    Fresh,
    /// This is the reply.
    Same(&'a Answer),
    /// It was used for something else.
    Conflict,
}

/// All keys.
#[derive(Debug, Default)]
pub struct Keys {
    kept: HashMap<(String, String), Kept>,
    swept_at: usize,
}

impl Keys {
    /// Looks a key up.
    pub fn recall(
        &self,
        app: &str,
        key: &str,
        request: &Request,
        life_ms: Option<u64>,
        now: DateTime<Utc>,
    ) -> Recall<'_> {
        let kept = self.kept.get(&(app.to_owned(), key.to_owned()));
        match kept.filter(|kept| is_alive(kept.at, life_ms, now)) {
            None => Recall::Fresh,
            Some(kept) if kept.request == *request => Recall::Same(&kept.answer),
            Some(_) => Recall::Conflict,
        }
    }

    /// Remembers the first reply under a key.
    pub fn keep(
        &mut self,
        app: &str,
        key: &str,
        request: Request,
        answer: Answer,
        life_ms: Option<u64>,
        now: DateTime<Utc>,
    ) {
        if self.kept.len() >= self.swept_at + SWEEP_EVERY {
            self.kept.retain(|_, kept| is_alive(kept.at, life_ms, now));
            self.swept_at = self.kept.len();
        }
        let kept = Kept {
            at: now,
            request,
            answer,
        };
        self.kept.insert((app.to_owned(), key.to_owned()), kept);
    }
}

fn is_alive(at: DateTime<Utc>, life_ms: Option<u64>, now: DateTime<Utc>) -> bool {
    let Some(life) = life_ms else {
        return true;
    };
    let life = i64::try_from(life).unwrap_or(i64::MAX);
    TimeDelta::try_milliseconds(life).is_none_or(|life| now - at < life)
}
