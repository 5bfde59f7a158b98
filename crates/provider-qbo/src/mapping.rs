//! What a document version needs in the books: one plan for preview and push.
//!
//! Each kind has its own file; fields we own are compared in `owned`, money is predicted in `prediction`. A
//! kind that this build does not export is refused in words, never dropped.

mod customer;
mod invoice;
mod lines;
pub(crate) mod owned;
mod prediction;
mod tax;
pub(crate) mod text;
mod update;

use model::{Body, Currency, Failure};
use provider_kit::{Plan, View};
use serde::Serialize;
use serde_json::Value;

use crate::failures;

/// Why a document that was voided or deleted before it was sent is not sent.
const NEVER_SENT: &str = "never sent";

/// Plans one document version. Pure.
pub(crate) fn plan(view: &View<'_>) -> Plan {
    let planned = match &view.document.body {
        Body::Client(client) => customer::plan(view, client),
        Body::Invoice(invoice) => invoice::plan(view, invoice),
        Body::Payment(_) => Err(failures::not_exported("Payments")),
        Body::CreditNote(_) => Err(failures::not_exported("Credit notes")),
        Body::TaxRate(_) => Err(failures::not_exported("Tax rates")),
        Body::Refund(_) => Err(failures::not_exported("Refunds")),
        Body::WriteOff(_) => Err(failures::not_exported("Write-offs")),
        Body::Product(_) => Err(failures::not_exported("Products")),
    };
    planned.unwrap_or_else(Plan::Refused)
}

/// The home currency of the books: as imported, else as set by hand.
fn home_currency(view: &View<'_>) -> Option<Currency> {
    view.books
        .home_currency
        .or_else(|| view.settings.currency_code.parse().ok())
}

/// The element in QuickBooks' words.
fn body(object: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(object).map_err(|error| failures::defect("UNENCODABLE", &error))
}
