//! What of a credit note is set against which invoice: each of these is an effect of its own.
//!
//! QuickBooks has no such relation between a credit memo and an invoice; a payment of nothing links the two with
//! equal amounts, and carries our marker. Books may also apply credits by themselves, with such payments of their
//! own, so the credit memo and the invoice are read before anything is sent: what is applied already counts, only
//! the remainder is sent, and more than ours is a conflict for a person. Checked 2026-11-23: recorded payments of
//! NangoHQ/integration-templates (payment 74) and Intuit's preferences `AutoApplyCredit`, `AutoApplyPayments`.

mod refusals;
mod standing;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use model::document::CreditNote;
use model::{Amount, DocumentKind, Failure, Operation, SourceId};
use provider_kit::{CurrentState, Effect, External, Link, LinkState, Need, Prediction, Step, View};
use rust_decimal::Decimal;
use serde_json::json;

use self::standing::{Credit, Known, check_open, invoices, read_first};
use super::owned::Owned;
use super::{Planned, Stop, prediction, update};
use crate::books::Preferences;
use crate::entity::Entity;
use crate::wire::payment::{TO_CREDIT_MEMO, TO_INVOICE};
use crate::wire::{self, Exact, PaymentLine, Ref};
use crate::{APPLICATION, INVOICE, failures};

/// Where a credit note's content stands in the books while its applications are planned.
pub(super) struct Basis<'v> {
    /// The credit memo.
    pub(super) link: &'v Link,
    /// The customer's id.
    pub(super) customer: String,
    /// The currency, where it must be said.
    pub(super) currency: Option<Ref>,
    /// The exchange rate, where it is known.
    pub(super) rate: Option<Exact>,
    /// What the credit note comes to once its content is as wanted.
    pub(super) wanted_total: Decimal,
}

/// What has to be done, around the change of the credit memo itself.
#[derive(Default)]
pub(super) struct Around {
    /// Before it: what frees credit.
    pub(super) before: Vec<Step>,
    /// After it: what uses credit.
    pub(super) after: Vec<Step>,
}

/// The wanted sums by invoice; each invoice once.
pub(super) fn wanted(note: &CreditNote) -> Result<BTreeMap<&SourceId, Decimal>, Failure> {
    let mut wanted: BTreeMap<&SourceId, Decimal> = BTreeMap::new();
    let mut sum = Decimal::ZERO;
    for part in &note.allocations {
        let amount = part.amount.get();
        sum = sum
            .checked_add(amount)
            .ok_or_else(refusals::allocated_too_much)?;
        let known = wanted.entry(&part.invoice_id).or_default();
        *known = known
            .checked_add(amount)
            .ok_or_else(refusals::allocated_too_much)?;
    }
    if sum > note.totals.gross.get() {
        return Err(refusals::allocated_too_much());
    }
    wanted.retain(|_, amount| !amount.is_zero());
    Ok(wanted)
}

/// The applications of a credit note that is not in the books yet, as a preview shows them; ids are still to come.
pub(super) fn to_come(view: &View<'_>, note: &CreditNote) -> Result<Vec<Step>, Failure> {
    wanted(note)?
        .into_iter()
        .map(|(invoice, amount)| {
            let link = link_of_invoice(view, invoice);
            let mut to_invoice = PaymentLine::to(TO_INVOICE, "", Exact::new(amount));
            let mut to_credit = PaymentLine::to(TO_CREDIT_MEMO, "", Exact::new(amount));
            to_invoice.aim(link.map(|link| link.external_id.as_str()));
            to_credit.aim(None);
            let content = wire::Payment {
                txn_date: Some(day(view, note).to_string()),
                total_amt: Some(Exact::new(Decimal::ZERO)),
                line: Some(vec![to_invoice, to_credit]),
                ..wire::Payment::default()
            };
            step(note, invoice, &content, Operation::Create, None)
        })
        .collect()
}

