//! Calls whose outcome nobody told us: the sweep of H3 × H4 × H6, and what else may happen to one call.
//!
//! A cell of the sweep is one way of losing an answer × the life of the provider's idempotency keys × the lag of
//! its look-ups × how long the sender is silent × create, update or void × one document or a batch. All cells run
//! on one database, with one company and two workers each; times are scaled down, their order is kept:
//! first look-up < lag < settle. A lease runs out in the database while its holder is frozen; the second worker
//! takes over, then the first one wakes. Left out is the named residual: a freeze longer than settle
//! between the last check and the write.

mod cells;
mod events;
mod fleet;
mod gate;
mod lane;
mod one_call;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::{Clock as _, SystemClock};
use tests::harness::Sandbox;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use cells::{KEY_LIVES, LAGS, Lane, SETTLE, lanes};
use fleet::Fleet;
use lane::{Seen, walk};
use report::Report;

/// Lanes at work at the same time: most of them wait, for a settle or a lease.
const AT_ONCE: usize = 144;

/// The whole sweep takes a minute or two on two cores; more than this is a hang.
const LIMIT: Duration = Duration::from_mins(10);

/// The clock of the sandbox and ours are one, but requests take time.
const CLOCK_MARGIN: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cell_of_commit_unknown_by_key_life_by_lag_by_freeze_holds_a_document_twice() {
    let began_at = SystemClock.monotonic();
    let fleet = Arc::new(Fleet::start().await);
    let mut sandboxes = BTreeMap::new();
    for life in KEY_LIVES {
        for lag in LAGS {
            let sandbox = Sandbox::start().await;
            let settings = serde_json::json!({
                "requestIdLifeMs": life.millis(), "lookupLagMs": lag.millis(),
            });
            sandbox.settings(settings).await;
            sandboxes.insert((life, lag), Arc::new(sandbox));
        }
    }
    let lanes: Vec<Lane> = lanes();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut walks = JoinSet::new();
    for lane in &lanes {
        let (fleet, places, lane) = (Arc::clone(&fleet), Arc::clone(&places), lane.clone());
        let sandbox = Arc::clone(&sandboxes[&(lane.life, lane.lag)]);
        walks.spawn(async move {
            let _place = places.acquire().await.unwrap();
            walk(&fleet, &sandbox, &lane).await
        });
    }
    let seen: Vec<Seen> = tokio::time::timeout(LIMIT, walks.join_all())
        .await
        .unwrap_or_else(|_| panic!("the sweep hangs:\n{}", fleet.standings()));
    let mut report = Report::default();
    let mut journals = BTreeMap::new();
    for (place, sandbox) in &sandboxes {
        journals.insert(*place, report::by_realm(&sandbox.journal().await));
    }
    for seen in &seen {
        let lane = &lanes[seen.lane];
        let journal = &journals[&(lane.life, lane.lag)];
        report.take(lane, seen, journal.get(&lane.realm()));
    }
    report.print(began_at.elapsed());
    report.assert_clean(lanes.len());
    assert!(report.least_resend_wait() + CLOCK_MARGIN >= SETTLE);
}
