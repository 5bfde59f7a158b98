//! What is read of the books beside documents: every form of answer, pages, pseudo codes, rates by date.

use model::{FailureKind, ImportKind};
use provider_kit::{Import, Imported, Provider as _, Reply};
use provider_qbo::Qbo;
use serde_json::{Value, json};

use super::support::*;

fn taken(what: ImportKind, replies: &[Reply]) -> Import {
    match Qbo.take_import(what, replies, &books()).unwrap() {
        Imported::Done(import) => import,
        Imported::More(requests) => panic!("wants {} more", requests.len()),
    }
}

fn company(info: &Value, preferences: &Value) -> Vec<Reply> {
    vec![
        json_reply(&json!({"CompanyInfo": info, "time": "2026-03-01T04:00:00.000-08:00"})),
        query_reply("Preferences", std::slice::from_ref(preferences)),
        query_reply(
            "PaymentMethod",
            &[
                json!({"Id": "2", "Name": "Check", "Active": true}),
                json!({"Id": "9", "Name": "Old", "Active": false}),
            ],
        ),
        query_reply(
            "Term",
            &[json!({"Id": "3", "Name": "Net 30", "Active": true})],
        ),
    ]
}

fn facts(info: &Value, preferences: &Value) -> provider_kit::BooksFacts {
    let import = taken(ImportKind::Company, &company(info, preferences));
    assert_eq!((import.accounts, import.tax_codes), (None, None));
    import.facts.unwrap()
}

#[test]
fn a_company_is_its_description_and_the_preferences_that_matter() {
    let info = json!({
        "Id": "1", "CompanyName": "Craig's", "Country": "USA",
        "NameValue": [{"Name": "IndustryType", "Value": "x"}, {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"}],
    });
    let preferences = json!({
        "Id": "1",
        "AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"},
        "SalesFormsPrefs": {
            "CustomTxnNumbers": true, "AllowDiscount": false, "DefaultItem": {"value": "1"},
            "AutoApplyCredit": true, "AutoApplyPayments": "false",
        },
        "CurrencyPrefs": {"MultiCurrencyEnabled": true, "HomeCurrency": {"value": "USD"}},
        "TaxPrefs": {"UsingSalesTax": true, "PartnerTaxEnabled": true},
    });
    let facts = facts(&info, &preferences);
    assert_eq!(facts.external_id, REALM);
    assert_eq!(facts.country.as_deref(), Some("US"));
    assert_eq!(facts.home_currency.unwrap().as_str(), "USD");
    assert_eq!(
        facts.extra,
        json!({
            "taxMode": "AST", "customTxnNumbers": true, "multicurrency": true,
            "bookCloseDate": "2025-12-31", "autoApplyCredit": true, "autoApplyPayments": false,
            "allowDiscount": false, "defaultItem": "1", "sku": "QuickBooks Online Plus",
            "companyName": "Craig's", "paymentMethods": {"check": "2"}, "terms": {"net 30": "3"},
        })
    );
}

#[test]
fn the_tax_regime_follows_from_country_and_preferences() {
    let mode = |country: &str, tax: Value| {
        let info = json!({"Id": "1", "Country": country});
        facts(&info, &json!({"Id": "1", "TaxPrefs": tax})).extra["taxMode"].clone()
    };
    let on = || json!({"UsingSalesTax": true});
    assert_eq!(mode("US", json!({"UsingSalesTax": false})), "OFF");
    assert_eq!(mode("US", on()), "MANUAL_US");
    assert_eq!(
        mode(
            "US",
            json!({"UsingSalesTax": true, "PartnerTaxEnabled": false})
        ),
        "MANUAL_US"
    );
    assert_eq!(
        mode(
            "US",
            json!({"UsingSalesTax": true, "PartnerTaxEnabled": true})
        ),
        "AST"
    );
    for country in ["GB", "GBR", "United Kingdom", "AU"] {
        assert_eq!(mode(country, on()), "PER_LINE");
        assert_eq!(mode(country, json!({"UsingSalesTax": false})), "OFF");
    }
}

#[test]
fn preferences_that_are_missing_are_not_known_and_forbid_nothing() {
    let facts = facts(&json!({"Id": "1"}), &json!({"Id": "1"}));
    assert_eq!(facts.country.as_deref(), Some("US"), "what was known stays");
    assert_eq!(facts.extra["multicurrency"], Value::Null);
    let mut case = Case::invoice(plain_invoice());
    if let model::Body::Invoice(invoice) = &mut case.document.body {
        invoice.currency = "EUR".parse().unwrap();
    }
    case.books = facts;
    assert_eq!(case.step().body["CurrencyRef"]["value"], "EUR");
    case.books.extra["multicurrency"] = json!(false);
    let failure = case.refusal();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("EUR"));
}

