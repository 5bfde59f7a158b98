//! What a reply says: of each member of a write, or of objects that were read. Never guesses.
//!
//! Elements are paired with members by our mark and by ids; their order counts only for an element that names nothing
//! by itself. A success counts only when the answered object proves itself: an id, a time of change, our own mark,
//! the contact and the currency that were sent, and no errors anywhere in it. Everything else is an unknown outcome,
//! and the look-up decides. A refusal because something is there already is looked up too.

use chrono::{DateTime, TimeDelta, Utc};
use model::failure::NOT_OPEN;
use model::{Amount, Currency, Failure, FailureKind, Operation, Reference, ReferenceState, Scope};
use provider_kit::{
    CallResult, Current, Effect, ElementResult, Landed, LandedTotals, LinkState, PastCall,
    PastMember, Prediction, Reply,
};
use serde_json::Value;

use crate::client::{self, Entity};
use crate::failures::{self, table};
use crate::mapping::owned::Owned;
use crate::wire::{self, Bill, Exact};
use crate::{CUSTOMER, dates, mark};

/// A refusal later than this answers a repeated sending: the first one may have come through after all.
const REPEATED: TimeDelta = TimeDelta::seconds(60);
/// A refusal as a duplicate is not looked up for ever.
const LONGEST_DOUBT: TimeDelta = TimeDelta::hours(1);

/// What a reply says of each member of a write.
pub(crate) fn classify(call: &PastCall, reply: &Reply) -> CallResult {
    let body = json(reply);
    let elements = if let Some(answer) = elements_of(call, reply, body.as_ref()) {
        call.members
            .iter()
            .enumerate()
            .map(|(place, member)| of_member(call, place, member, &answer))
            .map(|element| doubted(call, reply, body.as_ref(), element))
            .collect()
    } else {
        let failure = whole(call, reply, body.as_ref());
        let element = doubted(call, reply, body.as_ref(), ElementResult::Failed(failure));
        vec![element; call.members.len()]
    };
    CallResult {
        elements,
        correlation: reply.header("xero-correlation-id").map(|id| {
            id.chars()
                .filter(char::is_ascii_graphic)
                .take(100)
                .collect()
        }),
    }
}

/// The body as JSON; none when it is anything else.
pub(crate) fn json(reply: &Reply) -> Option<Value> {
    serde_json::from_slice(&reply.body).ok()
}

fn entity_of(call: &PastCall) -> Option<Entity> {
    Entity::of_effect(&call.members.first()?.step.effect)
}

/// Elements of an answer.
struct Answer {
    entity: Entity,
    elements: Vec<Value>,
    /// Only the failing ones are listed; of the others nothing is said, and they may have been saved.
    is_partial: bool,
}

fn elements_of(call: &PastCall, reply: &Reply, body: Option<&Value>) -> Option<Answer> {
    let entity = entity_of(call)?;
    let body = body?;
    let is_success = (200..300).contains(&reply.status);
    if !is_success {
        let elements = body.get("Elements")?.as_array()?.clone();
        let is_refusal = reply.status == 400 && !elements.is_empty();
        return is_refusal.then_some(Answer {
            entity,
            elements,
            is_partial: true,
        });
    }
    if body.get("ErrorNumber").is_some() {
        return None;
    }
    let found = match entity {
        // Taking an allocation back is answered with the row itself.
        Entity::Allocation => match body.get("Allocations") {
            Some(list) => list.as_array()?.clone(),
            None => vec![body.clone()],
        },
        _ => body.get(entity.plural())?.as_array()?.clone(),
    };
    Some(Answer {
        entity,
        elements: found,
        is_partial: false,
    })
}

/// What a reply without elements says. A single object that is not there was deleted by a person.
fn whole(call: &PastCall, reply: &Reply, body: Option<&Value>) -> Failure {
    if reply.status == 404
        && let [only] = call.members.as_slice()
        && let Some(entity) = Entity::of_effect(&only.step.effect)
        && matches!(entity, Entity::Payment | Entity::Allocation)
        && only.step.target.is_some()
    {
        return failures::moved_on(entity.word());
    }
    failures::of_reply(reply, body, true)
}

