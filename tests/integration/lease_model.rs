//! An exhaustive model of the lease protocol: two workers, two items, one books.
//!
//! The statements S1 to S11 and the life of a call are atomic steps on a small state; every order
//! of the steps is searched, with faults from a budget. In each state the invariants are checked,
//! and from each the *fair completion* (no more faults; workers, then time, then the sweep, then
//! tickets) must end with all items done. Each rule is then taken out, and the search must find
//! what it was there for, in a world where the whole protocol holds.
//!
//! How the model abstracts:
//! - Time is order. A freeze is an expiry while the holder lives, and its next step is the thaw; a
//!   run that is never scheduled is slow. *Settle* passes when what was sent before it can no
//!   longer execute, unless the world says otherwise.
//! - A fence stands for the run id, and only the order of fences counts; of `wake` only whether it
//!   is still the one that was read.
//! - The provider forgets a key whenever that hurts most. An item has one effect, its creation; an
//!   update is guarded by a revision and is one step. A run has one call in flight at a time.
//! - Absent: quotas, raw replies, tokens, several books, reads that lag (the same to a look-up as
//!   a request that arrives later).

mod explore;
mod rules;
mod sending;
mod state;
mod steps;

use explore::explore;
use rules::{Documents, Marks, Model, Mutation, Settle, Violation};
use state::{Budget, Fault};

/// The protocol whole, in the world it is made for.
fn protocol(faults: &[Fault]) -> Model {
    Model {
        mutation: None,
        settle: Settle::Covers,
        documents: Documents::Dependent,
        marks: Marks::InTransaction,
        budget: Budget::of(faults),
    }
}

#[expect(clippy::print_stdout, reason = "the size of the search is its result")]
fn assert_holds(name: &str, model: &Model) {
    match explore(model) {
        Ok(explored) => println!(
            "{name}: {} states, {} steps",
            explored.states, explored.steps
        ),
        Err(counterexample) => panic!("{name}: {counterexample}"),
    }
}

/// The world is one in which the protocol holds, and without the rule it breaks this promise.
#[expect(
    clippy::print_stdout,
    reason = "the counterexample is the point of the rule"
)]
fn assert_needed(mutation: Mutation, world: Model, expected: Violation) {
    assert_holds("the protocol whole", &world);
    let mutated = Model {
        mutation: Some(mutation),
        ..world
    };
    let Err(counterexample) = explore(&mutated) else {
        panic!("nothing goes wrong under {mutation:?}");
    };
    println!("{mutation:?}: {counterexample}");
    assert_eq!(counterexample.violation, expected, "{counterexample}");
}

#[test]
fn the_protocol_survives_two_crashes_a_lost_ticket_a_duplicate_and_a_new_version() {
    assert_holds(
        "crashes and tickets",
        &protocol(&[
            Fault::Crash,
            Fault::Crash,
            Fault::LostTicket,
            Fault::DuplicateTicket,
            Fault::NewVersion,
        ]),
    );
}

#[test]
fn the_protocol_survives_two_crashes_and_a_reply_that_never_comes() {
    assert_holds(
        "crashes and a lost reply",
        &protocol(&[
            Fault::Crash,
            Fault::Crash,
            Fault::NewVersion,
            Fault::Timeout,
        ]),
    );
}

#[test]
fn the_protocol_survives_two_crashes_with_a_refusal_a_park_and_a_yield() {
    assert_holds(
        "crashes, refusal, park, yield",
        &protocol(&[
            Fault::Crash,
            Fault::Crash,
            Fault::Refusal,
            Fault::Park,
            Fault::Yield,
        ]),
    );
}

#[test]
fn the_protocol_survives_one_of_each_fault_together() {
    assert_holds(
        "one of each",
        &protocol(&[
            Fault::Crash,
            Fault::LostTicket,
            Fault::DuplicateTicket,
            Fault::NewVersion,
            Fault::Timeout,
            Fault::Refusal,
            Fault::Park,
        ]),
    );
}

#[test]
fn a_batch_of_two_is_closed_as_one_call() {
    let batch = Model {
        documents: Documents::Batch,
        ..protocol(&[
            Fault::Crash,
            Fault::NewVersion,
            Fault::Timeout,
            Fault::Refusal,
        ])
    };
    assert_holds("a batch", &batch);
}

