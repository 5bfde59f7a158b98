//! Messages on the work queues and the dead letters that nobody of ours wrote.

use std::collections::BTreeMap;

use broker::topology::{bulk_key, live_key};
use broker::{Exchange, Message};
use model::{BooksId, RunId};
use serde_json::json;

use super::Row;
use super::ends::End;

const PROVIDER: &str = "QUICKBOOKS_ONLINE";

fn message(exchange: Exchange, routing_key: String, body: Vec<u8>) -> Message {
    Message {
        exchange,
        routing_key,
        message_id: "ticket".to_owned(),
        content_type: "application/json".to_owned(),
        headers: BTreeMap::new(),
        body,
    }
}

pub(super) fn rows(known: BooksId) -> Vec<Row> {
    let live = |name, body: Vec<u8>, end| Row {
        name,
        waves: vec![message(Exchange::Sync, live_key(PROVIDER), body)],
        end,
    };
    let bulk = |name, body: Vec<u8>, end| Row {
        name,
        waves: vec![message(Exchange::Sync, bulk_key(PROVIDER), body)],
        end,
    };
    let stray = |name, body: Vec<u8>, end| Row {
        name,
        waves: vec![message(Exchange::Dead, String::new(), body)],
        end,
    };
    let json = |value: serde_json::Value| value.to_string().into_bytes();
    let unknown = BooksId::from_uuid(RunId::fresh().uuid());
    vec![
        live(
            "a ticket for unknown books",
            json(json!({"v": 1, "books": unknown})),
            End::Ignored,
        ),
        live(
            "a ticket with a field more",
            json(json!({"v": 1, "books": known, "x": "y"})),
            End::Ignored,
        ),
        live(
            "a ticket of version 99",
            json(json!({"v": 99, "books": known})),
            End::Rejected,
        ),
        live("an empty ticket", Vec::new(), End::Rejected),
        live("a ticket of 1 MB", vec![b'7'; 1_000_000], End::Rejected),
        live(
            "a ticket without books",
            json(json!({"v": 1})),
            End::Rejected,
        ),
        live(
            "a ticket for books of another shape",
            json(json!({"v": 1, "books": "../../etc"})),
            End::Rejected,
        ),
        bulk(
            "garbage among the bulk tickets",
            vec![0, 159, 146, 150],
            End::Rejected,
        ),
        bulk(
            "a document among the tickets",
            json(json!({"specversion": "1.0"})),
            End::Rejected,
        ),
        stray("a stranger's dead letter", b"boo".to_vec(), End::Stray),
        stray(
            "a mirror of no row",
            json(json!({"deadLetter": "none"})),
            End::Stray,
        ),
    ]
}
