//! Consuming against a real broker: each answer does what it says, and trouble is repaired.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use broker::{
    Delivery, Disposition, Drained, Exchange, Message, Queue, QueueSpec, Subscriber,
    SubscriberOptions,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::rig::{Bench, PATIENCE, amqp_url, eventually, live, on_bench, ticket};

/// A subscriber to the live queue that tells what it was given and answers as told.
pub(crate) fn subscribe(
    bench: &Bench,
    url: &str,
    prefetch: u16,
    answer: impl Fn(&Delivery) -> Disposition + Send + Sync + 'static,
) -> (Subscriber, mpsc::UnboundedReceiver<Delivery>) {
    let (sender, deliveries) = mpsc::unbounded_channel();
    let handler = move |delivery: Delivery| {
        let disposition = answer(&delivery);
        sender.send(delivery).unwrap();
        async move { disposition }
    };
    let queue = QueueSpec {
        queue: live(),
        prefetch,
    };
    let component = bench.health.component("subscriber");
    let topology = bench.topology.clone();
    let started = Subscriber::start(url, topology, vec![queue], quick(), component, handler);
    (started.unwrap(), deliveries)
}

fn start<F: Future<Output = Disposition> + Send + 'static>(
    bench: &Bench,
    queues: Vec<QueueSpec>,
    handler: impl Fn(Delivery) -> F + Send + Sync + 'static,
) -> Subscriber {
    let component = bench.health.component("subscriber");
    let topology = bench.topology.clone();
    Subscriber::start(&amqp_url(), topology, queues, quick(), component, handler).unwrap()
}

/// Options with short pauses and a short heartbeat.
pub(crate) fn quick() -> SubscriberOptions {
    SubscriberOptions {
        heartbeat_secs: 2,
        requeue_pause: Duration::from_millis(10),
        ..SubscriberOptions::named("test")
    }
}

