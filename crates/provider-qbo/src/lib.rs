//! QuickBooks Online behind the provider seam: plans, encodes and reads replies, without any I/O.
//!
//! A document goes through `mapping` (what should be in the books), `client` (the exact bytes), and its reply
//! through `reply` (what it says) and `failures` (what a refusal means). What an unclear call became is found
//! by `lookup`; what must be known of the books is read by `imports`. Intuit's own words live in `wire`, `entity`
//! and `imports` only. Absent on purpose: refunds and write-offs, which are refused as not exported yet; the making of
//! tax codes (see `mapping::tax_rate`); webhooks; change data capture.
//!
//! Facts about the API are from Intuit's documents and recorded traffic, checked 2026-11-23:
//! <https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features>.

pub mod auth;
mod books;
mod client;
mod entity;
mod failures;
mod imports;
mod lookup;
mod mapping;
mod reply;
mod wire;

use std::time::Duration;

use model::{DocumentKind, Failure, ImportKind, Operation};
use provider_kit::{
    BooksFacts, CallResult, Current, Descriptor, Effect, External, Imported, Judgement, Limit,
    LimitScope, Member, PastCall, Plan, Provider, Reply, Request, Transport, View,
};

use self::entity::Entity;

/// The effect of a client: the customer in the books.
pub const CUSTOMER: &str = "customer";

/// The effect of a product code: the item in the books.
pub const ITEM: &str = "item";

/// The effect of an invoice.
pub const INVOICE: &str = "invoice";

/// The effect of a payment.
pub const PAYMENT: &str = "payment";

/// The effect of a credit note: the credit memo.
pub const CREDIT_NOTE: &str = "credit_note";

/// The effect of each allocation of a credit note; its part is the invoice's id in `ProjectLedger`.
pub const APPLICATION: &str = "application";

/// QuickBooks Online.
#[derive(Clone, Copy, Debug, Default)]
pub struct Qbo;

/// Capabilities and limits, from "REST API features" (checked 2026-11-23).
pub static DESCRIPTOR: Descriptor = Descriptor {
    key: "QUICKBOOKS_ONLINE",
    short: "qbo",
    transport: Transport::Http,
    auth: auth::STYLE,
    production_url: "https://quickbooks.api.intuit.com",
    sandbox_url: "https://sandbox-quickbooks.api.intuit.com",
    kinds: &[
        DocumentKind::Client,
        DocumentKind::Product,
        DocumentKind::Invoice,
        DocumentKind::Payment,
        DocumentKind::CreditNote,
    ],
    effect_kinds: &[CUSTOMER, ITEM, INVOICE, PAYMENT, CREDIT_NOTE, APPLICATION],
    batch_size,
    playbook: failures::playbook,
    // Ids in one `in (...)` list: a request's line stays below 4 kB.
    read_size: 100,
    // The item that every new company has.
    default_item: Some("1"),
    imports: &[
        ImportKind::Company,
        ImportKind::Accounts,
        ImportKind::TaxCodes,
    ],
    calls_in_flight: 10,
    limits: &[
        Limit {
            scope: LimitScope::Requests,
            count: 500,
            window: Duration::from_mins(1),
        },
        Limit {
            scope: LimitScope::Requests,
            count: 10,
            window: Duration::from_secs(1),
        },
        Limit {
            scope: LimitScope::Batches,
            count: 40,
            window: Duration::from_mins(1),
        },
    ],
    processing_limit: Duration::from_mins(2),
    lookup_lag: Duration::from_secs(30),
    call_deadline: Duration::from_secs(125),
    // A page of 1,000 invoices of a few dozen lines each.
    reply_limit: 64 * 1024 * 1024,
};

fn batch_size(effect_kind: &str, operation: Operation) -> usize {
    Entity::of_kind(effect_kind).map_or(1, |entity| entity.batch(operation))
}

impl Provider for Qbo {
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
        imports::requests(what, &books.external_id)
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
