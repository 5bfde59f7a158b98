//! Tests of reading events: what no schema can say, hostile bytes, and the arithmetic at its borders.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::document::{Body, Lifecycle};

mod sums;

const INVOICE: &str = include_str!("../../schemas/examples/invoice-plain.json");
const IMPORTED: &str =
    include_str!("../../schemas/examples/invoice-updated-imported-from-books.json");
const PAYMENT: &str = include_str!("../../schemas/examples/payment-of-two-invoices.json");
const CLIENT: &str = include_str!("../../schemas/examples/client-with-everything.json");
const TOTALS: &str = include_str!("../../schemas/examples/control-totals.json");

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn parse_value(message: &Value) -> Result<Event, BadEvent> {
    parse(message.to_string().as_bytes())
}

fn refusal(message: &Value) -> (Code, String) {
    let bad = parse_value(message).unwrap_err();
    (bad.code(), bad.fault().path.clone())
}

fn document(message: &Value) -> Document {
    match parse_value(message).unwrap().payload {
        Payload::Document { document, .. } => document,
        Payload::ControlTotals { .. } => panic!("a document was sent"),
    }
}

/// An invoice with one line per (quantity, price, amount), in a currency, exclusive of tax.
fn invoice(currency: &str, lines: &[(&str, &str, &str)], net: &str) -> Value {
    let mut message = value(INVOICE);
    message["data"]["currency"] = json!(currency);
    message["data"]["lines"] = lines
        .iter()
        .map(|(quantity, price, amount)| {
            json!({"description": "", "quantity": quantity, "unitPrice": price, "amount": amount})
        })
        .collect();
    message["data"]["totals"] = json!({"net": net, "tax": "0", "gross": net});
    message
}

#[test]
fn an_event_is_taken_apart_into_its_document_and_its_client() {
    let event = parse(INVOICE.as_bytes()).unwrap();
    assert_eq!(event.event_type, EventType::InvoiceIssued);
    assert_eq!((event.account, event.sequence), (AccountId(4711), 101));
    assert!(event.trace.unwrap().starts_with("00-4bf92f35"));
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-03-30T09:15:00+00:00");
    assert_eq!(event.origin, None);
    let Payload::Document { document, clients } = event.payload else {
        panic!("an invoice is a document");
    };
    assert_eq!(document.id.as_str(), "in_2001");
    assert_eq!(document.version, 1);
    assert_eq!(document.kind(), DocumentKind::Invoice);
    let [client] = clients.as_slice() else {
        panic!("an invoice names one client");
    };
    assert_eq!((client.id.as_str(), client.version), ("cl_1001", 3));
    assert_eq!(client.account, document.account);
    assert!(matches!(&client.body, Body::Client(c) if c.name == "Fjord Analytics ApS"));
}

#[test]
fn a_client_brings_no_second_client_and_totals_no_document() {
    let client = parse(CLIENT.as_bytes()).unwrap();
    assert!(matches!(client.payload, Payload::Document { clients, .. } if clients.is_empty()));
    let totals = parse(TOTALS.as_bytes()).unwrap();
    let Payload::ControlTotals { day, kinds } = totals.payload else {
        panic!("totals were sent");
    };
    assert_eq!(day.to_string(), "2026-03-30");
    assert_eq!(kinds.len(), 4);
    assert_eq!(kinds[1].currency.as_str(), "JPY");
    assert_eq!(
        (kinds[1].count, kinds[1].sum.to_string()),
        (1, "47530".into())
    );
}

#[test]
fn the_type_says_what_became_of_the_document() {
    for event_type in EventType::ALL {
        let wanted = match event_type.routing_key().split_once('.').unwrap().1 {
            "voided" => Some(Lifecycle::Voided),
            "deleted" => Some(Lifecycle::Deleted),
            "totals" => None,
            _ => Some(Lifecycle::Live),
        };
        assert_eq!(
            event_type.document().map(|(_, lifecycle)| lifecycle),
            wanted
        );
        assert_eq!(EventType::from_name(event_type.name()), Some(*event_type));
    }
    let mut message = value(PAYMENT);
    message["type"] = json!("projectledger.payment.deleted");
    assert_eq!(document(&message).lifecycle, Lifecycle::Deleted);
}

