//! The proof that `ProjectLedger`, Tieout and the books agree, document by document, and that nothing is doubled.

use std::collections::{BTreeMap, BTreeSet};

use provider_kit::Marker;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Connected, Stage};
use crate::ledger::{Kept, Ledger};

/// What Tieout holds of one document: `item` and the link of its object.
#[derive(Debug)]
struct Held {
    state: String,
    version: String,
    effect: String,
    external_id: String,
    link_state: String,
    gross: Option<Decimal>,
}

/// One object in the sandbox's export.
#[derive(Debug)]
struct Object {
    kind: &'static str,
    marker: String,
    currency: String,
    amount: Decimal,
    is_void: bool,
    is_active: bool,
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
        assert_eq!(
            connected.account.0,
            ledger.account(),
            "another account's ledger"
        );
        let export = self.sandbox.books(&connected.realm).await;
        let objects = objects(&export);
        let held = self.held(connected);
        assert_each_document_is_there(ledger, &held, &objects);
        assert_nothing_else_is_there(&held, &objects);
        assert_markers_name_their_effect(&held, &objects);
        let source = normalised(&ledger.totals());
        assert_eq!(totals(&objects), source, "the books and ProjectLedger");
        self.assert_own_totals(connected, ledger).await;
        self.assert_each_request_has_its_call(connected).await;
    }

    /// Every write and read that reached the company has a call that was committed before it (I10).
    pub async fn assert_each_request_has_its_call(&self, connected: &Connected) {
        let mut sent: BTreeMap<Sent, u64> = BTreeMap::new();
        for entry in self.sandbox.journal().await {
            let is_ours = entry["realm"] == json!(connected.realm) && entry["method"] != "HUMAN";
            if is_ours {
                *sent.entry(Sent::of_journal(&entry)).or_default() += 1;
            }
        }
        let mut committed: BTreeMap<Sent, u64> = BTreeMap::new();
        for line in self.calls(connected).lines() {
            let call: Value = serde_json::from_str(line).expect("a row is JSON");
            let sends = call["sends"].as_u64().unwrap_or_default();
            *committed.entry(Sent::of_call(&call)).or_default() += sends;
        }
        for (request, count) in sent {
            let known = committed.get(&request).copied().unwrap_or_default();
            assert!(
                count <= known,
                "sent {count} times and committed {known} times: {request:?}"
            );
        }
    }

    fn calls(&self, connected: &Connected) -> String {
        self.database.sql(&format!(
            "select json_build_object('request', request, 'body', encode(body, 'hex'), 'sends', sends) \
             from call where books_id = '{}'",
            connected.books.uuid()
        ))
    }

    fn held(&self, connected: &Connected) -> BTreeMap<(String, String), Held> {
        let rows = self.database.sql(&format!(
            "select json_build_array(i.kind, i.source_id, i.state, i.version::text, e.id::text, l.external_id, \
               l.state, l.gross::text) \
             from item i left join effect e on e.item_id = i.id left join link l on l.effect_id = e.id \
             where i.books_id = '{}'",
            connected.books.uuid()
        ));
        let mut held = BTreeMap::new();
        for row in rows.lines() {
            let row: Vec<Option<String>> = serde_json::from_str(row).expect("a row is JSON");
            let text = |at: usize| row[at].clone().unwrap_or_default();
            let document = (text(0), text(1));
            let known = Held {
                state: text(2),
                version: text(3),
                effect: text(4),
                external_id: text(5),
                link_state: text(6),
                gross: row[7].as_deref().map(decimal),
            };
            let double = held.insert(document.clone(), known);
            assert!(double.is_none(), "{document:?} has two effects: {double:?}");
        }
        held
    }

    async fn assert_own_totals(&self, connected: &Connected, ledger: &Ledger) {
        let rows = self
            .operator
            .tieout(connected.account)
            .await
            .expect("the database answers");
        let side = |count: &dyn Fn(usize) -> (i64, Decimal)| -> Value {
            let lines = rows.iter().enumerate().map(|(at, row)| {
                let (count, sum) = count(at);
                json!({
                    "kind": row.kind.as_str(), "currency": row.currency, "count": count,
                    "sum": shown(sum),
                })
            });
            lines.filter(|line| line["count"] != 0).collect()
        };
        let source = side(&|at| (rows[at].source_count, rows[at].source_sum));
        let linked = side(&|at| (rows[at].linked_count, rows[at].linked_sum));
        let ledger = normalised(&ledger.totals());
        assert_eq!(source, ledger, "what Tieout took in and ProjectLedger");
        assert_eq!(linked, ledger, "what Tieout linked and ProjectLedger");
    }
}

