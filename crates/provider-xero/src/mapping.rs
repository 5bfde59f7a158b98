//! What a document version needs in the books: one plan for preview and push.
//!
//! Each kind has its own file; fields we own are compared in `owned`, money is predicted in `prediction`. A
//! kind that this build does not export is refused in words, never dropped.

mod accounts;
mod allocation;
mod arithmetic;
mod bill;
mod contact;
mod credit_note;
mod invoice;
mod lines;
pub(crate) mod owned;
mod payment;
mod prediction;
mod tax;
pub(crate) mod text;
mod update;

use model::{Body, DocumentKind, Failure, FailureKind, Owner, SourceId};
use provider_kit::{CurrentState, Effect, External, Link, LinkState, Need, Plan, View};
use serde::Serialize;
use serde_json::Value;

use crate::wire::Contact;
use crate::{CUSTOMER, failures, wire};

/// Why a document that was voided or deleted before it was sent is not sent.
const NEVER_SENT: &str = "never sent";

/// Plans one document version. Pure.
pub(crate) fn plan(view: &View<'_>) -> Plan {
    let planned = match &view.document.body {
        Body::Client(client) => contact::plan(view, client),
        Body::Invoice(invoice) => invoice::plan(view, invoice),
        Body::Payment(payment) => payment::plan(view, payment),
        Body::CreditNote(note) => credit_note::plan(view, note),
        Body::Product(_) => Err(failures::not_exported("Products")),
        Body::TaxRate(_) => Err(failures::not_exported("Tax rates")),
        Body::Refund(_) => Err(failures::not_exported("Refunds")),
        Body::WriteOff(_) => Err(failures::not_exported("Write-offs")),
    };
    planned.unwrap_or_else(Plan::Refused)
}

/// The element in Xero's words.
fn body(object: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(object).map_err(|error| failures::defect("UNENCODABLE", &error))
}

/// A read of a linked object.
fn read_of(effect: &Effect, link: &Link) -> Need {
    Need::Current {
        effect: effect.clone(),
        external: External {
            id: link.external_id.clone(),
            revision: link.revision.clone(),
        },
    }
}

/// Another document's object, or what must come first.
enum Known {
    /// Its id.
    Id(String),
    /// This must be known or done first.
    Not(Need),
}

/// The contact of a client. One that was archived is read again, since a person may have restored it; one that was
/// merged is followed to where it went.
fn contact_of(view: &View<'_>, client: &SourceId) -> Result<Known, Failure> {
    let effect = Effect::main(CUSTOMER);
    let Some(link) = view.links.get(DocumentKind::Client, client, &effect) else {
        return Ok(Known::Not(Need::Document {
            kind: DocumentKind::Client,
            id: client.clone(),
        }));
    };
    match link.state {
        LinkState::Active => return Ok(Known::Id(link.external_id.clone())),
        LinkState::Gone => return Err(contact_gone()),
        LinkState::Inactive | LinkState::Ended => {}
    }
    match view.currents.get(CUSTOMER, &link.external_id) {
        None => Ok(Known::Not(read_of(&effect, link))),
        Some(CurrentState::NotThere) => Err(contact_gone()),
        Some(CurrentState::There(current)) => {
            let seen: Contact =
                wire::read(&current.body).ok_or_else(|| failures::unreadable("contact"))?;
            if let Some(survivor) = seen.merged_into() {
                return Ok(Known::Id(survivor.to_owned()));
            }
            match current.state {
                LinkState::Active => Ok(Known::Id(link.external_id.clone())),
                LinkState::Inactive | LinkState::Ended | LinkState::Gone => Err(contact_archived()),
            }
        }
    }
}

fn contact_archived() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "CUSTOMER_ARCHIVED",
        "The contact of this document is archived in Xero, which takes no new documents for it. Restore the contact \
         there, or move the document to another client in ProjectLedger; then send it again.",
    )
    .owned_by(Owner::Bookkeeper)
}

fn contact_gone() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "CUSTOMER_GONE",
        "The contact of this document is no longer in Xero. Choose which contact stands for this client, or let \
         Tieout create it again.",
    )
    .owned_by(Owner::Bookkeeper)
}
