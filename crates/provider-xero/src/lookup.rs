//! What became of an unclear call: the reads that find out, and what they say of each member.
//!
//! A creation is looked for by our mark: invoices, credit notes and overpayments among all that changed since a little
//! before the call; invoices and credit notes also by number, contacts by our number, payments among those of their
//! invoice. A number or a name alone never adopts; under a foreign mark it tells that the creation cannot have come
//! about. A change is looked for at its own object: as wanted, as before, or moved on. An allocation is a sum: what
//! stands there now against what stood there before. Absence is only ever concluded from whole, readable pages.

use chrono::Duration;
use model::{Failure, FailureKind, Operation, Owner, Scope};
use provider_kit::{Judgement, Landed, PastCall, PastMember, Presence, Reply, Request};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::client::{self, Entity, LARGEST_READ, PAGE};
use crate::wire::{self, Bill, Exact};
use crate::{failures, reply};

/// How far before the call's opening the window starts: the two clocks may differ this much.
const WINDOW_MARGIN: Duration = Duration::minutes(10);
/// Most pages of one look-up: more than any company makes meanwhile.
const MOST_PAGES: usize = 200;
/// Longest filter of one read, so that its address stays well below what servers take.
const LONGEST_FILTER: usize = 1_400;

/// The first reads of a look-up: the window where the entity has one, then those by number, then the changed objects.
pub(crate) fn requests(call: &PastCall, tenant: &str) -> Vec<Request> {
    let Some(entity) = entity(call) else {
        return Vec::new();
    };
    if entity == Entity::Allocation {
        return vec![client::by_ids(entity, &targets(call), tenant)];
    }
    let mut requests = Vec::new();
    if creations(call).next().is_some() {
        requests.extend(window(call, entity, tenant));
        requests.extend(by_number(call, entity, tenant));
    }
    for ids in targets(call).chunks(LARGEST_READ) {
        requests.push(client::by_ids(entity, ids, tenant));
    }
    requests
}

