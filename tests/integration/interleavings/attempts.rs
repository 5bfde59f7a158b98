//! Interleavings of intent, sending and late replies (7 to 12).

use std::sync::Arc;
use std::time::Duration;

use runtime::{Clock as _, ManualClock, SystemClock};
use store::intent::{Intended, Refusal};
use store::record::{Basis, Next, Outcome, Recorded};
use store::verify::LateReply;
use tests::harness::eventually;
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::attempt::{Attempt, done, landed};
use super::rig::{Rig, SETTLE, TTL};
use super::session::{hold_commits, somebody_commits};

const LIMIT: Duration = Duration::from_secs(20);
const NONE: Recorded = Recorded {
    written: 0,
    late: 0,
};
const WRITTEN: Recorded = Recorded {
    written: 1,
    late: 0,
};
const LATE: Recorded = Recorded {
    written: 0,
    late: 1,
};

/// 7: frozen between claim and intent; another holder has the item by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_frozen_before_its_intent_sends_nothing_after_a_takeover() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    let (slow, quick) = (Scripted::new(), Scripted::new());
    let frozen = slow.freeze_before_intent();
    let (a, b, id) = (
        rig.worker(&slow, &books),
        rig.worker(&quick, &books),
        rig.books,
    );
    let a = tokio::spawn(async move { a.process_one(id).await });
    eventually(LIMIT, "the worker stands before its intent", async || {
        frozen.is_reached()
    })
    .await;
    rig.expire();

    assert_eq!(b.process_one(id).await.unwrap(), Ended::Idle);
    frozen.thaw();

    assert_eq!(a.await.unwrap().unwrap(), Ended::Lost);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(rig.count("call"), 1);
    assert_eq!(rig.item("state", "c-1"), "done");
}

/// 8: frozen between intent and check; the lease ran out meanwhile, though nobody took it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_frozen_after_its_intent_sends_nothing_past_its_deadline() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    let clock = ManualClock::at(SystemClock.now());
    let worker = rig.worker_with(Scripted::new(), books.url(), &|parts| {
        parts.clock = Arc::new(clock.clone());
    });
    let mut latch = hold_commits(&rig.db, "call");
    let id = rig.books;
    let work = tokio::spawn(async move { worker.process_one(id).await });
    somebody_commits(&rig.db).await;

    clock.advance(TTL);
    latch.run("select pg_advisory_unlock(77)");

    work.await.unwrap().unwrap();
    assert_eq!(books.asked(Ask::Write), 0);
    assert_eq!(rig.count("attempt where outcome = 'NOT_SENT'"), 1);
    assert_eq!(rig.item("state", "c-1"), "waiting");
}

/// 9: frozen between check and write. Absence is not believed before settle, so the late write is found and
/// adopted instead of being made a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_arrives_after_a_takeover_is_found_and_not_made_again() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let provider = Scripted::new();
    let (a, b, id) = (
        rig.worker(&provider, &books),
        rig.worker(&provider, &books),
        rig.books,
    );
    let a = tokio::spawn(async move { a.process_one(id).await });
    let write = books.arrival().await;
    a.abort();
    rig.expire();

    assert_eq!(b.process_one(id).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state", "c-1"), "verifying");
    rig.make_due();
    assert_eq!(b.process_one(id).await.unwrap(), Ended::Idle);
    assert_eq!(books.asked(Ask::Lookup), 2);
    assert_eq!(
        books.asked(Ask::Write),
        1,
        "two look-ups before settle prove nothing"
    );

    write.execute();
    rig.settle();
    assert_eq!(b.process_one(id).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.count("attempt where outcome = 'ADOPTED'"), 1);
    assert_eq!(books.asked(Ask::Write), 1);
    assert_eq!(books.objects().len(), 1);
}

