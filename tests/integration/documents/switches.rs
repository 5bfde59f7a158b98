//! Switches of the settings: what is kept out has a state and says why.

use serde_json::json;
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::paper::{credit_note, invoice, payment, set};
use crate::interleavings::rig::Rig;

#[tokio::test]
async fn what_a_switch_keeps_out_is_skipped_with_the_reason() {
    let rig = Rig::new().await;
    set(
        &rig,
        &json!({"syncInvoices": false, "syncPayments": false, "syncClients": false}),
    );
    invoice(&rig, "i-1", 1, "c-1").await;
    payment(&rig, "p-1", "c-1", &[]).await;
    credit_note(&rig, "n-1", 1, "c-1", &[]).await;
    rig.client("c-1", 1).await;

    for (id, what) in [
        ("i-1", "invoices"),
        ("p-1", "payments"),
        ("n-1", "credit notes"),
    ] {
        assert_eq!(
            rig.item("state, reason", id),
            format!("skipped|{what} are switched off for this integration")
        );
    }
    assert_eq!(
        rig.count("item"),
        3,
        "a client goes only with a document that names it"
    );
    assert!(rig.sweep().await.is_empty(), "there is nothing to do");
}

#[tokio::test]
async fn credit_notes_have_a_switch_of_their_own() {
    let rig = Rig::new().await;
    set(&rig, &json!({"syncCreditNotes": false}));
    invoice(&rig, "i-1", 1, "c-1").await;
    credit_note(&rig, "n-1", 1, "c-1", &[]).await;
    assert_eq!(rig.item("state", "i-1"), "queued");
    assert_eq!(rig.item("state", "n-1"), "skipped");
}

/// What came before the switch was turned is not sent after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_when_a_switch_is_turned_off_is_skipped() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    payment(&rig, "p-1", "c-1", &[]).await;
    set(&rig, &json!({"syncPayments": false}));

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(
        rig.item("state, reason", "p-1"),
        "skipped|payments are switched off for this integration"
    );
    assert_eq!(books.asked(Ask::Write), 1);
}

/// A version that comes while the switch is off is skipped, though an older one was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_version_of_what_was_sent_is_skipped_while_the_switch_is_off() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    invoice(&rig, "i-1", 1, "c-1").await;
    worker.process_one(rig.books).await.unwrap();
    set(&rig, &json!({"syncInvoices": false}));
    invoice(&rig, "i-1", 2, "c-1").await;
    assert_eq!(
        rig.item("state, wanted_version, version", "i-1"),
        "skipped|2|1"
    );

    set(&rig, &json!({"syncInvoices": true}));
    invoice(&rig, "i-1", 3, "c-1").await;
    worker.process_one(rig.books).await.unwrap();
    assert_eq!(rig.item("state, version", "i-1"), "done|3");
    assert_eq!(books.objects_of("i-1").len(), 1);
}
