//! Consuming under supervision: the handle, what a handler gets and what it answers.
//!
//! A handler runs in a task of its own. As many run at once as the queue's prefetch, across
//! reconnects too: a handler of a lost session keeps its place until it is done, and its answer
//! goes nowhere, because the broker has given the message to somebody else by then.
//!
//! A handler that panics has found a broken rule of ours. Its message is requeued, as one
//! crashed process would, until the broker has counted [`PANICS_AT_MOST`] failed deliveries;
//! then it is rejected, so that it ends in the dead letters with the others flowing on. The
//! broker's own delivery limit is the last catch, for what kills whole processes.
//!
//! A requeued message comes back at once, so it is held back first, longer each time it has
//! failed: a database that is away for a minute must not turn tickets into dead letters.
//! A handler has no deadline here: cancelling one in the middle of a transaction is worse than
//! waiting for the broker's own limit (30 minutes), which ends the session.

mod session;
mod task;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use runtime::Component;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::instant::now;
use crate::link::{Address, InvalidAddress};
use crate::meters::RoleName;
use crate::supervise::{Stop, supervise};
use crate::topology::{Queue, Topology};
use crate::vitals::{self, Condition, Vitals};

/// After this many failed deliveries a message whose handler panics is rejected.
pub const PANICS_AT_MOST: i64 = 5;

/// A queue to consume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// Which queue.
    pub queue: Queue,
    /// How many handlers may run at once, and how many messages the broker hands out ahead.
    /// Rule: twice the useful concurrency, at most 100 (1 costs 15 times the throughput).
    pub prefetch: u16,
}

/// A message handed to a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue it came from.
    pub queue: Queue,
    /// The exchange it was published to; after dead-lettering the dead-letter exchange.
    pub exchange: String,
    /// The routing key it was published with.
    pub routing_key: String,
    /// The message id, if the publisher gave one.
    pub message_id: Option<String>,
    /// The content type, if the publisher gave one.
    pub content_type: Option<String>,
    /// The headers that are text, numbers or booleans, as text. Others (`x-death`) are left out;
    /// the broker repeats what matters of them in `x-first-death-reason`, `-queue`, `-exchange`.
    pub headers: BTreeMap<String, String>,
    /// Whether the broker thinks it may have been delivered before. A hint: not a proof, as a
    /// broker that restarts may mark everything or nothing.
    pub redelivered: bool,
    /// How many deliveries failed before this one, where the broker counts (quorum queues).
    pub delivery_count: Option<i64>,
    /// The body.
    pub body: Vec<u8>,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Done: its outcome is recorded elsewhere.
    Ack,
    /// To the dead letters: it can never be handled.
    Reject,
    /// Again, later: something around it is in the way. Counts as a failed delivery.
    Requeue,
}

/// The limits of a subscriber.
#[derive(Debug, Clone)]
pub struct SubscriberOptions {
    /// The name of the connection, shown by the broker's tools.
    pub name: String,
    /// How long one step may take: connect, open a channel, declare, consume.
    pub step_deadline: Duration,
    /// The heartbeat in seconds; a frozen broker is noticed within two.
    pub heartbeat_secs: u16,
    /// How long there may be no session before [`Subscriber::fatal`] resolves.
    pub fatal_after: Duration,
    /// How long a message is held back before its first requeue; it doubles with each failed
    /// delivery the broker has counted.
    pub requeue_pause: Duration,
    /// The longest such pause. With the broker's delivery limit at 20 it keeps a message alive
    /// through an outage of about nine minutes.
    pub requeue_pause_at_most: Duration,
}

impl SubscriberOptions {
    /// The limits to start from, for a connection of this name.
    pub fn named(name: &str) -> Self {
        Self {
            name: format!("{name} consume"),
            step_deadline: Duration::from_secs(10),
            heartbeat_secs: 5,
            fatal_after: vitals::FATAL_AFTER,
            requeue_pause: Duration::from_secs(1),
            requeue_pause_at_most: Duration::from_secs(30),
        }
    }
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every handler that had begun has finished.
    Finished,
    /// This many handlers still run; their messages went back to their queues.
    StillRunning(usize),
}

