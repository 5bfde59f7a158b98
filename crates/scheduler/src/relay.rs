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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Relayed {
    /// Rows read.
    pub taken: usize,
    /// Rows published and marked.
    pub published: usize,
    /// Why the first of the others was not published.
    pub trouble: Option<String>,
}

/// Relays for as long as it is polled.
pub(crate) async fn run(store: &Store, publisher: &Publisher, complaint: &mut Complaint<'_>) {
    let mut limit = BATCH;
    loop {
        match relay(store, publisher, limit).await {
            Ok(relayed) => {
                match &relayed.trouble {
                    Some(trouble) => complaint.warn(trouble),
                    None => complaint.withdraw(),
                }
                let (next, pause) = next(limit, &relayed);
                limit = next;
                sleep(pause).await;
            }
            Err(error) => {
                complaint.raise(&error);
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// How many rows to read next, and after which pause.
fn next(limit: i64, relayed: &Relayed) -> (i64, Duration) {
    let is_full = i64::try_from(relayed.taken).is_ok_and(|taken| taken >= limit);
    let failed = relayed.taken - relayed.published;
    match (failed, is_full) {
        (0, true) => (BATCH, Duration::ZERO),
        (0, false) => (BATCH, IDLE),
        // Rows that cannot be published must not hide those behind them.
        (_, true) => ((limit * 2).min(MOST), AFTER_FAILURE),
        (_, false) => (limit, AFTER_FAILURE),
    }
}

/// One pass over the oldest rows, at most `limit`.
pub async fn relay(
    store: &Store,
    publisher: &Publisher,
    limit: i64,
) -> Result<Relayed, StoreError> {
    let rows = store.unpublished(limit).await?;
    let mut relayed = Relayed {
        taken: rows.len(),
        ..Relayed::default()
    };
    let (mut ids, mut messages) = (Vec::new(), Vec::new());
    for row in rows {
        let id = row.id;
        match message(row) {
            Ok(message) => {
                ids.push((id, message.exchange));
                messages.push(message);
            }
            Err(unknown) => relayed.trouble = relayed.trouble.or(Some(unknown)),
        }
    }
    let answers = publisher.publish_all(messages).await;
    let mut delivered = Vec::with_capacity(ids.len());
    for ((id, exchange), answer) in ids.into_iter().zip(answers) {
        match answer {
            Ok(()) => delivered.push(id),
            // Nobody outside listens to such events: there is nobody to deliver to.
            Err(PublishError::Returned { .. }) if exchange == Exchange::EventsOut => {
                delivered.push(id);
            }
            Err(error) => {
                relayed.trouble = relayed
                    .trouble
                    .or_else(|| Some(format!("message {id} stays in the outbox: {error}")));
            }
        }
    }
    if !delivered.is_empty() {
        store.mark_published(&delivered).await?;
    }
    relayed.published = delivered.len();
    Ok(relayed)
}

fn message(row: Outgoing) -> Result<Message, String> {
    let exchange = match row.exchange.as_str() {
        EVENTS_OUT_EXCHANGE => Exchange::EventsOut,
        DEAD_EXCHANGE => Exchange::Dead,
        SYNC_EXCHANGE => Exchange::Sync,
        unknown => {
            return Err(format!(
                "message {} stays in the outbox: this build does not know the exchange {unknown:?}",
                row.id
            ));
        }
    };
    let headers: BTreeMap<String, String> = row
        .trace
        .map(|trace| ("traceparent".to_owned(), trace))
        .into_iter()
        .collect();
    Ok(Message {
        exchange,
        routing_key: row.routing_key,
        message_id: row.id.to_string(),
        content_type: "application/json".to_owned(),
        headers,
        body: row.body.to_string().into_bytes(),
    })
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
