//! The one function that decides what follows a failure: retry, look first, verify, park or give up.
//!
//! No other place sleeps, loops or decides. Delays come from the `backoff` crate's exponential policy,
//! kept behind this function; jitter is drawn from a seed, so a test can pin it.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

use crate::failure::{Failure, FailureKind, NOT_OPEN, Owner, STALE_REVISION};

/// Bounds of retrying; starting values, data and not code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// First delay.
    pub first_delay: Duration,
    /// Longest delay.
    pub longest_delay: Duration,
    /// Attempts at one version before giving up (throttling does not count).
    pub most_attempts: u32,
    /// The least wait after being throttled without a stated time.
    pub throttle_delay: Duration,
    /// Wait before the first look-up after an unclear outcome.
    pub first_lookup_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(2),
            longest_delay: Duration::from_mins(15),
            most_attempts: 12,
            throttle_delay: Duration::from_mins(1),
            first_lookup_delay: Duration::from_secs(2),
        }
    }
}

/// What happens next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Try again after this long.
    Retry {
        /// How long to wait.
        after: Duration,
    },
    /// Read what is in the books, compare, then plan again.
    LookFirst,
    /// Find out what became of the call before anything else is sent.
    Verify {
        /// How long to wait before the first look-up.
        after: Duration,
    },
    /// Wait until somebody acts or a dependency arrives.
    Park {
        /// Who must act.
        owner: Owner,
    },
    /// Nothing more is tried by itself: a dead letter.
    GiveUp {
        /// Who must act.
        owner: Owner,
    },
}

/// Decides what follows `failure` at the `attempt`th try (from 1). `seed` pins the jitter.
pub fn decide(failure: &Failure, attempt: u32, policy: &RetryPolicy, seed: u64) -> Decision {
    let again = |least: Duration| Decision::Retry {
        after: delay(attempt, policy, seed)
            .max(least)
            .max(failure.retry_after.unwrap_or_default()),
    };
    match failure.kind {
        FailureKind::Throttled => again(policy.throttle_delay),
        FailureKind::OutcomeUnknown => Decision::Verify {
            after: policy.first_lookup_delay,
        },
        FailureKind::Unreachable if attempt < policy.most_attempts => again(Duration::ZERO),
        FailureKind::Unreachable => Decision::GiveUp {
            owner: Owner::Operator,
        },
        FailureKind::Conflict
            if failure.code == STALE_REVISION && attempt < policy.most_attempts =>
        {
            Decision::LookFirst
        }
        FailureKind::Conflict if failure.code == NOT_OPEN && attempt < policy.most_attempts => {
            again(Duration::ZERO)
        }
        FailureKind::Conflict
        | FailureKind::DependencyMissing
        | FailureKind::Unauthorized
        | FailureKind::Unsupported
        | FailureKind::AgentAbsent => Decision::Park {
            owner: failure.owner,
        },
        // It waits for another object, or for what is known of the books: no dead letter of its own.
        FailureKind::Rejected if failure.reference.is_some() || failure.asks_import.is_some() => {
            Decision::Park {
                owner: failure.owner,
            }
        }
        FailureKind::Rejected | FailureKind::Defect => Decision::GiveUp {
            owner: failure.owner,
        },
    }
}

/// The delay before try `attempt + 1`: exponential, capped, with ±25 % of seeded jitter.
fn delay(attempt: u32, policy: &RetryPolicy, seed: u64) -> Duration {
    let mut steps = ExponentialBackoff {
        current_interval: policy.first_delay,
        initial_interval: policy.first_delay,
        randomization_factor: 0.0,
        multiplier: 2.0,
        max_interval: policy.longest_delay,
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    let mut base = policy.first_delay;
    for _ in 0..attempt.clamp(1, 32) {
        base = steps.next_backoff().unwrap_or(policy.longest_delay);
    }
    let spread = splitmix(seed ^ u64::from(attempt)) % 501;
    let permille = u32::try_from(750 + spread).unwrap_or(1_000);
    base.min(policy.longest_delay).saturating_mul(permille) / 1_000
}

/// `SplitMix64`: one well-mixed word from a seed.
const fn splitmix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
