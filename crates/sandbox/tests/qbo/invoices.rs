//! Invoices: lines, numbers, dates, voiding, deleting, closed books.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice, line};

#[tokio::test]
async fn an_invoice_gets_a_number_line_ids_and_a_subtotal() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let body = json!({
        "CustomerRef": {"value": "1"},
        "PrivateNote": "tieout:7",
        "TxnDate": "2026-05-05",
        "Line": [
            {"DetailType": "SalesItemLineDetail", "Amount": 100.00, "Description": "Work",
             "SalesItemLineDetail": {"ItemRef": {"value": "1"}, "UnitPrice": 50, "Qty": 2}},
            {"DetailType": "SalesItemLineDetail", "Amount": 162.50, "SalesItemLineDetail": {}},
        ],
    });
    let made = twin.post("invoice", body).await.json["Invoice"].clone();
    assert_eq!(made["DocNumber"], "1001");
    assert_eq!(made["PrivateNote"], "tieout:7");
    assert_eq!(made["DueDate"], "2026-06-04");
    assert_eq!(made["TotalAmt"].to_string(), "262.5");
    assert_eq!(made["Balance"].to_string(), "262.5");
    assert_eq!(made["TxnTaxDetail"]["TotalTax"].to_string(), "0");
    assert_eq!(made["CustomerRef"]["name"], "Acme");
    let lines = made["Line"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["Id"], &lines[1]["Id"]),
        (&json!("1"), &json!("2"))
    );
    assert_eq!(lines[0]["Amount"].to_string(), "100");
    assert_eq!(
        lines[1]["SalesItemLineDetail"]["ItemRef"]["name"],
        "Services"
    );
    assert_eq!(
        lines[1]["SalesItemLineDetail"]["TaxCodeRef"]["value"],
        "NON"
    );
    assert_eq!(lines[2]["DetailType"], "SubTotalLineDetail");
    assert_eq!(lines[2]["Amount"].to_string(), "262.5");
    let owed = twin.get("customer/1").await.json["Customer"]["Balance"].clone();
    assert_eq!(owed.to_string(), "262.5");
}

#[tokio::test]
async fn an_amount_must_be_price_times_quantity_rounded_half_up() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let body = |amount: &str| {
        let text = format!(
            "{{\"CustomerRef\":{{\"value\":\"1\"}},\"Line\":[{{\"DetailType\":\
             \"SalesItemLineDetail\",\"Amount\":{amount},\"SalesItemLineDetail\":\
             {{\"UnitPrice\":744.43,\"Qty\":2.5}}}}]}}"
        );
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let right = twin.post("invoice", body("1861.08")).await;
    assert_eq!(right.json["Invoice"]["TotalAmt"].to_string(), "1861.08");
    let wrong = twin.post("invoice", body("1861.07")).await;
    assert_eq!(wrong.code(), "6070");
    assert!(wrong.detail().ends_with("Supplied value:1861.07"));
}

