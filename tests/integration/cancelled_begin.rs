//! A cancelled `begin` must not poison the connection for whoever borrows it next.
//!
//! sqlx 0.9.0 leaves the transaction of a cancelled `begin()` open on the pooled connection: what the next
//! borrower writes there is acknowledged to it and then rolled back. The store closes it before the
//! connection goes back.

use std::time::Duration;

use model::CallId;
use store::{Role, Store};
use tokio::time::timeout;

use crate::interleavings::rig::{ACCOUNT, Rig};

/// Cancelled calls to reach; fewer prove little.
const CANCELLED: u32 = 120;
/// Rounds in which they must be reached.
const MOST_ROUNDS: u32 = 4_000;
/// The patience of the callers goes round from 0 to 300 µs.
const PATIENCES: u32 = 31;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_begin_never_poisons_the_next_borrower() {
    let rig = Rig::new().await;
    let held = rig.take().await;
    // One connection: the next borrower gets the one on which a `begin` was cancelled.
    let store = Store::open(&rig.db.url(), Role::Worker, 1).unwrap();
    store.ping().await.unwrap();
    let (mut cancelled, mut round) = (0, 0);
    let mut poisoned = Vec::new();
    while cancelled < CANCELLED && round < MOST_ROUNDS {
        round += 1;
        let patience = Duration::from_micros(10) * (round % PATIENCES);
        let call = store.call_is_committed(ACCOUNT, CallId::fresh());
        if let Ok(found) = timeout(patience, call).await {
            assert_eq!(found.unwrap(), None);
            continue;
        }
        cancelled += 1;
        // One statement, acknowledged; each writes a later time, so that it can be told from the last.
        let ttl = Duration::from_hours(1) * cancelled;
        assert_eq!(store.beat(&[held], ttl).await.unwrap().len(), 1);
        let hours =
            rig.lease("round(extract(epoch from expires_at - clock_timestamp()) / 3600)::int");
        if hours != cancelled.to_string() {
            poisoned.push(round);
        }
    }
    assert!(
        cancelled >= CANCELLED,
        "only {cancelled} of {round} calls were really cancelled"
    );
    assert!(
        poisoned.is_empty(),
        "{} of {cancelled} next borrowers lost their writes, in rounds {poisoned:?}",
        poisoned.len()
    );
}
