//! Tests of the made-up ledger: its events keep the contract, its books add up, its seed decides.

use std::collections::BTreeSet;

use model::document::Body;
use model::event::{self, Payload};

use super::*;

fn parsed(event: &Value) -> event::Event {
    let bytes = serde_json::to_vec(event).unwrap();
    event::parse(&bytes).unwrap_or_else(|refusal| panic!("{refusal:?}\n{event:#}"))
}

fn businesses() -> [Business; 5] {
    let of = |currency: &str, rate_id: &str, percent: &str| Business {
        currency: currency.parse().unwrap(),
        taxes: vec![Tax {
            rate_id: rate_id.to_owned(),
            percent: percent.parse().unwrap(),
        }],
        has_untaxed_lines: false,
        ..Business::default()
    };
    [
        Business::default(),
        of("EUR", "tr_vat25", "25"),
        of("JPY", "tr_ct", "7.7"),
        Business::american(),
        Business::british(),
    ]
}

/// A month in which everything happens.
const BUSY: Volume = Volume {
    clients: 60,
    invoices: 400,
    payments: 300,
    credit_notes: 40,
    updated_percent: 20,
    voided_percent: 10,
};

#[test]
fn five_thousand_events_keep_the_contract() {
    let mut count = 0;
    for (seed, business) in (1..).zip(businesses()) {
        let mut ledger = Ledger::of(4711, seed, business);
        let mut ids = BTreeSet::new();
        for (sequence, event) in (1..).zip(ledger.busy_month(&BUSY)) {
            let parsed = parsed(&event);
            assert_eq!(parsed.sequence, sequence);
            assert_eq!(parsed.account.0, 4711);
            assert!(ids.insert(parsed.id), "an event id came twice");
            count += 1;
        }
    }
    assert!(count > 5_000, "only {count} events");
}

/// What the newest version of a live document amounts to, and what it is set against.
#[derive(Default)]
struct Newest {
    version: i64,
    kind: &'static str,
    currency: String,
    gross: Option<Decimal>,
    allocations: BTreeMap<String, Decimal>,
}

fn newest_of(event: &Value) -> (String, Newest) {
    let Payload::Document { document, .. } = parsed(event).payload else {
        panic!("the ledger sends documents only");
    };
    let of = |allocations: &[model::document::Allocation]| {
        allocations
            .iter()
            .map(|each| (each.invoice_id.to_string(), each.amount.get()))
            .collect()
    };
    let (currency, gross, allocations) = match &document.body {
        Body::Invoice(invoice) => (
            invoice.currency.to_string(),
            invoice.totals.gross.get(),
            BTreeMap::new(),
        ),
        Body::Payment(payment) => (
            payment.currency.to_string(),
            payment.amount.get(),
            of(&payment.allocations),
        ),
        Body::CreditNote(note) => (
            note.currency.to_string(),
            note.totals.gross.get(),
            of(&note.allocations),
        ),
        _ => (String::new(), Decimal::ZERO, BTreeMap::new()),
    };
    let is_live = document.lifecycle == model::Lifecycle::Live;
    let newest = Newest {
        version: document.version,
        kind: document.kind().as_str(),
        currency,
        gross: is_live.then_some(gross),
        allocations: if is_live {
            allocations
        } else {
            BTreeMap::new()
        },
    };
    (document.id.to_string(), newest)
}

#[test]
fn the_books_are_what_the_events_say() {
    let mut ledger = Ledger::of(1, 7, Business::british());
    let events = ledger.busy_month(&BUSY);
    let newest: BTreeMap<String, Newest> = events.iter().map(newest_of).collect();
    let mut totals: BTreeMap<(&str, &str), (u64, Decimal)> = BTreeMap::new();
    let mut applied: BTreeMap<(&str, &str), (u64, Decimal)> = BTreeMap::new();
    for document in newest.values() {
        let key = (document.kind, document.currency.as_str());
        if let Some(gross) = document.gross {
            let total = totals.entry(key).or_default();
            *total = (total.0 + 1, total.1 + gross);
        }
        for amount in document.allocations.values() {
            let total = applied.entry(key).or_default();
            *total = (total.0 + 1, total.1 + *amount);
        }
    }
    let listed = |totals: BTreeMap<(&str, &str), (u64, Decimal)>| -> Value {
        let lines = totals.into_iter().map(|((kind, currency), (count, sum))| {
            json!({"kind": kind, "currency": currency, "count": count, "sum": sum.to_string()})
        });
        lines.collect()
    };
    assert_eq!(ledger.totals(), listed(totals));
    assert_eq!(ledger.applied(), listed(applied));
    for kept in ledger.documents() {
        let version = u64::try_from(newest[&kept.id].version).unwrap();
        assert_eq!(version, kept.version, "{}", kept.id);
    }
    assert_eq!(ledger.event_count(), u64::try_from(events.len()).unwrap());
}

