//! QuickBooks Online behind the provider seam: plans, encodes and reads replies, without any I/O.
//!
//! A document goes through `mapping` (what should be in the books), `client` (the exact bytes), and its reply
//! through `reply` (what it says) and `failures` (what a refusal means). What an unclear call became is found
//! by `lookup`. Intuit's own words live in `wire` only. Absent on purpose: credit notes, payments, refunds,
//! write-offs and tax rates, which are refused as not exported yet; webhooks; change data capture.
//!
//! Facts about the API are from Intuit's documents and recorded traffic, checked 2026-11-23:
//! <https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features>.

pub mod auth;
mod client;
mod failures;
mod lookup;
mod mapping;
mod reply;
mod wire;

use std::time::Duration;

use model::{DocumentKind, Failure};
use provider_kit::{
    BooksFacts, CallResult, Current, Descriptor, Effect, External, Judgement, Limit, LimitScope,
    Member, PastCall, Plan, Provider, Reply, Request, Transport, View,
};

/// The effect of a client: the customer in the books.
pub const CUSTOMER: &str = "customer";

/// The effect of an invoice.
pub const INVOICE: &str = "invoice";

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
    kinds: &[DocumentKind::Client, DocumentKind::Invoice],
    effect_kinds: &[CUSTOMER, INVOICE],
    batch_size: |_, _| client::LARGEST_BATCH,
    // As many ids as a query's address holds with room to spare.
    read_size: 300,
    imports: &[],
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
}
