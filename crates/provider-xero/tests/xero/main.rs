//! Tests of the Xero provider: exact requests, reply tables, look-ups, plans, imports, the official contract, and
//! round trips against the sandbox.

#![cfg(test)]

mod contract;
mod encoding;
mod imports;
mod lookups;
mod plans;
mod plans_of_money;
mod replies;
mod sandbox_money;
mod sandbox_round_trip;
mod support;
mod totals;
mod world;