/// Brings the applications to what the credit note says.
pub(super) fn plan(view: &View<'_>, note: &CreditNote, basis: &Basis<'_>) -> Planned<Around> {
    let wanted = wanted(note)?;
    let ours = ours(view);
    let is_settled = |invoice: &SourceId, amount: Decimal| {
        let link = ours.get(invoice.as_str());
        let invoice = link_of_invoice(view, invoice);
        link.zip(invoice).is_some_and(|(link, invoice)| {
            let content = content(view, note, basis, &invoice.external_id, amount);
            let own = Owned::of_payment(&content, note.currency.as_str());
            link.fingerprint == own.fingerprint()
        })
    };
    let dropped: Vec<(&str, &Link)> = ours
        .iter()
        .filter(|(part, _)| !wanted.keys().any(|invoice| invoice.as_str() == **part))
        .map(|(part, link)| (*part, *link))
        .collect();
    let open: Vec<(&SourceId, Decimal)> = wanted
        .iter()
        .filter(|(invoice, amount)| !is_settled(invoice, **amount))
        .map(|(invoice, amount)| (*invoice, *amount))
        .collect();
    if dropped.is_empty() && open.is_empty() {
        return Ok(Around::default());
    }
    let invoices = invoices(view, &open)?;
    read_first(view, basis, &ours, &dropped, &invoices)?;
    let mut around = Around::default();
    for (part, link) in &dropped {
        around.before.extend(deletion(view, note, part, link)?);
    }
    if open.is_empty() {
        return Ok(around);
    }
    let known = Known {
        ours: &ours,
        wanted: &wanted,
        dropped: &dropped,
    };
    let mut credit = Credit::read(view, basis, &known, &invoices)?;
    for (invoice, amount, invoice_link) in &invoices {
        let applied = credit.applied_by_others(view, basis, &ours, invoice_link)?;
        let Some(remainder) = amount
            .checked_sub(applied)
            .filter(|rest| !rest.is_sign_negative())
        else {
            return Err(refusals::applied_more().into());
        };
        let link = ours.get(invoice.as_str()).copied();
        let change = change(view, note, basis, (invoice, invoice_link, link), remainder)?;
        let Some((step, growth)) = change else {
            continue;
        };
        if growth.is_sign_negative() {
            credit.left = credit.left.checked_sub(growth).unwrap_or(credit.left);
            around.before.push(step);
            continue;
        }
        check_open(view, invoice_link, growth)?;
        if credit.left < growth {
            return Err(refusals::credit_used().into());
        }
        credit.left = credit.left.checked_sub(growth).unwrap_or_default();
        around.after.push(step);
    }
    Ok(around)
}

/// Takes all applications off, before the credit memo goes.
pub(super) fn undo(view: &View<'_>, note: &CreditNote) -> Planned<Vec<Step>> {
    let ours = ours(view);
    let unread: Vec<Need> = ours
        .iter()
        .filter(|(_, link)| view.currents.get(APPLICATION, &link.external_id).is_none())
        .map(|(part, link)| update::need(&effect(part), link))
        .collect();
    if !unread.is_empty() {
        return Err(Stop::Needs(unread));
    }
    let mut steps = Vec::new();
    for (part, link) in &ours {
        steps.extend(deletion(view, note, part, link)?);
    }
    Ok(steps)
}

/// The effect of an invoice's part.
fn effect(part: &str) -> Effect {
    Effect {
        kind: APPLICATION.to_owned(),
        part: part.to_owned(),
    }
}

/// Our standing links by invoice. One that is gone was taken off by a person, which the plan asks about when it is
/// still wanted, so it does not count here.
fn ours<'v>(view: &View<'v>) -> BTreeMap<&'v str, &'v Link> {
    view.links
        .of(DocumentKind::CreditNote, &view.document.id)
        .filter(|(effect, link)| {
            effect.kind == APPLICATION
                && matches!(link.state, LinkState::Active | LinkState::Inactive)
        })
        .map(|(effect, link)| (effect.part.as_str(), link))
        .collect()
}

fn link_of_invoice<'v>(view: &View<'v>, invoice: &SourceId) -> Option<&'v Link> {
    view.links
        .get(DocumentKind::Invoice, invoice, &Effect::main(INVOICE))
}

