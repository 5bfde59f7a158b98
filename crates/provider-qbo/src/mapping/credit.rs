//! A credit note as a credit memo: created, brought up to date as a whole, and taken back.
//!
//! QuickBooks has no void for credit memos, only a deletion (Intuit's API reference, checked 2026-11-23), so a credit
//! note that is voided or deleted in ProjectLedger is deleted in the books; QuickBooks' own audit log keeps it. A
//! memo that a person voided in QuickBooks counts as taken back. What it is set against are effects of their own
//! (`application`): they are taken off before the memo shrinks or goes, and put on after it is there or has grown.

use model::document::CreditNote;
use model::{DocumentKind, Failure, Lifecycle, Operation};
use provider_kit::{Effect, Link, LinkState, Prediction, Step, View};
use serde_json::json;

use super::application::{self, Basis};
use super::owned::Owned;
use super::sale::{Sale, draft};
use super::{Planned, Stop, closed, update};
use crate::entity::Entity;
use crate::wire;
use crate::{CREDIT_NOTE, failures};

/// What a credit note needs in these books.
pub(super) fn plan(view: &View<'_>, note: &CreditNote) -> Planned<Vec<Step>> {
    if !view.settings.sync_credit_notes {
        return Err(Stop::Skip(
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
        (Lifecycle::Live, Some(link)) => plan_update(view, note, link),
        (Lifecycle::Voided | Lifecycle::Deleted, None) => Err(Stop::Skip(super::NEVER_SENT)),
        (Lifecycle::Voided | Lifecycle::Deleted, Some(link)) => plan_end(view, note, link),
    }
}

fn plan_create(view: &View<'_>, note: &CreditNote) -> Planned<Vec<Step>> {
    if view
        .settings
        .start_on
        .is_some_and(|start| note.issued_on < start)
    {
        return Err(Stop::Skip(super::TOO_EARLY));
    }
    let sale = Sale::of_credit_note(note);
    closed::check(view, sale.issued_on, None)?;
    let applications = application::to_come(view, note)?;
    let mut draft = draft(view, &sale)?;
    draft.content.private_note = sale.private_note();
    let create = draft.step(&sale, Effect::main(CREDIT_NOTE), Operation::Create, None)?;
    Ok(std::iter::once(create).chain(applications).collect())
}

fn plan_update(view: &View<'_>, note: &CreditNote, link: &Link) -> Planned<Vec<Step>> {
    match link.state {
        LinkState::Active | LinkState::Inactive => {}
        LinkState::Gone => return Err(failures::deleted_in_books("credit note").into()),
        LinkState::Ended => return Err(failures::voided_in_books("credit note").into()),
    }
    let sale = Sale::of_credit_note(note);
    let draft = draft(view, &sale)?;
    let basis = Basis {
        link,
        customer: wire::value_of(draft.content.customer_ref.as_ref()).to_owned(),
        currency: draft.content.currency_ref.clone(),
        rate: draft.content.exchange_rate,
        wanted_total: note.totals.gross.get(),
    };
    let wanted = sale.owned(&draft.content);
    let is_settled = link.state == LinkState::Active && link.fingerprint == wanted.fingerprint();
    let own = if is_settled {
        None
    } else {
        change(view, &sale, link, draft)?
    };
    let around = application::plan(view, note, &basis)?;
    Ok(around
        .before
        .into_iter()
        .chain(own)
        .chain(around.after)
        .collect())
}

/// The change of the memo itself; none when the books hold it already.
fn change(
    view: &View<'_>,
    sale: &Sale<'_>,
    link: &Link,
    mut draft: super::sale::Draft,
) -> Planned<Option<Step>> {
    let effect = Effect::main(CREDIT_NOTE);
    let Some(current) = update::look(view, &effect, link)? else {
        return Err(failures::deleted_in_books("credit note").into());
    };
    let seen = seen(&current.body)?;
    if seen.is_voided() {
        return Err(failures::voided_in_books("credit note").into());
    }
    let wanted = sale.owned(&draft.content);
    if !update::is_needed(link, current, &wanted, &sale.owned(&seen), "credit note")? {
        return Ok(None);
    }
    closed::check(view, sale.issued_on, seen.txn_date.as_deref())?;
    draft.content.private_note =
        update::kept_note(seen.private_note.as_deref()).or_else(|| sale.private_note());
    let target = Some(update::target(link, current));
    Ok(Some(draft.step(sale, effect, Operation::Update, target)?))
}

/// Taking it back wants the memo as we last saw it, and nothing set against invoices any more.
fn plan_end(view: &View<'_>, note: &CreditNote, link: &Link) -> Planned<Vec<Step>> {
    let mut steps = application::undo(view, note)?;
    let voided = Owned::voided(Entity::CreditMemo);
    let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
    if is_over || link.fingerprint == voided.fingerprint() {
        return Ok(steps);
    }
    let effect = Effect::main(CREDIT_NOTE);
    let Some(current) = update::look(view, &effect, link)? else {
        return Ok(steps);
    };
    let seen = seen(&current.body)?;
    let there = Sale::of_credit_note(note).owned(&seen);
    if there == voided {
        return Ok(steps);
    }
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_end("credit note").into());
    }
    closed::check(view, note.issued_on, seen.txn_date.as_deref())?;
    steps.push(Step {
        effect,
        operation: Operation::Delete,
        target: Some(update::target(link, current)),
        body: json!({}),
        prediction: Prediction::NoTotals,
        fingerprint: voided.fingerprint(),
    });
    Ok(steps)
}

fn seen(body: &serde_json::Value) -> Result<wire::Sale, Failure> {
    wire::Sale::read(body).ok_or_else(|| failures::unreadable("credit note"))
}
