//! Newer versions that arrive while an older one is under way.

use std::sync::Arc;

use store::record::{Basis, Outcome};
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::attempt::{done, landed, unclear, verify};
use super::rig::Rig;

/// One open item per document: the newer version waits, then wins.
#[tokio::test]
async fn a_newer_version_that_comes_while_one_is_running_wins_afterwards() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    let attempt = rig.send(a, &claimed).await;

    rig.client("c-1", 2).await;
    assert_eq!(
        rig.item("state, version, wanted_version", "c-1"),
        "running|1|2"
    );
    assert!(rig.claim(&a).await.unwrap().1.is_empty());
    let reply = Basis::Reply { sending: 1 };
    rig.record(&attempt, reply, Outcome::Done(landed("b-1")), done())
        .await;

    assert_eq!(rig.item("state", "c-1"), "queued");
    let newer = rig.claim_one(&a).await;
    assert_eq!((newer.version, newer.attempts), (2, 0));
    assert_eq!(rig.count("item"), 1);
}

/// While an outcome is open its own version stays in hand; the newer one waits for the closing.
#[tokio::test]
async fn a_newer_version_that_comes_while_one_is_verifying_waits_for_the_closing() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    rig.record(&attempt, Basis::Reply { sending: 1 }, unclear(), verify())
        .await;

    rig.client("c-1", 2).await;

    assert_eq!(rig.item("state", "c-1"), "verifying");
    let verifying = rig.claim_one(&a).await;
    assert_eq!(verifying.version, 1, "the version whose call is open");
    assert_eq!(verifying.open_call, Some(attempt.call.uuid()));
    let adopted = Outcome::Adopted(landed("b-1"));
    rig.record(
        &attempt,
        Basis::Holder {
            held: a,
            sending: 1,
        },
        adopted,
        done(),
    )
    .await;
    let newer = rig.claim_one(&a).await;
    assert_eq!((newer.version, newer.open_call), (2, None));
}

/// The same with real workers: the books end with the newest version, in one object.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_end_with_the_newest_version_however_versions_overtake() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let write = books.arrival().await;
    rig.client("c-1", 3).await;
    rig.client("c-1", 2).await;
    books.let_pass(Ask::Write);
    write.execute();
    write.lose();
    assert_eq!(work.await.unwrap().unwrap(), Ended::Idle);
    assert_eq!(rig.item("state, version", "c-1"), "verifying|1");

    rig.settle();
    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, version", "c-1"), "done|3");
    let objects = books.objects();
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].body["version"], 3);
}

/// What was never sent needs no voiding; with the real plan of `QuickBooks` Online, and nobody to call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voiding_what_was_never_sent_is_skipped_as_never_sent() {
    let qbo: Arc<dyn provider_kit::Provider> = Arc::new(provider_qbo::Qbo);
    let rig = Rig::with_provider(qbo.descriptor().key).await;
    rig.client("c-1", 1).await;
    rig.void_client("c-1", 2).await;
    let worker = rig.worker_with(qbo, "http://127.0.0.1:9", &|_| {});

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, reason", "c-1"), "skipped|never sent");
    assert_eq!(rig.count("call"), 0);
}

/// Voided while its creation is unclear: first the creation is closed, then it is voided; never both open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_of_what_is_unclear_waits_and_then_voids_what_was_found() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let write = books.arrival().await;
    books.let_pass(Ask::Write);
    write.execute();
    write.lose();
    work.await.unwrap().unwrap();
    rig.void_client("c-1", 2).await;
    assert_eq!(rig.item("state", "c-1"), "verifying");

    rig.settle();
    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state, version", "c-1"), "done|2");
    let objects = books.objects();
    assert_eq!(objects.len(), 1);
    assert!(objects[0].is_void);
    assert_eq!(rig.db.sql("select state from link"), "ENDED");
}