/// A handler, its type forgotten.
type Handler = Arc<dyn Fn(Delivery) -> BoxFuture<'static, Disposition> + Send + Sync>;

/// Consumes on its own supervised connection until drained or dropped.
#[derive(Debug)]
pub struct Subscriber {
    stop: watch::Sender<Option<Instant>>,
    condition: watch::Receiver<Condition>,
    lanes: Vec<Lane>,
    fatal_after: Duration,
    supervisor: tokio::task::JoinHandle<()>,
}

/// A queue with the places its handlers take.
#[derive(Debug, Clone)]
struct Lane {
    queue: Queue,
    prefetch: u16,
    places: Arc<Semaphore>,
}

impl Subscriber {
    /// Starts the connection's supervisor and returns at once; `component` tells how it is doing.
    /// Must be called in a tokio runtime.
    ///
    /// Fails when the address is not an AMQP address.
    pub fn start<H, F>(
        url: &str,
        topology: Topology,
        queues: Vec<QueueSpec>,
        options: SubscriberOptions,
        component: Component,
        handler: H,
    ) -> Result<Self, InvalidAddress>
    where
        H: Fn(Delivery) -> F + Send + Sync + 'static,
        F: Future<Output = Disposition> + Send + 'static,
    {
        let address = Address::parse(
            url,
            &options.name,
            options.heartbeat_secs,
            options.step_deadline,
        )?;
        let vitals = Vitals::new(RoleName::Consume, component);
        let (stop_sender, stop) = Stop::new();
        let lanes: Vec<Lane> = queues.into_iter().map(Lane::new).collect();
        let fatal_after = options.fatal_after;
        let handler: Handler = Arc::new(move |delivery| Box::pin(handler(delivery)));
        let role = session::Consuming {
            lanes: lanes.clone(),
            topology: topology.clone(),
            handler,
            options,
        };
        let condition = vitals.condition();
        let supervisor = tokio::spawn(supervise(address, topology, vitals, stop, role));
        Ok(Self {
            stop: stop_sender,
            condition,
            lanes,
            fatal_after,
            supervisor,
        })
    }

    /// Whether messages can be expected to arrive now.
    pub fn is_ready(&self) -> bool {
        *self.condition.borrow() == Condition::Up
    }

    /// Resolves with the reason when there was no session for a minute: time to exit.
    ///
    /// The future does not borrow, so that it can be awaited beside a later [`Self::drain`].
    pub fn fatal(&self) -> impl Future<Output = String> + Send + use<> {
        vitals::fatal(self.condition.clone(), self.fatal_after)
    }

    /// Takes nothing more, lets running handlers finish and answer for at most `limit`, and
    /// disconnects, upon which what was not answered goes back to its queue.
    pub async fn drain(self, limit: Duration) -> Drained {
        let until = now() + limit;
        self.stop.send_replace(Some(until));
        // A panic of the supervisor's is its own news; the handlers are what counts here.
        let _ = self.supervisor.await;
        // Handlers of a session that was lost before are not the supervisor's any more.
        let mut running = 0;
        for lane in &self.lanes {
            let all = u32::from(lane.prefetch);
            if timeout_at(until, lane.places.acquire_many(all))
                .await
                .is_err()
            {
                running += usize::from(lane.prefetch) - lane.places.available_permits();
            }
        }
        match running {
            0 => Drained::Finished,
            running => Drained::StillRunning(running),
        }
    }
}

impl Lane {
    fn new(spec: QueueSpec) -> Self {
        // Zero would mean "without limit" to the broker.
        let prefetch = spec.prefetch.max(1);
        Self {
            queue: spec.queue,
            prefetch,
            places: Arc::new(Semaphore::new(usize::from(prefetch))),
        }
    }
}
