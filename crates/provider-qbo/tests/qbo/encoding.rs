//! What leaves the house, byte by byte: requests against stored snapshots (`UPDATE_GOLDEN=1` rewrites them).

use std::fmt::Write as _;
use std::path::PathBuf;

use model::document::{Body, Discount};
use model::{FailureKind, Lifecycle, Operation, SyncSettings};
use provider_kit::{Effect, LinkState, Provider as _, Request, Step};
use provider_qbo::{INVOICE, Qbo};
use serde_json::{Value, json};

use super::support::*;

/// A request as text: all of it, in the order it is sent.
fn shown(request: &Request) -> String {
    let mut text = format!("{} {}\n", request.method.as_str(), request.path);
    for (name, value) in &request.query {
        writeln!(text, "? {name} = {value}").unwrap();
    }
    for (name, value) in &request.headers {
        writeln!(text, "{name}: {value}").unwrap();
    }
    writeln!(
        text,
        "cost: batch {}, metered read {}\n",
        request.cost.batch, request.cost.metered_read
    )
    .unwrap();
    text.push_str(std::str::from_utf8(&request.body).unwrap());
    text.push('\n');
    text
}

pub fn matches_golden(name: &str, request: &Request) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.txt"));
    let text = shown(request);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("no snapshot {name}; run with UPDATE_GOLDEN=1"));
    assert_eq!(text, stored, "{name} changed");
}

fn client_step() -> Step {
    Case::client(client("Acme: Widgets\tLtd")).step()
}

fn rich_invoice_step() -> Step {
    let mut rich = invoice(
        vec![
            line("2.5", "19.99", "49.98"),
            Discounted::line("3", "10", "27", Discount::Percent("10".parse().unwrap())),
            taxed(line("1", "1861.075", "1861.08"), "r1", "8", "148.89"),
        ],
        totals("1938.06", "148.89", "2086.95"),
    );
    rich.number = "ACME/2026/000000000001-REV".to_owned();
    rich.notes = Some("Thank you.\r\nSee you.".to_owned());
    rich.reference = Some("PO 77".to_owned());
    rich.terms = Some("30 days".to_owned());
    rich.discount = Some(Discount::Percent("2.5".parse().unwrap()));
    let mut case = Case::invoice(rich);
    case.settings.item_ids = [("P1".to_owned(), "9".to_owned())].into();
    case.step()
}

struct Discounted;

impl Discounted {
    fn line(quantity: &str, price: &str, amount: &str, off: Discount) -> model::document::Line {
        let mut line = line(quantity, price, amount);
        line.discount = Some(off);
        line.product_code = Some("P1".to_owned());
        line
    }
}