#[test]
fn accounts_come_with_inactive_ones_and_in_pages() {
    let account = |id: usize| {
        json!({
            "Id": id.to_string(), "Name": "Sales", "FullyQualifiedName": "Income:Sales",
            "AccountType": "Income", "AcctNum": "4000", "Active": id != 7,
        })
    };
    let full: Vec<Value> = (1..=1_000).map(account).collect();
    let first = query_reply("Account", &full);
    let Imported::More(next) = Qbo
        .take_import(ImportKind::Accounts, std::slice::from_ref(&first), &books())
        .unwrap()
    else {
        panic!("a full page is not the last");
    };
    assert_eq!(next.len(), 1);
    assert!(next[0].query[0].1.contains("startposition 1001"));
    let receivable = json!({
        "Id": "1150040000", "Name": "A/R", "AccountType": "Accounts Receivable", "Active": true,
    });
    let all = taken(
        ImportKind::Accounts,
        &[first.clone(), query_reply("Account", &[receivable])],
    );
    let all = all.accounts.unwrap();
    assert_eq!(all.len(), 1_001);
    assert_eq!(all[0].name, "Income:Sales");
    assert_eq!(all[0].number.as_deref(), Some("4000"));
    assert!(all[0].is_active && all[0].can_post);
    assert!(!all[6].is_active && !all[6].can_post);
    assert!(all[1_000].is_active && !all[1_000].can_post);
    // The number of accounts may be a multiple of a page.
    let exact = taken(ImportKind::Accounts, &[first, query_reply("Account", &[])]);
    assert_eq!(exact.accounts.unwrap().len(), 1_000);
}

fn code(id: &str, rates: &Value) -> Value {
    json!({
        "Id": id, "Name": format!("Code {id}"), "Active": true, "TaxGroup": true,
        "SalesTaxRateList": {"TaxRateDetail": rates},
    })
}

fn rate(id: &str, percent: &str) -> Value {
    let percent: Value = serde_json::from_str(percent).unwrap();
    json!({"Id": id, "Name": format!("Rate {id}"), "RateValue": percent, "Active": true})
}

fn detail(id: &str, order: u32, kind: &str) -> Value {
    json!({"TaxRateRef": {"value": id}, "TaxOrder": order, "TaxTypeApplicable": kind})
}

fn codes(codes: &[Value], rates: &[Value]) -> Vec<model::reference::TaxCodeRef> {
    let replies = [query_reply("TaxCode", codes), query_reply("TaxRate", rates)];
    taken(ImportKind::TaxCodes, &replies).tax_codes.unwrap()
}

#[test]
fn a_tax_code_is_its_rates_in_their_order() {
    let plain = code("2", &json!([detail("3", 0, "TaxOnAmount")]));
    let summed = code(
        "5",
        &json!([detail("3", 0, "TaxOnAmount"), detail("4", 1, "TaxOnAmount")]),
    );
    let compound = code(
        "6",
        &json!([
            detail("4", 1, "TaxOnAmountPlusTax"),
            detail("3", 0, "TaxOnAmount")
        ]),
    );
    let on_tax = code(
        "7",
        &json!([detail("3", 0, "TaxOnAmount"), detail("4", 1, "TaxOnTax")]),
    );
    let rates = [rate("3", "5"), rate("4", "9.975")];
    let found = codes(&[plain, summed, compound, on_tax], &rates);
    let percents: Vec<String> = found
        .iter()
        .map(|code| code.percent.unwrap().to_string())
        .collect();
    // 5 + 9.975; 5 + 9.975 of 105; 5 + 9.975 of 5.
    assert_eq!(percents, ["5", "14.975", "15.47375", "5.49875"]);
    assert!(found.iter().all(|code| code.is_active && code.is_sales_tax));
    assert_eq!(found[2].rates[0].external_id.as_deref(), Some("3"));
}

#[test]
fn pseudo_codes_have_no_rates_and_are_never_chosen() {
    let pseudo = |id: &str| json!({"Id": id, "Name": id, "Active": true, "TaxGroup": false});
    let found = codes(&[pseudo("TAX"), pseudo("NON")], &[]);
    assert_eq!(found[0].percent, None);
    assert_eq!(found[1].percent.unwrap().to_string(), "0");
    assert!(found.iter().all(|code| !code.is_sales_tax));
}

