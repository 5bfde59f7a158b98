//! Invoices: arithmetic, numbers, statuses, editing, lock dates, currencies.

use serde_json::{Value, json};

use crate::harness::{Twin, digits, id, invoice, line, messages};

const NOT_MODIFIABLE: &str = "Invoice not of valid status for modification";
const ALLOCATED: &str = "Invoice not of valid status for modification This document cannot be \
                         edited as it has a payment or credit note allocated to it.";

/// A twin, a contact and a body whose lines are these.
async fn with_lines(types: &str, lines: Value) -> (Twin, Value) {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let mut body = invoice(&contact, "I-1", json!(1));
    body["LineAmountTypes"] = json!(types);
    body["LineItems"] = lines;
    (twin, body)
}

#[tokio::test]
async fn tax_is_rounded_by_line_and_summed() {
    // 20 % of 0.13 is 0.026: three times 0.03, and not 0.08 on the whole.
    let lines = json!([line(json!(0.13)), line(json!(0.13)), line(json!(0.13))]);
    let (twin, body) = with_lines("Exclusive", lines.clone()).await;
    let made = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(digits(&made, "SubTotal"), "0.39");
    assert_eq!(digits(&made, "TotalTax"), "0.09");
    assert_eq!(digits(&made, "Total"), "0.48");
    assert_eq!(digits(&made, "AmountDue"), "0.48");
    assert_eq!(digits(&made["LineItems"][0], "TaxAmount"), "0.03");
    assert_eq!(made["LineItems"][0]["TaxType"], "OUTPUT2");
    // 0.13 × 20 / 120 = 0.0216…
    let (twin, body) = with_lines("Inclusive", lines).await;
    let made = twin.put("Invoices", body).await.only("Invoices");
    assert_eq!(digits(&made, "Total"), "0.39");
    assert_eq!(digits(&made, "TotalTax"), "0.06");
    assert_eq!(digits(&made, "SubTotal"), "0.33");
}

#[tokio::test]
async fn prices_keep_two_places_or_four() {
    let mut priced = line(json!(0.3355));
    priced["Quantity"] = json!(3);
    let (twin, mut body) = with_lines("NoTax", json!([priced])).await;
    let two = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(digits(&two["LineItems"][0], "UnitAmount"), "0.34");
    assert_eq!(digits(&two, "Total"), "1.02");
    body["InvoiceNumber"] = json!("I-2");
    let four = twin.put("Invoices?unitdp=4", body.clone()).await;
    let four = four.only("Invoices");
    assert_eq!(digits(&four["LineItems"][0], "UnitAmount"), "0.3355");
    assert_eq!(digits(&four, "Total"), "1.01", "1.0065 rounded once");
    let read = twin.get("Invoices/I-2").await.only("Invoices");
    assert_eq!(digits(&read["LineItems"][0], "UnitAmount"), "0.34");
    let read = twin.get("Invoices/I-2?unitDP=4").await.only("Invoices");
    assert_eq!(digits(&read["LineItems"][0], "UnitAmount"), "0.3355");
    body["LineItems"][0]["UnitAmount"] = json!(0.000_029);
    body["InvoiceNumber"] = json!("I-3");
    let collapsed = twin.put("Invoices?unitdp=4", body).await;
    assert_eq!(
        collapsed.messages(),
        ["Account must be valid.", "Tax rate must be valid."]
    );
}

#[tokio::test]
async fn discounts_are_taken_off_the_line() {
    let mut rated = line(json!(10));
    rated["DiscountRate"] = json!(12.5);
    let mut fixed = line(json!(10));
    fixed["DiscountAmount"] = json!(2.5);
    let (twin, mut body) = with_lines("NoTax", json!([rated, fixed])).await;
    let made = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(digits(&made["LineItems"][0], "LineAmount"), "8.75");
    assert_eq!(digits(&made["LineItems"][1], "LineAmount"), "7.50");
    assert_eq!(digits(&made, "TotalDiscount"), "3.75");
    assert_eq!(made["IsDiscounted"], json!(true));
    body["InvoiceNumber"] = json!("I-2");
    body["LineItems"][0]["DiscountAmount"] = json!(1);
    assert_eq!(twin.put("Invoices", body).await.status, 400);
}

