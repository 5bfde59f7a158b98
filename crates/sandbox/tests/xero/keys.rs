//! Idempotency keys: six minutes, first replies, conflicts.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Twin, digits, invoice};

#[tokio::test]
async fn a_key_brings_the_first_reply_for_six_minutes() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let mut body = invoice(&contact, "I-1", json!(5));
    body["InvoiceNumber"] = json!(null);
    let first = twin.keyed("Invoices", "k", body.clone()).await;
    twin.advance(359_000).await;
    let second = twin.keyed("Invoices", "k", body.clone()).await;
    assert_eq!(first.text, second.text);
    let entry = twin.journal().await.pop().unwrap();
    assert_eq!(entry["execution"], "replayed");
    assert_eq!(entry["requestid"], "k");
    twin.advance(2_000).await;
    let third = twin.keyed("Invoices", "k", body).await;
    assert_ne!(first.text, third.text, "a forgotten key makes a duplicate");
    assert_eq!(twin.total("Invoice", "GBP").await[0], json!(2));
}

#[tokio::test]
async fn failures_are_replayed_too() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let body = invoice(&contact, "I-1", json!(5));
    twin.fault(json!({"action": {"commitThenStatus": {"code": 500}}, "times": 1}))
        .await;
    for _ in 0..2 {
        let failed = twin.keyed("Invoices", "k", body.clone()).await;
        assert_eq!(failed.status, 500);
    }
    assert_eq!(twin.total("Invoice", "GBP").await[0], json!(1));
    let fresh = twin.keyed("Invoices", "k2", body).await;
    assert_eq!(fresh.messages(), ["Invoice # must be unique."]);
    // A 500 before any effect is remembered as well.
    let other = invoice(&contact, "I-2", json!(5));
    twin.fault(json!({"action": {"status": {"code": 500}}, "times": 1}))
        .await;
    for _ in 0..2 {
        let failed = twin.keyed("Invoices", "k3", other.clone()).await;
        assert_eq!(failed.status, 500);
    }
    assert_eq!(twin.total("Invoice", "GBP").await[0], json!(1));
    // The edge in front of the service remembers nothing.
    twin.fault(json!({"action": {"status": {"code": 503}}, "times": 1}))
        .await;
    assert_eq!(
        twin.keyed("Invoices", "k4", other.clone()).await.status,
        503
    );
    assert_eq!(twin.keyed("Invoices", "k4", other).await.status, 200);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let twin = Twin::usual().await;
    let contact = json!({"Name": "Acme"});
    twin.keyed("Contacts", "k", contact.clone())
        .await
        .only("Contacts");
    let conflicts = [
        twin.keyed("Contacts", "k", json!({"Name": "Other"})).await,
        twin.keyed("Contacts?summarizeErrors=false", "k", contact.clone())
            .await,
        twin.try_call(
            Method::POST,
            "Contacts",
            &[("idempotency-key", "k")],
            &contact,
        )
        .await
        .unwrap(),
    ];
    for conflict in conflicts {
        assert_eq!(conflict.status, 400);
        assert!(conflict.text.contains("is used with a different request"));
    }
    let long = "k".repeat(129);
    assert_eq!(
        twin.keyed("Contacts", &long, json!({"Name": "B"}))
            .await
            .status,
        400
    );
    let longest = "k".repeat(128);
    assert_eq!(
        twin.keyed("Contacts", &longest, json!({"Name": "B"}))
            .await
            .status,
        200
    );
    // Reads have no use for a key.
    let headers = [("idempotency-key", "k")];
    let read = twin
        .try_call(Method::GET, "Contacts", &headers, &json!(null))
        .await;
    assert_eq!(read.unwrap().status, 200);
}

#[tokio::test]
async fn replays_count_against_the_limits() {
    let twin = Twin::usual().await;
    twin.settings(json!({"limits": {"perDay": 2}})).await;
    let body = json!({"Name": "Acme"});
    for expected in [200, 200, 429] {
        let reply = twin.keyed("Contacts", "k", body.clone()).await;
        assert_eq!(reply.status, expected);
    }
}

#[tokio::test]
async fn a_lost_reply_comes_back_under_its_key() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let body = invoice(&contact, "I-1", json!(5));
    twin.fault(json!({"action": "commitThenDrop", "times": 1}))
        .await;
    let headers = [("idempotency-key", "k")];
    let lost = twin
        .try_call(Method::PUT, "Invoices", &headers, &body)
        .await;
    assert!(lost.is_err());
    let again = twin.keyed("Invoices", "k", body).await.only("Invoices");
    assert_eq!(digits(&again, "Total"), "5.00");
    assert_eq!(twin.total("Invoice", "GBP").await[0], json!(1));
}
