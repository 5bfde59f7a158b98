//! Webhooks: both shapes, signatures, and everything that goes wrong on the way.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Method;
use sandbox::web::signature::sign;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Twin, payment, settles};

/// Somebody who is told: keeps what comes, and answers as planned.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Inbox>>);

#[derive(Default)]
struct Inbox {
    got: Vec<(HeaderMap, Bytes)>,
    answers: Vec<StatusCode>,
}

impl Receiver {
    /// Listens, and answers with these statuses, then with 200.
    async fn start(answers: &[u16]) -> (Self, String) {
        let receiver = Self::default();
        let answers = answers.iter().rev();
        let answers = answers.map(|code| StatusCode::from_u16(*code).unwrap());
        receiver.0.lock().unwrap().answers = answers.collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn bodies(&self) -> Vec<Value> {
        let inbox = self.0.lock().unwrap();
        let bodies = inbox.got.iter();
        bodies
            .map(|(_, body)| serde_json::from_slice(body).unwrap())
            .collect()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inbox = receiver.0.lock().unwrap();
    inbox.got.push((headers, body));
    inbox.answers.pop().unwrap_or(StatusCode::OK)
}

async fn told(twin: &Twin) -> Value {
    twin.control(Method::GET, "/webhooks", json!({})).await.json
}

/// Waits until nothing waits and so many notifications were tried.
async fn until_tried(twin: &Twin, count: usize) {
    twin.until(async || {
        let told = told(twin).await;
        told["deliveries"].as_array().unwrap().len() == count
            && told["waiting"] == json!(0)
            && told["inFlight"] == json!(0)
    })
    .await;
}

#[tokio::test]
async fn the_legacy_shape_names_what_changed_and_is_signed() {
    let twin = Twin::usual().await;
    let (receiver, url) = Receiver::start(&[]).await;
    twin.customer("Before").await;
    let webhooks = json!({"url": url, "verifierToken": "v3rify", "delayMs": 200});
    twin.settings(json!({"webhooks": webhooks})).await;
    twin.customer("Acme").await;
    let due = twin.invoice("2", json!(10)).await;
    twin.post("payment", payment("2", json!(10), vec![settles(&due, 10)]))
        .await;
    twin.until(async || {
        // A condition that never waits would not let the sandbox work.
        told(&twin).await;
        let bodies = receiver.bodies();
        let events = |body: &Value| {
            let all = &body["eventNotifications"][0]["dataChangeEvent"]["entities"];
            all.as_array().unwrap().len()
        };
        bodies.iter().map(events).sum::<usize>() == 4
    })
    .await;
    let bodies = receiver.bodies();
    let events: Vec<Value> = bodies
        .iter()
        .flat_map(|body| {
            let notice = &body["eventNotifications"][0];
            assert_eq!(notice["realmId"], crate::harness::REALM);
            notice["dataChangeEvent"]["entities"]
                .as_array()
                .unwrap()
                .clone()
        })
        .collect();
    let short: Vec<String> = events
        .iter()
        .map(|event| {
            format!("{} {} {}", event["operation"], event["name"], event["id"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        short,
        [
            "Create Customer 2",
            "Create Invoice 1",
            "Create Payment 2",
            "Update Invoice 1"
        ]
    );
    let inbox = receiver.0.lock().unwrap();
    let (headers, body) = &inbox.got[0];
    assert_eq!(headers["intuit-signature"], sign(b"v3rify", body));
    assert_eq!(headers["intuit-notification-schema-version"], "0.1");
}

#[tokio::test]
async fn cloud_events_are_an_array_with_ids_of_their_own() {
    let twin = Twin::usual().await;
    let (receiver, url) = Receiver::start(&[]).await;
    twin.settings(json!({"webhooks": {"url": url, "format": "cloudEvents"}}))
        .await;
    twin.customer("Acme").await;
    until_tried(&twin, 1).await;
    let event = receiver.bodies()[0][0].clone();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "qbo.customer.created.v1");
    assert_eq!(event["intuitentityid"], "1");
    assert_eq!(event["intuitaccountid"], crate::harness::REALM);
    assert_eq!(event["data"], json!({}));
    assert_eq!(event["id"].as_str().unwrap().len(), 36);
    let inbox = receiver.0.lock().unwrap();
    assert_eq!(
        inbox.got[0].0["content-type"],
        "application/cloudevents+json"
    );
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_and_holds_back_the_rest() {
    let twin = Twin::usual().await;
    let (receiver, url) = Receiver::start(&[500, 503]).await;
    twin.settings(json!({"webhooks": {"url": url, "retryMs": [1]}}))
        .await;
    twin.customer("Acme").await;
    until_tried(&twin, 3).await;
    twin.customer("Beta").await;
    until_tried(&twin, 4).await;
    let bodies = receiver.bodies();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[0], bodies[2]);
    assert_ne!(bodies[0], bodies[3]);
    let statuses: Vec<Value> = told(&twin).await["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| json!([delivery["attempt"], delivery["status"]]))
        .collect();
    let expected = [
        json!([1, 500]),
        json!([2, 503]),
        json!([3, 200]),
        json!([1, 200]),
    ];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_notification_may_be_doubled_or_given_up() {
    let twin = Twin::usual().await;
    let (receiver, url) = Receiver::start(&[]).await;
    twin.settings(json!({"webhooks": {"url": url, "duplicates": 1.0}}))
        .await;
    twin.customer("Acme").await;
    until_tried(&twin, 2).await;
    let bodies = receiver.bodies();
    assert_eq!(bodies[0], bodies[1]);
    // Nobody listens there: a refused connection is no acknowledgement.
    let nobody = json!({"url": "http://127.0.0.1:1/", "attemptsMax": 2, "retryMs": [1]});
    twin.settings(json!({"webhooks": nobody})).await;
    twin.customer("Beta").await;
    until_tried(&twin, 4).await;
    let last = told(&twin).await["deliveries"][3].clone();
    assert_eq!(
        (&last["attempt"], &last["status"]),
        (&json!(2), &Value::Null)
    );
}

#[tokio::test]
async fn only_connected_companies_and_wanted_entities_are_told_about() {
    let twin = Twin::usual().await;
    let (receiver, url) = Receiver::start(&[]).await;
    twin.settings(json!({"webhooks": {"url": url, "entities": ["Invoice"]}}))
        .await;
    twin.customer("Acme").await;
    twin.invoice("1", json!(10)).await;
    until_tried(&twin, 1).await;
    let path = format!("/disconnect/{}", crate::harness::REALM);
    twin.control(Method::POST, &path, json!({})).await;
    let human = json!({"entity": "Invoice", "id": "1", "action": "void"});
    assert_eq!(twin.human(human).await.status, 200);
    assert_eq!(told(&twin).await["waiting"], json!(0));
    assert_eq!(receiver.bodies().len(), 1);
}
