//! What was deleted in the books is created again on purpose, and never by itself.

use model::{DocumentKind, SourceId};
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::paper::{account, credit_note, invoice};
use crate::interleavings::rig::Rig;

fn id(text: &str) -> SourceId {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_comes_again_only_when_a_person_says_so() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    let recreate = || {
        let (kind, c1) = (DocumentKind::Client, id("c-1"));
        let operator = rig.operator.clone();
        async move { operator.recreate(account(), kind, &c1, "a test").await }
    };
    assert!(recreate().await.unwrap().is_empty(), "it is there");

    books.remove("b-1");
    // Old enough that a read which does not show it proves something.
    rig.db
        .sql("update link set updated_at = clock_timestamp() - interval '1 hour'");
    rig.client("c-1", 2).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state", "c-1"), "parked");
    assert_eq!(rig.db.sql("select state from link"), "GONE");
    rig.make_due();
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert!(books.objects().is_empty());
    assert_eq!(books.asked(Ask::Write), 1);

    assert_eq!(recreate().await.unwrap(), [rig.books]);
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    let objects = books.objects();
    assert_eq!(objects.len(), 1);
    assert!(objects[0].marker.ends_with("/2]"), "{}", objects[0].marker);
    assert_eq!(rig.item("state, version", "c-1"), "done|2");
    assert_eq!(
        rig.db
            .sql("select state from link order by updated_at, effect_id"),
        "GONE\nACTIVE"
    );
    assert!(recreate().await.unwrap().is_empty(), "it is there again");
    assert_eq!(
        rig.db
            .sql("select action, actor from operator_action where action = 'recreate'"),
        "recreate|a test"
    );
}

/// An application hangs on its credit note: created again, the note is set against its invoices again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hung_on_a_deleted_object_comes_again_with_it() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    invoice(&rig, "i-1", 1, "c-1").await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    let note = books.objects_of("n-1").remove(0).id;
    books.remove(&note);
    rig.db.sql(&format!(
        "update link set state = 'GONE' where external_id = '{note}'"
    ));

    let asked = rig
        .operator
        .recreate(account(), DocumentKind::CreditNote, &id("n-1"), "a test")
        .await;
    assert_eq!(asked.unwrap(), [rig.books]);
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "n-1"), "done");
    assert_eq!(
        rig.db
            .sql("select kind, generation from effect where generation = 2 order by 1"),
        "APPLICATION|2\nCREDIT_NOTE|2"
    );
    assert_eq!(books.objects_of("n-1").len(), 1);
    assert_eq!(books.doubles(), Vec::<String>::new());
}
