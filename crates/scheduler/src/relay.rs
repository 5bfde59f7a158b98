//! The relay: what waits in the outbox is published, and marked only when the broker has confirmed it.
//!
//! A crash between the two publishes again: the message id is the row's id, by which consumers know it.

use std::collections::BTreeMap;
use std::time::Duration;

use broker::topology::{DEAD_EXCHANGE, EVENTS_OUT_EXCHANGE, SYNC_EXCHANGE};
use broker::{Exchange, Message, PublishError, Publisher};
use store::outbox::Outgoing;
use store::{Store, StoreError};
use tokio::time::sleep;

use crate::jobs::Complaint;

/// Rows read at once; the publisher's window takes them all in flight.
const BATCH: i64 = 500;
/// Most rows read at once while those in front cannot be published.
const MOST: i64 = 8_000;
/// Between two looks at an empty outbox.
const IDLE: Duration = Duration::from_millis(200);
/// After a batch of which something was not published: it would fail again at once.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What one pass did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Relayed {
    /// Rows read.
    pub taken: usize,
    /// Rows published and marked.
    pub published: usize,
}

/// Relays for as long as it is polled.
pub(crate) async fn run(store: &Store, publisher: &Publisher, complaint: &mut Complaint<'_>) {
    let mut limit = BATCH;
    loop {
        match relay(store, publisher, limit).await {
            Ok(relayed) => {
                complaint.withdraw();
                let is_full = i64::try_from(relayed.taken).is_ok_and(|taken| taken >= limit);
                let failed = relayed.taken - relayed.published;
                // Rows that cannot be published must not hide those behind them.
                limit = if is_full && failed * 2 > relayed.taken {
                    (limit * 2).min(MOST)
                } else {
                    BATCH
                };
                match (failed, is_full) {
                    (1.., _) => sleep(AFTER_FAILURE).await,
                    (0, false) => sleep(IDLE).await,
                    (0, true) => {}
                }
            }
            Err(error) => {
                complaint.raise(&error);
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// One pass over the oldest rows, at most `limit`.
pub async fn relay(
    store: &Store,
    publisher: &Publisher,
    limit: i64,
) -> Result<Relayed, StoreError> {
    let rows = store.unpublished(limit).await?;
    let taken = rows.len();
    let (ids, messages): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .filter_map(|row| Some((row.id, message(row)?)))
        .unzip();
    let to_outside: Vec<bool> = messages
        .iter()
        .map(|message| message.exchange == Exchange::EventsOut)
        .collect();
    let answers = publisher.publish_all(messages).await;
    let mut delivered = Vec::with_capacity(taken);
    let mut first_failure = None;
    for ((id, to_outside), answer) in ids.into_iter().zip(to_outside).zip(answers) {
        match answer {
            Ok(()) => delivered.push(id),
            // Nobody outside listens to such events: there is nobody to deliver to.
            Err(PublishError::Returned { .. }) if to_outside => delivered.push(id),
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    if !delivered.is_empty() {
        store.mark_published(&delivered).await?;
    }
    let published = delivered.len();
    if let Some(error) = first_failure {
        tracing::warn!(
            failed = taken - published,
            "{} of {taken} messages of the outbox were not published and stay there: {error}",
            taken - published
        );
    }
    Ok(Relayed { taken, published })
}

fn message(row: Outgoing) -> Option<Message> {
    let exchange = match row.exchange.as_str() {
        EVENTS_OUT_EXCHANGE => Exchange::EventsOut,
        DEAD_EXCHANGE => Exchange::Dead,
        SYNC_EXCHANGE => Exchange::Sync,
        unknown => {
            tracing::error!(
                outbox.id = %row.id,
                "message {} of the outbox names the exchange {unknown:?}, which this build does not know",
                row.id
            );
            return None;
        }
    };
    let headers: BTreeMap<String, String> = row
        .trace
        .map(|trace| ("traceparent".to_owned(), trace))
        .into_iter()
        .collect();
    Some(Message {
        exchange,
        routing_key: row.routing_key,
        message_id: row.id.to_string(),
        content_type: "application/json".to_owned(),
        headers,
        body: row.body.to_string().into_bytes(),
    })
}
