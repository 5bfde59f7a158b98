//! Commits whose answer is lost, and commits in company (18, 19).

use std::time::Duration;

use store::intent::{Intended, Refusal};
use store::record::{Basis, Next, Outcome, Recorded};
use store::units::{Unit, Unitary};
use store::{Role, Store};
use tests::harness::{Proxy, Way, eventually};
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::attempt::{Attempt, done, landed};
use super::rig::{ACCOUNT, Rig};
use super::session::{Session, hold_commits, somebody_commits};

const LIMIT: Duration = Duration::from_secs(20);

/// A store behind a bad network.
async fn far_store(rig: &Rig) -> (Proxy, Store) {
    let proxy = Proxy::before(&rig.db.server_address()).await;
    let store = Store::open(&rig.db.url_at(proxy.address()), Role::Worker, 4).unwrap();
    (proxy, store)
}

/// 18: committed, but the answer was lost: read back by the id its maker chose.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_whose_commit_was_not_answered_is_read_back_by_its_calls_id() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    let attempt = Attempt::new(rig.books, &claimed);
    let (proxy, far) = far_store(&rig).await;
    let mut latch = hold_commits(&rig.db, "call");
    let intent = attempt.intent(a, &claimed);
    let committing = tokio::spawn(async move { far.commit_units(&[intent]).await });
    somebody_commits(&rig.db).await;

    proxy.turn(Way::Cut);
    let lost = committing.await.unwrap().unwrap_err();
    latch.run("select pg_advisory_unlock(77)");

    assert!(lost.is_connection(), "{lost:?}");
    eventually(LIMIT, "the intent can be read back", async || {
        let read = rig.store.call_is_committed(ACCOUNT, attempt.call).await;
        read.unwrap().is_some()
    })
    .await;
    assert_eq!(rig.count("attempt where outcome is null"), 1);
}

/// 18: not committed: reading back says so, and the intent may be made again under the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_whose_session_died_at_the_commit_is_not_there() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    let attempt = Attempt::new(rig.books, &claimed);
    let latch = hold_commits(&rig.db, "call");
    let (store, intent) = (rig.store.clone(), attempt.intent(a, &claimed));
    let committing = tokio::spawn(async move { store.commit_units(&[intent]).await });
    somebody_commits(&rig.db).await;

    terminate_waiting(&rig);

    let lost = committing.await.unwrap().unwrap_err();
    assert!(lost.is_connection(), "{lost:?}");
    drop(latch);
    let read = rig.store.call_is_committed(ACCOUNT, attempt.call).await;
    assert_eq!(read.unwrap(), None);
    let again = rig.commit(attempt.intent(a, &claimed)).await;
    assert!(matches!(
        again,
        Unitary::Intended(Intended::Committed { .. })
    ));
    assert_eq!((rig.count("call"), rig.count("attempt")), (1, 1));
}

fn terminate_waiting(rig: &Rig) {
    rig.db.sql(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())",
    );
}

/// 18, with a real worker: its session dies at the commit; the intent is made again and sent once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_session_dies_at_the_intents_commit_sends_exactly_once() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    let latch = hold_commits(&rig.db, "call");
    let id = rig.books;
    let work = tokio::spawn(async move { worker.process_one(id).await });
    somebody_commits(&rig.db).await;
    assert_eq!(
        books.asked(Ask::Write),
        0,
        "nothing is sent before the commit"
    );

    terminate_waiting(&rig);
    drop(latch);

    assert_eq!(work.await.unwrap().unwrap(), Ended::Idle);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(books.objects().len(), 1);
    assert_eq!(rig.item("state", "c-1"), "done");
}

/// 18, with a real worker: its connection is lost at the commit, which goes through. Made again, the intent is refused
/// for its own attempt; read back, it is sent at once and needs no look-up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_that_is_refused_for_its_own_attempt_is_read_back_and_sent() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    let (proxy, far) = far_store(&rig).await;
    let worker = rig.worker_with(Scripted::new(), books.url(), &|parts| {
        parts.store = far.clone();
    });
    let mut latch = hold_commits(&rig.db, "call");
    let id = rig.books;
    let work = tokio::spawn(async move { worker.process_one(id).await });
    somebody_commits(&rig.db).await;

    proxy.cut_open();
    eventually(LIMIT, "the intent is made again", async || {
        rig.db.sql(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
               and wait_event <> 'advisory'",
        ) == "1"
    })
    .await;
    latch.run("select pg_advisory_unlock(77)");

    assert_eq!(work.await.unwrap().unwrap(), Ended::Idle);
    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!((books.asked(Ask::Write), books.asked(Ask::Lookup)), (1, 0));
    assert_eq!(rig.count("call"), 1);
}

