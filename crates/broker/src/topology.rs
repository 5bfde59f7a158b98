//! The exchanges, queues and bindings of Tieout, under one set of names.
//!
//! ```text
//! projectledger.events (topic)  --invoice.*, payment.*, ...-->  tieout.events.in
//! tieout.sync          (direct) --<provider>.live------------>  tieout.sync.<provider>.live
//!                               --<provider>.bulk------------>  tieout.sync.<provider>.bulk
//! tieout.dead          (fanout) ----------------------------->  tieout.dead
//! tieout.events        (topic)  -- whoever listens outside binds a queue of their own
//! ```
//!
//! The queue type is the only argument. Limits, dead-lettering and overflow are one policy
//! per queue in `deploy/rabbitmq/definitions.json`: an argument cannot be changed without
//! deleting the queue, a policy can. Whether a policy is in place cannot be seen over AMQP,
//! so nothing here checks it.

use std::fmt;
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use crate::fault::{Fault, within};

/// Where `ProjectLedger` publishes its domain events.
pub const EVENTS_IN_EXCHANGE: &str = "projectledger.events";
/// Where tickets for the providers' consumers go.
pub const SYNC_EXCHANGE: &str = "tieout.sync";
/// Where dead letters go, from the broker and from the outbox.
pub const DEAD_EXCHANGE: &str = "tieout.dead";
/// Where Tieout tells the outside what happened.
pub const EVENTS_OUT_EXCHANGE: &str = "tieout.events";
/// The queue of events not taken in yet.
pub const EVENTS_IN_QUEUE: &str = "tieout.events.in";
/// The queue of dead letters the keeper turns into rows.
pub const DEAD_QUEUE: &str = "tieout.dead";

/// What of `projectledger.events` is bound to [`EVENTS_IN_QUEUE`].
pub const EVENTS_IN_KEYS: [&str; 8] = [
    "invoice.*",
    "payment.*",
    "client.*",
    "credit_note.*",
    "tax_rate.*",
    "refund.*",
    "write_off.*",
    "control.*",
];

/// An exchange of the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// [`EVENTS_IN_EXCHANGE`].
    EventsIn,
    /// [`SYNC_EXCHANGE`].
    Sync,
    /// [`DEAD_EXCHANGE`].
    Dead,
    /// [`EVENTS_OUT_EXCHANGE`]: no queue of ours is bound to it, so a publish that nobody
    /// outside listens to is answered with `PublishError::Returned`.
    EventsOut,
}

impl Exchange {
    const ALL: [Self; 4] = [Self::EventsIn, Self::Sync, Self::Dead, Self::EventsOut];

    fn base_name(self) -> &'static str {
        match self {
            Self::EventsIn => EVENTS_IN_EXCHANGE,
            Self::Sync => SYNC_EXCHANGE,
            Self::Dead => DEAD_EXCHANGE,
            Self::EventsOut => EVENTS_OUT_EXCHANGE,
        }
    }

    fn kind(self) -> ExchangeKind {
        match self {
            Self::EventsIn | Self::EventsOut => ExchangeKind::Topic,
            Self::Sync => ExchangeKind::Direct,
            Self::Dead => ExchangeKind::Fanout,
        }
    }
}

/// A queue of the topology.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Queue {
    /// [`EVENTS_IN_QUEUE`].
    EventsIn,
    /// Tickets of a provider for documents just issued, by provider key.
    Live(String),
    /// Tickets of a provider for batches, backfill and replays, by provider key.
    Bulk(String),
    /// [`DEAD_QUEUE`].
    Dead,
}

impl Queue {
    /// What kind of queue it is; bounded, for metric labels.
    pub fn kind(&self) -> QueueKind {
        match self {
            Self::EventsIn => QueueKind::EventsIn,
            Self::Live(_) => QueueKind::Live,
            Self::Bulk(_) => QueueKind::Bulk,
            Self::Dead => QueueKind::Dead,
        }
    }

    fn base_name(&self) -> String {
        match self {
            Self::EventsIn => EVENTS_IN_QUEUE.to_owned(),
            Self::Live(provider) => format!("{SYNC_EXCHANGE}.{provider}.live"),
            Self::Bulk(provider) => format!("{SYNC_EXCHANGE}.{provider}.bulk"),
            Self::Dead => DEAD_QUEUE.to_owned(),
        }
    }

