//! Tests of the broker crate against a real broker at `AMQP_URL`.

#![expect(
    clippy::unwrap_used,
    reason = "a panic with a line number is what a failing test is"
)]

mod consuming;
mod outages;
mod publishing;
mod rig;
