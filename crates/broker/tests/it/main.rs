//! Tests of the broker crate against a real broker at `AMQP_URL`.

mod common;
mod consuming;
mod outages;
mod publishing;
