//! The scheduler: time, the outbox and the keeping of dead letters.
//!
//! ```text
//! every process:  election ── leads? ──> jobs: relay, calendars, gaps, consents, pruning, measuring
//!                 keeper of tieout.dead (processes share the queue's messages)
//! ```
//!
//! Only the leader runs jobs, and stops them at once when it is the leader no more. Nothing depends on there
//! being one leader only: a slot is run by its key, the outbox is published at least once. Leading saves work.
//! What is deliberately absent: calls to providers, and documents. It sees when and where, never what.

mod calendars;
mod config;
mod consents;
mod election;
mod jobs;
mod keeper;
mod measure;
mod relay;
mod run;

pub use calendars::{Calendars, Ran};
pub use config::Config;
pub use election::{Election, Leading};
pub use keeper::Keeper;
pub use relay::{Relayed, relay};
pub use run::run;
