//! Tests of what is published when a dead message is replayed, and of what is not.

use chrono::DateTime;
use model::AccountId;

use super::*;

fn letter() -> DeadLetter {
    DeadLetter {
        id: "dlq_01a20aae60ee70c880dc430a76d07999".parse().unwrap(),
        account: Some(AccountId(1)),
        subject: "event 12ab".to_owned(),
        source: "MESSAGE".to_owned(),
        provider: None,
        item: None,
        cause: "UNDECODABLE".to_owned(),
        message: "not JSON".to_owned(),
        owner: "OPERATOR".to_owned(),
        fingerprint: "UNDECODABLE".to_owned(),
        raw: Some(b"{\"\xff".to_vec()),
        origin: json!({
            "exchange": "projectledger.events", "routingKey": "invoice.issued", "messageId": "m-1", "bytes": 3,
        }),
        times: 1,
        state: "OPEN".to_owned(),
        first_at: DateTime::UNIX_EPOCH,
        last_at: DateTime::UNIX_EPOCH,
    }
}

fn refusal(letter: &DeadLetter) -> String {
    message(letter, None).unwrap_err().to_string()
}

#[test]
fn a_message_goes_again_byte_for_byte_under_its_own_key_and_id() {
    let message = message(&letter(), None).unwrap();
    assert_eq!(message.exchange, Exchange::EventsIn);
    assert_eq!(message.routing_key, "invoice.issued");
    assert_eq!(message.message_id, "m-1");
    assert_eq!(message.body, b"{\"\xff");
}

#[test]
fn edited_bytes_go_instead_of_those_that_were_kept() {
    let message = message(&letter(), Some(b"{}")).unwrap();
    assert_eq!(message.body, b"{}");
    assert_eq!(message.routing_key, "invoice.issued");
}

#[test]
fn a_message_without_id_goes_under_its_letters() {
    let mut letter = letter();
    letter.origin = json!({
        "exchange": "projectledger.events", "routingKey": "invoice.issued", "traceparent": "00-cafe",
    });
    let message = message(&letter, None).unwrap();
    assert_eq!(message.message_id, letter.id.to_string());
    assert_eq!(message.headers["traceparent"], "00-cafe");
}

#[test]
fn half_a_message_is_never_published() {
    let mut letter = letter();
    letter.origin["bytes"] = json!(4);
    assert!(refusal(&letter).contains("--file"));
    assert_eq!(message(&letter, Some(b"{}")).unwrap().body, b"{}");
}

#[test]
fn only_open_events_of_projectledger_are_published() {
    let mut ticket = letter();
    ticket.origin["exchange"] = json!("tieout.sync");
    assert!(refusal(&ticket).contains("discard it"));
    let mut closed = letter();
    closed.state = "RESOLVED".to_owned();
    assert!(refusal(&closed).contains("not open"));
    let mut keyless = letter();
    keyless.origin = json!({"exchange": "projectledger.events"});
    assert!(refusal(&keyless).contains("routing key"));
}