#[test]
fn an_origin_says_through_which_integration_a_document_came() {
    let origin = parse(IMPORTED.as_bytes()).unwrap().origin.unwrap();
    assert_eq!(origin.integration_id, IntegrationId(17));
    assert_eq!(origin.external_id, "1045");
    assert_eq!(origin.kind, DocumentKind::Invoice);
}

#[test]
fn an_accepted_document_survives_being_stored_and_read_back() {
    for text in [INVOICE, PAYMENT, CLIENT, IMPORTED] {
        let sent = document(&value(text));
        let stored = serde_json::to_string(&sent).unwrap();
        let back: Document = serde_json::from_str(&stored).unwrap();
        assert_eq!(back, sent);
        assert_eq!(canonical_hash(&back), canonical_hash(&sent));
    }
}

#[test]
fn a_message_one_byte_too_large_is_refused_before_it_is_read() {
    let limits = Limits {
        bytes: INVOICE.len(),
        ..Limits::default()
    };
    assert!(parse_within(INVOICE.as_bytes(), &limits).is_ok());
    let padded = format!("{INVOICE} ");
    let bad = parse_within(padded.as_bytes(), &limits).unwrap_err();
    assert_eq!(bad.code(), Code::TooLarge);
    assert!(bad.envelope().is_none());
    // Not even JSON: the size speaks first.
    assert_eq!(
        parse(&vec![b'['; 1024 * 1024 + 1]).unwrap_err().code(),
        Code::TooLarge
    );
}

