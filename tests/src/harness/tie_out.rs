//! The proof that `ProjectLedger`, Tieout and the books agree, document by document, and that nothing is doubled.
//!
//! Three sides that share no arithmetic: the made-up ledger's own books, what Tieout holds (items, effects, links)
//! and the sandbox's export. Compared are documents, what is set against which invoice, what every client owes,
//! totals, markers and requests.

mod books;
mod held;
mod requests;
mod xero;

use std::collections::{BTreeMap, BTreeSet};

use provider_kit::Marker;
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub use books::{Applied, Books, Entity, Object};
pub use held::{Held, HeldEffect};

use super::{Connected, Stage};
use crate::ledger::{Kept, Ledger};

/// Differences shown when a test fails; one cause often makes hundreds.
const SHOWN: usize = 20;

/// What stands where, of one integration.
#[derive(Debug)]
pub struct Sides {
    /// What Tieout holds, by kind and id.
    pub held: BTreeMap<(String, String), Held>,
    /// What the books hold.
    pub books: Books,
}

impl Stage {
    /// Checks the stage's own integration against the ledger of its account.
    ///
    /// # Panics
    ///
    /// When anything differs: a document that is missing, doubled, or of another amount in one of the three
    /// books, an object nobody asked for, or a request that has no call.
    pub async fn assert_tied_out(&self, ledger: &Ledger) {
        self.assert_ties(&self.connected, ledger).await;
    }

    /// The same for another integration of the stage.
    pub async fn assert_ties(&self, connected: &Connected, ledger: &Ledger) {
        let differences = self.differences(connected, ledger).await;
        let shown: Vec<&str> = differences.iter().take(SHOWN).map(String::as_str).collect();
        assert!(
            shown.is_empty(),
            "{} differences, such as\n{}\n{}",
            differences.len(),
            shown.join("\n"),
            self.standings()
        );
        self.assert_each_request_has_its_call(connected).await;
    }

    /// Every difference between the three sides, in words; none when they tie out.
    pub async fn differences(&self, connected: &Connected, ledger: &Ledger) -> Vec<String> {
        assert_eq!(
            connected.account.0,
            ledger.account(),
            "another account's ledger"
        );
        let sides = self.sides(connected).await;
        let documents = ledger.documents();
        let mut wrongs = Vec::new();
        for kept in &documents {
            wrongs.extend(sides.of_document(kept));
        }
        wrongs.extend(sides.of_applications(&documents));
        wrongs.extend(sides.of_strangers());
        wrongs.extend(sides.of_markers());
        wrongs.extend(sides.of_balances(ledger));
        let mut compare = |what: &str, ours: Value, theirs: Value| {
            let (ours, theirs) = (normalised(&ours), normalised(&theirs));
            if ours != theirs {
                wrongs.push(format!("{what}: {ours} is not {theirs}"));
            }
        };
        let totals = ledger.totals();
        compare("totals in the books", sides.books.totals(), totals.clone());
        compare(
            "applied in the books",
            sides.books.applied_totals(),
            ledger.applied(),
        );
        let (source, linked) = self.own_totals(connected).await;
        compare("totals that Tieout took in", source, totals.clone());
        compare("totals that Tieout linked", linked, totals);
        wrongs
    }

    /// What Tieout and the books hold now.
    pub async fn sides(&self, connected: &Connected) -> Sides {
        Sides {
            held: self.held(connected),
            books: Books::of(&self.sandbox.books(&connected.realm).await),
        }
    }

    /// `tieout totals`: what was taken in, and what was linked.
    async fn own_totals(&self, connected: &Connected) -> (Value, Value) {
        let rows = self
            .operator
            .tieout(connected.account)
            .await
            .expect("the database answers");
        let side = |of: &dyn Fn(usize) -> (i64, Decimal)| -> Value {
            let lines = rows.iter().enumerate().map(|(at, row)| {
                let (count, sum) = of(at);
                json!({
                    "kind": row.kind.as_str(), "currency": row.currency, "count": count,
                    "sum": sum.to_string(),
                })
            });
            lines.filter(|line| line["count"] != 0).collect()
        };
        (
            side(&|at| (rows[at].source_count, rows[at].source_sum)),
            side(&|at| (rows[at].linked_count, rows[at].linked_sum)),
        )
    }
}

impl Sides {
    /// The object of a document's main effect, by what Tieout linked.
    pub fn object(&self, kind: &str, id: &str) -> Option<&Object> {
        let held = self.held.get(&(kind.to_owned(), id.to_owned()))?;
        let main = held.main()?;
        self.books
            .objects
            .get(&(Entity::of(kind, ""), main.external_id.clone()))
    }

    fn of_document(&self, kept: &Kept) -> Vec<String> {
        let name = format!("{} {}", kept.kind, kept.id);
        let Some(held) = self.held.get(&(kept.kind.to_owned(), kept.id.clone())) else {
            return vec![format!("{name} has no item")];
        };
        let main = held.main().filter(|main| !main.external_id.is_empty());
        let Some(main) = main else {
            if !kept.is_live && held.state == "skipped" {
                return Vec::new();
            }
            return vec![format!("{name} has no object: {held:?}")];
        };
        let mut wrongs = Vec::new();
        if held.state != "done" || held.version != kept.version {
            wrongs.push(format!(
                "{name} is {} at version {}, not done at {}",
                held.state, held.version, kept.version
            ));
        }
        let entity = Entity::of(kept.kind, "");
        let object = self.books.objects.get(&(entity, main.external_id.clone()));
        let wrong = match object {
            None if kept.is_live => Some("is not in the books".to_owned()),
            Some(object) if kept.is_live => live_wrong(kept, main, object),
            Some(object) => dead_wrong(main, object),
            None => (main.link_state == "ACTIVE").then(|| "is linked as if it lived".to_owned()),
        };
        wrongs.extend(wrong.map(|wrong| format!("{name} {wrong}: {held:?} {object:?}")));
        wrongs
    }

