//! Rules for invoices: header, totals, what voiding leaves behind.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::lines;
use super::number;
use super::party::email_is_sound;
use super::profile::TaxMode;
use super::record::{Members, Record, reference};
use super::tax;
use super::writing::Draft;

/// Days until an invoice without terms is due.
const DAYS_DUE: u64 = 30;

/// Members whose change makes the service add the document up again.
const ARITHMETIC: [&str; 4] = [
    "Line",
    "TxnTaxDetail",
    "GlobalTaxCalculation",
    "ApplyTaxAfterDiscount",
];

/// Checks an invoice and fills in what the service computes.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let customer =
        reference(&draft.data, "CustomerRef").ok_or_else(|| QboFault::missing("CustomerRef"))?;
    let customer = company.referenced(Kind::Customer, customer)?.clone();
    settle_currency(company, draft, &customer)?;
    settle_dates(company, draft)?;
    settle_email(draft)?;
    // The preferences say AllowDeposit false; a deposit of nothing is what clients echo.
    if draft
        .data
        .remove("Deposit")
        .is_some_and(|deposit| deposit != json!(0))
    {
        return Err(QboFault::business(
            "Deposits are not enabled for this company.",
        ));
    }
    settle_addresses(draft, &customer);
    if company.profile.is_us() {
        draft.data.remove("GlobalTaxCalculation");
    } else {
        let excluded = json!("TaxExcluded");
        draft.data.entry("GlobalTaxCalculation").or_insert(excluded);
    }
    let adds_up_again = draft.before.is_none()
        || !draft.is_sparse
        || ARITHMETIC.iter().any(|name| draft.sent.contains_key(*name));
    if adds_up_again {
        add_up(company, draft)?;
    }
    let defaults = [
        ("EmailStatus", json!("NotSet")),
        ("PrintStatus", json!("NeedToPrint")),
        ("AllowOnlineCreditCardPayment", json!(true)),
        ("AllowOnlineACHPayment", json!(true)),
        ("AllowOnlinePayment", json!(false)),
        ("AllowIPNPayment", json!(false)),
        ("ApplyTaxAfterDiscount", json!(false)),
        ("CustomField", json!([])),
        ("LinkedTxn", json!([])),
    ];
    for (member, value) in defaults {
        draft.data.entry(member).or_insert(value);
    }
    settle_totals(company, draft)
}

/// The members of an invoice after voiding; voiding twice changes nothing.
pub fn voided(before: &Members) -> Members {
    let mut data = before.clone();
    let note = before.get("PrivateNote").and_then(Value::as_str);
    let is_void = is_voided(before);
    let note = match note {
        Some(note) if is_void => note.to_owned(),
        Some(note) => format!("Voided - {note}"),
        None => "Voided".to_owned(),
    };
    data.insert("PrivateNote".to_owned(), json!(note));
    let amounts = ["TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance"];
    for member in amounts {
        if data.contains_key(member) {
            data.insert(member.to_owned(), json!(0));
        }
    }
    if let Some(Value::Array(rows)) = data.get_mut("Line") {
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            if row.contains_key("Amount") {
                row.insert("Amount".to_owned(), json!(0));
            }
            if let Some(Value::Object(detail)) = row.get_mut("SalesItemLineDetail") {
                for member in ["UnitPrice", "Qty", "TaxInclusiveAmt"] {
                    if detail.contains_key(member) {
                        detail.insert(member.to_owned(), json!(0));
                    }
                }
            }
        }
    }
    let tax = json!({"TotalTax": 0});
    data.insert("TxnTaxDetail".to_owned(), tax);
    data
}

/// Whether an invoice is void: nothing is left of it but the word in its note.
pub fn is_voided(data: &Members) -> bool {
    let note = data.get("PrivateNote").and_then(Value::as_str);
    let total = data.get("TotalAmt").and_then(number::parse);
    note.is_some_and(|note| note.starts_with("Voided"))
        && total.is_some_and(|total| total.is_zero())
}

