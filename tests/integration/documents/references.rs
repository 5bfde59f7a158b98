//! Refusals that name another object: one question, and everything that needs it waits for the answer.

use model::{DocumentKind, SourceId};
use tests::scripted::{Ask, Books, Scripted};
use worker::{Ended, Worker};

use super::paper::{account, invoice};
use crate::interleavings::rig::Rig;

/// More than any batch, and enough for a storm.
const INVOICES: usize = 50;

fn client() -> SourceId {
    "c-1".parse().unwrap()
}

/// A client is in the books as `b-1`, and many invoices of it have come.
async fn many_invoices(rig: &Rig, worker: &Worker) {
    rig.client("c-1", 1).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    for number in 0..INVOICES {
        invoice(rig, &format!("i-{number}"), 1, "c-1").await;
    }
}

fn one_question(rig: &Rig, code: &str) {
    assert_eq!(rig.count("dead_letter"), 0);
    assert_eq!(
        rig.count("item where state = 'parked' and owner = 'SYSTEM' and waits_for = 'CLIENT/c-1'"),
        INVOICES
    );
    assert_eq!(rig.item("state, owner", "c-1"), "parked|BOOKKEEPER");
    assert_eq!(
        rig.db.sql(
            "select f.code, i.source_id from finding f join item i on i.id = f.item_id where f.closed_at is null"
        ),
        format!("{code}|c-1")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_customer_is_one_question_and_its_invoices_go_when_it_is_back() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    many_invoices(&rig, &worker).await;
    books.set_inactive("b-1", true);
    books.refuse_all(Some("INACTIVE CLIENT b-1"));

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    one_question(&rig, "REFERENCE_INACTIVE");
    assert_eq!(
        rig.db
            .sql("select state from link where external_id = 'b-1'"),
        "INACTIVE"
    );
    let asked = books.asked(Ask::Write);
    assert!(
        asked < INVOICES / 2,
        "{asked} calls to learn that one customer is archived"
    );

    books.refuse_all(None);
    books.set_inactive("b-1", false);
    rig.operator
        .try_again(account(), DocumentKind::Client, &client(), "a test")
        .await
        .unwrap();
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.count("item where state = 'done'"), INVOICES + 1);
    assert_eq!(rig.count("finding where closed_at is null"), 0);
    assert_eq!(books.objects().len(), INVOICES + 1);
    assert_eq!(books.doubles(), Vec::<String>::new());
}

/// It is looked at again by itself: a person who made it active need not tell us.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_customer_is_looked_at_again_by_itself() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    many_invoices(&rig, &worker).await;
    books.refuse_all(Some("INACTIVE CLIENT b-1"));
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    one_question(&rig, "REFERENCE_INACTIVE");
    books.refuse_all(None);

    assert_eq!(
        rig.item(
            "due_at between clock_timestamp() and clock_timestamp() + interval '6 hours'",
            "c-1"
        ),
        "t"
    );
    assert_eq!(
        rig.lease("next_at <= clock_timestamp() + interval '6 hours'"),
        "t"
    );
    rig.db.sql(
        "update item set due_at = clock_timestamp() where source_id = 'c-1'; update lease set next_at = clock_timestamp()",
    );
    assert_eq!(rig.sweep().await, [rig.books]);
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.count("item where state = 'done'"), INVOICES + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_customer_is_one_question_and_its_invoices_go_to_the_one_created_again() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    many_invoices(&rig, &worker).await;
    books.remove("b-1");
    books.refuse_all(Some("GONE CLIENT b-1"));
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    one_question(&rig, "REFERENCE_GONE");
    books.refuse_all(None);

    let asked = rig
        .operator
        .recreate(account(), DocumentKind::Client, &client(), "a test")
        .await;
    assert_eq!(asked.unwrap(), [rig.books]);
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.count("item where state = 'done'"), INVOICES + 1);
    assert_eq!(rig.count("finding where closed_at is null"), 0);
    assert_eq!(books.objects().len(), INVOICES + 1);
}

/// An object that no document stands for, such as a default item: each document waits by itself, none is given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_the_settings_makes_no_dead_letters() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    invoice(&rig, "i-1", 1, "c-1").await;
    books.refuse_all(Some("INACTIVE PRODUCT b-99"));

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, owner", "i-1"), "parked|BOOKKEEPER");
    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.count("dead_letter"), 0);
}