/// 9, the other way: really absent after settle. The same bytes go again under the same key, and when the
/// first write arrives after all, the provider answers it from its memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_proven_absent_goes_again_with_the_same_bytes_and_key() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let books = Books::open().await;
    books.hold(Ask::Write);
    let provider = Scripted::new();
    let (a, b, id) = (
        rig.worker(&provider, &books),
        rig.worker(&provider, &books),
        rig.books,
    );
    let a = tokio::spawn(async move { a.process_one(id).await });
    let first = books.arrival().await;
    a.abort();
    rig.expire();
    assert_eq!(b.process_one(id).await.unwrap(), Ended::Idle);
    rig.settle();
    let resending = b.clone();
    let resending = tokio::spawn(async move { resending.process_one(id).await });
    let second = books.arrival().await;

    assert_eq!(first.body, second.body);
    second.answer().await;
    assert_eq!(resending.await.unwrap().unwrap(), Ended::Idle);
    first.execute();

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(
        rig.db.sql("select sends from call where purpose = 'WRITE'"),
        "2"
    );
    assert_eq!(
        books.asked(Ask::Read),
        1,
        "the answer to a repeated call is confirmed by one read"
    );
    assert_eq!(books.objects().len(), 1);
    assert_eq!(books.doubles(), Vec::<String>::new());
}

/// 10: the late reply closes the attempt first; the verifier's word then changes nothing.
#[tokio::test]
async fn a_reply_that_comes_before_the_look_up_closes_the_attempt_wins() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    rig.expire();
    let b = rig.take().await;
    assert_eq!(rig.item("state", "c-1"), "verifying");
    assert!(rig.claim_one(&b).await.open_call.is_some());

    let reply = Basis::Reply { sending: 1 };
    let recorded = rig
        .record(&attempt, reply, Outcome::Done(landed("b-1")), done())
        .await;
    assert_eq!(recorded, WRITTEN, "recording needs no lease");

    let verified = rig
        .record(
            &attempt,
            Basis::Holder {
                held: b,
                sending: 1,
            },
            Outcome::Absent,
            Next::More,
        )
        .await;
    assert_eq!(verified, NONE);
    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(rig.db.sql("select outcome from attempt"), "DONE");
    assert_eq!(rig.count("late_reply"), 0);
    let adopted = Outcome::Adopted(landed("b-1"));
    let same = rig
        .record(
            &attempt,
            Basis::Holder {
                held: b,
                sending: 1,
            },
            adopted,
            done(),
        )
        .await;
    assert_eq!((same.written, rig.count("late_reply")), (0, 0));
}

/// The attempt was proven absent and closed, and then its success arrives.
async fn late_success_after_absence(rig: &Rig) -> (store::lease::Held, Attempt) {
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    rig.expire();
    let b = rig.take().await;
    rig.claim_one(&b).await;
    let absent = rig
        .record(
            &attempt,
            Basis::Holder {
                held: b,
                sending: 1,
            },
            Outcome::Absent,
            Next::More,
        )
        .await;
    assert_eq!(absent, WRITTEN);
    (b, attempt)
}

/// 11: a late success after "absent" is kept, refuses the next intent, and is adopted.
#[tokio::test]
async fn a_success_after_absence_is_kept_and_adopted_by_the_next_intent() {
    let rig = Rig::new().await;
    let (b, attempt) = late_success_after_absence(&rig).await;
    let reply = Basis::Reply { sending: 1 };
    let late = rig
        .record(&attempt, reply, Outcome::Done(landed("b-1")), done())
        .await;
    assert_eq!(late, LATE);
    assert_eq!(
        rig.item("state", "c-1"),
        "queued",
        "whoever is late moves no item"
    );

    let again = rig.claim_one(&b).await;
    let (_, intended) = rig.intend(b, &again).await;
    assert_eq!(
        intended,
        Intended::Refused(vec![Refusal::LateReply(again.item)])
    );
    let read = rig.store.read_late_replies(&b, again.item).await.unwrap();
    assert_eq!(read, LateReply::Adopted);

    assert_eq!(rig.db.sql("select external_id from link"), "b-1");
    assert_eq!(rig.count("finding"), 0);
    assert_eq!(rig.count("call where purpose = 'WRITE'"), 1);
    let read = rig.store.read_late_replies(&b, again.item).await.unwrap();
    assert_eq!(read, LateReply::None, "it is read once");
}