#[test]
fn a_code_whose_rate_is_not_known_has_no_percentage() {
    let found = codes(&[code("2", &json!([detail("99", 0, "TaxOnAmount")]))], &[]);
    assert_eq!(found[0].percent, None);
    assert!(found[0].rates.is_empty());
    let mut hidden = code("3", &json!([detail("3", 0, "TaxOnAmount")]));
    hidden["Hidden"] = json!(true);
    assert!(!codes(&[hidden], &[rate("3", "5")])[0].is_active);
}

#[test]
fn the_rate_of_the_day_of_the_answer_counts() {
    let mut historic = rate("3", "20");
    historic["EffectiveTaxRate"] = json!([
        {"RateValue": 17.5, "EffectiveDate": "2010-01-01T00:00:00-08:00", "EndDate": "2025-12-31T00:00:00-08:00"},
        {"RateValue": 20, "EffectiveDate": "2026-01-01T00:00:00-08:00", "EndDate": "2026-03-31T00:00:00-08:00"},
        {"RateValue": 21, "EffectiveDate": "2026-04-01T00:00:00-08:00"},
    ]);
    let on = |day: &str| {
        let mut first = query_reply(
            "TaxCode",
            &[code("2", &json!([detail("3", 0, "TaxOnAmount")]))],
        );
        let mut body: Value = serde_json::from_slice(&first.body).unwrap();
        body["time"] = json!(format!("{day}T04:00:00.000-08:00"));
        first.body = body.to_string().into_bytes();
        let replies = [
            first,
            query_reply("TaxRate", std::slice::from_ref(&historic)),
        ];
        let codes = taken(ImportKind::TaxCodes, &replies).tax_codes.unwrap();
        codes[0].percent.unwrap().to_string()
    };
    assert_eq!(on("2025-12-31"), "17.5");
    assert_eq!(on("2026-01-01"), "20");
    assert_eq!(on("2026-03-31"), "20");
    assert_eq!(on("2026-04-01"), "21");
}

#[test]
fn pages_of_two_lists_are_told_apart() {
    let full_codes: Vec<Value> = (1..=1_000)
        .map(|n| code(&n.to_string(), &json!([])))
        .collect();
    let full_rates: Vec<Value> = (1..=1_000).map(|n| rate(&n.to_string(), "1")).collect();
    let first = [
        query_reply("TaxCode", &full_codes),
        query_reply("TaxRate", &full_rates),
    ];
    let more = |replies: &[Reply]| match Qbo.take_import(ImportKind::TaxCodes, replies, &books()) {
        Ok(Imported::More(requests)) => requests,
        other => panic!("{other:?}"),
    };
    let next = more(&first);
    assert!(
        next[0].query[0].1.contains("from TaxCode") && next[1].query[0].1.contains("from TaxRate")
    );
    // The second page of rates is full too, that of the codes is not: only the rates go on.
    let second = [
        query_reply("TaxCode", &[code("2000", &json!([]))]),
        first[1].clone(),
    ];
    let so_far: Vec<Reply> = first.iter().chain(&second).cloned().collect();
    let next = more(&so_far);
    assert_eq!(next.len(), 1);
    assert!(next[0].query[0].1.contains("from TaxRate") && next[0].query[0].1.contains("2001"));
    let last = [query_reply("TaxRate", &[])];
    let whole: Vec<Reply> = so_far.iter().chain(&last).cloned().collect();
    let codes = taken(ImportKind::TaxCodes, &whole).tax_codes.unwrap();
    assert_eq!(codes.len(), 1_001);
}

#[test]
fn an_import_that_cannot_be_trusted_changes_nothing() {
    for what in ImportKind::ALL {
        let count = Qbo.imports(what, &books()).len();
        let bad = [
            reply(200, ""),
            reply(200, "{}"),
            reply(200, "<html/>"),
            reply(503, ""),
            json_reply(&json!({"QueryResponse": {"maxResults": 3}})),
        ];
        for one in bad {
            let replies = vec![one; count];
            let failure = Qbo.take_import(what, &replies, &books()).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unreachable, "{what:?}");
        }
        assert!(Qbo.take_import(what, &[], &books()).is_err());
        let locked = vec![reply(401, ""); count];
        let failure = Qbo.take_import(what, &locked, &books()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unauthorized);
    }
}
