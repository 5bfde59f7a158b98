//! What each setting does to plans: a table that names every setting once.
//!
//! A setting that does nothing today is in a list that says why, so that nobody takes it for working; the day
//! it works, its line moves into the table or the test fails.

use std::collections::BTreeSet;

use model::document::{Body, LineTax};
use model::{Document, DocumentKind, SyncSettings};
use provider_kit::conformance::{Fixture as _, samples};
use provider_kit::{
    Currents, Effect, Link, LinkState, Links, Plan, Provider as _, References, Step, View,
};
use provider_qbo::{CUSTOMER, INVOICE, Qbo};
use serde_json::{Value, json};

use super::books::Books;

#[path = "settings_money.rs"]
mod money;

/// Settings that change nothing in a plan, a value other than the default, and why.
const WITHOUT_EFFECT: &[(&str, &str, &str)] = &[
    (
        "syncClients",
        "false",
        "only the worker knows which clients a document needs",
    ),
    (
        "accountIds",
        "{\"consulting\": \"79\"}",
        "the item decides the account",
    ),
    (
        "invoiceTemplate",
        "\"5\"",
        "QuickBooks Online's API takes no template; its schema has TemplateRef for QuickBooks Desktop only",
    ),
    ("taxInclusive", "true", "every document says it itself"),
    (
        "dateFormat",
        "\"DD.MM.YYYY\"",
        "only files are written in it",
    ),
    ("timeZone", "\"Europe/Berlin\"", "only calendars live in it"),
    ("slotHour", "7", "only calendars look at it"),
];

/// Settings that a test below, or in `money`, shows at work.
const WITH_EFFECT: &[&str] = &[
    "syncInvoices",
    "syncPayments",
    "syncCreditNotes",
    "syncTaxCodes",
    "createItems",
    "invoiceAccountId",
    "invoiceTerms",
    "bankAccountId",
    "unidentifiedPaymentAccount",
    "clientNameFormat",
    "clientAccountType",
    "defaultTaxCode",
    "currencyCode",
    "includeLineItemDetails",
    "defaultItemId",
    "itemIds",
    "taxCodes",
    "startOn",
];

fn client() -> Document {
    samples::document(DocumentKind::Client, 0, "")
}

/// An invoice whose first line has a product and whose second line is taxed.
fn invoice() -> Document {
    let mut document = samples::document(DocumentKind::Invoice, 0, "");
    if let Body::Invoice(invoice) = &mut document.body {
        invoice.lines[0].product_code = Some("HOURS".to_owned());
        invoice.lines[1].tax = Some(LineTax {
            rate_id: "r1".parse().unwrap(),
            percent: "20".parse().unwrap(),
            amount: "4.05".parse().unwrap(),
        });
        invoice.totals.tax = "4.05".parse().unwrap();
        invoice.totals.gross = "124.30".parse().unwrap();
    }
    document
}

/// One document of every kind that is sent.
fn everything() -> Vec<Document> {
    let mut all = vec![client(), invoice()];
    let others = [
        DocumentKind::Product,
        DocumentKind::Payment,
        DocumentKind::CreditNote,
        DocumentKind::TaxRate,
    ];
    all.extend(others.map(|kind| samples::document(kind, 0, "")));
    all
}

/// British books, where every line has a tax code.
fn abroad() -> provider_kit::BooksFacts {
    provider_kit::BooksFacts {
        country: Some("GB".to_owned()),
        home_currency: None,
        extra: json!({"taxMode": "PER_LINE"}),
        ..Books.books()
    }
}

fn usual() -> SyncSettings {
    SyncSettings {
        default_tax_code: Some("4".to_owned()),
        create_items: false,
        ..Books.settings()
    }
}

fn plan(document: &Document, settings: &SyncSettings) -> Plan {
    plan_with(document, settings, &References::default())
}

fn plan_with(document: &Document, settings: &SyncSettings, references: &References) -> Plan {
    let mut links = Links::default();
    let mut add = |kind: DocumentKind, effect: &str, external: &str| {
        let link = Link {
            effect_id: model::EffectId::from_uuid(uuid::Uuid::from_u128(1)),
            external_id: external.to_owned(),
            revision: "0".to_owned(),
            fingerprint: String::new(),
            state: LinkState::Active,
        };
        let id = samples::document(kind, 0, "").id;
        links.insert(kind, id, Effect::main(effect), link);
    };
    match document.kind() {
        DocumentKind::Client | DocumentKind::Product => {}
        DocumentKind::Invoice => add(DocumentKind::Client, CUSTOMER, "58"),
        _ => {
            add(DocumentKind::Client, CUSTOMER, "58");
            add(DocumentKind::Invoice, INVOICE, "130");
        }
    }
    let books = abroad();
    Qbo.plan(&View {
        document,
        settings,
        books: &books,
        links: &links,
        currents: &Currents::default(),
        references,
    })
}

fn step(document: &Document, settings: &SyncSettings) -> Step {
    match plan(document, settings) {
        Plan::Steps(mut steps) if steps.len() == 1 => steps.remove(0),
        other => panic!("expected one step, got {other:?}"),
    }
}

fn line(step: &Step, place: usize) -> &Value {
    &step.body["Line"][place]["SalesItemLineDetail"]
}

