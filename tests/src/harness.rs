//! What integration tests stand on: databases, vhosts, sandboxes, processes and faulty networks of their own.
//!
//! Each part belongs to one test and goes when it is dropped, so tests run side by side. The servers are those
//! of `DATABASE_URL` and `AMQP_URL`. A part that cannot be set up panics with what is missing: a test that
//! cannot run has failed.

mod broker;
mod database;
mod process;
mod proxy;
mod sandbox;
mod stage;
mod tie_out;
mod wait;

pub use broker::Broker;
pub use database::Database;
pub use process::Process;
pub use proxy::{Proxy, Way};
pub use sandbox::{Sandbox, Simulated, http};
pub use stage::{Connected, SEAL_KEYS, Setting, Stage, Wiring};
pub use tie_out::{Applied, Books, Entity, Held, HeldEffect, Object, Sides};
pub use wait::{eventually, until};

/// A name that no other test has, for what is shared on a server: letters and digits after the prefix.
fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", model::RunId::fresh().uuid().simple())
}
