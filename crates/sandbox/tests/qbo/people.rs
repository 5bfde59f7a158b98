//! People working in the books: merging, applying, depositing, closing, changing tax.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Twin, assert_books_balance, credits, invoice, payment, settles};

#[tokio::test]
async fn merged_customers_leave_one_with_everything() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    twin.customer("Acme Inc").await;
    let due = twin.invoice("2", json!(100)).await;
    let memo = twin.post("creditmemo", invoice("2", json!(30))).await.json["CreditMemo"].clone();
    let body = payment("2", json!(50), vec![settles(&due, 80), credits(&memo, 30)]);
    assert_eq!(twin.post("payment", body).await.status, 200);
    let merge = json!({"entity": "Customer", "id": "2", "action": "merge", "into": "1"});
    let merged = twin.human(merge).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    assert_eq!(merged.json["Balance"].to_string(), "20");
    assert_eq!(twin.get("customer/2").await.code(), "610");
    let moved = twin.get("invoice/1").await.json["Invoice"].clone();
    assert_eq!(moved["CustomerRef"]["value"], "1");
    assert_eq!(moved["Balance"].to_string(), "20");
    let entry = twin
        .journal()
        .await
        .into_iter()
        .find(|entry| entry["method"] == "HUMAN");
    let first = entry.unwrap()["objects"][0].clone();
    assert_eq!(
        (&first["action"], &first["mergedInto"]),
        (&json!("merged"), &json!("1"))
    );
    // The name is free again, and the payment can still be changed as a whole.
    twin.customer("Acme Inc").await;
    let unlink = json!({"Id": "3", "SyncToken": "1", "sparse": true, "Line": []});
    let unlinked = twin.post("payment", unlink).await;
    assert_eq!(unlinked.json["Payment"]["UnappliedAmt"].to_string(), "50");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn only_customers_of_one_currency_are_merged() {
    let twin = Twin::start(json!({"multicurrency": true})).await;
    twin.customer("Dollar").await;
    let euro = json!({"DisplayName": "Euro", "CurrencyRef": {"value": "EUR"}});
    twin.post("customer", euro).await;
    let merge = |entity: &str, id: &str, into: &str| json!({"entity": entity, "id": id, "action": "merge", "into": into});
    for work in [
        merge("Customer", "2", "1"),
        merge("Customer", "1", "1"),
        merge("Customer", "1", "9"),
        merge("Item", "1", "1"),
    ] {
        assert_eq!(twin.human(work.clone()).await.status, 400, "{work}");
    }
}

#[tokio::test]
async fn a_person_applies_a_payment_elsewhere_and_takes_it_to_the_bank() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let due = twin.invoice("1", json!(100)).await;
    twin.invoice("1", json!(60)).await;
    twin.post(
        "payment",
        payment("1", json!(100), vec![settles(&due, 100)]),
    )
    .await;
    let to = json!([{"entity": "Invoice", "id": "2", "amount": "60"}]);
    let apply = json!({"entity": "Payment", "id": "3", "action": "apply", "to": to});
    let applied = twin.human(apply).await;
    assert_eq!(
        applied.json["UnappliedAmt"].to_string(),
        "40",
        "{}",
        applied.text
    );
    let open = async |id: &str| {
        let reply = twin.get(&format!("invoice/{id}")).await;
        reply.json["Invoice"]["Balance"].to_string()
    };
    assert_eq!(
        (open("1").await, open("2").await),
        ("100".to_owned(), "0".to_owned())
    );
    let deposit = json!({"entity": "Payment", "id": "3", "action": "deposit"});
    assert_eq!(
        twin.human(deposit.clone()).await.json["TotalAmt"].to_string(),
        "100"
    );
    let again = twin.human(deposit).await;
    assert!(again.text.contains("620"), "{}", again.text);
    let held = json!({"Id": "3", "SyncToken": "2"});
    assert_eq!(
        twin.post("payment?operation=delete", held).await.code(),
        "6540"
    );
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_person_closes_the_books() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let close = json!({"entity": "Preferences", "action": "closeBooks", "date": "2026-03-31"});
    let closed = twin.human(close).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    let preferences = twin.get("preferences").await.json["Preferences"].clone();
    assert_eq!(preferences["SyncToken"], "1");
    assert_eq!(
        preferences["AccountingInfoPrefs"]["BookCloseDate"],
        "2026-03-31"
    );
    let dated = |day: &str| {
        let mut body = invoice("1", json!(10));
        body["TxnDate"] = json!(day);
        body
    };
    assert_eq!(
        twin.post("invoice", dated("2026-03-31")).await.code(),
        "6210"
    );
    assert_eq!(twin.post("invoice", dated("2026-04-01")).await.status, 200);
    let mut early = payment("1", json!(10), Vec::new());
    early["TxnDate"] = json!("2026-03-31");
    assert_eq!(twin.post("payment", early).await.code(), "6210");
}

#[tokio::test]
async fn a_changed_tax_rate_holds_from_now_on() {
    let twin = Twin::start(json!({"country": "GB", "homeCurrency": "GBP"})).await;
    twin.customer("Acme").await;
    let taxed = async || {
        let mut body = invoice("1", json!(100));
        body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": "2"});
        let made = twin.post("invoice", body).await;
        made.json["Invoice"]["TotalAmt"].to_string()
    };
    assert_eq!(taxed().await, "120");
    let change = json!({"entity": "TaxRate", "id": "3", "action": "edit",
                        "changes": {"RateValue": 17.5}});
    let changed = twin.human(change).await;
    assert_eq!(
        changed.json["RateValue"].to_string(),
        "17.5",
        "{}",
        changed.text
    );
    assert_eq!(taxed().await, "117.5");
    let too_much = json!({"entity": "TaxRate", "id": "3", "action": "edit",
                          "changes": {"RateValue": 101}});
    assert_eq!(twin.human(too_much).await.status, 400);
    let off = json!({"entity": "TaxCode", "id": "2", "action": "deactivate"});
    assert_eq!(twin.human(off).await.status, 200);
    assert_eq!(taxed().await, "null");
}

#[tokio::test]
async fn an_applications_own_writes_cannot_do_a_persons_work() {
    let twin = Twin::usual().await;
    for resource in ["taxrate", "taxcode", "deposit", "vendor"] {
        let body = json!({"Id": "3", "SyncToken": "0", "Name": "x"});
        assert_eq!(twin.post(resource, body).await.code(), "500", "{resource}");
    }
    let unknown: Value = json!({"realm": "1", "entity": "Item", "action": "burn"});
    let refused = twin.control(Method::POST, "/human", unknown).await;
    assert_eq!(refused.status, 400);
}
