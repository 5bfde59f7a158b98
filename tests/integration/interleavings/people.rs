//! Interleavings with arrivals, with people and with the end of a process (22 to 24).

use std::time::Duration;

use model::{DocumentKind, Failure, FailureKind, Owner};
use store::lease::{Held, Touched};
use store::record::{Basis, Next, Outcome};
use store::units::Unitary;
use tests::harness::eventually;
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::attempt::{Attempt, done, landed};
use super::rig::Rig;

const LIMIT: Duration = Duration::from_secs(20);

/// "The payment waits for its client."
fn waits_for_client(id: &str) -> Next {
    Next::Park {
        owner: Owner::System,
        failure: Failure::new(
            FailureKind::DependencyMissing,
            "WAITS_FOR_DOCUMENT",
            "waits for a client",
        ),
        waits_for: Some((DocumentKind::Client, id.parse().unwrap())),
    }
}

/// A payment is in hand whose client has not come.
async fn payment_in_hand(rig: &Rig) -> (Held, Attempt) {
    rig.payment("p-1", 1, "c-1").await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    (a, Attempt::new(rig.books, &claimed))
}

async fn bring_about(rig: &Rig, held: Held, source_id: &str) {
    let (_, claimed) = rig.claim(&held).await.unwrap();
    let claimed = claimed
        .iter()
        .find(|item| item.source_id.as_str() == source_id)
        .unwrap();
    let attempt = rig.send(held, claimed).await;
    let reply = Basis::Reply { sending: 1 };
    rig.record(&attempt, reply, Outcome::Done(landed("b-1")), done())
        .await;
}

/// 22: parked first, then the dependency arrives.
#[tokio::test]
async fn what_parked_before_its_dependency_arrived_is_released_by_the_arrival() {
    let rig = Rig::new().await;
    let (a, payment) = payment_in_hand(&rig).await;
    let moved = rig.commit(payment.moves(a, waits_for_client("c-1"))).await;
    assert_eq!(moved, Unitary::Moved(true));
    assert_eq!(rig.item("state", "p-1"), "parked");

    rig.client("c-1", 1).await;
    bring_about(&rig, a, "c-1").await;

    assert_eq!(rig.item("state", "p-1"), "queued");
    assert_eq!(rig.claim_one(&a).await.source_id.as_str(), "p-1");
}

/// 22: the dependency arrives between the plan and the parking.
#[tokio::test]
async fn what_parks_after_its_dependency_arrived_is_ready_at_once() {
    let rig = Rig::new().await;
    let (a, payment) = payment_in_hand(&rig).await;
    rig.client("c-1", 1).await;
    bring_about(&rig, a, "c-1").await;

    rig.commit(payment.moves(a, waits_for_client("c-1"))).await;

    assert_eq!(rig.item("state", "p-1"), "queued");
    assert_eq!(rig.item("coalesce(waits_for, 'none')", "p-1"), "none");
    assert_eq!(rig.claim_one(&a).await.source_id.as_str(), "p-1");
}

/// 22: the arrival may be an echo of our own import, which is linked and never sent.
#[tokio::test]
async fn what_parked_is_released_when_its_dependency_arrives_as_an_echo() {
    let rig = Rig::new().await;
    let (a, payment) = payment_in_hand(&rig).await;
    rig.commit(payment.moves(a, waits_for_client("c-1"))).await;
    let (wake, _) = rig.claim(&a).await.unwrap();

    rig.echo_of_client("c-1", "b-7").await;

    assert!(!rig.store.release_idle(&a, wake).await.unwrap());
    assert_eq!(rig.item("state", "p-1"), "queued");
    assert_eq!(rig.claim_one(&a).await.source_id.as_str(), "p-1");
}

