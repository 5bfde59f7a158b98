//! The producer process: `ProjectLedger`'s events from the broker, acked after their rows are committed.

use std::error::Error;
use std::sync::Arc;

use broker::{
    Delivery, Disposition, Publisher, PublisherOptions, Queue, QueueSpec, Subscriber,
    SubscriberOptions, Topology,
};
use model::AccountId;
use model::digest::sha256_hex;
use model::event::BadEvent;
use runtime::metric::{Counter, Label, Unit};
use runtime::{Component, Process, Secret, Settings, TraceContext};
use serde_json::json;
use store::dead::DeadMessage;
use store::{Role, Store};
use tokio::sync::mpsc;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::{SubmitError, Submitted, announce, submit};

/// Events handled at once; each is one short transaction.
const PREFETCH: u16 = 32;
/// Announcements waiting to be published; when full, the sweep is relied on.
const ANNOUNCES: usize = 4_096;
/// Most bytes of a refused message that are kept.
const RAW_LIMIT: usize = 64 * 1024;

/// What the producer is told by its environment.
#[derive(Clone, Debug)]
pub struct Config {
    database_url: Secret,
    amqp_url: Secret,
    connections: u32,
}

impl Config {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Self {
        Self {
            database_url: settings.secret("DATABASE_URL"),
            amqp_url: settings.secret("AMQP_URL"),
            connections: settings.parse_or("TIEOUT_DB_CONNECTIONS", 8),
        }
    }
}

/// How a message ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Accepted,
    Duplicate,
    Refused,
    Conflict,
    Unavailable,
}

impl Label for End {
    const NAME: &'static str = "outcome";
    const ALL: &'static [Self] = &[
        Self::Accepted,
        Self::Duplicate,
        Self::Refused,
        Self::Conflict,
        Self::Unavailable,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
        }
    }
}

static EVENTS: Counter<End> = Counter::new(
    "tieout_events_total",
    "Events by what became of them.",
    Unit::Count,
);

type Pending = (Vec<store::intake::Announce>, Option<String>);

struct Intake {
    store: Store,
    database: Component,
    announces: mpsc::Sender<Pending>,
}

/// Runs the producer until it is told to stop. Providers' queues are declared by their consumers.
pub async fn run(process: Process, config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    EVENTS.show_all();
    let database = process.health.component("database");
    let store = Store::open(
        config.database_url.expose(),
        Role::Producer,
        config.connections,
    )?;
    let topology = Topology::new::<&str>(&[]);
    let publisher = Publisher::start(
        config.amqp_url.expose(),
        topology.clone(),
        PublisherOptions::named(process.service),
        process.health.component("broker (tickets)"),
    )?;
    let (announces, queue) = mpsc::channel(ANNOUNCES);
    let publishing = tokio::spawn(publish_announces(publisher.clone(), queue));
    let intake = Arc::new(Intake {
        store: store.clone(),
        database,
        announces,
    });
    let handler = Arc::clone(&intake);
    let subscriber = Subscriber::start(
        config.amqp_url.expose(),
        topology,
        vec![QueueSpec {
            queue: Queue::EventsIn,
            prefetch: PREFETCH,
        }],
        SubscriberOptions::named(process.service),
        process.health.component("broker (events)"),
        move |delivery| Arc::clone(&handler).take(delivery),
    )?;
    let fatal = subscriber.fatal();
    let ended = tokio::select! {
        () = process.shutdown.requested() => Ok(()),
        () = intake.watch_database() => Ok(()),
        why = fatal => Err(format!("the broker was unreachable for too long: {why}").into()),
    };
    subscriber.drain(process.shutdown.grace()).await;
    drop(intake);
    publishing.abort();
    publisher.close(process.shutdown.grace()).await;
    store.close().await;
    ended
}

/// Every line about the event has its trace from now on; a malformed one is ignored.
fn note_trace(span: &Span, traceparent: Option<&String>) {
    if let Some(trace) = traceparent.and_then(|text| TraceContext::from_traceparent(text)) {
        span.record("trace.id", trace.trace_id());
    }
}

