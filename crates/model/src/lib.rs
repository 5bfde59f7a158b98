//! The words and rules of Tieout: ids, money, documents, states, failures and decisions. No I/O, no clock.
//!
//! Everything above this crate speaks these words. What is deliberately absent: SQL, AMQP, HTTP and any
//! provider's vocabulary.

pub mod calendar;
pub mod decision;
pub mod digest;
pub mod document;
pub mod event;
pub mod failure;
pub mod id;
pub mod integration;
pub mod money;
pub mod reference;
pub mod state;
pub mod ticket;

pub use decision::{Decision, RetryPolicy, decide};
pub use document::{Body, Document, DocumentKind, Lifecycle};
pub use failure::{Failure, FailureKind, Owner, Reference, ReferenceState, Scope};
pub use id::{
    AccountId, AttemptId, BooksId, CallId, DeadLetterId, EffectId, IntegrationId, ItemId, JobId,
    RunId, SourceId, TokenSetId,
};
pub use integration::{Environment, ProviderKey, SyncFrequency, SyncSettings};
pub use money::{Amount, Currency, Rounding};
pub use reference::ImportKind;
pub use state::{ItemState, Lane, Operation};
pub use ticket::Ticket;
