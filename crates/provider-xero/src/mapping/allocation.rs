//! Credit set against invoices: a sum per invoice, with neither key nor marker.
//!
//! What tells ours from a person's is the sum alone. The sum that stands there is read; what is missing of the wanted
//! one is sent; more than that is taken back only where it is exactly what we last left there, else a person decides.

use chrono::NaiveDate;
use model::document::Allocation;
use model::{DocumentKind, Failure, FailureKind, Operation, Owner, SourceId};
use provider_kit::{Effect, External, Link, LinkState, Need, Prediction, Step, View};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::owned::Owned;
use crate::wire::{Bill, Exact, InvoiceRef};
use crate::{ALLOCATION, INVOICE, failures, wire};

/// What ProjectLedger wants set against one invoice.
pub(super) struct Wanted {
    part: SourceId,
    invoice: String,
    sum: Decimal,
}

/// The invoices of some allocations, or what must be there first.
pub(super) fn wanted(
    view: &View<'_>,
    allocations: &[Allocation],
) -> Result<Result<Vec<Wanted>, Vec<Need>>, Failure> {
    let mut found = Vec::new();
    let mut needs = Vec::new();
    for one in allocations {
        match invoice_of(view, &one.invoice_id)? {
            Some(invoice) => found.push(Wanted {
                part: one.invoice_id.clone(),
                invoice: invoice.to_owned(),
                sum: one.amount.get(),
            }),
            None => needs.push(Need::Document {
                kind: DocumentKind::Invoice,
                id: one.invoice_id.clone(),
            }),
        }
    }
    Ok(if needs.is_empty() {
        Ok(found)
    } else {
        Err(needs)
    })
}

/// The invoice in the books that money or credit is for; none while it has no link.
pub(super) fn invoice_of<'v>(view: &View<'v>, id: &SourceId) -> Result<Option<&'v str>, Failure> {
    let Some(link) = view
        .links
        .get(DocumentKind::Invoice, id, &Effect::main(INVOICE))
    else {
        return Ok(None);
    };
    match link.state {
        LinkState::Active | LinkState::Inactive => Ok(Some(&link.external_id)),
        LinkState::Ended | LinkState::Gone => Err(Failure::new(
            FailureKind::Conflict,
            "INVOICE_GONE",
            "The invoice that this is set against was voided or deleted in Xero. Decide which invoice it belongs to in \
             ProjectLedger, then send it again.",
        )
        .owned_by(Owner::Bookkeeper)),
    }
}

/// Whether all that is wanted is there as we left it, and nothing else of ours.
pub(super) fn is_settled(view: &View<'_>, note: &str, wanted: &[Wanted]) -> bool {
    let is_there = |one: &Wanted| {
        link_of(view, &one.part).is_some_and(|link| {
            link.state == LinkState::Active
                && link.fingerprint == fingerprint(note, &one.invoice, one.sum)
        })
    };
    wanted.iter().all(is_there) && dropped(view, wanted).next().is_none()
}

/// The steps for a credit note that is not there yet; its id is still to come.
pub(super) fn ahead(wanted: &[Wanted], on: NaiveDate) -> Result<Vec<Step>, Failure> {
    wanted
        .iter()
        .map(|one| set_against("", one, Decimal::ZERO, on))
        .map(|step| {
            step.map(|step| Step {
                target: None,
                ..step
            })
        })
        .collect()
}

/// The steps from what is there to what is wanted.
pub(super) fn steps(
    view: &View<'_>,
    note: &str,
    there: &Bill,
    wanted: &[Wanted],
    on: NaiveDate,
) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for (effect, link) in dropped(view, wanted) {
        steps.extend(taken_back(effect, link, note, there)?);
    }
    for one in wanted {
        let sum = there
            .allocated_to(&one.invoice)
            .ok_or_else(|| failures::unreadable("credit note"))?;
        if sum > one.sum {
            let link = link_of(view, &one.part).ok_or_else(allocated_by_others)?;
            steps.extend(taken_back(&effect(&one.part), link, note, there)?);
            steps.push(set_against(note, one, Decimal::ZERO, on)?);
        } else if sum < one.sum {
            steps.push(set_against(note, one, sum, on)?);
        }
    }
    Ok(steps)
}

