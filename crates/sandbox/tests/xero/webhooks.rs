//! Webhooks: the intent to receive, signatures, events, retries, and how they go wrong.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{APP, TENANT, Twin, id, payment};

const KEY: &str = "webhook-key";

/// A receiver that checks signatures as the service demands, and may be told to fail.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Inbox>>);

#[derive(Default)]
struct Inbox {
    taken: Vec<Value>,
    forged: usize,
    failures: usize,
    says: &'static str,
}

/// HMAC-SHA256 by its definition, apart from the sandbox's own.
fn signature(key: &str, body: &[u8]) -> String {
    let mut block = key.as_bytes().to_vec();
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), body.to_vec()].concat());
    STANDARD.encode(Sha256::digest([pad(0x5c), inner.to_vec()].concat()))
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let mut inbox = receiver.0.lock().unwrap();
    if headers["x-xero-signature"] != signature(KEY, &body) {
        inbox.forged += 1;
        return (StatusCode::UNAUTHORIZED, "");
    }
    if inbox.failures > 0 {
        inbox.failures -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, "");
    }
    inbox.taken.push(serde_json::from_slice(&body).unwrap());
    (StatusCode::OK, inbox.says)
}

impl Receiver {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hook")
    }

    /// Deliveries that told of something.
    fn told(&self) -> Vec<Value> {
        let inbox = self.0.lock().unwrap();
        let told = inbox.taken.iter().filter(|it| it["events"] != json!([]));
        told.cloned().collect()
    }

    fn events(&self) -> Vec<Value> {
        let told = self.told();
        let events = told.iter().flat_map(|it| it["events"].as_array().unwrap());
        events.cloned().collect()
    }

    /// Waits until it was told of so many events; each look goes by the sandbox, so that the
    /// deliveries get their turn.
    async fn has(&self, twin: &Twin, count: usize) {
        twin.until(async || {
            twin.in_progress().await;
            self.events().len() == count
        })
        .await;
    }

    fn fail(&self, times: usize) {
        self.0.lock().unwrap().failures = times;
    }
}

/// A sandbox whose application listens.
async fn listening() -> (Twin, Receiver, Value) {
    let twin = Twin::usual().await;
    twin.settings(json!({"webhooks": {"retryMs": 1, "attemptsMax": 3}}))
        .await;
    let receiver = Receiver::default();
    let wish = json!({"clientId": APP.0, "url": receiver.listen().await, "key": KEY});
    let reply = twin.control(Method::POST, "/webhooks", wish.clone()).await;
    assert_eq!(reply.json["state"], "active", "{}", reply.text);
    (twin, receiver, wish)
}

#[tokio::test]
async fn an_address_proves_itself_first() {
    let (twin, receiver, mut wish) = listening().await;
    {
        let mut inbox = receiver.0.lock().unwrap();
        assert_eq!((inbox.taken.len(), inbox.forged), (2, 2));
        let intent = &inbox.taken[0];
        assert_eq!(intent["events"], json!([]));
        assert_eq!(intent["firstEventSequence"], json!(0));
        assert_eq!(intent["lastEventSequence"], json!(0));
        inbox.says = "thank you";
    }
    let chatty = twin.control(Method::POST, "/webhooks", wish.clone()).await;
    assert_eq!(chatty.json["state"], "refused", "a body is not wanted");
    receiver.0.lock().unwrap().says = "";
    wish["key"] = json!("another key");
    let wrong = twin.control(Method::POST, "/webhooks", wish.clone()).await;
    assert_eq!(wrong.json["state"], "refused");
    twin.contact("Acme").await;
    let report = twin.control(Method::GET, "/webhooks", json!({})).await.json;
    assert_eq!(report["subscriptions"][0]["waiting"], json!(1));
    wish["key"] = json!(KEY);
    let right = twin.control(Method::POST, "/webhooks", wish).await;
    assert_eq!(right.json["state"], "active");
    receiver.has(&twin, 1).await;
}

#[tokio::test]
async fn events_say_what_was_touched() {
    let (twin, receiver, _) = listening().await;
    let contact = twin.contact("Acme").await;
    let invoice = twin.invoice(&contact, "I-1", json!(5)).await;
    let note = json!({
        "Type": "ACCRECCREDIT", "Contact": {"ContactID": contact}, "Date": "2026-03-01",
    });
    let note = twin.put("CreditNotes", note).await.only("CreditNotes");
    let archive = json!({"ContactID": contact, "ContactStatus": "ARCHIVED"});
    twin.post("Contacts", archive).await;
    receiver.has(&twin, 4).await;
    let events = receiver.events();
    let kinds: Vec<String> = events
        .iter()
        .map(|event| format!("{} {}", id(event, "eventCategory"), id(event, "eventType")))
        .collect();
    assert_eq!(
        kinds,
        [
            "CONTACT CREATE",
            "INVOICE CREATE",
            "CREDITNOTE CREATE",
            "CONTACT UPDATE"
        ]
    );
    assert_eq!(events[1]["resourceId"], invoice["InvoiceID"]);
    assert_eq!(events[1]["tenantId"], TENANT);
    assert_eq!(
        events[1]["data"],
        Value::Null,
        "it does not say of which type"
    );
    let url = format!(
        "https://api.xero.com/api.xro/2.0/Invoices/{}",
        id(&invoice, "InvoiceID")
    );
    assert_eq!(events[1]["resourceUrl"], json!(url));
    assert_eq!(
        events[2]["data"],
        json!({"Type": "ACCRECCREDIT", "Status": "DRAFT"})
    );
    assert_eq!(events[2]["resourceId"], note["CreditNoteID"]);
    assert_eq!(
        id(&events[0], "eventDateUtc").len(),
        "2026-01-01T00:00:00.000".len()
    );
    // Sequences go on without a gap.
    let told = receiver.told();
    let mut next = 1;
    for delivery in told {
        assert_eq!(delivery["firstEventSequence"], json!(next));
        next += delivery["events"].as_array().unwrap().len();
        assert_eq!(delivery["lastEventSequence"], json!(next - 1));
    }
}

