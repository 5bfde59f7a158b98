//! Every SQL statement of Tieout, next to its row type. Nobody else names sqlx.
//!
//! A method of [`Store`] is one transaction with a stated order of locks: lease, items, integration. The
//! statements on the lease are S1 to S11 of ARCHITECTURE.md, each named where it stands. What is
//! deliberately absent: network calls, decisions, any provider's words.

pub mod admin;
pub mod claim;
pub mod dead;
mod error;
mod finding;
pub mod import;
pub mod intake;
pub mod intent;
pub mod lease;
mod moving;
pub mod operate;
pub mod outbox;
mod pool;
pub mod record;
pub mod reference;
mod refused;
pub mod schedule;
pub mod seal;
pub mod token;
mod unclear;
pub mod units;
pub mod verify;
mod waiting;
mod wanting;

pub use error::StoreError;
pub use pool::{Role, Store};
