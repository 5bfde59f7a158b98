//! Fault rules: what the caller sees, and what happened in the books.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Twin, invoice};

const INVOICES: &str = "select * from Invoice orderby Id";

async fn company() -> Twin {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    twin
}

fn on_create(action: Value) -> Value {
    json!({"match": {"operation": "create", "entity": "Invoice"}, "action": action, "times": 1})
}

#[tokio::test]
async fn a_dropped_request_has_no_effect() {
    let twin = company().await;
    twin.fault(on_create(json!("dropBefore"))).await;
    let lost = twin.try_post("invoice", &invoice("1", json!(10))).await;
    assert!(lost.is_err());
    assert!(twin.ids(INVOICES).await.is_empty());
    let entry = twin.journal().await[1].clone();
    assert_eq!(entry["execution"], "notReached");
    assert_eq!(entry["fault"], "dropBefore");
    assert_eq!(entry["status"], Value::Null);
    assert_eq!(twin.invoice("1", json!(10)).await["Id"], "1");
}

#[tokio::test]
async fn a_lost_reply_hides_a_commit_and_the_key_brings_it_back() {
    let twin = company().await;
    twin.fault(on_create(json!("commitThenDrop"))).await;
    let path = "invoice?requestid=k";
    let lost = twin.try_post(path, &invoice("1", json!(10))).await;
    assert!(lost.is_err());
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
    let again = twin.post(path, invoice("1", json!(10))).await;
    assert_eq!(again.json["Invoice"]["Id"], "1");
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
    let entry = twin.journal().await[1].clone();
    assert_eq!(entry["execution"], "executed");
    assert_eq!(entry["reply"], Value::Null);
    assert_eq!(entry["objects"][0]["action"], "created");
}

