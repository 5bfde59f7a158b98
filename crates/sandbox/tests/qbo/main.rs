//! The QuickBooks Online sandbox over real HTTP, one module for each group of rules.

#![expect(
    clippy::unwrap_used,
    reason = "a panic with a line number is what a failing test is"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "bodies are written in place with `json!`"
)]

mod batches;
mod changes;
mod credits;
mod faults;
mod harness;
mod invoices;
mod lists;
mod oauth;
mod operations;
mod payments;
mod people;
mod queries;
mod random_books;
mod replays;
mod taxes;
mod webhooks;