async fn publish_announces(publisher: Publisher, mut queue: mpsc::Receiver<Pending>) {
    while let Some((announces, trace)) = queue.recv().await {
        announce(&publisher, &announces, trace.as_deref()).await;
    }
}

impl Intake {
    /// One event, logged under the trace that its message or its envelope names.
    async fn take(self: Arc<Self>, delivery: Delivery) -> Disposition {
        let span = tracing::info_span!("submit", trace.id = Empty);
        note_trace(&span, delivery.headers.get("traceparent"));
        self.follow(delivery).instrument(span).await
    }

    /// Steps 1 to 4: commit, then ack; announcing is best effort.
    async fn follow(self: Arc<Self>, delivery: Delivery) -> Disposition {
        let trace = delivery.headers.get("traceparent").cloned();
        match submit(&self.store, &delivery.body).await {
            Ok(Submitted::Accepted(announces)) => {
                EVENTS.increment(End::Accepted);
                self.database.ready();
                if !announces.is_empty() {
                    // A full queue is no reason to hold the event back: the sweep finds its work.
                    let _ = self.announces.try_send((announces, trace));
                }
                runtime::halt::point("03-before-event-ack");
                Disposition::Ack
            }
            Ok(Submitted::Duplicate) => {
                EVENTS.increment(End::Duplicate);
                Disposition::Ack
            }
            Err(SubmitError::Bad(bad)) => {
                EVENTS.increment(End::Refused);
                let envelope = bad.envelope();
                note_trace(
                    &Span::current(),
                    envelope.and_then(|envelope| envelope.trace.as_ref()),
                );
                let of = envelope.map(|envelope| (envelope.account, envelope.sequence));
                let message = format!(
                    "{} at {}: {}",
                    bad.code().as_str(),
                    bad.fault().path,
                    bad.fault().advice
                );
                tracing::warn!(
                    failure.code = bad.code().as_str(),
                    "an event was refused: {message}"
                );
                let is_undecodable = matches!(*bad, BadEvent::Undecodable(_));
                self.set_aside(&delivery, of, bad.code().as_str(), &message, is_undecodable)
                    .await
            }
            Err(SubmitError::Conflict(why)) => {
                EVENTS.increment(End::Conflict);
                let event = model::event::parse(&delivery.body).ok();
                note_trace(
                    &Span::current(),
                    event.as_ref().and_then(|event| event.trace.as_ref()),
                );
                tracing::warn!(
                    failure.code = "EVENT_CONFLICT",
                    "an event was refused: {why}"
                );
                let of = event.map(|event| (event.account, event.sequence));
                self.set_aside(&delivery, of, "EVENT_CONFLICT", &why, false)
                    .await
            }
            Err(SubmitError::Store(error)) => {
                EVENTS.increment(End::Unavailable);
                self.database.not_ready(runtime::chain(&error));
                Disposition::Requeue
            }
        }
    }

    /// A refused message becomes a row with its bytes and the reason, then is acked; nothing is lost.
    async fn set_aside(
        &self,
        delivery: &Delivery,
        of: Option<(AccountId, i64)>,
        cause: &str,
        message: &str,
        is_undecodable: bool,
    ) -> Disposition {
        let subject = format!("event {}", sha256_hex([&delivery.body]));
        let raw = delivery.body.get(..RAW_LIMIT).unwrap_or(&delivery.body);
        let dead = DeadMessage {
            subject: &subject,
            account: of.map(|(account, _)| account),
            sequence: of.map(|(_, sequence)| sequence),
            cause,
            message,
            raw,
            origin: json!({
                "exchange": delivery.exchange, "routingKey": delivery.routing_key, "messageId": delivery.message_id,
                "bytes": delivery.body.len(), "isUndecodable": is_undecodable,
                "traceparent": delivery.headers.get("traceparent"),
            }),
        };
        match self.store.keep_message(&dead).await {
            Ok(_) => Disposition::Ack,
            Err(error) => {
                self.database.not_ready(runtime::chain(&error));
                Disposition::Requeue
            }
        }
    }

    /// Readiness follows the database even while no event comes.
    async fn watch_database(&self) {
        loop {
            match self.store.ping().await {
                Ok(()) => self.database.ready(),
                Err(error) => self.database.not_ready(runtime::chain(&error)),
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}
