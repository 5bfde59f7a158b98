//! Interleavings of taking, keeping and giving back a lease (1 to 6, 13 to 17, 20, 21).

use std::sync::Arc;
use std::time::Duration;

use store::intent::Intended;
use store::lease::Touched;
use store::units::Unitary;
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::attempt::{Attempt, done};
use super::rig::{Rig, SETTLE, TTL};

/// 1: a try that fails leaves its mark in the same statement, so no release can come between.
#[tokio::test]
async fn a_touch_that_finds_the_lease_held_leaves_its_mark_in_the_same_statement() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let (wake, items) = rig.claim(&a).await.unwrap();
    assert_eq!(items.len(), 1);

    assert_eq!(rig.touch().await, Touched::Marked);

    assert!(!rig.store.release_idle(&a, wake).await.unwrap());
    let (wake, _) = rig.claim(&a).await.unwrap();
    assert!(rig.store.release_idle(&a, wake).await.unwrap());
    assert!(matches!(rig.touch().await, Touched::Taken(_)));
}

/// 2: the mark is remembered under the lock of the claim that found nothing.
#[tokio::test]
async fn what_arrives_after_an_empty_claim_keeps_the_lease_from_being_released() {
    let rig = Rig::new().await;
    let a = rig.take().await;
    let (wake, items) = rig.claim(&a).await.unwrap();
    assert!(items.is_empty());

    rig.client("c-1", 1).await;

    assert!(!rig.store.release_idle(&a, wake).await.unwrap());
    rig.claim_one(&a).await;
}

/// 1 and 2 under load: nobody sweeps, so a lost mark would leave a document queued.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_document_is_stranded_when_tickets_and_releases_race() {
    const DOCUMENTS: usize = 60;
    let rig = Arc::new(Rig::new().await);
    let books = Books::open().await;
    let provider = Scripted::new();
    let workers: Vec<_> = (0..3).map(|_| rig.worker(&provider, &books)).collect();
    let mut tickets = tokio::task::JoinSet::new();
    for number in 0..DOCUMENTS {
        rig.client(&format!("c-{number}"), 1).await;
        let (worker, id) = (workers[number % workers.len()].clone(), rig.books);
        tickets.spawn(async move { worker.process_one(id).await });
    }
    while let Some(ended) = tickets.join_next().await {
        let ended = ended.unwrap().unwrap();
        let why = rig.lease("reason");
        assert!(
            matches!(ended, Ended::Idle | Ended::NotTaken),
            "{ended:?}: {why}"
        );
    }
    assert_eq!(rig.count("item where state = 'done'"), DOCUMENTS);
    assert_eq!(books.objects().len(), DOCUMENTS);
    assert_eq!(books.doubles(), Vec::<String>::new());
    assert_eq!(rig.lease("run is null"), "t");
}

/// 3: acquiring does not move `next_at`, so an expired lease is found by the sweep.
#[tokio::test]
async fn the_sweep_finds_the_lease_of_a_dead_holder_whose_ticket_was_acked() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    rig.claim_one(&a).await;
    assert_eq!(
        rig.touch().await,
        Touched::Marked,
        "the redelivered ticket is acked"
    );
    assert!(rig.sweep().await.is_empty(), "the holder may be alive");

    rig.expire();

    assert_eq!(rig.sweep().await, [rig.books]);
    let b = rig.take().await;
    assert_eq!(b.fence, a.fence + 1);
    rig.claim_one(&b).await;
    assert_eq!(rig.item("crash_count", "c-1"), "1");
}

/// 4: yielding has no wake test.
#[tokio::test]
async fn steady_marks_do_not_keep_a_holder_from_yielding() {
    let rig = Rig::new().await;
    let a = rig.take().await;
    rig.claim(&a).await.unwrap();
    for number in 0..5 {
        rig.client(&format!("c-{number}"), 1).await;
        assert_eq!(rig.touch().await, Touched::Marked);
    }

    assert!(rig.store.yield_lease(&a).await.unwrap());

    assert_eq!(rig.sweep().await, [rig.books]);
    let b = rig.take().await;
    assert_eq!(rig.claim(&b).await.unwrap().1.len(), 5);
}

