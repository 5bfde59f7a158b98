//! The books of an organisation in one piece, for tying out.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::contact_record::ContactStatus;
use super::document::{Document, Status};
use super::kind::Kind;
use super::number;
use super::organisation::Organisation;
use super::query::listing;
use super::render::View;
use chrono::{DateTime, Utc};

/// Documents that are exported.
const DOCUMENTS: [Kind; 5] = [
    Kind::Invoice,
    Kind::CreditNote,
    Kind::Overpayment,
    Kind::Prepayment,
    Kind::BankTransaction,
];

#[derive(Default)]
struct Total {
    count: u64,
    inactive: u64,
    voided: u64,
    sum: Decimal,
    outstanding: Decimal,
}

/// One object as it is exported.
struct Row {
    kind: Kind,
    id: String,
    name: String,
    marker: String,
    currency: String,
    amount: Decimal,
    outstanding: Decimal,
    is_void: bool,
    is_active: bool,
}

/// Every object, counts and sums by kind and currency, and whether the books balance.
pub fn export(organisation: &Organisation, now: DateTime<Utc>) -> Value {
    let mut objects: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut totals: BTreeMap<(&str, String), Total> = BTreeMap::new();
    for row in rows(organisation) {
        let key = (row.kind.name(), row.currency.clone());
        let total = totals.entry(key).or_default();
        total.count += 1;
        total.voided += u64::from(row.is_void);
        total.inactive += u64::from(!row.is_active);
        if !row.is_void {
            total.sum += row.amount;
            total.outstanding += row.outstanding;
        }
        let entity = listing::show(organisation, row.kind, &row.id, now, View::full(4));
        objects.entry(row.kind.name()).or_default().push(json!({
            "id": row.id,
            "name": row.name,
            "marker": row.marker,
            "currency": row.currency,
            "amount": number::plain(row.amount),
            "outstanding": number::plain(row.outstanding),
            "isVoid": row.is_void,
            "isActive": row.is_active,
            "entity": entity,
        }));
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
                "outstanding": number::plain(total.outstanding),
            })
        })
        .collect();
    json!({
        "tenantId": organisation.profile.tenant_id,
        "totals": totals,
        "objects": objects,
        "imbalances": imbalances(organisation),
    })
}

fn rows(organisation: &Organisation) -> Vec<Row> {
    let base = organisation.profile.base();
    let mut rows = Vec::new();
    for contact in organisation.contacts.all() {
        rows.push(Row {
            kind: Kind::Contact,
            id: contact.id.clone(),
            name: contact.name.clone(),
            marker: contact.number.clone(),
            currency: base.to_owned(),
            amount: Decimal::ZERO,
            outstanding: Decimal::ZERO,
            is_void: false,
            is_active: contact.status == ContactStatus::Active,
        });
    }
    for item in organisation.items.all() {
        rows.push(Row {
            kind: Kind::Item,
            id: item.id.clone(),
            name: item.name.clone(),
            marker: item.code.clone(),
            currency: base.to_owned(),
            amount: Decimal::ZERO,
            outstanding: Decimal::ZERO,
            is_void: false,
            is_active: true,
        });
    }
    for kind in DOCUMENTS {
        rows.extend(organisation.documents(kind).map(document_row));
    }
    for payment in organisation.payments.all() {
        let document = organisation.document(payment.of, &payment.document_id);
        rows.push(Row {
            kind: Kind::Payment,
            id: payment.id.clone(),
            name: String::new(),
            marker: payment.reference.clone(),
            currency: document.map_or(base, |it| it.currency.as_str()).to_owned(),
            amount: payment.amount,
            outstanding: Decimal::ZERO,
            is_void: payment.is_deleted,
            is_active: !payment.is_deleted,
        });
    }
    rows
}

fn document_row(document: &Document) -> Row {
    let is_void = document.status.is_final();
    let marker = if document.reference.is_empty() {
        &document.url
    } else {
        &document.reference
    };
    Row {
        kind: document.kind,
        id: document.id.clone(),
        name: document.number.clone(),
        marker: marker.clone(),
        currency: document.currency.clone(),
        amount: document.total,
        outstanding: document.outstanding(),
        is_void,
        is_active: !is_void,
    }
}

/// What does not add up; an empty list is the proof that everything does.
///
/// Lines against totals, payments against the documents they settle, allocations against both of
/// their documents, and statuses against what is outstanding.
fn imbalances(organisation: &Organisation) -> Vec<String> {
    let mut found = Vec::new();
    let mut settled: BTreeMap<&str, Decimal> = BTreeMap::new();
    for payment in organisation.payments.all().filter(|it| !it.is_deleted) {
        *settled.entry(&payment.document_id).or_default() += payment.amount;
    }
    for document in DOCUMENTS
        .into_iter()
        .flat_map(|kind| organisation.documents(kind))
    {
        let mut complain = |what: &str| {
            found.push(format!("{} {}: {what}", document.kind.name(), document.id));
        };
        if document.sub_total + document.total_tax != document.total {
            complain("net and tax do not make the total");
        }
        let paid = settled.get(document.id.as_str()).copied();
        if paid.unwrap_or_default() != document.paid() {
            complain("its payments differ from what it says was paid");
        }
        if document.outstanding().is_sign_negative() && document.kind != Kind::BankTransaction {
            complain("more was settled than it is worth");
        }
        let is_settled = document.is_touched() && document.outstanding().is_zero();
        let is_booked = document.status.is_booked();
        if is_booked && (document.status == Status::Paid) != is_settled {
            complain("its status does not follow from what is outstanding");
        }
        for part in &document.allocations {
            let (kind, id) = if document.kind == Kind::Invoice {
                (part.credit_kind, &part.credit_id)
            } else {
                (Kind::Invoice, &part.invoice_id)
            };
            let other = organisation.document(kind, id);
            if !other.is_some_and(|other| other.allocations.contains(part)) {
                complain("an allocation stands on one side only");
            }
        }
    }
    found
}
