//! Whose word is believed: refusals, absence, and what an open attempt forbids.

use model::Operation;
use store::intent::{Intended, Refusal};
use store::record::{Basis, Next, Outcome};

use super::attempt::{done, give_up, landed, refused, unclear, verify};
use super::rig::{Rig, SETTLE};

/// A refusal of an older sending says nothing: a later one may have succeeded.
#[tokio::test]
async fn a_refusal_of_an_older_sending_does_not_close_the_attempt() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    rig.record(&attempt, Basis::Reply { sending: 1 }, unclear(), verify())
        .await;
    assert_eq!(
        rig.store.resend(&a, attempt.call, 1, SETTLE).await.unwrap(),
        Some(2)
    );

    let older = Basis::Reply { sending: 1 };
    let refused = rig.record(&attempt, older, refused(), give_up()).await;

    assert_eq!((refused.written, refused.late), (0, 0));
    assert_eq!(rig.count("attempt where outcome is null"), 1);
    assert_eq!(rig.count("call where closed_at is null"), 1);
    assert_eq!(rig.count("dead_letter"), 0);
    let landed = Outcome::Done(landed("b-1"));
    let written = rig.record(&attempt, older, landed, done()).await;
    assert_eq!(
        (written.written, written.late),
        (1, 0),
        "a success is believed whichever sending it answers"
    );
    assert_eq!(rig.item("state", "c-1"), "done");
}

/// Absence is a holder's word; presence is anybody's.
#[tokio::test]
async fn absence_is_not_believed_of_a_holder_that_lost_the_lease() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let attempt = rig.send(a, &rig.claim_one(&a).await).await;
    rig.expire();
    rig.take().await;

    let absent = rig
        .record(
            &attempt,
            Basis::Holder {
                held: a,
                sending: 1,
            },
            Outcome::Absent,
            Next::More,
        )
        .await;
    assert_eq!((absent.written, absent.late), (0, 0));
    assert_eq!(rig.count("attempt where outcome is null"), 1);
    assert_eq!(rig.count("call where absent_since is not null"), 0);
    assert_eq!(
        rig.store.resend(&a, attempt.call, 1, SETTLE).await.unwrap(),
        None
    );
    assert_eq!(rig.db.sql("select sends from call"), "1");

    let present = Outcome::Adopted(landed("b-1"));
    let adopted = rig
        .record(
            &attempt,
            Basis::Holder {
                held: a,
                sending: 1,
            },
            present,
            done(),
        )
        .await;
    assert_eq!((adopted.written, adopted.late), (1, 0));
}

/// No create while an attempt of the effect is open, whatever state the item was put in.
#[tokio::test]
async fn an_open_attempt_refuses_the_next_intent_whatever_state_the_item_is_in() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    let a = rig.take().await;
    let claimed = rig.claim_one(&a).await;
    let attempt = rig.send(a, &claimed).await;
    for state in ["queued", "failed", "done"] {
        rig.db.sql(&format!("update item set state = '{state}'"));
        let same_effect = store::claim::EffectRow {
            id: attempt.effect,
            kind: claimed.kind.as_str().to_owned(),
            part: String::new(),
            generation: 1,
        };
        let again = store::claim::Claimed {
            effects: vec![same_effect],
            ..claimed.clone()
        };
        let (_, intended) = rig.intend(a, &again).await;
        assert_eq!(
            intended,
            Intended::Refused(vec![Refusal::OpenAttempt(claimed.item)])
        );
    }
    assert_eq!(rig.count("call"), 1);
    assert_eq!(
        rig.db.sql("select operation from attempt"),
        Operation::Create.as_str()
    );
}
