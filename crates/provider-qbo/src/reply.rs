//! What a reply says: of each member of a write, or of objects that were read. Never guesses.
//!
//! A success counts only when the answered object proves itself: right entity, an id, a revision, our own
//! marker, the customer and currency that were sent. Batch answers are matched by their own ids, never by
//! order. Everything else is an unknown outcome, and the look-up decides.

use std::collections::HashMap;

use model::{Amount, Currency, Failure, Operation, Scope};
use provider_kit::{
    CallResult, Current, Effect, ElementResult, Landed, LandedTotals, LinkState, PastCall,
    PastMember, Prediction, Reply,
};
use serde_json::Value;

use crate::client::{self, Entity};
use crate::failures::{self, fault};
use crate::mapping::owned::Owned;
use crate::mapping::text;
use crate::wire::{self, Customer, Exact, Invoice, value_of};

/// Longest id or revision that we believe.
const LONGEST_ID: usize = 64;

/// What a reply says of each member of a write.
pub(crate) fn classify(call: &PastCall, reply: &Reply) -> CallResult {
    let body = json(reply);
    let elements = match body.as_ref().filter(|body| is_answer(reply, body)) {
        None => vec![ElementResult::Failed(refusal(reply, body.as_ref())); call.members.len()],
        Some(body) => match call.members.as_slice() {
            [only] => vec![of_member(only, body)],
            members => of_batch(members, body),
        },
    };
    CallResult {
        elements,
        correlation: reply.header("intuit_tid").map(|id| {
            id.chars()
                .filter(char::is_ascii_graphic)
                .take(100)
                .collect()
        }),
    }
}

/// A success by its status that carries no fault. A success may still carry one, so the body decides.
fn is_answer(reply: &Reply, body: &Value) -> bool {
    (200..300).contains(&reply.status) && body.is_object() && !fault::is_in(body)
}

/// What a reply without an answer says; a success that answers and refuses at once says nothing.
fn refusal(reply: &Reply, body: Option<&Value>) -> Failure {
    let answers = ["BatchItemResponse", "Customer", "Invoice"];
    let is_both = (200..300).contains(&reply.status)
        && body.is_some_and(|body| answers.iter().any(|name| body.get(name).is_some()));
    if is_both {
        return failures::unproven("an answer and a fault at once").reaching(Scope::Call);
    }
    failures::of_reply(reply, body, true)
}

/// The body as JSON; none when it is anything else.
pub(crate) fn json(reply: &Reply) -> Option<Value> {
    serde_json::from_slice(&reply.body).ok()
}

fn of_batch(members: &[PastMember], body: &Value) -> Vec<ElementResult> {
    let mut by_id: HashMap<&str, Vec<&Value>> = HashMap::new();
    let items = body.get("BatchItemResponse").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        if let Some(id) = item.get("bId").and_then(Value::as_str) {
            by_id.entry(id).or_default().push(item);
        }
    }
    members
        .iter()
        .map(|member| {
            let id = client::batch_id(member.ordinal);
            match by_id.get(id.as_str()).map(Vec::as_slice) {
                Some([item]) => of_member(member, item),
                Some(_) => unknown("the batch answered this member more than once"),
                None => unknown("the batch did not answer this member"),
            }
        })
        .collect()
}

fn of_member(member: &PastMember, item: &Value) -> ElementResult {
    let Some(entity) = Entity::of_effect(&member.step.effect) else {
        return unknown("an effect of another provider");
    };
    let object = item.get(entity.name()).filter(|object| !object.is_null());
    match (object, fault::is_in(item)) {
        (Some(_), true) => unknown("an answer and a fault at once"),
        (None, true) => {
            let failure = failures::of_faults(&fault::in_json(item))
                .unwrap_or_else(|| failures::unproven("a fault without a code"));
            ElementResult::Failed(narrowed(failure))
        }
        (None, false) => unknown("the answer holds no such entity"),
        (Some(object), false) => match proven(member, entity, object) {
            Ok(landed) => ElementResult::Done(landed),
            Err(doubt) => unknown(doubt),
        },
    }
}

/// A fault of one member does not reach the others, unless it is about the whole company.
fn narrowed(failure: Failure) -> Failure {
    match failure.scope {
        Scope::Call => failure.reaching(Scope::Element),
        Scope::Element | Scope::Books => failure,
    }
}

fn unknown(why: &str) -> ElementResult {
    ElementResult::Failed(failures::unproven(why))
}

/// The object as it landed, once it has proved to be this member's.
fn proven(member: &PastMember, entity: Entity, object: &Value) -> Result<Landed, &'static str> {
    let step = &member.step;
    let landed = landed(entity, object, expected_currency(member))?;
    if object.get("status").and_then(Value::as_str) == Some("Deleted") {
        return Err("the object is answered as deleted");
    }
    if let Some(target) = &step.target {
        if landed.external_id != target.id {
            return Err("another object's id");
        }
        if number(&landed.revision) < number(&target.revision) {
            return Err("an older revision than the one that was changed");
        }
    }
    let note = object.get(entity.note()).and_then(Value::as_str);
    let markers = text::markers(note.unwrap_or_default());
    let is_ours = markers.contains(&member.marker);
    let is_others = markers
        .iter()
        .any(|marker| marker.installation == member.marker.installation);
    if !is_ours && (is_others || step.operation != Operation::Void) {
        return Err("the object does not carry this document's marker");
    }
    if entity == Entity::Invoice {
        check_invoice(member, object, &landed)?;
    }
    Ok(landed)
}

