//! An invoice in the books: created approved, brought up to date, or voided.
//!
//! It is created under our own number, so that a second creation fails loudly. A deleted invoice is voided, which
//! keeps its number and its trace. While payments or credits stand against it Xero takes only a new number, due
//! date, reference, and texts of lines; such a change is sent as just that, anything else waits for a person.
//! ProjectLedger's terms and notes have no place in Xero's invoices and are not sent.

use model::document::Invoice;
use model::{DocumentKind, Failure, Lifecycle, Operation};
use provider_kit::{Current, CurrentState, Effect, Link, LinkState, Plan, Prediction, Step, View};
use serde_json::json;

use super::bill::{self, Draft, Source};
use super::owned::Owned;
use super::{Known, text, update};
use crate::wire::{self, Bill, LineItem};
use crate::{INVOICE, failures};

/// What an invoice needs in these books.
pub(super) fn plan(view: &View<'_>, invoice: &Invoice) -> Result<Plan, Failure> {
    if !view.settings.sync_invoices {
        return Ok(Plan::Skip("invoices are switched off for this integration"));
    }
    let document = view.document;
    let link = view
        .links
        .get(DocumentKind::Invoice, &document.id, &Effect::main(INVOICE));
    match (document.lifecycle, link) {
        (Lifecycle::Live, None) => plan_create(view, invoice),
        (Lifecycle::Live, Some(link)) => plan_update(view, invoice, link),
        (Lifecycle::Voided | Lifecycle::Deleted, None) => Ok(Plan::Skip(super::NEVER_SENT)),
        (Lifecycle::Voided | Lifecycle::Deleted, Some(link)) => plan_void(view, invoice, link),
    }
}

fn plan_create(view: &View<'_>, invoice: &Invoice) -> Result<Plan, Failure> {
    if view
        .settings
        .start_on
        .is_some_and(|start| invoice.issued_on < start)
    {
        return Ok(Plan::Skip("dated before the start date"));
    }
    bill::check_open(view, invoice.issued_on)?;
    let draft = draft(view, invoice)?;
    match super::contact_of(view, &invoice.client.id)? {
        Known::Not(need) => Ok(Plan::Needs(vec![need])),
        Known::Id(contact) => {
            let (content, prediction) = finished(draft, &contact);
            Ok(Plan::Steps(vec![Step {
                effect: Effect::main(INVOICE),
                operation: Operation::Create,
                target: None,
                fingerprint: Owned::of_bill(&content, "invoice").fingerprint(),
                body: super::body(&content)?,
                prediction,
            }]))
        }
    }
}

fn plan_update(view: &View<'_>, invoice: &Invoice, link: &Link) -> Result<Plan, Failure> {
    match link.state {
        LinkState::Active | LinkState::Inactive => {}
        LinkState::Gone => return Err(failures::deleted_in_books("invoice")),
        LinkState::Ended => return Err(failures::voided_in_books("invoice")),
    }
    let draft = draft(view, invoice)?;
    let contact = match super::contact_of(view, &invoice.client.id)? {
        Known::Not(need) => return Ok(Plan::Needs(vec![need])),
        Known::Id(contact) => contact,
    };
    let (content, prediction) = finished(draft, &contact);
    let wanted = Owned::of_bill(&content, "invoice");
    if link.state == LinkState::Active && link.fingerprint == wanted.fingerprint() {
        return Ok(Plan::Steps(Vec::new()));
    }
    let current = match view.currents.get(INVOICE, &link.external_id) {
        None => {
            let effect = Effect::main(INVOICE);
            return Ok(Plan::Needs(vec![super::read_of(&effect, link)]));
        }
        Some(CurrentState::NotThere) => return Err(failures::deleted_in_books("invoice")),
        Some(CurrentState::There(current)) => current,
    };
    let seen = seen(current)?;
    if seen.is_over() {
        return Err(failures::voided_in_books("invoice"));
    }
    let there = Owned::of_bill(&seen, "invoice");
    if !update::is_needed(link, current, &wanted, &there, "invoice")? {
        return Ok(Plan::Steps(Vec::new()));
    }
    let sent = if seen.is_settled_in_part() {
        if !wanted.is_open_when_paid(&there) {
            return Err(failures::paid_in_books(&wanted.differing(&there)));
        }
        of_paid(content, &seen)
    } else {
        bill::check_open(view, invoice.issued_on)?;
        with_line_ids(content, &seen)
    };
    Ok(Plan::Steps(vec![Step {
        effect: Effect::main(INVOICE),
        operation: Operation::Update,
        target: Some(update::target(link, current)),
        body: super::body(&sent)?,
        prediction,
        fingerprint: wanted.fingerprint(),
    }]))
}

