//! Events in: `ProjectLedger`'s CloudEvents, checked whole and taken apart into documents.
//!
//! `parse` is the only door. What it lets through needs no second look: ids, texts, dates and amounts are
//! within bounds, currencies are known, sums agree to the last minor unit. What it refuses comes back as a
//! `BadEvent`: *undecodable* when the envelope does not say whose event this is (the message goes aside),
//! *invalid* when it does and the contents are wrong (refused, with the reason, for that account to mend).
//! The contract, with one example of each type, is `docs/events.md`; the schemas lie in
//! `crates/model/schemas`.
//!
//! Deliberately absent: what an event means for a books, and whether its id or sequence was seen before.

mod data;
mod envelope;
mod fault;
mod hash;
mod json;
mod reader;
mod rules;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentKind};
use crate::id::{AccountId, IntegrationId};
use crate::money::{Amount, Currency};

pub use envelope::{Envelope, EventType};
pub use fault::{BadEvent, Code, Fault};
pub use hash::canonical_hash;

/// How much an event may hold; starting values, configurable by whoever calls `parse_within`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the whole message: 1 MiB. Checked before anything is read.
    pub bytes: usize,
    /// Objects and lists inside each other: 32. The deepest document needs 7.
    pub depth: usize,
    /// Lines of a document: 1,000, which the strictest provider takes in one call.
    pub lines: usize,
    /// Allocations of a payment or credit note: 1,000.
    pub allocations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1024 * 1024,
            depth: 32,
            lines: 1_000,
            allocations: 1_000,
        }
    }
}

/// An accepted event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The event's own id; a second event of the account with this id is a duplicate.
    pub id: String,
    /// What happened.
    pub event_type: EventType,
    /// The tenant.
    pub account: AccountId,
    /// Rises by one with each event of the account, from 1.
    pub sequence: i64,
    /// When it happened in `ProjectLedger`.
    pub occurred_at: DateTime<Utc>,
    /// The W3C `traceparent` it came with, if well-formed.
    pub trace: Option<String>,
    /// Where the document came from, if it was imported from a books.
    pub origin: Option<Origin>,
    /// What it brings.
    pub payload: Payload,
}

/// The object in a books that a document was imported from: its echo must not be sent back there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The integration it was imported through.
    pub integration_id: IntegrationId,
    /// The object's id in the books.
    pub external_id: String,
    /// The object's kind.
    pub kind: DocumentKind,
}

/// What an event brings.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one event is held at a time, and nearly every one brings a document"
)]
pub enum Payload {
    /// One version of a document.
    Document {
        /// The document the event is about.
        document: Document,
        /// The client it names, as a document of its own, so that it can be sent first.
        clients: Vec<Document>,
    },
    /// What `ProjectLedger` counted, to be compared with what arrived.
    ControlTotals {
        /// The day the counted documents are dated.
        day: NaiveDate,
        /// One entry per kind and currency.
        kinds: Vec<ControlTotal>,
    },
}

/// Count and sum of one kind of document in one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlTotal {
    /// Which kind.
    pub kind: DocumentKind,
    /// In which currency.
    pub currency: Currency,
    /// How many documents, not counting voided and deleted ones.
    pub count: i64,
    /// Their gross totals or amounts added up.
    pub sum: Amount,
}

/// Reads and checks a message within the default limits.
pub fn parse(bytes: &[u8]) -> Result<Event, BadEvent> {
    parse_within(bytes, &Limits::default())
}

/// Reads and checks a message within these limits.
pub fn parse_within(bytes: &[u8], limits: &Limits) -> Result<Event, BadEvent> {
    let message = json::decode(bytes, limits).map_err(BadEvent::Undecodable)?;
    let envelope = envelope::open(&message.root).map_err(BadEvent::Undecodable)?;
    let contents = message
        .refuse_nul()
        .and_then(|()| data::read(&envelope, &message.root, limits));
    match contents {
        Ok(contents) => Ok(Event {
            id: envelope.id,
            event_type: envelope.event_type,
            account: envelope.account,
            sequence: envelope.sequence,
            occurred_at: envelope.occurred_at,
            trace: envelope.trace,
            origin: contents.origin,
            payload: contents.payload,
        }),
        Err(fault) => Err(BadEvent::Invalid {
            envelope: Box::new(envelope),
            fault,
        }),
    }
}

#[cfg(test)]
mod tests;