/// 22, with real workers in both orders at once: whatever the order, nothing waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_and_clients_that_arrive_in_any_order_are_all_brought_about() {
    const PAIRS: usize = 12;
    let rig = Rig::new().await;
    let books = Books::open().await;
    let provider = Scripted::new();
    let workers = [rig.worker(&provider, &books), rig.worker(&provider, &books)];
    let mut tickets = tokio::task::JoinSet::new();
    for number in 0..PAIRS {
        let (client, payment) = (format!("c-{number}"), format!("p-{number}"));
        let client_first = number % 2 == 0;
        for is_client in [client_first, !client_first] {
            if is_client {
                rig.client(&client, 1).await;
            } else {
                rig.payment(&payment, 1, &client).await;
            }
            let (worker, id) = (workers[number % 2].clone(), rig.books);
            tickets.spawn(async move { worker.process_one(id).await });
        }
    }
    while let Some(ended) = tickets.join_next().await {
        ended.unwrap().unwrap();
    }
    assert_eq!(rig.count("item where state = 'done'"), 2 * PAIRS);
    assert_eq!(books.objects().len(), 2 * PAIRS);
    assert_eq!(books.doubles(), Vec::<String>::new());
}

/// 23: switched off during a call: its reply is recorded, and nothing more starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_after_the_integration_was_switched_off_is_recorded_and_nothing_more_starts() {
    ends_during_a_call("is_active = false").await;
}

/// 23: deleted during a call, which is a state: no row goes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_after_the_integration_was_deleted_is_recorded_and_nothing_more_starts() {
    ends_during_a_call("deleted_at = clock_timestamp()").await;
}

async fn ends_during_a_call(change: &str) {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    // It waits for the client's call, since it goes up the ranks.
    rig.payment("p-1", 1, "c-1").await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let write = books.arrival().await;

    rig.db
        .sql(&format!("update accounting_integration set {change}"));
    books.let_pass(Ask::Write);
    write.answer().await;
    work.await.unwrap().unwrap();

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.count("link"), 1);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(rig.item("state", "p-1"), "queued");
    rig.make_due();
    assert_eq!(worker.process_one(id).await.unwrap(), Ended::Parked);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(rig.lease("owner"), "CUSTOMER");
}

/// 24: told to stop during a slow call: the worker waits, records, and gives the lease back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_told_to_stop_during_a_slow_call_records_it_and_frees_the_lease() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    rig.payment("p-1", 1, "c-1").await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let write = books.arrival().await;

    worker.drain();
    assert_eq!(
        rig.touch().await,
        Touched::Marked,
        "nothing is released with a call in flight"
    );
    assert!(!work.is_finished());
    write.answer().await;

    assert_eq!(work.await.unwrap().unwrap(), Ended::Yielded);
    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.item("state", "p-1"), "queued");
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(rig.sweep().await, [rig.books]);
}

/// 24, when the grace is too short: the process goes in the middle, and the next one looks the call up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_outlasts_the_grace_is_looked_up_by_the_next_worker() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let provider = Scripted::new();
    let (worker, id) = (rig.worker(&provider, &books), rig.books);
    let draining = worker.clone();
    let work = tokio::spawn(async move { worker.process_one(id).await });
    let write = books.arrival().await;
    draining.drain();
    write.execute();
    work.abort();
    rig.expire();
    assert_eq!(rig.sweep().await, [rig.books]);

    let next = rig.worker(&provider, &books);
    assert_eq!(next.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.count("attempt where outcome = 'ADOPTED'"), 1);
    assert_eq!(books.objects().len(), 1);
    assert_eq!(books.asked(Ask::Write), 1);
}

/// A parked item that waits for a person is looked at again when asked, whoever holds the lease.
#[tokio::test]
async fn a_person_who_asks_again_is_heard_by_the_present_holder() {
    let rig = Rig::new().await;
    let (a, payment) = payment_in_hand(&rig).await;
    rig.commit(payment.moves(a, waits_for_client("c-1"))).await;
    let (wake, items) = rig.claim(&a).await.unwrap();
    assert!(items.is_empty());

    let id = "p-1".parse().unwrap();
    let asked = rig
        .operator
        .try_again(super::rig::ACCOUNT, DocumentKind::Payment, &id, "a test")
        .await;
    assert_eq!(asked.unwrap(), [rig.books]);

    assert!(!rig.store.release_idle(&a, wake).await.unwrap());
    eventually(LIMIT, "it is claimed", async || {
        rig.claim(&a)
            .await
            .is_some_and(|(_, items)| items.len() == 1)
    })
    .await;
}
