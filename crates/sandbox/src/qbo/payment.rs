//! Rules for payments: what they may be applied to, how much of them stays unapplied.
//!
//! What the fact sheet leaves open is decided as follows. An application of money beyond the open
//! balance is cut to it and the rest stays unapplied; beyond what a credit memo has left, or
//! beyond the balance on a payment that also uses credit, it is refused. A document that is
//! already settled cannot be linked anew.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::ledger::{RECEIVABLE, UNDEPOSITED};
use super::links::{self, Link, Target};
use super::number;
use super::record::{Members, reference};
use super::sales;
use super::writing::Draft;

/// Checks a payment and computes what it applies.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    // Captured: a sparse change of the amount alone is refused.
    if draft.is_sparse
        && draft.sent.contains_key("TotalAmt")
        && !draft.sent.contains_key("CustomerRef")
    {
        return Err(QboFault::missing("CustomerRef"));
    }
    let customer =
        reference(&draft.data, "CustomerRef").ok_or_else(|| QboFault::missing("CustomerRef"))?;
    let customer = company.referenced(Kind::Customer, customer)?.clone();
    let total = draft.data.get("TotalAmt").and_then(number::parse);
    let total = total.ok_or_else(|| QboFault::missing("TotalAmt"))?;
    let total = number::cents(total).ok_or_else(|| QboFault::number("TotalAmt"))?;
    if total < Decimal::ZERO {
        return Err(QboFault::business(
            "Transaction amount must be 0 or greater.",
        ));
    }
    draft
        .data
        .insert("TotalAmt".to_owned(), number::json(total));
    sales::settle_currency(company, draft, &customer)?;
    let today = json!(draft.today.to_string());
    draft.data.entry("TxnDate").or_insert(today);
    settle_accounts(company, draft, total)?;
    draft.data.entry("ProcessPayment").or_insert(json!(false));
    let lines = settle_lines(company, draft, total)?;
    draft.data = links::with_links(&draft.data, &lines);
    let deposits = draft.before.and_then(|before| before.get("LinkedTxn"));
    let deposits = deposits.cloned().unwrap_or_else(|| json!([]));
    draft.data.insert("LinkedTxn".to_owned(), deposits);
    Ok(())
}

/// Whether a payment has been taken to the bank.
pub fn is_deposited(data: &Members) -> bool {
    let linked = data.get("LinkedTxn").and_then(Value::as_array);
    linked.is_some_and(|linked| !linked.is_empty())
}

/// The members of a payment after voiding.
pub fn voided(before: &Members) -> Members {
    let mut data = before.clone();
    data.insert("PrivateNote".to_owned(), json!(sales::void_note(before)));
    data.insert("TotalAmt".to_owned(), json!(0));
    links::with_links(&data, &[])
}

fn settle_accounts(
    company: &Company,
    draft: &mut Draft<'_>,
    total: Decimal,
) -> Result<(), QboFault> {
    if let Some(id) = reference(&draft.data, "PaymentMethodRef") {
        company.referenced(Kind::PaymentMethod, id)?;
    }
    if let Some(id) = reference(&draft.data, "ARAccountRef")
        && company.referenced(Kind::Account, id)?.id != RECEIVABLE
    {
        let detail = format!("Accounts element id {id} is invalid");
        return Err(QboFault::reference(detail));
    }
    match reference(&draft.data, "DepositToAccountRef") {
        Some(id) => sales::holds_money(company, id),
        // Captured: a payment of nothing names no account.
        None if total.is_zero() => Ok(()),
        None => {
            let account = json!({"value": UNDEPOSITED});
            draft.data.insert("DepositToAccountRef".to_owned(), account);
            Ok(())
        }
    }
}

fn settle_lines(
    company: &Company,
    draft: &Draft<'_>,
    total: Decimal,
) -> Result<Vec<Link>, QboFault> {
    let own = draft.before.map(links::of).unwrap_or_default();
    let own = links::by_target(&own);
    let mut sent = Vec::new();
    if let Some(Value::Array(rows)) = draft.data.get("Line") {
        for row in rows.iter().filter_map(Value::as_object) {
            sent.push(read_line(company, draft, row)?);
        }
    }
    let (invoices, credits) = links::sums(&sent);
    if invoices - credits > total {
        return Err(QboFault::business(
            "The amount applied is greater than the amount of the payment.",
        ));
    }
    let mut open: BTreeMap<Target, Decimal> = BTreeMap::new();
    for link in &mut sent {
        let left = open
            .entry(link.target.clone())
            .or_insert_with(|| open_amount(company, &own, &link.target));
        if left.is_zero() && !link.amount.is_zero() && !own.contains_key(&link.target) {
            return Err(QboFault::not_linkable("it is already settled"));
        }
        let cannot_exceed = link.target.0 == Kind::CreditMemo || !credits.is_zero();
        if link.amount > *left && cannot_exceed {
            return Err(QboFault::business(
                "The amount applied is greater than the open balance.",
            ));
        }
        link.amount = link.amount.min(*left);
        *left -= link.amount;
    }
    sent.retain(|link| !link.amount.is_zero());
    Ok(sent)
}

/// What is open of a document when this payment is left out of account.
fn open_amount(company: &Company, own: &BTreeMap<Target, Decimal>, target: &Target) -> Decimal {
    let (kind, id) = target;
    let record = company.live(*kind, id);
    let open = record.and_then(|record| number::parse(record.data.get("Balance")?));
    open.unwrap_or_default() + own.get(target).copied().unwrap_or_default()
}

fn read_line(company: &Company, draft: &Draft<'_>, row: &Members) -> Result<Link, QboFault> {
    let amount = row.get("Amount").and_then(number::parse);
    let amount = amount.ok_or_else(|| QboFault::missing("Line.Amount"))?;
    let amount = number::cents(amount).ok_or_else(|| QboFault::number("Amount"))?;
    if amount < Decimal::ZERO {
        return Err(QboFault::business("A line amount must be 0 or greater."));
    }
    let linked = row.get("LinkedTxn").and_then(Value::as_array);
    let linked = match linked.map(Vec::as_slice) {
        Some([linked]) => linked,
        Some([_, _, ..]) => {
            return Err(QboFault::business("A line links one transaction only."));
        }
        _ => return Err(QboFault::missing("Line.LinkedTxn")),
    };
    let text = |name: &str| linked.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = match text("TxnType") {
        "Invoice" => Kind::Invoice,
        "CreditMemo" => Kind::CreditMemo,
        "" => return Err(QboFault::missing("LinkedTxn.TxnType")),
        _ => return Err(QboFault::not_linkable("its type is not supported")),
    };
    let id = text("TxnId").to_owned();
    let record = company.latest(kind, &id).ok_or_else(QboFault::not_found)?;
    if record.is_deleted {
        return Err(QboFault::deleted());
    }
    if record.reference("CustomerRef") != reference(&draft.data, "CustomerRef") {
        return Err(QboFault::not_linkable("it belongs to another customer"));
    }
    if record.reference("CurrencyRef") != reference(&draft.data, "CurrencyRef") {
        return Err(QboFault::business(
            "The currency of the transaction is invalid for customer / vendor / account.",
        ));
    }
    Ok(Link {
        target: (kind, id),
        amount,
    })
}