/// 19, of a move: its item was claimed again before the repetition, and stays in hand.
#[tokio::test]
async fn a_move_that_is_repeated_takes_nothing_from_a_later_claim() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let first = rig.claim_one(&a).await;
    let back = Attempt::new(rig.books, &first).moves(a, Next::More);
    assert_eq!(rig.commit(back.clone()).await, Unitary::Moved(true));
    let second = rig.claim_one(&a).await;

    assert_eq!(rig.commit(back).await, Unitary::Moved(true));

    assert_eq!(rig.item("state", "c-1"), "running");
    rig.send(a, &second).await;
}

/// What was planned under an earlier claim may be done by now: it is not intended.
#[tokio::test]
async fn an_intent_of_an_earlier_claim_is_refused() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let first = rig.claim_one(&a).await;
    let back = Attempt::new(rig.books, &first).moves(a, Next::More);
    rig.commit(back).await;
    let second = rig.claim_one(&a).await;
    let not_in_hand = Intended::Refused(vec![Refusal::NotInHand(first.item)]);
    assert_eq!(rig.intend(a, &first).await.1, not_in_hand);

    let attempt = rig.send(a, &second).await;
    let landed = Outcome::Done(landed("b-1"));
    rig.record(&attempt, Basis::Reply { sending: 1 }, landed, done())
        .await;

    assert_eq!(rig.intend(a, &second).await.1, not_in_hand);
    assert_eq!(rig.count("call"), 1);
}

/// 18, with a real worker: committed, but the database cannot be reached to read it back. Nothing is sent, and
/// the next holder finds out and brings it about once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_that_cannot_be_read_back_is_not_sent_and_the_next_holder_finds_it() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    let provider = Scripted::new();
    let (proxy, far) = far_store(&rig).await;
    let worker = rig.worker_with(provider.clone(), books.url(), &|parts| {
        parts.store = far.clone();
    });
    let mut latch = hold_commits(&rig.db, "call");
    let id = rig.books;
    let work = tokio::spawn(async move { worker.process_one(id).await });
    somebody_commits(&rig.db).await;

    proxy.turn(Way::Cut);
    assert_eq!(work.await.unwrap().unwrap(), Ended::Lost);
    latch.run("select pg_advisory_unlock(77)");
    eventually(LIMIT, "the intent is committed", async || {
        rig.count("call where closed_at is null") == 1
    })
    .await;
    assert_eq!(books.asked(Ask::Write), 0);

    rig.expire();
    let next = rig.worker(&provider, &books);
    assert_eq!(next.process_one(id).await.unwrap(), Ended::Idle);
    assert_eq!(books.asked(Ask::Write), 0, "absence is not proven yet");
    rig.settle();
    assert_eq!(next.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(books.objects().len(), 1);
    assert_eq!(rig.count("call where purpose = 'WRITE'"), 1);
}

/// 19: a record whose commit was not answered is repeated and changes nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_commit_was_not_answered_is_repeated_without_effect() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    let (proxy, far) = far_store(&rig).await;
    let mut latch = hold_commits(&rig.db, "attempt");
    let record = || {
        let landed = Outcome::Done(landed("b-1"));
        attempt.record(rig.integration, Basis::Reply { sending: 1 }, landed, done())
    };
    let unit = record();
    let committing = tokio::spawn(async move { far.commit_units(&[unit]).await });
    somebody_commits(&rig.db).await;
    proxy.turn(Way::Cut);
    assert!(committing.await.unwrap().unwrap_err().is_connection());
    latch.run("select pg_advisory_unlock(77)");
    eventually(LIMIT, "the record is committed", async || {
        rig.item("state", "c-1") == "done"
    })
    .await;

    let repeated = rig.commit(record()).await;

    let Unitary::Recorded(Recorded { written: 0, .. }) = repeated else {
        panic!("it was recorded twice: {repeated:?}");
    };
    let tables = ["link", "accounting_sync_log", "outbox"].map(|table| rig.count(table));
    assert_eq!(tables, [1, 1, 1]);
    assert_eq!((rig.count("late_reply"), rig.count("finding")), (0, 0));
}

