//! What leaves the house, byte by byte: requests against stored snapshots (`UPDATE_GOLDEN=1` rewrites them).

use std::fmt::Write as _;
use std::path::PathBuf;

use model::document::Discount;
use model::{FailureKind, ImportKind, Lifecycle, Operation};
use provider_kit::{Effect, LinkState, Provider as _, Request, Step};
use provider_xero::{CREDIT_NOTE, CUSTOMER, INVOICE, PAYMENT, Xero};
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
    writeln!(text, "cost: batch {}\n", request.cost.batch).unwrap();
    text.push_str(std::str::from_utf8(&request.body).unwrap());
    text.push('\n');
    text
}

fn contact_step() -> Step {
    Case::client(client("Acme <Widgets>\tLtd")).step()
}

fn rich_invoice_step() -> Step {
    let mut off = line("3", "10", "27");
    off.discount = Some(Discount::Percent("10".parse().unwrap()));
    off.product_code = Some("P1".to_owned());
    let mut rich = invoice(
        vec![
            line("2.5", "19.99", "49.98"),
            off,
            taxed(line("1", "1861.07512", "1861.08"), "r1", "20", "372.22"),
        ],
        totals("1938.06", "372.22", "2310.28"),
    );
    rich.number = "ACMÉ/2026/1".to_owned();
    rich.reference = Some("PO 77\r\nurgent".to_owned());
    rich.currency = "EUR".parse().unwrap();
    rich.exchange_rate = Some("0.85".parse().unwrap());
    rich.discount = Some(Discount::Percent("2.5".parse().unwrap()));
    rich.tax_inclusive = true;
    let mut case = Case::invoice(rich);
    case.settings.item_ids = [("P1".to_owned(), "HOURS".to_owned())].into();
    case.settings.tax_codes = [("r1".to_owned(), "OUTPUT2".to_owned())].into();
    case.settings.invoice_template = Some(guid(77));
    case.step()
}

fn invoice_update_step() -> Step {
    let case = Case::invoice(plain_invoice());
    let created = case.step();
    let mut there = standing(&created, "InvoiceID", &guid(50));
    there["LineItems"][0]["LineItemID"] = json!(guid(60));
    let mut changed = plain_invoice();
    changed.lines = vec![line("3", "50", "150"), line("1", "10", "10")];
    changed.totals = totals("160", "0", "160");
    Case::invoice(changed)
        .linked(&guid(50), &created.fingerprint, LinkState::Active)
        .seeing(&Effect::main(INVOICE), &there)
        .step()
}

fn invoice_void_step() -> Step {
    let case = Case::invoice(plain_invoice());
    let created = case.step();
    let there = standing(&created, "InvoiceID", &guid(50));
    case.linked(&guid(50), &created.fingerprint, LinkState::Active)
        .ending(Lifecycle::Voided)
        .seeing(&Effect::main(INVOICE), &there)
        .step()
}

fn contact_update_step() -> Step {
    let case = Case::client(client("Acme"));
    let created = case.step();
    let there = standing(&created, "ContactID", &guid(1));
    let mut changed = client("Acme");
    changed.email = None;
    changed.is_active = false;
    Case::client(changed)
        .linked(&guid(1), &created.fingerprint, LinkState::Active)
        .seeing(&Effect::main(CUSTOMER), &there)
        .step()
}

fn payment_steps() -> Vec<Step> {
    let mut own = payment("100", &[("i1", "60")]);
    own.reference = Some("Thanks!".to_owned());
    let mut case = Case::payment(own);
    case.settings.bank_account_id = Some(guid(90));
    case.books.extra = json!({"receivableCode": "610"});
    case.steps()
}

fn payment_delete_step() -> Step {
    let case = Case::payment(payment("60", &[("i1", "60")]));
    let created = case.step();
    let there = standing(&created, "PaymentID", &guid(51));
    case.with_link(
        created.effect.clone(),
        link(&guid(51), &created.fingerprint, LinkState::Active),
    )
    .ending(Lifecycle::Deleted)
    .seeing(&created.effect, &there)
    .step()
}

/// Setting a credit note against an invoice, and taking it off.
fn allocation_step(operation: Operation) -> Step {
    let mut step = Case::credit_note(credit_note(&[("i1", "60")])).steps()[1].clone();
    step.operation = operation;
    step.target = Some(external(&format!("{}/{}", guid(50), guid(11))));
    if operation == Operation::Delete {
        step.body = json!({"AllocationID": guid(91)});
    }
    step
}

fn written(steps: &[Step]) -> Request {
    encode(steps, "0197f3a000007000800000000000abcd").unwrap()
}

fn read(effect: &str, ids: &[u32]) -> Request {
    let targets: Vec<_> = ids.iter().map(|id| external(&guid(*id))).collect();
    Xero.read(&Effect::main(effect), &targets, &books())
}

fn looked_up(steps: &[Step], place: usize) -> Request {
    Xero.lookups(&past(steps), &books()).swap_remove(place)
}

