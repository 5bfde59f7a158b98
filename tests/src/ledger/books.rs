//! What the ledger's documents come to: totals, what is set against what, who owes how much.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Allocation, Ledger};

/// A document as `ProjectLedger` keeps it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `CLIENT`, `INVOICE`, `PAYMENT` or `CREDIT_NOTE`.
    pub kind: &'static str,
    /// Its id in `ProjectLedger`.
    pub id: String,
    /// Its newest version.
    pub version: u64,
    /// The client it is about; of a client, itself.
    pub client: String,
    /// Currency of its total; empty for a client.
    pub currency: String,
    /// What it amounts to; zero for a client.
    pub gross: Decimal,
    /// What it is set against; none once it has ended.
    pub allocations: Vec<Allocation>,
    /// False once voided or deleted.
    pub is_live: bool,
}

impl Ledger {
    /// What stands in these books, per kind and currency: `[{"kind","currency","count","sum"}]`.
    pub fn totals(&self) -> Value {
        let documents = self.documents();
        let live = documents.iter().filter(|kept| kept.is_live);
        listed(live.map(|kept| (kept.kind, kept.currency.as_str(), kept.gross)))
    }

    /// What is set against invoices, in the same shape; each pair of a document and an invoice counts once.
    pub fn applied(&self) -> Value {
        let documents = self.documents();
        let pairs = documents.iter().flat_map(|kept| {
            let allocations = kept.allocations.iter();
            allocations.map(|each| (kept.kind, kept.currency.as_str(), each.amount))
        });
        listed(pairs)
    }

    /// What each client owes, less what it has paid or was credited in advance: client, currency, balance.
    pub fn balances(&self) -> BTreeMap<String, (String, Decimal)> {
        let mut balances: BTreeMap<String, (String, Decimal)> = self
            .clients
            .iter()
            .map(|(id, client)| (id.clone(), (client.currency.to_string(), Decimal::ZERO)))
            .collect();
        for kept in self.documents().into_iter().filter(|kept| kept.is_live) {
            let balance = &mut balances.get_mut(&kept.client).expect("a known client").1;
            match kept.kind {
                "INVOICE" => *balance += kept.gross,
                "PAYMENT" | "CREDIT_NOTE" => *balance -= kept.gross,
                _ => {}
            }
        }
        balances
    }

    /// Every document as it is now.
    pub fn documents(&self) -> Vec<Kept> {
        let clients = self.clients.iter().map(|(id, client)| Kept {
            kind: "CLIENT",
            id: id.clone(),
            version: client.version,
            client: id.clone(),
            currency: String::new(),
            gross: Decimal::ZERO,
            allocations: Vec::new(),
            is_live: true,
        });
        let invoices = self.invoices.iter().map(|(id, invoice)| Kept {
            kind: "INVOICE",
            id: id.clone(),
            version: invoice.version,
            client: invoice.client.clone(),
            currency: invoice.currency.to_string(),
            gross: invoice.bill.gross(),
            allocations: Vec::new(),
            is_live: !invoice.is_voided,
        });
        let payments = self.payments.iter().map(|(id, payment)| Kept {
            kind: "PAYMENT",
            id: id.clone(),
            version: payment.version,
            client: payment.client.clone(),
            currency: payment.currency.to_string(),
            gross: payment.amount,
            allocations: standing(&payment.allocations, payment.is_deleted),
            is_live: !payment.is_deleted,
        });
        let credit_notes = self.credit_notes.iter().map(|(id, note)| Kept {
            kind: "CREDIT_NOTE",
            id: id.clone(),
            version: note.version,
            client: note.client.clone(),
            currency: note.currency.to_string(),
            gross: note.bill.gross(),
            allocations: standing(&note.allocations, note.is_voided),
            is_live: !note.is_voided,
        });
        let money = payments.chain(credit_notes);
        clients.chain(invoices).chain(money).collect()
    }
}

fn standing(allocations: &[Allocation], has_ended: bool) -> Vec<Allocation> {
    if has_ended {
        return Vec::new();
    }
    allocations.to_vec()
}

fn listed<'k>(amounts: impl Iterator<Item = (&'static str, &'k str, Decimal)>) -> Value {
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
