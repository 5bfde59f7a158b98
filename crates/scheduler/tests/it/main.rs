//! Tests of the scheduler against a real PostgreSQL and a real RabbitMQ.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy sees only the test functions themselves"
)]

mod election;
mod keeping;
mod processes;
mod relaying;
mod rig;
mod slots;
