//! The monotonic time of connections, deadlines and pauses.

use tokio::time::Instant;

/// Now, in the runtime's time, which a test can pause.
///
/// It says nothing about the date and is never stored: it only measures how long the broker
/// takes, next to the runtime's own timers.
#[expect(
    clippy::disallowed_methods,
    reason = "deadlines of connections go with tokio's timers, not with the business clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
