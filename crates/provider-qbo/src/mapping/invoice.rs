//! An invoice in the books: created, brought up to date as a whole, or voided.
//!
//! A deleted invoice is voided, which keeps its number and its trace. An update sends the complete invoice,
//! since members left out of a full update are cleared. ProjectLedger's notes, reference and terms go to the
//! message the customer sees; the private note belongs to the books and carries our marker. An invoice does not
//! become smaller than what is set against it, nor void while something is: QuickBooks would take payments off in
//! silence, so these have to change first.

use model::document::Invoice;
use model::{DocumentKind, Failure, FailureKind, Lifecycle, Operation};
use provider_kit::{Effect, Link, LinkState, Step, View};
use rust_decimal::Decimal;
use serde_json::json;

use super::owned::Owned;
use super::sale::{Sale, draft};
use super::{Planned, Stop, closed, prediction, update};
use crate::books::Preferences;
use crate::entity::Entity;
use crate::wire::{self, Ref};
use crate::{INVOICE, failures};

/// What an invoice needs in these books.
pub(super) fn plan(view: &View<'_>, invoice: &Invoice) -> Planned<Vec<Step>> {
    if !view.settings.sync_invoices {
        return Err(Stop::Skip("invoices are switched off for this integration"));
    }
    let document = view.document;
    let link = view
        .links
        .get(DocumentKind::Invoice, &document.id, &Effect::main(INVOICE));
    match (document.lifecycle, link) {
        (Lifecycle::Live, None) => plan_create(view, invoice),
        (Lifecycle::Live, Some(link)) => plan_update(view, invoice, link),
        (Lifecycle::Voided | Lifecycle::Deleted, None) => Err(Stop::Skip(super::NEVER_SENT)),
        (Lifecycle::Voided | Lifecycle::Deleted, Some(link)) => plan_void(view, invoice, link),
    }
}

fn plan_create(view: &View<'_>, invoice: &Invoice) -> Planned<Vec<Step>> {
    if view
        .settings
        .start_on
        .is_some_and(|start| invoice.issued_on < start)
    {
        return Err(Stop::Skip(super::TOO_EARLY));
    }
    let sale = Sale::of_invoice(invoice);
    closed::check(view, sale.issued_on, None)?;
    let mut draft = draft(view, &sale)?;
    draft.content.sales_term_ref = terms(view)?;
    draft.content.private_note = sale.private_note();
    Ok(vec![draft.step(
        &sale,
        Effect::main(INVOICE),
        Operation::Create,
        None,
    )?])
}

fn plan_update(view: &View<'_>, invoice: &Invoice, link: &Link) -> Planned<Vec<Step>> {
    match link.state {
        LinkState::Active | LinkState::Inactive => {}
        LinkState::Gone => return Err(failures::deleted_in_books("invoice").into()),
        LinkState::Ended => return Err(failures::voided_in_books("invoice").into()),
    }
    let sale = Sale::of_invoice(invoice);
    let mut draft = draft(view, &sale)?;
    let wanted = sale.owned(&draft.content);
    if link.state == LinkState::Active && link.fingerprint == wanted.fingerprint() {
        return Ok(Vec::new());
    }
    let effect = Effect::main(INVOICE);
    let Some(current) = update::look(view, &effect, link)? else {
        return Err(failures::deleted_in_books("invoice").into());
    };
    let seen = seen(&current.body)?;
    if seen.is_voided() {
        return Err(failures::voided_in_books("invoice").into());
    }
    if !update::is_needed(link, current, &wanted, &sale.owned(&seen), "invoice")? {
        return Ok(Vec::new());
    }
    closed::check(view, sale.issued_on, seen.txn_date.as_deref())?;
    if invoice.totals.gross.get() < applied(&seen) {
        return Err(failures::invoice_paid_for_more().into());
    }
    // The terms are the bookkeeper's once the invoice is there; a full update would clear them.
    draft
        .content
        .sales_term_ref
        .clone_from(&seen.sales_term_ref);
    draft.content.private_note =
        update::kept_note(seen.private_note.as_deref()).or_else(|| sale.private_note());
    let target = Some(update::target(link, current));
    Ok(vec![draft.step(
        &sale,
        effect,
        Operation::Update,
        target,
    )?])
}

/// Voiding wants the invoice as we last saw it: a person's change is not wiped out unseen. A person who
/// agrees voids it in QuickBooks, and the next look finds it done.
fn plan_void(view: &View<'_>, invoice: &Invoice, link: &Link) -> Planned<Vec<Step>> {
    let voided = Owned::voided(Entity::Invoice);
    let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
    if is_over || link.fingerprint == voided.fingerprint() {
        return Ok(Vec::new());
    }
    let effect = Effect::main(INVOICE);
    let Some(current) = update::look(view, &effect, link)? else {
        // Deleted by a person: there is nothing left that could count.
        return Ok(Vec::new());
    };
    let seen = seen(&current.body)?;
    let there = Sale::of_invoice(invoice).owned(&seen);
    if there == voided {
        return Ok(Vec::new());
    }
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_end("invoice").into());
    }
    closed::check(view, invoice.issued_on, seen.txn_date.as_deref())?;
    if !applied(&seen).is_zero() {
        return Err(failures::invoice_paid_for_more().into());
    }
    Ok(vec![Step {
        effect,
        operation: Operation::Void,
        target: Some(update::target(link, current)),
        body: json!({}),
        prediction: prediction::nothing(invoice.currency),
        fingerprint: voided.fingerprint(),
    }])
}

/// What payments and credits are set against it in the books.
fn applied(seen: &wire::Sale) -> Decimal {
    let total = seen.total_amt.map_or(Decimal::ZERO, |total| total.0);
    // QuickBooks leaves out no balance; without one nothing is known to be applied.
    let open = seen.balance.map_or(total, |balance| balance.0);
    total.checked_sub(open).unwrap_or_default()
}

fn seen(body: &serde_json::Value) -> Result<wire::Sale, Failure> {
    wire::Sale::read(body).ok_or_else(|| failures::unreadable("invoice"))
}

/// The payment terms that the integration names, by their id or by their name in the books.
fn terms(view: &View<'_>) -> Result<Option<Ref>, Failure> {
    let Some(named) = view.settings.invoice_terms.as_deref() else {
        return Ok(None);
    };
    let named = named.trim();
    if named.is_empty() {
        return Ok(None);
    }
    let known = Preferences::of(view.books).terms;
    if let Some(id) = known.get(&named.to_lowercase()) {
        return Ok(Some(Ref::to(id)));
    }
    if named.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Some(Ref::to(named)));
    }
    Err(Failure::new(
        FailureKind::Rejected,
        "TERMS_NOT_FOUND",
        "The payment terms in the integration's settings do not exist in QuickBooks. Choose other terms in the \
         settings, or add them in QuickBooks and refresh the connection; then send it again.",
    ))
}