fn check_invoice(member: &PastMember, object: &Value, landed: &Landed) -> Result<(), &'static str> {
    let answered = Invoice::read(object).ok_or("the invoice has members of impossible types")?;
    if member.step.operation == Operation::Void {
        return if answered.is_voided() {
            Ok(())
        } else {
            Err("the invoice is not void")
        };
    }
    let sent = Invoice::read(&member.step.body).ok_or("the step holds no invoice")?;
    if value_of(sent.customer_ref.as_ref()) != value_of(answered.customer_ref.as_ref()) {
        return Err("the invoice names another customer");
    }
    let Some(totals) = landed.totals else {
        return Err("the invoice states no totals");
    };
    match expected_currency(member) {
        Some(expected) if expected != totals.currency => Err("the invoice has another currency"),
        _ => Ok(()),
    }
}

/// The currency that was sent, where the step says it.
pub(crate) fn expected_currency(member: &PastMember) -> Option<Currency> {
    let sent = member.step.body.pointer("/CurrencyRef/value");
    let stated = sent
        .and_then(Value::as_str)
        .and_then(|code| code.parse().ok());
    match &member.step.prediction {
        _ if stated.is_some() => stated,
        Prediction::Exact { currency, .. } => Some(*currency),
        Prediction::Unpredictable { .. } | Prediction::NoTotals => None,
    }
}

/// An object's id, revision, fingerprint and totals, or why it cannot be believed.
pub(crate) fn landed(
    entity: Entity,
    object: &Value,
    currency: Option<Currency>,
) -> Result<Landed, &'static str> {
    let external_id = token(object, "Id").ok_or("the object has no id")?;
    let revision = token(object, "SyncToken").ok_or("the object has no revision")?;
    let stand_in = currency.map(|c| c.to_string()).unwrap_or_default();
    let (owned, totals) = match entity {
        Entity::Customer => {
            let customer = Customer::read(object).ok_or("members of impossible types")?;
            (Owned::of_customer(&customer), None)
        }
        Entity::Invoice => {
            let invoice = Invoice::read(object).ok_or("members of impossible types")?;
            let totals = totals(&invoice, currency);
            (Owned::of_invoice(&invoice, &stand_in), totals)
        }
    };
    Ok(Landed {
        external_id,
        revision,
        fingerprint: owned.fingerprint(),
        totals,
        lacking: None,
    })
}

/// A short printable text member.
fn token(object: &Value, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    let fits = (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// A revision as a number; one that is none counts as the newest.
fn number(revision: &str) -> u64 {
    revision.parse().unwrap_or(u64::MAX)
}

/// Totals as stated; without sales tax QuickBooks may leave the tax out.
fn totals(invoice: &Invoice, currency: Option<Currency>) -> Option<LandedTotals> {
    let stated = value_of(invoice.currency_ref.as_ref());
    let currency = if stated.is_empty() {
        currency?
    } else {
        stated.parse().ok()?
    };
    let amount = |number: Exact| Amount::new(number.0).ok();
    let tax = match invoice.txn_tax_detail.as_ref().and_then(|d| d.total_tax) {
        Some(tax) => amount(tax)?,
        None => Amount::ZERO,
    };
    Some(LandedTotals {
        currency,
        tax,
        gross: amount(invoice.total_amt?)?,
    })
}

/// All objects of a query's reply, or why the reply cannot be trusted. An empty answer must be a whole one,
/// because absence is concluded from it.
pub(crate) fn objects(entity: Entity, reply: &Reply) -> Result<Vec<Value>, Failure> {
    let body = json(reply);
    let Some(body) = body.as_ref().filter(|body| is_answer(reply, body)) else {
        return Err(failures::of_reply(reply, body.as_ref(), false));
    };
    let doubt = |why: &str| Err(failures::unreadable_answer(why));
    let Some(answer) = body.get("QueryResponse").and_then(Value::as_object) else {
        return doubt("no QueryResponse");
    };
    let known = [entity.name(), "startPosition", "maxResults", "totalCount"];
    let found = match answer.get(entity.name()) {
        Some(Value::Array(found)) => found.clone(),
        Some(_) => return doubt("the objects are not a list"),
        None if answer
            .iter()
            .any(|(name, value)| value.is_array() && !known.contains(&name.as_str())) =>
        {
            return doubt("objects of another entity");
        }
        None => Vec::new(),
    };
    let stated = answer.get("maxResults").and_then(Value::as_u64);
    if stated.is_some_and(|count| usize::try_from(count) != Ok(found.len())) {
        return doubt("not as many objects as it says");
    }
    if found.iter().any(|object| token(object, "Id").is_none()) {
        return doubt("an object without an id");
    }
    Ok(found)
}

/// What a read says of the objects that are there.
pub(crate) fn parse_read(effect: &Effect, reply: &Reply) -> Result<Vec<Current>, Failure> {
    let Some(entity) = Entity::of_effect(effect) else {
        return Err(failures::defect("UNKNOWN_EFFECT", &effect.kind));
    };
    objects(entity, reply)?
        .into_iter()
        .map(|object| {
            let body = storable(object);
            let landed = landed(entity, &body, None).map_err(failures::unreadable_answer)?;
            Ok(Current {
                landed,
                state: state(entity, &body),
                body,
            })
        })
        .collect()
}

fn state(entity: Entity, object: &Value) -> LinkState {
    if object.get("status").and_then(Value::as_str) == Some("Deleted") {
        return LinkState::Gone;
    }
    match entity {
        Entity::Customer if object.get("Active") == Some(&Value::Bool(false)) => {
            LinkState::Inactive
        }
        Entity::Invoice if wire::Invoice::read(object).is_some_and(|i| i.is_voided()) => {
            LinkState::Ended
        }
        Entity::Customer | Entity::Invoice => LinkState::Active,
    }
}

/// The same value without NUL characters, which PostgreSQL cannot keep.
fn storable(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', " ").into(),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, inner)| (name.replace('\0', " "), storable(inner)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