#[tokio::test]
async fn payments_count_or_not_and_people_are_noticed() {
    let (twin, receiver, _) = listening().await;
    let contact = twin.contact("Acme").await;
    let invoice = twin.invoice(&contact, "I-1", json!(5)).await;
    twin.put("Payments", payment(&invoice, json!(2)))
        .await
        .only("Payments");
    receiver.has(&twin, 3).await;
    assert_eq!(receiver.events()[2]["eventType"], "UPDATE");
    twin.settings(json!({"webhooks": {"paymentsCount": false}}))
        .await;
    twin.put("Payments", payment(&invoice, json!(2)))
        .await
        .only("Payments");
    let edit = json!({
        "entity": "Contact", "id": contact, "action": "rename", "name": "Acme Ltd",
    });
    twin.human(edit).await;
    receiver.has(&twin, 4).await;
    assert_eq!(receiver.events()[3]["eventCategory"], "CONTACT");
    // Who is not connected is not told.
    let path = format!("/disconnect/{TENANT}");
    twin.control(Method::POST, &path, json!({})).await;
    let edit = json!({"entity": "Contact", "id": contact, "action": "archive"});
    twin.human(edit).await;
    let report = twin.control(Method::GET, "/webhooks", json!({})).await.json;
    assert_eq!(report["subscriptions"][0]["waiting"], json!(0));
}

#[tokio::test]
async fn failed_deliveries_are_repeated_and_then_given_up() {
    let (twin, receiver, wish) = listening().await;
    receiver.fail(2);
    twin.contact("One").await;
    receiver.has(&twin, 1).await;
    receiver.fail(3);
    twin.contact("Two").await;
    let state = async || {
        let report = twin.control(Method::GET, "/webhooks", json!({})).await.json;
        report["subscriptions"][0]["state"].clone()
    };
    twin.until(async || state().await == "disabled").await;
    twin.contact("Three").await;
    assert_eq!(receiver.events().len(), 1);
    let again = twin.control(Method::POST, "/webhooks", wish).await;
    assert_eq!(again.json["state"], "active");
    receiver.has(&twin, 3).await;
    let told = receiver.told();
    assert_eq!(told.last().unwrap()["lastEventSequence"], json!(3));
}

#[tokio::test]
async fn deliveries_come_twice_forged_late_or_never() {
    let (twin, receiver, wish) = listening().await;
    let forged = receiver.0.lock().unwrap().forged;
    twin.settings(json!({"webhooks": {"duplicates": 1, "misSigned": 1, "delayMs": 5}}))
        .await;
    twin.contact("One").await;
    receiver.has(&twin, 2).await;
    let told = receiver.told();
    assert_eq!(told[0], told[1]);
    assert_eq!(receiver.0.lock().unwrap().forged, forged + 1);
    twin.settings(json!({"webhooks": {"duplicates": 0, "misSigned": 0, "lost": 1}}))
        .await;
    twin.contact("Two").await;
    let lost = async || {
        let report = twin.control(Method::GET, "/webhooks", json!({})).await.json;
        let attempts = report["attempts"].as_array().unwrap().clone();
        attempts.iter().any(|attempt| attempt["what"] == "lost")
    };
    twin.until(lost).await;
    // What gathers while the address is refused comes in one delivery, in any order.
    let settings = json!({"webhooks": {"lost": 0, "shuffles": true, "delayMs": 0}});
    twin.settings(settings).await;
    let mut wrong = wish.clone();
    wrong["key"] = json!("another key");
    twin.control(Method::POST, "/webhooks", wrong).await;
    let mut made = Vec::new();
    for number in 1..=8 {
        made.push(json!(twin.contact(&format!("N{number}")).await));
    }
    twin.control(Method::POST, "/webhooks", wish).await;
    receiver.has(&twin, 10).await;
    let events = receiver.events();
    let told: Vec<Value> = events[2..]
        .iter()
        .map(|it| it["resourceId"].clone())
        .collect();
    assert_ne!(told, made);
    assert!(made.iter().all(|id| told.contains(id)));
}
