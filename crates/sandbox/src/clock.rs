//! The sandbox's clock: real time plus an offset that the control API may move forward.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Real time, shifted by however far a test has advanced it.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// The present instant of this sandbox.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the sandbox's clock; everything else asks it"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Moves the clock forward, so that tokens and keys can be aged without waiting.
    pub fn advance(&self, milliseconds: i64) {
        self.ahead_ms.fetch_add(milliseconds, Ordering::Relaxed);
    }
}