/// The next delivery.
pub(crate) async fn next(deliveries: &mut mpsc::UnboundedReceiver<Delivery>) -> Delivery {
    let next = timeout(PATIENCE, deliveries.recv()).await;
    next.expect("a delivery in time")
        .expect("a running subscriber")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_message_is_gone_and_came_whole() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        publisher.publish(ticket("one")).await.unwrap();
        let (subscriber, mut deliveries) = subscribe(&bench, &amqp_url(), 10, |_| Disposition::Ack);
        let delivery = next(&mut deliveries).await;
        let expected = Delivery {
            queue: live(),
            exchange: bench.topology.exchange_name(Exchange::Sync),
            routing_key: "qbo.live".to_owned(),
            message_id: Some("one".to_owned()),
            content_type: Some("application/json".to_owned()),
            headers: delivery.headers.clone(),
            redelivered: false,
            delivery_count: delivery.delivery_count,
            body: b"{}".to_vec(),
        };
        assert_eq!(delivery, expected);
        assert_eq!(delivery.headers["traceparent"], "00-cafe");
        assert!(delivery.delivery_count.is_none_or(|count| count == 0));
        assert_eq!(subscriber.drain(PATIENCE).await, Drained::Finished);
        eventually("it is gone", async || bench.depth(&live()).await == Some(0)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_message_leaves_its_queue_for_the_dead_letters() {
    on_bench(|bench| async move {
        let policy = DeadLetterPolicy::set(&bench);
        let publisher = bench.publisher().await;
        publisher.publish(ticket("bad")).await.unwrap();
        let (subscriber, mut deliveries) =
            subscribe(&bench, &amqp_url(), 10, |_| Disposition::Reject);
        assert_eq!(
            next(&mut deliveries).await.message_id.as_deref(),
            Some("bad")
        );
        subscriber.drain(PATIENCE).await;
        eventually("it left", async || bench.depth(&live()).await == Some(0)).await;
        if policy.is_set {
            eventually("it is dead", async || {
                bench.depth(&Queue::Dead).await == Some(1)
            })
            .await;
            assert_eq!(bench.take_ids(&Queue::Dead).await, ["bad"]);
        }
        assert!(deliveries.recv().await.is_none(), "it came once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requeued_message_comes_again_and_is_counted() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        publisher.publish(ticket("again")).await.unwrap();
        let (_subscriber, mut deliveries) = subscribe(&bench, &amqp_url(), 10, |delivery| {
            if delivery.redelivered {
                Disposition::Ack
            } else {
                Disposition::Requeue
            }
        });
        assert!(!next(&mut deliveries).await.redelivered);
        let second = next(&mut deliveries).await;
        assert!(second.redelivered);
        assert_eq!(second.delivery_count, Some(1));
        eventually("it is gone", async || bench.depth(&live()).await == Some(0)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_makes_its_handler_panic_is_rejected_and_the_others_flow() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let tries = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&tries);
        let (subscriber, mut deliveries) = subscribe(&bench, &amqp_url(), 10, move |delivery| {
            if delivery.message_id.as_deref() == Some("poison") {
                counter.fetch_add(1, Ordering::SeqCst);
                panic!("as the test wants");
            }
            Disposition::Ack
        });
        publisher.publish(ticket("poison")).await.unwrap();
        for number in 0..20 {
            publisher.publish(ticket(number)).await.unwrap();
            assert_eq!(
                next(&mut deliveries).await.message_id,
                Some(number.to_string())
            );
        }
        eventually("it was tried five times", async || {
            tries.load(Ordering::SeqCst) == 5
        })
        .await;
        assert_eq!(subscriber.drain(PATIENCE).await, Drained::Finished);
        // Were it still anybody's, it would be back in the queue now.
        eventually("the poison is gone", async || {
            bench.depth(&live()).await == Some(0)
        })
        .await;
        assert_eq!(tries.load(Ordering::SeqCst), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_handlers_run_at_once_than_the_prefetch() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let answers = publisher.publish_all((0..40).map(ticket).collect()).await;
        assert!(answers.iter().all(Result::is_ok));
        let (running, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (counter, door) = (Arc::clone(&running), Arc::clone(&gate));
        let handler = move |_| {
            let (counter, door) = (Arc::clone(&counter), Arc::clone(&door));
            async move {
                counter.fetch_add(1, Ordering::SeqCst);
                door.acquire().await.unwrap().forget();
                counter.fetch_sub(1, Ordering::SeqCst);
                Disposition::Ack
            }
        };
        let queue = QueueSpec {
            queue: live(),
            prefetch: 4,
        };
        let _subscriber = start(&bench, vec![queue], handler);
        eventually("four run", async || running.load(Ordering::SeqCst) == 4).await;
        assert_eq!(bench.depth(&live()).await, Some(36));
        let mut most = 0;
        gate.add_permits(40);
        eventually("all are done", async || {
            most = most.max(running.load(Ordering::SeqCst));
            bench.depth(&live()).await == Some(0) && running.load(Ordering::SeqCst) == 0
        })
        .await;
        assert!(most <= 4, "{most} at once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_deleted_while_consuming_comes_back_with_its_consumer() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let (subscriber, mut deliveries) = subscribe(&bench, &amqp_url(), 10, |_| Disposition::Ack);
        eventually("it consumes", async || bench.consumers(&live()).await == 1).await;
        bench.delete(&live()).await;
        eventually("it consumes again", async || {
            bench.consumers(&live()).await == 1
        })
        .await;
        assert!(subscriber.is_ready());
        publisher.publish(ticket("after")).await.unwrap();
        assert_eq!(
            next(&mut deliveries).await.message_id.as_deref(),
            Some("after")
        );
    })
    .await;
}

/// A gate for handlers, and how many are waiting at it.
fn gated(bench: &Bench) -> (Subscriber, Arc<AtomicUsize>, Arc<Semaphore>) {
    let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (counter, door) = (Arc::clone(&begun), Arc::clone(&gate));
    let handler = move |_| {
        let (counter, door) = (Arc::clone(&counter), Arc::clone(&door));
        async move {
            counter.fetch_add(1, Ordering::SeqCst);
            door.acquire().await.unwrap().forget();
            Disposition::Ack
        }
    };
    let queue = QueueSpec {
        queue: live(),
        prefetch: 3,
    };
    let subscriber = start(bench, vec![queue], handler);
    (subscriber, begun, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_finishes_what_runs_and_takes_nothing_more() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let answers = publisher.publish_all((0..10).map(ticket).collect()).await;
        assert!(answers.iter().all(Result::is_ok));
        let (subscriber, begun, gate) = gated(&bench);
        eventually("three run", async || begun.load(Ordering::SeqCst) == 3).await;
        let mut draining = tokio::spawn(subscriber.drain(PATIENCE));
        let early = timeout(Duration::from_millis(500), &mut draining).await;
        assert!(early.is_err(), "it did not wait for the handlers");
        gate.add_permits(10);
        assert_eq!(draining.await.unwrap(), Drained::Finished);
        assert_eq!(begun.load(Ordering::SeqCst), 3);
        eventually("seven wait", async || bench.depth(&live()).await == Some(7)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_gives_back_what_does_not_finish_in_time() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let answers = publisher.publish_all((0..10).map(ticket).collect()).await;
        assert!(answers.iter().all(Result::is_ok));
        let (subscriber, begun, _gate) = gated(&bench);
        eventually("three run", async || begun.load(Ordering::SeqCst) == 3).await;
        let drained = subscriber.drain(Duration::from_millis(300)).await;
        assert_eq!(drained, Drained::StillRunning(3));
        eventually("all ten wait", async || {
            bench.depth(&live()).await == Some(10)
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_subscriber_gives_its_messages_back() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        publisher.publish(ticket("one")).await.unwrap();
        let (subscriber, begun, _gate) = gated(&bench);
        eventually("it runs", async || begun.load(Ordering::SeqCst) == 1).await;
        drop(subscriber);
        eventually("it waits", async || bench.depth(&live()).await == Some(1)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_queues_are_consumed_on_one_connection() {
    on_bench(|bench| async move {
        let publisher = bench.publisher().await;
        let (sender, mut deliveries) = mpsc::unbounded_channel();
        let handler = move |delivery: Delivery| {
            sender.send(delivery).unwrap();
            async { Disposition::Ack }
        };
        let bulk = Queue::Bulk("qbo".to_owned());
        let queues = [live(), bulk.clone()].map(|queue| QueueSpec { queue, prefetch: 5 });
        let _subscriber = start(&bench, queues.to_vec(), handler);
        for (queue, routing_key) in [(bulk, "qbo.bulk"), (live(), "qbo.live")] {
            let message = Message {
                routing_key: routing_key.to_owned(),
                ..ticket(routing_key)
            };
            publisher.publish(message).await.unwrap();
            assert_eq!(next(&mut deliveries).await.queue, queue);
        }
    })
    .await;
}

/// A policy that sends the bench's dead letters to its dead queue, where the broker's control
/// command is at hand; removed when dropped.
struct DeadLetterPolicy {
    name: String,
    is_set: bool,
}

impl DeadLetterPolicy {
    fn set(bench: &Bench) -> Self {
        let name = format!("{}dead", bench.prefix);
        let pattern = format!("^{}tieout\\.sync\\.", bench.prefix);
        let exchange = bench.topology.exchange_name(Exchange::Dead);
        let definition = format!(r#"{{"dead-letter-exchange":"{exchange}"}}"#);
        let arguments = [
            "set_policy",
            &name,
            &pattern,
            &definition,
            "--apply-to",
            "queues",
        ];
        let set = Command::new("rabbitmqctl").args(arguments).output();
        let is_set = set.is_ok_and(|output| output.status.success());
        Self { name, is_set }
    }
}

impl Drop for DeadLetterPolicy {
    fn drop(&mut self) {
        if self.is_set {
            let cleared = Command::new("rabbitmqctl")
                .args(["clear_policy", &self.name])
                .output();
            assert!(
                cleared.is_ok_and(|output| output.status.success()),
                "{}",
                self.name
            );
        }
    }
}
