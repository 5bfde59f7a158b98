//! Money received: one payment in the books for each invoice it is for, and an overpayment for the rest.
//!
//! Each is an effect of its own, told apart by the invoice. Xero changes no payment: what is different is deleted and
//! made again. A payment that a bank line was reconciled with is left to the bookkeeper.

use model::document::Payment;
use model::{Amount, DocumentKind, Failure, FailureKind, Lifecycle, Operation};
use provider_kit::{CurrentState, Effect, Link, LinkState, Need, Plan, Prediction, Step, View};
use rust_decimal::Decimal;
use serde_json::json;

use super::owned::Owned;
use super::{Known, accounts, allocation, bill, text, update};
use crate::books::Extra;
use crate::client::Entity;
use crate::wire::{self, Account, Bill, Exact, InvoiceRef, LineItem};
use crate::{OVERPAYMENT, PAYMENT, failures};

/// What the line of an overpayment says.
const REST: &str = "Received, not yet set against an invoice";

/// What a payment needs in these books.
pub(super) fn plan(view: &View<'_>, payment: &Payment) -> Result<Plan, Failure> {
    if !view.settings.sync_payments {
        return Ok(Plan::Skip("payments are switched off for this integration"));
    }
    let document = view.document;
    let is_known = view
        .links
        .of(DocumentKind::Payment, &document.id)
        .next()
        .is_some();
    match document.lifecycle {
        Lifecycle::Live => plan_live(view, payment, is_known),
        Lifecycle::Voided | Lifecycle::Deleted if !is_known => Ok(Plan::Skip(super::NEVER_SENT)),
        Lifecycle::Voided | Lifecycle::Deleted => {
            Ok(endings(view, &[])?.map_or_else(Plan::Needs, Plan::Steps))
        }
    }
}

fn plan_live(view: &View<'_>, payment: &Payment, is_known: bool) -> Result<Plan, Failure> {
    // A payment that came from these books is there as a whole.
    if link_of(view, &Effect::main(PAYMENT)).is_some_and(|link| link.state == LinkState::Active) {
        return Ok(Plan::Steps(Vec::new()));
    }
    let is_early = view
        .settings
        .start_on
        .is_some_and(|start| payment.received_on < start);
    if is_early && !is_known {
        return Ok(Plan::Skip("dated before the start date"));
    }
    let parts = match parts(view, payment)? {
        Ok(parts) => parts,
        Err(needs) => return Ok(Plan::Needs(needs)),
    };
    let mut steps = match endings(view, &parts)? {
        Ok(steps) => steps,
        Err(needs) => return Ok(Plan::Needs(needs)),
    };
    for part in parts {
        match link_of(view, &part.effect) {
            Some(link) if link.state == LinkState::Gone => {
                return Err(failures::deleted_in_books("payment"));
            }
            Some(link) if link.state != LinkState::Ended && is_as_wanted(link, &part) => {}
            Some(link) if link.state != LinkState::Ended && is_deleted(view, &part, link) => {
                return Err(failures::deleted_in_books("payment"));
            }
            _ => {
                bill::check_open(view, payment.received_on)?;
                steps.push(part);
            }
        }
    }
    Ok(Plan::Steps(steps))
}

fn is_as_wanted(link: &Link, part: &Step) -> bool {
    link.fingerprint == part.fingerprint
}

/// Whether a person deleted what was just read.
fn is_deleted(view: &View<'_>, part: &Step, link: &Link) -> bool {
    match view.currents.get(&part.effect.kind, &link.external_id) {
        None => false,
        Some(CurrentState::NotThere) => true,
        Some(CurrentState::There(current)) => current.state == LinkState::Ended,
    }
}

fn link_of<'v>(view: &View<'v>, effect: &Effect) -> Option<&'v Link> {
    view.links
        .get(DocumentKind::Payment, &view.document.id, effect)
}

/// The steps that make the whole payment anew, or what must be there first.
fn parts(view: &View<'_>, payment: &Payment) -> Result<Result<Vec<Step>, Vec<Need>>, Failure> {
    check_amounts(payment)?;
    let account = accounts::of_payments(view)?;
    let rate = bill::rate(view, payment.currency, payment.exchange_rate)?;
    let mut steps = Vec::new();
    let mut needs = Vec::new();
    let mut rest = payment.amount.get();
    for one in &payment.allocations {
        rest = rest
            .checked_sub(one.amount.get())
            .ok_or_else(super::lines::too_large)?;
        let Some(invoice) = allocation::invoice_of(view, &one.invoice_id)? else {
            needs.push(Need::Document {
                kind: DocumentKind::Invoice,
                id: one.invoice_id.clone(),
            });
            continue;
        };
        let effect = Effect {
            kind: PAYMENT.to_owned(),
            part: one.invoice_id.to_string(),
        };
        let content = paid(payment, &account, rate, (invoice, one.amount.get()));
        steps.push(Step {
            prediction: Prediction::Exact {
                currency: payment.currency,
                net: one.amount,
                tax: Amount::ZERO,
                gross: one.amount,
            },
            ..created(effect, &Owned::of_payment(&content), super::body(&content)?)
        });
    }
    if rest > Decimal::ZERO {
        match super::contact_of(view, &payment.client.id)? {
            Known::Not(need) => needs.push(need),
            Known::Id(contact) => {
                let mut content = overpaid(payment, &account, rate, (&contact, rest));
                let receivable = Extra::of(view.books).receivable_code;
                for line in content.line_items.iter_mut().flatten() {
                    line.account_code.clone_from(&receivable);
                }
                steps.push(created(
                    Effect::main(OVERPAYMENT),
                    &Owned::of_overpayment(&content),
                    super::body(&content)?,
                ));
            }
        }
    }
    Ok(if needs.is_empty() {
        Ok(steps)
    } else {
        Err(needs)
    })
}

