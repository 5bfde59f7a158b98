//! The interleavings the core protocol must survive, one test each; the numbers are those of its table.
//!
//! Most drive the store's statements by hand, as two workers would, against a real database; the rest let real
//! workers work on made-up books whose every answer the test controls.

mod attempt;
mod attempts;
mod beliefs;
mod commits;
mod leases;
mod people;
pub(crate) mod rig;
mod session;
mod suspects;
mod tenants;
mod unclear;
mod versions;
