//! Process furniture: what every Tieout binary needs before it does any work.
//!
//! Configuration that reports every problem at once, structured redacted logs,
//! metrics whose labels are closed sets, health, the admin listener, orderly
//! shutdown, the clock. Nothing here knows what an invoice is; SQL and AMQP are
//! absent on purpose. [`process::main`] puts the pieces together.

pub mod admin;
pub mod clock;
pub mod config;
mod error_chain;
pub mod halt;
pub mod health;
mod json_lines;
pub mod metric;
mod metric_labels;
mod patience;
pub mod process;
pub mod secret;
pub mod shutdown;
pub mod telemetry;
pub mod trace_context;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{ConfigErrors, Settings};
pub use error_chain::chain;
pub use health::{Component, Health};
pub use process::Process;
pub use secret::Secret;
pub use shutdown::Shutdown;
pub use trace_context::TraceContext;
