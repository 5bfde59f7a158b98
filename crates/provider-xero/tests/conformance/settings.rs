//! What each setting does to the plans of all kinds: a table that names every setting once.
//!
//! A setting that does nothing is in a list that says why, so that nobody takes it for working; the day it works, its
//! line moves into the table or the test fails.

use std::collections::BTreeSet;

use model::document::{Body, LineTax};
use model::{Document, DocumentKind, SyncSettings};
use provider_kit::conformance::{Fixture as _, samples};
use provider_kit::{
    BooksFacts, Currents, Effect, Link, LinkState, Links, Plan, Provider as _, References, Step,
    View,
};
use provider_xero::{CUSTOMER, INVOICE, Xero};
use serde_json::{Value, json};

use super::books::Books;

/// Settings that change nothing in a plan, a value other than the default, and why.
const WITHOUT_EFFECT: &[(&str, &str, &str)] = &[
    (
        "syncClients",
        "false",
        "only the worker knows which clients a document needs",
    ),
    ("syncTaxCodes", "false", "only the worker imports"),
    ("createItems", "true", "items are not made in Xero"),
    (
        "invoiceTerms",
        "\"3\"",
        "due dates are sent, Xero keeps terms with contacts",
    ),
    (
        "unidentifiedPaymentAccount",
        "\"36\"",
        "what nobody can place is an overpayment of the client",
    ),
    (
        "clientAccountType",
        "\"Wholesale\"",
        "Xero knows no types of contacts",
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

/// Settings that a test below shows at work.
const WITH_EFFECT: &[&str] = &[
    "syncInvoices",
    "syncPayments",
    "syncCreditNotes",
    "invoiceAccountId",
    "accountIds",
    "invoiceTemplate",
    "bankAccountId",
    "clientNameFormat",
    "defaultTaxCode",
    "currencyCode",
    "includeLineItemDetails",
    "defaultItemId",
    "itemIds",
    "taxCodes",
    "startOn",
];

/// An invoice whose first line has a product and a category, and whose second line is taxed.
fn invoice() -> Document {
    let mut document = samples::document(DocumentKind::Invoice, 0, "");
    if let Body::Invoice(invoice) = &mut document.body {
        invoice.exchange_rate = Some("1.25".parse().unwrap());
        invoice.lines[0].product_code = Some("HOURS".to_owned());
        invoice.lines[0].category = Some("consulting".to_owned());
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

fn document(kind: DocumentKind) -> Document {
    match kind {
        DocumentKind::Invoice => invoice(),
        other => samples::document(other, 0, ""),
    }
}

/// Books whose home currency was not read yet.
fn books() -> BooksFacts {
    BooksFacts {
        home_currency: None,
        ..Books.books()
    }
}

fn usual() -> SyncSettings {
    SyncSettings {
        default_tax_code: Some("OUTPUT2".to_owned()),
        ..Books.settings()
    }
}

fn plan(document: &Document, settings: &SyncSettings) -> Plan {
    let mut links = Links::default();
    for (place, (kind, id)) in samples::named_by(document).into_iter().enumerate() {
        let effect = match kind {
            DocumentKind::Client => CUSTOMER,
            _ => INVOICE,
        };
        let link = Link {
            effect_id: model::EffectId::from_uuid(uuid::Uuid::from_u128(1)),
            external_id: Books.external(900 + place).id,
            revision: "0".to_owned(),
            fingerprint: String::new(),
            state: LinkState::Active,
        };
        links.insert(kind, id, Effect::main(effect), link);
    }
    let books = books();
    Xero.plan(&View {
        document,
        settings,
        books: &books,
        links: &links,
        currents: &Currents::default(),
        references: &References::default(),
    })
}

fn step(document: &Document, settings: &SyncSettings) -> Step {
    match plan(document, settings) {
        Plan::Steps(mut steps) if steps.len() == 1 => steps.remove(0),
        other => panic!("expected one step, got {other:?}"),
    }
}

fn line(step: &Step, place: usize) -> &Value {
    &step.body["LineItems"][place]
}

fn refusal(document: &Document, settings: &SyncSettings) -> String {
    match plan(document, settings) {
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
fn settings_without_effect_change_no_plan() {
    for (name, value, why) in WITHOUT_EFFECT {
        let mut stored = serde_json::to_value(usual()).unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        assert_ne!(stored[name], value, "{name} must differ from what is usual");
        stored[name] = value;
        let settings: SyncSettings = serde_json::from_value(stored).unwrap();
        for kind in Xero.descriptor().kinds {
            let document = document(*kind);
            let same = plan(&document, &settings) == plan(&document, &usual());
            assert!(same, "{name} has an effect on {kind:?} now, though {why}");
        }
    }
}

#[test]
fn each_switch_turns_its_own_kind_off_and_no_other() {
    let all = [
        DocumentKind::Client,
        DocumentKind::Invoice,
        DocumentKind::Payment,
        DocumentKind::CreditNote,
    ];
    for off in &all[1..] {
        let settings = SyncSettings {
            sync_invoices: *off != DocumentKind::Invoice,
            sync_payments: *off != DocumentKind::Payment,
            sync_credit_notes: *off != DocumentKind::CreditNote,
            ..usual()
        };
        for kind in &all {
            let planned = plan(&document(*kind), &settings);
            let is_off = matches!(planned, Plan::Skip(_));
            assert_eq!(
                is_off,
                kind == off,
                "{kind:?} with {off:?} off: {planned:?}"
            );
        }
    }
}

#[test]
fn invoice_account_id_is_where_lines_are_booked() {
    for kind in [DocumentKind::Invoice, DocumentKind::CreditNote] {
        let step = step(&document(kind), &usual());
        assert_eq!(line(&step, 0)["AccountCode"], "200");
        assert_eq!(line(&step, 1)["AccountCode"], "200");
        let none = SyncSettings {
            invoice_account_id: Some(String::new()),
            ..usual()
        };
        assert_eq!(refusal(&document(kind), &none), "ACCOUNT_NOT_MAPPED");
    }
}

#[test]
fn account_ids_map_categories_and_come_before_the_general_one() {
    let settings = SyncSettings {
        account_ids: [("consulting".to_owned(), "210".to_owned())].into(),
        ..usual()
    };
    let step = step(&invoice(), &settings);
    assert_eq!(line(&step, 0)["AccountCode"], "210");
    assert_eq!(line(&step, 1)["AccountCode"], "200");
}

#[test]
fn invoice_template_is_the_branding_theme() {
    let theme = Books.external(7).id;
    let settings = SyncSettings {
        invoice_template: Some(theme.clone()),
        ..usual()
    };
    assert_eq!(
        step(&invoice(), &settings).body["BrandingThemeID"],
        json!(theme)
    );
    assert_eq!(step(&invoice(), &usual()).body.get("BrandingThemeID"), None);
}

#[test]
fn bank_account_id_is_where_money_comes_in_by_id_or_by_code() {
    let payment = document(DocumentKind::Payment);
    assert_eq!(
        step(&payment, &usual()).body["Account"],
        json!({"Code": "090"})
    );
    let id = Books.external(7).id;
    let by_id = SyncSettings {
        bank_account_id: Some(id.clone()),
        ..usual()
    };
    assert_eq!(
        step(&payment, &by_id).body["Account"],
        json!({"AccountID": id})
    );
    let none = SyncSettings {
        bank_account_id: None,
        ..usual()
    };
    assert_eq!(refusal(&payment, &none), "BANK_ACCOUNT_NOT_MAPPED");
}

#[test]
fn client_name_format_writes_the_name() {
    let by = |format: &str| {
        let settings = SyncSettings {
            client_name_format: format.to_owned(),
            ..usual()
        };
        step(&document(DocumentKind::Client), &settings).body["Name"].clone()
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
    assert_eq!(line(&step, 0)["TaxType"], "OUTPUT2");
    assert_eq!(line(&step, 1)["TaxType"], "OUTPUT2");
    for none in [None, Some(String::new())] {
        let settings = SyncSettings {
            default_tax_code: none,
            ..usual()
        };
        assert_eq!(refusal(&invoice(), &settings), "TAX_NOT_MAPPED");
    }
}

#[test]
fn tax_codes_map_rates_and_come_before_the_default() {
    let settings = SyncSettings {
        tax_codes: [("r1".to_owned(), "TAX007".to_owned())].into(),
        ..usual()
    };
    let step = step(&invoice(), &settings);
    assert_eq!(line(&step, 0)["TaxType"], "OUTPUT2");
    assert_eq!(line(&step, 1)["TaxType"], "TAX007");
}

#[test]
fn currency_code_is_the_home_currency_of_books_that_do_not_say_theirs() {
    let at_home = step(&invoice(), &usual());
    assert_eq!(at_home.body["CurrencyCode"], "USD");
    assert_eq!(at_home.body.get("CurrencyRate"), None);
    let sterling = SyncSettings {
        currency_code: "GBP".to_owned(),
        ..usual()
    };
    let foreign = step(&invoice(), &sterling);
    assert_eq!(foreign.body["CurrencyCode"], "USD");
    // One dollar is 1.25 pounds in ProjectLedger's words; in Xero's, one pound buys 0.8 dollars.
    assert_eq!(foreign.body["CurrencyRate"].to_string(), "0.8");
}

#[test]
fn include_line_item_details_off_sends_one_line_for_each_tax_type() {
    let lines = |step: &Step| step.body["LineItems"].as_array().unwrap().len();
    assert_eq!(lines(&step(&invoice(), &usual())), 2);
    let summary = SyncSettings {
        include_line_item_details: false,
        ..usual()
    };
    let two = step(&invoice(), &summary);
    assert_eq!(lines(&two), 2, "a taxed and an untaxed line");
    let plain = samples::document(DocumentKind::Invoice, 0, "");
    let one = step(&plain, &summary);
    assert_eq!(lines(&one), 1);
    assert_eq!(line(&one, 0)["UnitAmount"].to_string(), "120.25");
    assert_eq!(line(&one, 0)["Description"], "Invoice S-0 (2 lines)");
}

#[test]
fn default_item_id_is_for_lines_without_a_mapped_product() {
    assert_eq!(line(&step(&invoice(), &usual()), 0).get("ItemCode"), None);
    let settings = SyncSettings {
        default_item_id: Some("GEN".to_owned()),
        invoice_account_id: None,
        ..usual()
    };
    let step = step(&invoice(), &settings);
    assert_eq!(line(&step, 0)["ItemCode"], "GEN");
    assert_eq!(line(&step, 1)["ItemCode"], "GEN");
    assert_eq!(line(&step, 0).get("AccountCode"), None, "the item decides");
}

#[test]
fn item_ids_map_product_codes_and_come_before_the_default() {
    let settings = SyncSettings {
        item_ids: [("HOURS".to_owned(), "H1".to_owned())].into(),
        default_item_id: Some("GEN".to_owned()),
        ..usual()
    };
    let step = step(&invoice(), &settings);
    assert_eq!(line(&step, 0)["ItemCode"], "H1");
    assert_eq!(line(&step, 1)["ItemCode"], "GEN");
}

#[test]
fn start_on_leaves_out_what_is_dated_before_it() {
    let from = |day: &str| SyncSettings {
        start_on: Some(day.parse().unwrap()),
        ..usual()
    };
    for (kind, day, next) in [
        (DocumentKind::Invoice, "2026-03-01", "2026-03-02"),
        (DocumentKind::CreditNote, "2026-03-04", "2026-03-05"),
        (DocumentKind::Payment, "2026-03-10", "2026-03-11"),
    ] {
        let document = document(kind);
        assert!(matches!(plan(&document, &from(next)), Plan::Skip(_)));
        assert_eq!(plan(&document, &from(day)), plan(&document, &usual()));
    }
    let client = document(DocumentKind::Client);
    assert_eq!(plan(&client, &from("2027-01-01")), plan(&client, &usual()));
}