/// The steps that take back all of ours, for a credit note that is to be voided.
pub(super) fn all_taken_back(
    view: &View<'_>,
    note: &str,
    there: &Bill,
) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for (effect, link) in dropped(view, &[]) {
        steps.extend(taken_back(effect, link, note, there)?);
    }
    let rows = there
        .allocations
        .iter()
        .flatten()
        .filter(|one| one.is_deleted != Some(true));
    if rows.count() > steps.len() {
        return Err(failures::paid_before_void("credit note"));
    }
    Ok(steps)
}

fn effect(part: &SourceId) -> Effect {
    Effect {
        kind: ALLOCATION.to_owned(),
        part: part.to_string(),
    }
}

fn link_of<'v>(view: &View<'v>, part: &SourceId) -> Option<&'v Link> {
    let document = view.document;
    view.links.get(document.kind(), &document.id, &effect(part))
}

/// Links of ours to invoices that are not wanted any more.
fn dropped<'v>(view: &View<'v>, wanted: &[Wanted]) -> impl Iterator<Item = (&'v Effect, &'v Link)> {
    let document = view.document;
    view.links
        .of(document.kind(), &document.id)
        .filter(|(effect, link)| effect.kind == ALLOCATION && link.state == LinkState::Active)
        .filter(move |(effect, _)| !wanted.iter().any(|one| one.part.as_str() == effect.part))
}

/// The id of an allocation: credit note and invoice. Xero's own ids of the rows come and go with each part of it.
fn target(note: &str, invoice: &str, sum: Decimal) -> External {
    External {
        id: format!("{note}/{invoice}"),
        revision: sum.normalize().to_string(),
    }
}

fn fingerprint(note: &str, invoice: &str, sum: Decimal) -> String {
    Owned::of_allocation(note, invoice, sum).fingerprint()
}

fn set_against(note: &str, one: &Wanted, already: Decimal, on: NaiveDate) -> Result<Step, Failure> {
    let rest = one
        .sum
        .checked_sub(already)
        .ok_or_else(super::lines::too_large)?;
    Ok(Step {
        effect: effect(&one.part),
        operation: Operation::Update,
        target: Some(target(note, &one.invoice, already)),
        body: super::body(&wire::Allocation {
            amount: Some(Exact::new(rest)),
            date: Some(on.to_string()),
            invoice: Some(InvoiceRef {
                invoice_id: Some(one.invoice.clone()),
            }),
            ..wire::Allocation::default()
        })?,
        prediction: Prediction::NoTotals,
        fingerprint: fingerprint(note, &one.invoice, one.sum),
    })
}

/// One step per row, if the rows are together just what we left there. Only the last one ends the allocation: until
/// then what is left of it is still ours.
fn taken_back(
    effect: &Effect,
    link: &Link,
    note: &str,
    there: &Bill,
) -> Result<Vec<Step>, Failure> {
    let invoice = link
        .external_id
        .split_once('/')
        .map_or("", |(_, invoice)| invoice);
    let sum = there
        .allocated_to(invoice)
        .ok_or_else(|| failures::unreadable("credit note"))?;
    if sum.is_zero() {
        return Ok(Vec::new());
    }
    if fingerprint(note, invoice, sum) != link.fingerprint {
        return Err(allocated_by_others());
    }
    let rows: Vec<&wire::Allocation> = there.allocations_to(invoice).collect();
    let mut left = sum;
    let mut steps = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let unreadable = || failures::unreadable("credit note");
        let id = row.row.as_deref().filter(|id| wire::is_id(id));
        let amount = row.amount.ok_or_else(unreadable)?.0;
        let before = target(note, invoice, left);
        left = left.checked_sub(amount).ok_or_else(unreadable)?;
        let is_last = place + 1 == rows.len();
        steps.push(Step {
            effect: effect.clone(),
            operation: if is_last {
                Operation::Delete
            } else {
                Operation::Update
            },
            target: Some(before),
            body: row_body(id.ok_or_else(unreadable)?),
            prediction: Prediction::NoTotals,
            fingerprint: if is_last {
                Owned::over("allocation").fingerprint()
            } else {
                fingerprint(note, invoice, left)
            },
        });
    }
    Ok(steps)
}

fn row_body(id: &str) -> Value {
    json!({ "AllocationID": id })
}

fn allocated_by_others() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "MORE_ALLOCATED",
        "More of this credit note is set against an invoice in Xero than ProjectLedger says, and not by Tieout. Take \
         the difference off in Xero, or enter it in ProjectLedger; then send the credit note again.",
    )
}
