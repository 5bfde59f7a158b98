//! Xero behind the provider seam: plans, encodes and reads replies, without any I/O.
//!
//! A document goes through `mapping` (what should be in the books), `client` (the exact bytes), and its reply
//! through `reply` (what it says) and `failures` (what a refusal means). What an unclear call became is found
//! by `lookup`; `imports` reads the organisation, its accounts, tax rates and currencies. Xero's own words live in
//! `wire` only. Absent on purpose: refunds, write-offs and tax rates, which are refused as not exported; webhooks;
//! tracking categories.
//!
//! Facts about the API are from Xero's pages, its `OpenAPI` file 16.1.0 and recorded traffic, checked 2026-11-23:
//! <https://developer.xero.com/documentation/api/accounting/overview>.

pub mod auth;
mod books;
mod client;
mod dates;
mod failures;
mod imports;
mod lookup;
mod mapping;
mod mark;
mod reply;
mod wire;

use std::time::Duration;

use model::{DocumentKind, Failure, ImportKind};
use provider_kit::{
    BooksFacts, CallResult, Current, Descriptor, Effect, External, Imported, Judgement, Limit,
    LimitScope, Marker, Member, PastCall, Plan, Provider, Reply, Request, Transport, View,
};

/// The effect of a client: the contact in the books.
pub const CUSTOMER: &str = "customer";

/// The effect of an invoice.
pub const INVOICE: &str = "invoice";

/// The effect of a payment for one invoice; its part is the invoice's id in `ProjectLedger`.
pub const PAYMENT: &str = "payment";

/// The effect of a payment's unapplied rest.
pub const OVERPAYMENT: &str = "overpayment";

/// The effect of a credit note.
pub const CREDIT_NOTE: &str = "credit_note";

/// The effect of a credit note's sum for one invoice; its part is the invoice's id in `ProjectLedger`.
pub const ALLOCATION: &str = "allocation";

/// Xero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Xero;

/// Capabilities and limits.
///
/// Limits are Xero's "OAuth 2.0 API limits" (checked 2026-11-23), per organisation. The day's limit depends on the
/// plan of the app (1,000 or 5,000) and the app's own minute (10,000) on all organisations together; both are
/// believed when Xero names them in a refusal. Xero states no time-out of its own for a request and no lag of its
/// reads: two minutes and 30 seconds are our allowances.
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "XERO",
    short: "xero",
    transport: Transport::Http,
    auth: auth::STYLE,
    production_url: "https://api.xero.com",
    sandbox_url: "https://api.xero.com",
    kinds: &[
        DocumentKind::Client,
        DocumentKind::Invoice,
        DocumentKind::Payment,
        DocumentKind::CreditNote,
    ],
    effect_kinds: &[
        CUSTOMER,
        INVOICE,
        PAYMENT,
        OVERPAYMENT,
        CREDIT_NOTE,
        ALLOCATION,
    ],
    batch_size: client::batch_size,
    playbook: failures::playbook,
    read_size: client::LARGEST_READ,
    default_item: None,
    imports: &[
        ImportKind::Company,
        ImportKind::Accounts,
        ImportKind::TaxCodes,
    ],
    calls_in_flight: 5,
    limits: &[Limit {
        scope: LimitScope::Requests,
        count: 60,
        window: Duration::from_mins(1),
    }],
    processing_limit: Duration::from_mins(2),
    lookup_lag: Duration::from_secs(30),
    call_deadline: Duration::from_secs(125),
    // A page of 1,000 invoices of a few dozen lines each.
    reply_limit: 64 * 1024 * 1024,
};

/// The mark that objects in Xero carry instead of the marker's own form, which is too long for a contact number.
pub fn mark(marker: &Marker) -> String {
    mark::of(marker)
}

impl Provider for Xero {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn plan(&self, view: &View<'_>) -> Plan {
        mapping::plan(view)
    }

    fn encode(
        &self,
        members: &[Member<'_>],
        key: &str,
        books: &BooksFacts,
    ) -> Result<Request, Failure> {
        client::write(members, key, &books.external_id)
    }

    fn classify(&self, call: &PastCall, reply: &Reply) -> CallResult {
        reply::classify(call, reply)
    }

    fn lookups(&self, call: &PastCall, books: &BooksFacts) -> Vec<Request> {
        lookup::requests(call, &books.external_id)
    }

    fn judge(&self, call: &PastCall, replies: &[Reply]) -> Result<Judgement, Failure> {
        lookup::judge(call, replies)
    }

    fn read(&self, effect: &Effect, targets: &[External], books: &BooksFacts) -> Request {
        client::read(effect, targets, &books.external_id)
    }

    fn parse_read(&self, effect: &Effect, reply: &Reply) -> Result<Vec<Current>, Failure> {
        reply::parse_read(effect, reply)
    }

    fn imports(&self, what: ImportKind, books: &BooksFacts) -> Vec<Request> {
        imports::requests(what, books)
    }

    fn take_import(
        &self,
        what: ImportKind,
        replies: &[Reply],
        books: &BooksFacts,
    ) -> Result<Imported, Failure> {
        imports::take(what, replies, books)
    }
}