fn refusal(settings: &SyncSettings) -> String {
    match plan(&invoice(), settings) {
        Plan::Refused(failure) => failure.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn every_setting_is_named_once() {
    let all = serde_json::to_value(SyncSettings::default()).unwrap();
    let all: BTreeSet<&str> = all
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let without = WITHOUT_EFFECT.iter().map(|(name, _, _)| *name);
    let named: Vec<&str> = without.chain(WITH_EFFECT.iter().copied()).collect();
    assert_eq!(named.iter().copied().collect::<BTreeSet<_>>(), all);
    assert_eq!(named.len(), all.len(), "a setting is named twice");
}

#[test]
fn settings_without_effect_today_change_no_plan() {
    for (name, value, why) in WITHOUT_EFFECT {
        let mut stored = serde_json::to_value(usual()).unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        assert_ne!(stored[name], value, "{name} must differ from what is usual");
        stored[name] = value;
        let settings: SyncSettings = serde_json::from_value(stored).unwrap();
        for document in everything() {
            let same = plan(&document, &settings) == plan(&document, &usual());
            assert!(same, "{name} has an effect now, though {why}");
        }
    }
}

#[test]
fn sync_invoices_switches_invoices_off_and_leaves_clients() {
    let off = SyncSettings {
        sync_invoices: false,
        ..usual()
    };
    assert!(matches!(plan(&invoice(), &off), Plan::Skip(_)));
    assert_eq!(plan(&client(), &off), plan(&client(), &usual()));
}

#[test]
fn client_name_format_writes_the_name() {
    let by = |format: &str| {
        let settings = SyncSettings {
            client_name_format: format.to_owned(),
            ..usual()
        };
        step(&client(), &settings).body["DisplayName"].clone()
    };
    assert_eq!(by("{name}"), "Sample 0");
    assert_eq!(
        by("{company}, {name} [{id}]"),
        "Sample Ltd, Sample 0 [CLIENT-0]"
    );
}

#[test]
fn default_tax_code_is_for_lines_without_a_mapped_rate() {
    let step = step(&invoice(), &usual());
    assert_eq!(line(&step, 0)["TaxCodeRef"]["value"], "4");
    assert_eq!(line(&step, 1)["TaxCodeRef"]["value"], "4");
    for none in [None, Some(String::new())] {
        let settings = SyncSettings {
            default_tax_code: none,
            ..usual()
        };
        assert_eq!(refusal(&settings), "TAX_NOT_MAPPED");
    }
}

#[test]
fn tax_codes_map_rates_and_come_before_the_default() {
    let settings = SyncSettings {
        tax_codes: [("r1".to_owned(), "20".to_owned())].into(),
        ..usual()
    };
    let step = step(&invoice(), &settings);
    assert_eq!(line(&step, 0)["TaxCodeRef"]["value"], "4");
    assert_eq!(line(&step, 1)["TaxCodeRef"]["value"], "20");
}

#[test]
fn currency_code_is_the_home_currency_of_books_that_do_not_say_theirs() {
    let at_home = step(&invoice(), &usual());
    assert_eq!(at_home.body.get("CurrencyRef"), None);
    let sterling = SyncSettings {
        currency_code: "GBP".to_owned(),
        ..usual()
    };
    let foreign = step(&invoice(), &sterling);
    assert_eq!(foreign.body["CurrencyRef"]["value"], "USD");
}

#[test]
fn include_line_item_details_off_sends_one_line_for_each_tax_code() {
    let lines = |step: &Step| step.body["Line"].as_array().unwrap().len();
    assert_eq!(lines(&step(&invoice(), &usual())), 2);
    let summary = SyncSettings {
        include_line_item_details: false,
        ..usual()
    };
    let one = step(&invoice(), &summary);
    assert_eq!(lines(&one), 1);
    assert_eq!(one.body["Line"][0]["Amount"].to_string(), "120.25");
    let by_rate = SyncSettings {
        tax_codes: [("r1".to_owned(), "20".to_owned())].into(),
        ..summary
    };
    assert_eq!(lines(&step(&invoice(), &by_rate)), 2);
}

#[test]
fn default_item_id_is_for_lines_without_a_mapped_product() {
    let step = step(&invoice(), &usual());
    assert_eq!(line(&step, 0)["ItemRef"]["value"], "1");
    assert_eq!(line(&step, 1)["ItemRef"]["value"], "1");
    let none = SyncSettings {
        default_item_id: None,
        ..usual()
    };
    assert_eq!(refusal(&none), "ITEM_NOT_MAPPED");
}

#[test]
fn item_ids_map_product_codes_and_come_before_the_default() {
    let settings = SyncSettings {
        item_ids: [("HOURS".to_owned(), "12".to_owned())].into(),
        ..usual()
    };
    let step = step(&invoice(), &settings);
    assert_eq!(line(&step, 0)["ItemRef"]["value"], "12");
    assert_eq!(line(&step, 1)["ItemRef"]["value"], "1");
}

#[test]
fn start_on_leaves_out_what_is_dated_before_it() {
    let from = |day: &str| SyncSettings {
        start_on: Some(day.parse().unwrap()),
        ..usual()
    };
    assert!(matches!(
        plan(&invoice(), &from("2026-03-02")),
        Plan::Skip(_)
    ));
    assert_eq!(
        plan(&invoice(), &from("2026-03-01")),
        plan(&invoice(), &usual())
    );
    assert_eq!(
        plan(&client(), &from("2027-01-01")),
        plan(&client(), &usual())
    );
}