#[tokio::test]
async fn line_amounts_must_agree_and_tax_amounts_may_be_given() {
    let mut agreed = line(json!(3));
    agreed["LineAmount"] = json!(3);
    agreed["TaxAmount"] = json!(0.59);
    let mut only_amount = json!({"Description": "x", "AccountCode": "200", "LineAmount": 10});
    only_amount["Quantity"] = json!(4);
    let text = json!({"Description": "just words"});
    let (twin, mut body) = with_lines("Exclusive", json!([agreed, only_amount, text])).await;
    let made = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(digits(&made["LineItems"][0], "TaxAmount"), "0.59");
    assert_eq!(digits(&made["LineItems"][1], "UnitAmount"), "2.50");
    assert_eq!(digits(&made, "Total"), "15.59");
    assert_eq!(made["LineItems"][2]["Quantity"], Value::Null);
    body["LineItems"][0]["LineAmount"] = json!(4);
    body["InvoiceNumber"] = json!("I-2");
    let refused = twin.put("Invoices", body).await;
    assert_eq!(
        refused.messages(),
        ["The line total 4 does not match the expected line total 3"]
    );
}

#[tokio::test]
async fn lines_refer_to_accounts_taxes_and_items_that_exist() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let archive = json!({
        "entity": "Account", "action": "archive",
        "id": twin.get("Accounts?where=Code==\"270\"").await.only("Accounts")["AccountID"],
    });
    assert_eq!(twin.human(archive).await.status, 200);
    for (member, value, message) in [
        (
            "AccountCode",
            "999",
            "Account code '999' is not a valid code for this document.",
        ),
        (
            "AccountCode",
            "090",
            "Account code '090' is not a valid code for this document.",
        ),
        (
            "AccountCode",
            "610",
            "Account code '610' is not a valid code for this document.",
        ),
        (
            "AccountCode",
            "270",
            "Account code '270' has been archived, or has been deleted. Each line item must \
             reference a valid account.",
        ),
        (
            "TaxType",
            "BANANA",
            "The TaxType code BANANA does not exist or cannot be used for this type of \
             transaction",
        ),
        (
            "TaxType",
            "INPUT2",
            "The TaxType code 'INPUT2' cannot be used with account code '200'.",
        ),
        ("ItemCode", "nope", "Item code 'nope' is not valid"),
    ] {
        let mut body = invoice(&contact, "I-1", json!(5));
        body["LineAmountTypes"] = json!("Exclusive");
        body["LineItems"][0][member] = json!(value);
        assert_eq!(twin.put("Invoices", body).await.messages(), [message]);
    }
    let mut body = invoice(&contact, "I-1", json!(5));
    body["LineItems"][0]["AccountCode"] = Value::Null;
    let none = twin.put("Invoices", body.clone()).await;
    assert_eq!(none.messages(), ["Account must be valid."]);
    let details = json!({"UnitPrice": 7.5, "AccountCode": "260", "TaxType": "RROUTPUT"});
    let item = json!({"Code": "hour", "SalesDetails": details});
    twin.put("Items", item).await.only("Items");
    body["LineAmountTypes"] = json!("Exclusive");
    body["LineItems"] = json!([{"Description": "x", "ItemCode": "hour", "Quantity": 2}]);
    let made = twin.put("Invoices", body).await.only("Invoices");
    assert_eq!(made["LineItems"][0]["AccountCode"], "260");
    assert_eq!(digits(&made, "SubTotal"), "15.00");
    assert_eq!(digits(&made, "TotalTax"), "0.75");
}

