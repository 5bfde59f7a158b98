//! Waiting with a limit, and noticing Ctrl-C while doing so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::failure::{Context, Failure, Result};

/// How often a wait looks again: short enough to feel immediate, long enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(50);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on Ctrl-C, SIGTERM and SIGHUP raise a flag instead of ending this process, so that children
/// are stopped in order.
pub(crate) fn watch_for_interrupts() -> Result<()> {
    let flag = INTERRUPTED.get_or_init(|| Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .context(|| "cannot watch for Ctrl-C".to_owned())?;
    }
    Ok(())
}

/// Whether a person or a supervisor asked us to stop.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Fails when a person or a supervisor asked us to stop.
pub(crate) fn stop_if_interrupted() -> Result<()> {
    if is_interrupted() {
        return Err(Failure::new("interrupted"));
    }
    Ok(())
}

/// A point on the monotonic clock; the automation's only reader of it.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        now().duration_since(self.0)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the automation depends on no crate of ours, so it has no clock to be given"
)]
fn now() -> Instant {
    Instant::now()
}

/// Asks `look` until it answers or `limit` has passed; `None` means the limit passed.
/// Ctrl-C and an error of `look` end the wait at once.
pub(crate) fn until<T>(
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let watch = Stopwatch::start();
    loop {
        stop_if_interrupted()?;
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if watch.elapsed() > limit {
            return Ok(None);
        }
        pause();
    }
}

/// As `until`, for stopping things: a second Ctrl-C must not leave children behind.
pub(crate) fn until_stopped(limit: Duration, mut is_stopped: impl FnMut() -> bool) -> bool {
    let watch = Stopwatch::start();
    while !is_stopped() {
        if watch.elapsed() > limit {
            return false;
        }
        pause();
    }
    true
}

/// A longer rest, between looks that cost a process each.
pub(crate) fn pause_between_looks() {
    for _ in 0..10 {
        if is_interrupted() {
            return;
        }
        pause();
    }
}

/// One short rest between two looks.
pub(crate) fn pause() {
    thread::sleep(LOOK_EVERY);
}
