//! Publishing against a real broker: what is confirmed is there, what is not is an error.

use std::sync::Arc;
use std::time::Duration;

use runtime::{Health, SystemClock};

use crate::rig::proxy::Proxy;
use crate::rig::{PATIENCE, amqp_url, eventually, live, on_bench, ticket, unroutable};
use broker::{Exchange, Message, PublishError, Publisher, PublisherOptions, Queue, Topology};

#[tokio::test(flavor = "multi_thread")]
async fn an_unroutable_message_is_an_error() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let answer = publisher.publish(unroutable("lost")).await;
        let expected = PublishError::Returned {
            code: 312,
            text: "NO_ROUTE".to_owned(),
        };
        assert_eq!(answer, Err(expected));
        // Its neighbours are not touched by it.
        assert_eq!(publisher.publish(ticket("kept")).await, Ok(()));
        assert_eq!(bench.take_ids(&live()).await, ["kept"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nobody_listens_to_is_returned() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let event = Message {
            exchange: Exchange::EventsOut,
            routing_key: "document.synced".to_owned(),
            ..ticket("event")
        };
        let answer = publisher.publish(event).await;
        assert!(
            matches!(answer, Err(PublishError::Returned { code: 312, .. })),
            "{answer:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exchange_reaches_its_queues() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let to = |exchange, key: &str| Message {
            exchange,
            routing_key: key.to_owned(),
            ..ticket(key)
        };
        let keys = broker::topology::EVENTS_IN_KEYS.map(|key| key.replace('*', "happened"));
        for key in &keys {
            assert_eq!(
                publisher.publish(to(Exchange::EventsIn, key)).await,
                Ok(()),
                "{key}"
            );
        }
        for (exchange, key) in [
            (Exchange::Sync, "qbo.live"),
            (Exchange::Sync, "qbo.bulk"),
            (Exchange::Dead, "anything"),
        ] {
            assert_eq!(publisher.publish(to(exchange, key)).await, Ok(()), "{key}");
        }
        assert_eq!(bench.take_ids(&Queue::EventsIn).await, keys);
        assert_eq!(bench.take_ids(&live()).await, ["qbo.live"]);
        assert_eq!(
            bench.take_ids(&Queue::Bulk("qbo".to_owned())).await,
            ["qbo.bulk"]
        );
        assert_eq!(bench.take_ids(&Queue::Dead).await, ["anything"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_an_error_and_comes_back() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        bench.delete(&live()).await;
        let answer = publisher.publish(ticket("first")).await;
        assert!(
            matches!(answer, Err(PublishError::Returned { code: 312, .. })),
            "{answer:?}"
        );
        eventually("the queue is back", async || {
            publisher.publish(ticket("again")).await.is_ok()
        })
        .await;
        assert_eq!(bench.take_ids(&live()).await, ["again"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_exchange_comes_back() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let name = bench.topology.exchange_name(Exchange::Sync);
        let options = lapin::options::ExchangeDeleteOptions::default();
        bench
            .channel()
            .await
            .exchange_delete(name.into(), options)
            .await
            .unwrap();
        // The broker closes the channel over it: whether the message arrived is not known.
        assert_eq!(
            publisher.publish(ticket("first")).await,
            Err(PublishError::Disconnected)
        );
        assert_eq!(publisher.publish(ticket("second")).await, Ok(()));
        assert_eq!(bench.take_ids(&live()).await, ["second"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_are_all_confirmed_and_there() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let answers = publisher
            .publish_all((0..10_000).map(ticket).collect())
            .await;
        assert_eq!(answers.len(), 10_000);
        assert!(answers.iter().all(Result::is_ok));
        eventually("all are counted", async || {
            bench.depth(&live()).await == Some(10_000)
        })
        .await;
    })
    .await;
}

/// Under load the client library hangs some of the returned messages (about one in a thousand
/// here) on other messages' confirms.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_messages_in_flight_gets_its_own_answer() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let mut there = 0;
        for every in [2_u32, 10, 50] {
            let is_routable = |number: u32| !number.is_multiple_of(every);
            let messages = (0..20_000).map(|number| {
                if is_routable(number) {
                    ticket(number)
                } else {
                    unroutable(number)
                }
            });
            let answers = publisher.publish_all(messages.collect()).await;
            for (number, answer) in (0..).zip(&answers) {
                assert_eq!(answer.is_ok(), is_routable(number), "{number}: {answer:?}");
            }
            there += 20_000 - 20_000 / every;
        }
        eventually("all are counted", async || {
            bench.depth(&live()).await == Some(there)
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_longer_than_amqp_allows_is_refused_here() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let mut message = ticket("long");
        message.routing_key = "k".repeat(256);
        assert_eq!(publisher.publish(message).await, Err(PublishError::TooLong));
        assert_eq!(publisher.publish(ticket("short")).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_confirms_what_was_begun_and_takes_nothing_more() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let begun: Vec<_> = (0..500)
            .map(|number| {
                let publisher = publisher.clone();
                tokio::spawn(async move { publisher.publish(ticket(number)).await })
            })
            .collect();
        eventually("some are there", async || {
            bench.depth(&live()).await > Some(0)
        })
        .await;
        publisher.close(PATIENCE).await;
        assert_eq!(
            publisher.publish(ticket("late")).await,
            Err(PublishError::Disconnected)
        );
        let mut confirmed = 0;
        for publish in begun {
            confirmed += u32::from(publish.await.unwrap().is_ok());
        }
        eventually("the confirmed are there", async || {
            bench.depth(&live()).await == Some(confirmed)
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_another_type_is_reported_and_tried_at_most_once_a_second() {
    on_bench(|bench| async move {
        let options = lapin::options::QueueDeclareOptions::durable();
        let channel = bench.channel().await;
        let classic = lapin::types::FieldTable::default();
        channel
            .queue_declare(bench.name(&live()), options, classic)
            .await
            .unwrap();

        let proxy = Proxy::start(&amqp_url()).await;
        let mut options = PublisherOptions::named("test");
        options.fatal_after = Duration::from_secs(4);
        let publisher = bench.start_publisher(&proxy.url(&amqp_url()), options);
        let reason = publisher.fatal().await;
        assert!(reason.contains("declaring a queue"), "{reason}");
        assert!(reason.contains("PRECONDITION_FAILED"), "{reason}");
        assert!(
            (2..=5).contains(&proxy.accepted()),
            "{} tries in 4 s",
            proxy.accepted()
        );
        assert!(!publisher.is_ready());
        assert!(bench.reason("publisher").contains("PRECONDITION_FAILED"));

        bench.delete(&live()).await;
        eventually("it goes on by itself", async || publisher.is_ready()).await;
        assert_eq!(publisher.publish(ticket("kept")).await, Ok(()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_at_most_every_five_seconds() {
    on_bench(|bench| async move {
        let proxy = Proxy::start(&amqp_url()).await;
        let url = proxy.url(&amqp_url()).replace("guest:guest", "guest:wrong");
        let mut options = PublisherOptions::named("test");
        options.fatal_after = Duration::from_secs(6);
        let publisher = bench.start_publisher(&url, options);
        let reason = publisher.fatal().await;
        assert!(reason.contains("ACCESS_REFUSED"), "{reason}");
        assert!(!reason.contains("wrong"), "the password shows: {reason}");
        assert!(proxy.accepted() <= 2, "{} tries in 6 s", proxy.accepted());
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_repeating_it() {
    let options = PublisherOptions::named("test");
    let topology = Topology::new(&["qbo"]);
    let component = Health::new(Arc::new(SystemClock)).component("publisher");
    let refused = Publisher::start("https://user:secret@host", topology, options, component);
    let refused = refused.unwrap_err();
    assert!(!refused.to_string().contains("secret"));
}
