//! Documents that wait for others: ahead together when live, and never for what will not come.

use std::time::Duration;

use serde_json::json;
use tests::scripted::{Books, Scripted};
use worker::Ended;

use super::paper::{invoice, payment, set};
use crate::interleavings::rig::Rig;

const LATER: Duration = Duration::from_mins(30);

/// A live payment takes its invoice along, and the invoice's client too, though the invoice waits already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_payment_lends_its_priority_to_all_that_it_waits_for() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    invoice(&rig, "i-1", 1, "c-1").await;
    // The client waits for a retry, and all of it came in bulk.
    rig.db.sql(&format!(
        "update item set lane = 1;
         update item set state = 'waiting', due_at = clock_timestamp() + interval '{} seconds', reason = 'a retry'
           where source_id = 'c-1'",
        LATER.as_secs()
    ));
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(
        rig.item("state, lane, waits_for", "i-1"),
        "parked|1|CLIENT/c-1"
    );

    payment(&rig, "p-1", "c-1", &["i-1"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, waits_for", "p-1"), "parked|INVOICE/i-1");
    assert_eq!(rig.item("lane", "i-1"), "0");
    assert_eq!(rig.item("state, lane", "c-1"), "waiting|0");

    rig.db
        .sql("update item set due_at = clock_timestamp() where source_id = 'c-1'");
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.count("item where state = 'done'"), 3);
}

/// What only waits for its slot goes at once when a live document needs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_payment_takes_along_what_waits_for_a_slot() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    invoice(&rig, "i-1", 1, "c-1").await;
    rig.db.sql(
        "update item set lane = 1, state = 'waiting', due_at = clock_timestamp() + interval '1 hour',
           reason = 'waits for its slot'",
    );
    payment(&rig, "p-1", "c-1", &["i-1"]).await;

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.count("item where state = 'done'"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_invoice_is_not_sent_is_shown_to_a_person_and_goes_if_it_comes_after_all() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    set(&rig, &json!({"syncInvoices": false}));
    invoice(&rig, "i-1", 1, "c-1").await;
    payment(&rig, "p-1", "c-1", &["i-1"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, owner", "p-1"), "parked|BOOKKEEPER");
    let reason = rig.item("reason", "p-1");
    assert!(
        reason.contains("invoice i-1") && reason.contains("switched off for this integration"),
        "{reason}"
    );

    set(&rig, &json!({"syncInvoices": true}));
    invoice(&rig, "i-1", 2, "c-1").await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.count("item where state = 'done'"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_invoice_has_not_come_waits_quietly_for_a_day() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    payment(&rig, "p-1", "c-1", &["i-9"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state, owner", "p-1"), "parked|SYSTEM");

    rig.db.sql(
        "update item set wanted_at = wanted_at - interval '25 hours', due_at = clock_timestamp() where source_id = 'p-1'",
    );
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state, owner", "p-1"), "parked|OPERATOR");
    let reason = rig.item("reason", "p-1");
    assert!(reason.contains("has not sent for a day"), "{reason}");

    invoice(&rig, "i-9", 1, "c-1").await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state, owner", "p-1"), "done|SYSTEM");
}
