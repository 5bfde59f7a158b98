//! What a document needs: creations, changes, voids, needs, skips and refusals in words.

use model::document::{Body, Discount, Refund, WriteOff};
use model::{FailureKind, Lifecycle, Operation, Owner};
use provider_kit::{LinkState, Need, Plan, Prediction};
use serde_json::{Value, json};

use super::support::*;

fn exact(case: &Case) -> (String, String, String) {
    match case.step().prediction {
        Prediction::Exact {
            net, tax, gross, ..
        } => (net.to_string(), tax.to_string(), gross.to_string()),
        other => panic!("expected exact totals, got {other:?}"),
    }
}

fn figures(net: &str, tax: &str, gross: &str) -> (String, String, String) {
    (net.to_owned(), tax.to_owned(), gross.to_owned())
}

fn taxed_case() -> Case {
    Case::invoice(invoice(
        vec![taxed(line("1", "100", "100"), "r1", "8", "8")],
        totals("100", "8", "108"),
    ))
}

/// An invoice that was created and is in the books as returned, with its fingerprint.
fn landed() -> (Case, Value, String) {
    let case = Case::invoice(plain_invoice());
    let step = case.step();
    let there = returned(
        &sent(std::slice::from_ref(&step), 0),
        "130",
        "0",
        "100",
        "0",
    );
    (case, there, step.fingerprint)
}

fn changed_invoice() -> Case {
    let mut changed = plain_invoice();
    changed.lines = vec![line("3", "50", "150")];
    changed.totals = totals("150", "0", "150");
    Case::invoice(changed)
}

#[test]
fn kinds_that_are_not_exported_yet_are_refused_in_words() {
    let who = plain_invoice().client;
    let usd = "USD".parse().unwrap();
    let amount = "1".parse().unwrap();
    let bodies = [
        Body::Refund(Refund {
            client: who,
            amount,
            currency: usd,
            refunded_on: day("2026-01-01"),
            reason: None,
        }),
        Body::WriteOff(WriteOff {
            invoice_id: id("i1"),
            amount,
            currency: usd,
            written_off_on: day("2026-01-01"),
            reason: None,
        }),
    ];
    for body in bodies {
        let failure = Case::other(body).refusal();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(
            failure
                .message
                .contains("not exported to QuickBooks Online yet")
        );
    }
}

#[test]
fn an_invoice_waits_for_its_customer() {
    let mut case = Case::invoice(plain_invoice());
    case.links = provider_kit::Links::default();
    let need = Need::Document {
        kind: model::DocumentKind::Client,
        id: id("c1"),
    };
    assert_eq!(case.plan(), Plan::Needs(vec![need]));
}

#[test]
fn a_customer_that_is_inactive_or_gone_stops_its_invoices_with_a_question() {
    for (state, code) in [
        (LinkState::Inactive, "CUSTOMER_INACTIVE"),
        (LinkState::Ended, "CUSTOMER_INACTIVE"),
        (LinkState::Gone, "CUSTOMER_GONE"),
    ] {
        let mut case = Case::invoice(plain_invoice());
        case.link_customer(state);
        let failure = case.refusal();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Conflict, code)
        );
        assert_eq!(failure.owner, Owner::Bookkeeper);
    }
}

#[test]
fn a_line_without_an_item_is_refused_and_never_left_to_the_default_item() {
    let mut case = Case::invoice(plain_invoice());
    case.settings.default_item_id = None;
    assert_eq!(case.refusal().code, "ITEM_NOT_MAPPED");
    case.settings.default_item_id = Some(String::new());
    assert_eq!(case.refusal().code, "ITEM_NOT_MAPPED");
    case.settings.include_line_item_details = false;
    assert_eq!(case.refusal().code, "ITEM_NOT_MAPPED");
}

#[test]
fn skips_say_why() {
    let mut off = Case::invoice(plain_invoice());
    off.settings.sync_invoices = false;
    assert_eq!(
        off.plan(),
        Plan::Skip("invoices are switched off for this integration")
    );
    let mut early = Case::invoice(plain_invoice());
    early.settings.start_on = Some(day("2026-03-02"));
    assert_eq!(early.plan(), Plan::Skip("dated before the start date"));
    early.settings.start_on = Some(day("2026-03-01"));
    assert!(matches!(early.plan(), Plan::Steps(_)));
    for end in [Lifecycle::Voided, Lifecycle::Deleted] {
        let gone = Case::invoice(plain_invoice()).ending(end);
        assert_eq!(gone.plan(), Plan::Skip("never sent"));
        let gone = Case::client(client("Acme")).ending(end);
        assert_eq!(gone.plan(), Plan::Skip("never sent"));
    }
}