/// What the reads say. Replies stand in the order of `requests`; further pages of the window follow them.
pub(crate) fn judge(call: &PastCall, replies: &[Reply]) -> Result<Judgement, Failure> {
    let Some(entity) = entity(call) else {
        return Err(failures::defect("UNKNOWN_EFFECT", &"nothing to look up"));
    };
    let tenant = &call.books_external_id;
    let first = requests(call, tenant).len();
    if replies.len() < first || first == 0 {
        return Err(failures::unreadable_answer("a look-up was not answered"));
    }
    let has_window = entity.has_window() && creations(call).next().is_some();
    let mut found = Vec::new();
    let mut is_last_full = false;
    for (place, answer) in replies.iter().enumerate() {
        let is_page = has_window && (place == 0 || place >= first);
        let objects = match reply::objects(entity, answer) {
            // The window alone finds what was created; the numbers only tell sooner what cannot be.
            Err(failure) if has_window && !is_page && reply::is_too_wide(&failure) => continue,
            other => other?,
        };
        let is_full = objects.len() >= PAGE;
        if is_page {
            is_last_full = is_full;
        } else if is_full && entity == Entity::Payment {
            return Err(too_long());
        }
        found.extend(objects);
    }
    if is_last_full {
        return next_page(call, entity, replies.len() - first + 2);
    }
    call.members
        .iter()
        .map(|member| match (entity, member.step.operation) {
            (Entity::Allocation, _) => allocation(member, &found),
            (_, Operation::Create) => creation(entity, member, &found),
            (_, Operation::Update | Operation::Void | Operation::Delete) => {
                change(entity, member, &found)
            }
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Judgement::Settled)
}

impl Entity {
    /// Whether what was created lately is read as a whole.
    const fn has_window(self) -> bool {
        matches!(self, Self::Invoice | Self::CreditNote | Self::Overpayment)
    }
}

fn entity(call: &PastCall) -> Option<Entity> {
    Entity::of_effect(&call.members.first()?.step.effect)
}

fn creations(call: &PastCall) -> impl Iterator<Item = &PastMember> {
    call.members
        .iter()
        .filter(|member| member.step.operation == Operation::Create)
}

fn targets(call: &PastCall) -> Vec<&str> {
    call.members
        .iter()
        .filter_map(|member| member.step.target.as_ref())
        .map(|target| target.id.as_str())
        .collect()
}

fn next_page(call: &PastCall, entity: Entity, page: usize) -> Result<Judgement, Failure> {
    if page > MOST_PAGES {
        return Err(too_long());
    }
    let request = window(call, entity, &call.books_external_id).ok_or_else(too_long)?;
    Ok(Judgement::More(vec![client::at_page(request, page)]))
}

/// The first page of what changed since a little before the call; none for entities that are asked for by number.
fn window(call: &PastCall, entity: Entity, tenant: &str) -> Option<Request> {
    let filter = match entity {
        Entity::Invoice => vec![
            equals("Type", wire::SALES_INVOICE),
            ("createdByMyApp".to_owned(), "true".to_owned()),
        ],
        Entity::CreditNote => vec![equals("Type", wire::SALES_CREDIT)],
        Entity::Overpayment => vec![equals("Type", wire::RECEIVED_OVERPAYMENT)],
        Entity::Contact | Entity::Payment | Entity::Allocation => return None,
    };
    let since = call
        .opened_at
        .checked_sub_signed(WINDOW_MARGIN)
        .unwrap_or(call.opened_at)
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string();
    Some(client::since(
        client::list_of(entity, filter, tenant),
        &since,
    ))
}

fn equals(name: &str, value: &str) -> (String, String) {
    (
        "where".to_owned(),
        format!("{name}=={}", client::quoted(value)),
    )
}

/// Reads by what is unique about each creation, several at once.
fn by_number(call: &PastCall, entity: Entity, tenant: &str) -> Vec<Request> {
    let sent = |member: &PastMember, pointer: &str| {
        let value = member.step.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let equal = |name: &str, value: &str| format!("{name}=={}", client::quoted(value));
    let (parameter, between, parts): (_, _, Vec<String>) = match entity {
        Entity::Invoice => {
            let numbers = creations(call).map(|member| sent(member, "/InvoiceNumber"));
            // The list is told apart by commas; a number with one is found in the window.
            let plain = numbers.filter(|number| !number.contains(',') && !number.is_empty());
            ("InvoiceNumbers", ",", plain.collect())
        }
        Entity::CreditNote => {
            let numbers = creations(call).map(|member| sent(member, "/CreditNoteNumber"));
            let parts = numbers.map(|number| equal("CreditNoteNumber", &number));
            ("where", " OR ", parts.collect())
        }
        Entity::Contact => {
            let parts = creations(call).map(|member| {
                let number = equal("ContactNumber", &crate::mark::of(&member.marker));
                format!("{number} OR {}", equal("Name", &sent(member, "/Name")))
            });
            ("where", " OR ", parts.collect())
        }
        Entity::Payment => {
            let mut invoices: Vec<String> = creations(call)
                .map(|member| sent(member, "/Invoice/InvoiceID"))
                .filter(|id| wire::is_id(id))
                .map(|id| format!("Invoice.InvoiceID==guid(\"{id}\")"))
                .collect();
            invoices.sort();
            invoices.dedup();
            ("where", " OR ", invoices)
        }
        Entity::Overpayment | Entity::Allocation => ("where", " OR ", Vec::new()),
    };
    chunks(&parts, between)
        .into_iter()
        .map(|filter| client::list_of(entity, vec![(parameter.to_owned(), filter)], tenant))
        .collect()
}

/// Parts joined into filters of bounded length.
fn chunks(parts: &[String], between: &str) -> Vec<String> {
    let mut filters: Vec<String> = Vec::new();
    for part in parts {
        match filters.last_mut() {
            Some(last) if last.len() + between.len() + part.len() <= LONGEST_FILTER => {
                last.push_str(between);
                last.push_str(part);
            }
            _ => filters.push(part.clone()),
        }
    }
    filters
}

fn too_long() -> Failure {
    Failure::new(
        FailureKind::Defect,
        "LOOKUP_TOO_LONG",
        "So much was created in Xero since this was sent that Tieout does not find out by itself what became of it. \
         Whoever runs Tieout must look for its mark in Xero.",
    )
    .owned_by(Owner::Operator)
    .reaching(Scope::Call)
}

/// A creation: found by its mark, once, more than once, or not at all.
fn creation(entity: Entity, member: &PastMember, found: &[Value]) -> Result<Presence, Failure> {
    let mut ours: Vec<Landed> = Vec::new();
    let marked = found
        .iter()
        .filter(|object| reply::is_marked_by(entity, member, object));
    for object in marked {
        // A payment that was deleted is not the one that is looked for.
        if entity == Entity::Payment && status(object) == wire::DELETED {
            continue;
        }
        let landed = as_sent(member, object, landed(entity, member, object)?);
        // One object may be in the window and under its number.
        if ours
            .iter()
            .all(|known| known.external_id != landed.external_id)
        {
            ours.push(landed);
        }
    }
    match ours.len() {
        0 => Ok(taken(entity, member, found).map_or(Presence::Absent, Presence::Differs)),
        1 => Ok(ours.pop().map_or(Presence::Absent, Presence::Present)),
        _ => Ok(Presence::Duplicate(
            ours.into_iter().map(|landed| landed.external_id).collect(),
        )),
    }
}

/// Recorded as we sent it, so that the next update sees what a person changed since, instead of taking the change for
/// our own. A contact that was merged meanwhile is where it went.
fn as_sent(member: &PastMember, object: &Value, landed: Landed) -> Landed {
    let survivor = object.get("MergedToContactID").and_then(Value::as_str);
    Landed {
        external_id: survivor
            .filter(|id| wire::is_id(id))
            .map_or(landed.external_id, str::to_owned),
        fingerprint: member.step.fingerprint.clone(),
        ..landed
    }
}

/// Something else has the number or the name, so ours cannot have been created. Where Xero lets names meet, this asks a
/// person once too often.
fn taken(entity: Entity, member: &PastMember, found: &[Value]) -> Option<Failure> {
    let same = |name: &str, object: &Value| {
        let own = member.step.body.get(name).and_then(Value::as_str)?;
        let other = object.get(name).and_then(Value::as_str)?;
        Some(!own.is_empty() && own.to_lowercase() == other.to_lowercase())
    };
    let is_taken = |name: &str, object: &Value| same(name, object) == Some(true);
    match entity {
        Entity::Invoice => found
            .iter()
            .any(|object| is_taken("InvoiceNumber", object))
            .then(|| failures::taken("invoice", "number")),
        Entity::CreditNote => found
            .iter()
            .any(|object| is_taken("CreditNoteNumber", object))
            .then(|| failures::taken("credit note", "number")),
        Entity::Contact => found
            .iter()
            .filter(|object| {
                object.get("ContactStatus").and_then(Value::as_str) == Some(wire::ACTIVE)
            })
            .any(|object| is_taken("Name", object))
            .then(|| failures::taken("contact", "name")),
        Entity::Payment | Entity::Overpayment | Entity::Allocation => None,
    }
}

fn status(object: &Value) -> &str {
    object
        .get("Status")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn landed(entity: Entity, member: &PastMember, object: &Value) -> Result<Landed, Failure> {
    reply::landed(entity, object, reply::expected_currency(member))
        .map_err(failures::unreadable_answer)
}

/// A change: there as wanted, the object as it was, or something else.
fn change(entity: Entity, member: &PastMember, found: &[Value]) -> Result<Presence, Failure> {
    let Some(target) = &member.step.target else {
        return Err(failures::defect("TARGET", &"a change without a target"));
    };
    let object = found
        .iter()
        .find(|object| object.get(entity.id()).and_then(Value::as_str) == Some(&target.id));
    let is_ending = matches!(member.step.operation, Operation::Void | Operation::Delete);
    let Some(object) = object else {
        // What is gone needs no ending: planning again finds it gone and is done.
        return Ok(Presence::Differs(if is_ending {
            failures::moved_on(entity.word())
        } else {
            failures::deleted_in_books(entity.word())
        }));
    };
    let landed = landed(entity, member, object)?;
    Ok(if landed.fingerprint == member.step.fingerprint {
        Presence::Present(landed)
    } else if landed.revision == target.revision {
        Presence::Absent
    } else {
        Presence::Differs(failures::moved_on(entity.word()))
    })
}

/// An allocation: the sum with ours, the sum without, or another one.
fn allocation(member: &PastMember, found: &[Value]) -> Result<Presence, Failure> {
    let unreadable = || failures::unreadable_answer("a credit note of impossible types");
    let step = &member.step;
    let Some((target, (note, invoice))) = step
        .target
        .as_ref()
        .and_then(|target| Some((target, target.id.split_once('/')?)))
    else {
        return Err(failures::defect(
            "TARGET",
            &"an allocation without a target",
        ));
    };
    let object = found
        .iter()
        .find(|object| object.get("CreditNoteID").and_then(Value::as_str) == Some(note));
    let Some(object) = object else {
        return Ok(Presence::Differs(failures::moved_on("credit note")));
    };
    let bill: Bill = wire::read(object).ok_or_else(unreadable)?;
    let landed = Landed {
        external_id: target.id.clone(),
        revision: target.revision.clone(),
        fingerprint: step.fingerprint.clone(),
        totals: None,
        lacking: None,
    };
    if client::is_removal(&step.body) {
        let row = step.body.get("AllocationID").and_then(Value::as_str);
        let is_there = bill
            .allocations_to(invoice)
            .any(|one| one.row.as_deref() == row);
        return Ok(if is_there {
            Presence::Absent
        } else {
            Presence::Present(landed)
        });
    }
    let sum = bill.allocated_to(invoice).ok_or_else(unreadable)?;
    let before: Decimal = target.revision.parse().map_err(|_| unreadable())?;
    let added = step.body.get("Amount").and_then(Exact::read);
    let added = added.ok_or_else(unreadable)?.0;
    Ok(if before.checked_add(added) == Some(sum) {
        Presence::Present(landed)
    } else if sum == before {
        Presence::Absent
    } else {
        Presence::Differs(failures::moved_on("credit note"))
    })
}
