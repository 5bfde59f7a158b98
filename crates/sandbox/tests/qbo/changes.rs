//! Change data capture: what changed since an instant, and what is told of the deleted.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice, payment, settles};

/// An instant before everything a test does.
const SINCE: &str = "%2B00:00";

async fn since(twin: &Twin, entities: &str, minutes_ago: i64) -> Value {
    let now = twin.advance_and_tell(0).await;
    let at = now - chrono::TimeDelta::minutes(minutes_ago);
    let at = at.format("%Y-%m-%dT%H:%M:%S").to_string();
    let path = format!("cdc?entities={entities}&changedSince={at}{SINCE}");
    let reply = twin.get(&path).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["CDCResponse"][0]["QueryResponse"].clone()
}

#[tokio::test]
async fn changes_come_in_blocks_with_stubs_after_live_objects() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    for _ in 0..3 {
        twin.invoice("1", json!(10)).await;
    }
    let key = json!({"Id": "1", "SyncToken": "0"});
    twin.post("invoice?operation=delete", key).await;
    twin.post(
        "invoice?operation=void",
        json!({"Id": "2", "SyncToken": "0"}),
    )
    .await;
    let blocks = since(&twin, "Invoice,Customer,Payment", 1).await;
    let invoices = &blocks[0];
    assert_eq!(invoices["startPosition"], json!(1));
    assert_eq!(invoices["maxResults"], json!(3));
    assert_eq!(invoices["totalCount"], json!(3));
    let ids: Vec<&str> = invoices["Invoice"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["Id"].as_str().unwrap())
        .collect();
    // In the order of the changes; the voided one is alive, the deleted one is a stub at the end.
    assert_eq!(ids, ["3", "2", "1"]);
    assert_eq!(invoices["Invoice"][1]["PrivateNote"], "Voided");
    let stub = &invoices["Invoice"][2];
    assert_eq!(stub["status"], "Deleted");
    assert_eq!(stub.get("TotalAmt"), None);
    assert!(stub["MetaData"]["LastUpdatedTime"].is_string());
    assert_eq!(blocks[1]["Customer"][0]["DisplayName"], "Acme");
    assert_eq!(blocks[2], json!({}));
}

#[tokio::test]
async fn a_block_of_stubs_has_no_start() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    twin.invoice("1", json!(10)).await;
    let key = json!({"Id": "1", "SyncToken": "0"});
    twin.post("invoice?operation=delete", key).await;
    let block = since(&twin, "Invoice", 1).await[0].clone();
    assert_eq!(block.get("startPosition"), None);
    assert_eq!(block["maxResults"], json!(1));
}

#[tokio::test]
async fn a_payment_makes_its_invoice_change() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let due = twin.invoice("1", json!(10)).await;
    twin.advance(1_800_000).await;
    assert_eq!(since(&twin, "Invoice", 1).await[0], json!({}));
    twin.post("payment", payment("1", json!(10), vec![settles(&due, 10)]))
        .await;
    let blocks = since(&twin, "Payment,Invoice", 1).await;
    assert_eq!(blocks[0]["Payment"][0]["Id"], "2");
    assert_eq!(blocks[1]["Invoice"][0]["Balance"].to_string(), "0");
    assert_eq!(blocks[1]["Invoice"][0]["SyncToken"], "1");
}

#[tokio::test]
async fn a_thousand_objects_end_the_reply() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    for _ in 0..34 {
        let element = |index: usize| json!({"bId": index.to_string(), "operation": "create", "Invoice": invoice("1", json!(1))});
        let elements: Vec<Value> = (0..30).map(element).collect();
        let body = json!({"BatchItemRequest": elements});
        assert_eq!(twin.post("batch", body).await.status, 200);
    }
    let blocks = since(&twin, "Invoice,Customer", 1).await;
    assert_eq!(blocks[0]["maxResults"], json!(1000));
    assert_eq!(blocks[1], json!({}));
}

#[tokio::test]
async fn wrong_questions_are_refused() {
    let twin = Twin::usual().await;
    for (query, code) in [
        ("entities=Invoice", "2020"),
        ("changedSince=2026-01-01", "2020"),
        ("entities=Invoice&changedSince=lately", "4001"),
        ("entities=Invoice&changedSince=2020-01-01", "4001"),
        ("entities=TaxCode&changedSince=2026-01-01", "500"),
        ("entities=Nonsense&changedSince=2026-01-01", "500"),
    ] {
        let reply = twin.get(&format!("cdc?{query}")).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{query}");
    }
}