#[test]
fn a_client_is_planned_even_when_clients_are_switched_off_because_an_invoice_may_need_it() {
    let mut case = Case::client(client("Acme"));
    case.settings.sync_clients = false;
    assert_eq!(case.step().operation, Operation::Create);
}

#[test]
fn currencies_finer_than_cents_are_refused_by_name() {
    let mut invoice = plain_invoice();
    invoice.currency = "KWD".parse().unwrap();
    let failure = Case::invoice(invoice).refusal();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("KWD"));
}

#[test]
fn an_amount_finer_than_cents_is_refused() {
    let case = Case::invoice(invoice(
        vec![line("1", "1.005", "1.005")],
        totals("1.005", "0", "1.005"),
    ));
    assert_eq!(case.refusal().code, "AMOUNT_TOO_FINE");
}

#[test]
fn american_books_get_tax_and_non_and_automated_tax_is_unpredictable() {
    let case = taxed_case();
    let step = case.step();
    let code = &step.body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"];
    assert_eq!(code, "TAX");
    assert!(step.body.get("GlobalTaxCalculation").is_none());
    assert!(step.body.get("TxnTaxDetail").is_none());
    assert!(matches!(step.prediction, Prediction::Unpredictable { .. }));
    let mut unknown = taxed_case();
    unknown.books.country = None;
    unknown.books.extra = Value::Null;
    assert_eq!(unknown.step().body, step.body);
    let untaxed = Case::invoice(plain_invoice());
    let code = &untaxed.step().body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"];
    assert_eq!(code, "NON");
    assert_eq!(exact(&untaxed), figures("100", "0", "100"));
}

#[test]
fn american_manual_tax_names_one_code_for_the_document() {
    let case = taxed_case().in_country("US", &json!("MANUAL_US"));
    assert_eq!(case.refusal().code, "TAX_NOT_MAPPED");
    let mut case = case;
    case.settings.default_tax_code = Some("3".to_owned());
    let step = case.step();
    assert_eq!(
        step.body["TxnTaxDetail"],
        json!({"TxnTaxCodeRef": {"value": "3"}})
    );
    assert_eq!(exact(&case), figures("100", "8", "108"));
}

#[test]
fn tax_on_a_document_is_refused_where_sales_tax_is_off() {
    for country in ["US", "GB"] {
        let case = taxed_case().in_country(country, &json!("OFF"));
        assert_eq!(case.refusal().code, "TAX_OFF");
        let plain = Case::invoice(plain_invoice()).in_country(country, &json!("OFF"));
        let detail = plain.step().body["Line"][0]["SalesItemLineDetail"].clone();
        assert!(detail.get("TaxCodeRef").is_none());
    }
}

#[test]
fn amounts_that_include_tax_are_refused_in_the_united_states() {
    let mut inclusive = invoice(
        vec![taxed(line("1", "108", "108"), "r1", "8", "8")],
        totals("100", "8", "108"),
    );
    inclusive.tax_inclusive = true;
    assert_eq!(Case::invoice(inclusive).refusal().code, "TAX_INCLUSIVE_US");
}

#[test]
fn books_elsewhere_need_a_tax_code_on_every_line() {
    let mut case = taxed_case().in_country("GB", &Value::Null);
    assert_eq!(case.refusal().code, "TAX_NOT_MAPPED");
    case.settings.tax_codes = [("r1".to_owned(), "5".to_owned())].into();
    let body = case.step().body;
    assert_eq!(body["GlobalTaxCalculation"], "TaxExcluded");
    assert_eq!(
        body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"],
        "5"
    );
    let mut fallback = taxed_case().in_country("GB", &Value::Null);
    fallback.settings.default_tax_code = Some("6".to_owned());
    let body = fallback.step().body;
    assert_eq!(
        body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"],
        "6"
    );
}

#[test]
fn tax_is_predicted_on_the_sum_of_a_rate_and_not_line_by_line() {
    // Three lines of 0.33 at 10 %: 0.03 each, but 0.099 on the sum.
    let one = || taxed(line("1", "0.33", "0.33"), "r1", "10", "0.03");
    let mut case = Case::invoice(invoice(
        vec![one(), one(), one()],
        totals("0.99", "0.09", "1.08"),
    ))
    .in_country("GB", &Value::Null);
    case.settings.tax_codes = [("r1".to_owned(), "5".to_owned())].into();
    assert_eq!(exact(&case), figures("0.99", "0.1", "1.09"));
}