#[tokio::test]
async fn put_refuses_a_number_that_post_updates() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let made = twin.invoice(&contact, "I-1", json!(5)).await;
    let again = twin
        .put("Invoices", invoice(&contact, "I-1", json!(6)))
        .await;
    assert_eq!(again.messages(), ["Invoice # must be unique."]);
    let element = &again.json["Elements"][0];
    assert_eq!(element["InvoiceID"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(element["HasErrors"], json!(true));
    assert_eq!(element["InvoiceNumber"], "I-1");
    let posted = twin.post("Invoices", invoice(&contact, "I-1", json!(6)));
    let posted = posted.await.only("Invoices");
    assert_eq!(posted["InvoiceID"], made["InvoiceID"]);
    assert_eq!(digits(&posted, "Total"), "6.00");
    // Bills may repeat a number; ids are the service's to make.
    for _ in 0..2 {
        let mut bill = invoice(&contact, "I-1", json!(5));
        bill["Type"] = json!("ACCPAY");
        bill["LineItems"][0]["AccountCode"] = json!("400");
        assert_eq!(twin.put("Invoices", bill).await.status, 200);
    }
    let mut own_id = invoice(&contact, "I-2", json!(5));
    own_id["InvoiceID"] = json!("11111111-1111-4111-8111-111111111111");
    assert_eq!(twin.put("Invoices", own_id.clone()).await.status, 400);
    assert_eq!(twin.post("Invoices", own_id).await.status, 400);
    let mut unnumbered = invoice(&contact, "", json!(5));
    unnumbered["InvoiceNumber"] = Value::Null;
    let numbered = twin.put("Invoices", unnumbered).await.only("Invoices");
    assert_eq!(numbered["InvoiceNumber"], "INV-0001");
    // The number of a voided invoice stays taken.
    let void = json!({"InvoiceID": made["InvoiceID"], "Status": "VOIDED"});
    assert_eq!(twin.post("Invoices", void).await.status, 200);
    assert_eq!(
        twin.put("Invoices", invoice(&contact, "I-1", json!(5)))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn statuses_follow_the_machine() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    for refused in ["PAID", "VOIDED", "DELETED"] {
        let mut body = invoice(&contact, "I-0", json!(5));
        body["Status"] = json!(refused);
        let refused = twin.put("Invoices", body).await;
        assert_eq!(
            refused.messages(),
            ["Invoice not of valid status for creation"]
        );
    }
    for (number, path, last_is_ok) in [
        (
            "A",
            vec!["DRAFT", "SUBMITTED", "DRAFT", "AUTHORISED", "VOIDED"],
            true,
        ),
        ("B", vec!["DRAFT", "DELETED"], true),
        ("C", vec!["SUBMITTED", "DELETED"], true),
        ("D", vec!["DRAFT", "VOIDED"], false),
        ("E", vec!["AUTHORISED", "DELETED"], false),
        ("F", vec!["AUTHORISED", "DRAFT"], false),
        ("G", vec!["AUTHORISED", "VOIDED", "AUTHORISED"], false),
        ("H", vec!["DRAFT", "DELETED", "DRAFT"], false),
    ] {
        let mut body = invoice(&contact, number, json!(5));
        body["Status"] = json!(path[0]);
        let made = twin.put("Invoices", body).await.only("Invoices");
        for (index, status) in path[1..].iter().enumerate() {
            let change = json!({"InvoiceID": made["InvoiceID"], "Status": status});
            let changed = twin.post("Invoices", change).await;
            if index + 2 == path.len() && !last_is_ok {
                assert_eq!(changed.messages(), [NOT_MODIFIABLE], "{number}");
            } else {
                assert_eq!(changed.only("Invoices")["Status"], *status, "{number}");
            }
        }
    }
    let voided = twin.get("Invoices/A").await.only("Invoices");
    assert_eq!(digits(&voided, "AmountDue"), "0.00");
    // A draft may be incomplete; approval needs lines.
    let draft = json!({
        "Type": "ACCREC", "Contact": {"ContactID": contact}, "InvoiceNumber": "Z",
    });
    let draft = twin.put("Invoices", draft).await.only("Invoices");
    let approve = json!({"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"});
    let refused = twin.post("Invoices", approve).await;
    assert_eq!(
        refused.messages(),
        ["One or more line items must be specified"]
    );
}

#[tokio::test]
async fn a_status_is_changed_by_the_number_in_the_path() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    twin.invoice(&contact, "I 1/2", json!(5)).await;
    let void = json!({"Status": "VOIDED"});
    let voided = twin.post("Invoices/I%201%2F2", void.clone()).await;
    assert_eq!(voided.only("Invoices")["Status"], "VOIDED");
    assert_eq!(twin.post("Invoices/none", void).await.status, 404);
}

#[tokio::test]
async fn lines_are_changed_added_and_left_out() {
    let (twin, body) = with_lines("NoTax", json!([line(json!(1)), line(json!(2))])).await;
    let made = twin.put("Invoices", body).await.only("Invoices");
    let second = &made["LineItems"][1]["LineItemID"];
    let change = json!({
        "InvoiceID": made["InvoiceID"],
        "LineItems": [{"LineItemID": second, "UnitAmount": 20}, line(json!(3))],
    });
    let changed = twin.post("Invoices", change).await.only("Invoices");
    assert_eq!(digits(&changed, "Total"), "23.00");
    assert_eq!(&changed["LineItems"][0]["LineItemID"], second);
    assert_eq!(changed["LineItems"][0]["Description"], "Work");
    assert_ne!(
        changed["LineItems"][1]["LineItemID"],
        made["LineItems"][0]["LineItemID"]
    );
    let first = &made["LineItems"][0]["LineItemID"];
    let gone = json!({
        "InvoiceID": made["InvoiceID"], "LineItems": [{"LineItemID": first, "UnitAmount": 1}],
    });
    assert_eq!(twin.post("Invoices", gone).await.status, 400);
    let note = json!({"InvoiceID": made["InvoiceID"], "Reference": "r"});
    let note = twin.post("Invoices", note).await.only("Invoices");
    assert_eq!(
        (digits(&note, "Total"), &note["Reference"]),
        ("23.00".to_owned(), &json!("r"))
    );
}

#[tokio::test]
async fn a_paid_invoice_keeps_its_money_and_changes_its_words() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let made = twin.invoice(&contact, "I-1", json!(5)).await;
    assert_eq!(twin.pay(&made, json!(2)).await.status, 200);
    let invoice_id = &made["InvoiceID"];
    let line_id = &made["LineItems"][0]["LineItemID"];
    let words = json!({
        "InvoiceID": invoice_id, "Reference": "r", "DueDate": "2026-05-01",
        "LineItems": [{"LineItemID": line_id, "Description": "Other", "AccountCode": "260"}],
    });
    let changed = twin.post("Invoices", words).await.only("Invoices");
    assert_eq!(changed["LineItems"][0]["AccountCode"], "260");
    assert_eq!(changed["DueDateString"], "2026-05-01T00:00:00");
    for money in [
        json!({"LineItems": [{"LineItemID": line_id, "UnitAmount": 6}]}),
        json!({"LineItems": [line(json!(5))]}),
        json!({"Date": "2026-03-02"}),
    ] {
        let mut body = money;
        body["InvoiceID"] = invoice_id.clone();
        assert_eq!(twin.post("Invoices", body).await.messages(), [ALLOCATED]);
    }
    let void = json!({"InvoiceID": invoice_id, "Status": "VOIDED"});
    assert_eq!(
        twin.post("Invoices", void).await.messages(),
        [
            "The status VOIDED cannot be applied to the invoice because it has payments or credit \
          notes allocated to it."
        ]
    );
}

