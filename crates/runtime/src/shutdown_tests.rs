//! Tests of the stop request inside one process; signals are tested on a child process.

use std::time::Duration;

use super::Shutdown;
use crate::clock::{Clock, SystemClock};

/// Far longer than a wake-up takes, short enough for a failing test.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_trigger_wakes_every_clone_and_stays() {
    let shutdown = Shutdown::new(Duration::ZERO);
    assert!(!shutdown.is_requested());
    let waiting = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.requested().await }
    });

    shutdown.trigger();
    shutdown.trigger();

    tokio::time::timeout(LIMIT, waiting).await.unwrap().unwrap();
    tokio::time::timeout(LIMIT, shutdown.requested())
        .await
        .unwrap();
    assert!(shutdown.is_requested());
}

#[tokio::test]
async fn the_grace_period_starts_with_the_request() {
    let shutdown = Shutdown::new(Duration::from_millis(30));
    assert_eq!(shutdown.grace(), Duration::from_millis(30));
    shutdown.trigger();
    let before = SystemClock.monotonic();

    tokio::time::timeout(LIMIT, shutdown.grace_over())
        .await
        .unwrap();

    assert!(before.elapsed() >= Duration::from_millis(30));
}
