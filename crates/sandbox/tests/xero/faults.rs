//! Fault rules: what the caller sees, and what happened in the books.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Twin, id, invoice};

async fn company() -> (Twin, String) {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    (twin, contact)
}

fn on_create(action: Value) -> Value {
    json!({"match": {"operation": "create", "entity": "Invoice"}, "action": action, "times": 1})
}

async fn count(twin: &Twin) -> Value {
    twin.total("Invoice", "GBP").await[0].clone()
}

#[tokio::test]
async fn a_dropped_request_has_no_effect_and_a_dropped_reply_has() {
    let (twin, contact) = company().await;
    let body = invoice(&contact, "I-1", json!(5));
    twin.fault(on_create(json!("dropBefore"))).await;
    let lost = twin.try_call(Method::PUT, "Invoices", &[], &body).await;
    assert!(lost.is_err());
    assert_eq!(count(&twin).await, Value::Null);
    let entry = twin.journal().await.pop().unwrap();
    assert_eq!(
        (&entry["execution"], &entry["status"]),
        (&json!("notReached"), &Value::Null)
    );
    twin.fault(on_create(json!("commitThenDrop"))).await;
    let lost = twin.try_call(Method::PUT, "Invoices", &[], &body).await;
    assert!(lost.is_err());
    assert_eq!(count(&twin).await, json!(1));
    let entry = twin.journal().await.pop().unwrap();
    assert_eq!(
        (&entry["execution"], &entry["reply"]),
        (&json!("executed"), &Value::Null)
    );
    assert_eq!(entry["objects"][0]["action"], "created");
    twin.fault(on_create(json!({"commitThenHang": {"ms": 600_000}})))
        .await;
    let body = invoice(&contact, "I-2", json!(5));
    tokio::select! {
        _ = twin.try_call(Method::PUT, "Invoices", &[], &body) => panic!("it should hang"),
        () = twin.until(async || count(&twin).await == json!(2)) => {}
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_request() {
    let (twin, contact) = company().await;
    twin.settings(json!({"processingMs": 1000, "perElementMs": 500}))
        .await;
    let body = invoice(&contact, "I-1", json!(5));
    tokio::select! {
        _ = twin.try_call(Method::PUT, "Invoices", &[], &body) => panic!("it should take longer"),
        () = twin.until(async || twin.in_progress().await == 1) => {}
    }
    twin.until(async || count(&twin).await == json!(1)).await;
}

#[tokio::test]
async fn late_replies_are_right() {
    let (twin, contact) = company().await;
    for (number, when) in [("I-1", "before"), ("I-2", "after")] {
        twin.fault(on_create(json!({"delay": {"ms": 30, "when": when}})))
            .await;
        twin.invoice(&contact, number, json!(5)).await;
    }
    twin.settings(json!({"slowPercent": 100, "slowFactor": 2, "processingMs": 5}))
        .await;
    twin.invoice(&contact, "I-3", json!(5)).await;
    assert_eq!(count(&twin).await, json!(3));
}

#[tokio::test]
async fn status_pages_come_without_effect_or_after_it() {
    let (twin, contact) = company().await;
    let body = invoice(&contact, "I-1", json!(5));
    for (code, words) in [
        (500, "An error occurred in Xero."),
        (503, "The Xero API is temporarily unavailable"),
    ] {
        twin.fault(on_create(json!({"status": {"code": code}})))
            .await;
        let page = twin.put("Invoices", body.clone()).await;
        assert_eq!((page.status, page.text.as_str()), (code, words));
        assert!(page.header("content-type").starts_with("text/plain"));
    }
    twin.fault(on_create(json!({"status": {"code": 502}})))
        .await;
    let page = twin.put("Invoices", body.clone()).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (502, "text/html")
    );
    assert_eq!(count(&twin).await, Value::Null);
    twin.fault(on_create(
        json!({"commitThenStatus": {"code": 504, "body": "{\"odd\":1}"}}),
    ))
    .await;
    let page = twin.put("Invoices", body).await;
    assert_eq!((page.status, &page.json), (504, &json!({"odd": 1})));
    assert_eq!(count(&twin).await, json!(1));
}

#[tokio::test]
async fn every_refusal_of_the_service_can_be_called_up() {
    let (twin, _) = company().await;
    for (name, status, text) in [
        ("tokenExpired", 401, "TokenExpired"),
        (
            "authenticationUnsuccessful",
            401,
            "AuthenticationUnsuccessful",
        ),
        ("insufficientScope", 401, "AuthorizationUnsuccessful"),
        ("forbidden", 403, "Forbidden"),
        (
            "maintenance",
            503,
            "The Xero API is currently offline for maintenance",
        ),
        (
            "unavailable",
            503,
            "The Xero API is temporarily unavailable",
        ),
        ("organisationOffline", 503, "The Organisation is offline"),
    ] {
        let rule = json!({"action": {"refuse": {"name": name}}, "times": 1});
        twin.fault(rule).await;
        let refused = twin.get("Organisation").await;
        assert_eq!(refused.status, status);
        assert!(refused.text.contains(text), "{}", refused.text);
    }
    for (name, has_wait) in [
        ("minute", true),
        ("day", true),
        ("appminute", true),
        ("concurrent", false),
    ] {
        let rule = json!({"action": {"refuse": {"name": name}}, "times": 1});
        twin.fault(rule).await;
        let refused = twin.get("Organisation").await;
        assert_eq!(
            (refused.status, refused.header("x-rate-limit-problem")),
            (429, name)
        );
        assert_eq!(refused.headers.contains_key("retry-after"), has_wait);
    }
    for wait in ["-1", "1000000000", "Fri, 02 Jan 2026 03:04:05 GMT", ""] {
        let refuse = json!({"name": "minute", "retryAfter": wait});
        twin.fault(json!({"action": {"refuse": refuse}, "times": 1}))
            .await;
        assert_eq!(twin.get("Organisation").await.header("retry-after"), wait);
    }
    let unknown = json!({"action": {"refuse": {"name": "banana"}}});
    let unknown = twin.control(Method::POST, "/faults", unknown).await;
    assert_eq!(unknown.status, 400);
    twin.profile(json!({"offline": true})).await;
    let offline = twin.get("Organisation").await;
    assert_eq!(
        (offline.status, offline.text.as_str()),
        (503, "The Organisation is offline")
    );
}

#[tokio::test]
async fn replies_are_cut_and_lie() {
    let (twin, contact) = company().await;
    let put = async |number: &str| {
        let body = invoice(&contact, number, json!(5));
        twin.try_call(Method::PUT, "Invoices?summarizeErrors=false", &[], &body)
            .await
    };
    twin.fault(on_create(json!({"truncate": {}}))).await;
    assert!(put("I-1").await.is_err());
    twin.fault(on_create(json!({"truncate": {"lengthMatches": true}})))
        .await;
    let cut = put("I-2").await.unwrap();
    assert!(cut.status == 200 && cut.json.is_null() && cut.text.len() > 100);
    twin.fault(on_create(json!({"wrongBody": {"body": "[]"}})))
        .await;
    assert_eq!(put("I-3").await.unwrap().text, "[]");
    assert_eq!(count(&twin).await, json!(3));
    twin.fault(on_create(json!({"okWithFault": {"code": "Odd"}})))
        .await;
    let failed = put("I-4").await.unwrap().only("Invoices");
    assert_eq!(failed["StatusAttributeString"], "ERROR");
    assert_eq!(failed["ValidationErrors"][0]["Message"], "Odd");
    assert_eq!(count(&twin).await, json!(3));
    twin.fault(on_create(json!({"okWithFault": {"executed": true}})))
        .await;
    let failed = put("I-4").await.unwrap().only("Invoices");
    assert_eq!(failed["HasErrors"], json!(true));
    assert_eq!(count(&twin).await, json!(4));
    twin.fault(on_create(json!("replyForOther"))).await;
    let other = put("I-5").await.unwrap().only("Invoices");
    assert_eq!(other["InvoiceNumber"], "I-4");
}

#[tokio::test]
async fn elements_are_lost_and_change_places() {
    let (twin, _) = company().await;
    let on_contacts = |action: Value| json!({"match": {"entity": "Contact", "method": "PUT"}, "action": action, "times": 1});
    let names = async |prefix: &str| {
        let rows: Vec<Value> = (1..=3)
            .map(|n| json!({"Name": format!("{prefix}{n}")}))
            .collect();
        let reply = twin.put("Contacts", json!({"Contacts": rows})).await;
        let rows = reply.json["Contacts"].as_array().unwrap().clone();
        let names = rows.iter().map(|row| id(row, "Name")[1..].to_owned());
        names.collect::<Vec<_>>().concat()
    };
    assert_eq!(names("a").await, "123");
    twin.fault(on_contacts(json!({"dropItem": {"index": 0}})))
        .await;
    assert_eq!(names("b").await, "23");
    twin.fault(on_contacts(json!("reorder"))).await;
    assert_eq!(names("c").await, "321");
    twin.fault(on_contacts(json!("swap"))).await;
    assert_eq!(names("d").await, "321");
    assert_eq!(twin.total("Contact", "GBP").await[0], json!(13));
}

#[tokio::test]
async fn rules_match_skip_count_and_follow_the_seed() {
    async fn draw(seed: u64) -> Vec<u16> {
        let twin = Twin::start_seeded(json!({}), seed).await;
        let rule = json!({"action": {"status": {"code": 500}}, "probability": 0.5});
        twin.fault(rule).await;
        let mut statuses = Vec::new();
        for _ in 0..24 {
            statuses.push(twin.get("Organisation").await.status);
        }
        statuses
    }
    let first = draw(5).await;
    assert_eq!(first, draw(5).await);
    assert_ne!(first, draw(6).await);
    let (twin, contact) = company().await;
    let refuse = json!({"status": {"code": 500}});
    twin.fault(json!([
        {"match": {"bodyContains": "marked"}, "action": refuse, "skip": 1, "times": 1},
        {"match": {"operation": "query", "entity": "Payment"}, "action": refuse},
    ]))
    .await;
    let mut statuses = Vec::new();
    for number in 0..3 {
        let mut body = invoice(&contact, &format!("I-{number}"), json!(5));
        body["Reference"] = json!("marked");
        statuses.push(twin.put("Invoices", body).await.status);
    }
    assert_eq!(statuses, [200, 500, 200]);
    assert_eq!(twin.get("Payments").await.status, 500);
    let rules = twin.control(Method::GET, "/faults", json!({})).await.json;
    assert_eq!(
        (&rules[0]["seen"], &rules[0]["fired"]),
        (&json!(3), &json!(1))
    );
    twin.control(Method::DELETE, "/faults/2", json!({})).await;
    assert_eq!(twin.get("Payments").await.status, 200);
    twin.control(Method::DELETE, "/faults", json!({})).await;
    let rules = twin.control(Method::GET, "/faults", json!({})).await.json;
    assert_eq!(rules, json!([]));
}
