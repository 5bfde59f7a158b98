//! The keeper: what the broker gave up on becomes a row that people find, once per content, and is then acked.
//!
//! Two kinds of message arrive on `tieout.dead`. Mirrors of given-up work come from our own outbox: their row
//! exists, so they are acked. Everything else was dead-lettered by the broker: undecodable, rejected, or
//! delivered too often. It becomes a row before the ack; while the database is away it goes back to the queue.

use std::sync::Arc;

use broker::topology::EVENTS_IN_EXCHANGE;
use broker::{Delivery, Disposition};
use model::AccountId;
use model::digest::sha256_hex;
use runtime::{Component, chain};
use serde_json::{Value, json};
use store::Store;
use store::dead::DeadMessage;

use crate::measure::{self, Kept};

/// Most bytes of a message that are kept.
const RAW_LIMIT: usize = 64 * 1024;
/// The routing key with which the outbox mirrors given-up work.
const MIRROR_KEY: &str = "work";

/// Keeps dead messages.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    database: Component,
}

impl Keeper {
    /// A keeper that reports outages to `database`.
    pub fn new(store: Store, database: Component) -> Self {
        Self { store, database }
    }

    /// Keeps one message.
    pub async fn take(self: Arc<Self>, delivery: Delivery) -> Disposition {
        if is_mirror(&delivery) {
            measure::KEPT.increment(Kept::Mirror);
            return Disposition::Ack;
        }
        let death = Death::of(&delivery);
        let raw = delivery.body.get(..RAW_LIMIT).unwrap_or(&delivery.body);
        let subject = death.subject(&delivery);
        let dead = DeadMessage {
            subject: &subject,
            account: account(&delivery, &death),
            // A refused event is seen; a dead-lettered one may be what a gap waits for, so it is not.
            sequence: None,
            cause: death.cause(),
            message: death.message(),
            raw,
            origin: death.origin(&delivery),
        };
        match self.store.keep_message(&dead).await {
            Ok(id) => {
                measure::KEPT.increment(Kept::Message);
                tracing::warn!(
                    failure.code = death.cause(),
                    "a message from {} was kept as {id}: {}",
                    death.queue,
                    death.message()
                );
                Disposition::Ack
            }
            Err(error) => {
                measure::KEPT.increment(Kept::Unavailable);
                self.database.not_ready(chain(&error));
                Disposition::Requeue
            }
        }
    }
}

/// A mirror has our key, names its row, and the broker never gave up on it.
fn is_mirror(delivery: &Delivery) -> bool {
    delivery.routing_key == MIRROR_KEY
        && !delivery.headers.contains_key("x-first-death-reason")
        && serde_json::from_slice::<Value>(&delivery.body)
            .is_ok_and(|body| body.get("deadLetter").is_some())
}

/// How a message died, as the broker tells it in headers.
struct Death<'a> {
    reason: Option<&'a str>,
    queue: &'a str,
    exchange: &'a str,
}

impl<'a> Death<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        let header = |name: &str| delivery.headers.get(name).map(String::as_str);
        Self {
            reason: header("x-first-death-reason"),
            queue: header("x-first-death-queue").unwrap_or("an unknown queue"),
            exchange: header("x-first-death-exchange").unwrap_or(&delivery.exchange),
        }
    }

    /// Unique while open: queue, key and bytes. The message id is left out, so that one poison message that is
    /// published again and again stays one row with a count.
    fn subject(&self, delivery: &Delivery) -> String {
        let digest = sha256_hex([
            self.queue.as_bytes(),
            b"\n",
            delivery.routing_key.as_bytes(),
            b"\n",
            &delivery.body,
        ]);
        format!("message {digest}")
    }

    fn cause(&self) -> &'static str {
        match self.reason {
            Some("rejected") => "MESSAGE_REJECTED",
            Some("delivery_limit") => "DELIVERY_LIMIT",
            Some("expired") => "MESSAGE_EXPIRED",
            Some("maxlen") => "QUEUE_FULL",
            Some(_) => "MESSAGE_DIED",
            None => "MESSAGE_STRAY",
        }
    }

    fn message(&self) -> &'static str {
        match self.reason {
            Some("rejected") => {
                "A process refused this message for good. Look at its bytes; correct and submit it again, or discard it."
            }
            Some("delivery_limit") => {
                "This message was delivered too often without an answer: it may stop processes. Look at its bytes and \
                 the logs before submitting it again."
            }
            Some("expired") => {
                "This message waited longer than a policy of the broker allows. Submit it again, or discard it."
            }
            Some("maxlen") => {
                "A queue was full and a policy of the broker dropped this message. Submit it again, or discard it."
            }
            Some(_) => "The broker gave up on this message. Submit it again, or discard it.",
            None => {
                "Somebody published this message to the dead letters directly. Look at its bytes, then discard it."
            }
        }
    }

    fn origin(&self, delivery: &Delivery) -> Value {
        json!({
            "exchange": self.exchange, "queue": self.queue, "routingKey": delivery.routing_key,
            "reason": self.reason, "messageId": delivery.message_id, "contentType": delivery.content_type,
            "traceparent": delivery.headers.get("traceparent"), "bytes": delivery.body.len(),
        })
    }
}

/// The account, where the message is an event that can be read.
fn account(delivery: &Delivery, death: &Death<'_>) -> Option<AccountId> {
    if !death.exchange.ends_with(EVENTS_IN_EXCHANGE) {
        return None;
    }
    match model::event::parse(&delivery.body) {
        Ok(event) => Some(event.account),
        Err(bad) => bad.envelope().map(|envelope| envelope.account),
    }
}
