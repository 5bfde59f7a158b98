//! One delivery from its place in the lane to its answer to the broker.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use lapin::message::Delivery as Raw;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Delivery, Disposition, Handler, Lane, PANICS_AT_MOST};
use crate::meters::{DELIVERIES, Settled};
use crate::topology::Queue;

/// How long handing an answer to the socket may take; after that the session is lost anyway.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The header in which quorum queues count failed deliveries.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// What handling a delivery takes.
pub(super) struct Task {
    pub(super) lane: Lane,
    pub(super) handler: Handler,
    pub(super) requeue_pause: Duration,
    pub(super) requeue_pause_at_most: Duration,
    pub(super) over: watch::Receiver<bool>,
}

impl Task {
    /// Waits for a place, handles, answers. Leaves the message alone when the session is over
    /// by then: the broker gives it to somebody else.
    pub(super) async fn run(mut self, raw: Raw) {
        let places = Arc::clone(&self.lane.places);
        let Ok(_place) = places.acquire().await else {
            return;
        };
        if self.is_over() {
            return;
        }
        let (delivery, acker) = split(raw, self.lane.queue.clone());
        let failed_before = delivery.delivery_count.unwrap_or(0);
        let message_id = delivery.message_id.clone().unwrap_or_default();
        let handled = AssertUnwindSafe(async { (self.handler)(delivery).await });
        let (disposition, mut settled) = match handled.catch_unwind().await {
            Ok(Disposition::Ack) => (Disposition::Ack, Settled::Acked),
            Ok(Disposition::Reject) => (Disposition::Reject, Settled::Rejected),
            Ok(Disposition::Requeue) => (Disposition::Requeue, Settled::Requeued),
            Err(_) => {
                let queue = self.lane.queue.kind().as_str();
                tracing::error!(
                    queue,
                    message_id,
                    failed_before,
                    "a message handler panicked"
                );
                (after_panic(failed_before), Settled::Panicked)
            }
        };
        if disposition == Disposition::Requeue {
            self.hold_back(failed_before).await;
        }
        if !answer(&acker, disposition).await {
            settled = Settled::Stale;
        }
        DELIVERIES.increment((self.lane.queue.kind(), settled));
    }

    fn is_over(&self) -> bool {
        *self.over.borrow() || self.over.has_changed().is_err()
    }

    /// Waits before a requeue, but no longer than the session.
    async fn hold_back(&mut self, failed_before: i64) {
        let pause = requeue_pause(
            self.requeue_pause,
            self.requeue_pause_at_most,
            failed_before,
        );
        tokio::select! {
            () = sleep(pause) => {}
            _ = self.over.wait_for(|is_over| *is_over) => {}
        }
    }
}

/// What becomes of a message whose handler panicked, after so many failed deliveries before.
fn after_panic(failed_before: i64) -> Disposition {
    if failed_before + 1 >= PANICS_AT_MOST {
        Disposition::Reject
    } else {
        Disposition::Requeue
    }
}

fn requeue_pause(first: Duration, at_most: Duration, failed_before: i64) -> Duration {
    let doublings = u32::try_from(failed_before.clamp(0, 16)).unwrap_or(16);
    first.saturating_mul(2_u32.pow(doublings)).min(at_most)
}

/// Answers on the channel the message came from; false when that is gone.
async fn answer(acker: &lapin::Acker, disposition: Disposition) -> bool {
    let answered = timeout(ANSWER_LIMIT, async {
        match disposition {
            Disposition::Ack => acker.ack(BasicAckOptions::default()).await,
            Disposition::Reject => acker.reject(BasicRejectOptions { requeue: false }).await,
            // Not a nack: from RabbitMQ 4.3 on those do not count as failed deliveries.
            Disposition::Requeue => acker.reject(BasicRejectOptions { requeue: true }).await,
        }
    });
    matches!(answered.await, Ok(Ok(true)))
}

fn split(raw: Raw, queue: Queue) -> (Delivery, lapin::Acker) {
    let text = |value: &Option<ShortString>| value.as_ref().map(ShortString::to_string);
    let (headers, delivery_count) = match raw.properties.headers() {
        Some(table) => (texts(table), count(table)),
        None => (BTreeMap::new(), None),
    };
    let delivery = Delivery {
        queue,
        exchange: raw.exchange.to_string(),
        routing_key: raw.routing_key.to_string(),
        message_id: text(raw.properties.message_id()),
        content_type: text(raw.properties.content_type()),
        headers,
        redelivered: raw.redelivered,
        delivery_count,
        body: raw.data,
    };
    (delivery, raw.acker)
}

fn texts(table: &FieldTable) -> BTreeMap<String, String> {
    let headers = table.inner().iter();
    headers
        .filter_map(|(name, value)| Some((name.to_string(), text(value)?)))
        .collect()
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::Boolean(value) => Some(value.to_string()),
        other => integer(other).map(|value| value.to_string()),
    }
}

fn count(table: &FieldTable) -> Option<i64> {
    integer(table.inner().get(DELIVERY_COUNT)?)
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(value) => Some(value.into()),
        AMQPValue::ShortShortUInt(value) => Some(value.into()),
        AMQPValue::ShortInt(value) => Some(value.into()),
        AMQPValue::ShortUInt(value) => Some(value.into()),
        AMQPValue::LongInt(value) => Some(value.into()),
        AMQPValue::LongUInt(value) => Some(value.into()),
        AMQPValue::LongLongInt(value) => Some(value),
        AMQPValue::Timestamp(value) => i64::try_from(value).ok(),
        _ => None,
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
