//! Bytes that are no event, and events whose contents are wrong.

use serde_json::{Value, json};

use super::ends::End;
use super::odd::{invoice, text};
use super::{Row, event};

/// Twice what an event may have.
const TWO_MIB: usize = 2 * 1_048_576;

/// A valid beginning that never ends within the limit; no two are alike in their first bytes.
pub(super) fn oversized(number: usize) -> Vec<u8> {
    let mut bytes =
        format!("{{\"specversion\":\"1.0\",\"id\":\"flood-{number}\",\"pad\":\"").into_bytes();
    bytes.resize(TWO_MIB, b'x');
    bytes
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = undecodable();
    rows.extend(wrong_envelopes());
    rows.extend(wrong_contents());
    rows.extend(wrong_money());
    rows
}

fn row(name: &'static str, body: Vec<u8>, end: End) -> Row {
    Row {
        name,
        waves: vec![event("invoice.issued", body)],
        end,
    }
}

fn undecodable() -> Vec<Row> {
    let bad = |name, body: Vec<u8>, code, path| row(name, body, End::Undecodable(code, path));
    let whole = |id: &str| text(&invoice(id, 1, "10.01"));
    let utf16 = |id: &str| -> Vec<u8> {
        whole(id)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect()
    };
    let replaced = |id: &str, from: &str, to: &str| -> Vec<u8> {
        let whole = whole(id);
        assert!(whole.contains(from), "{from} is not in {whole}");
        whole.replacen(from, to, 1).into_bytes()
    };
    let mut latin1 = replaced("h-latin", "Work", "W@rk");
    let at = latin1.iter().position(|byte| *byte == b'@').unwrap();
    latin1[at] = 0xE9;
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let deep = replaced(
        "h-deep",
        "\"data\":{",
        &format!("\"data\":{{\"x\":{nested},"),
    );
    vec![
        bad("not JSON", b"hello".to_vec(), "NOT_JSON", "$"),
        bad("an empty body", Vec::new(), "NOT_JSON", "$"),
        bad("XML", b"<event/>".to_vec(), "NOT_JSON", "$"),
        bad(
            "a byte order mark",
            format!("\u{feff}{}", whole("h-bom")).into_bytes(),
            "NOT_JSON",
            "$",
        ),
        bad("UTF-16", utf16("h-utf16"), "NOT_JSON", "$"),
        bad("Latin-1", latin1, "NOT_UTF8", "$"),
        bad(
            "a raw NUL in a text",
            replaced("h-nul", "Work", "W\0rk"),
            "NOT_JSON",
            "$",
        ),
        bad(
            "a lone surrogate",
            replaced("h-lone", "Work", "\\ud800"),
            "NOT_JSON",
            "$",
        ),
        bad(
            "half a message",
            whole("h-half").into_bytes()[..200].to_vec(),
            "NOT_JSON",
            "$",
        ),
        bad(
            "two messages in one",
            [whole("h-two"), whole("h-two")].concat().into_bytes(),
            "NOT_JSON",
            "$",
        ),
        bad(
            "a bare NaN",
            replaced("h-nan", "\"version\":1", "\"version\":NaN"),
            "NOT_JSON",
            "$",
        ),
        bad(
            "a list",
            format!("[{}]", whole("h-list")).into_bytes(),
            "WRONG_TYPE",
            "$",
        ),
        bad("100 levels", deep, "TOO_DEEP", "$.data.x[0][0][0][0][0][0]"),
        bad(
            "500,000 levels",
            vec![b'['; 500_000],
            "TOO_DEEP",
            "$[0][0][0][0][0][0][0][0]",
        ),
        bad("2 MiB", oversized(FIRST_NUMBER), "TOO_LARGE", "$"),
        bad(
            "a key twice",
            replaced("h-twice", "\"net\":", "\"net\":\"1\",\"net\":"),
            "DUPLICATE_KEY",
            "$.data.totals.net",
        ),
        bad(
            "a key twice in the envelope",
            replaced(
                "h-twice2",
                "\"specversion\":",
                "\"specversion\":\"1.0\",\"specversion\":",
            ),
            "DUPLICATE_KEY",
            "$.specversion",
        ),
    ]
}

/// Of the one oversized message in the table; the flood has smaller ones.
const FIRST_NUMBER: usize = 1_000_000;

fn changed(id: &'static str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut event = invoice(id, 1, "10.01");
    change(&mut event);
    text(&event).into_bytes()
}

fn wrong_envelopes() -> Vec<Row> {
    let bad = |name, member: &str, value: Value, code, path| {
        let body = changed("h-envelope", |event| {
            event[member] = value;
            event["comment"] = json!(name);
        });
        row(name, body, End::Undecodable(code, path))
    };
    vec![
        bad(
            "an unknown type",
            "type",
            json!("projectledger.invoice.eaten"),
            "UNKNOWN_TYPE",
            "$.type",
        ),
        bad(
            "an unknown specversion",
            "specversion",
            json!("2.0"),
            "UNKNOWN_SPEC_VERSION",
            "$.specversion",
        ),
        bad(
            "an unknown major version",
            "schemaversion",
            json!("2.0"),
            "UNKNOWN_SCHEMA_VERSION",
            "$.schemaversion",
        ),
        bad(
            "data said to be XML",
            "datacontenttype",
            json!("application/xml"),
            "UNKNOWN_CONTENT_TYPE",
            "$.datacontenttype",
        ),
        bad(
            "no account",
            "accountid",
            json!(null),
            "MISSING_FIELD",
            "$.accountid",
        ),
        bad(
            "account zero",
            "accountid",
            json!("0"),
            "BAD_NUMBER",
            "$.accountid",
        ),
        bad(
            "a sequence past all numbers",
            "sequence",
            json!("9223372036854775808"),
            "BAD_NUMBER",
            "$.sequence",
        ),
        bad(
            "an id of 129 characters",
            "id",
            json!("x".repeat(129)),
            "TOO_LONG",
            "$.id",
        ),
        bad(
            "a time without offset",
            "time",
            json!("2026-03-30T09:15:00"),
            "BAD_TIME",
            "$.time",
        ),
    ]
}

