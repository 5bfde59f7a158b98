//! The producer: from a message of `ProjectLedger`'s to committed rows, then announcements.
//!
//! `submit` is the one way in, for AMQP now and for the API later. It validates, writes documents, items and
//! wake marks in one transaction, and answers which books should be looked at; announcing them is best effort,
//! because every consumer's sweep finds what was not announced. What is deliberately absent: providers by name.

mod announce;
mod consume;
mod submit;

pub use announce::announce;
pub use consume::{Config, run};
pub use submit::{SubmitError, Submitted, submit};
