//! Money received: a payment over one or several invoices, in part, with a surplus, or over none.
//!
//! QuickBooks takes a payment of more than is open without a word and keeps the surplus as the customer's credit,
//! so a second payment would not be refused: only our marker tells ours. An update sends the whole payment with
//! all its lines. A voided payment is voided, a deleted one is deleted. Where the money lies and how it was paid
//! is the bookkeeper's once the payment is there, unless it still lies where this integration put it.

use std::collections::BTreeMap;

use model::document::Payment;
use model::{DocumentKind, Failure, FailureKind, Lifecycle, Operation, SourceId};
use provider_kit::{
    Current, CurrentState, Effect, External, Link, LinkState, Need, Prediction, Step, View,
};
use rust_decimal::Decimal;
use serde_json::json;

use super::owned::Owned;
use super::{Planned, Stop, closed, currency, party, prediction, text, update};
use crate::books::Preferences;
use crate::entity::Entity;
use crate::wire::payment::TO_INVOICE;
use crate::wire::{self, Exact, PaymentLine, Ref};
use crate::{INVOICE, PAYMENT, failures};

/// What a payment needs in these books.
pub(super) fn plan(view: &View<'_>, payment: &Payment) -> Planned<Vec<Step>> {
    if !view.settings.sync_payments {
        return Err(Stop::Skip("payments are switched off for this integration"));
    }
    let document = view.document;
    let link = view
        .links
        .get(DocumentKind::Payment, &document.id, &Effect::main(PAYMENT));
    match (document.lifecycle, link) {
        (Lifecycle::Live, None) => plan_create(view, payment),
        (Lifecycle::Live, Some(link)) => plan_update(view, payment, link),
        (Lifecycle::Voided | Lifecycle::Deleted, None) => Err(Stop::Skip(super::NEVER_SENT)),
        (Lifecycle::Voided, Some(link)) => plan_end(view, payment, link, Operation::Void),
        (Lifecycle::Deleted, Some(link)) => plan_end(view, payment, link, Operation::Delete),
    }
}

fn plan_create(view: &View<'_>, payment: &Payment) -> Planned<Vec<Step>> {
    if view
        .settings
        .start_on
        .is_some_and(|start| payment.received_on < start)
    {
        return Err(Stop::Skip(super::TOO_EARLY));
    }
    if payment.amount.get().is_zero() {
        return Err(Stop::Skip("a payment of nothing moves no money"));
    }
    closed::check(view, payment.received_on, None)?;
    let mut draft = draft(view, payment)?;
    if Preferences::of(view.books).applies_by_itself() {
        let fitting = fitting(view, &draft.placed, &wire::Payment::default())?;
        if fitting != draft.placed.amounts() {
            return Err(failures::invoice_already_paid("payment").into());
        }
    }
    draft.content.deposit_to_account_ref = deposit_account(view, &draft.placed);
    let (method, method_note) = method(view, payment);
    draft.content.method_ref = method;
    draft.content.private_note = note(payment, method_note);
    Ok(vec![draft.step(payment, Operation::Create, None)?])
}