/// An intent that the database refuses does not take its neighbours with it: a group that fails is committed
/// one by one. Here the strange unit is a result with a NUL, which no text column takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_poisoned_unit_does_not_roll_back_its_neighbours() {
    let rig = Rig::new().await;
    for id in ["c-1", "c-2", "c-3"] {
        rig.client(id, 1).await;
    }
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let id = rig.books;
    let work = tokio::spawn(async move { worker.process_one(id).await });
    let writes = [
        books.arrival().await,
        books.arrival().await,
        books.arrival().await,
    ];
    // The recorder waits for the lease's lock; meanwhile all three replies gather in its queue.
    let mut locker = Session::open(&rig.db);
    locker.run("begin; select fence from lease for update");
    let [poisoned, second, third] = writes;
    let reply = poison(&poisoned.body);
    poisoned.answer_with(200, &reply).await;
    second.answer().await;
    third.answer().await;
    eventually(LIMIT, "a record waits for the lock", async || {
        rig.count("call where answered_at is not null") == 3
    })
    .await;
    locker.run("commit");
    work.await.unwrap().unwrap();

    assert_eq!(rig.count("item where state = 'done'"), 2);
    assert_eq!(rig.count("attempt where outcome = 'DONE'"), 2);
}

/// One strange member of a batch does not take the others with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_strange_element_does_not_roll_back_the_good_results_of_its_call() {
    let rig = Rig::new().await;
    for id in ["c-1", "c-2", "c-3"] {
        rig.client(id, 1).await;
    }
    rig.db.sql("update item set lane = 1");
    let books = Books::open().await;
    books.hold(Ask::Write);
    let worker = rig.worker(&Scripted::new(), &books);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    let batch = books.arrival().await;
    assert_eq!(batch.body["members"].as_array().map(Vec::len), Some(3));
    batch.execute();
    let reply = poison(&batch.body);
    batch.answer_with(200, &reply).await;
    work.await.unwrap().unwrap();

    assert_eq!(rig.count("item where state = 'done'"), 2);
    assert_eq!(rig.count("link"), 2);
    // The strange one is somebody's task, is looked up before anything is sent again, and is not made twice.
    assert_eq!(rig.count("item where state = 'failed'"), 1);
    assert_eq!(rig.count("dead_letter where state = 'OPEN'"), 1);
    assert_eq!(rig.count("attempt where outcome is null"), 1);
    assert_eq!(rig.lease("run is null"), "t", "the books go on");
    assert_eq!(books.asked(Ask::Write), 1);
}

/// A reply in which the first member's id holds a NUL and the others are well.
fn poison(body: &serde_json::Value) -> serde_json::Value {
    let members = body["members"].as_array().cloned().unwrap_or_default();
    let results = members.iter().enumerate().map(|(index, member)| {
        let nul = if index == 0 { "\0" } else { "" };
        serde_json::json!({
            "id": format!("strange-{index}{nul}"), "revision": 0, "marker": member["marker"],
            "body": member["body"], "is_void": false,
        })
    });
    serde_json::Value::Array(results.collect())
}

/// The store's own part of it: units of one transaction stand or fall together, and nothing of a failed group
/// is left behind.
#[tokio::test]
async fn a_group_with_a_refused_unit_leaves_nothing_behind() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    rig.client("c-2", 1).await;
    let a = rig.take().await;
    let (_, claimed) = rig.claim(&a).await.unwrap();
    let [first, second] = claimed.as_slice() else {
        panic!("two were ready: {claimed:?}");
    };
    let good = Attempt::new(rig.books, first);
    let bad = Attempt {
        id: good.id,
        ..Attempt::new(rig.books, second)
    };
    let units: Vec<Unit> = vec![good.intent(a, first), bad.intent(a, second)];

    assert!(rig.store.commit_units(&units).await.is_err());

    assert_eq!((rig.count("call"), rig.count("attempt")), (0, 0));
    assert_eq!(rig.count("effect"), 0);
    assert!(matches!(
        rig.commit(good.intent(a, first)).await,
        Unitary::Intended(Intended::Committed { .. })
    ));
}
