//! What a document version needs in the books: one plan for preview and push.
//!
//! Each kind has its own file; fields we own are compared in `owned`, money is predicted in `prediction`. A
//! kind that this build does not export is refused in words, never dropped.

mod application;
mod closed;
mod credit;
mod currency;
mod customer;
mod invoice;
mod lines;
pub(crate) mod owned;
mod party;
mod payment;
mod prediction;
mod product;
mod sale;
mod tax;
mod tax_rate;
pub(crate) mod text;
mod update;

use model::{Body, Failure};
use provider_kit::{Need, Plan, Step, View};
use serde::Serialize;
use serde_json::Value;

use crate::failures;

/// Why a document that was voided or deleted before it was sent is not sent.
const NEVER_SENT: &str = "never sent";

/// Why a document from before the integration is not sent.
const TOO_EARLY: &str = "dated before the start date";

/// Why planning ends before there are steps.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Stop {
    /// It cannot be sent.
    Refused(Failure),
    /// Something must be known or done first.
    Needs(Vec<Need>),
    /// It is not sent, on purpose.
    Skip(&'static str),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// The result of planning, or of a part of it.
type Planned<T> = Result<T, Stop>;

/// Plans one document version. Pure.
pub(crate) fn plan(view: &View<'_>) -> Plan {
    let planned: Planned<Vec<Step>> = match &view.document.body {
        Body::Client(client) => customer::plan(view, client),
        Body::Product(product) => product::plan(view, product),
        Body::Invoice(invoice) => invoice::plan(view, invoice),
        Body::Payment(payment) => payment::plan(view, payment),
        Body::CreditNote(note) => credit::plan(view, note),
        Body::TaxRate(rate) => tax_rate::plan(view, rate),
        Body::Refund(_) => Err(failures::not_exported("Refunds").into()),
        Body::WriteOff(_) => Err(failures::not_exported("Write-offs").into()),
    };
    match planned {
        Ok(steps) => Plan::Steps(steps),
        Err(Stop::Needs(needs)) => Plan::Needs(needs),
        Err(Stop::Skip(why)) => Plan::Skip(why),
        Err(Stop::Refused(failure)) => Plan::Refused(failure),
    }
}

/// The element in QuickBooks' words.
fn body(object: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(object).map_err(|error| failures::defect("UNENCODABLE", &error))
}
