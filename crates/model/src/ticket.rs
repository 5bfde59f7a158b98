//! The ticket: "look at these books", carrying ids only and never a document.

use serde::{Deserialize, Serialize};

use crate::id::BooksId;

/// The ticket format this build writes.
pub const TICKET_VERSION: u16 = 1;

/// A message on a work queue. Losing one costs a second; a duplicate costs one statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Format version.
    pub v: u16,
    /// Which books to look at.
    pub books: BooksId,
}

/// Why a message on a work queue is not a ticket.
#[derive(Debug, thiserror::Error)]
pub enum BadTicket {
    /// Not JSON of a ticket's shape.
    #[error("not a ticket: {0}")]
    Undecodable(#[from] serde_json::Error),
    /// Written by a newer build.
    #[error(
        "ticket version {0} is newer than this build reads ({TICKET_VERSION}); upgrade this consumer"
    )]
    NewerVersion(u16),
}

impl Ticket {
    /// A ticket for these books.
    pub const fn new(books: BooksId) -> Self {
        Self {
            v: TICKET_VERSION,
            books,
        }
    }

    /// The bytes to publish.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a ticket, tolerating fields it does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadTicket> {
        let ticket: Self = serde_json::from_slice(bytes)?;
        if ticket.v > TICKET_VERSION {
            return Err(BadTicket::NewerVersion(ticket.v));
        }
        Ok(ticket)
    }
}
