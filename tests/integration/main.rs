//! The one integration-test binary.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with a line number is what a failing test is, in its helpers too"
)]

mod cancelled_begin;
mod documents;
mod event_schemas;
mod harness_works;
mod hostile_messages;
mod interleavings;
mod kill_sweep;
mod lease_model;
mod seeded_targets;
mod tidy;
mod unclear_outcomes;
mod walls;
mod xero_sweep;