/// A refusal that may be our own earlier success seen from the other side is looked up, for an hour.
fn doubted(
    call: &PastCall,
    reply: &Reply,
    body: Option<&Value>,
    element: ElementResult,
) -> ElementResult {
    let ElementResult::Failed(failure) = &element else {
        return element;
    };
    let Some(passed) = answered_at(reply, body).map(|at| at - call.opened_at) else {
        return element;
    };
    if failure.code == table::EXISTS && passed > LONGEST_DOUBT {
        let word = entity_of(call).map_or("object", Entity::word);
        let detail = failure.detail.clone().unwrap_or_default();
        return ElementResult::Failed(failures::taken(word, "number or name").with_detail(detail));
    }
    let is_repeated = passed > REPEATED && passed <= LONGEST_DOUBT;
    if failure.code == NOT_OPEN && entity_of(call) == Some(Entity::Payment) && is_repeated {
        return unknown(
            "a payment that was sent again is refused: the first may have come through",
        );
    }
    element
}

/// When Xero answered, by its own clock.
fn answered_at(reply: &Reply, body: Option<&Value>) -> Option<DateTime<Utc>> {
    let stated = body
        .and_then(|body| body.get("DateTimeUTC"))
        .and_then(Value::as_str)
        .and_then(dates::milliseconds)
        .and_then(DateTime::from_timestamp_millis);
    stated.or_else(|| {
        let header = DateTime::parse_from_rfc2822(reply.header("date")?).ok()?;
        Some(header.with_timezone(&Utc))
    })
}

fn of_member(call: &PastCall, place: usize, member: &PastMember, answer: &Answer) -> ElementResult {
    let own: Vec<&Value> = answer
        .elements
        .iter()
        .filter(|element| names(answer.entity, member, element))
        .collect();
    match own.as_slice() {
        [only] => judged(answer.entity, member, only),
        [] => match answer.elements.get(place) {
            // A refused creation may be echoed without anything that names it.
            Some(element)
                if !answer.is_partial
                    && answer.elements.len() == call.members.len()
                    && is_anonymous(answer.entity, element) =>
            {
                judged(answer.entity, member, element)
            }
            _ if answer.is_partial && call.members.len() == 1 => {
                answer.elements.first().map_or_else(
                    || unknown("a refusal without an element"),
                    |element| judged(answer.entity, member, element),
                )
            }
            _ if answer.is_partial => unknown("other elements were refused; this may be saved"),
            _ => unknown("the answer does not name this member"),
        },
        _ => unknown("the answer names this member more than once"),
    }
}

/// Whether an element is about a member: it carries its mark, or it is the object that was to change.
fn names(entity: Entity, member: &PastMember, element: &Value) -> bool {
    if entity == Entity::Allocation {
        return true;
    }
    match &member.step.target {
        Some(target) => text(element, entity.id()) == target.id,
        None => marks(entity, element).contains(&member.marker),
    }
}

fn is_anonymous(entity: Entity, element: &Value) -> bool {
    marks(entity, element).is_empty() && !wire::is_id(text(element, entity.id()))
}

fn marks(entity: Entity, object: &Value) -> Vec<provider_kit::Marker> {
    entity
        .marked()
        .map(|name| mark::all(text(object, name)))
        .unwrap_or_default()
}

fn text<'o>(object: &'o Value, name: &str) -> &'o str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether Xero says that it did not save an element. An id is no proof of success.
fn is_refused(element: &Value) -> bool {
    let flag = |name: &str| element.get(name) == Some(&Value::Bool(true));
    flag("HasErrors")
        || flag("HasValidationErrors")
        || text(element, "StatusAttributeString").eq_ignore_ascii_case("ERROR")
        || element
            .get("ValidationErrors")
            .and_then(Value::as_array)
            .is_some_and(|errors| !errors.is_empty())
}

fn judged(entity: Entity, member: &PastMember, element: &Value) -> ElementResult {
    if is_refused(element) {
        let failure = failures::of_messages(&failures::messages(element))
            .unwrap_or_else(|| failures::unproven("an error without words"));
        return ElementResult::Failed(about(member, narrowed(failure)));
    }
    let proof = match entity {
        Entity::Allocation => allocated(member, element),
        _ => proven(entity, member, element),
    };
    match proof {
        Ok(landed) => ElementResult::Done(landed),
        Err(doubt) => unknown(doubt),
    }
}

/// A refusal of one element does not reach the others, unless it is about the whole company.
fn narrowed(failure: Failure) -> Failure {
    match failure.scope {
        Scope::Call => failure.reaching(Scope::Element),
        Scope::Element | Scope::Books => failure,
    }
}

