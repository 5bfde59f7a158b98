//! Rules for invoices, credit memos and refund receipts: header, totals, what voiding leaves.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::lines;
use super::links;
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

/// Members that only invoices have, with what they hold when they are not sent.
fn invoice_defaults() -> [(&'static str, Value); 4] {
    [
        ("AllowOnlineCreditCardPayment", json!(true)),
        ("AllowOnlineACHPayment", json!(true)),
        ("AllowOnlinePayment", json!(false)),
        ("AllowIPNPayment", json!(false)),
    ]
}

/// Checks a sales form and fills in what the service computes.
pub fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let customer = customer(company, draft)?;
    if let Some(customer) = &customer {
        settle_currency(company, draft, customer)?;
    } else {
        settle_home_currency(company, draft)?;
    }
    settle_dates(company, draft)?;
    settle_email(draft)?;
    settle_money_account(company, draft)?;
    if let Some(customer) = &customer {
        settle_addresses(draft, customer);
    }
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
        ("ApplyTaxAfterDiscount", json!(false)),
        ("CustomField", json!([])),
    ];
    for (member, value) in defaults {
        draft.data.entry(member).or_insert(value);
    }
    if draft.kind == Kind::Invoice {
        for (member, value) in invoice_defaults() {
            draft.data.entry(member).or_insert(value);
        }
    }
    settle_totals(company, draft)
}

/// The customer of a form; only a refund receipt may be without one.
fn customer(company: &Company, draft: &Draft<'_>) -> Result<Option<Record>, QboFault> {
    let Some(customer) = reference(&draft.data, "CustomerRef") else {
        return if draft.kind == Kind::RefundReceipt {
            Ok(None)
        } else {
            Err(QboFault::missing("CustomerRef"))
        };
    };
    let before = draft
        .before
        .and_then(|before| reference(before, "CustomerRef"));
    let is_settled = draft
        .id
        .is_some_and(|id| !company.applied(draft.kind, id).is_zero());
    if is_settled && before != Some(customer) {
        return Err(QboFault::business(
            "The customer cannot be changed while payments are applied.",
        ));
    }
    company
        .referenced(Kind::Customer, customer)
        .cloned()
        .map(Some)
}

/// Where the money of a refund leaves; an invoice takes no deposit.
fn settle_money_account(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    if draft.kind == Kind::RefundReceipt {
        let account = reference(&draft.data, "DepositToAccountRef");
        holds_money(
            company,
            account.ok_or_else(|| QboFault::missing("DepositToAccountRef"))?,
        )?;
        if let Some(method) = reference(&draft.data, "PaymentMethodRef") {
            company.referenced(Kind::PaymentMethod, method)?;
        }
    }
    // The preferences say AllowDeposit false; a deposit of nothing is what clients echo.
    let deposit = draft.data.remove("Deposit");
    if deposit.is_some_and(|deposit| deposit != json!(0)) {
        return Err(QboFault::business(
            "Deposits are not enabled for this company.",
        ));
    }
    Ok(())
}

/// Refuses an account that money cannot be in.
pub fn holds_money(company: &Company, id: &str) -> Result<(), QboFault> {
    let account = company.referenced(Kind::Account, id)?;
    if matches!(account.text("AccountType"), "Bank" | "Other Current Asset") {
        return Ok(());
    }
    let detail = format!("Accounts element id {id} is invalid");
    Err(QboFault::reference(detail))
}

/// The members of an invoice after voiding; voiding twice changes nothing.
pub fn voided(before: &Members) -> Members {
    let mut data = before.clone();
    data.insert("PrivateNote".to_owned(), json!(void_note(before)));
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

/// The note of a document once it is void.
pub fn void_note(before: &Members) -> String {
    let note = before.get("PrivateNote").and_then(Value::as_str);
    match note {
        Some(note) if is_voided(before) => note.to_owned(),
        Some(note) => format!("Voided - {note}"),
        None => "Voided".to_owned(),
    }
}

/// Whether a document is void: nothing is left of it but the word in its note.
pub fn is_voided(data: &Members) -> bool {
    let note = data.get("PrivateNote").and_then(Value::as_str);
    let total = data.get("TotalAmt").and_then(number::parse);
    note.is_some_and(|note| note.starts_with("Voided"))
        && total.is_some_and(|total| total.is_zero())
}

/// Checks the currency of a document against its customer's.
pub fn settle_currency(
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
    // Clients send a rate of nothing where they know none.
    if draft.data.get("ExchangeRate") == Some(&json!(0)) {
        draft.data.remove("ExchangeRate");
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

/// The currency of a form without a customer.
fn settle_home_currency(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let home = company.profile.home_currency.clone();
    let wanted = reference(&draft.data, "CurrencyRef");
    if wanted.is_some_and(|wanted| wanted != home) {
        return Err(QboFault::business(
            "Multicurrency is not enabled for this company.",
        ));
    }
    draft
        .data
        .insert("CurrencyRef".to_owned(), json!({"value": home}));
    if company.profile.multicurrency {
        draft.data.insert("ExchangeRate".to_owned(), json!(1));
    }
    Ok(())
}

fn settle_dates(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    let today = draft.today.to_string();
    let issued = draft.data.entry("TxnDate").or_insert(json!(today)).clone();
    if draft.kind != Kind::Invoice {
        return Ok(());
    }
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
    if company.profile.multicurrency {
        let rate = amount(&draft.data, "ExchangeRate");
        let home = number::product(total, rate).ok_or_else(|| QboFault::number("HomeTotalAmt"))?;
        draft
            .data
            .insert("HomeTotalAmt".to_owned(), number::json(home));
        draft.data.insert("HomeBalance".to_owned(), json!(0));
    }
    if draft.kind == Kind::RefundReceipt {
        // Money that has left is never open.
        draft.data.insert("Balance".to_owned(), json!(0));
        return Ok(());
    }
    links::settle_open_amount(company, draft.kind, draft.id, &mut draft.data);
    Ok(())
}
