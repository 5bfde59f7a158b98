//! How long to wait before the next try to reach the broker.

use std::time::Duration;

use rand::Rng;

/// The pause after the first failure, before jitter.
const FIRST: Duration = Duration::from_millis(200);
/// The longest pause, before the fault's own floor.
const LONGEST: Duration = Duration::from_secs(5);

/// The pause after `failures` failures in a row: doubling from 0.2 s up to 5 s, of which a
/// random half to whole is taken, so that a fleet does not come back in step; never below
/// `floor`.
pub(crate) fn pause(failures: u32, floor: Duration, rng: &mut impl Rng) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    let whole = u64::try_from(doubled.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
    let jittered = rng.random_range(whole / 2..=whole);
    Duration::from_millis(jittered).max(floor)
}

#[cfg(test)]
#[path = "backoff_tests.rs"]
mod tests;