/// Names the contact that was the reason, so that all of its documents wait on one question.
fn about(member: &PastMember, failure: Failure) -> Failure {
    let contact = member
        .step
        .body
        .pointer("/Contact/ContactID")
        .and_then(Value::as_str);
    match contact {
        Some(contact) if failure.code == table::CONTACT_ARCHIVED => {
            failure.with_reference(Reference {
                effect_kind: CUSTOMER.to_owned(),
                external_id: contact.to_owned(),
                state: ReferenceState::Inactive,
            })
        }
        _ => failure,
    }
}

fn unknown(why: &str) -> ElementResult {
    ElementResult::Failed(failures::unproven(why))
}

/// The object as it landed, once it has proved to be this member's.
fn proven(entity: Entity, member: &PastMember, object: &Value) -> Result<Landed, &'static str> {
    let step = &member.step;
    let landed = landed(entity, object, expected_currency(member))?;
    if let Some(target) = &step.target {
        if landed.external_id != target.id {
            return Err("another object's id");
        }
        if number(&landed.revision) < number(&target.revision) {
            return Err("an older state than the one that was changed");
        }
    }
    let is_marked = matches!(step.operation, Operation::Create | Operation::Update);
    if is_marked && !marks(entity, object).contains(&member.marker) {
        return Err("the object does not carry this document's mark");
    }
    match step.operation {
        Operation::Void | Operation::Delete => {
            if landed.fingerprint == step.fingerprint {
                Ok(landed)
            } else {
                Err("the object is not over")
            }
        }
        Operation::Create | Operation::Update => {
            check_content(entity, member, object, &landed)?;
            Ok(landed)
        }
    }
}

fn check_content(
    entity: Entity,
    member: &PastMember,
    object: &Value,
    landed: &Landed,
) -> Result<(), &'static str> {
    let sent = &member.step.body;
    let differs = |pointer: &str| {
        let own = sent.pointer(pointer).and_then(Value::as_str);
        own.is_some_and(|own| object.pointer(pointer).and_then(Value::as_str) != Some(own))
    };
    match entity {
        Entity::Contact | Entity::Allocation => Ok(()),
        Entity::Payment => {
            let amount = |object: &Value| object.get("Amount").and_then(Exact::read).map(|a| a.0);
            if differs("/Invoice/InvoiceID") {
                Err("the payment is for another invoice")
            } else if amount(sent) != amount(object) {
                Err("the payment has another amount")
            } else if text(object, "Status") == wire::DELETED {
                Err("the payment is answered as deleted")
            } else {
                Ok(())
            }
        }
        Entity::Invoice | Entity::CreditNote | Entity::Overpayment => {
            if differs("/Contact/ContactID") {
                return Err("the document names another contact");
            }
            if matches!(text(object, "Status"), wire::VOIDED | wire::DELETED) {
                return Err("the document is answered as over");
            }
            let Some(totals) = landed.totals else {
                return Err("the document states no totals");
            };
            match text(sent, "CurrencyCode").parse::<Currency>() {
                Ok(expected) if expected != totals.currency => {
                    Err("the document has another currency")
                }
                _ => Ok(()),
            }
        }
    }
}

/// An allocation as answered: its sum for that invoice, or that it is gone.
fn allocated(member: &PastMember, row: &Value) -> Result<Landed, &'static str> {
    let step = &member.step;
    let target = step
        .target
        .as_ref()
        .ok_or("an allocation without a target")?;
    let (_, invoice) = target.id.split_once('/').ok_or("not an allocation's id")?;
    let answered: wire::Allocation = wire::read(row).ok_or("members of impossible types")?;
    if client::is_removal(&step.body) {
        let is_it = text(row, "AllocationID") == text(&step.body, "AllocationID");
        if !is_it || answered.is_deleted != Some(true) {
            return Err("the allocation is not taken back");
        }
    } else {
        let sent: wire::Allocation = wire::read(&step.body).ok_or("members of impossible types")?;
        let named = answered.invoice.and_then(|one| one.invoice_id);
        if named.as_deref() != Some(invoice)
            || answered.amount.map(|a| a.0) != sent.amount.map(|a| a.0)
        {
            return Err("another allocation");
        }
    }
    Ok(Landed {
        external_id: target.id.clone(),
        revision: target.revision.clone(),
        fingerprint: step.fingerprint.clone(),
        totals: None,
        lacking: None,
    })
}