#[tokio::test]
async fn bad_invoices_are_refused_with_their_codes() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let category = json!({"Name": "All", "Type": "Category"});
    assert_eq!(twin.post("item", category).await.status, 200);
    let with = |member: &str, value: Value| {
        let mut body = invoice("1", json!(10));
        body[member] = value;
        body
    };
    let with_detail = |member: &str, value: Value| {
        let mut body = invoice("1", json!(10));
        body["Line"][0]["SalesItemLineDetail"][member] = value;
        body
    };
    let cases = [
        (json!({"Line": [line(json!(1))]}), "2020"),
        (json!({"CustomerRef": {"value": "1"}}), "2020"),
        (with("Line", json!([])), "2020"),
        (with("DocNumber", json!("n".repeat(22))), "2050"),
        (
            with("CustomerMemo", json!({"value": "m".repeat(1001)})),
            "2050",
        ),
        (with("PrivateNote", json!("p".repeat(4001))), "2050"),
        (
            with(
                "Line",
                json!([{"DetailType": "TaxLineDetail", "Amount": 1}]),
            ),
            "2170",
        ),
        (with("Line", json!([line(json!(-5))])), "6000"),
        (with("Line", json!([line(json!("ten"))])), "2090"),
        (with("EmailStatus", json!("NeedToSend")), "2020"),
        (with("CurrencyRef", json!({"value": "EUR"})), "6000"),
        (with("Total", json!(1)), "2010"),
        (with_detail("ItemRef", json!({"value": "77"})), "2500"),
        (with_detail("ItemRef", json!({"value": "2"})), "2500"),
        (with_detail("TaxCodeRef", json!({"value": "2"})), "6100"),
        (with_detail("Price", json!(1)), "2010"),
    ];
    for (body, code) in cases {
        let reply = twin.post("invoice", body.clone()).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{body}");
    }
    let reply = twin
        .post(
            "invoice",
            with("CustomerMemo", json!({"value": "m".repeat(1016)})),
        )
        .await;
    assert_eq!(reply.json["Fault"]["Error"][0]["element"], "Customer Memo");
    assert_eq!(twin.invoice("1", json!(1)).await["DocNumber"], "1001");
}

#[tokio::test]
async fn the_company_numbers_documents_and_keeps_repeated_numbers() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let mut body = invoice("1", json!(10));
    body["DocNumber"] = json!("A-1");
    for _ in 0..2 {
        let made = twin.post("invoice", body.clone()).await;
        assert_eq!(made.json["Invoice"]["DocNumber"], "A-1");
    }
    assert_eq!(twin.invoice("1", json!(1)).await["DocNumber"], "1001");
}

#[tokio::test]
async fn custom_numbers_are_unique_and_never_invented() {
    let twin = Twin::start(json!({"customTxnNumbers": true})).await;
    twin.customer("Acme").await;
    assert_eq!(twin.invoice("1", json!(1)).await["DocNumber"], Value::Null);
    let mut body = invoice("1", json!(10));
    body["DocNumber"] = json!("18696");
    let first = twin.post("invoice", body.clone()).await;
    assert_eq!(first.status, 200);
    let second = twin.post("invoice", body.clone()).await;
    assert_eq!(second.code(), "6140");
    assert!(
        second
            .detail()
            .ends_with("DocNumber=18696 is assigned to TxnType=Invoice with TxnId=2")
    );
    let wanted = "invoice?include=allowduplicatedocnum";
    assert_eq!(twin.post(wanted, body.clone()).await.status, 200);
    // A deleted document's number is free.
    for id in ["2", "3"] {
        let gone = json!({"Id": id, "SyncToken": "0"});
        twin.post("invoice?operation=delete", gone).await;
    }
    assert_eq!(twin.post("invoice", body.clone()).await.status, 200);
    body["DocNumber"] = json!("AUTO_GENERATE");
    let numbered = twin.post("invoice", body).await;
    assert_eq!(numbered.json["Invoice"]["DocNumber"], "1001");
}

#[tokio::test]
async fn lines_are_replaced_as_a_whole_and_known_ids_stay() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let mut body = invoice("1", json!(10));
    body["Line"].as_array_mut().unwrap().push(line(json!(20)));
    let made = twin.post("invoice", body).await.json["Invoice"].clone();
    let mut kept = line(json!(25));
    kept["Id"] = json!("2");
    let mut strange = line(json!(5));
    strange["Id"] = json!("77");
    let update = json!({
        "Id": made["Id"], "SyncToken": "0", "sparse": true, "Line": [kept, strange],
    });
    let after = twin.post("invoice", update).await.json["Invoice"].clone();
    assert_eq!(after["TotalAmt"], json!(30));
    let lines = after["Line"].as_array().unwrap();
    assert_eq!(
        (&lines[0]["Id"], &lines[1]["Id"]),
        (&json!("2"), &json!("3"))
    );
    let note = json!({"Id": made["Id"], "SyncToken": "1", "sparse": true, "PrivateNote": "n"});
    let noted = twin.post("invoice", note).await.json["Invoice"].clone();
    assert_eq!(noted["Line"], after["Line"]);
    let mut echo = noted.clone();
    echo.as_object_mut().unwrap().remove("sparse");
    let echoed = twin.post("invoice", echo).await.json["Invoice"].clone();
    assert_eq!(echoed, noted);
    assert_eq!(echoed["SyncToken"], "2");
}

