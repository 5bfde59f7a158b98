//! Tests of the scheduler against a real PostgreSQL and a real RabbitMQ.

mod election;
mod keeping;
mod processes;
mod relaying;
mod rig;
mod slots;