#[tokio::test]
async fn a_hanging_reply_hides_a_commit_too() {
    let twin = company().await;
    twin.fault(on_create(json!({"commitThenHang": {"ms": 600_000}})))
        .await;
    let body = invoice("1", json!(10));
    tokio::select! {
        _ = twin.try_post("invoice", &body) => panic!("it should hang"),
        () = twin.until(async || !twin.ids(INVOICES).await.is_empty()) => {}
    }
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_request() {
    let twin = company().await;
    twin.settings(json!({"processingMs": 1500})).await;
    let body = invoice("1", json!(10));
    tokio::select! {
        _ = twin.try_post("invoice", &body) => panic!("it should take longer"),
        () = twin.until(async || twin.in_progress().await == 1) => {}
    }
    twin.settings(json!({"processingMs": 0})).await;
    twin.until(async || !twin.ids(INVOICES).await.is_empty())
        .await;
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
}

#[tokio::test]
async fn a_late_reply_is_right() {
    let twin = company().await;
    for when in ["before", "after"] {
        let delay = json!({"delay": {"ms": 30, "when": when}});
        twin.fault(on_create(delay)).await;
        let made = twin.post("invoice", invoice("1", json!(10))).await;
        assert_eq!(made.status, 200);
    }
    assert_eq!(twin.ids(INVOICES).await.len(), 2);
}

#[tokio::test]
async fn status_pages_come_without_effect_or_after_it() {
    let twin = company().await;
    for code in [500, 502, 503] {
        twin.fault(on_create(json!({"status": {"code": code}})))
            .await;
        let page = twin.post("invoice", invoice("1", json!(10))).await;
        assert_eq!(page.status, code);
        assert_eq!(page.content_type, "text/html");
        assert!(page.text.starts_with("<html>"));
    }
    twin.fault(on_create(json!({"status": {"code": 429}})))
        .await;
    let throttled = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!((throttled.status, throttled.code()), (429, "3001"));
    assert!(twin.ids(INVOICES).await.is_empty());
    let own = json!({"status": {"code": 500, "body": "{\"odd\":1}"}});
    twin.fault(on_create(own)).await;
    let page = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!((page.status, &page.json), (500, &json!({"odd": 1})));
    let after = json!({"commitThenStatus": {"code": 504}});
    twin.fault(on_create(after)).await;
    let page = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!(page.status, 504);
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
}

#[tokio::test]
async fn a_reply_is_cut_with_the_wrong_or_the_right_length() {
    let twin = company().await;
    twin.fault(on_create(json!({"truncate": {}}))).await;
    let cut = twin.try_post("invoice", &invoice("1", json!(10))).await;
    assert!(cut.is_err());
    twin.fault(on_create(json!({"truncate": {"lengthMatches": true}})))
        .await;
    let cut = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!(cut.status, 200);
    assert!(cut.text.len() > 100 && cut.json.is_null());
    assert_eq!(twin.ids(INVOICES).await.len(), 2);
}

#[tokio::test]
async fn replies_lie() {
    let twin = company().await;
    let wrong = json!({"wrongBody": {"body": "[]"}});
    twin.fault(on_create(wrong)).await;
    let reply = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "[]"));
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
    twin.fault(on_create(json!({"okWithFault": {"code": "6000"}})))
        .await;
    let reply = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!((reply.status, reply.code()), (200, "6000"));
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
    twin.fault(on_create(json!({"okWithFault": {"executed": true}})))
        .await;
    let reply = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!((reply.status, reply.code()), (200, "10000"));
    assert_eq!(twin.ids(INVOICES).await, ["1", "2"]);
    twin.fault(on_create(json!("replyForOther"))).await;
    let reply = twin.post("invoice", invoice("1", json!(10))).await;
    assert_eq!(reply.json["Invoice"]["Id"], "2");
    assert_eq!(twin.ids(INVOICES).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn rules_skip_count_and_match() {
    let twin = company().await;
    let refuse = json!({"status": {"code": 503}});
    twin.fault(json!([
        {"match": {"operation": "create", "entity": "Invoice", "bodyContains": "marked"},
         "action": refuse, "skip": 1, "times": 2},
        {"match": {"method": "GET", "pathContains": "/customer/", "realm": "1"}, "action": refuse},
    ]))
    .await;
    let mut marked = invoice("1", json!(10));
    marked["PrivateNote"] = json!("marked");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(twin.post("invoice", marked.clone()).await.status);
        assert_eq!(
            twin.post("invoice", invoice("1", json!(1))).await.status,
            200
        );
    }
    assert_eq!(statuses, [200, 503, 503, 200]);
    assert_eq!(twin.get("customer/1").await.status, 200);
    let rules = twin.control(Method::GET, "/faults", json!({})).await.json;
    assert_eq!(
        (&rules[0]["seen"], &rules[0]["fired"]),
        (&json!(4), &json!(2))
    );
    let removed = twin.control(Method::DELETE, "/faults/1", json!({})).await;
    assert_eq!(removed.status, 200);
    twin.control(Method::DELETE, "/faults", json!({})).await;
    let rules = twin.control(Method::GET, "/faults", json!({})).await.json;
    assert_eq!(rules, json!([]));
    let unknown = json!({"action": "explode"});
    let unknown = twin.control(Method::POST, "/faults", unknown).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn chance_follows_the_seed() {
    async fn draw(seed: u64) -> Vec<u16> {
        let twin = Twin::start_seeded(json!({}), seed).await;
        let rule = json!({"action": {"status": {"code": 500}}, "probability": 0.5});
        twin.fault(rule).await;
        let mut statuses = Vec::new();
        for _ in 0..24 {
            statuses.push(twin.get("preferences").await.status);
        }
        statuses
    }
    let first = draw(7).await;
    assert_eq!(draw(7).await, first);
    assert_ne!(draw(8).await, first);
    assert!(first.contains(&200) && first.contains(&500));
}

#[tokio::test]
async fn a_batch_matches_by_the_entities_inside() {
    let twin = company().await;
    twin.fault(json!({
        "match": {"operation": "batch", "entity": "Invoice"}, "action": "commitThenDrop",
    }))
    .await;
    let batch = |entity: &str, body: Value| json!({"BatchItemRequest": [{"bId": "1", "operation": "create", entity: body}]});
    let customers = batch("Customer", json!({"DisplayName": "B"}));
    assert_eq!(twin.post("batch", customers).await.status, 200);
    let invoices = batch("Invoice", invoice("1", json!(3)));
    assert!(twin.try_post("batch", &invoices).await.is_err());
    assert_eq!(twin.ids(INVOICES).await, ["1"]);
}