fn plan_update(view: &View<'_>, payment: &Payment, link: &Link) -> Planned<Vec<Step>> {
    match link.state {
        LinkState::Active | LinkState::Inactive => {}
        LinkState::Gone => return Err(failures::deleted_in_books("payment").into()),
        LinkState::Ended => return Err(failures::voided_in_books("payment").into()),
    }
    let mut draft = draft(view, payment)?;
    let wanted = Owned::of_payment(&draft.content, payment.currency.as_str());
    if link.state == LinkState::Active && link.fingerprint == wanted.fingerprint() {
        return Ok(Vec::new());
    }
    let Some(current) = update::look(view, &Effect::main(PAYMENT), link)? else {
        return Err(failures::deleted_in_books("payment").into());
    };
    let seen = seen(current)?;
    if seen.is_voided() {
        return Err(failures::voided_in_books("payment").into());
    }
    let there = Owned::of_payment(&seen, payment.currency.as_str());
    if !update::is_needed(link, current, &wanted, &there, "payment")? {
        return Ok(Vec::new());
    }
    closed::check(view, payment.received_on, seen.txn_date.as_deref())?;
    let fitting = fitting(view, &draft.placed, &seen)?;
    let lies_in = wire::value_of(seen.deposit_to_account_ref.as_ref());
    let is_where_we_put_it = [
        &view.settings.bank_account_id,
        &view.settings.unidentified_payment_account,
    ]
    .into_iter()
    .any(|ours| ours.as_deref() == Some(lies_in));
    draft.content.deposit_to_account_ref = if is_where_we_put_it {
        deposit_account(view, &draft.placed).or_else(|| seen.deposit_to_account_ref.clone())
    } else {
        seen.deposit_to_account_ref.clone()
    };
    draft.content.method_ref.clone_from(&seen.method_ref);
    draft
        .content
        .ar_account_ref
        .clone_from(&seen.ar_account_ref);
    draft.content.private_note = update::kept_note(seen.private_note.as_deref());
    let target = update::target(link, current);
    if fitting == draft.placed.amounts() {
        let step = draft.step(payment, Operation::Update, Some(target))?;
        return Ok(vec![step]);
    }
    // What fits goes now, so that two payments that take each other's place do not wait for one another for ever;
    // the answer then lacks something, and the payment is planned again.
    let mut lesser = draft.content.clone();
    lesser.line = Some(lines_of(&draft.placed, &fitting));
    if Owned::of_payment(&lesser, payment.currency.as_str()) == there {
        return Err(failures::invoice_already_paid("payment").into());
    }
    let mut step = draft.step(payment, Operation::Update, Some(target))?;
    step.body = super::body(&lesser)?;
    Ok(vec![step])
}

/// Voiding or deleting wants the payment as we last saw it: a person's change is not wiped out unseen.
fn plan_end(
    view: &View<'_>,
    payment: &Payment,
    link: &Link,
    operation: Operation,
) -> Planned<Vec<Step>> {
    let voided = Owned::voided(Entity::Payment);
    let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
    if is_over || link.fingerprint == voided.fingerprint() {
        return Ok(Vec::new());
    }
    let effect = Effect::main(PAYMENT);
    let Some(current) = update::look(view, &effect, link)? else {
        // Deleted by a person: there is nothing left that could count.
        return Ok(Vec::new());
    };
    let seen = seen(current)?;
    let there = Owned::of_payment(&seen, payment.currency.as_str());
    if there == voided {
        return Ok(Vec::new());
    }
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_end("payment").into());
    }
    closed::check(view, payment.received_on, seen.txn_date.as_deref())?;
    let prediction = match operation {
        Operation::Void => prediction::nothing(payment.currency),
        Operation::Create | Operation::Update | Operation::Delete => Prediction::NoTotals,
    };
    Ok(vec![Step {
        effect,
        operation,
        target: Some(update::target(link, current)),
        body: json!({}),
        prediction,
        fingerprint: voided.fingerprint(),
    }])
}

/// A payment without account, method and note, and where it goes.
struct Draft {
    content: wire::Payment,
    placed: Placed,
}

impl Draft {
    fn step(
        self,
        payment: &Payment,
        operation: Operation,
        target: Option<External>,
    ) -> Result<Step, Failure> {
        let owned = Owned::of_payment(&self.content, payment.currency.as_str());
        Ok(Step {
            effect: Effect::main(PAYMENT),
            operation,
            target,
            fingerprint: owned.fingerprint(),
            body: super::body(&self.content)?,
            prediction: prediction::of_money(payment.currency, payment.amount),
        })
    }
}

