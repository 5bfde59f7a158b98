//! The seam between the worker and a provider: one small trait without I/O, and the plumbing around it.
//!
//! A provider plans, encodes and reads replies; it never touches the network, a clock or a database. The
//! worker commits what a provider encodes and only then sends it through `http` (or hands it to a customer's
//! agent), so "intent before call" cannot be forgotten in a provider. What is deliberately absent: any
//! concrete provider.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod descriptor;
pub mod http;
pub mod known;
pub mod oauth;
pub mod pacing;
pub mod provider;
pub mod references;
mod retry_after;

pub use descriptor::{AuthStyle, Descriptor, Limit, LimitScope, Playbook, Transport};
pub use known::{Current, CurrentState, Currents, Link, LinkState, Links};
pub use provider::{
    BooksFacts, CallResult, Cost, Effect, ElementResult, External, Judgement, Landed, LandedTotals,
    Marker, Member, Method, Need, PastCall, PastMember, Plan, Prediction, Presence, Provider,
    Reply, Request, Step, View,
};
pub use references::{Import, Imported, References};
