//! A credit note in the books: created approved under our own number, then set against its invoices.
//!
//! Xero takes no discounts on credit notes and lets nothing of one change once credit is set against an invoice.
//! Voiding takes our allocations back first; a person's stop it.

use model::document::CreditNote;
use model::{DocumentKind, Failure, Lifecycle, Operation};
use provider_kit::{Current, CurrentState, Effect, Link, LinkState, Plan, Prediction, Step, View};
use serde_json::json;

use super::bill::{self, Draft, Source};
use super::owned::Owned;
use super::{Known, allocation, invoice, text, update};
use crate::wire::{self, Bill};
use crate::{CREDIT_NOTE, failures, mark};

/// What a credit note needs in these books.
pub(super) fn plan(view: &View<'_>, note: &CreditNote) -> Result<Plan, Failure> {
    if !view.settings.sync_credit_notes {
        return Ok(Plan::Skip(
            "credit notes are switched off for this integration",
        ));
    }
    let document = view.document;
    let link = view.links.get(
        DocumentKind::CreditNote,
        &document.id,
        &Effect::main(CREDIT_NOTE),
    );
    match (document.lifecycle, link) {
        (Lifecycle::Live, None) => plan_create(view, note),
        (Lifecycle::Live, Some(link)) => plan_standing(view, note, link),
        (Lifecycle::Voided | Lifecycle::Deleted, None) => Ok(Plan::Skip(super::NEVER_SENT)),
        (Lifecycle::Voided | Lifecycle::Deleted, Some(link)) => plan_void(view, note, link),
    }
}

fn plan_create(view: &View<'_>, note: &CreditNote) -> Result<Plan, Failure> {
    if view
        .settings
        .start_on
        .is_some_and(|start| note.issued_on < start)
    {
        return Ok(Plan::Skip("dated before the start date"));
    }
    bill::check_open(view, note.issued_on)?;
    let draft = draft(view, note)?;
    let contact = match super::contact_of(view, &note.client.id)? {
        Known::Not(need) => return Ok(Plan::Needs(vec![need])),
        Known::Id(contact) => contact,
    };
    let wanted = match allocation::wanted(view, &note.allocations)? {
        Ok(wanted) => wanted,
        Err(needs) => return Ok(Plan::Needs(needs)),
    };
    let (mut content, prediction) = finished(draft, &contact);
    content.reference = text::short(note.reason.as_deref(), text::REFERENCE);
    let mut steps = vec![Step {
        effect: Effect::main(CREDIT_NOTE),
        operation: Operation::Create,
        target: None,
        fingerprint: Owned::of_bill(&content, "credit note").fingerprint(),
        body: super::body(&content)?,
        prediction,
    }];
    steps.extend(allocation::ahead(&wanted, note.issued_on)?);
    Ok(Plan::Steps(steps))
}

