//! What the service does unasked where the preferences say so: it applies credit and money.
//!
//! `AutoApplyCredit`: a new invoice meets the customer's open credit memos, a new credit memo the
//! open invoices, by payments of nothing that nobody sent. `AutoApplyPayments`: a new invoice
//! meets the unapplied rest of payments, which get another line.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;

use super::company::Company;
use super::kind::Kind;
use super::links::{self, Link};
use super::number;
use super::payment;
use super::record::{Members, Record};
use super::writing::touched;
use crate::web::journal::Touched;

/// The note on a payment that the service made by itself.
const NOTE: &str = "Created by QB Online to link credits to charges.";

/// Applies what the preferences tell to, after a document was created.
pub fn after_creating(
    company: &mut Company,
    kind: Kind,
    id: &str,
    now: DateTime<Utc>,
) -> Vec<Touched> {
    let mut changed = Vec::new();
    let credits = company.profile.auto_apply_credit;
    let payments = company.profile.auto_apply_payments;
    match kind {
        Kind::Invoice => {
            if credits {
                for credit in open_of_same_customer(company, kind, id, Kind::CreditMemo) {
                    changed.extend(link_credit(company, id, &credit, now));
                }
            }
            if payments {
                for payment in open_of_same_customer(company, kind, id, Kind::Payment) {
                    changed.extend(use_payment(company, id, &payment, now));
                }
            }
        }
        Kind::CreditMemo if credits => {
            for invoice in open_of_same_customer(company, kind, id, Kind::Invoice) {
                changed.extend(link_credit(company, &invoice, id, now));
            }
        }
        _ => {}
    }
    changed
}

fn open(kind: Kind, record: &Record) -> Decimal {
    let member = match kind {
        Kind::Payment => "UnappliedAmt",
        Kind::CreditMemo => "RemainingCredit",
        _ => "Balance",
    };
    let amount = record.data.get(member).and_then(number::parse);
    amount.unwrap_or_default()
}

/// Ids of the other documents of a customer with something left, the oldest first.
fn open_of_same_customer(company: &Company, kind: Kind, id: &str, wanted: Kind) -> Vec<String> {
    let Some(own) = company.live(kind, id) else {
        return Vec::new();
    };
    let same = |record: &&Record, member: &str| record.reference(member) == own.reference(member);
    let all = company.all_live(wanted).into_iter();
    all.filter(|record| same(record, "CustomerRef") && same(record, "CurrencyRef"))
        .filter(|record| !open(wanted, record).is_zero())
        .map(|record| record.id.clone())
        .collect()
}

fn link_credit(
    company: &mut Company,
    invoice: &str,
    credit: &str,
    now: DateTime<Utc>,
) -> Vec<Touched> {
    let left = |kind, id| company.live(kind, id).map(|record| open(kind, record));
    let amounts = (left(Kind::Invoice, invoice), left(Kind::CreditMemo, credit));
    let (Some(owed), Some(remaining)) = amounts else {
        return Vec::new();
    };
    let amount = owed.min(remaining);
    let Some(document) = company
        .live(Kind::Invoice, invoice)
        .filter(|_| !amount.is_zero())
    else {
        return Vec::new();
    };
    let mut data = Members::new();
    for member in ["CustomerRef", "CurrencyRef", "ExchangeRate"] {
        if let Some(value) = document.data.get(member) {
            data.insert(member.to_owned(), value.clone());
        }
    }
    data.insert("TotalAmt".to_owned(), json!(0));
    data.insert("PrivateNote".to_owned(), json!(NOTE));
    data.insert("ProcessPayment".to_owned(), json!(false));
    data.insert("LinkedTxn".to_owned(), json!([]));
    let today = company.day(now).to_string();
    data.insert("TxnDate".to_owned(), json!(today));
    let targets = [
        (Kind::Invoice, invoice.to_owned()),
        (Kind::CreditMemo, credit.to_owned()),
    ];
    let links = targets.clone().map(|target| Link { target, amount });
    let record = Record {
        id: company.next_id(Kind::Payment),
        token: 0,
        created_at: now,
        updated_at: now,
        is_deleted: false,
        data: links::with_links(&data, &links),
    };
    let mut changed = vec![touched(Kind::Payment, &record, "created")];
    company.put(Kind::Payment, record);
    changed.extend(links::refresh(company, targets, now));
    changed
}

fn use_payment(
    company: &mut Company,
    invoice: &str,
    payment: &str,
    now: DateTime<Utc>,
) -> Vec<Touched> {
    let owed = company.live(Kind::Invoice, invoice);
    let owed = owed.map(|record| open(Kind::Invoice, record));
    let before = company.live(Kind::Payment, payment).cloned();
    let (Some(owed), Some(before)) = (owed, before) else {
        return Vec::new();
    };
    let amount = owed.min(open(Kind::Payment, &before));
    if amount.is_zero() || payment::is_deposited(&before.data) {
        return Vec::new();
    }
    let target = (Kind::Invoice, invoice.to_owned());
    let mut lines = links::of(&before.data);
    lines.push(Link {
        target: target.clone(),
        amount,
    });
    let data = links::with_links(&before.data, &lines);
    let mut changed = vec![links::replace(company, Kind::Payment, before, data, now)];
    changed.extend(links::refresh(company, [target], now));
    changed
}