/// In the ledger's own order, nothing is ever set against an invoice that is not there, is voided, is another
/// client's or is worth less.
#[test]
fn nothing_is_set_against_an_invoice_for_more_than_it_is_open() {
    let volume = Volume {
        clients: 15,
        invoices: 100,
        payments: 90,
        credit_notes: 20,
        ..BUSY
    };
    for (seed, business) in (1..).zip(businesses()) {
        let mut ledger = Ledger::of(1, seed, business);
        let mut now: BTreeMap<String, (Newest, String)> = BTreeMap::new();
        for event in ledger.busy_month(&volume) {
            let (id, newest) = newest_of(&event);
            let client = event["data"]["client"]["id"]
                .as_str()
                .unwrap_or(&id)
                .to_owned();
            now.insert(id, (newest, client));
            let mut applied: BTreeMap<&str, Decimal> = BTreeMap::new();
            for (document, client) in now.values() {
                let mut own = Decimal::ZERO;
                for (invoice, amount) in &document.allocations {
                    let (invoice_now, owner) = &now[invoice];
                    assert_eq!((client, &document.currency), (owner, &invoice_now.currency));
                    *applied.entry(invoice).or_default() += *amount;
                    own += *amount;
                }
                assert!(document.allocations.is_empty() || own <= document.gross.unwrap());
            }
            for (invoice, applied) in applied {
                let open = now[invoice].0.gross;
                let open = open.unwrap_or_else(|| panic!("{invoice} is voided: {event:#}"));
                assert!(applied <= open, "{applied} of {open}: {event:#}");
            }
        }
    }
}

#[test]
fn clients_owe_what_they_were_billed_and_have_not_paid() {
    let mut ledger = Ledger::of(1, 5, Business::british());
    ledger.busy_month(&BUSY);
    let mut owed = Decimal::ZERO;
    for kept in ledger.documents().into_iter().filter(|kept| kept.is_live) {
        owed += match kept.kind {
            "INVOICE" => kept.gross,
            "PAYMENT" | "CREDIT_NOTE" => -kept.gross,
            _ => Decimal::ZERO,
        };
    }
    let balances = ledger.balances();
    let sum: Decimal = balances.values().map(|(_, balance)| *balance).sum();
    assert_eq!(sum, owed);
    assert_eq!(balances.len(), 60);
    assert!(balances.values().any(|(currency, _)| currency == "EUR"));
}

#[test]
fn the_same_seed_tells_the_same_month() {
    let month = |seed| Ledger::of(1, seed, Business::british()).busy_month(&BUSY);
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
fn a_busy_month_has_every_way_of_paying() {
    let mut ledger = Ledger::of(1, 1, Business::british());
    let events = ledger.busy_month(&BUSY);
    let of = |key: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| routing_key(event) == key)
            .map(|event| &event["data"])
            .collect()
    };
    let payments = of("payment.received");
    assert_eq!(payments.len(), 300);
    let decimal = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
    let allocated = |data: &Value| -> Decimal {
        let allocations = data["allocations"].as_array().unwrap();
        allocations
            .iter()
            .map(|each| decimal(&each["amount"]))
            .sum()
    };
    let some = |what: &str, test: &dyn Fn(&Value) -> bool| {
        assert!(payments.iter().any(|data| test(data)), "no {what}");
    };
    some("payment of several invoices", &|data| {
        data["allocations"].as_array().unwrap().len() > 1
    });
    some("over-payment", &|data| {
        decimal(&data["amount"]) > allocated(data)
    });
    some("payment in euro", &|data| {
        data["currency"] == "EUR" && data["exchangeRate"].is_string()
    });
    assert!(of("payment.updated").len() >= 60);
    assert_eq!(of("payment.deleted").len(), 30);
    let notes = of("credit_note.issued");
    assert_eq!(notes.len(), 40);
    assert!(of("credit_note.voided").len() >= 4);
    assert!(
        notes
            .iter()
            .any(|data| allocated(data) < decimal(&data["totals"]["gross"]))
    );
    let invoices = of("invoice.issued");
    assert_eq!(invoices.len(), 400);
    assert!(invoices.iter().any(|data| data["taxInclusive"] == true));
    for rate in ["tr_standard", "tr_reduced", "tr_zero"] {
        let text = format!("\"{rate}\"");
        assert!(invoices.iter().any(|data| data.to_string().contains(&text)));
    }
}

#[test]
fn an_invoice_is_released_before_it_ends() {
    let mut ledger = Ledger::new(1, 3);
    let client = ledger.client();
    let (one, other) = (ledger.invoice(&client), ledger.invoice(&client));
    let payment = ledger.payment(&[&one, &other], Paying::InPart);
    let note = ledger.credit_note(&[&one]);
    let events = ledger.release(&one);
    let keys: Vec<String> = events.iter().map(routing_key).collect();
    assert_eq!(keys, ["payment.updated", "credit_note.voided"]);
    assert_eq!(subject(&events[0]), subject(&payment));
    assert_eq!(events[0]["data"]["amount"], payment["data"]["amount"]);
    assert_eq!(subject(&events[1]), subject(&note));
    let voided = ledger.void_invoice(&one);
    assert_eq!(ledger.open(&one), Decimal::ZERO);
    for event in [&payment, &note, &voided].into_iter().chain(&events) {
        parsed(event);
    }
}

#[test]
fn events_arrive_late_and_twice_and_none_is_lost() {
    let events = Ledger::of(1, 3, Business::british()).busy_month(&BUSY);
    let delivery = Delivery {
        most_late: 30,
        repeated_percent: 5,
    };
    let arrived = delivery.of(events.clone(), 9);
    assert_eq!(arrived, delivery.of(events.clone(), 9));
    assert!(arrived.len() > events.len());
    let sequence = |event: &Value| event["sequence"].as_str().unwrap().parse::<u64>().unwrap();
    let came: BTreeSet<u64> = arrived.iter().map(sequence).collect();
    assert_eq!(came.len(), events.len());
    assert!(
        arrived
            .windows(2)
            .any(|pair| sequence(&pair[0]) > sequence(&pair[1]))
    );
    assert_eq!(Delivery::default().of(events.clone(), 9), events);
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
