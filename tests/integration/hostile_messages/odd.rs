//! Events that are sound and come doubled, out of order, too early, for strangers, or with odd words in them.

use std::sync::atomic::{AtomicU64, Ordering};

use broker::Message;
use serde_json::{Value, json};
use tests::harness::Connected;
use tests::ledger::routing_key;

use super::ends::End;
use super::{ODD, Row, event};

/// The account's next number: every event of this file and its neighbours has its own.
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

pub(super) fn text(event: &Value) -> String {
    serde_json::to_string(event).unwrap()
}

/// An invoice of one line over this amount.
pub(super) fn invoice(id: &str, version: u64, amount: &str) -> Value {
    let data = json!({
        "id": id, "version": version, "number": format!("N-{id}"), "client": client(),
        "issuedOn": "2026-03-30", "currency": "USD",
        "lines": [{"description": "Work", "quantity": "1", "unitPrice": amount, "amount": amount}],
        "totals": {"net": amount, "tax": "0", "gross": amount},
    });
    envelope("invoice.issued", id, &data)
}

fn client() -> Value {
    json!({"id": "cl-odd", "version": 1, "name": "Odette Oddy"})
}

fn envelope(kind: &str, id: &str, data: &Value) -> Value {
    let sequence = SEQUENCE.fetch_add(1, Ordering::SeqCst) + 1;
    json!({
        "specversion": "1.0", "id": format!("odd-{sequence}"), "source": "/projectledger/test",
        "type": format!("projectledger.{kind}"), "subject": id, "time": "2026-03-30T09:15:00Z",
        "accountid": ODD.to_string(), "sequence": sequence.to_string(), "data": data,
    })
}

fn message(event_: &Value) -> Message {
    event(&routing_key(event_), text(event_).into_bytes())
}

fn row(name: &'static str, waves: &[Value], end: End) -> Row {
    Row {
        name,
        waves: waves.iter().map(message).collect(),
        end,
    }
}

fn with(mut event: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut event);
    event
}

pub(super) fn rows(odd: &Connected) -> Vec<Row> {
    let mut rows = doubles();
    rows.extend(orders());
    rows.extend(kinds(odd));
    rows.extend(words());
    rows
}

fn doubles() -> Vec<Row> {
    let kind = |event: Value, kind: &str| {
        with(event, |e| {
            e["type"] = json!(format!("projectledger.{kind}"));
        })
    };
    let first = invoice("d-ten", 1, "10.01");
    let same = invoice("d-same", 1, "11.01");
    let same_id = invoice("d-id", 1, "12.01");
    let other_body = with(same_id.clone(), |e| {
        e["data"]["lines"][0]["description"] = json!("Play");
    });
    let same_version = invoice("d-version", 1, "13.01");
    let zeros = with(invoice("d-zeros", 1, "14.10"), |e| {
        e["data"]["totals"]["gross"] = json!("14.1");
    });
    let longer = with(zeros.clone(), |e| {
        e["data"]["totals"]["gross"] = json!("14.10");
    });
    vec![
        row(
            "one event ten times",
            &vec![first; 10],
            End::Booked("d-ten", "10.01"),
        ),
        row(
            "the same document under another event id",
            &[
                same.clone(),
                with(same, |e| e["id"] = json!("odd-other-id")),
            ],
            End::Booked("d-same", "11.01"),
        ),
        row(
            "the same event id with another body",
            &[same_id, other_body],
            End::Conflict,
        ),
        row(
            "the same version with another body",
            &[
                same_version,
                kind(invoice("d-version", 1, "13.02"), "invoice.updated"),
            ],
            End::Conflict,
        ),
        row(
            "the same amount with one zero more",
            &[zeros, longer],
            End::Booked("d-zeros", "14.10"),
        ),
    ]
}

fn orders() -> Vec<Row> {
    let kind = |event: Value, kind: &str| {
        with(event, |e| {
            e["type"] = json!(format!("projectledger.{kind}"));
        })
    };
    let numbered = |event: Value, sequence: &str| with(event, |e| e["sequence"] = json!(sequence));
    let gap = "100000";
    vec![
        row(
            "versions 3, 1, 2",
            &[
                kind(invoice("o-312", 3, "23.01"), "invoice.updated"),
                invoice("o-312", 1, "21.01"),
                kind(invoice("o-312", 2, "22.01"), "invoice.updated"),
            ],
            End::Booked("o-312", "23.01"),
        ),
        row(
            "an update before its creation",
            &[
                kind(invoice("o-update", 2, "24.01"), "invoice.updated"),
                invoice("o-update", 1, "25.01"),
            ],
            End::Booked("o-update", "24.01"),
        ),
        row(
            "a void before its issue",
            &[
                kind(invoice("o-void", 2, "26.01"), "invoice.voided"),
                invoice("o-void", 1, "26.01"),
            ],
            End::NeverSent("o-void"),
        ),
        row(
            "a gap in the sequence",
            &[numbered(invoice("o-gap", 1, "27.01"), gap)],
            End::Booked("o-gap", "27.01"),
        ),
        row(
            "a sequence twice",
            &[numbered(invoice("o-again", 1, "28.01"), gap)],
            End::Booked("o-again", "28.01"),
        ),
        row(
            "a version with 18 digits",
            &[invoice("o-high", 900_000_000_000_000_000, "29.01")],
            End::Booked("o-high", "29.01"),
        ),
    ]
}

