//! Tax codes as chosen from settings, mappings and what was imported; and what they make of totals.

use model::reference::{TaxBase, TaxCodeRef, TaxComponent};
use provider_kit::{Prediction, References};
use serde_json::{Value, json};

use super::support::*;

fn code(id: &str, percent: Option<&str>) -> TaxCodeRef {
    TaxCodeRef {
        external_id: id.to_owned(),
        name: format!("Code {id}"),
        percent: percent.map(|percent| percent.parse().unwrap()),
        rates: Vec::new(),
        is_active: true,
        is_sales_tax: true,
        local_id: None,
    }
}

fn part(percent: &str, base: TaxBase) -> TaxComponent {
    TaxComponent {
        external_id: None,
        name: percent.to_owned(),
        percent: percent.parse().unwrap(),
        base,
    }
}

/// A British invoice over one line taxed at 20 %, before codes that were imported.
fn taxed_abroad(codes: Vec<TaxCodeRef>) -> Case {
    let invoice = invoice(
        vec![taxed(line("1", "100", "100"), "r1", "20", "20")],
        totals("100", "20", "120"),
    );
    let mut case = Case::invoice(invoice).in_country("GB", &Value::Null);
    case.references = References::new([], codes);
    case
}

fn chosen(case: &Case) -> String {
    match case.plan() {
        provider_kit::Plan::Refused(failure) => failure.code,
        provider_kit::Plan::Steps(steps) => {
            let code = &steps[0].body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"];
            code.as_str().unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_only_active_sales_code_of_the_percentage_is_found() {
    let mut purchase = code("7", Some("20"));
    purchase.is_sales_tax = false;
    let mut old = code("8", Some("20"));
    old.is_active = false;
    let found = taxed_abroad(vec![
        code("5", Some("20")),
        code("6", Some("5")),
        purchase,
        old,
    ]);
    assert_eq!(chosen(&found), "5");
    // Two of them: a person chooses.
    let two = taxed_abroad(vec![code("5", Some("20")), code("9", Some("20"))]);
    assert_eq!(chosen(&two), "TAX_NOT_MAPPED");
    let mut mapped = code("9", Some("20"));
    mapped.local_id = Some(id("r1"));
    let two = taxed_abroad(vec![code("5", Some("20")), mapped]);
    assert_eq!(chosen(&two), "9");
}

#[test]
fn settings_come_before_mappings_and_the_default_comes_with_its_percentage() {
    let mut mapped = code("9", Some("20"));
    mapped.local_id = Some(id("r1"));
    let mut case = taxed_abroad(vec![code("5", Some("20")), mapped]);
    case.settings.tax_codes = [("r1".to_owned(), " 5 ".to_owned())].into();
    assert_eq!(chosen(&case), "5");
    let mut case = taxed_abroad(vec![code("5", Some("20")), code("9", Some("20"))]);
    case.settings.default_tax_code = Some("9".to_owned());
    assert_eq!(chosen(&case), "9");
    // A default of another percentage gives way to the code that fits, and is never used against it.
    let mut case = taxed_abroad(vec![code("5", Some("20")), code("6", Some("5"))]);
    case.settings.default_tax_code = Some("6".to_owned());
    assert_eq!(chosen(&case), "5");
    let mut case = taxed_abroad(vec![code("6", Some("5"))]);
    case.settings.default_tax_code = Some("6".to_owned());
    assert_eq!(chosen(&case), "TAX_RATE_DIFFERS");
    let mut case = taxed_abroad(vec![code("6", None)]);
    case.settings.default_tax_code = Some("6".to_owned());
    assert_eq!(chosen(&case), "6");
}

#[test]
fn a_mapped_code_that_charges_another_percentage_is_a_question() {
    let mut case = taxed_abroad(vec![code("6", Some("5"))]);
    case.settings.tax_codes = [("r1".to_owned(), "6".to_owned())].into();
    let failure = case.refusal();
    assert_eq!(failure.code, "TAX_RATE_DIFFERS");
    assert!(failure.message.contains("20 %") && failure.message.contains("5 %"));
}

#[test]
fn a_line_without_tax_is_not_taxed_by_the_default() {
    let untaxed = |codes: Vec<TaxCodeRef>, default: &str| {
        let mut case = Case::invoice(plain_invoice()).in_country("GB", &Value::Null);
        case.references = References::new([], codes);
        case.settings.default_tax_code = Some(default.to_owned());
        chosen(&case)
    };
    let codes = || vec![code("5", Some("20")), code("3", Some("0"))];
    assert_eq!(untaxed(codes(), "5"), "3");
    assert_eq!(
        untaxed(vec![code("5", Some("20"))], "5"),
        "TAX_RATE_DIFFERS"
    );
    assert_eq!(untaxed(Vec::new(), "5"), "5");
}

#[test]
fn american_documents_have_one_code_and_one_percentage() {
    let american = |rates: &[(&str, &str)], codes: Vec<TaxCodeRef>| {
        let lines = rates
            .iter()
            .map(|(rate, percent)| taxed(line("1", "100", "100"), rate, percent, "1"))
            .collect();
        let mut case = Case::invoice(invoice(lines, totals("100", "1", "101")))
            .in_country("US", &json!("MANUAL_US"));
        case.references = References::new([], codes);
        case
    };
    let case = american(&[("r1", "8")], vec![code("3", Some("8"))]);
    assert_eq!(
        case.step().body["TxnTaxDetail"]["TxnTaxCodeRef"]["value"],
        "3"
    );
    let two = american(
        &[("r1", "8"), ("r2", "5")],
        vec![code("3", Some("8")), code("4", Some("5"))],
    );
    assert_eq!(two.refusal().code, "TAX_SEVERAL_RATES");
}

fn exact_tax(case: &Case) -> Option<String> {
    match case.step().prediction {
        Prediction::Exact { tax, .. } => Some(tax.to_string()),
        Prediction::Unpredictable { .. } | Prediction::NoTotals => None,
    }
}

#[test]
fn every_rate_of_a_code_is_rounded_by_itself() {
    // 0.105 and 0.105 round to 0.11 each; 0.21 would be the sum of unrounded parts.
    let mut two = code("5", Some("20"));
    two.rates = vec![part("10", TaxBase::Net), part("10", TaxBase::Net)];
    let invoice = invoice(
        vec![taxed(line("1", "1.05", "1.05"), "r1", "20", "0.21")],
        totals("1.05", "0.21", "1.26"),
    );
    let mut case = Case::invoice(invoice).in_country("GB", &Value::Null);
    case.references = References::new([], [two]);
    assert_eq!(exact_tax(&case).as_deref(), Some("0.22"));
}

#[test]
fn compound_rates_are_charged_on_what_came_before() {
    let compound = |base| {
        let mut code = code("5", Some("15.5"));
        code.rates = vec![part("5", TaxBase::Net), part("10", base)];
        let mut case = taxed_abroad(vec![code]);
        if let model::Body::Invoice(invoice) = &mut case.document.body {
            invoice.lines = vec![taxed(line("1", "100", "100"), "r1", "15.5", "15.50")];
        }
        case
    };
    // 5.00 and 10 % of 105; 5.00 and 10 % of 5.
    let on_all = compound(TaxBase::NetAndEarlierTax);
    assert_eq!(exact_tax(&on_all).as_deref(), Some("15.5"));
    assert_eq!(
        exact_tax(&compound(TaxBase::EarlierTax)).as_deref(),
        Some("5.5")
    );
    let mut inclusive = on_all;
    if let model::Body::Invoice(invoice) = &mut inclusive.document.body {
        invoice.tax_inclusive = true;
    }
    assert_eq!(exact_tax(&inclusive), None);
}
