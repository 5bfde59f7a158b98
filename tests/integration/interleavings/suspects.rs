//! Documents that workers die on: counted at takeover, taken alone, then given up.

use model::{DocumentKind, Lane};
use store::claim::{Barrier, Claim};
use store::dead::DeadFilter;
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::rig::Rig;

/// Two workers died on it: it is taken alone, so that it can take no neighbour with it.
#[tokio::test]
async fn what_two_workers_died_on_is_claimed_alone() {
    let rig = Rig::new().await;
    for id in ["c-1", "c-2", "c-3"] {
        rig.client(id, 1).await;
    }
    for _ in 0..2 {
        let holder = rig.take().await;
        assert_eq!(rig.claim(&holder).await.unwrap().1.len(), 3);
        rig.expire();
    }

    let holder = rig.take().await;
    for _ in 0..3 {
        assert_eq!(rig.claim_one(&holder).await.crash_count, 2);
    }
    assert!(rig.claim(&holder).await.unwrap().1.is_empty());
}

/// A neighbour in hand would be counted with it when it crashes its next worker.
#[tokio::test]
async fn what_two_workers_died_on_is_not_claimed_while_anything_is_in_hand() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    for _ in 0..2 {
        let holder = rig.take().await;
        rig.claim_one(&holder).await;
        rig.expire();
    }
    let holder = rig.take().await;
    // Ready later than the suspect: nothing overtakes it, or it could wait for ever.
    rig.client("c-2", 1).await;
    let in_hand = Barrier {
        lane: Lane::Live,
        rank: DocumentKind::Client.rank(),
    };
    let claim = rig.store.claim(&holder, 100, false, Some(in_hand)).await;
    let Claim::Ready { items, .. } = claim.unwrap() else {
        panic!("the lease is held");
    };
    assert!(items.is_empty(), "{items:?}");
    assert_eq!(rig.claim_one(&holder).await.source_id.as_str(), "c-1");
    assert_eq!(rig.claim_one(&holder).await.source_id.as_str(), "c-2");
}

/// What was not in hand is not counted.
#[tokio::test]
async fn only_what_was_in_hand_counts_a_crash() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    rig.claim_one(&a).await;
    rig.client("c-2", 1).await;
    rig.expire();
    rig.take().await;
    assert_eq!(rig.item("crash_count", "c-1"), "1");
    assert_eq!(rig.item("crash_count", "c-2"), "0");
}

/// Leases may lapse four times in a row for reasons that are not the document's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_lapses_of_a_lease_give_no_document_up() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    for _ in 0..4 {
        let holder = rig.take().await;
        rig.claim_one(&holder).await;
        rig.expire();
    }
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, crash_count", "c-1"), "done|0");
    assert_eq!(rig.count("dead_letter"), 0);
}

/// The fifth takeover makes it a dead letter; nothing more is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_five_workers_died_on_becomes_a_dead_letter() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    for _ in 0..5 {
        let holder = rig.take().await;
        rig.claim_one(&holder).await;
        rig.expire();
    }
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_is_given_up(&rig);
    assert_eq!(books.asked(Ask::Write), 0);
}

/// The same for one whose call is open: it is given up with its attempt open, and a replay looks it up first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_five_workers_died_closing_becomes_a_dead_letter_with_its_attempt_open() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let (provider, id) = (Scripted::new(), rig.books);
    let first = rig.worker(&provider, &books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let write = books.arrival().await;
    work.abort();
    write.execute();
    for _ in 0..4 {
        rig.expire();
        let holder = rig.take().await;
        rig.claim_one(&holder).await;
    }
    rig.expire();
    let worker = rig.worker(&provider, &books);

    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);

    assert_is_given_up(&rig);
    assert_eq!(rig.count("attempt where outcome is null"), 1);
    assert_eq!(books.asked(Ask::Lookup), 0);

    let letters = rig
        .operator
        .dead_letters(&DeadFilter::default(), 10)
        .await
        .unwrap();
    rig.operator
        .replay_work(letters[0].id, "a test")
        .await
        .unwrap();
    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.count("attempt where outcome = 'ADOPTED'"), 1);
    assert_eq!(books.objects().len(), 1);
    assert_eq!(rig.count("dead_letter where state = 'RESOLVED'"), 1);
}

fn assert_is_given_up(rig: &Rig) {
    assert_eq!(rig.item("state, owner", "c-1"), "failed|OPERATOR");
    let letter = rig.db.sql("select state, cause from dead_letter");
    assert!(letter.starts_with("OPEN|"), "{letter}");
    assert!(letter.contains("CRASH_LOOP"), "{letter}");
    assert_eq!(rig.count("outbox where exchange = 'tieout.dead'"), 1);
}

/// A success clears the count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_clears_what_was_counted() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    for _ in 0..2 {
        let holder = rig.take().await;
        rig.claim_one(&holder).await;
        rig.expire();
    }
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state, crash_count", "c-1"), "done|0");
}
