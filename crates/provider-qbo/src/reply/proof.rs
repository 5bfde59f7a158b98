//! Whether an answered object proves that our effect is in the books.

use model::{Failure, Operation};
use provider_kit::{Landed, PastMember};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{expected_currency, is_deleted, landed, number};
use crate::entity::Entity;
use crate::mapping::text;
use crate::wire::{self, Payment, Sale, value_of};
use crate::{PAYMENT, failures};

/// The object as it landed, once it has proved to be this member's.
pub(super) fn proven(
    member: &PastMember,
    entity: Entity,
    object: &Value,
) -> Result<Landed, &'static str> {
    let step = &member.step;
    let is_deleted = is_deleted(object);
    if is_deleted != (step.operation == Operation::Delete) {
        return Err("the object is deleted and should not be, or the other way round");
    }
    let mut landed = landed(entity, object, expected_currency(member))?;
    if let Some(target) = &step.target {
        if landed.external_id != target.id {
            return Err("another object's id");
        }
        if is_deleted {
            return Ok(landed);
        }
        if number(&landed.revision) < number(&target.revision) {
            return Err("an older revision than the one that was changed");
        }
    }
    let note = object.get(entity.note()).and_then(Value::as_str);
    let markers = text::markers(note.unwrap_or_default());
    let is_ours = markers.contains(&member.marker);
    let is_others = markers
        .iter()
        .any(|marker| marker.installation == member.marker.installation);
    if !is_ours && (is_others || step.operation != Operation::Void) {
        return Err("the object does not carry this document's marker");
    }
    match entity {
        Entity::Customer | Entity::Item => {}
        Entity::Invoice | Entity::CreditMemo => check_sale(member, object)?,
        Entity::Payment => {
            check_payment(member, object)?;
            landed.lacking = lacking(member, object, &landed).map(Box::new);
        }
    }
    if let (Some(totals), Some(expected)) = (landed.totals, expected_currency(member))
        && totals.currency != expected
    {
        return Err("the document has another currency");
    }
    if landed.totals.is_none() && !entity.is_name() {
        return Err("the document states no totals");
    }
    Ok(landed)
}

fn check_sale(member: &PastMember, object: &Value) -> Result<(), &'static str> {
    let answered = Sale::read(object).ok_or("the document has members of impossible types")?;
    if member.step.operation == Operation::Void {
        return if answered.is_voided() {
            Ok(())
        } else {
            Err("the document is not void")
        };
    }
    let sent = Sale::read(&member.step.body).ok_or("the step holds no document")?;
    same_customer(sent.customer_ref.as_ref(), answered.customer_ref.as_ref())
}

/// A payment must be for the documents that were named, by no more than was sent. Less is possible: where an invoice
/// has less open, QuickBooks keeps the surplus as the customer's credit without a word, so that is said here.
fn check_payment(member: &PastMember, object: &Value) -> Result<(), &'static str> {
    let answered = Payment::read(object).ok_or("the payment has members of impossible types")?;
    if member.step.operation == Operation::Void {
        return if answered.is_voided() {
            Ok(())
        } else {
            Err("the payment is not void")
        };
    }
    let sent = Payment::read(&member.step.body).ok_or("the step holds no payment")?;
    same_customer(sent.customer_ref.as_ref(), answered.customer_ref.as_ref())?;
    let amount = |payment: &Payment| payment.total_amt.map(|n| n.0.normalize());
    if amount(&sent) != amount(&answered) {
        return Err("the payment has another amount");
    }
    let is_as_sent = answered.lines().iter().all(|line| {
        line.target().is_some_and(|(kind, id)| {
            line.amount.map_or(Decimal::ZERO, |n| n.0) <= sent.amount_for(kind, id)
        })
    });
    if !is_as_sent {
        return Err("the payment is for other documents");
    }
    Ok(())
}

/// Whether a payment is what was sent, or less of it.
pub(crate) fn is_as_sent(member: &PastMember, object: &Value) -> bool {
    check_payment(member, object).is_ok()
}

/// What is said of a payment that settles less than was wanted: less than was sent, or, since an update may leave out
/// on purpose what does not fit, it does not look as wanted and some of it is unapplied.
pub(crate) fn lacking(member: &PastMember, object: &Value, landed: &Landed) -> Option<Failure> {
    let step = &member.step;
    let is_money = step.effect.kind == PAYMENT
        && matches!(step.operation, Operation::Create | Operation::Update);
    if !is_money || landed.fingerprint == step.fingerprint {
        return None;
    }
    let (sent, answered) = (Payment::read(&step.body)?, Payment::read(object)?);
    let is_less = sent.lines().iter().any(|line| {
        line.target()
            .is_some_and(|(kind, id)| answered.amount_for(kind, id) < sent.amount_for(kind, id))
    });
    let unapplied = answered.unapplied_amt.map_or(Decimal::ZERO, |n| n.0);
    (is_less || unapplied > Decimal::ZERO).then(failures::applied_less)
}

fn same_customer(
    sent: Option<&wire::Ref>,
    answered: Option<&wire::Ref>,
) -> Result<(), &'static str> {
    if value_of(sent) == value_of(answered) {
        Ok(())
    } else {
        Err("the document names another customer")
    }
}
