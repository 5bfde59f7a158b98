//! Tests of when a look-up that did not come about is due again.

use super::*;
use crate::pace;

#[test]
fn a_look_up_that_waits_for_our_own_pace_goes_on_when_the_pace_allows() {
    let pause = Halt {
        failure: Failure::new(FailureKind::Throttled, pace::PACED, "used up for now"),
        wait: Duration::from_secs(11),
    };
    let due = look_up_after(&Next::More, Some(&pause), &RetryPolicy::default());
    assert_eq!(due, (pause.wait, false));
}

#[test]
fn a_look_up_that_failed_counts_as_a_try_and_backs_off() {
    let next = Next::Later {
        after: Duration::from_secs(3),
        failure: Failure::new(FailureKind::Unreachable, "UNREACHABLE", "no answer"),
    };
    let due = look_up_after(&next, None, &RetryPolicy::default());
    assert_eq!(due, (Duration::from_secs(3), true));
}
