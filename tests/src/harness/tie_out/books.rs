//! The sandbox's export in our words: objects, and what is set against what.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::decimal;

/// What kind of object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Entity {
    /// Somebody who is billed.
    Customer,
    /// An invoice.
    Invoice,
    /// A credit note.
    CreditMemo,
    /// A payment; one of nothing sets a credit note against an invoice.
    Payment,
}

/// One object in the books.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// What an application left there.
    pub marker: String,
    /// Its currency.
    pub currency: String,
    /// What it amounts to.
    pub amount: Decimal,
    /// Of a customer, what it owes.
    pub balance: Decimal,
    /// Voided.
    pub is_void: bool,
    /// Not deactivated.
    pub is_active: bool,
    /// As the API shows it.
    pub entity: Value,
}

/// A payment or credit note that is set against an invoice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Applied {
    /// The payment or credit memo.
    pub from: (Entity, String),
    /// The invoice.
    pub invoice: String,
}

/// A company's books.
#[derive(Debug, Default)]
pub struct Books {
    /// Everything that `ProjectLedger` has a word for.
    pub objects: BTreeMap<(Entity, String), Object>,
    /// How much of what is set against what.
    pub applied: BTreeMap<Applied, Decimal>,
}

impl Entity {
    const ALL: [Self; 4] = [
        Self::Customer,
        Self::Invoice,
        Self::CreditMemo,
        Self::Payment,
    ];

    /// The entity of a part of a document.
    pub fn of(kind: &str, part: &str) -> Self {
        match (kind, part) {
            ("CLIENT", "") => Self::Customer,
            ("INVOICE", "") => Self::Invoice,
            ("CREDIT_NOTE", "") => Self::CreditMemo,
            ("PAYMENT", "") | ("CREDIT_NOTE", _) => Self::Payment,
            other => panic!("no object of {other:?}"),
        }
    }

    /// Its name in the export.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Invoice => "Invoice",
            Self::CreditMemo => "CreditMemo",
            Self::Payment => "Payment",
        }
    }

    /// The kind of document it is for.
    const fn kind(self) -> &'static str {
        match self {
            Self::Customer => "CLIENT",
            Self::Invoice => "INVOICE",
            Self::CreditMemo => "CREDIT_NOTE",
            Self::Payment => "PAYMENT",
        }
    }
}

impl Books {
    /// Reads an export.
    pub fn of(export: &Value) -> Self {
        let mut objects = BTreeMap::new();
        for entity in Entity::ALL {
            let list = export["objects"][entity.name()].as_array();
            for object in list.into_iter().flatten().map(read) {
                objects.insert((entity, object.id.clone()), object);
            }
        }
        Self {
            objects,
            applied: applied(export),
        }
    }

    /// What the books amount to in the ledger's words: what is voided stays there with nothing in it, and a
    /// payment of nothing only sets a credit note against something.
    pub fn totals(&self) -> Value {
        let counted = self.objects.iter().filter(|((entity, _), object)| {
            !object.is_void && (*entity != Entity::Payment || !object.amount.is_zero())
        });
        listed(counted.map(|((entity, _), object)| match entity {
            Entity::Customer => (entity.kind(), "", Decimal::ZERO),
            _ => (entity.kind(), object.currency.as_str(), object.amount),
        }))
    }

    /// What is set against invoices, in the same shape.
    pub fn applied_totals(&self) -> Value {
        let pairs = self.applied.iter();
        listed(pairs.map(|(pair, amount)| {
            let invoice = &self.objects[&(Entity::Invoice, pair.invoice.clone())];
            (pair.from.0.kind(), invoice.currency.as_str(), *amount)
        }))
    }
}

fn read(object: &Value) -> Object {
    let text = |member: &str| object[member].as_str().unwrap_or_default().to_owned();
    let balance = object["entity"]["Balance"].as_number();
    Object {
        id: text("id"),
        marker: text("marker"),
        currency: text("currency"),
        amount: decimal(&text("amount")),
        balance: balance.map_or(Decimal::ZERO, |number| decimal(&number.to_string())),
        is_void: object["isVoid"] == true,
        is_active: object["isActive"] == true,
        entity: object["entity"].clone(),
    }
}

/// Pairs what a payment settles with what it settles that with: credit first, in the order of its lines, then
/// its own money.
fn applied(export: &Value) -> BTreeMap<Applied, Decimal> {
    let mut lines: BTreeMap<&str, Vec<(&str, &str, Decimal)>> = BTreeMap::new();
    for row in export["applications"].as_array().into_iter().flatten() {
        let text = |member: &str| row[member].as_str().unwrap_or_default();
        let line = (text("document"), text("id"), decimal(text("amount")));
        lines.entry(text("payment")).or_default().push(line);
    }
    let mut applied = BTreeMap::new();
    for (payment, lines) in lines {
        let of = |document: &str| -> Vec<(&str, Decimal)> {
            let lines = lines.iter().filter(|(of, _, _)| *of == document);
            lines.map(|(_, id, amount)| (*id, *amount)).collect()
        };
        let mut credits = of("CreditMemo");
        for (invoice, mut left) in of("Invoice") {
            for (memo, credit) in &mut credits {
                let part = left.min(*credit);
                *credit -= part;
                left -= part;
                add(&mut applied, (Entity::CreditMemo, memo), invoice, part);
            }
            add(&mut applied, (Entity::Payment, payment), invoice, left);
        }
    }
    applied
}

fn add(
    applied: &mut BTreeMap<Applied, Decimal>,
    (entity, id): (Entity, &str),
    invoice: &str,
    amount: Decimal,
) {
    if amount.is_zero() {
        return;
    }
    let pair = Applied {
        from: (entity, id.to_owned()),
        invoice: invoice.to_owned(),
    };
    *applied.entry(pair).or_default() += amount;
}

fn listed<'o>(amounts: impl Iterator<Item = (&'static str, &'o str, Decimal)>) -> Value {
    let mut totals: BTreeMap<(&str, &str), (u64, Decimal)> = BTreeMap::new();
    for (kind, currency, amount) in amounts {
        let total = totals.entry((kind, currency)).or_default();
        total.0 += 1;
        total.1 += amount;
    }
    let lines = totals.into_iter().map(|((kind, currency), (count, sum))| {
        json!({"kind": kind, "currency": currency, "count": count, "sum": sum.to_string()})
    });
    lines.collect()
}