#[tokio::test]
async fn a_full_update_without_a_date_moves_the_invoice_to_today() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let mut body = invoice("1", json!(10));
    body["TxnDate"] = json!("2020-01-01");
    twin.post("invoice", body).await;
    let mut full = invoice("1", json!(10));
    full["Id"] = json!("1");
    full["SyncToken"] = json!("0");
    let after = twin.post("invoice", full).await.json["Invoice"].clone();
    assert_ne!(after["TxnDate"], "2020-01-01");
    assert_eq!(after["SyncToken"], "1");
}

#[tokio::test]
async fn a_discount_comes_after_the_subtotal() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let with = |discount: Value| {
        let mut body = invoice("1", json!(305));
        let lines = body["Line"].as_array_mut().unwrap();
        lines.push(discount);
        body
    };
    let percent = json!({
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": true, "DiscountPercent": 10},
    });
    let made = twin.post("invoice", with(percent)).await.json["Invoice"].clone();
    assert_eq!(made["TotalAmt"].to_string(), "274.5");
    assert_eq!(made["Line"][2]["Amount"].to_string(), "30.5");
    let account = &made["Line"][2]["DiscountLineDetail"]["DiscountAccountRef"];
    assert_eq!(account, &json!({"value": "86", "name": "Discounts given"}));
    let fixed = json!({
        "DetailType": "DiscountLineDetail", "Amount": 5, "DiscountLineDetail": {},
    });
    let made = twin.post("invoice", with(fixed.clone())).await;
    assert_eq!(made.json["Invoice"]["TotalAmt"], json!(300));
    let empty = json!({"DetailType": "DiscountLineDetail", "DiscountLineDetail": {}});
    assert_eq!(twin.post("invoice", with(empty)).await.code(), "6090");
    twin.profile(json!({"allowDiscount": false})).await;
    assert_eq!(twin.post("invoice", with(fixed)).await.code(), "6000");
}

#[tokio::test]
async fn voiding_leaves_the_document_without_amounts() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let mut body = invoice("1", json!(10));
    body["PrivateNote"] = json!("tieout:7");
    let made = twin.post("invoice", body).await.json["Invoice"].clone();
    let void = json!({"Id": "1", "SyncToken": "0"});
    let voided = twin.post("invoice?operation=void", void.clone()).await;
    let voided = voided.json["Invoice"].clone();
    assert_eq!(voided["SyncToken"], "1");
    assert_eq!(voided["TotalAmt"], json!(0));
    assert_eq!(voided["Balance"], json!(0));
    assert_eq!(voided["PrivateNote"], "Voided - tieout:7");
    assert_eq!(voided["Line"][0]["Amount"], json!(0));
    assert_eq!(voided["DocNumber"], made["DocNumber"]);
    assert_eq!(twin.get("invoice/1").await.json["Invoice"], voided);
    let owed = twin.get("customer/1").await.json["Customer"]["Balance"].clone();
    assert_eq!(owed, json!(0));
    let stale = twin.post("invoice?operation=void", void).await;
    assert_eq!(stale.code(), "5010");
    let again = json!({"Id": "1", "SyncToken": "1"});
    let again = twin.post("invoice?operation=void", again).await;
    assert_eq!(again.json["Invoice"]["SyncToken"], "1");
}