#[test]
fn depth_is_refused_at_its_border_and_never_overflows_the_stack() {
    let nested = |depth: usize| {
        // The message itself is the first object, its data the second, the extra field the third.
        let inner = format!("{}1{}", "[".repeat(depth - 2), "]".repeat(depth - 2));
        INVOICE.replacen(
            "\"version\": 1,",
            &format!("\"version\": 1, \"x\": {inner},"),
            1,
        )
    };
    assert!(parse(nested(32).as_bytes()).is_ok());
    assert_eq!(
        parse(nested(33).as_bytes()).unwrap_err().code(),
        Code::TooDeep
    );
    assert_eq!(
        parse("[".repeat(1_000_000).as_bytes()).unwrap_err().code(),
        Code::TooDeep
    );
    assert_eq!(
        parse(&br#"{"a":"#.repeat(200_000)).unwrap_err().code(),
        Code::TooDeep
    );
}

#[test]
fn bytes_that_are_no_json_text_are_undecodable() {
    for (bytes, code) in [
        (&b""[..], Code::NotJson),
        (b"\xff\xfe{}", Code::NotUtf8),
        (b"{\"id\":\"\xed\xa0\x80\"}", Code::NotUtf8),
        (b"\xef\xbb\xbf{}", Code::NotJson),
        (b"{\"id\":\"\\udc00\"}", Code::NotJson),
        (b"{\"id\":\"a\nb\"}", Code::NotJson),
        (b"{\"id\":NaN}", Code::NotJson),
        (b"{\"id\":01}", Code::NotJson),
        (b"{'id':1}", Code::NotJson),
        (b"{\"id\":1,}", Code::NotJson),
        (b"{\"id\":1}{", Code::NotJson),
        (b"null", Code::WrongType),
        (b"7", Code::WrongType),
        (b"{}", Code::MissingField),
    ] {
        let bad = parse(bytes).unwrap_err();
        assert_eq!(bad.code(), code, "{bytes:?}");
        assert!(matches!(bad, BadEvent::Undecodable(_)));
    }
}

#[test]
fn a_duplicate_key_is_refused_wherever_it_stands_even_when_spelt_with_escapes() {
    let doubled = INVOICE.replacen("\"number\":", "\"n\\u0075mber\": \"X\", \"number\":", 1);
    let bad = parse(doubled.as_bytes()).unwrap_err();
    assert_eq!(
        (bad.code(), bad.fault().path.as_str()),
        (Code::DuplicateKey, "$.data.number")
    );
    let unknown = INVOICE.replacen(
        "\"version\": 1,",
        "\"version\": 1, \"x y\": {\"a\":1,\"a\":2},",
        1,
    );
    let bad = parse(unknown.as_bytes()).unwrap_err();
    assert_eq!(bad.fault().path, "$.data[\"x y\"].a");
}

#[test]
fn the_key_that_stands_for_numbers_inside_serde_json_gains_nothing() {
    let with = |version: &str| {
        let version = version.replace("KEY", "$serde_json::private::Number");
        let text = INVOICE.replacen("\"version\": 1,", &format!("\"version\": {version},"), 1);
        parse(text.as_bytes()).map(|_| ()).map_err(|bad| bad.code())
    };
    assert_eq!(with("2"), Ok(()));
    assert_eq!(
        with(r#"{"KEY": "2"}"#),
        Ok(()),
        "reads as the number 2, no more"
    );
    assert_eq!(with(r#"{"KEY": "x"}"#), Err(Code::BadNumber));
    assert_eq!(with(r#"{"KEY": "2", "KEY": "3"}"#), Err(Code::NotJson));
    assert_eq!(with(r#"{"KEY": {"deep": 1}}"#), Err(Code::NotJson));
    assert_eq!(with(r#"{"more": 1, "KEY": "2"}"#), Err(Code::WrongType));
}

#[test]
fn a_refused_event_still_says_whose_it_is() {
    let mut message = value(INVOICE);
    message["data"]["totals"]["gross"] = json!("1.00");
    let bad = parse_value(&message).unwrap_err();
    let envelope = bad.envelope().unwrap();
    assert_eq!(envelope.account, AccountId(4711));
    assert_eq!(envelope.sequence, 101);
    assert_eq!(envelope.subject.as_ref().unwrap().as_str(), "in_2001");
    assert_eq!(
        bad.to_string(),
        "invalid event: GROSS_MISMATCH at $.data.totals.gross: net 1440.5 plus tax 360.13 is not gross 1; \
         correct the totals"
    );
}

#[test]
fn no_refusal_repeats_names_or_free_text() {
    let mut message = value(INVOICE);
    message["data"]["client"]["name"] = json!("Jane Secret\u{7}");
    message["data"]["notes"] = json!("Secret ".repeat(1_000));
    let by_name = parse_value(&message).unwrap_err().to_string();
    message["data"]["client"]["name"] = json!("Jane Secret");
    let by_notes = parse_value(&message).unwrap_err().to_string();
    assert!(!by_name.contains("Secret") && !by_notes.contains("Secret"));
}

#[test]
fn serials_are_plain_digits_above_zero_as_string_or_number() {
    let with = |sequence: &Value| {
        let mut message = value(INVOICE);
        message["sequence"] = sequence.clone();
        parse_value(&message).map(|event| event.sequence)
    };
    assert_eq!(with(&json!("1")), Ok(1));
    assert_eq!(with(&json!(1)), Ok(1));
    assert_eq!(with(&json!("9223372036854775807")), Ok(i64::MAX));
    for odd in [
        json!("0"),
        json!(0),
        json!(-1),
        json!("-1"),
        json!("+1"),
        json!("01"),
        json!("1.0"),
        json!(1.0),
        json!(1e3),
        json!(""),
        json!(" 1"),
        json!("9223372036854775808"),
        json!("١"),
    ] {
        assert_eq!(with(&odd).unwrap_err().code(), Code::BadNumber, "{odd}");
    }
    assert_eq!(with(&json!(true)).unwrap_err().code(), Code::WrongType);
    assert_eq!(with(&json!(null)).unwrap_err().code(), Code::MissingField);
}

#[test]
fn a_broken_trace_is_left_out_and_refuses_nothing() {
    for odd in [
        json!("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        json!("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
        json!("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        json!("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        json!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"),
        json!(""),
        json!(7),
    ] {
        let mut message = value(INVOICE);
        message["traceparent"] = odd.clone();
        assert_eq!(parse_value(&message).unwrap().trace, None, "{odd}");
    }
}

#[test]
fn texts_are_measured_in_characters_not_in_bytes() {
    let mut message = value(INVOICE);
    message["data"]["number"] = json!("番".repeat(100));
    assert!(parse_value(&message).is_ok());
    message["data"]["number"] = json!("n".repeat(101));
    assert_eq!(refusal(&message), (Code::TooLong, "$.data.number".into()));
}

#[test]
fn a_thousand_lines_are_taken_and_one_more_is_not() {
    let lines = vec![("1", "0.01", "0.01"); 1_000];
    let taken = invoice("EUR", &lines, "10");
    assert!(parse_value(&taken).is_ok());
    let lines = vec![("1", "0.01", "0.01"); 1_001];
    let message = invoice("EUR", &lines, "10.01");
    assert_eq!(
        refusal(&message),
        (Code::TooManyLines, "$.data.lines".into())
    );
    let fewer = Limits {
        lines: 999,
        ..Limits::default()
    };
    let bad = parse_within(taken.to_string().as_bytes(), &fewer).unwrap_err();
    assert_eq!(bad.code(), Code::TooManyLines);
}

#[test]
fn a_thousand_allocations_are_taken_and_one_more_is_not() {
    let with = |count: usize| {
        let mut message = value(PAYMENT);
        message["data"]["allocations"] = (0..count)
            .map(|n| json!({"invoiceId": format!("in_{n}"), "amount": "0.01"}))
            .collect();
        message
    };
    assert!(parse_value(&with(1_000)).is_ok());
    assert_eq!(
        refusal(&with(1_001)),
        (Code::TooManyAllocations, "$.data.allocations".into())
    );
}

#[test]
fn the_hash_ignores_spelling_and_unknown_fields_and_notices_everything_else() {
    let base = value(INVOICE);
    let hash = |message: &Value| canonical_hash(&document(message));
    let first = hash(&base);
    assert_eq!(first.len(), 64);

    let mut same = base.clone();
    same["data"]["totals"]["net"] = json!("1440.5000");
    same["data"]["exchangeRate"] = json!(null);
    same["data"]["unknown"] = json!([1, 2]);
    same["id"] = json!("another event");
    same["sequence"] = json!("102");
    assert_eq!(hash(&same), first);

    for (pointer, other) in [
        ("/data/version", json!(2)),
        ("/data/number", json!("INV-2001.0")),
        ("/data/notes", json!("Thank you for your business")),
        ("/data/client/version", json!(4)),
        ("/data/client/isActive", json!(false)),
        ("/data/taxInclusive", json!(false)),
        ("/accountid", json!("4712")),
        ("/type", json!("projectledger.invoice.voided")),
    ] {
        let mut changed = base.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = other;
        let differs = pointer != "/data/taxInclusive";
        assert_eq!(hash(&changed) != first, differs, "{pointer}");
    }
}

#[test]
fn the_hash_of_a_known_document_never_changes() {
    // It is stored and compared across releases: a new field must leave it alone when absent.
    let document = document(&value(
        r#"{"specversion":"1.0","id":"e","source":"/s","type":"projectledger.client.created","subject":"c",
            "time":"2026-01-01T00:00:00Z","accountid":"1","sequence":"1","data":{"id":"c","version":1,"name":"X"}}"#,
    ));
    assert_eq!(
        canonical_hash(&document),
        "201de562ba62c3f45037ad7a8c9b27f846024edc841cbdce04b70f81b9ccd3a6"
    );
}

proptest! {
    #[test]
    fn damaged_bytes_are_refused_or_taken_and_never_panic(
        damage in prop::collection::vec((0_usize..INVOICE.len(), any::<u8>()), 1..6),
        cut in 0_usize..INVOICE.len(),
        cutting: bool,
    ) {
        let mut bytes = INVOICE.as_bytes().to_vec();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        if cutting {
            bytes.truncate(cut);
        }
        if let Err(bad) = parse(&bytes) {
            prop_assert!(bad.fault().path.starts_with('$'));
            prop_assert!(bad.fault().advice.len() < 400);
        }
    }

    #[test]
    fn any_text_in_any_field_is_refused_or_taken_and_never_panics(
        pointer in prop::sample::select(vec![
            "/id", "/type", "/subject", "/time", "/accountid", "/sequence", "/schemaversion", "/traceparent",
            "/data/id", "/data/version", "/data/number", "/data/issuedOn", "/data/dueOn", "/data/currency",
            "/data/lines/0/quantity", "/data/lines/0/unitPrice", "/data/lines/0/amount", "/data/totals/gross",
            "/data/client/name", "/data/client/email", "/data/notes", "/data/lines", "/data",
        ]),
        text: String,
    ) {
        let mut message = value(INVOICE);
        *message.pointer_mut(pointer).unwrap() = json!(text);
        if let Ok(event) = parse_value(&message) {
            let Payload::Document { document, .. } = event.payload else {
                panic!("an invoice stays one");
            };
            prop_assert_eq!(canonical_hash(&document).len(), 64);
        }
    }
}