fn wrong_contents() -> Vec<Row> {
    let bad = |name, change: fn(&mut Value), code, path| {
        let body = changed("h-contents", |event| {
            change(&mut event["data"]);
            event["comment"] = json!(name);
        });
        row(name, body, End::Refused(code, path))
    };
    vec![
        bad(
            "an escaped NUL",
            |d| d["lines"][0]["description"] = json!("a\0b"),
            "CONTROL_CHARACTER",
            "$.data.lines[0].description",
        ),
        bad(
            "a line break in a name",
            |d| d["client"]["name"] = json!("a\nb"),
            "CONTROL_CHARACTER",
            "$.data.client.name",
        ),
        bad(
            "a blank name",
            |d| d["client"]["name"] = json!("  "),
            "BLANK",
            "$.data.client.name",
        ),
        bad(
            "10,000 lines",
            |d| d["lines"] = json!(vec![d["lines"][0].clone(); 10_000]),
            "TOO_MANY_LINES",
            "$.data.lines",
        ),
        bad(
            "no lines",
            |d| d["lines"] = json!([]),
            "NO_LINES",
            "$.data.lines",
        ),
        bad(
            "notes of 5,000 characters",
            |d| d["notes"] = json!("n".repeat(5_000)),
            "TOO_LONG",
            "$.data.notes",
        ),
        bad(
            "a negative version",
            |d| d["version"] = json!(-1),
            "BAD_NUMBER",
            "$.data.version",
        ),
        bad(
            "a version in a text",
            |d| d["version"] = json!("one"),
            "WRONG_TYPE",
            "$.data.version",
        ),
        bad(
            "31 April",
            |d| d["issuedOn"] = json!("2026-04-31"),
            "BAD_DATE",
            "$.data.issuedOn",
        ),
        bad(
            "due before issue",
            |d| d["dueOn"] = json!("2026-03-29"),
            "DUE_BEFORE_ISSUE",
            "$.data.dueOn",
        ),
        bad(
            "another document than the subject",
            |d| d["id"] = json!("h-other"),
            "SUBJECT_MISMATCH",
            "$.data.id",
        ),
        bad(
            "SQL for an id",
            |d| d["client"]["id"] = json!("1'; drop table item; --"),
            "BAD_ID",
            "$.data.client.id",
        ),
    ]
}

fn wrong_money() -> Vec<Row> {
    let bad = |name, change: fn(&mut Value), code, path| {
        let body = changed("h-money", |event| {
            change(&mut event["data"]);
            event["comment"] = json!(name);
        });
        row(name, body, End::Refused(code, path))
    };
    let exponent = text(&invoice("h-1e2", 1, "10.01")).replacen("\"10.01\"", "1e2", 1);
    vec![
        row(
            "an amount as the number 1e2",
            exponent.into_bytes(),
            End::Refused("NUMBER_NOT_STRING", "$.data.lines[0].amount"),
        ),
        bad(
            "an amount as a number",
            |d| d["totals"]["gross"] = json!(25),
            "NUMBER_NOT_STRING",
            "$.data.totals.gross",
        ),
        bad(
            "an amount of 1e2 in a text",
            |d| d["totals"]["gross"] = json!("1e2"),
            "NOT_DECIMAL",
            "$.data.totals.gross",
        ),
        bad(
            "NaN in a text",
            |d| d["totals"]["gross"] = json!("NaN"),
            "NOT_DECIMAL",
            "$.data.totals.gross",
        ),
        bad(
            "a comma in an amount",
            |d| d["totals"]["gross"] = json!("1,000.00"),
            "NOT_DECIMAL",
            "$.data.totals.gross",
        ),
        bad(
            "17 digits",
            |d| d["totals"]["gross"] = json!("123456789012345.67"),
            "TOO_MANY_DIGITS",
            "$.data.totals.gross",
        ),
        bad(
            "yen with cents",
            |d| d["currency"] = json!("JPY"),
            "BELOW_MINOR_UNIT",
            "$.data.lines[0].amount",
        ),
        bad(
            "a currency nobody has",
            |d| d["currency"] = json!("QQQ"),
            "UNKNOWN_CURRENCY",
            "$.data.currency",
        ),
        bad(
            "a line one cent off",
            |d| d["lines"][0]["amount"] = json!("10.02"),
            "LINE_AMOUNT_MISMATCH",
            "$.data.lines[0].amount",
        ),
        bad(
            "totals that do not add up",
            |d| d["totals"]["gross"] = json!("10.02"),
            "GROSS_MISMATCH",
            "$.data.totals.gross",
        ),
        bad(
            "an invoice below zero",
            |d| {
                d["lines"][0]["quantity"] = json!("-1");
                d["lines"][0]["amount"] = json!("-10.01");
                d["totals"] = json!({"net": "-10.01", "tax": "0", "gross": "-10.01"});
            },
            "NEGATIVE",
            "$.data.totals.net",
        ),
    ]
}