fn assert_each_document_is_there(
    ledger: &Ledger,
    held: &BTreeMap<(String, String), Held>,
    objects: &BTreeMap<(&'static str, String), Object>,
) {
    for kept in ledger.documents() {
        let document = (kept.kind.to_owned(), kept.id.clone());
        let known = held
            .get(&document)
            .unwrap_or_else(|| panic!("Tieout has no item of {document:?}"));
        if !kept.is_live && known.external_id.is_empty() {
            assert_eq!(
                known.state, "skipped",
                "{document:?} was never sent: {known:?}"
            );
            continue;
        }
        assert_eq!(known.state, "done", "{document:?}: {known:?}");
        assert_eq!(known.version, kept.version.to_string(), "{document:?}");
        let object = objects
            .get(&(kept.kind, known.external_id.clone()))
            .unwrap_or_else(|| panic!("{document:?} is not in the books: {known:?}"));
        assert_document_is(&kept, known, object);
    }
}

fn assert_document_is(kept: &Kept, known: &Held, object: &Object) {
    let id = &kept.id;
    if !kept.is_live {
        assert!(object.is_void, "{id} is voided: {object:?}");
        assert_eq!(object.amount, Decimal::ZERO, "{id} is voided");
        assert_ne!(known.link_state, "ACTIVE", "{id} is voided");
        return;
    }
    assert!(
        object.is_active && !object.is_void,
        "{id} lives: {object:?}"
    );
    assert_eq!(known.link_state, "ACTIVE", "{id}");
    if kept.kind == "INVOICE" {
        assert_eq!(object.amount, kept.gross, "{id} in the books");
        assert_eq!(known.gross, Some(kept.gross), "{id} in Tieout");
        assert_eq!(object.currency, kept.currency, "{id} in the books");
    }
}

fn assert_nothing_else_is_there(
    held: &BTreeMap<(String, String), Held>,
    objects: &BTreeMap<(&'static str, String), Object>,
) {
    let linked: BTreeSet<(&str, &str)> = held
        .iter()
        .map(|((kind, _), known)| (kind.as_str(), known.external_id.as_str()))
        .collect();
    for ((kind, id), object) in objects {
        assert!(
            linked.contains(&(*kind, id.as_str())),
            "{kind} {id} is in the books and Tieout does not know it: {object:?}"
        );
    }
}

/// Each object carries one marker, its own: the effect Tieout linked it to.
fn assert_markers_name_their_effect(
    held: &BTreeMap<(String, String), Held>,
    objects: &BTreeMap<(&'static str, String), Object>,
) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for ((kind, _), known) in held {
        let objects = objects
            .iter()
            .filter(|((of, id), _)| of == kind && *id == known.external_id);
        for ((_, id), object) in objects {
            let marker = Marker::find(&object.marker)
                .unwrap_or_else(|| panic!("{kind} {id} has no marker: {object:?}"));
            assert_eq!(
                marker.effect.uuid().to_string(),
                known.effect,
                "{kind} {id} has another effect's marker"
            );
            if let Some(first) = seen.insert(marker.to_string(), id.clone()) {
                panic!("{kind} {id} and {first} have the same marker {marker}");
            }
        }
    }
}

fn objects(export: &Value) -> BTreeMap<(&'static str, String), Object> {
    let mut objects = BTreeMap::new();
    for (kind, name) in [("CLIENT", "Customer"), ("INVOICE", "Invoice")] {
        for object in export["objects"][name].as_array().into_iter().flatten() {
            let text = |member: &str| object[member].as_str().unwrap_or_default().to_owned();
            let known = Object {
                kind,
                marker: text("marker"),
                currency: text("currency"),
                amount: decimal(&text("amount")),
                is_void: object["isVoid"] == true,
                is_active: object["isActive"] == true,
            };
            objects.insert((kind, text("id")), known);
        }
    }
    objects
}

/// The books' totals in the ledger's words: a voided invoice stays there with nothing in it.
fn totals(objects: &BTreeMap<(&'static str, String), Object>) -> Value {
    let mut totals: BTreeMap<(&str, &str), (u64, Decimal)> = BTreeMap::new();
    for object in objects.values().filter(|object| !object.is_void) {
        let currency = match object.kind {
            "CLIENT" => "",
            _ => &object.currency,
        };
        let total = totals.entry((object.kind, currency)).or_default();
        total.0 += 1;
        total.1 += object.amount;
    }
    let lines = totals.into_iter().map(|((kind, currency), (count, sum))| {
        json!({"kind": kind, "currency": currency, "count": count, "sum": sum.to_string()})
    });
    normalised(&lines.collect())
}

/// Sums without zeros at their end, which mean nothing.
fn normalised(totals: &Value) -> Value {
    let mut totals = totals.clone();
    for line in totals.as_array_mut().into_iter().flatten() {
        let sum = decimal(line["sum"].as_str().unwrap_or_default());
        line["sum"] = json!(shown(sum));
    }
    totals
}

fn shown(sum: Decimal) -> String {
    sum.normalize().to_string()
}

fn decimal(text: &str) -> Decimal {
    text.parse()
        .unwrap_or_else(|error| panic!("{text:?} is no amount: {error}"))
}

/// A request as both sides know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn of_journal(entry: &Value) -> Self {
        let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        let address = format!("http://sandbox{}?{}", text("path"), text("query"));
        let address = reqwest::Url::parse(&address).expect("the journal has whole paths");
        let mut query: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        query.sort();
        Self {
            method: text("method"),
            path: text("path"),
            query,
            body: text("body"),
        }
    }

    fn of_call(call: &Value) -> Self {
        let mut request = call["request"].clone();
        // The body has a column of its own.
        request["body"] = json!([]);
        let request: provider_kit::Request =
            serde_json::from_value(request).expect("a call holds its request");
        let mut query = request.query;
        query.sort();
        let body = unhex(call["body"].as_str().unwrap_or_default());
        Self {
            method: format!("{:?}", request.method).to_uppercase(),
            path: request.path,
            query,
            body: String::from_utf8(body).expect("bodies are texts"),
        }
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            u8::from_str_radix(pair, 16).expect("the database encodes in hexadecimal")
        })
        .collect()
}
