//! Stateful simulators of accounting providers, for the demo and every fault test.
//!
//! A simulator answers real HTTP, keeps its books in memory, writes a journal of every request
//! and breaks on demand. It shares no code with the product, so that a wrong rounding on one
//! side cannot agree with itself on the other.

pub mod clock;
pub mod qbo;
pub mod web;
pub mod xero;