#[test]
fn a_discount_lowers_the_net_before_tax_and_spread_discounts_are_unpredictable() {
    let mut discounted = invoice(
        vec![taxed(line("1", "305", "305"), "r1", "20", "54.90")],
        totals("274.50", "54.90", "329.40"),
    );
    discounted.discount = Some(Discount::Percent("10".parse().unwrap()));
    let mut case = Case::invoice(discounted.clone()).in_country("GB", &Value::Null);
    case.settings.tax_codes = [("r1".to_owned(), "5".to_owned())].into();
    assert_eq!(exact(&case), figures("274.5", "54.9", "329.4"));
    discounted.lines.push(line("1", "1", "1"));
    let mut case = Case::invoice(discounted).in_country("GB", &Value::Null);
    case.settings.tax_codes = [("r1".to_owned(), "5".to_owned())].into();
    case.settings.default_tax_code = Some("10".to_owned());
    assert!(matches!(
        case.step().prediction,
        Prediction::Unpredictable { .. }
    ));
}

#[test]
fn an_unchanged_invoice_needs_nothing() {
    let (case, _, fingerprint) = landed();
    let plan = case.linked("130", &fingerprint, LinkState::Active).plan();
    assert_eq!(plan, Plan::Steps(Vec::new()));
}

#[test]
fn a_changed_invoice_is_read_first_and_then_changed_against_what_is_there() {
    let (_, mut there, fingerprint) = landed();
    let case = changed_invoice().linked("130", &fingerprint, LinkState::Active);
    assert_eq!(
        case.plan(),
        Plan::Needs(vec![Need::Current {
            effect: case.effect(),
            external: target("130", "0"),
        }])
    );
    // A payment in between raised the revision and changed none of our fields.
    there["SyncToken"] = json!("4");
    there["Balance"] = json!(40);
    let step = case.seeing(&there).step();
    assert_eq!(step.operation, Operation::Update);
    assert_eq!(step.target, Some(target("130", "4")));
}

#[test]
fn a_persons_edit_is_a_conflict_that_names_fields_and_no_values() {
    let (_, mut there, fingerprint) = landed();
    there["SyncToken"] = json!("1");
    there["DueDate"] = json!("2027-01-01");
    let failure = changed_invoice()
        .linked("130", &fingerprint, LinkState::Active)
        .seeing(&there)
        .refusal();
    assert_eq!(failure.kind, FailureKind::Conflict);
    assert_eq!(failure.code, "EDITED_IN_BOOKS");
    assert!(
        failure.message.contains("due date, lines"),
        "{}",
        failure.message
    );
    assert!(!failure.message.contains("2027"));
}

#[test]
fn an_edit_that_equals_what_is_wanted_needs_nothing() {
    let (_, _, fingerprint) = landed();
    let wanted = changed_invoice();
    let there = returned(&sent(&[wanted.step()], 0), "130", "3", "150", "0");
    let case = wanted
        .linked("130", &fingerprint, LinkState::Active)
        .seeing(&there);
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
}

#[test]
fn an_invoice_deleted_in_the_books_is_a_conflict_and_a_void_of_it_is_done() {
    let (_, _, fingerprint) = landed();
    let case = changed_invoice()
        .linked("130", &fingerprint, LinkState::Active)
        .seeing_nothing();
    assert_eq!(case.refusal().code, "DELETED_IN_BOOKS");
    let void = case.ending(Lifecycle::Voided);
    assert_eq!(void.plan(), Plan::Steps(Vec::new()));
    let gone = changed_invoice().linked("130", &fingerprint, LinkState::Gone);
    assert_eq!(gone.refusal().code, "DELETED_IN_BOOKS");
}

#[test]
fn an_invoice_voided_in_the_books_is_not_brought_back() {
    let (_, there, fingerprint) = landed();
    let void = voided(there, "1");
    let case = changed_invoice().linked("130", &fingerprint, LinkState::Active);
    assert_eq!(case.clone().seeing(&void).refusal().code, "VOIDED_IN_BOOKS");
    let ended = changed_invoice().linked("130", &fingerprint, LinkState::Ended);
    assert_eq!(ended.refusal().code, "VOIDED_IN_BOOKS");
    let done = case.seeing(&void).ending(Lifecycle::Voided);
    assert_eq!(done.plan(), Plan::Steps(Vec::new()));
}

#[test]
fn voiding_reads_first_and_stops_at_a_persons_edit() {
    let (case, there, fingerprint) = landed();
    let case = case
        .linked("130", &fingerprint, LinkState::Active)
        .ending(Lifecycle::Deleted);
    assert!(matches!(case.plan(), Plan::Needs(_)));
    let step = case.clone().seeing(&there).step();
    assert_eq!(step.operation, Operation::Void);
    assert_eq!(step.body, json!({}));
    let mut edited = there;
    edited["DocNumber"] = json!("X");
    assert_eq!(case.seeing(&edited).refusal().code, "EDITED_IN_BOOKS");
}

