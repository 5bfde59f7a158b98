//! The same proof for Xero, where a payment is one object per invoice and credit is set against invoices in rows.
//!
//! Every live document of the ledger is in the books once, for as much; what has ended is void or deleted there; and
//! nothing else lives there. The sandbox itself says whether its books agree with themselves.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::{Connected, Stage};
use super::held::{Held, HeldEffect};
use super::{SHOWN, decimal, normalised};
use crate::ledger::{Kept, Ledger};

/// Kinds of the export that Tieout makes, and the member that carries its mark.
const KINDS: [(&str, &str); 5] = [
    ("Contact", "ContactNumber"),
    ("Invoice", "Url"),
    ("CreditNote", "Reference"),
    ("Payment", "Reference"),
    ("BankTransaction", "Url"),
];

/// An object that lives in the books.
struct Living {
    kind: &'static str,
    amount: Decimal,
    mark: String,
    entity: Value,
}

impl Stage {
    /// Checks the stage's own integration with Xero against the ledger of its account.
    ///
    /// # Panics
    ///
    /// When anything differs.
    pub async fn assert_xero_ties(&self, ledger: &Ledger) {
        let differences = self.xero_differences(&self.connected, ledger).await;
        let shown: Vec<&str> = differences.iter().take(SHOWN).map(String::as_str).collect();
        assert!(
            shown.is_empty(),
            "{} differences, such as\n{}\n{}",
            differences.len(),
            shown.join("\n"),
            self.standings()
        );
    }

    async fn xero_differences(&self, connected: &Connected, ledger: &Ledger) -> Vec<String> {
        let export = self.sandbox.books(&connected.realm).await;
        let living = living(&export);
        let held = self.held(connected);
        let mut wrongs = Vec::new();
        if export["imbalances"] != json!([]) {
            wrongs.push(format!("the books do not agree: {}", export["imbalances"]));
        }
        let invoice_of = |id: &str| {
            let held = held.get(&("INVOICE".to_owned(), id.to_owned()));
            held.and_then(Held::main)
                .map(|main| main.external_id.clone())
                .unwrap_or_default()
        };
        for kept in ledger.documents() {
            let Some(item) = held.get(&(kept.kind.to_owned(), kept.id.clone())) else {
                wrongs.push(format!("{} {} has no item", kept.kind, kept.id));
                continue;
            };
            let wrong = of_item(&kept, item)
                .or_else(|| of_objects(&kept, item, &living))
                .or_else(|| of_allocations(&kept, item, &living, &invoice_of));
            wrongs
                .extend(wrong.map(|wrong| format!("{} {} {wrong}: {item:?}", kept.kind, kept.id)));
        }
        let totals = normalised(&ledger.totals());
        let (source, linked) = self.own_totals(connected).await;
        for (what, own) in [("took in", source), ("linked", linked)] {
            let own = normalised(&own);
            if own != totals {
                wrongs.push(format!("totals that Tieout {what}: {own} is not {totals}"));
            }
        }
        wrongs.extend(strangers(&held, &living));
        wrongs.extend(twins(&living));
        wrongs
    }
}

/// Objects that are neither void nor deleted, by id.
fn living(export: &Value) -> BTreeMap<String, Living> {
    let mut living = BTreeMap::new();
    for (kind, marked) in KINDS {
        let list = export["objects"][kind].as_array().into_iter().flatten();
        for object in list.filter(|object| object["isVoid"] != true) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let mark = text(&object["entity"][marked]);
            let one = Living {
                kind,
                amount: decimal(&text(&object["amount"])),
                // People's words may stand before it.
                mark: mark
                    .rsplit([' ', '/'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                entity: object["entity"].clone(),
            };
            living.insert(text(&object["id"]), one);
        }
    }
    living
}

fn active(item: &Held) -> impl Iterator<Item = &HeldEffect> {
    item.effects
        .iter()
        .filter(|effect| effect.link_state == "ACTIVE")
}

fn of_item(kept: &Kept, item: &Held) -> Option<String> {
    let is_settled = item.state == "done" && item.version == kept.version;
    let never_sent = !kept.is_live && item.state == "skipped";
    (!is_settled && !never_sent).then(|| format!("is not done at version {}", kept.version))
}

/// The objects of a document amount to it; of one that has ended none lives.
fn of_objects(kept: &Kept, item: &Held, living: &BTreeMap<String, Living>) -> Option<String> {
    let own: Vec<&Living> = item
        .effects
        .iter()
        .filter_map(|effect| living.get(&effect.external_id))
        .collect();
    if !kept.is_live {
        return (!own.is_empty()).then(|| "has ended and lives in the books".to_owned());
    }
    let sum: Decimal = own.iter().map(|object| object.amount).sum();
    let wanted = kept.gross;
    if own.is_empty() {
        return Some("is not in the books".to_owned());
    }
    (sum != wanted).then(|| format!("is {sum} in the books, not {wanted}"))
}

/// What is set against each invoice is what the ledger says, and nothing against another.
fn of_allocations(
    kept: &Kept,
    item: &Held,
    living: &BTreeMap<String, Living>,
    invoice_of: &impl Fn(&str) -> String,
) -> Option<String> {
    let mut wanted: BTreeMap<String, Decimal> = BTreeMap::new();
    for each in &kept.allocations {
        *wanted.entry(invoice_of(&each.invoice)).or_default() += each.amount;
    }
    let mut there: BTreeMap<String, Decimal> = BTreeMap::new();
    for effect in active(item) {
        let Some(object) = living.get(&effect.external_id) else {
            continue;
        };
        let rows = match object.kind {
            "Payment" => vec![(object.entity.clone(), object.amount)],
            "CreditNote" => allocations(&object.entity),
            _ => Vec::new(),
        };
        for (row, amount) in rows {
            let invoice = row["Invoice"]["InvoiceID"].as_str().unwrap_or_default();
            *there.entry(invoice.to_owned()).or_default() += amount;
        }
    }
    (wanted != there).then(|| format!("is set against {there:?}, not {wanted:?}"))
}

fn allocations(note: &Value) -> Vec<(Value, Decimal)> {
    let rows = note["Allocations"].as_array().into_iter().flatten();
    rows.map(|row| {
        let amount = row["Amount"]
            .as_str()
            .map_or_else(|| row["Amount"].to_string(), str::to_owned);
        (row.clone(), decimal(&amount))
    })
    .collect()
}

/// What lives in the books and no link of ours knows.
fn strangers(
    held: &BTreeMap<(String, String), Held>,
    living: &BTreeMap<String, Living>,
) -> Vec<String> {
    let linked: BTreeSet<&str> = held
        .values()
        .flat_map(active)
        .map(|effect| effect.external_id.as_str())
        .collect();
    living
        .iter()
        .filter(|(id, _)| !linked.contains(id.as_str()))
        .map(|(id, object)| format!("{} {id} lives in the books and is not linked", object.kind))
        .collect()
}

/// Two living objects under one mark.
fn twins(living: &BTreeMap<String, Living>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    living
        .iter()
        .filter(|(_, object)| !seen.insert(object.mark.clone()) || !object.mark.starts_with("tie"))
        .map(|(id, object)| {
            format!(
                "{} {id} has no mark of its own: {:?}",
                object.kind, object.mark
            )
        })
        .collect()
}