fn settle_currency(
    company: &Company,
    draft: &mut Draft<'_>,
    customer: &Record,
) -> Result<(), QboFault> {
    let home = company.profile.home_currency.as_str();
    let billed_in = customer.reference("CurrencyRef").unwrap_or(home).to_owned();
    let wanted = reference(&draft.data, "CurrencyRef").map(str::to_owned);
    let wanted = match wanted {
        Some(currency) => currency,
        None if billed_in == home => home.to_owned(),
        None => return Err(QboFault::missing("CurrencyRef")),
    };
    if !company.profile.multicurrency && wanted != home {
        return Err(QboFault::business(
            "Multicurrency is not enabled for this company.",
        ));
    }
    if wanted != billed_in {
        return Err(QboFault::business(
            "The currency of the transaction is invalid for customer / vendor / account.",
        ));
    }
    if company.profile.multicurrency {
        let usual = number::json(company.profile.exchange_rate(&wanted));
        draft.data.entry("ExchangeRate").or_insert(usual);
    } else {
        draft.data.remove("ExchangeRate");
    }
    let currency = json!({"value": wanted});
    draft.data.insert("CurrencyRef".to_owned(), currency);
    Ok(())
}

fn settle_dates(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let today = draft.today.to_string();
    let issued = draft.data.entry("TxnDate").or_insert(json!(today)).clone();
    let term = match reference(&draft.data, "SalesTermRef") {
        Some(id) => Some(company.referenced(Kind::Term, id)?),
        None => None,
    };
    if draft.data.contains_key("DueDate") {
        return Ok(());
    }
    let days = term.and_then(|term| term.data.get("DueDays")?.as_u64());
    let days = Days::new(days.unwrap_or(DAYS_DUE));
    let issued = issued
        .as_str()
        .and_then(|day| day.parse::<NaiveDate>().ok());
    if let Some(due) = issued.and_then(|day| day.checked_add_days(days)) {
        let due = json!(due.to_string());
        draft.data.insert("DueDate".to_owned(), due);
    }
    Ok(())
}

fn settle_email(draft: &Draft<'_>) -> Result<(), QboFault> {
    for member in ["BillEmail", "BillEmailCc", "BillEmailBcc"] {
        if let Some(email) = draft.data.get(member) {
            email_is_sound(email, member)?;
        }
    }
    let to_send = draft.data.get("EmailStatus") == Some(&json!("NeedToSend"));
    if to_send && !draft.data.contains_key("BillEmail") {
        return Err(QboFault::missing("BillEmail"));
    }
    Ok(())
}

fn settle_addresses(draft: &mut Draft<'_>, customer: &Record) {
    for member in ["BillAddr", "ShipAddr"] {
        if let (false, Some(Value::Object(address))) =
            (draft.data.contains_key(member), customer.data.get(member))
        {
            let mut address = address.clone();
            for inner in ["Id", "Lat", "Long"] {
                address.remove(inner);
            }
            let address = Value::Object(address);
            draft.data.insert(member.to_owned(), address);
        }
    }
}

/// Computes lines, tax and totals afresh.
fn add_up(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let mut lines = lines::settle(company, draft)?;
    let tax = tax::settle(company, draft, &mut lines)?;
    let total = lines.subtotal() - lines.discount + tax.total;
    if total < Decimal::ZERO {
        return Err(QboFault::business(
            "Transaction amount must be 0 or greater.",
        ));
    }
    if number::digits(total) > number::DIGITS_MAX {
        return Err(QboFault::number("TotalAmt"));
    }
    let keeps_code = company.profile.tax() != TaxMode::Off;
    let rows = lines.rows(keeps_code);
    draft.data.insert("Line".to_owned(), Value::Array(rows));
    draft.data.insert("TxnTaxDetail".to_owned(), tax.detail);
    draft
        .data
        .insert("TotalAmt".to_owned(), number::json(total));
    Ok(())
}

/// Derives what is open, and the amounts in the home currency.
fn settle_totals(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let amount = |members: &Members, name: &str| {
        let value = members.get(name).and_then(number::parse);
        value.unwrap_or_default()
    };
    let total = amount(&draft.data, "TotalAmt");
    // What payments have taken off already stays taken off when the total changes.
    let applied = draft.before.map_or(Decimal::ZERO, |before| {
        amount(before, "TotalAmt") - amount(before, "Balance")
    });
    let open = (total - applied).max(Decimal::ZERO);
    draft.data.insert("Balance".to_owned(), number::json(open));
    if company.profile.multicurrency {
        let rate = amount(&draft.data, "ExchangeRate");
        for (member, value) in [("HomeTotalAmt", total), ("HomeBalance", open)] {
            let home = number::product(value, rate).ok_or_else(|| QboFault::number(member))?;
            draft.data.insert(member.to_owned(), number::json(home));
        }
    }
    Ok(())
}
