//! Settings of payments, credit notes, items and tax codes at work.

use model::document::Allocation;
use model::reference::{AccountRef, TaxCodeRef};
use model::{Body, DocumentKind, SyncSettings};
use provider_kit::conformance::samples;
use provider_kit::{Need, Plan, References};
use serde_json::json;

use super::*;

fn payment() -> Document {
    samples::document(DocumentKind::Payment, 0, "")
}

fn unallocated() -> Document {
    let mut document = payment();
    if let Body::Payment(payment) = &mut document.body {
        payment.allocations.clear();
    }
    document
}

fn credit_note() -> Document {
    samples::document(DocumentKind::CreditNote, 0, "")
}

fn product() -> Document {
    samples::document(DocumentKind::Product, 0, "")
}

fn making_items() -> SyncSettings {
    SyncSettings {
        create_items: true,
        ..usual()
    }
}

fn refusal_of(document: &Document, settings: &SyncSettings) -> String {
    match plan(document, settings) {
        Plan::Refused(failure) => failure.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn sync_payments_and_sync_credit_notes_switch_off_their_own_kind() {
    let no_payments = SyncSettings {
        sync_payments: false,
        ..usual()
    };
    assert!(matches!(plan(&payment(), &no_payments), Plan::Skip(_)));
    assert!(matches!(plan(&credit_note(), &no_payments), Plan::Steps(_)));
    let no_credits = SyncSettings {
        sync_credit_notes: false,
        ..usual()
    };
    assert!(matches!(plan(&credit_note(), &no_credits), Plan::Skip(_)));
    assert!(matches!(plan(&payment(), &no_credits), Plan::Steps(_)));
}

#[test]
fn bank_account_id_is_where_payments_lie() {
    let with = SyncSettings {
        bank_account_id: Some("35".to_owned()),
        ..usual()
    };
    let lies_in =
        |settings: &SyncSettings| step(&payment(), settings).body["DepositToAccountRef"].clone();
    assert_eq!(lies_in(&with), json!({"value": "35"}));
    assert_eq!(lies_in(&usual()), Value::Null);
}

#[test]
fn unidentified_payment_account_is_for_payments_that_nobody_placed() {
    let with = SyncSettings {
        bank_account_id: Some("35".to_owned()),
        unidentified_payment_account: Some("36".to_owned()),
        ..usual()
    };
    let lies_in = |document: &Document| step(document, &with).body["DepositToAccountRef"].clone();
    assert_eq!(lies_in(&unallocated()), json!({"value": "36"}));
    assert_eq!(lies_in(&payment()), json!({"value": "35"}));
    // Invoices that never come are placed there too; without the account a person decides.
    let mut stranger = payment();
    if let Body::Payment(payment) = &mut stranger.body {
        payment.allocations = vec![Allocation {
            invoice_id: "unknown".parse().unwrap(),
            amount: "1".parse().unwrap(),
        }];
    }
    let mut alone = SyncSettings {
        sync_invoices: false,
        ..with
    };
    let placed = step(&stranger, &alone);
    assert_eq!(placed.body["DepositToAccountRef"], json!({"value": "36"}));
    assert_eq!(placed.body["Line"], json!([]));
    alone.unidentified_payment_account = None;
    assert_eq!(refusal_of(&stranger, &alone), "INVOICES_NOT_SENT");
}

#[test]
fn create_items_makes_an_item_for_every_product_code() {
    let Plan::Needs(needs) = plan(&invoice(), &making_items()) else {
        panic!("the product comes first");
    };
    let id = model::document::Product::id_of("HOURS");
    let kind = DocumentKind::Product;
    assert_eq!(needs, [Need::Document { kind, id }]);
    let made = step(&product(), &making_items());
    assert_eq!(made.body["Type"], "Service");
    assert!(matches!(plan(&product(), &usual()), Plan::Skip(_)));
}

#[test]
fn invoice_account_id_is_the_income_account_of_new_items() {
    let made = step(&product(), &making_items());
    assert_eq!(made.body["IncomeAccountRef"], json!({"value": "79"}));
    let none = SyncSettings {
        invoice_account_id: None,
        ..making_items()
    };
    assert_eq!(refusal_of(&product(), &none), "ACCOUNT_NOT_CHOSEN");
    let account = |account_type: &str, is_active| {
        let account = AccountRef {
            external_id: "79".to_owned(),
            name: "Sales".to_owned(),
            account_type: account_type.to_owned(),
            number: None,
            is_active,
            can_post: true,
        };
        let references = References::new([account], []);
        match plan_with(&product(), &making_items(), &references) {
            Plan::Refused(failure) => failure.code,
            Plan::Steps(_) => "made".to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(account("Income", true), "made");
    assert_eq!(account("Income", false), "ACCOUNT_INACTIVE");
    assert_eq!(account("Accounts Receivable", true), "ACCOUNT_TYPE");
}

#[test]
fn item_ids_keep_tieout_from_making_an_item() {
    let mapped = SyncSettings {
        item_ids: [("PRODUCT-0".to_owned(), "12".to_owned())].into(),
        ..making_items()
    };
    assert!(matches!(plan(&product(), &mapped), Plan::Skip(_)));
}

#[test]
fn invoice_terms_are_named_by_id() {
    let with = |terms: &str| SyncSettings {
        invoice_terms: Some(terms.to_owned()),
        ..usual()
    };
    let sent = step(&invoice(), &with(" 3 "));
    assert_eq!(sent.body["SalesTermRef"], json!({"value": "3"}));
    assert_eq!(step(&invoice(), &with("")).body.get("SalesTermRef"), None);
    assert_eq!(refusal_of(&invoice(), &with("Net 30")), "TERMS_NOT_FOUND");
}

#[test]
fn client_account_type_is_the_customer_type_by_id() {
    let with = |kind: &str| SyncSettings {
        client_account_type: kind.to_owned(),
        ..usual()
    };
    let sent = step(&client(), &with("5000"));
    assert_eq!(sent.body["CustomerTypeRef"], json!({"value": "5000"}));
    for usual_word in ["Customer", "customer", ""] {
        let sent = step(&client(), &with(usual_word));
        assert_eq!(sent.body.get("CustomerTypeRef"), None);
    }
    let odd = refusal_of(&client(), &with("Wholesale"));
    assert_eq!(odd, "CUSTOMER_TYPE_UNKNOWN");
}

#[test]
fn sync_tax_codes_off_leaves_imported_codes_alone() {
    let code = |id: &str, percent: &str| TaxCodeRef {
        external_id: id.to_owned(),
        name: format!("{percent} %"),
        percent: Some(percent.parse().unwrap()),
        rates: Vec::new(),
        is_active: true,
        is_sales_tax: true,
        local_id: None,
    };
    let references = References::new([], [code("20", "20"), code("0", "0")]);
    let used = |is_on| {
        let settings = SyncSettings {
            sync_tax_codes: is_on,
            ..usual()
        };
        match plan_with(&invoice(), &settings, &references) {
            Plan::Steps(steps) => line(&steps[0], 1)["TaxCodeRef"]["value"].clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(used(true), "20");
    assert_eq!(used(false), "4");
    let off = SyncSettings {
        sync_tax_codes: false,
        ..usual()
    };
    let rate = samples::document(DocumentKind::TaxRate, 0, "");
    assert!(matches!(plan(&rate, &off), Plan::Skip(_)));
    assert_eq!(refusal_of(&rate, &usual()), "TAX_RATE_UNMATCHED");
    let found = plan_with(&rate, &usual(), &references);
    assert!(matches!(found, Plan::Skip(_)), "{found:?}");
}
