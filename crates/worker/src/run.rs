//! The consumer process: tickets, sweep, beat, health, drain.

use std::error::Error;
use std::sync::Arc;

use broker::{Delivery, Disposition, Queue, QueueSpec, Subscriber, SubscriberOptions, Topology};
use model::{BooksId, Ticket};
use provider_kit::AuthStyle;
use provider_kit::Provider;
use provider_kit::http::{BaseUrl, HttpClient, HttpOptions};
use provider_kit::oauth::TokenEndpoint;
use runtime::{Component, Process};
use store::seal::Sealer;
use store::{Role, Store};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::{Config, Ended, Parts, Worker, metrics};

/// Tickets handed out ahead; a ticket is acked as soon as its touch commits.
const PREFETCH: u16 = 64;

/// A process at work: leases are driven by tasks of the set, bounded by the places.
#[derive(Clone)]
struct Consumer {
    worker: Worker,
    places: Arc<Semaphore>,
    again: Arc<Notify>,
    tasks: Arc<tokio::sync::Mutex<JoinSet<()>>>,
}

/// Runs the consumer of one provider until it is told to stop.
pub async fn run(
    process: Process,
    config: Config,
    provider: Arc<dyn Provider>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let database = process.health.component("database");
    let broker = process.health.component("broker");
    metrics::show();
    let descriptor = provider.descriptor();
    let store = Store::open(
        config.database_url.expose(),
        Role::Worker,
        config.connections,
    )?;
    wait_for_database(&process, &store, &database).await?;
    let worker = Worker::new(parts(&process, &config, &store, provider)?);
    let consumer = Consumer {
        worker: worker.clone(),
        places: Arc::new(Semaphore::new(config.policy.most_leases)),
        again: Arc::new(Notify::new()),
        tasks: Arc::default(),
    };
    let queues = [
        Queue::Live(descriptor.key.to_owned()),
        Queue::Bulk(descriptor.key.to_owned()),
    ]
    .map(|queue| QueueSpec {
        queue,
        prefetch: PREFETCH,
    });
    let handler = consumer.clone();
    let subscriber = Subscriber::start(
        config.amqp_url.expose(),
        Topology::new(&[descriptor.key]),
        queues.to_vec(),
        SubscriberOptions::named(process.service),
        broker,
        move |delivery| handler.clone().take_ticket(delivery),
    )?;
    let fatal = subscriber.fatal();
    tokio::pin!(fatal);
    // A connection of its own: beats must not wait for work.
    let beating = Store::open(config.database_url.expose(), Role::Worker, 1)?;
    let beat = tokio::spawn(keep_leases(worker.clone(), beating, config.policy.ttl / 3));
    let ended = tokio::select! {
        () = process.shutdown.requested() => Ok(()),
        () = consumer.sweep_for_ever(&store, descriptor.key, &config, &database) => Ok(()),
        why = &mut fatal => Err(format!("the broker was unreachable for too long: {why}").into()),
    };
    worker.drain();
    subscriber.drain(process.shutdown.grace()).await;
    consumer.finish(&process).await;
    beat.abort();
    store.close().await;
    ended
}

fn parts(
    process: &Process,
    config: &Config,
    store: &Store,
    provider: Arc<dyn Provider>,
) -> Result<Parts, Box<dyn Error + Send + Sync>> {
    let descriptor = provider.descriptor();
    let AuthStyle::OAuth2Basic { token_url } = descriptor.auth else {
        return Err("this provider has no HTTP consumer".into());
    };
    let oauth = TokenEndpoint {
        provider: descriptor.key,
        url: BaseUrl::parse(config.token_url.as_deref().unwrap_or(token_url))?,
        client_id: config.client_id.clone(),
        client_secret: config.client_secret.clone(),
    };
    Ok(Parts {
        store: store.clone(),
        http: HttpClient::new(&HttpOptions::default())?,
        base_url: BaseUrl::parse(
            config
                .base_url
                .as_deref()
                .unwrap_or(descriptor.production_url),
        )?,
        oauth: Some(oauth),
        sealer: Sealer::parse(config.seal_keys.expose())?,
        policy: config.policy,
        clock: Arc::clone(&process.clock),
        provider,
    })
}

/// Waits for a database that is up, migrated, and the one this installation last ran on.
async fn wait_for_database(
    process: &Process,
    store: &Store,
    health: &Component,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    loop {
        match store.is_same_database().await {
            Ok(true) => {
                health.ready();
                return Ok(());
            }
            Ok(false) => {
                return Err("this is not the database the installation last ran on (restored or failed over): nothing is \
                            sent until an operator has looked; see the runbook `TieoutProcessDown`"
                    .into());
            }
            Err(error) => health.not_ready(runtime::chain(&error)),
        }
        tokio::select! {
            () = process.shutdown.requested() => return Ok(()),
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
        }
    }
}

/// S7, for as long as the process lives.
async fn keep_leases(worker: Worker, store: Store, every: std::time::Duration) {
    loop {
        tokio::time::sleep(every).await;
        worker.inner.board.beat(&store).await;
    }
}

impl Consumer {
    /// Step 5 and 6: touch, then ack. Losing a ticket costs at most a second: the sweep finds what it meant.
    async fn take_ticket(self, delivery: Delivery) -> Disposition {
        runtime::halt::point("05-ticket-consumed");
        let ticket = match Ticket::decode(&delivery.body) {
            Ok(ticket) => ticket,
            Err(error) => {
                tracing::warn!("a message on a work queue goes to the dead letters: {error}");
                return Disposition::Reject;
            }
        };
        if self.worker.inner.is_draining() {
            return Disposition::Requeue;
        }
        match self.take(ticket.books).await {
            Ok(_) => Disposition::Ack,
            Err(error) => {
                tracing::warn!(
                    "a ticket could not be followed yet: {}",
                    runtime::chain(&error)
                );
                Disposition::Requeue
            }
        }
    }

    /// Touches books and works on them in a task of its own when the lease is ours. False: all places are taken.
    async fn take(&self, books: BooksId) -> Result<bool, store::StoreError> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Ok(false);
        };
        let Some((held, before)) = self.worker.touch(books).await? else {
            return Ok(true);
        };
        let (worker, again) = (self.worker.clone(), Arc::clone(&self.again));
        let mut tasks = self.tasks.lock().await;
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let ended = worker.work_on(held, before).await;
            drop(place);
            if ended == Ended::Yielded {
                again.notify_one();
            }
        });
        Ok(true)
    }

    /// S11, about once a second, and at once after a yield.
    async fn sweep_for_ever(
        &self,
        store: &Store,
        provider: &str,
        config: &Config,
        database: &Component,
    ) {
        loop {
            let free = i64::try_from(self.places.available_permits()).unwrap_or(0);
            let swept = if free == 0 {
                Ok(Vec::new())
            } else {
                store.sweep(provider, config.policy.ttl, free).await
            };
            match swept {
                Ok(due) => {
                    database.ready();
                    for books in due {
                        if let Err(error) = self.take(books).await {
                            database.not_ready(runtime::chain(&error));
                        }
                    }
                }
                Err(error) => database.not_ready(runtime::chain(&error)),
            }
            tokio::select! {
                () = tokio::time::sleep(config.policy.sweep_every) => {}
                () = self.again.notified() => {}
            }
        }
    }

    /// Waits, within the grace, until every holder has given its lease back.
    async fn finish(&self, process: &Process) {
        let mut tasks = self.tasks.lock().await;
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(process.shutdown.grace(), all)
            .await
            .is_err()
        {
            tracing::warn!(
                "calls are still in flight at the end of the grace; another worker will look them up"
            );
        }
    }
}