#[tokio::test]
async fn lock_dates_bind_what_is_approved() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let before = twin.invoice(&contact, "I-0", json!(5)).await;
    twin.profile(json!({"periodLockDate": "2026-03-01"})).await;
    let period = "The document date cannot be before the period lock date, currently set at 01 \
                  March 2026";
    let year = "The document date cannot be before the end of year lock date, currently set at 31 \
                December 2025";
    let locked = twin
        .put("Invoices", invoice(&contact, "I-1", json!(5)))
        .await;
    assert_eq!(locked.messages(), [period]);
    let mut draft = invoice(&contact, "I-1", json!(5));
    draft["Status"] = json!("DRAFT");
    let draft = twin.put("Invoices", draft).await.only("Invoices");
    let approve = json!({"InvoiceID": draft["InvoiceID"], "Status": "AUTHORISED"});
    assert_eq!(
        twin.post("Invoices", approve.clone()).await.messages(),
        [period]
    );
    for change in [json!({"Reference": "r"}), json!({"Status": "VOIDED"})] {
        let mut change = change;
        change["InvoiceID"] = before["InvoiceID"].clone();
        assert_eq!(twin.post("Invoices", change).await.messages(), [period]);
    }
    let mut later = invoice(&contact, "I-2", json!(5));
    later["Date"] = json!("2026-03-02");
    assert_eq!(twin.put("Invoices", later).await.status, 200);
    twin.profile(json!({"adviser": true, "endOfYearLockDate": "2025-12-31"}))
        .await;
    assert_eq!(twin.post("Invoices", approve).await.status, 200);
    let mut old = invoice(&contact, "I-3", json!(5));
    old["Date"] = json!("2025-12-31");
    assert_eq!(twin.put("Invoices", old.clone()).await.messages(), [year]);
    twin.profile(json!({"adviser": false})).await;
    assert_eq!(twin.put("Invoices", old).await.messages(), [period, year]);
    let organisation = twin.get("Organisation").await.only("Organisations");
    assert_eq!(organisation["PeriodLockDate"], "/Date(1772323200000+0000)/");
}

