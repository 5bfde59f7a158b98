//! The clock every part is given: the system's in production, a manual one in tests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time. Whoever needs "now" is handed one of these.
pub trait Clock: Send + Sync {
    /// The wall clock, for what is stored or shown.
    fn now(&self) -> DateTime<Utc>;

    /// A clock that never goes back, for deadlines inside this process.
    fn monotonic(&self) -> Instant;
}

/// The machine's clock; the only place that asks for the global time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock the others are given"
)]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves only when told to; clones share the same time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    hands: Arc<Mutex<Hands>>,
}

#[derive(Debug)]
struct Hands {
    wall: DateTime<Utc>,
    monotonic: Instant,
}

impl ManualClock {
    /// A clock that stands at `wall`.
    pub fn at(wall: DateTime<Utc>) -> Self {
        let monotonic = SystemClock.monotonic();
        Self {
            hands: Arc::new(Mutex::new(Hands { wall, monotonic })),
        }
    }

    /// Moves both hands forward.
    pub fn advance(&self, by: Duration) {
        let delta =
            TimeDelta::from_std(by).expect("a test advances by less than 292 million years");
        self.with_hands(|hands| {
            hands.wall += delta;
            hands.monotonic += by;
        });
    }

    /// Sets the wall clock alone, as an administrator or NTP would; the monotonic hand stays.
    pub fn set_wall(&self, wall: DateTime<Utc>) {
        self.with_hands(|hands| hands.wall = wall);
    }

    fn with_hands<T>(&self, act: impl FnOnce(&mut Hands) -> T) -> T {
        act(&mut self.hands.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.with_hands(|hands| hands.wall)
    }

    fn monotonic(&self) -> Instant {
        self.with_hands(|hands| hands.monotonic)
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
