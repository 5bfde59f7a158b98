//! What a call is made of: its key, its intent, its charges, and how it is taken back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::CallId;
use model::digest::sha256_hex;
use provider_kit::{Cost, PastCall, PastMember, Request};
use serde_json::{Value, json};
use store::intent::{Intent, IntentMember, Purpose};
use store::record::{ItemMove, Next};

use crate::outcome::Member;
use crate::work::{Books, Work, moved};

/// The intent of a write.
pub(crate) fn write_intent(
    books: &Books,
    call: CallId,
    key: &str,
    request: &Request,
    works: &[Work],
    settle: Duration,
) -> Intent {
    let members = works
        .iter()
        .enumerate()
        .map(|(ordinal, work)| intent_member(ordinal, work));
    Intent {
        purpose: Purpose::Write,
        key: key.to_owned(),
        members: members.collect(),
        ..read_intent(books, call, request, settle)
    }
}

/// The intent of a read: nobody's outcome hangs on it.
pub(crate) fn read_intent(
    books: &Books,
    call: CallId,
    request: &Request,
    settle: Duration,
) -> Intent {
    Intent {
        held: books.held,
        call,
        purpose: Purpose::Read,
        closes: None,
        key: key_of(call),
        request: request_json(request),
        body: request.body.clone(),
        charges: charges(request.cost),
        settle,
        members: Vec::new(),
    }
}

/// The provider's idempotency key: new for every call, the same for the same call.
pub(crate) fn key_of(call: CallId) -> String {
    call.uuid().simple().to_string()
}

fn intent_member(ordinal: usize, work: &Work) -> IntentMember {
    IntentMember {
        attempt: work.attempt,
        item: work.claimed.item,
        claim: work.claimed.claim,
        effect: work.effect,
        effect_kind: work.planned.step.effect.kind.clone(),
        effect_part: work.planned.step.effect.part.clone(),
        generation: work.marker.generation,
        ordinal: i16::try_from(ordinal).unwrap_or(i16::MAX),
        operation: work.planned.step.operation,
        version: work.claimed.version,
        plan_hash: plan_hash(&work.planned.step.body),
        step: json!(work.planned),
        marker: json!(work.marker),
    }
}

/// Hash of the canonical body, without ids to come, revisions, keys and marker.
fn plan_hash(body: &Value) -> String {
    sha256_hex([body.to_string()])
}

/// What the call's row keeps besides the body.
fn request_json(request: &Request) -> Value {
    json!({
        "method": request.method, "path": request.path, "query": request.query, "headers": request.headers,
        "cost": request.cost,
    })
}

/// What a request is charged.
fn charges(cost: Cost) -> Vec<&'static str> {
    let mut charges = vec!["REQUESTS"];
    if cost.batch {
        charges.push("BATCHES");
    }
    if cost.metered_read {
        charges.push("METERED_READS");
    }
    charges
}

pub(crate) fn past_call(
    key: String,
    works: &[Work],
    opened_at: DateTime<Utc>,
    books: &Books,
) -> PastCall {
    PastCall {
        key,
        members: works
            .iter()
            .enumerate()
            .map(|(ordinal, work)| PastMember {
                ordinal,
                kind: work.claimed.kind,
                step: work.planned.step.clone(),
                marker: work.marker.clone(),
            })
            .collect(),
        opened_at,
        books_external_id: books.facts.external_id.clone(),
    }
}

pub(crate) fn members_of(works: &[Work], opened_at: DateTime<Utc>) -> Vec<Member<'_>> {
    works
        .iter()
        .map(|work| Member {
            attempt: work.attempt,
            effect: work.effect,
            planned: &work.planned,
            item: ItemMove {
                rest_is_done: work.planned.rest_is_done,
                ..moved(&work.claimed, Next::More)
            },
            started_at: opened_at,
        })
        .collect()
}
