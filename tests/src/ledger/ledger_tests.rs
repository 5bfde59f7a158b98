//! Tests of the made-up ledger: its events keep the contract, its books add up, its seed decides.

use std::collections::BTreeSet;

use model::document::Body;
use model::event::{self, Payload};

use super::*;

fn parsed(event: &Value) -> event::Event {
    let bytes = serde_json::to_vec(event).unwrap();
    event::parse(&bytes).unwrap_or_else(|refusal| panic!("{refusal:?}\n{event:#}"))
}

fn businesses() -> [Business; 3] {
    let of = |currency: &str, tax: Option<(&str, &str)>| Business {
        currency: currency.parse().unwrap(),
        tax: tax.map(|(rate_id, percent)| Tax {
            rate_id: rate_id.to_owned(),
            percent: percent.parse().unwrap(),
        }),
    };
    [
        Business::default(),
        of("EUR", Some(("tr_vat25", "25"))),
        of("JPY", Some(("tr_ct", "7.7"))),
    ]
}

#[test]
fn two_thousand_events_keep_the_contract() {
    let mut count = 0;
    for (seed, business) in (1..).zip(businesses()) {
        let mut ledger = Ledger::of(4711, seed, business);
        let mut ids = BTreeSet::new();
        for (sequence, event) in (1..).zip(ledger.month(60, 500, 30, 10)) {
            let parsed = parsed(&event);
            assert_eq!(parsed.sequence, sequence);
            assert_eq!(parsed.account.0, 4711);
            assert!(ids.insert(parsed.id), "an event id came twice");
            count += 1;
        }
    }
    assert!(count > 2_000, "only {count} events");
}

#[test]
fn the_books_are_what_the_events_say() {
    let mut ledger = Ledger::new(1, 7);
    let events = ledger.month(20, 200, 30, 10);
    let mut newest: BTreeMap<String, (i64, Option<Decimal>)> = BTreeMap::new();
    for event in &events {
        let Payload::Document { document, .. } = parsed(event).payload else {
            panic!("the ledger sends documents only");
        };
        let total = match &document.body {
            Body::Invoice(invoice) if document.lifecycle == model::Lifecycle::Live => {
                Some(invoice.totals.gross.get())
            }
            _ => None,
        };
        newest.insert(document.id.to_string(), (document.version, total));
    }
    let totals: Vec<Decimal> = newest.values().filter_map(|(_, total)| *total).collect();
    let sum: Decimal = totals.iter().sum();
    assert_eq!(totals.len(), 180);
    assert_eq!(
        ledger.totals(),
        json!([
            {"kind": "CLIENT", "currency": "", "count": 20, "sum": "0"},
            {"kind": "INVOICE", "currency": "USD", "count": 180, "sum": sum.to_string()},
        ])
    );
    for kept in ledger.documents() {
        let version = u64::try_from(newest[&kept.id].0).unwrap();
        assert_eq!(version, kept.version, "{}", kept.id);
    }
    assert_eq!(ledger.event_count(), u64::try_from(events.len()).unwrap());
}

#[test]
fn the_same_seed_tells_the_same_month() {
    let month = |seed| Ledger::new(1, seed).month(5, 30, 20, 10);
    assert_eq!(month(3), month(3));
    assert_ne!(month(3), month(4));
}

#[test]
fn the_month_has_what_trips_programs_up() {
    let mut ledger = Ledger::new(1, 1);
    let events = ledger.month(60, 400, 0, 0);
    let invoices: Vec<&Value> = events
        .iter()
        .filter(|event| routing_key(event) == "invoice.issued")
        .map(|event| &event["data"])
        .collect();
    let some = |what: &str, test: &dyn Fn(&Value) -> bool| {
        assert!(invoices.iter().any(|data| test(data)), "no {what}");
    };
    some("long number", &|data| {
        data["number"].as_str().unwrap().chars().count() > 21
    });
    some("percentage off", &|data| {
        data["discount"]["percent"].is_string()
    });
    some("sum off", &|data| data["discount"]["amount"].is_string());
    some("notes", &|data| data["notes"].is_string());
    some("reference", &|data| data["reference"].is_string());
    some("invoice without a due date", &|data| {
        data["dueOn"].is_null()
    });
    some("many lines", &|data| {
        data["lines"].as_array().unwrap().len() > 5
    });
    let lines = || {
        invoices
            .iter()
            .flat_map(|data| data["lines"].as_array().unwrap())
    };
    let decimal = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
    let rounds = |line: &Value| {
        line["discount"].is_null()
            && decimal(&line["quantity"]) * decimal(&line["unitPrice"]) != decimal(&line["amount"])
    };
    assert!(lines().any(rounds), "no line that rounds");
    assert!(lines().any(|line| line["discount"].is_object()));
    assert!(
        invoices
            .iter()
            .any(|data| !data["client"]["name"].as_str().unwrap().is_ascii())
    );
}

#[test]
fn a_document_changes_by_its_own_events() {
    let mut ledger = Ledger::new(9, 2);
    let client = ledger.client();
    let invoice = ledger.invoice(&client);
    let client = ledger.update_client(&client);
    let updated = ledger.update_invoice(&invoice);
    let voided = ledger.void_invoice(&updated);
    let keys = [&client, &invoice, &updated, &voided].map(routing_key);
    assert_eq!(
        keys,
        [
            "client.updated",
            "invoice.issued",
            "invoice.updated",
            "invoice.voided"
        ]
    );
    assert_eq!(subject(&invoice), subject(&voided));
    assert_eq!(
        updated["data"]["client"]["version"],
        client["data"]["version"]
    );
    assert!(voided["data"]["version"].as_u64() > updated["data"]["version"].as_u64());
    assert_eq!(voided["data"]["lines"], updated["data"]["lines"]);
    assert_eq!(
        ledger.totals(),
        json!([{"kind": "CLIENT", "currency": "", "count": 1, "sum": "0"}])
    );
    for event in [client, invoice, updated, voided] {
        parsed(&event);
    }
}
