//! The test harness: a made-up ProjectLedger, databases, vhosts, processes and sandboxes for the tests.

pub mod harness;
pub mod ledger;
pub mod scripted;