/// The step for one invoice and by how much it uses more credit; none when it is as it should be.
fn change(
    view: &View<'_>,
    note: &CreditNote,
    basis: &Basis<'_>,
    (invoice, invoice_link, link): (&SourceId, &Link, Option<&Link>),
    amount: Decimal,
) -> Planned<Option<(Step, Decimal)>> {
    let content = content(view, note, basis, &invoice_link.external_id, amount);
    let Some(link) = link else {
        if amount.is_zero() {
            return Ok(None);
        }
        let step = step(note, invoice, &content, Operation::Create, None)?;
        return Ok(Some((step, amount)));
    };
    let Some(CurrentState::There(current)) = view.currents.get(APPLICATION, &link.external_id)
    else {
        return Err(refusals::removed_in_books().into());
    };
    let seen = wire::Payment::read(&current.body).ok_or_else(|| failures::unreadable("payment"))?;
    let currency = note.currency.as_str();
    let there = Owned::of_payment(&seen, currency);
    let own = Owned::of_payment(&content, currency);
    if !update::is_needed(link, current, &own, &there, "use of the credit")? {
        return Ok(None);
    }
    let before = seen.amount_for(TO_INVOICE, &invoice_link.external_id);
    let growth = amount
        .checked_sub(before)
        .ok_or_else(refusals::allocated_too_much)?;
    let target = Some(update::target(link, current));
    let step = if amount.is_zero() {
        ended(invoice.as_str(), target)
    } else {
        let kept = wire::Payment {
            private_note: update::kept_note(seen.private_note.as_deref()),
            ..content
        };
        step(note, invoice, &kept, Operation::Update, target)?
    };
    Ok(Some((step, growth)))
}

/// The step that takes an application off; none when it is off already.
fn deletion(view: &View<'_>, note: &CreditNote, part: &str, link: &Link) -> Planned<Option<Step>> {
    let Some(CurrentState::There(current)) = view.currents.get(APPLICATION, &link.external_id)
    else {
        return Ok(None);
    };
    let seen = wire::Payment::read(&current.body).ok_or_else(|| failures::unreadable("payment"))?;
    if seen.is_voided() || seen.lines().is_empty() {
        return Ok(None);
    }
    let there = Owned::of_payment(&seen, note.currency.as_str());
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_end("use of the credit").into());
    }
    Ok(Some(ended(part, Some(update::target(link, current)))))
}

fn ended(part: &str, target: Option<External>) -> Step {
    Step {
        effect: effect(part),
        operation: Operation::Delete,
        target,
        body: json!({}),
        prediction: Prediction::NoTotals,
        fingerprint: Owned::voided(Entity::Payment).fingerprint(),
    }
}

fn step(
    note: &CreditNote,
    invoice: &SourceId,
    content: &wire::Payment,
    operation: Operation,
    target: Option<External>,
) -> Result<Step, Failure> {
    Ok(Step {
        effect: effect(invoice.as_str()),
        operation,
        target,
        fingerprint: Owned::of_payment(content, note.currency.as_str()).fingerprint(),
        body: super::body(content)?,
        prediction: prediction::of_money(note.currency, Amount::ZERO),
    })
}

/// The payment of nothing that links the two.
fn content(
    view: &View<'_>,
    note: &CreditNote,
    basis: &Basis<'_>,
    invoice: &str,
    amount: Decimal,
) -> wire::Payment {
    let amount = Exact::new(amount);
    wire::Payment {
        txn_date: Some(day(view, note).to_string()),
        customer_ref: Some(Ref::to(&basis.customer)),
        currency_ref: basis.currency.clone(),
        exchange_rate: basis.rate,
        total_amt: Some(Exact::new(Decimal::ZERO)),
        line: Some(vec![
            PaymentLine::to(TO_INVOICE, invoice, amount),
            PaymentLine::to(TO_CREDIT_MEMO, &basis.link.external_id, amount),
        ]),
        ..wire::Payment::default()
    }
}

/// The credit note's date, or the first open day: setting a credit against an invoice moves no money, so closed
/// books are no reason against it.
fn day(view: &View<'_>, note: &CreditNote) -> NaiveDate {
    let first_open = Preferences::of(view.books)
        .book_close_date
        .and_then(|closed| closed.checked_add_days(Days::new(1)));
    first_open.map_or(note.issued_on, |open| open.max(note.issued_on))
}