/// Brings the note itself up to date, then what is set against invoices.
fn plan_standing(view: &View<'_>, note: &CreditNote, link: &Link) -> Result<Plan, Failure> {
    match link.state {
        LinkState::Active | LinkState::Inactive => {}
        LinkState::Gone => return Err(failures::deleted_in_books("credit note")),
        LinkState::Ended => return Err(failures::voided_in_books("credit note")),
    }
    let draft = draft(view, note)?;
    let contact = match super::contact_of(view, &note.client.id)? {
        Known::Not(need) => return Ok(Plan::Needs(vec![need])),
        Known::Id(contact) => contact,
    };
    let allocated = match allocation::wanted(view, &note.allocations)? {
        Ok(wanted) => wanted,
        Err(needs) => return Ok(Plan::Needs(needs)),
    };
    let (content, prediction) = finished(draft, &contact);
    let wanted = Owned::of_bill(&content, "credit note");
    let is_same = link.state == LinkState::Active && link.fingerprint == wanted.fingerprint();
    if is_same && allocation::is_settled(view, &link.external_id, &allocated) {
        return Ok(Plan::Steps(Vec::new()));
    }
    let current = match view.currents.get(CREDIT_NOTE, &link.external_id) {
        None => {
            let effect = Effect::main(CREDIT_NOTE);
            return Ok(Plan::Needs(vec![super::read_of(&effect, link)]));
        }
        Some(CurrentState::NotThere) => return Err(failures::deleted_in_books("credit note")),
        Some(CurrentState::There(current)) => current,
    };
    let seen = seen(current)?;
    if seen.is_over() {
        return Err(failures::voided_in_books("credit note"));
    }
    let there = Owned::of_bill(&seen, "credit note");
    let mut steps = Vec::new();
    if !is_same && update::is_needed(link, current, &wanted, &there, "credit note")? {
        if seen.is_settled_in_part() {
            return Err(failures::allocated_in_books());
        }
        bill::check_open(view, note.issued_on)?;
        let mut sent = invoice::with_line_ids(content, &seen);
        let kept = mark::without(wire::text(seen.reference.as_ref()));
        sent.reference = text::short(Some(&kept), text::REFERENCE);
        steps.push(Step {
            effect: Effect::main(CREDIT_NOTE),
            operation: Operation::Update,
            target: Some(update::target(link, current)),
            body: super::body(&sent)?,
            prediction,
            fingerprint: wanted.fingerprint(),
        });
    }
    let id = &link.external_id;
    steps.extend(allocation::steps(
        view,
        id,
        &seen,
        &allocated,
        note.issued_on,
    )?);
    Ok(Plan::Steps(steps))
}

/// As with invoices, a person's change is not wiped out unseen.
fn plan_void(view: &View<'_>, note: &CreditNote, link: &Link) -> Result<Plan, Failure> {
    let over = Owned::over("credit note");
    let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
    if is_over || link.fingerprint == over.fingerprint() {
        return Ok(Plan::Steps(Vec::new()));
    }
    let current = match view.currents.get(CREDIT_NOTE, &link.external_id) {
        None => {
            let effect = Effect::main(CREDIT_NOTE);
            return Ok(Plan::Needs(vec![super::read_of(&effect, link)]));
        }
        Some(CurrentState::NotThere) => return Ok(Plan::Steps(Vec::new())),
        Some(CurrentState::There(current)) => current,
    };
    let seen = seen(current)?;
    let there = Owned::of_bill(&seen, "credit note");
    if there == over {
        return Ok(Plan::Steps(Vec::new()));
    }
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_void("credit note"));
    }
    // Money given back for it is a person's doing.
    if seen.payments.as_ref().is_some_and(|all| !all.is_empty()) {
        return Err(failures::paid_before_void("credit note"));
    }
    bill::check_open(view, note.issued_on)?;
    let mut steps = allocation::all_taken_back(view, &link.external_id, &seen)?;
    steps.push(Step {
        effect: Effect::main(CREDIT_NOTE),
        operation: Operation::Void,
        target: Some(update::target(link, current)),
        body: json!({ "Status": invoice::ending(&seen) }),
        prediction: Prediction::NoTotals,
        fingerprint: over.fingerprint(),
    });
    Ok(Plan::Steps(steps))
}

fn draft(view: &View<'_>, note: &CreditNote) -> Result<Draft, Failure> {
    bill::draft(
        view,
        &Source {
            number: &note.number,
            issued_on: note.issued_on,
            currency: note.currency,
            exchange_rate: note.exchange_rate,
            tax_inclusive: note.tax_inclusive,
            lines: &note.lines,
            discount: None,
            word: "Credit note",
            takes_discounts: false,
        },
    )
}

fn finished(draft: Draft, contact: &str) -> (Bill, Prediction) {
    let content = Bill {
        r#type: Some(wire::SALES_CREDIT.to_owned()),
        credit_note_number: Some(draft.number),
        contact: Some(wire::Contact {
            contact_id: Some(contact.to_owned()),
            ..wire::Contact::default()
        }),
        ..draft.content
    };
    (content, draft.prediction)
}

fn seen(current: &Current) -> Result<Bill, Failure> {
    wire::read(&current.body).ok_or_else(|| failures::unreadable("credit note"))
}
