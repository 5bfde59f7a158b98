//! What clients and invoices need in the books, and what is refused before anything is sent.

use model::document::Discount;
use model::reference::{AccountRef, TaxCodeRef};
use model::{FailureKind, ImportKind, Lifecycle, Operation};
use provider_kit::{Effect, LinkState, Need, Plan, Prediction, References};
use provider_xero::{CUSTOMER, INVOICE};
use serde_json::{Value, json};

use super::support::*;

fn own() -> Effect {
    Effect::main(INVOICE)
}

/// The invoice as it stands in the books once its creation landed.
fn created() -> (Case, Value) {
    let case = Case::invoice(plain_invoice());
    let step = case.step();
    let object = standing(&step, "InvoiceID", &guid(50));
    let case = case.linked(&guid(50), &step.fingerprint, LinkState::Active);
    (case, object)
}

fn due_later(mut case: Case) -> Case {
    if let model::Body::Invoice(invoice) = &mut case.document.body {
        invoice.due_on = Some(day("2026-04-30"));
    }
    case
}

fn dearer(mut case: Case) -> Case {
    if let model::Body::Invoice(invoice) = &mut case.document.body {
        invoice.lines[0] = line("2", "60.00", "120.00");
        invoice.totals = totals("120", "0", "120");
    }
    case
}

