//! Sales tax under each regime.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice, line};

fn taxed(amount: Value, code: &str) -> Value {
    let mut line = line(amount);
    line["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": code});
    line
}

fn body(lines: Value) -> Value {
    let mut body = invoice("1", json!(1));
    body["Line"] = lines;
    body
}

async fn company(profile: Value) -> Twin {
    let twin = Twin::start(profile).await;
    twin.customer("Acme").await;
    twin
}

#[tokio::test]
async fn tax_switched_off_ignores_what_is_sent() {
    let twin = company(json!({"taxMode": "off"})).await;
    let mut sent = body(json!([taxed(json!(100), "TAX")]));
    sent["TxnTaxDetail"] = json!({"TotalTax": 8});
    let made = twin.post("invoice", sent).await.json["Invoice"].clone();
    assert_eq!(made["TotalAmt"], json!(100));
    assert_eq!(made["TxnTaxDetail"], json!({"TotalTax": 0}));
}

#[tokio::test]
async fn manual_tax_applies_the_documents_code_to_taxable_lines() {
    let twin = company(json!({})).await;
    let lines = json!([taxed(json!(582.5), "TAX"), taxed(json!(100), "NON")]);
    let mut sent = body(lines);
    let untaxed = twin.post("invoice", sent.clone()).await;
    assert_eq!(untaxed.json["Invoice"]["TotalAmt"].to_string(), "682.5");
    sent["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": "2"}});
    let made = twin.post("invoice", sent.clone()).await.json["Invoice"].clone();
    assert_eq!(made["TotalAmt"].to_string(), "729.1");
    let detail = &made["TxnTaxDetail"];
    assert_eq!(detail["TotalTax"].to_string(), "46.6");
    let row = &detail["TaxLine"][0]["TaxLineDetail"];
    assert_eq!(row["NetAmountTaxable"].to_string(), "582.5");
    assert_eq!(row["TaxPercent"], json!(8));
    sent["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": "2"}, "TotalTax": 46.59});
    let made = twin.post("invoice", sent.clone()).await.json["Invoice"].clone();
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "46.59");
    sent["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": "99"}});
    assert_eq!(twin.post("invoice", sent).await.code(), "2500");
}

#[tokio::test]
async fn a_discount_may_come_before_manual_tax() {
    let twin = company(json!({})).await;
    let discount = json!({
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": true, "DiscountPercent": 10},
    });
    let mut sent = body(json!([taxed(json!(100), "TAX"), discount]));
    sent["TxnTaxDetail"] = json!({"TxnTaxCodeRef": {"value": "2"}});
    let made = twin.post("invoice", sent.clone()).await;
    assert_eq!(made.json["Invoice"]["TotalAmt"], json!(98));
    sent["ApplyTaxAfterDiscount"] = json!(true);
    let made = twin.post("invoice", sent).await;
    assert_eq!(made.json["Invoice"]["TotalAmt"].to_string(), "97.2");
}

#[tokio::test]
async fn automated_tax_needs_an_address_and_ignores_our_amount() {
    let twin = company(json!({"taxMode": "usAutomated", "automatedTaxPercent": "9.5"})).await;
    let mut sent = body(json!([taxed(json!(100), "TAX")]));
    sent["TxnTaxDetail"] = json!({"TotalTax": 5});
    let made = twin.post("invoice", sent.clone()).await.json["Invoice"].clone();
    assert_eq!(made["TxnTaxDetail"]["TotalTax"], json!(0));
    sent["ShipAddr"] = json!({"CountrySubDivisionCode": "CA"});
    let made = twin.post("invoice", sent.clone()).await.json["Invoice"].clone();
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "9.5");
    twin.profile(json!({"honoursTaxOverride": true})).await;
    let made = twin.post("invoice", sent).await.json["Invoice"].clone();
    assert_eq!(made["TxnTaxDetail"]["TotalTax"], json!(5));
}

#[tokio::test]
async fn other_countries_tax_every_line_by_its_code() {
    let twin = company(json!({"country": "GB", "homeCurrency": "GBP"})).await;
    let untaxed = twin.post("invoice", body(json!([line(json!(10))]))).await;
    assert_eq!(untaxed.code(), "6000");
    let lines = json!([
        taxed(json!(10.01), "2"),
        taxed(json!(10.02), "2"),
        taxed(json!(5), "3")
    ]);
    let mut sent = body(lines);
    sent["GlobalTaxCalculation"] = json!("TaxExcluded");
    let made = twin.post("invoice", sent.clone()).await.json["Invoice"].clone();
    // 20 % of 20.03 and 5 % of 5, rounded once each.
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "4.26");
    assert_eq!(made["TotalAmt"].to_string(), "29.29");
    assert_eq!(made["GlobalTaxCalculation"], "TaxExcluded");
    sent["TxnTaxDetail"] = json!({"TaxLine": [{
        "Amount": 4.02, "DetailType": "TaxLineDetail",
        "TaxLineDetail": {"TaxRateRef": {"value": "3"}},
    }]});
    let made = twin.post("invoice", sent).await.json["Invoice"].clone();
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "4.27");
}

#[tokio::test]
async fn inclusive_amounts_add_up_to_what_was_sent() {
    let twin = company(json!({"country": "GB", "homeCurrency": "GBP"})).await;
    let lines = json!([
        taxed(json!(10.01), "2"),
        taxed(json!(10.01), "2"),
        taxed(json!(0.01), "2")
    ]);
    let mut sent = body(lines);
    sent["GlobalTaxCalculation"] = json!("TaxInclusive");
    let made = twin.post("invoice", sent).await.json["Invoice"].clone();
    assert_eq!(made["TotalAmt"].to_string(), "20.03");
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "3.34");
    assert_eq!(made["Line"][0]["Amount"].to_string(), "8.34");
    let gross = &made["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"];
    assert_eq!(gross.to_string(), "10.01");
    let note = json!({"Id": "1", "SyncToken": "0", "sparse": true, "Line": made["Line"]});
    let again = twin.post("invoice", note).await.json["Invoice"].clone();
    assert_eq!(again, made);
}

#[tokio::test]
async fn a_code_may_combine_rates() {
    let twin = company(json!({
        "country": "CA", "homeCurrency": "CAD",
        "taxCodes": [{"name": "GST/QST", "rates": ["5", "9.975"]}],
    }))
    .await;
    let sent = body(json!([taxed(json!(100), "2")]));
    let made = twin.post("invoice", sent).await.json["Invoice"].clone();
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "14.98");
    assert_eq!(made["TxnTaxDetail"]["TaxLine"].as_array().unwrap().len(), 2);
    let code = twin.get("taxcode/2").await.json["TaxCode"].clone();
    let rates = code["SalesTaxRateList"]["TaxRateDetail"]
        .as_array()
        .unwrap();
    assert_eq!(rates[1]["TaxRateRef"]["value"], "4");
}