    /// Each payment and credit note is set against the invoices it should be, for as much, and no other.
    fn of_applications(&self, documents: &[Kept]) -> Vec<String> {
        let external = |kind: &str, id: &str| {
            let held = self.held.get(&(kind.to_owned(), id.to_owned()));
            let main = held.and_then(Held::main);
            main.map_or_else(
                || format!("the unknown {id}"),
                |main| main.external_id.clone(),
            )
        };
        let mut wanted = BTreeMap::new();
        for kept in documents {
            for allocation in &kept.allocations {
                let pair = Applied {
                    from: (Entity::of(kept.kind, ""), external(kept.kind, &kept.id)),
                    invoice: external("INVOICE", &allocation.invoice),
                };
                wanted.insert(pair, (allocation.amount, &kept.id, &allocation.invoice));
            }
        }
        let mut wrongs = Vec::new();
        for (pair, (amount, id, invoice)) in &wanted {
            let there = self.books.applied.get(pair).copied();
            if there.unwrap_or_default() != *amount {
                wrongs.push(format!(
                    "{id} pays {amount} of {invoice}, and in the books {there:?} ({pair:?})"
                ));
            }
        }
        for (pair, amount) in &self.books.applied {
            if !wanted.contains_key(pair) {
                wrongs.push(format!("nobody set {amount} against: {pair:?}"));
            }
        }
        wrongs
    }

    fn of_strangers(&self) -> Vec<String> {
        let linked: BTreeSet<(Entity, &str)> = self
            .held
            .iter()
            .flat_map(|((kind, _), held)| {
                let effects = held.effects.iter();
                effects.map(move |effect| {
                    let entity = Entity::of(kind, &effect.part);
                    (entity, effect.external_id.as_str())
                })
            })
            .collect();
        let objects = self.books.objects.iter();
        objects
            .filter(|((entity, id), _)| !linked.contains(&(*entity, id.as_str())))
            .map(|((entity, id), object)| {
                format!("{entity:?} {id} is in the books and Tieout does not know it: {object:?}")
            })
            .collect()
    }

    /// Each object carries one marker, its own: the effect Tieout linked it to.
    fn of_markers(&self) -> Vec<String> {
        let mut wrongs = Vec::new();
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for ((kind, _), held) in &self.held {
            for effect in &held.effects {
                let key = (Entity::of(kind, &effect.part), effect.external_id.clone());
                let Some(object) = self.books.objects.get(&key) else {
                    continue;
                };
                let Some(marker) = Marker::find(&object.marker) else {
                    wrongs.push(format!("{key:?} has no marker: {object:?}"));
                    continue;
                };
                if marker.effect.uuid().to_string() != effect.id {
                    wrongs.push(format!("{key:?} has another effect's marker {marker}"));
                }
                if let Some(first) = seen.insert(marker.to_string(), &effect.external_id) {
                    wrongs.push(format!("{key:?} and {first} have the same marker {marker}"));
                }
            }
        }
        wrongs
    }

    fn of_balances(&self, ledger: &Ledger) -> Vec<String> {
        let mut wrongs = Vec::new();
        for (client, (currency, balance)) in ledger.balances() {
            let object = self.object("CLIENT", &client);
            let owed = object.map(|object| object.balance);
            if owed.unwrap_or_default() != balance {
                wrongs.push(format!(
                    "{client} owes {balance} {currency}, and in the books {owed:?}"
                ));
            }
        }
        wrongs
    }
}

/// What is wrong with the object of a live document.
fn live_wrong(kept: &Kept, main: &HeldEffect, object: &Object) -> Option<String> {
    if main.link_state != "ACTIVE" {
        return Some("is not linked as if it lived".to_owned());
    }
    if !object.is_active || object.is_void {
        return Some("does not live in the books".to_owned());
    }
    if kept.kind == "CLIENT" {
        return None;
    }
    if object.amount != kept.gross {
        return Some(format!(
            "is {} in the books, not {}",
            object.amount, kept.gross
        ));
    }
    if main.gross != Some(kept.gross) {
        return Some(format!("is {:?} in Tieout, not {}", main.gross, kept.gross));
    }
    (object.currency != kept.currency).then(|| format!("is not in {}", kept.currency))
}

/// What is wrong with an object that is left of a document that has ended.
fn dead_wrong(main: &HeldEffect, object: &Object) -> Option<String> {
    if !object.is_void || object.amount != Decimal::ZERO {
        return Some("has ended and lives in the books".to_owned());
    }
    (main.link_state == "ACTIVE").then(|| "is linked as if it lived".to_owned())
}

/// Lines in order, sums without zeros at their end, which mean nothing.
fn normalised(totals: &Value) -> Value {
    let lines = totals.as_array().into_iter().flatten();
    let mut lines: Vec<Value> = lines
        .map(|line| {
            let mut line = line.clone();
            let sum = decimal(line["sum"].as_str().unwrap_or_default());
            line["sum"] = json!(sum.normalize().to_string());
            line
        })
        .collect();
    lines.sort_by_key(|line| (line["kind"].to_string(), line["currency"].to_string()));
    Value::Array(lines)
}

fn decimal(text: &str) -> Decimal {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?} is no amount: {error}"))
}