fn totals_of(case: &Case) -> (String, String, String) {
    match &case.step().prediction {
        Prediction::Exact {
            net, tax, gross, ..
        } => (net.to_string(), tax.to_string(), gross.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_invoice_waits_for_its_client() {
    let mut case = Case::invoice(plain_invoice());
    case.links = provider_kit::Links::default();
    let Plan::Needs(needs) = case.plan() else {
        panic!("it cannot be planned without its contact");
    };
    assert_eq!(
        needs,
        [Need::Document {
            kind: model::DocumentKind::Client,
            id: id("c1")
        }]
    );
}

#[test]
fn an_update_reads_first_keeps_line_ids_and_sends_what_is_ours() {
    let (case, mut object) = created();
    let changed = due_later(case);
    let Plan::Needs(needs) = changed.plan() else {
        panic!("a change is never sent unseen");
    };
    assert_eq!(
        needs,
        [Need::Current {
            effect: own(),
            external: external(&guid(50))
        }]
    );
    object["LineItems"][0]["LineItemID"] = json!(guid(60));
    object["LineItems"][0]["Tracking"] = json!([{"Name": "Region", "Option": "North"}]);
    let step = changed.seeing(&own(), &object).step();
    assert_eq!(step.operation, Operation::Update);
    assert_eq!(step.target, Some(external(&guid(50))));
    assert_eq!(step.body["DueDate"], "2026-04-30");
    assert_eq!(step.body["LineItems"][0]["LineItemID"], json!(guid(60)));
    assert_eq!(step.body["LineItems"][0].get("Tracking"), None);
}

#[test]
fn a_persons_edit_is_never_overwritten() {
    let (case, mut object) = created();
    object["LineItems"][0]["UnitAmount"] = json!(1);
    let failure = due_later(case).seeing(&own(), &object).refusal();
    assert_eq!(failure.code, "EDITED_IN_BOOKS");
    assert!(
        failure.message.contains("line amounts"),
        "{}",
        failure.message
    );
}

#[test]
fn what_a_person_made_agree_needs_nothing() {
    let (case, mut object) = created();
    object["DueDate"] = json!("/Date(1777507200000+0000)/");
    let planned = due_later(case).seeing(&own(), &object).plan();
    assert_eq!(planned, Plan::Steps(Vec::new()));
}

#[test]
fn a_paid_invoice_takes_a_due_date_and_a_text_and_nothing_else() {
    let (case, mut object) = created();
    object["AmountPaid"] = json!(40);
    object["LineItems"][0]["LineItemID"] = json!(guid(60));
    let step = due_later(case.clone()).seeing(&own(), &object).step();
    let names: Vec<&String> = step.body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["DueDate", "InvoiceNumber", "Reference"]);

    let mut worded = case.clone();
    if let model::Body::Invoice(invoice) = &mut worded.document.body {
        invoice.lines[0].description = "Advice".to_owned();
    }
    let step = worded.seeing(&own(), &object).step();
    assert_eq!(step.body["LineItems"][0]["Description"], "Advice");
    assert_eq!(step.body["LineItems"][0]["LineItemID"], json!(guid(60)));

    for paid in [
        json!({"AmountPaid": 1}),
        json!({"AmountCredited": "0.01"}),
        json!({"Status": "PAID"}),
    ] {
        let mut object = object.clone();
        object["AmountPaid"] = json!(0);
        for (name, value) in paid.as_object().unwrap() {
            object[name] = value.clone();
        }
        let failure = dearer(case.clone()).seeing(&own(), &object).refusal();
        assert_eq!(failure.code, "PAID_IN_BOOKS", "{paid}");
    }
}

#[test]
fn an_invoice_that_is_gone_or_void_is_not_made_again() {
    let (case, mut object) = created();
    let missing = due_later(case.clone()).missing(&own(), &guid(50));
    assert_eq!(missing.refusal().code, "DELETED_IN_BOOKS");
    object["Status"] = json!("VOIDED");
    let void = due_later(case.clone()).seeing(&own(), &object);
    assert_eq!(void.refusal().code, "VOIDED_IN_BOOKS");
    let ended = case.linked(&guid(50), "x", LinkState::Ended);
    assert_eq!(ended.refusal().code, "VOIDED_IN_BOOKS");
}

#[test]
fn voiding_wants_the_invoice_as_we_left_it() {
    let (case, object) = created();
    let ending = case.ending(Lifecycle::Voided);
    assert!(matches!(ending.plan(), Plan::Needs(_)));
    let step = ending.clone().seeing(&own(), &object).step();
    assert_eq!(
        (step.operation, &step.body),
        (Operation::Void, &json!({"Status": "VOIDED"}))
    );
    for (member, value, code) in [
        ("Date", json!("2026-01-01"), Some("EDITED_IN_BOOKS")),
        ("AmountPaid", json!(1), Some("PAID_IN_BOOKS")),
        ("Status", json!("VOIDED"), None),
        ("Status", json!("DELETED"), None),
    ] {
        let mut other = object.clone();
        other[member] = value;
        let case = ending.clone().seeing(&own(), &other);
        match code {
            Some(code) => assert_eq!(case.refusal().code, code, "{member}"),
            None => assert_eq!(case.plan(), Plan::Steps(Vec::new()), "{member}"),
        }
    }
    let mut draft = object;
    draft["Status"] = json!("DRAFT");
    let step = ending.clone().seeing(&own(), &draft).step();
    assert_eq!(
        step.body,
        json!({"Status": "DELETED"}),
        "a draft cannot be voided"
    );
    assert_eq!(
        ending.missing(&own(), &guid(50)).plan(),
        Plan::Steps(Vec::new()),
        "deleted by a person: nothing is left to void"
    );
}

#[test]
fn a_locked_period_is_known_before_sending_and_on_the_day_itself() {
    for (member, locked, is_closed) in [
        ("periodLockOn", "2026-02-28", false),
        ("periodLockOn", "2026-03-01", true),
        ("endOfYearLockOn", "2026-03-01", true),
    ] {
        let mut case = Case::invoice(plain_invoice());
        case.books.extra = json!({member: locked});
        if is_closed {
            let failure = case.refusal();
            assert_eq!(
                (failure.kind, failure.code.as_str()),
                (FailureKind::Conflict, "PERIOD_LOCKED")
            );
            assert!(failure.message.contains("2026-03-01"));
            assert_eq!(failure.asks_import, Some(ImportKind::Company));
        } else {
            case.step();
        }
    }
}

#[test]
fn a_currency_that_the_organisation_does_not_use_is_refused_by_name() {
    let mut case = Case::invoice(plain_invoice());
    if let model::Body::Invoice(invoice) = &mut case.document.body {
        invoice.currency = "EUR".parse().unwrap();
        invoice.exchange_rate = Some("0.85".parse().unwrap());
    }
    assert_eq!(case.step().body["CurrencyRate"].to_string(), "1.176471");
    case.books.extra = json!({"currencies": ["GBP", "USD"]});
    let failure = case.refusal();
    assert_eq!(failure.code, "CURRENCY_NOT_USED");
    assert!(failure.message.contains("EUR"));
    case.books.extra = json!({"currencies": ["GBP", "EUR"]});
    case.step();
    if let model::Body::Invoice(invoice) = &mut case.document.body {
        invoice.currency = "KWD".parse().unwrap();
    }
    assert_eq!(case.refusal().code, "CURRENCY_TOO_FINE");
}

fn with_rates(mut case: Case, rates: &[(&str, Option<&str>, bool)]) -> Case {
    let codes = rates.iter().map(|(key, percent, is_usable)| TaxCodeRef {
        external_id: (*key).to_owned(),
        name: (*key).to_owned(),
        percent: percent.map(|text| text.parse().unwrap()),
        rates: Vec::new(),
        is_active: *is_usable,
        is_sales_tax: true,
        local_id: (*key == "MAPPED").then(|| id("r1")),
    });
    case.references = References::new([], codes);
    case
}

#[test]
fn a_rate_finds_its_tax_type_by_mapping_then_by_percentage_then_by_default() {
    let lines = vec![taxed(line("1", "100", "100"), "r1", "20", "20")];
    let case = Case::invoice(invoice(lines, totals("100", "20", "120")));
    let code = |case: &Case| case.step().body["LineItems"][0]["TaxType"].clone();
    assert_eq!(case.refusal().code, "TAX_NOT_MAPPED");
    assert_eq!(case.refusal().asks_import, Some(ImportKind::TaxCodes));

    let only = with_rates(
        case.clone(),
        &[("OUTPUT2", Some("20"), true), ("RR", Some("5"), true)],
    );
    assert_eq!(code(&only), "OUTPUT2");
    let twice = [
        ("OUTPUT2", Some("20"), true),
        ("TAX001", Some("20.0"), true),
    ];
    assert_eq!(
        with_rates(case.clone(), &twice).refusal().code,
        "TAX_NOT_MAPPED"
    );
    let retired = [("OUTPUT2", Some("20"), true), ("TAX001", Some("20"), false)];
    assert_eq!(code(&with_rates(case.clone(), &retired)), "OUTPUT2");

    let mapped = [("MAPPED", Some("20"), true), ("OUTPUT2", Some("20"), true)];
    assert_eq!(code(&with_rates(case.clone(), &mapped)), "MAPPED");
    let mut set = with_rates(case.clone(), &mapped);
    set.settings.tax_codes = [("r1".to_owned(), "OUTPUT2".to_owned())].into();
    assert_eq!(code(&set), "OUTPUT2", "the setting comes first");

    let wrong = with_rates(case.clone(), &[("MAPPED", Some("15"), true)]);
    assert_eq!(wrong.refusal().code, "TAX_RATE_DIFFERS");
    let silent = with_rates(case, &[("MAPPED", None, true)]);
    assert_eq!(code(&silent), "MAPPED", "Xero does not say its rate");
}

#[test]
fn an_untaxed_line_among_taxed_ones_is_sent_without_tax() {
    let lines = vec![
        taxed(line("1", "100", "100"), "r1", "20", "20"),
        line("1", "50", "50"),
    ];
    let case = Case::invoice(invoice(lines, totals("150", "20", "170")));
    let code = |case: &Case| case.step().body["LineItems"][1]["TaxType"].clone();
    let rates = [("OUTPUT2", Some("20"), true)];
    assert_eq!(code(&with_rates(case.clone(), &rates)), "NONE");
    let rates = [
        ("OUTPUT2", Some("20"), true),
        ("ZERORATEDOUTPUT", Some("0"), true),
    ];
    let mut case = with_rates(case, &rates);
    assert_eq!(code(&case), "ZERORATEDOUTPUT");
    case.settings.default_tax_code = Some("OUTPUT2".to_owned());
    assert_eq!(
        code(&case),
        "ZERORATEDOUTPUT",
        "a default with a rate would add tax"
    );
    assert_eq!(totals_of(&case), ("150".into(), "20".into(), "170".into()));
}

#[test]
fn totals_are_predicted_line_by_line_by_xeros_own_rounding() {
    // Each line's tax is 1.045: Xero rounds both up, a rounding of the sum would not.
    let lines = || {
        vec![
            taxed(line("1", "10.45", "10.45"), "r1", "10", "1.05"),
            taxed(line("1", "10.45", "10.45"), "r1", "10", "1.04"),
        ]
    };
    let mut case = Case::invoice(invoice(lines(), totals("20.90", "2.09", "22.99")));
    case.settings.default_tax_code = Some("OUTPUT".to_owned());
    assert_eq!(totals_of(&case), ("20.9".into(), "2.1".into(), "23".into()));
    if let model::Body::Invoice(invoice) = &mut case.document.body {
        invoice.tax_inclusive = true;
    }
    assert_eq!(case.step().body["LineAmountTypes"], "Inclusive");
    assert_eq!(totals_of(&case), ("19".into(), "1.9".into(), "20.9".into()));
}

#[test]
fn a_line_that_xero_would_compute_otherwise_goes_as_its_amount() {
    let check = |line: model::document::Line, quantity: &str, price: &str, words: &str| {
        let amount = line.amount.to_string();
        let step = Case::invoice(invoice(vec![line], totals(&amount, "0", &amount))).step();
        let sent = &step.body["LineItems"][0];
        assert_eq!(sent["Quantity"].to_string(), quantity);
        assert_eq!(sent["UnitAmount"].to_string(), price);
        assert_eq!(sent["Description"], words);
    };
    check(line("3", "0.3333", "1.00"), "3", "0.3333", "Consulting");
    // A price of five decimals is not kept.
    check(
        line("3", "0.33333", "1.00"),
        "1",
        "1",
        "Consulting (3 x 0.33333)",
    );
    let mut off = line("2", "50", "90.00");
    off.discount = Some(Discount::Percent("10".parse().unwrap()));
    check(off.clone(), "2", "50", "Consulting");
    off.discount = Some(Discount::Percent("10.00001".parse().unwrap()));
    check(off, "1", "90", "Consulting (2 x 50 less 10.00001%)");
}

#[test]
fn a_documents_discount_is_shared_out_over_its_tax_types() {
    let lines = vec![
        taxed(line("1", "100", "100"), "r1", "20", "18"),
        line("1", "50", "50"),
    ];
    let mut own = invoice(lines, totals("135", "18", "153"));
    own.discount = Some(Discount::Percent("10".parse().unwrap()));
    let case = with_rates(Case::invoice(own), &[("OUTPUT2", Some("20"), true)]);
    let sent = case.step().body["LineItems"].clone();
    let off: Vec<(String, Value)> = sent.as_array().unwrap()[2..]
        .iter()
        .map(|line| (line["UnitAmount"].to_string(), line["TaxType"].clone()))
        .collect();
    assert_eq!(
        off,
        [
            ("-10".to_owned(), json!("OUTPUT2")),
            ("-5".to_owned(), json!("NONE"))
        ]
    );
    assert_eq!(totals_of(&case), ("135".into(), "18".into(), "153".into()));
}

#[test]
fn an_account_is_known_by_its_id_or_code_and_refused_when_it_is_not_usable() {
    let account = |is_active, can_post, number: Option<&str>| AccountRef {
        external_id: guid(70),
        name: "Sales".to_owned(),
        account_type: "REVENUE".to_owned(),
        number: number.map(str::to_owned),
        is_active,
        can_post,
    };
    let with = |known: AccountRef, wanted: &str| {
        let mut case = Case::invoice(plain_invoice());
        case.references = References::new([known], []);
        case.settings.invoice_account_id = Some(wanted.to_owned());
        case
    };
    for wanted in [guid(70), "201".to_owned()] {
        let case = with(account(true, true, Some("201")), &wanted);
        assert_eq!(case.step().body["LineItems"][0]["AccountCode"], "201");
        for known in [
            account(false, true, Some("201")),
            account(true, false, Some("201")),
        ] {
            assert_eq!(with(known, &wanted).refusal().code, "ACCOUNT_UNUSABLE");
        }
    }
    assert_eq!(
        with(account(true, true, None), &guid(70)).refusal().code,
        "ACCOUNT_UNUSABLE"
    );
    // An id that no import knows cannot be turned into a code.
    assert_eq!(
        with(account(true, true, None), &guid(71)).refusal().code,
        "ACCOUNT_UNUSABLE"
    );
}

#[test]
fn a_merged_contact_is_followed_and_an_archived_one_asked_about() {
    let customer = Effect::main(CUSTOMER);
    let mut case = Case::invoice(plain_invoice());
    let archived = link(&guid(1), "seen", LinkState::Inactive);
    case.links.insert(
        model::DocumentKind::Client,
        id("c1"),
        customer.clone(),
        archived,
    );
    assert!(
        matches!(case.plan(), Plan::Needs(_)),
        "it may have been restored"
    );
    let contact = |more: Value| {
        let mut object = json!({
            "ContactID": guid(1), "Name": "Acme", "UpdatedDateUTC": "/Date(1772366400000+0000)/",
        });
        for (name, value) in more.as_object().unwrap() {
            object[name] = value.clone();
        }
        object
    };
    let named = |object: &Value| {
        let step = case.clone().seeing(&customer, object).step();
        step.body["Contact"]["ContactID"].clone()
    };
    let restored = contact(json!({"ContactStatus": "ACTIVE"}));
    assert_eq!(named(&restored), json!(guid(1)));
    let merged = contact(json!({"ContactStatus": "ARCHIVED", "MergedToContactID": guid(2)}));
    assert_eq!(named(&merged), json!(guid(2)));
    let still = contact(json!({"ContactStatus": "ARCHIVED"}));
    assert_eq!(
        case.clone().seeing(&customer, &still).refusal().code,
        "CUSTOMER_ARCHIVED"
    );
    assert_eq!(
        case.missing(&customer, &guid(1)).refusal().code,
        "CUSTOMER_GONE"
    );
}

#[test]
fn a_client_that_changed_is_compared_and_what_it_lost_is_blanked() {
    let case = Case::client(client("Acme"));
    let step = case.step();
    let object = standing(&step, "ContactID", &guid(1));
    let mut changed = case.linked(&guid(1), &step.fingerprint, LinkState::Active);
    if let model::Body::Client(client) = &mut changed.document.body {
        client.email = None;
        client.phone = None;
        client.tax_number = None;
        client.address = None;
    }
    let effect = Effect::main(CUSTOMER);
    let update = changed.seeing(&effect, &object).step();
    assert_eq!(update.body["EmailAddress"], "");
    assert_eq!(update.body["TaxNumber"], "");
    assert_eq!(update.body["Phones"][0]["PhoneNumber"], "");
    assert_eq!(update.body["Addresses"][0]["City"], "");
    assert_eq!(update.body["Addresses"][0].get("Region"), None);
}

#[test]
fn a_client_whose_contact_was_merged_moves_its_key_unless_the_other_is_a_clients() {
    let effect = Effect::main(CUSTOMER);
    let changed = Case::client(client("Acme")).linked(&guid(1), "old", LinkState::Active);
    let at = "/Date(1772366400000+0000)/";
    let merged = json!({
        "ContactID": guid(1), "Name": "Acme", "ContactStatus": "ARCHIVED",
        "MergedToContactID": guid(2), "UpdatedDateUTC": at,
    });
    let asking = changed.seeing(&effect, &merged);
    assert!(matches!(asking.plan(), Plan::Needs(needs) if needs.len() == 1));
    let survivor = |number: &str| {
        json!({
            "ContactID": guid(2), "Name": "Acme & Sons", "ContactStatus": "ACTIVE",
            "ContactNumber": number, "UpdatedDateUTC": at,
        })
    };
    let step = asking.clone().seeing(&effect, &survivor("")).step();
    assert_eq!(step.target.unwrap().id, guid(2));
    assert_eq!(step.body, json!({}), "only our key goes there");
    let others = provider_xero::mark(&marker(9));
    let failure = asking.seeing(&effect, &survivor(&others)).refusal();
    assert_eq!(failure.code, "CONTACTS_MERGED");
}

#[test]
fn a_client_that_is_over_is_archived_and_can_come_back() {
    let case = Case::client(client("Acme"));
    let step = case.step();
    let object = standing(&step, "ContactID", &guid(1));
    let effect = Effect::main(CUSTOMER);
    let over = case
        .linked(&guid(1), &step.fingerprint, LinkState::Active)
        .ending(Lifecycle::Deleted);
    let archive = over.clone().seeing(&effect, &object).step();
    assert_eq!(archive.operation, Operation::Update);
    assert_eq!(archive.body["ContactStatus"], "ARCHIVED");
    let archived = over.linked(&guid(1), &archive.fingerprint, LinkState::Inactive);
    assert_eq!(archived.plan(), Plan::Steps(Vec::new()));
    let mut object = object;
    object["ContactStatus"] = json!("ARCHIVED");
    let back = archived
        .ending(Lifecycle::Live)
        .seeing(&effect, &object)
        .step();
    assert_eq!(back.body["ContactStatus"], "ACTIVE");
}