/// Every kind of request that the provider makes, by the name of its snapshot.
pub fn requests() -> Vec<(&'static str, Request)> {
    let credit = Case::credit_note(credit_note(&[])).step();
    let plain = Case::invoice(plain_invoice()).step();
    let [paid, overpaid] = payment_steps().try_into().unwrap();
    let import = |what, place: usize| Xero.imports(what, &books()).swap_remove(place);
    vec![
        ("contact_create", written(&[contact_step()])),
        ("contact_update", written(&[contact_update_step()])),
        ("invoice_create", written(std::slice::from_ref(&plain))),
        ("invoice_create_rich", written(&[rich_invoice_step()])),
        (
            "invoice_batch",
            written(&[plain.clone(), rich_invoice_step()]),
        ),
        ("invoice_update", written(&[invoice_update_step()])),
        ("invoice_void", written(&[invoice_void_step()])),
        ("credit_note_create", written(std::slice::from_ref(&credit))),
        (
            "allocation_create",
            written(&[allocation_step(Operation::Update)]),
        ),
        (
            "allocation_delete",
            written(&[allocation_step(Operation::Delete)]),
        ),
        ("payment_create", written(std::slice::from_ref(&paid))),
        ("payment_delete", written(&[payment_delete_step()])),
        (
            "overpayment_create",
            written(std::slice::from_ref(&overpaid)),
        ),
        ("read_contacts", read(CUSTOMER, &[1, 2])),
        ("read_invoices", read(INVOICE, &[50, 51])),
        ("read_credit_notes", read(CREDIT_NOTE, &[50, 51])),
        ("read_payments", read(PAYMENT, &[50])),
        ("lookup_contacts", looked_up(&[contact_step()], 0)),
        (
            "lookup_invoices",
            looked_up(std::slice::from_ref(&plain), 0),
        ),
        ("lookup_invoices_by_number", looked_up(&[plain], 1)),
        ("lookup_credit_notes", looked_up(&[credit], 0)),
        ("lookup_payments", looked_up(&[paid], 0)),
        ("lookup_overpayments", looked_up(&[overpaid], 0)),
        (
            "lookup_allocation",
            looked_up(&[allocation_step(Operation::Update)], 0),
        ),
        ("import_organisation", import(ImportKind::Company, 0)),
        ("import_currencies", import(ImportKind::Company, 1)),
        ("import_accounts", import(ImportKind::Accounts, 0)),
        ("import_tax_rates", import(ImportKind::TaxCodes, 0)),
    ]
}

#[test]
fn requests_are_byte_for_byte_as_reviewed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, request) in requests() {
        let path = folder.join(format!("{name}.txt"));
        let text = shown(&request);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("no snapshot {name}; run with UPDATE_GOLDEN=1"));
        assert_eq!(text, stored, "{name} changed");
    }
}

#[test]
fn no_snapshot_is_left_over() {
    let known: Vec<String> = requests()
        .into_iter()
        .map(|(name, _)| format!("{name}.txt"))
        .collect();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is of no request");
    }
}

#[test]
fn only_ids_of_xero_go_into_paths_and_filters() {
    let mut step = payment_delete_step();
    step.target = Some(external("x/../../Accounts"));
    assert_eq!(encode(&[step], "k").unwrap_err().kind, FailureKind::Defect);
    let mut allocation = allocation_step(Operation::Delete);
    allocation.body = json!({"AllocationID": "all"});
    assert_eq!(
        encode(&[allocation], "k").unwrap_err().kind,
        FailureKind::Defect
    );
    let odd = [external("\") OR 1==1 OR guid(\"")];
    let request = Xero.read(&Effect::main(PAYMENT), &odd, &books());
    let filter = &request.query[0].1;
    assert_eq!(
        filter,
        "PaymentID==guid(\"00000000-0000-0000-0000-000000000000\")"
    );
}

#[test]
fn operations_and_kinds_do_not_mix_in_a_call() {
    let both = [Case::invoice(plain_invoice()).step(), invoice_void_step()];
    assert_eq!(encode(&both, "k").unwrap_err().code, "MIXED_KINDS");
    let kinds = [Case::invoice(plain_invoice()).step(), contact_step()];
    assert_eq!(encode(&kinds, "k").unwrap_err().code, "MIXED_KINDS");
    let two = vec![payment_delete_step(); 2];
    assert_eq!(encode(&two, "k").unwrap_err().code, "BATCH_TOO_BIG");
    let many = vec![Case::invoice(plain_invoice()).step(); 51];
    assert_eq!(encode(&many, "k").unwrap_err().code, "BATCH_TOO_BIG");
    assert!(encode(&many[..50], "k").is_ok());
}

#[test]
fn prices_keep_their_four_decimals_on_the_wire() {
    let own = invoice(vec![line("3", "0.3333", "1.00")], totals("1", "0", "1"));
    let request = written(&[Case::invoice(own).step()]);
    let text = String::from_utf8(request.body).unwrap();
    assert!(text.contains("\"UnitAmount\":0.3333"), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["Invoices"].as_array().unwrap().len(), 1);
}