fn update_step() -> Step {
    let case = Case::invoice(plain_invoice());
    let created = case.step();
    let there = returned(
        &sent(std::slice::from_ref(&created), 0),
        "130",
        "4",
        "100",
        "0",
    );
    let mut changed = plain_invoice();
    changed.lines = vec![line("3", "50", "150")];
    changed.totals = totals("150", "0", "150");
    Case::invoice(changed)
        .linked("130", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .step()
}

fn void_step() -> Step {
    let case = Case::invoice(plain_invoice());
    let created = case.step();
    let there = returned(
        &sent(std::slice::from_ref(&created), 0),
        "130",
        "4",
        "100",
        "0",
    );
    case.linked("130", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .ending(Lifecycle::Voided)
        .step()
}

#[test]
fn a_customer_is_created_with_these_bytes() {
    let request = encode(&[client_step()], "0198c1d4-0000-7000-8000-000000000001").unwrap();
    matches_golden("customer_create", &request);
}

#[test]
fn a_customer_is_changed_sparsely_and_dropped_fields_are_blanked() {
    let created = client_step();
    let mut there = returned(
        &sent(std::slice::from_ref(&created), 0),
        "58",
        "2",
        "0",
        "0",
    );
    there["Notes"] = json!(format!("VIP, call first. {}", marker(1)));
    let mut changed = client("Acme: Widgets\tLtd");
    changed.phone = None;
    changed.address = None;
    changed.email = Some("new@acme.example".to_owned());
    let step = Case::client(changed)
        .linked("58", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .step();
    let request = encode(&[step], "k-update").unwrap();
    matches_golden("customer_update", &request);
}

#[test]
fn an_invoice_is_created_with_these_bytes() {
    let request = encode(&[Case::invoice(plain_invoice()).step()], "k-create").unwrap();
    matches_golden("invoice_create", &request);
}

#[test]
fn a_rich_invoice_is_created_with_these_bytes() {
    let request = encode(&[rich_invoice_step()], "k-rich").unwrap();
    matches_golden("invoice_create_rich", &request);
}

#[test]
fn an_invoice_with_tax_inside_its_amounts_is_created_with_these_bytes() {
    let mut british = invoice(
        vec![taxed(line("1", "120", "120"), "vat20", "20", "20")],
        totals("100", "20", "120"),
    );
    british.currency = "EUR".parse().unwrap();
    british.exchange_rate = Some("0.850000".parse().unwrap());
    british.tax_inclusive = true;
    let mut case = Case::invoice(british).in_country("GB", &Value::Null);
    case.books.home_currency = Some("GBP".parse().unwrap());
    case.settings.tax_codes = [("vat20".to_owned(), "5".to_owned())].into();
    let request = encode(&[case.step()], "k-gb").unwrap();
    matches_golden("invoice_create_tax_inclusive", &request);
}

#[test]
fn an_invoice_is_updated_in_full_with_these_bytes() {
    matches_golden(
        "invoice_update",
        &encode(&[update_step()], "k-update").unwrap(),
    );
}

#[test]
fn an_invoice_is_voided_with_these_bytes() {
    matches_golden("invoice_void", &encode(&[void_step()], "k-void").unwrap());
}

#[test]
fn a_batch_mixes_operations_with_these_bytes() {
    let steps = [
        Case::invoice(plain_invoice()).step(),
        update_step(),
        void_step(),
    ];
    matches_golden("invoice_batch", &encode(&steps, "k-batch").unwrap());
}

#[test]
fn lookups_and_reads_ask_with_these_bytes() {
    let steps = [
        Case::invoice(plain_invoice()).step(),
        update_step(),
        void_step(),
    ];
    let lookups = Qbo.lookups(&past(&steps), &books());
    assert_eq!(lookups.len(), 3);
    matches_golden("lookup_created_invoices", &lookups[0]);
    matches_golden("lookup_invoices_by_number", &lookups[1]);
    matches_golden("lookup_changed_invoices", &lookups[2]);
    let lookups = Qbo.lookups(&past(&[client_step()]), &books());
    assert_eq!(lookups.len(), 1);
    matches_golden("lookup_created_customers", &lookups[0]);
    let odd = [target("58", "0"), target("5'9\\", "1")];
    let read = Qbo.read(&Effect::main(provider_qbo::CUSTOMER), &odd, &books());
    matches_golden("read_customers", &read);
}

#[test]
fn the_same_step_from_the_database_gives_the_same_bytes() {
    for step in [rich_invoice_step(), update_step(), client_step()] {
        // As jsonb would return it: other member order, other spelling of the same numbers.
        let text = serde_json::to_string(&step).unwrap();
        let stored: Step = serde_json::from_str(&text).unwrap();
        assert_eq!(stored, step);
        assert_eq!(
            encode(&[stored], "k").unwrap(),
            encode(&[step], "k").unwrap()
        );
    }
}

#[test]
fn money_survives_as_digits_and_never_as_a_float() {
    let big = "9007199254740.93";
    let tenth = line("0.1", "0.3", "0.03");
    let lines = vec![line("1", "1", big), tenth];
    let step = Case::invoice(invoice(lines, totals(big, "0", big))).step();
    let text = String::from_utf8(encode(&[step], "k").unwrap().body).unwrap();
    assert!(text.contains("\"Amount\":9007199254740.93,"), "{text}");
    assert!(text.contains("\"Qty\":0.1,"), "{text}");
    assert!(text.contains("\"UnitPrice\":0.3}"), "{text}");
}

#[test]
fn the_company_id_cannot_leave_its_place_in_the_path() {
    let step = Case::invoice(plain_invoice()).step();
    let mark = marker(1);
    let member = provider_kit::Member {
        ordinal: 0,
        kind: model::DocumentKind::Invoice,
        step: &step,
        marker: &mark,
    };
    let mut odd = books();
    odd.external_id = "../1?x#y %".to_owned();
    let request = Qbo.encode(&[member], "k", &odd).unwrap();
    assert_eq!(request.path, "/v3/company/%2E%2E%2F1%3Fx%23y%20%25/invoice");
}

#[test]
fn a_call_outside_the_limits_is_a_defect_and_not_a_request() {
    let step = Case::invoice(plain_invoice()).step();
    let many: Vec<Step> = vec![step.clone(); 31];
    let mixed = [step.clone(), client_step()];
    let mut targetless = update_step();
    targetless.target = None;
    let mut odd = step.clone();
    odd.body = json!("text");
    let mut deletion = update_step();
    deletion.operation = Operation::Delete;
    let refused = [
        encode(&[], "k"),
        encode(&many, "k"),
        encode(&mixed, "k"),
        encode(std::slice::from_ref(&step), ""),
        encode(std::slice::from_ref(&step), &"k".repeat(37)),
        encode(&[targetless], "k"),
        encode(&[odd], "k"),
        encode(&[deletion], "k"),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind, FailureKind::Defect);
    }
    assert!(encode(&many[..30], &"k".repeat(36)).is_ok());
}

#[test]
fn texts_give_way_to_the_marker_and_never_cut_it() {
    let mut long = client("Acme");
    long.notes = Some("n".repeat(3_000));
    let sent_client = sent(&[Case::client(long).step()], 0);
    let notes = sent_client["Notes"].as_str().unwrap();
    assert_eq!(notes.chars().count(), 1_024);
    assert!(notes.ends_with(&marker(1).to_string()));

    let mut wordy = plain_invoice();
    wordy.number = "9".repeat(6_000);
    wordy.notes = Some("🧾".repeat(3_000));
    wordy.lines[0].description = "d".repeat(9_000);
    let body = sent(&[Case::invoice(wordy).step()], 0);
    let units = |value: &Value| value.as_str().unwrap().encode_utf16().count();
    assert_eq!(units(&body["PrivateNote"]), 4_000);
    assert!(
        body["PrivateNote"]
            .as_str()
            .unwrap()
            .ends_with(&marker(1).to_string())
    );
    assert_eq!(units(&body["CustomerMemo"]["value"]), 1_000);
    assert_eq!(units(&body["Line"][0]["Description"]), 4_000);
    assert_eq!(units(&body["DocNumber"]), 21);
}

#[test]
fn a_marker_in_a_persons_text_is_disarmed() {
    let forged = marker(99).to_string();
    let mut hostile = client("Acme");
    hostile.notes = Some(forged.clone());
    let notes = sent(&[Case::client(hostile).step()], 0)["Notes"].clone();
    assert_eq!(notes.as_str().unwrap().matches("[tieout ").count(), 1);
    let mut hostile = plain_invoice();
    hostile.number = format!("{forged} and a long tail");
    let note = sent(&[Case::invoice(hostile).step()], 0)["PrivateNote"].clone();
    assert_eq!(note.as_str().unwrap().matches("[tieout ").count(), 1);
}

#[test]
fn long_numbers_are_shortened_without_becoming_equal() {
    let number = |text: &str| {
        let mut invoice = plain_invoice();
        invoice.number = text.to_owned();
        Case::invoice(invoice).step().body["DocNumber"].clone()
    };
    assert_eq!(
        number("123456789012345678901"),
        json!("123456789012345678901")
    );
    let one = number("1234567890123456789012-A");
    let two = number("1234567890123456789012-B");
    assert_ne!(one, two);
    assert_eq!(one.as_str().unwrap().len(), 21);
    assert!(one.as_str().unwrap().starts_with("1234567890-"));
    assert_eq!(one, number("1234567890123456789012-A"));
}

#[test]
fn a_summary_line_stands_for_all_lines_of_a_tax_code() {
    let mut case = Case::invoice(invoice(
        vec![
            taxed(line("1", "10", "10"), "r1", "8", "0.80"),
            line("1", "5", "5"),
            taxed(line("2", "10", "20"), "r1", "8", "1.60"),
        ],
        totals("35", "2.40", "37.40"),
    ));
    case.settings = SyncSettings {
        include_line_item_details: false,
        ..case.settings
    };
    let body = case.step().body;
    let lines = body["Line"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    let amounts: Vec<String> = lines.iter().map(|l| l["Amount"].to_string()).collect();
    assert_eq!(amounts, ["30", "5"]);
    assert_eq!(lines[0]["Description"], "Invoice INV-1001 (2 lines)");
    assert_eq!(
        lines[0]["SalesItemLineDetail"]["TaxCodeRef"]["value"],
        "TAX"
    );
    assert!(lines[0]["SalesItemLineDetail"].get("Qty").is_none());
}

#[test]
fn reads_of_an_unknown_effect_are_refused_when_they_are_parsed() {
    let odd = Effect::main("estimate");
    let failure = Qbo
        .parse_read(&odd, &query_reply("Invoice", &[]))
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Defect);
    let whole = Qbo.parse_read(&Effect::main(INVOICE), &query_reply("Invoice", &[]));
    assert!(whole.unwrap().is_empty());
    assert!(matches!(
        Case::client(client("A")).document.body,
        Body::Client(_)
    ));
}
