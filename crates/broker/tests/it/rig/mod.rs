//! What the tests against a real broker share: a topology of their own, and patience.

pub mod proxy;

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use broker::{Exchange, Message, Publisher, PublisherOptions, Queue, Topology};
use futures_util::FutureExt as _;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, ExchangeDeleteOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties};
use rand::Rng as _;
use runtime::{Health, SystemClock};
use tokio::time::{interval, timeout};

/// Time enough for a loaded machine; a test that needs it all is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The address of the broker to test against.
pub fn amqp_url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}

/// One test's own exchanges and queues, and a connection to look at them.
#[derive(Clone)]
pub struct Bench {
    pub topology: Topology,
    pub prefix: String,
    pub health: Health,
    connection: Arc<Connection>,
}

/// Runs a test on a bench of its own, and clears the bench away whatever happens.
pub async fn on_bench<F: Future<Output = ()>>(test: impl FnOnce(Bench) -> F) {
    let prefix = format!("test-{:016x}-", rand::rng().random::<u64>());
    let connection = Connection::connect(&amqp_url(), ConnectionProperties::default())
        .await
        .expect("a broker at AMQP_URL");
    let bench = Bench {
        topology: Topology::named(&prefix, &["qbo"]),
        prefix,
        health: Health::new(Arc::new(SystemClock)),
        connection: Arc::new(connection),
    };
    let ended = AssertUnwindSafe(test(bench.clone())).catch_unwind().await;
    bench.clear().await;
    if let Err(failure) = ended {
        resume_unwind(failure);
    }
}

impl Bench {
    /// A fresh channel: a refused question costs one.
    pub async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    /// A publisher on this bench that is ready.
    pub async fn publisher(&self) -> Publisher {
        let options = PublisherOptions::named("test");
        let publisher = self.start_publisher(&amqp_url(), options);
        eventually("the publisher is ready", async || publisher.is_ready()).await;
        publisher
    }

    pub fn start_publisher(&self, url: &str, options: PublisherOptions) -> Publisher {
        let component = self.health.component("publisher");
        Publisher::start(url, self.topology.clone(), options, component).unwrap()
    }

    /// What health says about a component.
    pub fn reason(&self, component: &str) -> String {
        let (_, report) = self.health.report();
        let components = report["components"].as_array().unwrap().iter();
        let mut named = components.filter(|one| one["name"] == component);
        named.next().unwrap()["reason"].to_string()
    }

    pub fn name(&self, queue: &Queue) -> ShortString {
        self.topology.queue_name(queue).into()
    }

    /// How many messages wait in a queue; none when there is no such queue.
    pub async fn depth(&self, queue: &Queue) -> Option<u32> {
        Some(self.look_at(queue).await?.message_count())
    }

    /// How many consumers a queue has.
    pub async fn consumers(&self, queue: &Queue) -> u32 {
        self.look_at(queue)
            .await
            .map_or(0, |queue| queue.consumer_count())
    }

    async fn look_at(&self, queue: &Queue) -> Option<lapin::Queue> {
        let passive = QueueDeclareOptions::durable().passive();
        let declared = self
            .channel()
            .await
            .queue_declare(self.name(queue), passive, FieldTable::default())
            .await;
        declared.ok()
    }

    pub async fn delete(&self, queue: &Queue) {
        self.channel()
            .await
            .queue_delete(self.name(queue), QueueDeleteOptions::default())
            .await
            .unwrap();
    }

    /// Takes every message id that waits in a queue.
    pub async fn take_ids(&self, queue: &Queue) -> Vec<String> {
        let channel = self.channel().await;
        let mut ids = Vec::new();
        let name = self.name(queue);
        while let Some(message) = channel
            .basic_get(name.clone(), BasicGetOptions::default())
            .await
            .unwrap()
        {
            ids.push(
                message
                    .properties
                    .message_id()
                    .as_ref()
                    .unwrap()
                    .to_string(),
            );
            message.ack(BasicAckOptions::default()).await.unwrap();
        }
        ids
    }

    async fn clear(&self) {
        let channel = self.channel().await;
        for queue in self.topology.queues() {
            let name = self.name(&queue);
            let _ = channel
                .queue_delete(name, QueueDeleteOptions::default())
                .await;
        }
        for exchange in self.topology.exchanges() {
            let name = self.topology.exchange_name(exchange).into();
            let _ = channel
                .exchange_delete(name, ExchangeDeleteOptions::default())
                .await;
        }
        let _ = self.connection.close(200, "OK".into()).await;
    }
}

/// The queue most tests use.
pub fn live() -> Queue {
    Queue::Live("qbo".to_owned())
}

/// A ticket for the live queue.
pub fn ticket(id: impl ToString + Copy) -> Message {
    Message {
        exchange: Exchange::Sync,
        routing_key: broker::topology::live_key("qbo"),
        message_id: id.to_string(),
        content_type: "application/json".to_owned(),
        headers: [("traceparent".to_owned(), "00-cafe".to_owned())].into(),
        body: b"{}".to_vec(),
    }
}

/// A ticket for a provider nobody has.
pub fn unroutable(id: impl ToString + Copy) -> Message {
    Message {
        routing_key: broker::topology::live_key("nobody"),
        ..ticket(id)
    }
}

/// Waits until the condition is true, for at most [`PATIENCE`].
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        let mut looks = interval(Duration::from_millis(20));
        loop {
            looks.tick().await;
            if condition().await {
                return;
            }
        }
    });
    assert!(waited.await.is_ok(), "not within {PATIENCE:?}: {what}");
}
