//! One call at a time: refusals that are none, strangers' replies, people in between.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::harness::Stage;
use tests::ledger::Ledger;

use super::report::{self, Write};

/// More than go one by one.
const BATCH: usize = 6;

/// Longer than an access token lives in the sandbox.
const TOKEN_LIFE: Duration = Duration::from_hours(2);

/// The clocks are one, but requests take time.
const MARGIN: Duration = Duration::from_millis(100);

/// A stage on which the first call that writes invoices meets this fault.
async fn stage_with(fault: Value, invoices: usize) -> (Stage, Ledger) {
    let stage = Stage::set().await;
    let mut ledger = Ledger::new(1, 31);
    let client = ledger.client();
    stage.submit(&client).await;
    let worker = stage.worker();
    stage.drain(&worker).await;
    stage.sandbox.fault(fault).await;
    for _ in 0..invoices {
        let invoice = ledger.invoice(&client);
        stage.submit(&invoice).await;
    }
    (stage, ledger)
}

fn once(operation: &str, action: &Value) -> Value {
    json!({"match": {"entity": "Invoice", "operation": operation}, "action": action, "times": 1})
}

async fn writes(stage: &Stage) -> Vec<Write> {
    let mut writes = report::by_realm(&stage.sandbox.journal().await);
    writes.remove(&stage.connected.realm).unwrap_or_default()
}

fn keys(writes: &[Write]) -> BTreeSet<&str> {
    writes.iter().map(|write| write.key.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_carried_out_is_sent_again_under_its_key_and_never_before_settle() {
    for action in [json!("dropBefore"), json!({"status": {"code": 503}})] {
        let mut fault = once("create", &action);
        fault["times"] = json!(2);
        let (stage, ledger) = stage_with(fault, 1).await;
        stage.drain(&stage.worker()).await;
        stage.assert_tied_out(&ledger).await;
        let writes = writes(&stage).await;
        assert_eq!(writes.len(), 3, "{action}: {writes:?}");
        assert_eq!(keys(&writes).len(), 1, "{action}: another key was used");
        assert_eq!(writes[0].body, writes[2].body, "{action}: other bytes");
        let settle = stage.wiring().policy.settle;
        for pair in writes.windows(2) {
            let waited = (pair[1].at - pair[0].at).to_std().unwrap();
            assert!(waited + MARGIN >= settle, "{action}: after {waited:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_call_is_made_again_and_booked_once() {
    let fault = once("create", &json!({"status": {"code": 429}}));
    let (stage, ledger) = stage_with(fault, 1).await;
    stage.drain(&stage.worker()).await;
    stage.assert_tied_out(&ledger).await;
    assert_eq!(writes(&stage).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_the_middle_is_renewed_and_nothing_is_lost() {
    let (stage, mut ledger) = stage_with(json!([]), BATCH).await;
    let worker = stage.worker();
    stage.drain(&worker).await;
    stage.sandbox.advance(TOKEN_LIFE).await;
    let client = ledger.client();
    stage.submit(&client).await;
    for _ in 0..BATCH {
        let invoice = ledger.invoice(&client);
        stage.submit(&invoice).await;
    }
    stage.drain(&worker).await;
    stage.assert_tied_out(&ledger).await;
    let journal = stage.sandbox.journal().await;
    let refused = journal
        .iter()
        .filter(|entry| entry["status"] == 401)
        .count();
    let renewed = journal
        .iter()
        .filter(|entry| entry["operation"] == "token")
        .count();
    assert!(refused > 0, "no call met the expired token");
    assert_eq!(renewed, 1, "one renewal serves all");
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_replies_pair_no_document_with_anothers_object() {
    let alone = [
        json!("replyForOther"),
        json!({"okWithFault": {"executed": true}}),
        json!({"okWithFault": {"executed": false}}),
        json!({"wrongBody": {"body": "{}"}}),
        json!({"wrongBody": {"body": "{\"Invoice\":{\"Id\":null}}"}}),
    ];
    for action in alone {
        let (stage, mut ledger) = stage_with(json!([]), 1).await;
        let worker = stage.worker();
        stage.drain(&worker).await;
        let client = ledger.client();
        stage.submit(&client).await;
        stage.drain(&worker).await;
        stage.sandbox.fault(once("create", &action)).await;
        let invoice = ledger.invoice(&client);
        stage.submit(&invoice).await;
        settle(&stage, &ledger, &action).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_of_a_batch_that_are_swapped_dropped_or_reversed_find_their_documents() {
    let actions = [
        json!("swap"),
        json!("reorder"),
        json!({"dropItem": {"index": 0}}),
        json!({"dropItem": {}}),
        json!("replyForOther"),
        json!({"wrongBody": {"body": "{\"BatchItemResponse\":[]}"}}),
    ];
    for action in actions {
        let (stage, ledger) = stage_with(once("batch", &action), BATCH).await;
        settle(&stage, &ledger, &action).await;
    }
}

/// Works until all is done; says which fault it was when that does not happen.
async fn settle(stage: &Stage, ledger: &Ledger, action: &Value) {
    stage.drain(&stage.worker()).await;
    let journal = stage.sandbox.journal().await;
    assert!(
        journal.iter().any(|entry| !entry["fault"].is_null()),
        "{action} met no call"
    );
    let states = stage.database.sql("select distinct state from item");
    assert_eq!(states, "done", "{action}:\n{}", stage.standings());
    stage.assert_tied_out(ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_deleted_by_a_person_before_the_look_up_is_never_silently_made_again() {
    let fault = once("create", &json!("commitThenDrop"));
    let (stage, _) = stage_with(fault, 1).await;
    let worker = stage.worker();
    // The call is made and its answer lost; the person is quicker than the look-up.
    stage.sandbox.settings(json!({"lookupLagMs": 60_000})).await;
    stage.step(&worker).await;
    let books = stage.sandbox.books(&stage.connected.realm).await;
    let id = books["objects"]["Invoice"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let delete = json!({
        "realm": stage.connected.realm, "entity": "Invoice", "id": id, "action": "delete",
    });
    stage.sandbox.human(delete).await;
    stage.sandbox.settings(json!({"lookupLagMs": 0})).await;
    stage.drain(&worker).await;
    let books = stage.sandbox.books(&stage.connected.realm).await;
    assert_eq!(
        books["objects"]["Invoice"],
        json!([]),
        "made again: {books}"
    );
    let standing = stage
        .database
        .sql("select state, owner, failure ->> 'code' from item where kind = 'INVOICE'");
    assert!(
        standing.starts_with("parked|") && standing.ends_with("|DELETED_IN_BOOKS"),
        "{standing}"
    );
    let writes = writes(&stage).await;
    assert_eq!(keys(&writes).len(), 1, "{writes:?}");
    let executions: Vec<&str> = writes
        .iter()
        .map(|write| write.execution.as_str())
        .collect();
    assert_eq!(executions, ["executed", "replayed"]);
    let last: DateTime<Utc> = writes[1].at;
    assert!((last - writes[0].at).to_std().unwrap() + MARGIN >= stage.wiring().policy.settle);
}
