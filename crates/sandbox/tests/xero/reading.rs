//! Reading: paths, pages, filters, order, changes, lag, history.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Twin, id, invoice};

/// A twin with invoices I-1 to I-5 of 1 to 5 pounds.
async fn with_five() -> (Twin, String) {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    for number in 1..=5 {
        let name = format!("I-{number}");
        twin.invoice(&contact, &name, json!(number)).await;
    }
    (twin, contact)
}

fn numbers(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["InvoiceNumber"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn paths_and_names_ignore_case() {
    let (twin, _) = with_five().await;
    let found = twin.get("invoices?invoicenumbers=I-2,I-4&PAGE=1").await;
    assert_eq!(numbers(&found.json["Invoices"]), ["I-2", "I-4"]);
    assert_eq!(twin.get("INVOICES/I-1").await.status, 200);
    assert_eq!(twin.get("Organisations").await.status, 200);
    assert_eq!(twin.get("organisation").await.status, 200);
    assert_eq!(twin.get("Invoices/I-9").await.status, 404);
    assert_eq!(twin.get("Bananas").await.status, 404);
    let outside = twin
        .http()
        .get(twin.url("/Organisation"))
        .send()
        .await
        .unwrap();
    assert_eq!(outside.status(), 404);
    let created = twin.post("Organisation", json!({"Name": "x"})).await;
    assert_eq!(
        (created.status, &created.json["ErrorNumber"]),
        (501, &json!(20))
    );
    let headers = [("accept", "application/xml")];
    let xml = twin.http().get(twin.url("/api.xro/2.0/Organisation"));
    let xml = xml
        .header("authorization", format!("Bearer {}", twin.token))
        .header("xero-tenant-id", crate::harness::TENANT)
        .header(headers[0].0, headers[0].1);
    assert_eq!(xml.send().await.unwrap().status(), 406);
}

#[tokio::test]
async fn the_envelope_names_the_request() {
    let (twin, _) = with_five().await;
    let reply = twin.get("Organisation").await;
    assert_eq!(reply.json["Status"], "OK");
    assert_eq!(reply.json["Id"], reply.header("xero-correlation-id"));
    let time = reply.json["DateTimeUTC"].as_str().unwrap();
    assert!(time.starts_with("/Date(") && !time.contains('+'));
    assert_eq!(
        reply.header("content-type"),
        "application/json; charset=utf-8"
    );
    let organisation = reply.only("Organisations");
    assert_eq!(organisation["BaseCurrency"], "GBP");
    assert_eq!(organisation["Version"], "UK");
    assert_eq!(organisation["PeriodLockDate"], Value::Null);
}

#[tokio::test]
async fn pages_have_lines_and_lists_have_none() {
    let (twin, _) = with_five().await;
    let page = twin.get("Invoices?page=2&pageSize=2").await;
    assert_eq!(numbers(&page.json["Invoices"]), ["I-3", "I-4"]);
    let pagination = json!({"page": 2, "pageSize": 2, "pageCount": 3, "itemCount": 5});
    assert_eq!(page.json["pagination"], pagination);
    assert!(page.json["Invoices"][0]["LineItems"].is_array());
    let beyond = twin.get("Invoices?page=9").await;
    assert_eq!(beyond.json["Invoices"], json!([]));
    let list = twin.get("Invoices").await;
    assert_eq!(numbers(&list.json["Invoices"]).len(), 5);
    assert_eq!(list.json["pagination"], Value::Null);
    assert_eq!(list.json["Invoices"][0]["LineItems"], json!([]));
    let forced = twin.get("Invoices?Statuses=AUTHORISED,PAID").await;
    assert!(forced.json["pagination"].is_object());
    let summary = twin.get("Invoices?summaryOnly=True").await;
    assert!(summary.json["pagination"].is_object());
    assert_eq!(summary.json["Invoices"][0]["LineItems"], Value::Null);
    assert_eq!(summary.json["Invoices"][0]["Payments"], Value::Null);
    let accounts = twin.get("Accounts?page=1").await;
    assert_eq!(
        accounts.json["pagination"],
        Value::Null,
        "accounts are not paged"
    );
}

#[tokio::test]
async fn filters_narrow_and_order_sorts() {
    let (twin, contact) = with_five().await;
    let found = async |query: &str| {
        let reply = twin.get(&format!("Invoices?page=1&{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        numbers(&reply.json["Invoices"]).join(" ")
    };
    assert_eq!(
        found("where=AmountDue>=2%20AND%20AmountDue<4").await,
        "I-2 I-3"
    );
    assert_eq!(found("where=InvoiceNumber==\"I-4\"").await, "I-4");
    assert_eq!(found("order=Total%20DESC&pageSize=2").await, "I-5 I-4");
    assert_eq!(
        found("order=Date,InvoiceNumber%20desc").await,
        "I-5 I-4 I-3 I-2 I-1"
    );
    assert_eq!(
        found(&format!("ContactIDs={contact}&InvoiceNumbers=I-5")).await,
        "I-5"
    );
    assert_eq!(found("searchTerm=i-2").await, "I-2");
    assert_eq!(found("Statuses=DRAFT").await, "");
    let first = twin.get("Invoices/I-1").await.only("Invoices");
    let by_id = format!("IDs={}", id(&first, "InvoiceID"));
    assert_eq!(found(&by_id).await, "I-1");
    let body = invoice(&contact, "H-1", json!(9));
    let human = json!({"entity": "Invoice", "action": "create", "changes": body});
    assert_eq!(twin.human(human).await.status, 200);
    assert_eq!(found("createdByMyApp=true").await, "I-1 I-2 I-3 I-4 I-5");
    for (query, message) in [
        ("where=Status==", "Expression expected"),
        (
            "where=Banana==1",
            "No property or field 'Banana' exists in type 'Invoice'",
        ),
        (
            "order=Banana",
            "No property or field 'Banana' exists in type 'Invoice'",
        ),
    ] {
        let refused = twin.get(&format!("Invoices?{query}")).await;
        assert_eq!(
            (refused.status, &refused.json["ErrorNumber"]),
            (400, &json!(16))
        );
        assert_eq!(refused.json["Message"], message);
    }
    twin.settings(json!({"listMax": 3})).await;
    assert_eq!(twin.get("Invoices").await.status, 400);
    assert_eq!(twin.get("Invoices?InvoiceNumbers=I-1").await.status, 200);
}

#[tokio::test]
async fn changes_since_a_moment_are_listed_in_their_order() {
    let (twin, _) = with_five().await;
    twin.advance(10_000).await;
    let change = json!({"InvoiceNumber": "I-2", "Reference": "r"});
    let changed = twin.post("Invoices", change).await.only("Invoices");
    let since = id(&changed, "UpdatedDateUTCString");
    let headers = [("if-modified-since", since.as_str())];
    let path = "Invoices?page=1";
    let found = twin
        .try_call(Method::GET, path, &headers, &Value::Null)
        .await;
    assert_eq!(numbers(&found.unwrap().json["Invoices"]), ["I-2"]);
    let all = twin.get(path).await;
    assert_eq!(
        numbers(&all.json["Invoices"]),
        ["I-1", "I-3", "I-4", "I-5", "I-2"]
    );
}

#[tokio::test]
async fn lists_lag_behind_and_reads_by_id_do_not() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    twin.settings(json!({"lookupLagMs": 60_000})).await;
    let made = twin.invoice(&contact, "I-1", json!(5)).await;
    let by_id = format!("Invoices/{}", id(&made, "InvoiceID"));
    assert_eq!(twin.get(&by_id).await.status, 200);
    assert_eq!(twin.get("Invoices/I-1").await.status, 404);
    assert_eq!(
        twin.get("Invoices?page=1").await.json["Invoices"],
        json!([])
    );
    twin.advance(60_000).await;
    assert_eq!(twin.get("Invoices/I-1").await.status, 200);
    twin.post(
        "Invoices",
        json!({"InvoiceNumber": "I-1", "Reference": "r"}),
    )
    .await;
    let seen = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(seen["Reference"], "", "the revision of before");
    twin.settings(json!({"lagGets": true})).await;
    let seen = twin.get(&by_id).await.only("Invoices");
    assert_eq!(seen["Reference"], "");
}

#[tokio::test]
async fn small_lists_can_be_read_and_written() {
    let twin = Twin::usual().await;
    let rates = twin.get("TaxRates?where=TaxType==\"OUTPUT2\"").await;
    let rate = rates.only("TaxRates");
    assert_eq!(rate["EffectiveRate"].to_string(), "20.0000");
    assert_eq!(rate["CanApplyToExpenses"], json!(false));
    let parts = json!([
        {"Name": "State", "Rate": 5}, {"Name": "City", "Rate": 10, "IsCompound": true},
    ]);
    let body = json!({"Name": "Both", "TaxComponents": parts});
    let made = twin.put("TaxRates", body.clone()).await.only("TaxRates");
    assert_eq!(made["TaxType"], "TAX001");
    // 5 % and 10 % of 105.
    assert_eq!(made["EffectiveRate"].to_string(), "15.5000");
    assert_eq!(
        twin.put("TaxRates", body).await.messages(),
        ["Please enter a unique Name."]
    );
    let account = json!({"Code": "201", "Name": "Sales 2", "Type": "REVENUE"});
    let account = twin.put("Accounts", account).await.only("Accounts");
    assert_eq!(account["Class"], "REVENUE");
    let path = format!("Accounts/{}", id(&account, "AccountID"));
    let archived = twin.post(&path, json!({"Status": "ARCHIVED"})).await;
    assert_eq!(archived.only("Accounts")["Status"], "ARCHIVED");
    let deleted = twin.call(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(deleted.only("Accounts")["Status"], "DELETED");
    let item = json!({"Code": "hour", "Name": "Hour"});
    twin.put("Items", item.clone()).await.only("Items");
    assert_eq!(
        twin.put("Items", item.clone()).await.messages(),
        ["Price List Item with Code 'hour' already exists"]
    );
    twin.post("Items", item).await.only("Items");
    assert_eq!(twin.get("Items/hour").await.only("Items")["Name"], "Hour");
    let euro = twin.put("Currencies", json!({"Code": "EUR"})).await;
    assert_eq!(euro.only("Currencies")["Code"], "EUR");
    let theme = twin.get("BrandingThemes").await.only("BrandingThemes");
    assert_eq!(theme["SortOrder"], json!(0));
}

#[tokio::test]
async fn history_tells_what_happened() {
    let (twin, _) = with_five().await;
    let note = json!({"HistoryRecords": [{"Details": "paid by cheque"}]});
    let put = twin
        .put("Invoices/I-1/History", note)
        .await
        .only("HistoryRecords");
    assert_eq!(put["Details"], "paid by cheque");
    let read = twin.get("Invoices/I-1/History").await;
    let records = read.json["HistoryRecords"].as_array().unwrap();
    let changes: Vec<&Value> = records.iter().map(|it| &it["Changes"]).collect();
    assert_eq!(changes, ["Note", "Created"]);
}
