//! Dead messages become rows, once per content; mirrors do not; nothing is acked before its row.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker::{
    Delivery, Disposition, Exchange, Message, Publisher, PublisherOptions, Queue, QueueSpec,
    Subscriber, SubscriberOptions, Topology,
};
use scheduler::Keeper;
use tests::harness::{Broker, Database, eventually};

use crate::rig::{component, no_store, store};

const PATIENCE: Duration = Duration::from_secs(30);

fn keeper(database: &Database) -> Arc<Keeper> {
    Arc::new(Keeper::new(store(database), component("database")))
}

/// A message that died in the queue of events.
fn dead(body: &[u8]) -> Delivery {
    let headers = [
        ("x-first-death-reason", "rejected"),
        ("x-first-death-queue", "tieout.events.in"),
        ("x-first-death-exchange", "projectledger.events"),
    ];
    Delivery {
        queue: Queue::Dead,
        exchange: "tieout.dead".to_owned(),
        routing_key: "invoice.issued".to_owned(),
        message_id: Some("m-1".to_owned()),
        content_type: None,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        redelivered: false,
        delivery_count: None,
        body: body.to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_message_is_one_row_per_content_with_a_count() {
    let database = Database::fresh().await;
    let keeper = keeper(&database);
    let again = Delivery {
        message_id: Some("m-2".to_owned()),
        redelivered: true,
        ..dead(b"not json")
    };
    for delivery in [dead(b"not json"), again, dead(b"other")] {
        assert_eq!(Arc::clone(&keeper).take(delivery).await, Disposition::Ack);
    }
    let rows = database.sql(
        "select source, cause, times, state, account_id is null, convert_from(raw, 'UTF8'), \
           origin ->> 'exchange', origin ->> 'routingKey' \
         from dead_letter order by times desc",
    );
    assert_eq!(
        rows,
        "MESSAGE|MESSAGE_REJECTED|2|OPEN|t|not json|projectledger.events|invoice.issued\n\
         MESSAGE|MESSAGE_REJECTED|1|OPEN|t|other|projectledger.events|invoice.issued"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_can_be_read_is_its_accounts() {
    let database = Database::fresh().await;
    let event = include_bytes!("../../../model/schemas/examples/invoice-plain.json");
    let account = model::event::parse(event).unwrap().account;
    assert_eq!(keeper(&database).take(dead(event)).await, Disposition::Ack);
    let kept = database.sql("select account_id from dead_letter");
    assert_eq!(kept, account.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_huge_message_the_beginning_is_kept_and_its_length() {
    let database = Database::fresh().await;
    let huge = vec![0xff; 64 * 1024 + 1];
    assert_eq!(keeper(&database).take(dead(&huge)).await, Disposition::Ack);
    let kept = database.sql("select length(raw), origin ->> 'bytes' from dead_letter");
    assert_eq!(kept, "65536|65537");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_has_its_row_already_and_a_forged_one_is_kept() {
    let database = Database::fresh().await;
    let keeper = keeper(&database);
    let mirror = Delivery {
        routing_key: "work".to_owned(),
        headers: BTreeMap::new(),
        ..dead(br#"{"deadLetter": "dlq_1"}"#)
    };
    let take = |delivery| Arc::clone(&keeper).take(delivery);
    assert_eq!(take(mirror.clone()).await, Disposition::Ack);
    assert_eq!(database.sql("select count(*) from dead_letter"), "0");

    let empty = Delivery {
        body: b"{}".to_vec(),
        ..mirror
    };
    assert_eq!(take(empty).await, Disposition::Ack);
    let died = Delivery {
        routing_key: "work".to_owned(),
        ..dead(br#"{"deadLetter": "dlq_1"}"#)
    };
    assert_eq!(take(died).await, Disposition::Ack);
    let causes = database.sql("select cause from dead_letter order by cause");
    assert_eq!(causes, "MESSAGE_REJECTED\nMESSAGE_STRAY");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_a_dead_message_stays_on_its_queue() {
    let keeper = Arc::new(Keeper::new(no_store(), component("database")));
    assert_eq!(keeper.take(dead(b"x")).await, Disposition::Requeue);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_rejects_comes_by_way_of_the_broker() {
    let (database, broker) = (Database::fresh().await, Broker::fresh().await);
    let subscribe = |queue, name| {
        let spec = QueueSpec { queue, prefetch: 4 };
        (spec, SubscriberOptions::named(name), component(name))
    };
    let topology = Topology::new::<&str>(&[]);
    let (spec, options, health) = subscribe(Queue::EventsIn, "rejecting");
    let _rejecting = Subscriber::start(
        &broker.url(),
        topology.clone(),
        vec![spec],
        options,
        health,
        |_| async { Disposition::Reject },
    )
    .unwrap();
    let keeper = keeper(&database);
    let (spec, options, health) = subscribe(Queue::Dead, "keeping");
    let _keeping = Subscriber::start(
        &broker.url(),
        topology.clone(),
        vec![spec],
        options,
        health,
        move |delivery| Arc::clone(&keeper).take(delivery),
    )
    .unwrap();
    let publisher = Publisher::start(
        &broker.url(),
        topology,
        PublisherOptions::named("test"),
        component("publisher"),
    )
    .unwrap();
    let message = Message {
        exchange: Exchange::EventsIn,
        routing_key: "invoice.issued".to_owned(),
        message_id: "m-9".to_owned(),
        content_type: "application/json".to_owned(),
        headers: BTreeMap::new(),
        body: b"\x00\x01".to_vec(),
    };
    publisher.publish(message).await.unwrap();

    let row = "select cause, origin ->> 'queue', origin ->> 'exchange', origin ->> 'routingKey', \
               origin ->> 'messageId', encode(raw, 'hex') from dead_letter";
    eventually(PATIENCE, "the message is kept", || {
        std::future::ready(!database.sql(row).is_empty())
    })
    .await;
    assert_eq!(
        database.sql(row),
        "MESSAGE_REJECTED|tieout.events.in|projectledger.events|invoice.issued|m-9|0001"
    );
}
