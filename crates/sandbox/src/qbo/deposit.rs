//! Rules for deposits: payments held as undeposited funds go to the bank together.
//!
//! Only people make and undo them here. While a payment is on a deposit it cannot be changed.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::ledger::UNDEPOSITED;
use super::links;
use super::number;
use super::payment;
use super::record::{Members, reference};
use super::sales;
use super::writing::Draft;
use crate::web::journal::Touched;

/// The bank account of a deposit that names none.
const BANK: &str = "35";

/// Checks a deposit and adds it up. A deposit is made or undone, never changed.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    if draft.id.is_some() {
        return Err(QboFault::unsupported_operation("update of a deposit"));
    }
    let bank = json!({"value": BANK});
    draft.data.entry("DepositToAccountRef").or_insert(bank);
    let bank = reference(&draft.data, "DepositToAccountRef").unwrap_or(BANK);
    sales::holds_money(company, bank)?;
    let today = json!(draft.today.to_string());
    draft.data.entry("TxnDate").or_insert(today);
    let mut rows = Vec::new();
    let mut total = Decimal::ZERO;
    let mut currency = None;
    for id in payments(&draft.data) {
        let record = company.live(Kind::Payment, &id);
        let record = record.ok_or_else(QboFault::not_found)?;
        let held = record.reference("DepositToAccountRef") == Some(UNDEPOSITED);
        let same_currency = currency.is_none() || currency == record.reference("CurrencyRef");
        if !held || !same_currency || payment::is_deposited(&record.data) {
            return Err(QboFault::not_linkable("it cannot be deposited"));
        }
        currency = record.reference("CurrencyRef");
        let amount = record.data.get("TotalAmt").and_then(number::parse);
        let amount = amount.unwrap_or_default();
        total += amount;
        rows.push(json!({
            "Amount": number::json(amount),
            "LinkedTxn": [{"TxnId": id, "TxnType": "Payment", "TxnLineId": "0"}],
        }));
    }
    if rows.is_empty() {
        return Err(QboFault::missing("Line.LinkedTxn"));
    }
    let currency = currency.unwrap_or(&company.profile.home_currency);
    let currency = json!({"value": currency});
    draft.data.insert("CurrencyRef".to_owned(), currency);
    draft.data.insert("Line".to_owned(), Value::Array(rows));
    draft
        .data
        .insert("TotalAmt".to_owned(), number::json(total));
    Ok(())
}

/// Marks the payments of a new deposit.
pub fn done(company: &mut Company, id: &str, now: DateTime<Utc>) -> Vec<Touched> {
    let linked = json!([{"TxnId": id, "TxnType": "Deposit"}]);
    mark(company, id, &linked, now)
}

/// Frees the payments of a deposit that is no more.
pub fn undone(company: &mut Company, id: &str, now: DateTime<Utc>) -> Vec<Touched> {
    mark(company, id, &json!([]), now)
}

fn mark(company: &mut Company, id: &str, linked: &Value, now: DateTime<Utc>) -> Vec<Touched> {
    let deposit = company.latest(Kind::Deposit, id);
    let payments = deposit.map(|deposit| payments(&deposit.data));
    let mut changed = Vec::new();
    for payment in payments.into_iter().flatten() {
        if let Some(before) = company.live(Kind::Payment, &payment).cloned() {
            let mut data = before.data.clone();
            data.insert("LinkedTxn".to_owned(), linked.clone());
            changed.push(links::replace(company, Kind::Payment, before, data, now));
        }
    }
    changed
}

fn payments(data: &Members) -> Vec<String> {
    let rows = data.get("Line").and_then(Value::as_array);
    let linked = rows.into_iter().flatten().filter_map(|row| {
        let linked = row.get("LinkedTxn")?.get(0)?;
        Some(linked.get("TxnId")?.as_str()?.to_owned())
    });
    linked.collect()
}