#[tokio::test]
async fn currencies_are_subscribed_to_and_have_rates() {
    let profile = json!({"currencies": ["USD", "NZD"], "exchangeRates": {"USD": "1.25"}});
    let twin = Twin::start(profile).await;
    let contact = twin.contact("Acme").await;
    let mut body = invoice(&contact, "I-1", json!(5));
    body["CurrencyCode"] = json!("USD");
    let made = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(digits(&made, "CurrencyRate"), "1.250000");
    body["InvoiceNumber"] = json!("I-2");
    body["CurrencyRate"] = json!(1.300_000_4);
    let made = twin.put("Invoices", body.clone()).await.only("Invoices");
    assert_eq!(digits(&made, "CurrencyRate"), "1.300000");
    body["InvoiceNumber"] = json!("I-3");
    body["CurrencyRate"] = json!(12.5);
    let odd = twin
        .put("Invoices?summarizeErrors=false", body.clone())
        .await;
    let odd = odd.only("Invoices");
    assert_eq!(odd["StatusAttributeString"], "WARNING");
    assert_eq!(odd["Warnings"].as_array().unwrap().len(), 1);
    body["CurrencyCode"] = json!("JPY");
    body["InvoiceNumber"] = json!("I-4");
    let refused = twin.put("Invoices", body).await;
    assert_eq!(
        refused.messages(),
        ["Organisation is not subscribed to currency JPY"]
    );
    let currencies = twin.get("Currencies").await;
    let codes = currencies.json["Currencies"].as_array().unwrap().iter();
    let codes: Vec<&Value> = codes.map(|currency| &currency["Code"]).collect();
    assert_eq!(codes, ["GBP", "NZD", "USD"]);
    assert_eq!(twin.total("Invoice", "USD").await[0], json!(3));
}

#[tokio::test]
async fn tracking_is_chosen_by_name_or_id() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let region = json!({"Name": "Region"});
    let region = twin.put("TrackingCategories", region).await;
    let region = id(&region.only("TrackingCategories"), "TrackingCategoryID");
    let path = format!("TrackingCategories/{region}/Options");
    let north = twin
        .put(&path, json!({"Name": "North"}))
        .await
        .only("Options");
    let mut body = invoice(&contact, "I-1", json!(5));
    body["LineItems"][0]["Tracking"] = json!([{"Name": "Region", "Option": "North"}]);
    let made = twin.put("Invoices", body.clone()).await.only("Invoices");
    let choice = &made["LineItems"][0]["Tracking"][0];
    assert_eq!(choice["TrackingOptionID"], north["TrackingOptionID"]);
    body["InvoiceNumber"] = json!("I-2");
    body["LineItems"][0]["Tracking"] = json!([{"Name": "Region", "Option": "South"}]);
    assert_eq!(twin.put("Invoices", body).await.status, 400);
    for (name, status) in [("Product", 200), ("Third", 400)] {
        let made = twin.put("TrackingCategories", json!({"Name": name})).await;
        assert_eq!(made.status, status);
    }
}

#[tokio::test]
async fn types_that_cannot_be_read_fail_the_whole_request() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let good = invoice(&contact, "I-1", json!(5));
    for (pointer, value) in [
        ("/LineItems/0/Quantity", json!("two")),
        ("/Date", json!("01/03/2026")),
        ("/Contact/ContactID", json!("c-1")),
        ("/LineItems", json!({})),
    ] {
        let mut bad = good.clone();
        bad["InvoiceNumber"] = json!("I-2");
        *bad.pointer_mut(pointer).unwrap() = value;
        let both = json!({"Invoices": [good, bad]});
        let refused = twin.put("Invoices?summarizeErrors=false", both).await;
        assert_eq!(
            (refused.status, &refused.json["ErrorNumber"]),
            (400, &json!(14))
        );
    }
    assert_eq!(twin.total("Invoice", "GBP").await[0], Value::Null);
    let texts = json!({"Invoices": [good]});
    let mut texts = texts;
    texts["Invoices"][0]["LineItems"][0]["UnitAmount"] = json!("5.10");
    let made = twin.put("Invoices", texts).await.only("Invoices");
    assert_eq!(digits(&made, "Total"), "5.10");
    assert_eq!(made["Date"], "/Date(1772323200000+0000)/");
    assert_eq!(made["DateString"], "2026-03-01T00:00:00");
    let banana = json!({"Type": "BANANA", "Contact": {"ContactID": contact}});
    let banana = twin.put("Invoices?SummarizeErrors=False", banana).await;
    assert_eq!(messages(&banana.only("Invoices")).len(), 1);
}
