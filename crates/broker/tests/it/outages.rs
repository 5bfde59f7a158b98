//! The network and the broker fail: everything comes back, and what was confirmed is there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use broker::{Disposition, PublishError, Publisher, PublisherOptions};

use runtime::{Clock as _, SystemClock};

use crate::consuming::{next, subscribe};
use crate::rig::proxy::{Mode, Proxy};
use crate::rig::{Bench, PATIENCE, amqp_url, eventually, live, on_bench, ticket};

fn options() -> PublisherOptions {
    PublisherOptions {
        heartbeat_secs: 2,
        confirm_deadline: Duration::from_secs(2),
        step_deadline: Duration::from_secs(2),
        ..PublisherOptions::named("test")
    }
}

async fn publisher_behind(proxy: &Proxy, bench: &Bench, options: PublisherOptions) -> Publisher {
    let publisher = bench.start_publisher(&proxy.url(&amqp_url()), options);
    eventually("the publisher is ready", async || publisher.is_ready()).await;
    publisher
}

/// Publishes without end until told to stop; gives the ids that were confirmed.
async fn publish_until(publisher: Publisher, stop: Arc<AtomicBool>) -> BTreeSet<String> {
    let mut confirmed = BTreeSet::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let batch: Vec<_> = (number..number + 100).map(ticket).collect();
        let answers = publisher.publish_all(batch).await;
        for (id, answer) in (number..).zip(answers) {
            if answer.is_ok() {
                confirmed.insert(id.to_string());
            }
        }
        number += 100;
    }
    confirmed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_again_and_again_loses_no_confirmed_message() {
    on_bench(|bench| async move {
        let proxy = Proxy::start(&amqp_url()).await;
        let publisher = publisher_behind(&proxy, &bench, options()).await;
        let (subscriber, mut deliveries) =
            subscribe(&bench, &proxy.url(&amqp_url()), 50, |_| Disposition::Ack);
        let stop = Arc::new(AtomicBool::new(false));
        let publishing = tokio::spawn(publish_until(publisher.clone(), Arc::clone(&stop)));
        let mut seen = BTreeSet::new();
        for _ in 0..4 {
            for _ in 0..300 {
                seen.extend(next(&mut deliveries).await.message_id);
            }
            proxy.set(Mode::Cut);
            eventually("both notice", async || {
                !publisher.is_ready() && !subscriber.is_ready()
            })
            .await;
            proxy.set(Mode::Pass);
            eventually("both are back", async || {
                publisher.is_ready() && subscriber.is_ready()
            })
            .await;
        }
        stop.store(true, Ordering::Relaxed);
        let confirmed = publishing.await.unwrap();
        assert!(confirmed.len() > 1_000, "{}", confirmed.len());
        eventually("every confirmed message arrived", async || {
            while let Ok(delivery) = deliveries.try_recv() {
                seen.extend(delivery.message_id);
            }
            confirmed.is_subset(&seen)
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_connection_is_noticed_within_two_heartbeats() {
    on_bench(|bench| async move {
        let proxy = Proxy::start(&amqp_url()).await;
        let publisher = publisher_behind(&proxy, &bench, options()).await;
        let (subscriber, mut deliveries) =
            subscribe(&bench, &proxy.url(&amqp_url()), 50, |_| Disposition::Ack);
        eventually("it consumes", async || bench.consumers(&live()).await == 1).await;
        proxy.set(Mode::Frozen);
        let frozen_at = SystemClock.monotonic();
        let answer = publisher.publish(ticket("unknown")).await.unwrap_err();
        assert!(answer.is_outcome_unknown(), "{answer:?}");
        eventually("both notice", async || {
            !publisher.is_ready() && !subscriber.is_ready()
        })
        .await;
        // Two heartbeats of two seconds, and some for a loaded machine.
        assert!(
            frozen_at.elapsed() < Duration::from_secs(6),
            "{:?}",
            frozen_at.elapsed()
        );

        // New connections hang in the handshake: they are given up at their deadline.
        let tries = proxy.accepted();
        eventually("it tries again", async || proxy.accepted() >= tries + 2).await;
        let answer = publisher.publish(ticket("not sent")).await;
        assert_eq!(answer, Err(PublishError::Disconnected));

        proxy.set(Mode::Pass);
        eventually("both are back", async || {
            publisher.is_ready() && subscriber.is_ready()
        })
        .await;
        publisher.publish(ticket("after")).await.unwrap();
        while next(&mut deliveries).await.message_id.as_deref() != Some("after") {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_asked_for_during_a_short_outage_gets_through() {
    on_bench(|bench| async move {
        let proxy = Proxy::start(&amqp_url()).await;
        let options = PublisherOptions {
            confirm_deadline: PATIENCE,
            ..options()
        };
        let publisher = publisher_behind(&proxy, &bench, options).await;
        proxy.set(Mode::Cut);
        eventually("it notices", async || !publisher.is_ready()).await;
        let asked = publisher.clone();
        let publishing = tokio::spawn(async move { asked.publish(ticket("patient")).await });
        proxy.set(Mode::Pass);
        assert_eq!(publishing.await.unwrap(), Ok(()));
        assert_eq!(bench.take_ids(&live()).await, ["patient"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_of_the_broker_fails_publishes_at_their_deadline_and_stops_no_consumer() {
    on_bench(|bench| async move {
        let proxy = Proxy::start(&amqp_url()).await;
        let publisher = publisher_behind(&proxy, &bench, options()).await;
        // The consumer's connection has the same broker, which blocks only those that publish.
        let (subscriber, mut deliveries) = subscribe(&bench, &amqp_url(), 50, |_| Disposition::Ack);
        let other = bench.publisher().await;

        proxy.set(Mode::Blocked);
        let first = publisher.publish(ticket("in flight")).await;
        assert!(
            matches!(
                first,
                Err(PublishError::DeadlinePassed | PublishError::Blocked)
            ),
            "{first:?}"
        );
        eventually("it says so", async || !publisher.is_ready()).await;
        assert!(bench.reason("publisher").contains("accepts no messages"));
        let asked_at = SystemClock.monotonic();
        assert_eq!(
            publisher.publish(ticket("not sent")).await,
            Err(PublishError::Blocked)
        );
        assert!(
            asked_at.elapsed() < Duration::from_secs(4),
            "{:?}",
            asked_at.elapsed()
        );
        other.publish(ticket("flows")).await.unwrap();
        while next(&mut deliveries).await.message_id.as_deref() != Some("flows") {}
        assert!(subscriber.is_ready());

        // An alarm is no fault: it lasts longer than a confirm may take, on the same connection.
        let connections = proxy.accepted();
        for _ in 0..2 {
            assert_eq!(
                publisher.publish(ticket("not sent")).await,
                Err(PublishError::Blocked)
            );
        }
        proxy.set(Mode::Pass);
        eventually("it is over", async || publisher.is_ready()).await;
        assert_eq!(publisher.publish(ticket("after")).await, Ok(()));
        assert_eq!(proxy.accepted(), connections);
        let mut ids = BTreeSet::new();
        while !ids.contains("after") {
            ids.extend(next(&mut deliveries).await.message_id);
        }
        assert!(!ids.contains("not sent"), "{ids:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stays_away_is_fatal_and_says_why() {
    on_bench(|bench| async move {
        let proxy = Proxy::start(&amqp_url()).await;
        let options = PublisherOptions {
            fatal_after: Duration::from_secs(1),
            ..options()
        };
        let publisher = publisher_behind(&proxy, &bench, options).await;
        let fatal = tokio::spawn(publisher.fatal());
        proxy.set(Mode::Cut);
        let reason = tokio::time::timeout(PATIENCE, fatal)
            .await
            .unwrap()
            .unwrap();
        assert!(!reason.is_empty());
        assert!(!publisher.is_ready());
    })
    .await;
}