fn draft(view: &View<'_>, payment: &Payment) -> Planned<Draft> {
    let said = currency::say(
        view,
        &payment.client,
        payment.currency,
        payment.exchange_rate,
    )?;
    let amounts = payment.allocations.iter().map(|part| part.amount);
    if amounts
        .chain([payment.amount])
        .any(currency::is_finer_than_cents)
    {
        return Err(amount_too_fine().into());
    }
    if payment.amount.get().is_sign_negative() {
        return Err(negative().into());
    }
    let (placed, mut needs) = place(view, payment)?;
    let customer = match party::customer_of(view, &payment.client)? {
        Ok(customer) => customer,
        Err(need) => {
            needs.insert(0, need);
            String::new()
        }
    };
    if !needs.is_empty() {
        return Err(Stop::Needs(needs));
    }
    let reference = text::one_line(payment.reference.as_deref().unwrap_or_default());
    let lines = lines_of(&placed, &placed.amounts());
    let content = wire::Payment {
        txn_date: Some(payment.received_on.to_string()),
        customer_ref: Some(Ref::to(&customer)),
        currency_ref: said.reference,
        exchange_rate: said.rate,
        total_amt: Some(Exact::new(payment.amount.get())),
        reference: (!reference.is_empty()).then(|| text::short_number(&reference).0),
        line: Some(lines),
        ..wire::Payment::default()
    };
    Ok(Draft { content, placed })
}

/// What of a payment goes to which invoice.
struct Placed {
    /// Each invoice once, in the order of ProjectLedger's ids.
    invoices: Vec<(Link, Decimal)>,
    /// Nobody has said what it is for, or its invoices are not in these books.
    is_unidentified: bool,
}

/// The invoices a payment is for. Where invoices are not sent at all, it goes to the account for payments that
/// nobody can place, if there is one; else a person decides.
fn place(view: &View<'_>, payment: &Payment) -> Planned<(Placed, Vec<Need>)> {
    let mut wanted: BTreeMap<&SourceId, Decimal> = BTreeMap::new();
    let mut sum = Decimal::ZERO;
    for part in &payment.allocations {
        let amount = part.amount.get();
        sum = sum.checked_add(amount).ok_or_else(allocated_too_much)?;
        let known = wanted.entry(&part.invoice_id).or_default();
        *known = known.checked_add(amount).ok_or_else(allocated_too_much)?;
    }
    if sum > payment.amount.get() {
        return Err(allocated_too_much().into());
    }
    let mut invoices = Vec::new();
    let mut needs = Vec::new();
    for (id, amount) in wanted.into_iter().filter(|(_, amount)| !amount.is_zero()) {
        let link = view
            .links
            .get(DocumentKind::Invoice, id, &Effect::main(INVOICE));
        match link.map(|link| (link, link.state)) {
            Some((link, LinkState::Active | LinkState::Inactive)) => {
                invoices.push((link.clone(), amount));
            }
            Some((_, LinkState::Gone)) => return Err(failures::invoice_gone("payment").into()),
            Some((_, LinkState::Ended)) => return Err(failures::invoice_void("payment").into()),
            None if view.settings.sync_invoices => needs.push(Need::Document {
                kind: DocumentKind::Invoice,
                id: id.clone(),
            }),
            None if unidentified(view).is_some() => {}
            None => return Err(invoices_not_sent().into()),
        }
    }
    let is_unidentified = invoices.is_empty() && needs.is_empty();
    Ok((
        Placed {
            invoices,
            is_unidentified,
        },
        needs,
    ))
}

impl Placed {
    fn amounts(&self) -> Vec<Decimal> {
        self.invoices.iter().map(|(_, amount)| *amount).collect()
    }
}

/// A line for each invoice that something is set against.
fn lines_of(placed: &Placed, amounts: &[Decimal]) -> Vec<PaymentLine> {
    placed
        .invoices
        .iter()
        .zip(amounts)
        .filter(|(_, amount)| !amount.is_zero())
        .map(|((link, _), amount)| {
            PaymentLine::to(TO_INVOICE, &link.external_id, Exact::new(*amount))
        })
        .collect()
}