#[test]
fn people_keep_their_words_in_the_private_note() {
    let (_, mut there, fingerprint) = landed();
    there["PrivateNote"] = json!(format!("Ask Jo before paying. {} Twice.", marker(1)));
    let step = changed_invoice()
        .linked("130", &fingerprint, LinkState::Active)
        .seeing(&there)
        .step();
    assert_eq!(step.body["PrivateNote"], "Ask Jo before paying.  Twice.");
}

#[test]
fn names_follow_the_format_without_what_quickbooks_refuses() {
    let named = |format: &str, name: &str| {
        let mut case = Case::client(client(name));
        case.settings.client_name_format = format.to_owned();
        case.step().body["DisplayName"].as_str().unwrap().to_owned()
    };
    assert_eq!(named("{name} ({id})", " Acme:\tWest\n"), "Acme- West (c1)");
    assert_eq!(named("{company} / {name}", "{id}"), "Acme Ltd / {id}");
    assert_eq!(named("{nothing} {", "x"), "{nothing} {");
    assert_eq!(named("   ", "Acme"), "Acme");
    assert_eq!(named("{name}", &"é".repeat(700)).chars().count(), 500);
    let mut nameless = client(" \u{0} ");
    nameless.company = None;
    assert_eq!(Case::client(nameless).refusal().code, "NAME_MISSING");
}

#[test]
fn a_deleted_client_is_deactivated_and_a_returning_one_is_activated_again() {
    let created = Case::client(client("Acme")).step();
    let there = returned(
        &sent(std::slice::from_ref(&created), 0),
        "58",
        "0",
        "0",
        "0",
    );
    let case = Case::client(client("Acme"))
        .linked("58", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .ending(Lifecycle::Deleted);
    let step = case.step();
    assert_eq!(step.operation, Operation::Update);
    assert_eq!(step.body["Active"], json!(false));
    let mut inactive = there;
    inactive["Active"] = json!(false);
    inactive["DisplayName"] = json!("Acme (deleted 1)");
    inactive["SyncToken"] = json!("1");
    let read = read_one(&case.effect(), &inactive);
    assert_eq!(read.landed.fingerprint, step.fingerprint);
    assert_eq!(read.state, LinkState::Inactive);
    let settled = Case::client(client("Acme"))
        .linked("58", &step.fingerprint, LinkState::Inactive)
        .ending(Lifecycle::Deleted);
    assert_eq!(settled.plan(), Plan::Steps(Vec::new()));
    let back = Case::client(client("Acme"))
        .linked("58", &step.fingerprint, LinkState::Inactive)
        .seeing(&inactive)
        .step();
    assert_eq!(back.body["Active"], json!(true));
    assert_eq!(back.body["DisplayName"], "Acme");
}

#[test]
fn quantity_and_price_go_along_only_when_they_make_the_amount() {
    let mut off = line("3", "10", "27");
    off.discount = Some(Discount::Amount("3".parse().unwrap()));
    let case = Case::invoice(invoice(
        vec![
            line("2.5", "0.333333", "0.83"),
            line("3", "0.335", "1.00"),
            off,
        ],
        totals("28.83", "0", "28.83"),
    ));
    let body = case.step().body;
    let detail = |n: usize| body["Line"][n]["SalesItemLineDetail"].clone();
    assert_eq!(detail(0)["Qty"].to_string(), "2.5");
    assert_eq!(detail(0)["UnitPrice"].to_string(), "0.333333");
    // 1.005 rounds half up to 1.01, so an amount of 1.00 cannot be shown as a product.
    assert!(detail(1).get("Qty").is_none());
    assert_eq!(body["Line"][1]["Description"], "Consulting (3 x 0.335)");
    assert_eq!(body["Line"][2]["Description"], "Consulting (3 x 10 less 3)");
}

#[test]
fn a_missing_due_date_is_sent_as_the_date_of_issue() {
    let mut invoice = plain_invoice();
    invoice.due_on = None;
    assert_eq!(Case::invoice(invoice).step().body["DueDate"], "2026-03-01");
}

#[test]
fn a_customers_currency_is_named_at_creation_only_and_only_when_foreign() {
    let mut foreign = client("Acme");
    foreign.currency = Some("EUR".parse().unwrap());
    let created = Case::client(foreign.clone()).step();
    assert_eq!(created.body["CurrencyRef"], json!({"value": "EUR"}));
    let element = sent(std::slice::from_ref(&created), 0);
    let there = returned(&element, "58", "0", "0", "0");
    foreign.phone = None;
    let update = Case::client(foreign.clone())
        .linked("58", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .step();
    assert!(update.body.get("CurrencyRef").is_none());
    foreign.currency = Some("USD".parse().unwrap());
    let home = Case::client(foreign).step();
    assert!(home.body.get("CurrencyRef").is_none());
}
