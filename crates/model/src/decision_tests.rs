//! Tests of the one decision function.

use super::*;

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, "TEST", "a test")
}

fn delay_of(decision: &Decision) -> Duration {
    match decision {
        Decision::Retry { after } => *after,
        other => panic!("expected a retry, got {other:?}"),
    }
}

#[test]
fn every_kind_of_failure_has_a_decision() {
    let policy = RetryPolicy::default();
    for kind in FailureKind::ALL {
        let decision = decide(&failure(kind), 1, &policy, 7);
        let retries = matches!(decision, Decision::Retry { .. });
        assert_eq!(
            retries,
            matches!(kind, FailureKind::Unreachable | FailureKind::Throttled),
            "{kind:?}"
        );
    }
}

#[test]
fn an_unclear_outcome_is_never_retried_blindly() {
    for attempt in 1..100 {
        let decision = decide(
            &failure(FailureKind::OutcomeUnknown),
            attempt,
            &RetryPolicy::default(),
            1,
        );
        assert!(matches!(decision, Decision::Verify { .. }));
    }
}

#[test]
fn a_wish_to_wait_lengthens_a_delay_and_never_shortens_it() {
    let policy = RetryPolicy::default();
    let short = failure(FailureKind::Throttled).with_retry_after(Some(Duration::from_secs(1)));
    let long = failure(FailureKind::Throttled).with_retry_after(Some(Duration::from_secs(4_000)));
    assert!(delay_of(&decide(&short, 1, &policy, 1)) >= policy.throttle_delay);
    assert_eq!(
        delay_of(&decide(&long, 1, &policy, 1)),
        Duration::from_secs(4_000)
    );
}

#[test]
fn delays_grow_and_stay_under_the_cap() {
    let policy = RetryPolicy {
        most_attempts: 100,
        ..RetryPolicy::default()
    };
    let down = failure(FailureKind::Unreachable);
    assert!(delay_of(&decide(&down, 6, &policy, 1)) > delay_of(&decide(&down, 1, &policy, 1)));
    for attempt in 1..100 {
        assert!(delay_of(&decide(&down, attempt, &policy, 9)) <= policy.longest_delay * 5 / 4);
    }
}

#[test]
fn the_same_seed_gives_the_same_delay_and_another_seed_another() {
    let policy = RetryPolicy::default();
    let down = failure(FailureKind::Unreachable);
    assert_eq!(decide(&down, 3, &policy, 5), decide(&down, 3, &policy, 5));
    assert_ne!(decide(&down, 3, &policy, 5), decide(&down, 3, &policy, 6));
}

#[test]
fn a_provider_that_stays_unreachable_becomes_a_dead_letter() {
    let policy = RetryPolicy::default();
    let last = decide(
        &failure(FailureKind::Unreachable),
        policy.most_attempts,
        &policy,
        1,
    );
    assert_eq!(
        last,
        Decision::GiveUp {
            owner: Owner::Operator
        }
    );
}

#[test]
fn an_invoice_that_is_not_open_for_as_much_is_tried_again_before_a_person_is_asked() {
    let policy = RetryPolicy::default();
    let not_open = Failure::new(FailureKind::Conflict, NOT_OPEN, "less is open");
    for attempt in 1..policy.most_attempts {
        assert!(matches!(
            decide(&not_open, attempt, &policy, 1),
            Decision::Retry { .. }
        ));
    }
    assert_eq!(
        decide(&not_open, policy.most_attempts, &policy, 1),
        Decision::Park {
            owner: Owner::Bookkeeper
        }
    );
}

#[test]
fn a_stale_revision_is_read_again_and_other_conflicts_wait_for_a_person() {
    let stale = Failure::new(FailureKind::Conflict, STALE_REVISION, "stale");
    assert_eq!(
        decide(&stale, 1, &RetryPolicy::default(), 1),
        Decision::LookFirst
    );
    let edited = Failure::new(FailureKind::Conflict, "EDITED", "edited in the books");
    assert_eq!(
        decide(&edited, 1, &RetryPolicy::default(), 1),
        Decision::Park {
            owner: Owner::Bookkeeper
        }
    );
}