/// Voiding wants the invoice as we last saw it: a person's change is not wiped out unseen. A person who agrees
/// voids it in Xero, and the next look finds it done.
fn plan_void(view: &View<'_>, invoice: &Invoice, link: &Link) -> Result<Plan, Failure> {
    let over = Owned::over("invoice");
    let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
    if is_over || link.fingerprint == over.fingerprint() {
        return Ok(Plan::Steps(Vec::new()));
    }
    let current = match view.currents.get(INVOICE, &link.external_id) {
        None => {
            let effect = Effect::main(INVOICE);
            return Ok(Plan::Needs(vec![super::read_of(&effect, link)]));
        }
        // Deleted by a person: there is nothing left that could count.
        Some(CurrentState::NotThere) => return Ok(Plan::Steps(Vec::new())),
        Some(CurrentState::There(current)) => current,
    };
    let seen = seen(current)?;
    let there = Owned::of_bill(&seen, "invoice");
    if there == over {
        return Ok(Plan::Steps(Vec::new()));
    }
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_void("invoice"));
    }
    if seen.is_settled_in_part() {
        return Err(failures::paid_before_void("invoice"));
    }
    bill::check_open(view, invoice.issued_on)?;
    Ok(Plan::Steps(vec![Step {
        effect: Effect::main(INVOICE),
        operation: Operation::Void,
        target: Some(update::target(link, current)),
        body: json!({ "Status": ending(&seen) }),
        prediction: Prediction::NoTotals,
        fingerprint: over.fingerprint(),
    }]))
}

/// What ends a document: approved ones are voided, others deleted.
pub(super) fn ending(seen: &Bill) -> &'static str {
    match seen.status.as_deref() {
        Some("DRAFT" | "SUBMITTED") => wire::DELETED,
        _ => wire::VOIDED,
    }
}

fn draft(view: &View<'_>, invoice: &Invoice) -> Result<Draft, Failure> {
    let mut draft = bill::draft(
        view,
        &Source {
            number: &invoice.number,
            issued_on: invoice.issued_on,
            currency: invoice.currency,
            exchange_rate: invoice.exchange_rate,
            tax_inclusive: invoice.tax_inclusive,
            lines: &invoice.lines,
            discount: invoice.discount,
            word: "Invoice",
            takes_discounts: true,
        },
    )?;
    let content = &mut draft.content;
    // Without one Xero would take the contact's terms.
    content.due_date = Some(invoice.due_on.unwrap_or(invoice.issued_on).to_string());
    let reference = invoice.reference.as_deref();
    content.reference = Some(text::short(reference, text::REFERENCE).unwrap_or_default());
    content.branding_theme_id = view
        .settings
        .invoice_template
        .clone()
        .filter(|theme| wire::is_id(theme));
    Ok(draft)
}

fn finished(draft: Draft, contact: &str) -> (Bill, Prediction) {
    let content = Bill {
        r#type: Some(wire::SALES_INVOICE.to_owned()),
        invoice_number: Some(draft.number),
        contact: Some(wire::Contact {
            contact_id: Some(contact.to_owned()),
            ..wire::Contact::default()
        }),
        ..draft.content
    };
    (content, draft.prediction)
}

fn seen(current: &Current) -> Result<Bill, Failure> {
    wire::read(&current.body).ok_or_else(|| failures::unreadable("invoice"))
}

/// Lines keep the ids they have, so that Xero changes them instead of making new ones, and what people set on them
/// (tracking) has a chance to stay.
pub(super) fn with_line_ids(mut content: Bill, seen: &Bill) -> Bill {
    let known = seen.line_items.iter().flatten();
    let own = content.line_items.iter_mut().flatten();
    for (line, known) in own.zip(known) {
        line.id.clone_from(&known.id);
    }
    content
}

/// Only what Xero lets change while payments stand against the invoice. Lines go along only when their texts
/// differ, with their ids and the amounts they have.
fn of_paid(content: Bill, seen: &Bill) -> Bill {
    let texts = |line: &LineItem| (line.description.clone(), line.account_code.clone());
    let own: Vec<_> = content.line_items.iter().flatten().map(texts).collect();
    let there: Vec<_> = seen.line_items.iter().flatten().map(texts).collect();
    let line_items = (own != there)
        .then(|| with_line_ids(content.clone(), seen).line_items)
        .flatten();
    Bill {
        invoice_number: content.invoice_number,
        due_date: content.due_date,
        reference: content.reference,
        line_items,
        ..Bill::default()
    }
}