/// 4, with a real worker: a slice that is used up ends the turn though more is ready.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_yields_when_its_slice_is_used_up_and_the_next_one_goes_on() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    let provider = Scripted::new();
    let short = rig.worker_with(provider.clone(), books.url(), &|parts| {
        parts.policy.slice = Duration::ZERO;
    });
    assert_eq!(short.process_one(rig.books).await.unwrap(), Ended::Yielded);
    assert!(books.objects().is_empty());

    let long = rig.worker(&provider, &books);
    assert_eq!(long.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(books.objects().len(), 1);
}

/// 5: the run is one per acquisition, not per process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tickets_in_one_process_make_one_loop() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let (first, id) = (worker.clone(), rig.books);
    let first = tokio::spawn(async move { first.process_one(id).await });
    let write = books.arrival().await;

    assert_eq!(worker.process_one(id).await.unwrap(), Ended::NotTaken);

    write.answer().await;
    assert_eq!(first.await.unwrap().unwrap(), Ended::Idle);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(rig.lease("fence"), "1");
}

/// 6: frozen before its claim, thawed after a takeover.
#[tokio::test]
async fn a_claim_under_an_old_fence_takes_nothing() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    rig.expire();
    let b = rig.take().await;

    assert!(rig.claim(&a).await.is_none());

    assert_eq!(rig.item("state", "c-1"), "queued");
    assert_eq!(rig.claim_one(&b).await.source_id.as_str(), "c-1");
}

/// 13: nobody took over, so the beat simply goes on.
#[tokio::test]
async fn a_beat_after_expiry_succeeds_while_nobody_took_over() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    rig.expire();

    let kept = rig.store.beat(&[a], TTL).await.unwrap();

    assert_eq!(kept.first().map(|(run, _)| *run), Some(a.run));
    assert_eq!(rig.touch().await, Touched::Marked);
    rig.claim_one(&a).await;
}

/// 14: whoever beats after a takeover learns it and starts nothing more.
#[tokio::test]
async fn a_beat_after_a_takeover_answers_nothing_and_nothing_more_can_be_started() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    rig.expire();
    let b = rig.take().await;

    assert!(rig.store.beat(&[a], TTL).await.unwrap().is_empty());

    assert_eq!(rig.intend(a, &claimed).await.1, Intended::LeaseLost);
    assert_eq!(rig.count("call"), 0);
    assert_eq!(rig.store.beat(&[b], TTL).await.unwrap().len(), 1);
}

/// 15: the old holder cannot free the new one's lease in any of the three ways.
#[tokio::test]
async fn an_old_holder_cannot_give_back_the_new_ones_lease() {
    let rig = Rig::new().await;
    let a = rig.take().await;
    let (wake, _) = rig.claim(&a).await.unwrap();
    rig.expire();
    let b = rig.take().await;
    rig.db.sql(&format!("update lease set wake = {wake}"));

    assert!(!rig.store.release_idle(&a, wake).await.unwrap());
    assert!(!rig.store.yield_lease(&a).await.unwrap());
    let parked = rig
        .store
        .park_lease(&a, TTL, "a test", model::Owner::System)
        .await
        .unwrap();
    assert!(!parked);

    assert_eq!(rig.touch().await, Touched::Marked);
    assert_eq!(rig.store.beat(&[b], TTL).await.unwrap().len(), 1);
}

