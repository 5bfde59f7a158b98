//! Writes of several elements: partial commits and outcomes by element.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice, messages};

async fn mixed() -> (Twin, Value) {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let mut bad = invoice(&contact, "I-2", json!(5));
    bad["LineItems"][0]["AccountCode"] = json!("999");
    let body = json!({"Invoices": [
        invoice(&contact, "I-1", json!(1)), bad, invoice(&contact, "I-3", json!(3)),
        invoice(&contact, "I-1", json!(4)),
    ]});
    (twin, body)
}

#[tokio::test]
async fn by_default_the_good_are_saved_and_the_bad_are_told() {
    let (twin, body) = mixed().await;
    let reply = twin.put("Invoices", body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json["Type"], "ValidationException");
    assert_eq!(reply.json["Message"], "A validation exception occurred");
    let elements = reply.json["Elements"].as_array().unwrap();
    let numbers: Vec<&Value> = elements.iter().map(|it| &it["InvoiceNumber"]).collect();
    assert_eq!(numbers, ["I-2", "I-1"]);
    assert_eq!(elements[0]["StatusAttributeString"], Value::Null);
    // The ids of what was saved are lost with the reply.
    assert_eq!(twin.total("Invoice", "GBP").await, json!([2, 0, "4", "4"]));
    let entry = twin.journal().await.pop().unwrap();
    assert_eq!(
        (&entry["status"], &entry["execution"]),
        (&json!(400), &json!("executed"))
    );
    assert_eq!(entry["objects"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_summary_each_element_has_its_outcome() {
    let (twin, body) = mixed().await;
    let reply = twin
        .put("Invoices?summarizeErrors=FALSE&unitdp=4", body)
        .await;
    assert_eq!(reply.status, 200);
    let elements = reply.json["Invoices"].as_array().unwrap();
    let outcomes: Vec<&Value> = elements
        .iter()
        .map(|it| &it["StatusAttributeString"])
        .collect();
    assert_eq!(outcomes, ["OK", "ERROR", "OK", "ERROR"]);
    assert_eq!(messages(&elements[3]), ["Invoice # must be unique."]);
    assert_eq!(
        elements[1]["InvoiceID"],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(elements[1]["HasErrors"], json!(true));
    assert_eq!(elements[0]["HasErrors"], json!(false));
    assert_eq!(elements[2]["InvoiceNumber"], "I-3");
}

#[tokio::test]
async fn contacts_and_payments_flag_their_failures() {
    let twin = Twin::usual().await;
    let body = json!({"Contacts": [{"Name": "Acme"}, {"Name": "Acme"}]});
    let reply = twin.put("Contacts?summarizeErrors=false", body).await;
    assert_eq!(
        reply.json["Contacts"][0]["HasValidationErrors"],
        json!(false)
    );
    assert_eq!(
        reply.json["Contacts"][1]["HasValidationErrors"],
        json!(true)
    );
    assert_eq!(reply.json["Contacts"][1]["StatusAttributeString"], "ERROR");
    let contact = reply.json["Contacts"][0]["ContactID"].as_str().unwrap();
    let made = twin.invoice(contact, "I-1", json!(5)).await;
    let paid = crate::harness::payment(&made, json!(5));
    let twice = json!({"Payments": [paid, paid]});
    let reply = twin.put("Payments?summarizeErrors=false", twice).await;
    assert_eq!(reply.json["Payments"][0]["StatusAttributeString"], "OK");
    assert_eq!(
        reply.json["Payments"][1]["HasValidationErrors"],
        json!(true)
    );
    assert_eq!(twin.total("Payment", "GBP").await[0], json!(1));
}

#[tokio::test]
async fn empty_broken_and_oversized_bodies_are_refused() {
    let twin = Twin::usual().await;
    for body in [json!({"Invoices": []}), json!([1]), json!("x")] {
        let reply = twin.put("Invoices", body).await;
        assert_eq!(
            (reply.status, &reply.json["ErrorNumber"]),
            (400, &json!(17))
        );
    }
    let raw = |body: &'static str, content_type: &str| {
        twin.http()
            .put(twin.url("/api.xro/2.0/Invoices"))
            .header("authorization", format!("Bearer {}", twin.token))
            .header("xero-tenant-id", crate::harness::TENANT)
            .header("accept", "application/json")
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    let broken = raw("{\"Invoices\":", "application/json").await.unwrap();
    let broken = crate::harness::read(broken).await.unwrap();
    assert_eq!(
        (broken.status, &broken.json["ErrorNumber"]),
        (400, &json!(14))
    );
    assert_eq!(raw("<x/>", "application/xml").await.unwrap().status(), 415);
    twin.settings(json!({"bodyBytesMax": 100})).await;
    let large = json!({"Name": "x".repeat(100)});
    assert_eq!(twin.put("Contacts", large).await.status, 413);
    twin.settings(json!({"bodyBytesMax": 1_000_000, "elementsMax": 2}))
        .await;
    let three = json!({"Contacts": [{"Name": "1"}, {"Name": "2"}, {"Name": "3"}]});
    assert_eq!(twin.put("Contacts", three).await.status, 400);
    let rate = json!({"Name": "r", "TaxComponents": [{"Name": "c", "Rate": 5}]});
    let two = json!({"TaxRates": [rate, rate]});
    assert_eq!(twin.put("TaxRates", two).await.status, 400);
    assert_eq!(twin.put("TaxRates", rate).await.status, 200);
}