fn created(effect: Effect, owned: &Owned, body: serde_json::Value) -> Step {
    Step {
        effect,
        operation: Operation::Create,
        target: None,
        body,
        prediction: Prediction::NoTotals,
        fingerprint: owned.fingerprint(),
    }
}

fn paid(
    payment: &Payment,
    account: &Account,
    rate: Option<Exact>,
    (invoice, amount): (&str, Decimal),
) -> wire::Payment {
    wire::Payment {
        invoice: Some(InvoiceRef {
            invoice_id: Some(invoice.to_owned()),
        }),
        account: Some(account.clone()),
        date: Some(payment.received_on.to_string()),
        amount: Some(Exact::new(amount)),
        currency_rate: rate,
        reference: reference(payment),
        ..wire::Payment::default()
    }
}

fn overpaid(
    payment: &Payment,
    account: &Account,
    rate: Option<Exact>,
    (contact, rest): (&str, Decimal),
) -> Bill {
    Bill {
        r#type: Some(wire::RECEIVED_OVERPAYMENT.to_owned()),
        contact: Some(wire::Contact {
            contact_id: Some(contact.to_owned()),
            ..wire::Contact::default()
        }),
        bank_account: Some(account.clone()),
        date: Some(payment.received_on.to_string()),
        line_amount_types: Some(wire::NO_TAX.to_owned()),
        line_items: Some(vec![LineItem {
            description: Some(REST.to_owned()),
            line_amount: Some(Exact::new(rest)),
            ..LineItem::default()
        }]),
        currency_code: Some(payment.currency.to_string()),
        currency_rate: rate,
        ..Bill::default()
    }
}

/// The payer's own words: the reference, else how it was paid.
fn reference(payment: &Payment) -> Option<String> {
    [&payment.reference, &payment.method]
        .into_iter()
        .find_map(|words| text::short(words.as_deref(), text::REFERENCE))
}

/// Xero keeps two decimal places.
fn check_amounts(payment: &Payment) -> Result<(), Failure> {
    let is_finer = |amount: Decimal| amount.normalize().scale() > 2;
    let all = payment.allocations.iter().map(|one| one.amount.get());
    if all.chain([payment.amount.get()]).any(is_finer) {
        return Err(failures::unsupported(
            "AMOUNT_TOO_FINE",
            "Xero keeps two decimal places, and this payment has more. Enter it in Xero by hand, or correct it in \
             ProjectLedger.",
        ));
    }
    Ok(())
}

/// The steps that end what is there of us and not among `wanted`, or the reads they need.
fn endings(view: &View<'_>, wanted: &[Step]) -> Result<Result<Vec<Step>, Vec<Need>>, Failure> {
    let mut steps = Vec::new();
    let mut needs = Vec::new();
    for (effect, link) in view.links.of(DocumentKind::Payment, &view.document.id) {
        let is_wanted = wanted
            .iter()
            .any(|step| step.effect == *effect && step.fingerprint == link.fingerprint);
        let is_over = matches!(link.state, LinkState::Ended | LinkState::Gone);
        if is_over || is_wanted {
            continue;
        }
        match view.currents.get(&effect.kind, &link.external_id) {
            None => needs.push(super::read_of(effect, link)),
            // A person deleted it: nothing is left to end.
            Some(CurrentState::NotThere) => {}
            Some(CurrentState::There(current)) => {
                if let Some(step) = ending(effect, link, current)? {
                    steps.push(step);
                }
            }
        }
    }
    Ok(if needs.is_empty() {
        Ok(steps)
    } else {
        Err(needs)
    })
}

fn ending(
    effect: &Effect,
    link: &Link,
    current: &provider_kit::Current,
) -> Result<Option<Step>, Failure> {
    let entity = Entity::of_effect(effect).unwrap_or(Entity::Payment);
    let there = Owned::of(entity, &current.body).ok_or_else(|| failures::unreadable("payment"))?;
    let over = Owned::over(entity.word());
    if there == over {
        return Ok(None);
    }
    if !update::is_as_seen(link, current, &there) {
        return Err(failures::edited_before_void("payment"));
    }
    let seen: wire::Payment =
        wire::read(&current.body).ok_or_else(|| failures::unreadable("payment"))?;
    if seen.is_reconciled == Some(true) {
        return Err(reconciled());
    }
    Ok(Some(Step {
        effect: effect.clone(),
        operation: Operation::Delete,
        target: Some(update::target(link, current)),
        body: json!({ "Status": wire::DELETED }),
        prediction: Prediction::NoTotals,
        fingerprint: over.fingerprint(),
    }))
}

fn reconciled() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "PAYMENT_RECONCILED",
        "This payment was changed or deleted in ProjectLedger, and in Xero a bank line is already reconciled with it. \
         Undo the reconciliation in Xero, then send the payment again.",
    )
}
