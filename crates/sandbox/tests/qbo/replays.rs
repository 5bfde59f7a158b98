//! `requestid`: replay of first replies.

use serde_json::{Value, json};

use crate::harness::{Twin, invoice};

#[tokio::test]
async fn the_first_reply_is_sent_again_word_for_word() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let first = twin
        .post("invoice?requestid=k1", invoice("1", json!(10)))
        .await;
    let again = twin
        .post("invoice?requestid=k1", invoice("1", json!(10)))
        .await;
    assert_eq!(again.text, first.text);
    assert_ne!(again.intuit_tid, first.intuit_tid);
    let other = twin
        .post("invoice?requestid=k2", invoice("1", json!(10)))
        .await;
    assert_eq!(other.json["Invoice"]["Id"], "2");
    assert_eq!(twin.journal().await[2]["execution"], "replayed");
}

#[tokio::test]
async fn a_replay_outlives_the_object_and_looks_at_neither_body_nor_path() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    let first = twin
        .post("invoice?requestid=k", invoice("1", json!(10)))
        .await;
    let target = json!({"Id": "1", "SyncToken": "0"});
    twin.post("invoice?operation=delete", target).await;
    let again = twin
        .post("invoice?requestid=k", invoice("1", json!(10)))
        .await;
    assert_eq!(again.text, first.text);
    assert!(twin.ids("select * from Invoice").await.is_empty());
    let strange = twin
        .post("customer?requestid=k", json!({"DisplayName": "B"}))
        .await;
    assert_eq!(strange.text, first.text);
}

#[tokio::test]
async fn a_key_is_forgotten_after_its_life() {
    let twin = Twin::usual().await;
    twin.settings(json!({"requestIdLifeMs": 10_000})).await;
    twin.customer("Acme").await;
    let path = "invoice?requestid=k";
    twin.post(path, invoice("1", json!(10))).await;
    twin.advance(5_000).await;
    let within = twin.post(path, invoice("1", json!(10))).await;
    assert_eq!(within.json["Invoice"]["Id"], "1");
    twin.advance(6_000).await;
    let after = twin.post(path, invoice("1", json!(10))).await;
    assert_eq!(after.json["Invoice"]["Id"], "2");
}

#[tokio::test]
async fn faults_are_replayed_only_when_told_to() {
    let twin = Twin::usual().await;
    let path = "invoice?requestid=k";
    let refused = twin.post(path, invoice("1", json!(10))).await;
    assert_eq!(refused.code(), "2500");
    twin.customer("Acme").await;
    assert_eq!(twin.post(path, invoice("1", json!(10))).await.status, 200);
    twin.settings(json!({"storeFaults": true})).await;
    let path = "invoice?requestid=f";
    let refused = twin.post(path, invoice("2", json!(10))).await;
    twin.customer("Second").await;
    let again = twin.post(path, invoice("2", json!(10))).await;
    assert_eq!((again.status, &again.text), (400, &refused.text));
}

#[tokio::test]
async fn keys_have_lengths() {
    let twin = Twin::usual().await;
    let customer = |name: &str| json!({"DisplayName": name});
    let path = |length: usize| format!("customer?requestid={}", "k".repeat(length));
    assert_eq!(twin.post(&path(50), customer("A")).await.status, 200);
    assert_eq!(twin.post(&path(51), customer("B")).await.code(), "2050");
    let batch = |b_id: &str, name: &str| {
        json!({"BatchItemRequest": [
            {"bId": b_id, "operation": "create", "Customer": customer(name)},
        ]})
    };
    let path = |length: usize| format!("batch?requestid={}", "b".repeat(length));
    let long = twin.post(&path(37), batch("1", "C")).await;
    assert_eq!((long.status, long.code()), (400, "2050"));
    let element = twin.post(&path(36), batch("elevenchars", "D")).await;
    let fault = &element.json["BatchItemResponse"][0]["Fault"]["Error"][0];
    assert_eq!((element.status, &fault["code"]), (200, &json!("2050")));
    let keyless = twin.post("batch", batch("elevenchars", "E")).await;
    assert_eq!(
        keyless.json["BatchItemResponse"][0]["Customer"]["DisplayName"],
        "E"
    );
}

#[tokio::test]
async fn a_batch_element_is_known_by_request_and_element_together() {
    let twin = Twin::usual().await;
    let element = |b_id: &str, name: &str| json!({"bId": b_id, "operation": "create", "Customer": {"DisplayName": name}});
    let send = |elements: Value| json!({"BatchItemRequest": elements});
    let first = twin
        .post(
            "batch?requestid=r",
            send(json!([element("1", "A"), element("2", "B")])),
        )
        .await;
    let again = twin
        .post(
            "batch?requestid=r",
            send(json!([
                element("2", "B"),
                element("1", "A"),
                element("3", "C")
            ])),
        )
        .await;
    let (old, new) = (
        &first.json["BatchItemResponse"],
        &again.json["BatchItemResponse"],
    );
    assert_eq!((&new[0], &new[1]), (&old[1], &old[0]));
    assert_eq!(new[2]["Customer"]["Id"], "3");
    assert_eq!(twin.ids("select * from Customer").await.len(), 3);
}