/// An object's id, revision, fingerprint and totals, or why it cannot be believed.
/// `currency` stands in where the object does not name one.
pub(crate) fn landed(
    entity: Entity,
    object: &Value,
    currency: Option<Currency>,
) -> Result<Landed, &'static str> {
    let external_id = text(object, entity.id());
    if !wire::is_id(external_id) {
        return Err("the object has no id");
    }
    let changed = dates::milliseconds(text(object, "UpdatedDateUTC"));
    let revision = changed.ok_or("the object has no time of change")?;
    let owned = Owned::of(entity, object).ok_or("members of impossible types")?;
    let totals = match entity {
        Entity::Contact | Entity::Allocation => None,
        Entity::Payment => received(object, currency),
        Entity::Invoice | Entity::CreditNote | Entity::Overpayment => totals(object),
    };
    Ok(Landed {
        external_id: external_id.to_owned(),
        revision: revision.to_string(),
        fingerprint: owned.fingerprint(),
        totals,
        lacking: None,
    })
}

/// What a payment comes to; Xero names its currency only with the invoice.
fn received(object: &Value, currency: Option<Currency>) -> Option<LandedTotals> {
    let stated = object
        .pointer("/Invoice/CurrencyCode")
        .and_then(Value::as_str);
    Some(LandedTotals {
        currency: stated.and_then(|code| code.parse().ok()).or(currency)?,
        tax: Amount::ZERO,
        gross: Amount::new(Exact::read(object.get("Amount")?)?.0).ok()?,
    })
}

/// The currency that was predicted, if totals were.
pub(crate) const fn expected_currency(member: &PastMember) -> Option<Currency> {
    match &member.step.prediction {
        Prediction::Exact { currency, .. } => Some(*currency),
        Prediction::Unpredictable { .. } | Prediction::NoTotals => None,
    }
}

/// A revision as a number; one that is none is older than all.
fn number(revision: &str) -> i64 {
    revision.parse().unwrap_or(i64::MIN)
}

fn totals(object: &Value) -> Option<LandedTotals> {
    let bill: Bill = wire::read(object)?;
    let amount = |number: Option<Exact>| Amount::new(number?.0).ok();
    Some(LandedTotals {
        currency: bill.currency_code?.parse().ok()?,
        tax: amount(bill.total_tax)?,
        gross: amount(bill.total)?,
    })
}

/// All objects of a read's reply, or why the reply cannot be trusted. An empty answer must be a whole one, because
/// absence is concluded from it.
pub(crate) fn objects(entity: Entity, reply: &Reply) -> Result<Vec<Value>, Failure> {
    let body = json(reply);
    let answer = body
        .as_ref()
        .filter(|body| (200..300).contains(&reply.status) && body.get("ErrorNumber").is_none());
    let Some(answer) = answer else {
        return Err(failures::of_reply(reply, body.as_ref(), false));
    };
    let Some(found) = answer.get(entity.plural()).and_then(Value::as_array) else {
        return Err(failures::unreadable_answer("no list of these objects"));
    };
    if found.iter().any(|one| !wire::is_id(text(one, entity.id()))) {
        return Err(failures::unreadable_answer("an object without an id"));
    }
    Ok(found.clone())
}

/// What a read says of the objects that are there.
pub(crate) fn parse_read(effect: &Effect, reply: &Reply) -> Result<Vec<Current>, Failure> {
    let Some(entity) = Entity::of_effect(effect).filter(|entity| *entity != Entity::Allocation)
    else {
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
    match entity {
        Entity::Contact => match text(object, "ContactStatus") {
            "" | wire::ACTIVE => LinkState::Active,
            _ => LinkState::Inactive,
        },
        _ => match text(object, "Status") {
            wire::VOIDED | wire::DELETED => LinkState::Ended,
            _ => LinkState::Active,
        },
    }
}

/// What unclear outcomes are told apart by.
pub(crate) fn is_marked_by(entity: Entity, member: &PastMember, object: &Value) -> bool {
    marks(entity, object).contains(&member.marker)
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

/// Whether a failure only says that a question was too wide.
pub(crate) fn is_too_wide(failure: &Failure) -> bool {
    failure.kind == FailureKind::Defect && failure.code == "READ_TOO_WIDE"
}