/// 11, with a real worker: what came late is adopted instead of being made again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_adopts_a_late_success_instead_of_creating_again() {
    let rig = Rig::new().await;
    let (b, attempt) = late_success_after_absence(&rig).await;
    let reply = Basis::Reply { sending: 1 };
    rig.record(&attempt, reply, Outcome::Done(landed("b-1")), done())
        .await;
    assert!(rig.store.yield_lease(&b).await.unwrap());
    let books = Books::open().await;

    let worker = rig.worker(&Scripted::new(), &books);
    worker.process_one(rig.books).await.unwrap();

    assert_eq!(books.asked(Ask::Write), 0);
    assert_eq!(rig.db.sql("select external_id from link"), "b-1");
}

/// 12: a late success after the second create is a second object, and the finding names both.
#[tokio::test]
async fn a_success_after_the_second_create_is_named_with_both_ids() {
    let rig = Rig::new().await;
    let (b, first) = late_success_after_absence(&rig).await;
    let second = rig.send(b, &rig.claim_one(&b).await).await;
    let reply = Basis::Reply { sending: 1 };
    rig.record(&second, reply, Outcome::Done(landed("b-2")), done())
        .await;
    assert_eq!(rig.count("finding"), 0);

    let late = rig
        .record(&first, reply, Outcome::Done(landed("b-1")), done())
        .await;

    assert_eq!(late, LATE);
    assert_duplicate_is_named(&rig);
}

/// 12, when the late success comes while the second create is still under way.
#[tokio::test]
async fn a_success_during_the_second_create_is_named_when_that_succeeds_too() {
    let rig = Rig::new().await;
    let (b, first) = late_success_after_absence(&rig).await;
    let second = rig.send(b, &rig.claim_one(&b).await).await;
    let reply = Basis::Reply { sending: 1 };
    let late = rig
        .record(&first, reply, Outcome::Done(landed("b-1")), done())
        .await;
    assert_eq!(late, LATE);

    let written = rig
        .record(&second, reply, Outcome::Done(landed("b-2")), done())
        .await;

    assert_eq!(written, WRITTEN);
    assert_duplicate_is_named(&rig);
}

fn assert_duplicate_is_named(rig: &Rig) {
    let found = rig
        .db
        .sql("select code, detail ->> 'externalIds' from finding where closed_at is null");
    assert!(found.starts_with("DUPLICATE_IN_BOOKS|"), "{found}");
    assert!(found.contains("b-1") && found.contains("b-2"), "{found}");
    assert_eq!(rig.db.sql("select external_id from link"), "b-2");
}

/// The next intent on an effect with two objects goes to a person, not to the provider.
#[tokio::test]
async fn nothing_more_is_sent_for_a_document_that_is_in_the_books_twice() {
    let rig = Rig::new().await;
    let (b, first) = late_success_after_absence(&rig).await;
    let second = rig.send(b, &rig.claim_one(&b).await).await;
    let reply = Basis::Reply { sending: 1 };
    rig.record(&second, reply, Outcome::Done(landed("b-2")), done())
        .await;
    rig.record(&first, reply, Outcome::Done(landed("b-1")), done())
        .await;
    rig.client("c-1", 2).await;

    let again = rig.claim_one(&b).await;
    let (_, intended) = rig.intend(b, &again).await;

    assert_eq!(
        intended,
        Intended::Refused(vec![Refusal::LateReply(again.item)])
    );
    let read = rig.store.read_late_replies(&b, again.item).await.unwrap();
    assert_eq!(read, LateReply::Duplicate);
}

/// A batch is sent again whole or not at all: one of its members has an outcome by now, from a reply that came late.
#[tokio::test]
async fn a_call_with_a_member_whose_outcome_is_known_is_not_sent_again() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    let settled = "update attempt set outcome = 'FAILED', outcome_at = clock_timestamp()";
    rig.db.sql(settled);
    let again = rig.store.resend(&a, attempt.call, 1, SETTLE).await.unwrap();
    assert_eq!(again, None);
    rig.db
        .sql("update attempt set outcome = null, outcome_at = null");
    let again = rig.store.resend(&a, attempt.call, 1, SETTLE).await.unwrap();
    assert_eq!(again, Some(2));
}
