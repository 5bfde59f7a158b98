//! One message in: parse, check, write.

use std::collections::BTreeSet;

use model::digest::sha256_hex;
use model::document::Product;
use model::event::{self, BadEvent, Event, Payload};
use model::{Body, Document, DocumentKind, Lifecycle};
use runtime::TraceContext;
use serde_json::json;
use store::intake::{Announce, ControlTotal, IncomingDocument, Intake, Origin, TakenIn};
use store::{Store, StoreError};

/// What became of a message.
#[derive(Debug)]
pub enum Submitted {
    /// Its rows are committed.
    Accepted(Vec<Announce>),
    /// It had been taken in before.
    Duplicate,
}

/// Why a message was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It is not an event we understand, or its contents are wrong: it goes aside with the reason.
    #[error("event refused")]
    Bad(#[source] Box<BadEvent>),
    /// The same event id or document version came before with another content.
    #[error("{0}")]
    Conflict(String),
    /// The database did not take it; the message may be tried again.
    #[error("event not stored")]
    Store(#[source] StoreError),
}

/// Takes one message in: document versions, items and wake marks in one transaction.
pub async fn submit(store: &Store, bytes: &[u8]) -> Result<Submitted, SubmitError> {
    let event = event::parse(bytes).map_err(|e| SubmitError::Bad(Box::new(e)))?;
    let intake = intake(&event);
    runtime::halt::point("01-event-consumed");
    match store.take_in(&intake).await.map_err(SubmitError::Store)? {
        TakenIn::Accepted(announces) => {
            runtime::halt::point("02-committed");
            Ok(Submitted::Accepted(announces))
        }
        TakenIn::Duplicate => Ok(Submitted::Duplicate),
        TakenIn::Conflict(why) => Err(SubmitError::Conflict(why)),
    }
}

fn intake(event: &Event) -> Intake {
    let (documents, control_totals) = match &event.payload {
        Payload::Document { document, clients } => {
            let products = products(document);
            let embedded = clients.iter().chain(&products);
            let embedded = embedded.map(|named| incoming(named, true));
            (
                embedded.chain([incoming(document, false)]).collect(),
                Vec::new(),
            )
        }
        Payload::ControlTotals { day, kinds } => {
            let totals = kinds.iter().map(|kind| ControlTotal {
                day: *day,
                kind: kind.kind,
                currency: kind.currency.to_string(),
                count: kind.count,
                sum: kind.sum.get(),
            });
            (Vec::new(), totals.collect())
        }
    };
    Intake {
        account: event.account,
        event_id: event.id.clone(),
        event_hash: meaning(event, &documents),
        sequence: Some(event.sequence),
        // Every document can be followed, also one whose sender does not trace.
        trace: event
            .trace
            .clone()
            .or_else(|| Some(TraceContext::new().traceparent())),
        documents,
        origin: event.origin.as_ref().map(|origin| Origin {
            integration: origin.integration_id,
            external_id: origin.external_id.clone(),
            effect_kind: effect_kind(origin.kind),
        }),
        control_totals,
    }
}

/// Providers name a document's main effect after its kind.
fn effect_kind(kind: model::DocumentKind) -> String {
    match kind {
        model::DocumentKind::Client => "customer".to_owned(),
        other => other.as_str().to_lowercase(),
    }
}

/// The products that the lines of a standing document are billed under, as documents of their own. They say nothing
/// but their code, so that there is one version of each for good.
fn products(document: &Document) -> Vec<Document> {
    let lines = match &document.body {
        Body::Invoice(invoice) => &invoice.lines,
        Body::CreditNote(note) => &note.lines,
        Body::Client(_)
        | Body::Payment(_)
        | Body::TaxRate(_)
        | Body::Refund(_)
        | Body::WriteOff(_)
        | Body::Product(_) => return Vec::new(),
    };
    let codes: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line.product_code.as_deref())
        .filter(|_| document.lifecycle == Lifecycle::Live)
        .collect();
    codes
        .into_iter()
        .map(|code| Document {
            account: document.account,
            id: Product::id_of(code),
            version: 1,
            lifecycle: Lifecycle::Live,
            body: Body::Product(Product::of_code(code)),
        })
        .collect()
}

fn incoming(document: &Document, is_embedded: bool) -> IncomingDocument {
    let (currency, total) = total_of(&document.body);
    IncomingDocument {
        kind: document.kind(),
        source_id: document.id.clone(),
        version: document.version,
        lifecycle: document.lifecycle,
        body: json!(document),
        body_hash: event::canonical_hash(document),
        currency,
        total,
        is_embedded,
    }
}

fn total_of(body: &Body) -> (Option<String>, Option<rust_decimal::Decimal>) {
    let (currency, amount) = match body {
        Body::Client(_) | Body::TaxRate(_) | Body::Product(_) => return (None, None),
        Body::Invoice(invoice) => (invoice.currency, invoice.totals.gross),
        Body::CreditNote(note) => (note.currency, note.totals.gross),
        Body::Payment(payment) => (payment.currency, payment.amount),
        Body::Refund(refund) => (refund.currency, refund.amount),
        Body::WriteOff(off) => (off.currency, off.amount),
    };
    (Some(currency.to_string()), Some(amount.get()))
}

/// What the event says, apart from how it is written: the same id must always say the same.
fn meaning(event: &Event, documents: &[IncomingDocument]) -> String {
    let mut parts = vec![
        event.event_type.name().to_owned(),
        event.sequence.to_string(),
    ];
    // Products follow from the lines of the document itself.
    let said = documents
        .iter()
        .filter(|document| document.kind != DocumentKind::Product);
    for document in said {
        parts.extend([
            document.kind.as_str().to_owned(),
            document.source_id.to_string(),
            document.body_hash.clone(),
        ]);
    }
    if let Payload::ControlTotals { day, kinds } = &event.payload {
        parts.push(json!([day, kinds]).to_string());
    }
    sha256_hex([parts.join("\n")])
}
