//! Outcomes that look-ups do not find out: they stay open, and after a day a person sees them.

use serde_json::Value;
use store::dead::DeadFilter;
use tests::scripted::{Ask, Books, Scripted};
use worker::{Ended, Worker};

use super::rig::Rig;

/// A client is in the books, and nobody knows: the reply to its creation was lost.
async fn client_with_a_lost_reply(rig: &Rig, books: &Books, worker: &Worker) {
    rig.client("c-1", 1).await;
    books.hold(Ask::Write);
    let (worker, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { worker.process_one(id).await });
    let write = books.arrival().await;
    write.execute();
    write.lose();
    work.await.unwrap().unwrap();
    books.let_pass(Ask::Write);
}

/// The next look-up is due, and is answered with an error.
async fn look_up_in_vain(rig: &Rig, books: &Books, worker: &Worker) {
    rig.settle();
    books.hold(Ask::Lookup);
    let (worker, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { worker.process_one(id).await });
    let lookup = books.arrival().await;
    lookup.answer_with(500, &Value::Null).await;
    work.await.unwrap().unwrap();
    books.let_pass(Ask::Lookup);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_unclear_for_a_day_is_shown_to_a_person_and_nothing_is_sent() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    client_with_a_lost_reply(&rig, &books, &worker).await;
    rig.db
        .sql("update call set opened_at = opened_at - interval '23 hours'");
    look_up_in_vain(&rig, &books, &worker).await;
    assert_eq!(rig.count("finding") + rig.count("dead_letter"), 0);

    rig.db
        .sql("update call set opened_at = opened_at - interval '1 hour'");
    look_up_in_vain(&rig, &books, &worker).await;
    look_up_in_vain(&rig, &books, &worker).await;

    assert_eq!(rig.item("state", "c-1"), "verifying");
    assert_eq!(books.asked(Ask::Write), 1);
    let finding = rig
        .db
        .sql("select code from finding where closed_at is null");
    assert_eq!(finding, "OUTCOME_UNCLEAR");
    let letter = rig
        .db
        .sql("select state, cause, owner, times from dead_letter");
    assert_eq!(letter, "OPEN|OUTCOME_UNKNOWN/OUTCOME_UNCLEAR|OPERATOR|1");
    assert_eq!(rig.count("outbox where exchange = 'tieout.dead'"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_unclear_for_a_day_is_looked_up_on_replay_and_closed_when_it_is_known() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    client_with_a_lost_reply(&rig, &books, &worker).await;
    rig.db
        .sql("update call set opened_at = opened_at - interval '1 day'");
    look_up_in_vain(&rig, &books, &worker).await;
    let letters = rig
        .operator
        .dead_letters(&DeadFilter::default(), 10)
        .await
        .unwrap();
    let replay = async || {
        rig.operator
            .replay_work(letters[0].id, "a test")
            .await
            .unwrap();
    };

    // Looked up at once, in vain: the row is open again.
    replay().await;
    assert_eq!(rig.item("state", "c-1"), "verifying");
    look_up_in_vain(&rig, &books, &worker).await;
    let letter = rig.db.sql("select state, times from dead_letter");
    assert_eq!(letter, "OPEN|2");

    replay().await;
    rig.db.sql("update lease set not_before = null");
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.count("attempt where outcome = 'ADOPTED'"), 1);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(books.objects().len(), 1);
    assert_eq!(rig.count("finding where closed_at is null"), 0);
    assert_eq!(
        rig.db.sql("select state, closed_by from dead_letter"),
        "RESOLVED|its outcome is known"
    );
}