#[tokio::test]
async fn a_deleted_invoice_is_gone() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    twin.invoice("1", json!(10)).await;
    let target = json!({"Id": "1", "SyncToken": "0"});
    let gone = twin.post("invoice?operation=delete", target.clone()).await;
    let stub = json!({"status": "Deleted", "domain": "QBO", "Id": "1"});
    assert_eq!(gone.json["Invoice"], stub);
    assert_eq!(twin.get("invoice/1").await.code(), "610");
    assert!(twin.ids("select * from Invoice").await.is_empty());
    let again = twin.post("invoice?operation=delete", target).await;
    assert_eq!(again.code(), "610");
    assert!(again.detail().contains("Another user has deleted"));
    let customer = json!({"Id": "1", "SyncToken": "0"});
    let customer = twin.post("customer?operation=delete", customer).await;
    assert_eq!(customer.code(), "500");
    assert_eq!(twin.invoice("1", json!(10)).await["Id"], "2");
}

#[tokio::test]
async fn closed_books_and_ended_subscriptions_refuse_writes() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let dated = |day: &str| {
        let mut body = invoice("1", json!(10));
        body["TxnDate"] = json!(day);
        body
    };
    assert_eq!(twin.post("invoice", dated("2026-01-31")).await.status, 200);
    twin.profile(json!({"bookCloseDate": "2026-01-31"})).await;
    assert_eq!(
        twin.post("invoice", dated("2026-01-31")).await.code(),
        "6210"
    );
    assert_eq!(twin.post("invoice", dated("2026-02-01")).await.status, 200);
    let target = json!({"Id": "1", "SyncToken": "0"});
    for operation in ["void", "delete"] {
        let path = format!("invoice?operation={operation}");
        assert_eq!(twin.post(&path, target.clone()).await.code(), "6210");
    }
    twin.profile(json!({"suspended": true})).await;
    let ended = twin.post("customer", json!({"DisplayName": "B"})).await;
    assert_eq!((ended.status, ended.code()), (400, "6190"));
}

#[tokio::test]
async fn a_foreign_invoice_follows_its_customer() {
    let twin = Twin::start(json!({
        "multicurrency": true, "exchangeRates": {"EUR": "1.0999"},
    }))
    .await;
    let body = json!({"DisplayName": "Müller", "CurrencyRef": {"value": "EUR"}});
    assert_eq!(twin.post("customer", body).await.status, 200);
    let mut body = invoice("1", json!(10.05));
    assert_eq!(twin.post("invoice", body.clone()).await.code(), "2020");
    body["CurrencyRef"] = json!({"value": "USD"});
    assert_eq!(twin.post("invoice", body.clone()).await.code(), "6000");
    body["CurrencyRef"] = json!({"value": "EUR"});
    let made = twin.post("invoice", body).await.json["Invoice"].clone();
    assert_eq!(made["ExchangeRate"].to_string(), "1.0999");
    assert_eq!(made["HomeTotalAmt"].to_string(), "11.05");
    let moved = json!({
        "Id": "1", "SyncToken": "0", "sparse": true, "CurrencyRef": {"value": "USD"},
    });
    assert_eq!(twin.post("customer", moved).await.code(), "6000");
}

#[tokio::test]
async fn lines_of_text_carry_no_amount() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let mut body = invoice("1", json!(10));
    let text = json!({"DetailType": "DescriptionOnly", "Description": "Thanks", "Amount": 99});
    body["Line"].as_array_mut().unwrap().push(text);
    let made = twin.post("invoice", body).await.json["Invoice"].clone();
    assert_eq!(made["TotalAmt"], json!(10));
    assert_eq!(made["Line"][1]["Description"], "Thanks");
    assert_eq!(made["Line"][1]["Amount"], Value::Null);
    let bundle = json!({"DetailType": "GroupLineDetail", "GroupLineDetail": {}});
    let mut body = invoice("1", json!(10));
    body["Line"].as_array_mut().unwrap().push(bundle);
    assert_eq!(twin.post("invoice", body).await.code(), "500");
}
