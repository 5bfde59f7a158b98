//! What became of an unclear call: the reads that find out, and what they say of each member.
//!
//! A creation is looked for by our marker in everything created since a little before the call was opened. Documents
//! with numbers are looked for by their number as well, however old: with our marker it is ours, without it a person
//! decides; a number or a name alone never adopts. A change is looked for at its own object: as wanted, as before, or
//! moved on. Absence is only ever concluded from whole, readable pages.
//!
//! The replies stand in this order: first page of the window, documents by number, changed objects, further pages.

use chrono::Duration;
use model::{Failure, FailureKind, Operation, Owner, Scope};
use provider_kit::{Judgement, Landed, PastCall, PastMember, Presence, Reply, Request};
use serde_json::Value;

use crate::client::{self, PAGE};
use crate::entity::Entity;
use crate::failures;
use crate::mapping::text;
use crate::reply;
use crate::wire::{Payment, Sale};

/// How far before the call's opening the window starts: the two clocks may differ this much.
const WINDOW_MARGIN: Duration = Duration::minutes(10);

/// Most pages of one look-up: two hundred thousand creations since the call are more than any company makes.
const MOST_PAGES: usize = 200;

/// The first reads of a look-up.
pub(crate) fn requests(call: &PastCall, realm: &str) -> Vec<Request> {
    let Some(entity) = entity(call) else {
        return Vec::new();
    };
    let mut requests = Vec::new();
    if creations(call).next().is_some() {
        requests.push(page(call, entity, realm, 0));
    }
    let numbers = numbers(call, entity);
    if !numbers.is_empty() {
        requests.push(client::query(realm, &client::by_numbers(entity, &numbers)));
    }
    let ids: Vec<&str> = changes(call)
        .filter_map(|member| member.step.target.as_ref())
        .map(|target| target.id.as_str())
        .collect();
    if !ids.is_empty() {
        requests.push(client::query(realm, &client::by_ids(entity, &ids)));
    }
    requests
}

