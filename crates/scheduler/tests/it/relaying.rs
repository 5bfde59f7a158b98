//! The relay marks what the broker has confirmed, and nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::{
    Delivery, Disposition, Publisher, PublisherOptions, Queue, QueueSpec, Subscriber,
    SubscriberOptions, Topology,
};
use scheduler::relay;
use tests::harness::{Broker, Database, eventually};

use crate::rig::{NOWHERE, PROVIDER, component, put, store};

const PATIENCE: Duration = Duration::from_secs(30);

fn unpublished(database: &Database) -> Vec<String> {
    let ids = database.sql("select id from outbox where published_at is null order by id");
    ids.lines().map(str::to_owned).collect()
}

async fn publisher(url: &str) -> Publisher {
    let publisher = Publisher::start(
        url,
        Topology::new(&[PROVIDER]),
        PublisherOptions::named("test"),
        component("publisher"),
    )
    .unwrap();
    eventually(PATIENCE, "the publisher is ready", || {
        std::future::ready(publisher.is_ready())
    })
    .await;
    publisher
}

/// Everything that arrives in a queue.
fn listen(url: &str, queue: Queue) -> (Subscriber, Arc<Mutex<Vec<Delivery>>>) {
    let arrived = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&arrived);
    let subscriber = Subscriber::start(
        url,
        Topology::new(&[PROVIDER]),
        vec![QueueSpec {
            queue,
            prefetch: 10,
        }],
        SubscriberOptions::named("test"),
        component("subscriber"),
        move |delivery| {
            keep.lock().unwrap().push(delivery);
            async { Disposition::Ack }
        },
    )
    .unwrap();
    (subscriber, arrived)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_broker_has_confirmed_is_marked() {
    let (database, broker) = (Database::fresh().await, Broker::fresh().await);
    let publisher = publisher(&broker.url()).await;
    let ticket = put(
        &database,
        "tieout.sync",
        &format!("{PROVIDER}.bulk"),
        r#"{"v": 1}"#,
    );
    put(&database, "tieout.dead", "work", r#"{"deadLetter": "d"}"#);
    put(&database, "tieout.events", "document.synced", "{}");
    let mut stuck = vec![
        put(&database, "tieout.sync", "NOBODY.bulk", "{}"),
        put(&database, "tieout.elsewhere", "x", "{}"),
    ];
    stuck.sort();

    let store = store(&database);
    let relayed = relay(&store, &publisher, 100).await.unwrap();
    assert_eq!((relayed.taken, relayed.published), (5, 3));
    assert!(relayed.trouble.is_some());
    assert_eq!(unpublished(&database), stuck);
    let again = relay(&store, &publisher, 100).await.unwrap();
    assert_eq!((again.taken, again.published), (2, 0));

    let (_subscriber, arrived) = listen(&broker.url(), Queue::Bulk(PROVIDER.to_owned()));
    eventually(PATIENCE, "the ticket arrives", || {
        std::future::ready(!arrived.lock().unwrap().is_empty())
    })
    .await;
    let arrived = arrived.lock().unwrap();
    assert_eq!(arrived[0].message_id.as_deref(), Some(ticket.as_str()));
    assert_eq!(arrived[0].headers["traceparent"], "00-cafe");
    let body: serde_json::Value = serde_json::from_slice(&arrived[0].body).unwrap();
    assert_eq!(body, serde_json::json!({"v": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_broker_is_away_everything_stays() {
    let database = Database::fresh().await;
    let id = put(&database, "tieout.events", "document.synced", "{}");
    let options = PublisherOptions {
        confirm_deadline: Duration::from_millis(200),
        ..PublisherOptions::named("test")
    };
    let publisher = Publisher::start(
        &format!("amqp://{NOWHERE}"),
        Topology::new(&[PROVIDER]),
        options,
        component("publisher"),
    )
    .unwrap();
    let relayed = relay(&store(&database), &publisher, 100).await.unwrap();
    assert_eq!((relayed.taken, relayed.published), (1, 0));
    assert_eq!(unpublished(&database), [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_go_first() {
    let (database, broker) = (Database::fresh().await, Broker::fresh().await);
    let publisher = publisher(&broker.url()).await;
    let store = store(&database);
    let ids: Vec<String> = (0..5)
        .map(|_| put(&database, "tieout.events", "document.synced", "{}"))
        .collect();
    relay(&store, &publisher, 3).await.unwrap();
    let mut left = ids[3..].to_vec();
    left.sort();
    assert_eq!(unpublished(&database), left);
}