/// 16: after a jump of the database's clock every lease has expired and every settle has passed; the fence
/// still holds, and settle counts anew from the takeover.
#[tokio::test]
async fn a_jump_of_the_databases_clock_shortens_no_settle_and_fences_hold() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    let attempt = rig.send(a, &claimed).await;
    rig.db.sql(
        "update lease set expires_at = expires_at - interval '1 hour';
         update call set settle_at = settle_at - interval '1 hour', opened_at = opened_at - interval '1 hour'",
    );

    let b = rig.take().await;

    assert!(rig.claim(&a).await.is_none());
    assert_eq!(rig.intend(a, &claimed).await.1, Intended::LeaseLost);
    let again = rig.claim_one(&b).await;
    assert_eq!(again.open_call, Some(attempt.call.uuid()));
    let open = rig
        .store
        .open_call(&b, attempt.call.uuid())
        .await
        .unwrap()
        .unwrap();
    assert!(!open.settled);
    assert!(open.settles_in > SETTLE / 2, "{:?}", open.settles_in);
}

/// 17: after a restart of the server no lease expires before its holder had a whole ttl to come back.
#[tokio::test]
async fn no_lease_expires_until_the_server_has_been_up_for_a_whole_ttl() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    rig.expire();
    // A ttl longer than the server has been up stands for a server that was just started.
    let uptime: u64 = rig
        .db
        .sql("select extract(epoch from clock_timestamp() - pg_postmaster_start_time())::bigint")
        .parse()
        .unwrap();
    let longer = Duration::from_secs(uptime + 600);

    let touched = rig.store.touch(rig.books, longer, SETTLE).await.unwrap();

    assert_eq!(touched, Touched::Marked);
    let swept = rig.store.sweep(tests::scripted::KEY, longer, 10).await;
    assert!(swept.unwrap().is_empty());
    assert_eq!(rig.store.beat(&[a], TTL).await.unwrap().len(), 1);
    rig.claim_one(&a).await;
}

/// 20: a database that is not the one we left is told apart, and so is one that is being recovered.
#[tokio::test]
async fn another_database_than_the_one_we_left_is_recognised() {
    let rig = Rig::new().await;
    assert!(rig.store.is_same_database().await.unwrap());
    rig.db
        .sql("update installation set system_identifier = system_identifier + 1");
    assert!(!rig.store.is_same_database().await.unwrap());
    rig.db.sql(
        "update installation set system_identifier = system_identifier - 1, mode = 'RECOVERY'",
    );
    assert!(!rig.store.is_same_database().await.unwrap());
}

/// 21: what a yield did not announce is found by the sweep at once.
#[tokio::test]
async fn a_yield_whose_announcement_was_lost_is_found_by_the_sweep() {
    let rig = Rig::new().await;
    let a = rig.take().await;
    rig.client("c-1", 1).await;
    assert!(rig.sweep().await.is_empty());

    assert!(rig.store.yield_lease(&a).await.unwrap());

    assert_eq!(rig.sweep().await, [rig.books]);
}

/// A parked lease is nobody's until its time, whatever marks come; then the sweep finds it.
#[tokio::test]
async fn a_parked_lease_opens_by_itself_when_its_time_has_come() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    rig.store
        .park_lease(
            &a,
            Duration::from_mins(10),
            "slow down",
            model::Owner::System,
        )
        .await
        .unwrap();
    assert_eq!(rig.touch().await, Touched::Marked);
    assert!(rig.sweep().await.is_empty());

    rig.db.sql(
        "update lease set not_before = clock_timestamp() - interval '1 second',
           next_at = clock_timestamp() - interval '1 second'",
    );

    assert_eq!(rig.sweep().await, [rig.books]);
    let b = rig.take().await;
    assert_eq!(rig.lease("coalesce(reason, 'none')"), "none");
    rig.claim_one(&b).await;
}

/// Items moved without a call need the lease, too.
#[tokio::test]
async fn an_old_holder_cannot_move_items() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    rig.expire();
    let b = rig.take().await;
    rig.claim_one(&b).await;
    let attempt = Attempt::new(rig.books, &claimed);

    let moved = rig.commit(attempt.moves(a, done())).await;

    assert_eq!(moved, Unitary::Moved(false));
    assert_eq!(rig.item("state", "c-1"), "running");
}
