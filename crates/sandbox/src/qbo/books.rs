//! The books of a company in one piece, for tying out.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::kind::Kind;
use super::links;
use super::number;
use super::record::Record;
use super::render::render;
use super::sales;

/// Kinds that are exported.
const EXPORTED: [Kind; 9] = [
    Kind::Customer,
    Kind::Vendor,
    Kind::Employee,
    Kind::Item,
    Kind::Invoice,
    Kind::CreditMemo,
    Kind::RefundReceipt,
    Kind::Payment,
    Kind::Deposit,
];

#[derive(Default)]
struct Total {
    count: u64,
    inactive: u64,
    voided: u64,
    sum: Decimal,
}

/// Every live object, and counts and sums by kind and currency.
pub fn export(company: &Company) -> Value {
    let mut objects = serde_json::Map::new();
    let mut totals: BTreeMap<(&str, String), Total> = BTreeMap::new();
    for kind in EXPORTED {
        let mut rows = Vec::new();
        for record in company.all_live(kind) {
            let currency = currency(company, kind, record);
            let total = totals.entry((kind.name(), currency.clone())).or_default();
            let is_void = kind.is_transaction() && sales::is_voided(&record.data);
            total.count += 1;
            total.voided += u64::from(is_void);
            total.inactive += u64::from(!record.is_active());
            let amount = amount(record);
            total.sum += amount;
            rows.push(json!({
                "id": record.id,
                "syncToken": record.token.to_string(),
                "name": record.text(kind.name_member()),
                "marker": marker(kind, record),
                "currency": currency,
                "amount": number::plain(amount),
                "isVoid": is_void,
                "isActive": record.is_active(),
                "entity": render(company, kind, record),
            }));
        }
        objects.insert(kind.name().to_owned(), Value::Array(rows));
    }
    let totals: Vec<Value> = totals
        .into_iter()
        .map(|((kind, currency), total)| {
            json!({
                "kind": kind,
                "currency": currency,
                "count": total.count,
                "voided": total.voided,
                "inactive": total.inactive,
                "sum": number::plain(total.sum),
            })
        })
        .collect();
    json!({
        "realm": company.profile.realm,
        "totals": totals,
        "objects": objects,
        "applications": applications(company),
        "trialBalance": company.ledger.trial_balance(company),
    })
}

/// Every line of every live payment: what settles how much of what.
fn applications(company: &Company) -> Vec<Value> {
    let mut rows = Vec::new();
    for payment in company.all_live(Kind::Payment) {
        for link in links::of(&payment.data) {
            rows.push(json!({
                "payment": payment.id,
                "document": link.target.0.name(),
                "id": link.target.1,
                "currency": currency(company, Kind::Payment, payment),
                "amount": number::plain(link.amount),
            }));
        }
    }
    rows
}

/// The member in which an application leaves its mark.
fn marker(kind: Kind, record: &Record) -> String {
    let member = match kind {
        Kind::Item => "Sku",
        _ if kind.is_transaction() => "PrivateNote",
        _ => "Notes",
    };
    record.text(member).to_owned()
}

fn currency(company: &Company, kind: Kind, record: &Record) -> String {
    let own = match kind {
        Kind::Item => None,
        _ => record.reference("CurrencyRef"),
    };
    own.unwrap_or(&company.profile.home_currency).to_owned()
}

fn amount(record: &Record) -> Decimal {
    let total = record.data.get("TotalAmt").and_then(number::parse);
    total.unwrap_or_default()
}
