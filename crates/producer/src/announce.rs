//! Announcing: a ticket for each books that should be looked at. Best effort: the sweep finds the rest.

use std::collections::BTreeMap;

use broker::topology::{bulk_key, live_key};
use broker::{Exchange, Message, PublishError, Publisher};
use model::{Lane, RunId, Ticket};
use store::intake::Announce;

/// Publishes tickets; what does not arrive is logged and left to the sweep.
pub async fn announce(publisher: &Publisher, announces: &[Announce], trace: Option<&str>) {
    let messages = announces
        .iter()
        .map(|announce| ticket(announce, trace))
        .collect();
    for result in publisher.publish_all(messages).await {
        match result {
            Ok(()) => {}
            // No consumer of this provider has started yet: its sweep will find the work.
            Err(PublishError::Returned { .. }) => tracing::debug!("a ticket has no queue yet"),
            Err(error) => {
                tracing::warn!("a ticket was not published, the sweep will find its work: {error}");
            }
        }
    }
    runtime::halt::point("04-ticket-published");
}

fn ticket(announce: &Announce, trace: Option<&str>) -> Message {
    let routing_key = match announce.lane {
        Lane::Live => live_key(&announce.provider),
        Lane::Bulk => bulk_key(&announce.provider),
    };
    let headers: BTreeMap<String, String> = trace
        .map(|t| ("traceparent".to_owned(), t.to_owned()))
        .into_iter()
        .collect();
    Message {
        exchange: Exchange::Sync,
        routing_key,
        message_id: RunId::fresh().to_string(),
        content_type: "application/json".to_owned(),
        headers,
        body: Ticket::new(announce.books).encode(),
    }
}
