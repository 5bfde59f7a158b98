//! The binary itself: two processes, one leader, and the work going on when the leader is killed.

use std::time::Duration;

use tests::harness::{Broker, Database, Process, eventually};

use crate::rig::put;

/// A leadership runs out in 10 s; the rest is a loaded machine.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(40);

fn start(database: &Database, broker: &Broker) -> Process {
    Process::start(
        "scheduler",
        &[
            ("DATABASE_URL", database.url()),
            ("AMQP_URL", broker.url()),
            ("TIEOUT_ADMIN_ADDR", "127.0.0.1:0".to_owned()),
        ],
    )
}

async fn leads(process: &Process) -> bool {
    let metrics = process.metrics().await;
    metrics.lines().any(|line| line == "tieout_leader 1")
}

async fn relayed(database: &Database, id: &str) {
    let sql = format!("select published_at is not null from outbox where id = '{id}'");
    eventually(TAKEOVER_LIMIT, "the message is relayed", || {
        std::future::ready(database.sql(&sql) == "t")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_ready_and_takes_over_from_a_killed_leader() {
    let (database, broker) = (Database::fresh().await, Broker::fresh().await);
    let mut leader = start(&database, &broker);
    leader.ready().await;
    relayed(&database, &put(&database, "tieout.events", "a.b", "{}")).await;
    assert!(leads(&leader).await);

    let mut standby = start(&database, &broker);
    standby.ready().await;
    assert!(!leads(&standby).await, "one leads");
    leader.kill().await;
    relayed(&database, &put(&database, "tieout.events", "a.b", "{}")).await;
    assert!(leads(&standby).await);

    standby.terminate();
    assert!(standby.exit(TAKEOVER_LIMIT).await.success());
    let leader = database.sql("select run is null from leader");
    assert_eq!(leader, "t", "who stops steps down");
}
