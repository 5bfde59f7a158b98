//! Publishing with a confirm for every message: the handle, the message and its errors.
//!
//! A publish is answered within its deadline, whatever the broker does:
//!
//! ```text
//! queued --(session has room)--> handed over --(confirm)--> Ok | Returned | Nacked
//!    |                               |---(session lost)---> Disconnected   (may have arrived)
//!    '--(deadline)--> Blocked |      '---(deadline)-------> DeadlinePassed (may have arrived)
//!                     Disconnected | DeadlinePassed         (never sent)
//! ```
//!
//! While there is no session a publish waits for one until its deadline: a relay that publishes
//! in a loop is slowed down by that and needs no pause of its own.

mod session;
mod window;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use runtime::Component;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::instant::now;
use crate::link::{Address, InvalidAddress};
use crate::meters::{CONFIRM_TIME, Failure, PUBLISH_FAILURES, RoleName};
use crate::supervise::{Stop, supervise};
use crate::topology::{Exchange, Topology};
use crate::vitals::{self, Condition, Vitals};

/// The longest text AMQP's short strings can hold, in bytes.
const SHORT_STRING_BYTES: usize = 255;

/// A message to publish. It is persistent and mandatory, and has no priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it goes.
    pub exchange: Exchange,
    /// Which queues of the exchange it goes to; at most 255 bytes.
    pub routing_key: String,
    /// What consumers recognise a duplicate by; at most 255 bytes. It need not be unique here.
    pub message_id: String,
    /// The content type of the body; at most 255 bytes.
    pub content_type: String,
    /// Headers such as the trace context; names of at most 255 bytes.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Message {
    fn check(&self) -> Result<(), PublishError> {
        let texts = [&self.routing_key, &self.message_id, &self.content_type];
        let mut short = texts.into_iter().chain(self.headers.keys());
        if short.any(|text| text.len() > SHORT_STRING_BYTES) {
            return Err(PublishError::TooLong);
        }
        Ok(())
    }
}

/// Why a message is not known to be on the broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// No queue takes it; the topology is declared again because of it, so a later try may do.
    #[error("the broker returned the message: {code} {text}")]
    Returned {
        /// AMQP's reply code; 312 is "no route".
        code: u16,
        /// The broker's words.
        text: String,
    },
    /// The broker refused it, as a queue that is full does: slow down and try again later.
    #[error("the broker refused the message")]
    Nacked,
    /// The confirm did not come in time; the message may have arrived.
    #[error("the broker did not confirm the message in time")]
    DeadlinePassed,
    /// There is no session, or it was lost before the confirm; the message may have arrived.
    #[error("the connection to the broker was lost")]
    Disconnected,
    /// The broker reads nothing from publishers (disk or memory alarm); it was not sent.
    #[error("the broker accepts no messages for now")]
    Blocked,
    /// A routing key, id, content type or header name is longer than 255 bytes; it was not sent.
    #[error("the message has a key, id or header name longer than 255 bytes")]
    TooLong,
}

impl PublishError {
    /// Whether the message may have arrived all the same.
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::DeadlinePassed | Self::Disconnected => true,
            Self::Returned { .. } | Self::Nacked | Self::Blocked | Self::TooLong => false,
        }
    }
}

/// The limits of a publisher.
#[derive(Debug, Clone)]
pub struct PublisherOptions {
    /// The name of the connection, shown by the broker's tools.
    pub name: String,
    /// How many publishes may be in flight; more wait. Start: 2,000, which confirmed 19 thousand
    /// messages a second in our measurement.
    pub window: usize,
    /// How long a publish may take until it is answered.
    pub confirm_deadline: Duration,
    /// How long one step may take: connect, open a channel, declare.
    pub step_deadline: Duration,
    /// The heartbeat in seconds; a frozen broker is noticed within two.
    pub heartbeat_secs: u16,
    /// How long there may be no session before [`Publisher::fatal`] resolves.
    pub fatal_after: Duration,
}

impl PublisherOptions {
    /// The limits to start from, for a connection of this name.
    pub fn named(name: &str) -> Self {
        Self {
            name: format!("{name} publish"),
            window: 2_000,
            confirm_deadline: Duration::from_secs(10),
            step_deadline: Duration::from_secs(10),
            heartbeat_secs: 5,
            fatal_after: vitals::FATAL_AFTER,
        }
    }
}

/// Publishes on its own supervised connection. Clones share it; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requests: mpsc::Sender<Request>,
    stop: watch::Sender<Option<Instant>>,
    condition: watch::Receiver<Condition>,
    window: usize,
    confirm_deadline: Duration,
    fatal_after: Duration,
}