/// What the reads say.
pub(crate) fn judge(call: &PastCall, replies: &[Reply]) -> Result<Judgement, Failure> {
    let Some(entity) = entity(call) else {
        return Err(failures::defect("UNKNOWN_EFFECT", &"nothing to look up"));
    };
    let has_creations = creations(call).next().is_some();
    let has_changes = changes(call).next().is_some();
    let has_numbers = !numbers(call, entity).is_empty();
    let first = [has_creations, has_numbers, has_changes]
        .into_iter()
        .filter(|asked| *asked)
        .count();
    if replies.len() < first {
        return Err(failures::unreadable_answer("a look-up was not answered"));
    }
    let changed = if has_changes {
        reply::objects(entity, &replies[first - 1])?
    } else {
        Vec::new()
    };
    let mut created = Vec::new();
    let numbered = if has_numbers {
        reply::objects(entity, &replies[usize::from(has_creations)])?
    } else {
        Vec::new()
    };
    if has_creations {
        let pages = std::iter::once(&replies[0]).chain(&replies[first..]);
        let mut is_last_full = false;
        for page in pages {
            let found = reply::objects(entity, page)?;
            is_last_full = found.len() >= PAGE;
            created.extend(found);
        }
        if is_last_full {
            let next = 1 + replies.len() - first;
            if next >= MOST_PAGES {
                return Err(too_long());
            }
            return Ok(Judgement::More(vec![page(
                call,
                entity,
                &call.books_external_id,
                next,
            )]));
        }
    }
    created.extend(numbered);
    call.members
        .iter()
        .map(|member| match member.step.operation {
            Operation::Create => creation(entity, member, &created),
            Operation::Update | Operation::Void | Operation::Delete => {
                change(entity, member, &changed)
            }
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Judgement::Settled)
}

fn entity(call: &PastCall) -> Option<Entity> {
    Entity::of_effect(&call.members.first()?.step.effect)
}

fn creations(call: &PastCall) -> impl Iterator<Item = &PastMember> {
    call.members
        .iter()
        .filter(|member| member.step.operation == Operation::Create)
}

/// The numbers of what was to be created.
fn numbers(call: &PastCall, entity: Entity) -> Vec<&str> {
    let mut numbers: Vec<&str> = creations(call)
        .filter(|_| entity.has_number())
        .filter_map(doc_number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn doc_number(member: &PastMember) -> Option<&str> {
    member.step.body.get("DocNumber").and_then(Value::as_str)
}

fn changes(call: &PastCall) -> impl Iterator<Item = &PastMember> {
    call.members
        .iter()
        .filter(|member| member.step.operation != Operation::Create)
}

/// One page of what was created since a little before the call.
fn page(call: &PastCall, entity: Entity, realm: &str, page: usize) -> Request {
    let since = call
        .opened_at
        .checked_sub_signed(WINDOW_MARGIN)
        .unwrap_or(call.opened_at)
        .format("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string();
    client::query(realm, &client::created_since(entity, &since, page))
}

fn too_long() -> Failure {
    Failure::new(
        FailureKind::Defect,
        "LOOKUP_TOO_LONG",
        "So much was created in QuickBooks since this was sent that Tieout does not find out by itself what \
         became of it. Whoever runs Tieout must look for its marker in QuickBooks.",
    )
    .owned_by(Owner::Operator)
    .reaching(Scope::Call)
}

/// A creation: found by its marker, once, more than once, or not at all.
fn creation(entity: Entity, member: &PastMember, found: &[Value]) -> Result<Presence, Failure> {
    let mut ours: Vec<Landed> = Vec::new();
    for object in found
        .iter()
        .filter(|object| carries(entity, member, object))
    {
        let landed = landed(entity, member, object)?;
        // Pages of a growing list may show one object twice.
        if ours
            .iter()
            .all(|known| known.external_id != landed.external_id)
        {
            ours.push(landed);
        }
    }
    match ours.len() {
        0 if entity.has_number() && found.iter().any(|one| has_its_number(member, one)) => {
            Ok(Presence::Differs(failures::number_taken()))
        }
        0 => Ok(Presence::Absent),
        1 => Ok(ours.pop().map_or(Presence::Absent, |landed| {
            Presence::Present(as_sent(member, landed))
        })),
        _ => Ok(Presence::Duplicate(
            ours.into_iter().map(|landed| landed.external_id).collect(),
        )),
    }
}

/// Whether a document that is not ours has the number: QuickBooks compares without regard to case.
fn has_its_number(member: &PastMember, object: &Value) -> bool {
    let taken = object.get("DocNumber").and_then(Value::as_str);
    let wanted = doc_number(member).map(|number| number.trim().to_lowercase());
    wanted.is_some_and(|wanted| taken.is_some_and(|taken| taken.trim().to_lowercase() == wanted))
}

/// An object that a person changed between our creation and this look is recorded as we sent it, so that the
/// next update sees the difference and asks, instead of taking the change for our own.
fn as_sent(member: &PastMember, landed: Landed) -> Landed {
    if landed.revision == "0" {
        return landed;
    }
    Landed {
        fingerprint: member.step.fingerprint.clone(),
        ..landed
    }
}

fn carries(entity: Entity, member: &PastMember, object: &Value) -> bool {
    let note = object.get(entity.note()).and_then(Value::as_str);
    text::markers(note.unwrap_or_default()).contains(&member.marker)
}

fn landed(entity: Entity, member: &PastMember, object: &Value) -> Result<Landed, Failure> {
    let landed = reply::landed(entity, object, reply::expected_currency(member))
        .map_err(failures::unreadable_answer)?;
    Ok(Landed {
        lacking: reply::lacking(member, object, &landed).map(Box::new),
        ..landed
    })
}

/// A change: there as wanted, the object as it was, or something else.
fn change(entity: Entity, member: &PastMember, found: &[Value]) -> Result<Presence, Failure> {
    let Some(target) = &member.step.target else {
        return Err(failures::defect("TARGET", &"a change without a target"));
    };
    let object = found
        .iter()
        .find(|object| object.get("Id").and_then(Value::as_str) == Some(&target.id));
    let operation = member.step.operation;
    let Some(object) = object else {
        return Ok(match operation {
            // What is gone needs no voiding or deleting: planning again reads it once more and is done. That it is
            // missing from one answer is not taken for our own success.
            Operation::Void | Operation::Delete => {
                Presence::Differs(failures::moved_on(entity.word()))
            }
            Operation::Create | Operation::Update => {
                Presence::Differs(failures::deleted_in_books(entity.word()))
            }
        });
    };
    let landed = landed(entity, member, object)?;
    let is_as_wanted = match operation {
        Operation::Void => is_voided(entity, object),
        Operation::Delete => reply::is_deleted(object),
        Operation::Create | Operation::Update => landed.fingerprint == member.step.fingerprint,
    };
    Ok(if is_as_wanted || is_our_lesser(member, object, &landed) {
        Presence::Present(landed)
    } else if landed.revision == target.revision {
        Presence::Absent
    } else {
        Presence::Differs(failures::moved_on(entity.word()))
    })
}

/// Whether a payment holds our change and nothing else since, with less set against invoices than was wanted.
fn is_our_lesser(member: &PastMember, object: &Value, landed: &Landed) -> bool {
    let Some(target) = &member.step.target else {
        return false;
    };
    let revision = |text: &str| text.parse::<u64>().ok();
    let is_next = revision(&landed.revision)
        .zip(revision(&target.revision))
        .is_some_and(|(there, before)| there == before.saturating_add(1));
    landed.lacking.is_some() && is_next && reply::is_as_sent(member, object)
}

fn is_voided(entity: Entity, object: &Value) -> bool {
    match entity {
        Entity::Customer | Entity::Item => false,
        Entity::Invoice | Entity::CreditMemo => Sale::read(object).is_some_and(|s| s.is_voided()),
        Entity::Payment => Payment::read(object).is_some_and(|p| p.is_voided()),
    }
}
