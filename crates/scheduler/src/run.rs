//! The scheduler process: election, keeper, and the jobs for as long as it leads.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use broker::{
    Publisher, PublisherOptions, Queue, QueueSpec, Subscriber, SubscriberOptions, Topology,
};
use runtime::{Component, Process};
use store::{Role, Store};

use crate::config::Config;
use crate::election::{Election, Leading};
use crate::keeper::Keeper;
use crate::{jobs, measure};

/// Dead letters kept at once; each is one short transaction.
const PREFETCH: u16 = 16;
/// Between two looks at the database for readiness.
const PING_EVERY: Duration = Duration::from_secs(1);

/// Runs the scheduler until it is told to stop.
pub async fn run(process: Process, config: Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    measure::show();
    let database = process.health.component("database");
    let store = Store::open(
        config.database_url.expose(),
        Role::Scheduler,
        config.connections,
    )?;
    let keys: Vec<&str> = catalog::providers().iter().map(|p| p.key).collect();
    let topology = Topology::new(&keys);
    let publisher = Publisher::start(
        config.amqp_url.expose(),
        topology.clone(),
        PublisherOptions::named(process.service),
        process.health.component("broker (outbox)"),
    )?;
    let keeper = Arc::new(Keeper::new(store.clone(), database.clone()));
    let subscriber = Subscriber::start(
        config.amqp_url.expose(),
        topology,
        vec![QueueSpec {
            queue: Queue::Dead,
            prefetch: PREFETCH,
        }],
        SubscriberOptions::named(process.service),
        process.health.component("broker (dead letters)"),
        move |delivery| Arc::clone(&keeper).take(delivery),
    )?;
    let component = process.health.component("election");
    let (election, leading) = Election::new(store.clone(), Arc::clone(&process.clock), component);
    let (no_publishing, no_consuming) = (publisher.fatal(), subscriber.fatal());
    let ended: Result<(), String> = tokio::select! {
        () = process.shutdown.requested() => Ok(()),
        () = election.stand() => Ok(()),
        () = lead(&process, &store, &publisher, leading, &database) => Ok(()),
        () = watch(&store, &database) => Ok(()),
        why = no_publishing => Err(why),
        why = no_consuming => Err(why),
    };
    election.step_down().await;
    subscriber.drain(process.shutdown.grace()).await;
    publisher.close(process.shutdown.grace()).await;
    store.close().await;
    ended.map_err(|why| format!("the broker was unreachable for too long: {why}").into())
}

/// Runs the jobs while this process leads; dropping them is how they stop at once.
async fn lead(
    process: &Process,
    store: &Store,
    publisher: &Publisher,
    mut leading: Leading,
    database: &Component,
) {
    loop {
        leading.begins().await;
        let mut until = leading.clone();
        tokio::select! {
            () = until.ends() => {}
            () = jobs::run(store, publisher, &*process.clock, database) => {}
        }
        measure::clear();
    }
}

/// Readiness follows the database even while there is nothing to do.
async fn watch(store: &Store, database: &Component) {
    loop {
        match store.ping().await {
            Ok(()) => database.ready(),
            Err(error) => database.not_ready(runtime::chain(&error)),
        }
        tokio::time::sleep(PING_EVERY).await;
    }
}
