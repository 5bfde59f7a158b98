//! The leases this process holds, how long it may trust each, and the beat that keeps them (S5, S7).
//!
//! A lease is trusted until `instant before the statement + ttl − 1 s`, by the monotonic clock. A beat that
//! does not return a lease marks it lost: its holder starts nothing more and only finishes recording.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{BooksId, RunId};
use runtime::Clock;
use store::Store;
use store::lease::Held;
use tokio::sync::Notify;

/// Taken off every validity: clocks drift and statements take time.
const MARGIN: Duration = Duration::from_secs(1);

pub(crate) struct Board {
    ttl: Duration,
    clock: Arc<dyn Clock>,
    leases: Mutex<HashMap<RunId, Entry>>,
}

struct Entry {
    held: Held,
    valid_until: Instant,
    is_lost: bool,
    nudge: Arc<Notify>,
}

impl Board {
    pub(crate) fn new(ttl: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            ttl,
            clock,
            leases: Mutex::new(HashMap::new()),
        }
    }

    /// Notes a lease whose touch was begun at `before`; answers what to wait on for marks.
    pub(crate) fn add(&self, held: Held, before: Instant) -> Arc<Notify> {
        let nudge = Arc::new(Notify::new());
        let entry = Entry {
            held,
            valid_until: before + self.ttl,
            is_lost: false,
            nudge: Arc::clone(&nudge),
        };
        self.with(|leases| leases.insert(held.run, entry));
        nudge
    }

    pub(crate) fn remove(&self, run: RunId) {
        self.with(|leases| leases.remove(&run));
    }

    /// Until when something may be sent under this lease; none when it is lost.
    pub(crate) fn trusted_until(&self, run: RunId) -> Option<Instant> {
        self.with(|leases| {
            let entry = leases.get(&run).filter(|entry| !entry.is_lost)?;
            entry.valid_until.checked_sub(MARGIN)
        })
    }

    pub(crate) fn is_lost(&self, run: RunId) -> bool {
        self.with(|leases| leases.get(&run).is_none_or(|entry| entry.is_lost))
    }

    pub(crate) fn lose(&self, run: RunId) {
        self.with(|leases| {
            if let Some(entry) = leases.get_mut(&run) {
                entry.is_lost = true;
                entry.nudge.notify_one();
            }
        });
    }

    /// A ticket for books this process already holds: the holder looks again without waiting for a call.
    pub(crate) fn nudge(&self, books: BooksId) {
        self.with(|leases| {
            for entry in leases.values().filter(|entry| entry.held.books == books) {
                entry.nudge.notify_one();
            }
        });
    }

    pub(crate) fn count(&self) -> usize {
        self.with(|leases| leases.len())
    }

    /// S7 for every lease held.
    pub(crate) async fn beat(&self, store: &Store) {
        let held: Vec<Held> = self.with(|leases| {
            leases
                .values()
                .filter(|e| !e.is_lost)
                .map(|e| e.held)
                .collect()
        });
        if held.is_empty() {
            return;
        }
        let before = self.clock.monotonic();
        match store.beat(&held, self.ttl).await {
            Ok(kept) => self.with(|leases| {
                for each in &held {
                    let Some(entry) = leases.get_mut(&each.run) else { continue };
                    if kept.iter().any(|(run, _)| *run == each.run) {
                        entry.valid_until = before + self.ttl;
                    } else {
                        tracing::warn!(books = %each.books, "lease of {} was taken over by another worker", each.books);
                        entry.is_lost = true;
                        entry.nudge.notify_one();
                    }
                }
            }),
            // Nothing is known: the leases run out by themselves if this goes on.
            Err(error) => tracing::warn!("leases could not be kept: {}", runtime::chain(&error)),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<RunId, Entry>) -> T) -> T {
        act(&mut self.leases.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