    fn bindings(&self) -> Vec<(Exchange, String)> {
        match self {
            Self::EventsIn => EVENTS_IN_KEYS
                .iter()
                .map(|key| (Exchange::EventsIn, (*key).to_owned()))
                .collect(),
            Self::Live(provider) => vec![(Exchange::Sync, live_key(provider))],
            Self::Bulk(provider) => vec![(Exchange::Sync, bulk_key(provider))],
            Self::Dead => vec![(Exchange::Dead, String::new())],
        }
    }
}

/// The kinds of queue, as metric labels say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueKind {
    /// Events from `ProjectLedger`.
    EventsIn,
    /// Live tickets of some provider.
    Live,
    /// Bulk tickets of some provider.
    Bulk,
    /// Dead letters.
    Dead,
}

impl QueueKind {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventsIn => "events_in",
            Self::Live => "live",
            Self::Bulk => "bulk",
            Self::Dead => "dead",
        }
    }
}

/// The routing key on [`SYNC_EXCHANGE`] of a provider's live tickets.
pub fn live_key(provider: &str) -> String {
    format!("{provider}.live")
}

/// The routing key on [`SYNC_EXCHANGE`] of a provider's bulk tickets.
pub fn bulk_key(provider: &str) -> String {
    format!("{provider}.bulk")
}

/// The names to declare: the providers' keys and, in tests, a prefix before every name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
    providers: Vec<String>,
}

impl Topology {
    /// The names as production uses them.
    pub fn new<S: AsRef<str>>(providers: &[S]) -> Self {
        Self::named("", providers)
    }

    /// The same topology beside the real one: `prefix` stands before every name.
    pub fn named<S: AsRef<str>>(prefix: &str, providers: &[S]) -> Self {
        Self {
            prefix: prefix.to_owned(),
            providers: providers
                .iter()
                .map(|key| key.as_ref().to_owned())
                .collect(),
        }
    }

    /// The name of an exchange on the broker.
    pub fn exchange_name(&self, exchange: Exchange) -> String {
        format!("{}{}", self.prefix, exchange.base_name())
    }

    /// The name of a queue on the broker.
    pub fn queue_name(&self, queue: &Queue) -> String {
        format!("{}{}", self.prefix, queue.base_name())
    }

    /// Every exchange.
    pub fn exchanges(&self) -> [Exchange; 4] {
        Exchange::ALL
    }

    /// Every queue.
    pub fn queues(&self) -> Vec<Queue> {
        let per_provider = self
            .providers
            .iter()
            .flat_map(|key| [Queue::Live(key.clone()), Queue::Bulk(key.clone())]);
        [Queue::EventsIn, Queue::Dead]
            .into_iter()
            .chain(per_provider)
            .collect()
    }

    /// Declares everything; idempotent, each step within `limit`.
    ///
    /// Fails when a queue or exchange stands there with other properties (406), when the
    /// user may not (403), or when the broker does not answer; the channel is gone then.
    pub(crate) async fn declare(&self, channel: &Channel, limit: Duration) -> Result<(), Fault> {
        for exchange in self.exchanges() {
            self.declare_exchange(channel, exchange, limit).await?;
        }
        for queue in self.queues() {
            self.declare_queue(channel, &queue, limit).await?;
        }
        Ok(())
    }

    async fn declare_exchange(
        &self,
        channel: &Channel,
        exchange: Exchange,
        limit: Duration,
    ) -> Result<(), Fault> {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let name = short(self.exchange_name(exchange))?;
        let declared =
            channel.exchange_declare(name, exchange.kind(), options, FieldTable::default());
        within(limit, "declaring an exchange", declared).await
    }

    async fn declare_queue(
        &self,
        channel: &Channel,
        queue: &Queue,
        limit: Duration,
    ) -> Result<(), Fault> {
        let name = short(self.queue_name(queue))?;
        let mut arguments = FieldTable::default();
        arguments.insert(
            "x-queue-type".into(),
            AMQPValue::LongString("quorum".into()),
        );
        let declared =
            channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments);
        within(limit, "declaring a queue", declared).await?;
        for (exchange, key) in queue.bindings() {
            let bound = channel.queue_bind(
                name.clone(),
                short(self.exchange_name(exchange))?,
                short(key)?,
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            within(limit, "binding a queue", bound).await?;
        }
        Ok(())
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}tieout[{}]", self.prefix, self.providers.join(","))
    }
}

/// A name as AMQP's short string, which holds at most 255 bytes.
pub(crate) fn short(name: String) -> Result<ShortString, Fault> {
    ShortString::try_new(name).map_err(|_| Fault::NameTooLong)
}