fn kinds(odd: &Connected) -> Vec<Row> {
    let money = json!({"client": client(), "amount": "5.00", "currency": "USD", "version": 1});
    let of = |kind: &str, id: &str, more: Value| {
        let mut data = money.clone();
        data["id"] = json!(id);
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        envelope(kind, id, &data)
    };
    let payment = of(
        "payment.received",
        "k-payment",
        json!({
            "receivedOn": "2026-03-31", "allocations": [{"invoiceId": "not-yet", "amount": "5.00"}],
        }),
    );
    let refund = of(
        "refund.issued",
        "k-refund",
        json!({"refundedOn": "2026-03-31"}),
    );
    let write_off = of(
        "write_off.recorded",
        "k-off",
        json!({"writtenOffOn": "2026-03-31", "invoiceId": "d-ten"}),
    );
    let note = with(invoice("k-note", 1, "5.01"), |e| {
        e["type"] = json!("projectledger.credit_note.issued");
    });
    let foreign = with(invoice("k-foreign", 1, "6.01"), |e| {
        e["accountid"] = json!("777");
    });
    let echo = with(invoice("k-echo", 1, "7.01"), |e| {
        e["data"]["origin"] = json!({"integrationId": odd.integration.0.to_string(), "externalId": "9001", "kind": "INVOICE"});
    });
    let totals = with(
        envelope(
            "control.totals",
            "none",
            &json!({
                "day": "2026-03-30", "kinds": [{"kind": "INVOICE", "currency": "USD", "count": 3, "sum": "30.03"}],
            }),
        ),
        |e| {
            e.as_object_mut().unwrap().remove("subject");
        },
    );
    vec![
        row(
            "a payment of an invoice that never came",
            &[payment],
            End::Unsupported("k-payment", "WAITS_FOR_DOCUMENT"),
        ),
        row("a credit note", &[note], End::Credited("k-note", "5.01")),
        row(
            "a refund",
            &[refund],
            End::Unsupported("k-refund", "NOT_EXPORTED"),
        ),
        row(
            "a write-off",
            &[write_off],
            End::Unsupported("k-off", "NOT_EXPORTED"),
        ),
        row(
            "an account without integration",
            &[foreign],
            End::Unwanted(777, "k-foreign"),
        ),
        row(
            "an echo of the books' own invoice",
            &[echo],
            End::Linked("k-echo", "9001"),
        ),
        row("control totals", &[totals], End::Totals("2026-03-30")),
    ]
}

fn words() -> Vec<Row> {
    let said = |id: &str, amount: &str, words: &str| {
        with(invoice(id, 1, amount), |e| {
            e["data"]["lines"][0]["description"] = json!(words);
            e["data"]["notes"] = json!(words);
        })
    };
    let long = "Ünïcödé ".repeat(500);
    assert_eq!(long.chars().count(), 4_000);
    vec![
        row(
            "a formula",
            &[said("w-formula", "31.01", "=HYPERLINK(\"http://x\",\"y\")")],
            End::Booked("w-formula", "31.01"),
        ),
        row(
            "an at sign",
            &[said("w-at", "32.01", "@SUM(A1:A9) +1 -1")],
            End::Booked("w-at", "32.01"),
        ),
        row(
            "right-to-left marks",
            &[said(
                "w-rtl",
                "33.01",
                "\u{202e}fdp.exe\u{202c} שלום \u{200f}",
            )],
            End::Booked("w-rtl", "33.01"),
        ),
        row(
            "emoji",
            &[said("w-emoji", "34.01", "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301}")],
            End::Booked("w-emoji", "34.01"),
        ),
        row(
            "markup and quotes",
            &[said(
                "w-html",
                "35.01",
                "<script>alert('x')</script> \"\\'; --",
            )],
            End::Booked("w-html", "35.01"),
        ),
        row(
            "notes of 4,000 characters",
            &[with(invoice("w-long", 1, "36.01"), |e| {
                e["data"]["notes"] = json!(long);
            })],
            End::Booked("w-long", "36.01"),
        ),
        row(
            "a forged marker",
            &[said(
                "w-marker",
                "37.01",
                "[tieout:test:00000000-0000-7000-8000-000000000000:1]",
            )],
            End::Booked("w-marker", "37.01"),
        ),
    ]
}