impl Publisher {
    /// Starts the connection's supervisor and returns at once; `component` tells how it is doing.
    /// Must be called in a tokio runtime.
    ///
    /// Fails when the address is not an AMQP address.
    pub fn start(
        url: &str,
        topology: Topology,
        options: PublisherOptions,
        component: Component,
    ) -> Result<Self, InvalidAddress> {
        let PublisherOptions {
            name,
            window,
            confirm_deadline,
            step_deadline,
            heartbeat_secs,
            fatal_after,
        } = options;
        let address = Address::parse(url, &name, heartbeat_secs, step_deadline)?;
        let vitals = Vitals::new(RoleName::Publish, component);
        let condition = vitals.condition();
        let window = window.max(1);
        let (requests, queue) = mpsc::channel(window);
        let (stop_sender, stop) = Stop::new();
        let role = session::Publishing::new(queue, topology.clone(), window, confirm_deadline);
        tokio::spawn(supervise(address, topology, vitals, stop, role));
        let shared = Shared {
            requests,
            stop: stop_sender,
            condition,
            window,
            confirm_deadline,
            fatal_after,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Publishes one message; `Ok` when the broker has it on a queue, on disk.
    ///
    /// Call it many times at once, or use [`Self::publish_all`]: one after the other each costs
    /// a round trip and the broker's disk. A dropped call may or may not publish.
    pub async fn publish(&self, message: Message) -> Result<(), PublishError> {
        let asked_at = now();
        let to_outside = message.exchange == Exchange::EventsOut;
        let answer = self
            .send(message, asked_at + self.shared.confirm_deadline)
            .await;
        match &answer {
            Ok(()) => CONFIRM_TIME.record((), asked_at.elapsed()),
            Err(error) => PUBLISH_FAILURES.increment(Failure::of(error, to_outside)),
        }
        answer
    }

    /// Publishes many messages, as many at once as the window holds; answers in their order.
    pub async fn publish_all(&self, messages: Vec<Message>) -> Vec<Result<(), PublishError>> {
        futures_util::stream::iter(messages)
            .map(|message| self.publish(message))
            .buffered(self.shared.window)
            .collect()
            .await
    }

    /// Whether a publish can be expected to get through now.
    pub fn is_ready(&self) -> bool {
        *self.shared.condition.borrow() == Condition::Up
    }

    /// Resolves with the reason when there was no session for a minute: time to exit.
    ///
    /// The future does not borrow: it does not keep the publisher alive.
    pub fn fatal(&self) -> impl Future<Output = String> + Send + use<> {
        vitals::fatal(self.shared.condition.clone(), self.shared.fatal_after)
    }

    /// Takes nothing more, waits for the confirms in flight for at most `limit`, disconnects.
    pub async fn close(&self, limit: Duration) {
        self.shared.stop.send_replace(Some(now() + limit));
        // The supervisor owns the other end, and drops it as the last thing it does.
        let mut condition = self.shared.condition.clone();
        while condition.changed().await.is_ok() {}
    }

    async fn send(&self, message: Message, deadline: Instant) -> Result<(), PublishError> {
        message.check()?;
        let (reply, answer) = oneshot::channel();
        let stage = Arc::new(Stage::default());
        let request = Request {
            message,
            stage: Arc::clone(&stage),
            reply,
        };
        match timeout_at(deadline, self.shared.requests.send(request)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(PublishError::Disconnected),
            Err(_) => return Err(self.not_sent()),
        }
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(PublishError::Disconnected),
            Err(_) if stage.give_up() => Err(self.not_sent()),
            Err(_) => Err(PublishError::DeadlinePassed),
        }
    }

    fn not_sent(&self) -> PublishError {
        match *self.shared.condition.borrow() {
            Condition::Blocked => PublishError::Blocked,
            Condition::Down { .. } => PublishError::Disconnected,
            Condition::Up => PublishError::DeadlinePassed,
        }
    }
}

/// A message on its way to the session.
#[derive(Debug)]
struct Request {
    message: Message,
    stage: Arc<Stage>,
    reply: oneshot::Sender<Result<(), PublishError>>,
}

/// Decides the race between a caller whose deadline passes and a session that takes the message.
#[derive(Debug, Default)]
struct Stage(AtomicU8);

impl Stage {
    const QUEUED: u8 = 0;
    const HANDED_OVER: u8 = 1;
    const GIVEN_UP: u8 = 2;

    /// The session takes the message; false when the caller has given up.
    fn hand_over(&self) -> bool {
        self.settle(Self::HANDED_OVER)
    }

    /// The caller gives up; false when the session has taken the message.
    fn give_up(&self) -> bool {
        self.settle(Self::GIVEN_UP)
    }

    fn settle(&self, stage: u8) -> bool {
        let settled =
            self.0
                .compare_exchange(Self::QUEUED, stage, Ordering::AcqRel, Ordering::Acquire);
        settled.is_ok()
    }
}
