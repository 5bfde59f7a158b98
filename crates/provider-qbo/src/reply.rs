//! What a reply says: of each member of a write, or of objects that were read. Never guesses.
//!
//! A success counts only when the answered object proves itself: right entity, an id, a revision, our own
//! marker, the customer and currency that were sent. Batch answers are matched by their own ids, never by
//! order. Everything else is an unknown outcome, and the look-up decides.

mod proof;

use std::collections::HashMap;

use model::{Amount, Currency, Failure, FailureKind, Operation, Reference, ReferenceState, Scope};
use provider_kit::{
    CallResult, Current, Effect, ElementResult, Landed, LandedTotals, LinkState, PastCall,
    PastMember, Prediction, Reply,
};
use serde_json::Value;

pub(crate) use self::proof::{is_as_sent, lacking};
use crate::CUSTOMER;
use crate::client;
use crate::entity::Entity;
use crate::failures::{self, fault};
use crate::mapping::owned::Owned;
use crate::wire::{self, Customer, Exact, Item, Payment, Sale, value_of};

/// Our code for a document number that is taken.
const NUMBER_TAKEN: &str = "6140";

/// Longest id or revision that we believe.
const LONGEST_ID: usize = 64;

/// What a reply says of each member of a write.
pub(crate) fn classify(call: &PastCall, reply: &Reply) -> CallResult {
    let body = json(reply);
    let elements = match body.as_ref().filter(|body| is_answer(reply, body)) {
        None => {
            let failure = refusal(reply, body.as_ref());
            let of = |member| ElementResult::Failed(of_this(member, failure.clone()));
            call.members.iter().map(of).collect()
        }
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
    let has_answer = |body: &Value| {
        body.get("BatchItemResponse").is_some()
            || Entity::ALL.iter().any(|e| body.get(e.name()).is_some())
    };
    let is_both = (200..300).contains(&reply.status) && body.is_some_and(has_answer);
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
            ElementResult::Failed(of_this(member, narrowed(failure)))
        }
        (None, false) => unknown("the answer holds no such entity"),
        (Some(object), false) => match proof::proven(member, entity, object) {
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

/// What a refusal means for this member: a number that is taken may be taken by ourselves, and a reference that is
/// not found may be the customer we linked.
fn of_this(member: &PastMember, failure: Failure) -> Failure {
    let detail = failure.detail.clone().unwrap_or_default();
    let entity = Entity::of_effect(&member.step.effect);
    if failure.code == NUMBER_TAKEN && failure.kind == FailureKind::OutcomeUnknown {
        // Only a creation of the very kind that has the number can be found by looking for our marker on it.
        let is_of_this_kind = entity.is_some_and(|entity| {
            entity.has_number() && detail.contains(&format!("TxnType={} ", entity.name()))
        });
        if member.step.operation != Operation::Create || !is_of_this_kind {
            return Failure {
                scope: failure.scope,
                ..failures::number_taken().with_detail(detail)
            };
        }
    }
    let customer = member.step.body.pointer("/CustomerRef/value");
    match (failure.code.as_str(), customer.and_then(Value::as_str)) {
        ("CUSTOMER_GONE", Some(id)) if names_element(&detail, id) => {
            failure.with_reference(Reference {
                effect_kind: CUSTOMER.to_owned(),
                external_id: id.to_owned(),
                state: ReferenceState::Gone,
            })
        }
        _ => failure,
    }
}

/// Whether QuickBooks' words name this very id: "Names element id 583 not found".
fn names_element(detail: &str, id: &str) -> bool {
    let Some((_, after)) = detail.split_once("element id ") else {
        return false;
    };
    after.split(|c: char| !c.is_ascii_digit()).next() == Some(id)
}

fn unknown(why: &str) -> ElementResult {
    ElementResult::Failed(failures::unproven(why))
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
    if is_deleted(object) {
        return Ok(Landed {
            external_id,
            // A deletion is answered without a revision.
            revision: token(object, "SyncToken").unwrap_or_default(),
            fingerprint: Owned::voided(entity).fingerprint(),
            totals: None,
            lacking: None,
        });
    }
    let revision = token(object, "SyncToken").ok_or("the object has no revision")?;
    let stand_in = currency.map(|c| c.to_string()).unwrap_or_default();
    let odd = "members of impossible types";
    let (owned, totals) = match entity {
        Entity::Customer => {
            let customer = Customer::read(object).ok_or(odd)?;
            (Owned::of_customer(&customer), None)
        }
        Entity::Item => (Owned::of_item(&Item::read(object).ok_or(odd)?), None),
        Entity::Invoice | Entity::CreditMemo => {
            let sale = Sale::read(object).ok_or(odd)?;
            let tax = sale.txn_tax_detail.as_ref().and_then(|d| d.total_tax);
            // Without sales tax QuickBooks may leave the tax out.
            let stated = (sale.currency_ref.as_ref(), tax, sale.total_amt);
            (
                Owned::of_sale(entity, &sale, &stand_in),
                totals(stated, currency),
            )
        }
        Entity::Payment => {
            let payment = Payment::read(object).ok_or(odd)?;
            let stated = (payment.currency_ref.as_ref(), None, payment.total_amt);
            (
                Owned::of_payment(&payment, &stand_in),
                totals(stated, currency),
            )
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

/// Whether this is what stands for a deleted object.
pub(crate) fn is_deleted(object: &Value) -> bool {
    object.get("status").and_then(Value::as_str) == Some("Deleted")
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

/// Totals as stated: currency, tax and total.
fn totals(
    (stated, tax, total): (Option<&wire::Ref>, Option<Exact>, Option<Exact>),
    currency: Option<Currency>,
) -> Option<LandedTotals> {
    let stated = value_of(stated);
    let currency = if stated.is_empty() {
        currency?
    } else {
        stated.parse().ok()?
    };
    let amount = |number: Exact| Amount::new(number.0).ok();
    Some(LandedTotals {
        currency,
        tax: tax.map_or(Some(Amount::ZERO), amount)?,
        gross: amount(total?)?,
    })
}

/// All objects of a query's reply, or why the reply cannot be trusted. An empty answer must be a whole one,
/// because absence is concluded from it.
pub(crate) fn objects(entity: Entity, reply: &Reply) -> Result<Vec<Value>, Failure> {
    objects_named(entity.name(), reply)
}

/// The same for an entity by its name.
pub(crate) fn objects_named(name: &str, reply: &Reply) -> Result<Vec<Value>, Failure> {
    let body = json(reply);
    let Some(body) = body.as_ref().filter(|body| is_answer(reply, body)) else {
        return Err(failures::of_reply(reply, body.as_ref(), false));
    };
    let doubt = |why: &str| Err(failures::unreadable_answer(why));
    let Some(answer) = body.get("QueryResponse").and_then(Value::as_object) else {
        return doubt("no QueryResponse");
    };
    let known = [name, "startPosition", "maxResults", "totalCount"];
    let found = match answer.get(name) {
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

/// The one object of a read of a single entity, or why the reply cannot be trusted.
pub(crate) fn one_named(name: &str, reply: &Reply) -> Result<Value, Failure> {
    let body = json(reply);
    let Some(body) = body.as_ref().filter(|body| is_answer(reply, body)) else {
        return Err(failures::of_reply(reply, body.as_ref(), false));
    };
    match body.get(name) {
        Some(object) if object.is_object() => Ok(object.clone()),
        _ => Err(failures::unreadable_answer(format!("no {name}"))),
    }
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
    if is_deleted(object) {
        return LinkState::Gone;
    }
    let is_voided = match entity {
        Entity::Customer | Entity::Item => {
            return if object.get("Active") == Some(&Value::Bool(false)) {
                LinkState::Inactive
            } else {
                LinkState::Active
            };
        }
        Entity::Invoice | Entity::CreditMemo => Sale::read(object).is_some_and(|s| s.is_voided()),
        Entity::Payment => Payment::read(object).is_some_and(|p| p.is_voided()),
    };
    if is_voided {
        LinkState::Ended
    } else {
        LinkState::Active
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
