//! Documents of several effects: each once, whatever happens between them, and partial when only some are there.

use model::{DocumentKind, Failure};
use store::dead::DeadFilter;
use tests::scripted::{Ask, Books, Scripted};
use worker::{Ended, Worker};

use super::paper::{account, credit_note, invoice};
use crate::interleavings::rig::Rig;

/// Two invoices of a client are in the books.
async fn two_invoices(rig: &Rig, worker: &Worker) {
    rig.client("c-1", 1).await;
    invoice(rig, "i-1", 1, "c-1").await;
    invoice(rig, "i-2", 1, "c-1").await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.count("item where state = 'done'"), 3);
}

fn applications(books: &Books) -> usize {
    let objects = books.objects();
    let is_application = |object: &&tests::scripted::Object| object.body.get("invoice").is_some();
    objects.iter().filter(is_application).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stops_between_two_effects_leaves_the_second_to_the_next() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let provider = Scripted::new();
    let worker = rig.worker(&provider, &books);
    two_invoices(&rig, &worker).await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1", "i-2"]).await;

    // Each effect is planned with the invoices as they are: before the second the worker stops there.
    books.hold(Ask::Read);
    let id = rig.books;
    let work = tokio::spawn(async move { worker.process_one(id).await });
    books.arrival().await.answer().await;
    let read = books.arrival().await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    drop(read);
    books.let_pass(Ask::Read);
    assert_eq!(rig.item("state", "n-1"), "running");
    assert_eq!(books.objects_of("n-1").len(), 1);
    rig.expire();

    let next = rig.worker(&provider, &books);
    assert_eq!(next.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, crash_count", "n-1"), "done|0");
    assert_eq!(books.objects_of("n-1").len(), 1);
    assert_eq!(applications(&books), 2);
    assert_eq!(books.doubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_between_two_effects_is_looked_up_and_not_repeated() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    two_invoices(&rig, &worker).await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1", "i-2"]).await;

    books.hold(Ask::Write);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    books.arrival().await.answer().await;
    let application = books.arrival().await;
    books.let_pass(Ask::Write);
    application.execute();
    application.lose();
    work.await.unwrap().unwrap();
    assert_eq!(rig.item("state", "n-1"), "verifying");
    rig.settle();

    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "n-1"), "done");
    assert_eq!(applications(&books), 2);
    assert_eq!(rig.count("attempt where outcome = 'ADOPTED'"), 1);
    assert_eq!(books.doubles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_in_part_is_partial_and_its_replay_goes_on_with_the_rest() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    two_invoices(&rig, &worker).await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1", "i-2"]).await;

    books.hold(Ask::Write);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    books.arrival().await.answer().await;
    let application = books.arrival().await;
    books.let_pass(Ask::Write);
    application.refuse("NOT_OPEN").await;
    assert_eq!(work.await.unwrap().unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "n-1"), "partial");
    let note = "n-1".parse().unwrap();
    let standings = rig
        .operator
        .standings(account(), DocumentKind::CreditNote, &note)
        .await
        .unwrap();
    assert_eq!(standings[0].missing, ["APPLICATION i-1"]);
    let open = DeadFilter {
        state: Some("OPEN"),
        fingerprint: None,
        after: None,
    };
    let letters = rig.operator.dead_letters(&open, 10).await.unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].cause, "REJECTED/NOT_OPEN");

    rig.operator
        .replay_work(letters[0].id, "a test")
        .await
        .unwrap();
    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "n-1"), "done");
    assert_eq!(books.objects_of("n-1").len(), 1);
    assert_eq!(applications(&books), 2);
    assert_eq!(books.doubles(), Vec::<String>::new());
    assert_eq!(rig.count("dead_letter where state = 'RESOLVED'"), 1);
}

/// The first effect of a document is all or nothing: without it there is no part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_at_all_has_failed() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    two_invoices(&rig, &worker).await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1"]).await;
    invoice(&rig, "i-1", 2, "c-1").await;
    books.refuse_all(Some("NOT_OPEN"));

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "n-1"), "failed");
    // A change that was refused is no part either: the books hold an older version.
    assert_eq!(rig.item("state", "i-1"), "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_longer_set_against_an_invoice_is_ended_and_may_come_again_as_a_new_one() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    two_invoices(&rig, &worker).await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1", "i-2"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(applications(&books), 2);

    credit_note(&rig, "n-1", 2, "c-1", &["i-2"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(applications(&books), 1);
    assert_eq!(rig.count("link where state = 'ENDED'"), 1);

    credit_note(&rig, "n-1", 3, "c-1", &["i-1", "i-2"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(applications(&books), 2);
    assert_eq!(
        rig.db.sql(
            "select generation, l.state from effect e join link l on l.effect_id = e.id where part = 'i-1' order by 1"
        ),
        "1|ENDED\n2|ACTIVE"
    );
    assert_eq!(rig.item("state, version", "n-1"), "done|3");
    assert_eq!(books.doubles(), Vec::<String>::new());
}

/// A deletion whose answer was lost: gone is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_deletion_is_looked_up() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    two_invoices(&rig, &worker).await;
    credit_note(&rig, "n-1", 1, "c-1", &["i-1"]).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    credit_note(&rig, "n-1", 2, "c-1", &[]).await;

    books.hold(Ask::Write);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let deletion = books.arrival().await;
    books.let_pass(Ask::Write);
    deletion.execute();
    deletion.lose();
    work.await.unwrap().unwrap();
    assert_eq!(rig.item("state", "n-1"), "verifying");
    rig.settle();
    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "n-1"), "done");
    assert_eq!(applications(&books), 0);
    assert_eq!(rig.count("link where state = 'ENDED'"), 1);
}

/// What several documents of a claim must read is read once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_need_the_same_object_read_it_once() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    two_invoices(&rig, &worker).await;
    for note in ["n-1", "n-2", "n-3"] {
        credit_note(&rig, note, 1, "c-1", &["i-1", "i-2"]).await;
    }
    // Bulk goes in one call, so that all three are planned together afterwards.
    rig.db
        .sql("update item set lane = 1 where kind = 'CREDIT_NOTE'");

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.count("item where state = 'done'"), 6);
    assert_eq!(applications(&books), 6);
    // Once before each of the three calls, and never once for each note.
    assert_eq!(books.asked(Ask::Read), 3);
}

/// A failure keeps its words when it is stored and read back.
#[test]
fn a_failure_that_names_an_object_comes_back_whole() {
    let failure = Failure::new(model::FailureKind::Rejected, "X", "x")
        .with_reference(model::Reference {
            effect_kind: "customer".to_owned(),
            external_id: "7".to_owned(),
            state: model::ReferenceState::Gone,
        })
        .asking_import(model::ImportKind::TaxCodes);
    let stored = serde_json::to_value(&failure).unwrap();
    assert_eq!(stored["asksImport"], "TAX_CODES");
    assert_eq!(serde_json::from_value::<Failure>(stored).unwrap(), failure);
}