/// How much of each amount the invoices are open for: QuickBooks would keep a surplus as the customer's credit. A new
/// payment asks only in books that apply credits and payments by themselves, where it is likely; elsewhere the reply
/// tells, and the read is saved. What this payment already pays does not count against it.
fn fitting(view: &View<'_>, placed: &Placed, seen: &wire::Payment) -> Planned<Vec<Decimal>> {
    let effect = Effect::main(INVOICE);
    let before = |link: &Link| seen.amount_for(TO_INVOICE, &link.external_id);
    let unread: Vec<Need> = placed
        .invoices
        .iter()
        .filter(|(link, amount)| *amount > before(link))
        .filter(|(link, _)| view.currents.get(INVOICE, &link.external_id).is_none())
        .map(|(link, _)| update::need(&effect, link))
        .collect();
    if !unread.is_empty() {
        return Err(Stop::Needs(unread));
    }
    let mut fitting = Vec::new();
    for (link, amount) in &placed.invoices {
        if *amount <= before(link) {
            fitting.push(*amount);
            continue;
        }
        let Some(CurrentState::There(current)) = view.currents.get(INVOICE, &link.external_id)
        else {
            return Err(failures::invoice_gone("payment").into());
        };
        let invoice =
            wire::Sale::read(&current.body).ok_or_else(|| failures::unreadable("invoice"))?;
        if invoice.is_voided() {
            return Err(failures::invoice_void("payment").into());
        }
        let open = invoice.balance.map_or(Decimal::ZERO, |balance| balance.0);
        let room = open.checked_add(before(link)).unwrap_or(open);
        fitting.push(room.min(*amount));
    }
    Ok(fitting)
}

/// Where the money lies: the bank account, or the account for payments that nobody can place.
fn deposit_account(view: &View<'_>, placed: &Placed) -> Option<Ref> {
    let bank = view.settings.bank_account_id.as_deref();
    let bank = bank.map(str::trim).filter(|id| !id.is_empty());
    let unplaced = unidentified(view).filter(|_| placed.is_unidentified);
    unplaced.or(bank).map(Ref::to)
}

fn unidentified<'v>(view: &View<'v>) -> Option<&'v str> {
    let account = view.settings.unidentified_payment_account.as_deref();
    account.map(str::trim).filter(|id| !id.is_empty())
}

/// The payment method of the books with this name; one that they do not have is said in the note.
fn method(view: &View<'_>, payment: &Payment) -> (Option<Ref>, Option<String>) {
    let named = text::one_line(payment.method.as_deref().unwrap_or_default());
    if named.is_empty() {
        return (None, None);
    }
    let known = Preferences::of(view.books).payment_methods;
    match known.get(&named.to_lowercase()) {
        Some(id) => (Some(Ref::to(id)), None),
        None => (None, Some(format!("Paid by: {named}"))),
    }
}

/// ProjectLedger's notes, and in words what the books have no place for.
fn note(payment: &Payment, method: Option<String>) -> Option<String> {
    let notes = text::lines(payment.notes.as_deref().unwrap_or_default());
    let reference = text::one_line(payment.reference.as_deref().unwrap_or_default());
    let (_, is_short) = text::short_number(&reference);
    let parts = [
        (!notes.is_empty()).then_some(notes),
        method,
        is_short.then(|| format!("Reference: {reference}")),
    ];
    let all: Vec<String> = parts.into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

fn seen(current: &Current) -> Result<wire::Payment, Failure> {
    wire::Payment::read(&current.body).ok_or_else(|| failures::unreadable("payment"))
}

fn amount_too_fine() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "AMOUNT_TOO_FINE",
        "This payment has more than two decimal places in an amount, and QuickBooks would round it. Correct it in \
         ProjectLedger; it is then sent again.",
    )
}

fn negative() -> Failure {
    failures::unsupported(
        "PAYMENT_NEGATIVE",
        "This payment is less than nothing, and QuickBooks takes only money that came in. Enter money that was given \
         back as a refund, in QuickBooks by hand.",
    )
}

fn allocated_too_much() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "ALLOCATED_TOO_MUCH",
        "More of this payment is set against invoices than was paid. Correct the allocations in ProjectLedger; it is \
         then sent again.",
    )
}

fn invoices_not_sent() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "INVOICES_NOT_SENT",
        "This payment is for invoices that are not in QuickBooks, because invoices are switched off for this \
         integration. Choose an account for payments that nobody can place in the settings, and the payment is kept \
         there for the customer; or switch invoices on. Then send it again.",
    )
}
