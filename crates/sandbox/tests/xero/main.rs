//! The Xero sandbox over real HTTP, one module for each group of rules.

#![expect(
    clippy::unwrap_used,
    reason = "a panic with a line number is what a failing test is"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "bodies are written in place with `json!`"
)]

mod batches;
mod contacts;
mod credits;
mod faults;
mod harness;
mod identity;
mod invoices;
mod keys;
mod operations;
mod payments;
mod reading;
mod webhooks;