#[test]
fn a_freeze_longer_than_settle_is_seen_as_two_objects() {
    let world = protocol(&[Fault::Freeze]);
    assert_holds("a freeze within settle", &world);
    let residual = Model {
        settle: Settle::TooShort,
        ..world
    };
    let Err(counterexample) = explore(&residual) else {
        panic!("the model does not see the residual");
    };
    assert_eq!(counterexample.violation, Violation::TwoObjects);
}

#[test]
fn release_needs_the_wake_test() {
    let world = protocol(&[]);
    assert_needed(Mutation::ReleaseWithoutWakeTest, world, Violation::Stranded);
}

#[test]
fn a_touch_is_one_statement() {
    let world = Model {
        marks: Marks::ByTicketOnly,
        ..protocol(&[])
    };
    assert_needed(Mutation::TryThenMark, world, Violation::Stranded);
}

#[test]
fn the_sweep_finds_expired_leases() {
    assert_needed(
        Mutation::NoLeaseSweep,
        protocol(&[Fault::Crash]),
        Violation::Stranded,
    );
}

#[test]
fn a_claim_requires_the_fence() {
    let world = protocol(&[Fault::Freeze]);
    assert_needed(Mutation::ClaimWithoutGuard, world, Violation::Stranded);
}

#[test]
fn an_intent_requires_the_fence() {
    assert_needed(
        Mutation::IntentWithoutGuard,
        protocol(&[Fault::NewVersion, Fault::Freeze]),
        Violation::Stranded,
    );
}

#[test]
fn nothing_is_sent_after_its_deadline() {
    let world = protocol(&[Fault::Freeze]);
    assert_needed(Mutation::SendWithoutDeadline, world, Violation::TwoObjects);
}

#[test]
fn absence_is_believed_only_after_settle() {
    let world = protocol(&[Fault::Timeout]);
    assert_needed(
        Mutation::AbsenceBelievedAtOnce,
        world,
        Violation::TwoObjects,
    );
}

#[test]
fn a_reply_is_recorded_whoever_holds_the_lease() {
    let world = Model {
        settle: Settle::ReplyBeforeIntent,
        ..protocol(&[Fault::Freeze])
    };
    assert_needed(Mutation::RecordGuardedByLease, world, Violation::TwoObjects);
}

#[test]
fn an_intent_reads_the_late_reply_first() {
    let world = Model {
        settle: Settle::ReplyBeforeIntent,
        ..protocol(&[Fault::NewVersion, Fault::Freeze])
    };
    assert_needed(Mutation::LateReplyUnread, world, Violation::TwoObjects);
}

#[test]
fn a_lease_is_not_released_with_a_call_in_flight() {
    let world = protocol(&[Fault::Yield]);
    assert_needed(
        Mutation::YieldWithCallInFlight,
        world,
        Violation::ReleasedInFlight,
    );
}

#[test]
fn every_acquisition_raises_the_fence() {
    let world = protocol(&[]);
    assert_needed(Mutation::FenceNotRaised, world, Violation::FenceNotRaised);
}

#[test]
fn an_item_waits_only_for_what_is_missing_under_the_lease_lock() {
    let world = protocol(&[Fault::Freeze]);
    assert_needed(Mutation::WaitWithoutRecheck, world, Violation::Stranded);
}

#[test]
fn recording_raises_wake_and_lowers_next_at() {
    let world = protocol(&[Fault::Freeze]);
    assert_needed(Mutation::RecordWithoutMark, world, Violation::Stranded);
}

#[test]
fn absence_is_recorded_under_the_lease() {
    let world = protocol(&[Fault::Crash, Fault::Crash, Fault::Timeout]);
    assert_needed(
        Mutation::AbsenceRecordedWithoutLease,
        world,
        Violation::SentOverOpenAttempt,
    );
}

#[test]
fn not_sent_is_recorded_under_the_lease() {
    let world = protocol(&[Fault::Crash, Fault::Timeout]);
    assert_needed(
        Mutation::NotSentRecordedWithoutLease,
        world,
        Violation::TwoObjects,
    );
}

#[test]
fn a_refusal_ends_only_the_sending_it_answers() {
    let world = protocol(&[Fault::Crash, Fault::Timeout, Fault::Refusal]);
    assert_needed(Mutation::StaleRefusalRecorded, world, Violation::TwoObjects);
}

#[test]
fn a_key_is_used_for_the_same_members_only() {
    let world = Model {
        documents: Documents::Batch,
        ..protocol(&[Fault::Timeout, Fault::Refusal])
    };
    assert_needed(
        Mutation::RebatchedRetry,
        world,
        Violation::DoneWithoutObject,
    );
}
