//! The one loop that keeps a role in session with the broker: connect, serve, rebuild.

use std::future::Future;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::backoff;
use crate::fault::Fault;
use crate::instant::now;
use crate::link::{Address, Link};
use crate::topology::Topology;
use crate::vitals::Vitals;

/// A session that lasted this long starts the backoff anew.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// What runs on a connection.
pub(crate) trait Role: Send + 'static {
    /// Serves until told to stop (then `Ok`) or until a fault. Calls `vitals.up()` once it works.
    fn serve(
        &mut self,
        link: &Link,
        vitals: &Vitals,
        stop: &mut Stop,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Tells a role to stop, when asked to or when its handle is gone.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Option<Instant>>);

impl Stop {
    /// The sender carries the instant until which the role may finish what it has begun.
    pub(crate) fn new() -> (watch::Sender<Option<Instant>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// Resolves when the role shall stop, with the instant by which it must have finished.
    pub(crate) async fn asked(&mut self) -> Instant {
        match self.0.wait_for(Option::is_some).await {
            Ok(until) => until.unwrap_or_else(now),
            Err(_) => now(),
        }
    }
}

/// Keeps `role` in session until it is told to stop.
pub(crate) async fn supervise(
    address: Address,
    topology: Topology,
    vitals: Vitals,
    mut stop: Stop,
    mut role: impl Role,
) {
    let mut rng = StdRng::from_os_rng();
    let mut failures = 0;
    loop {
        let started_at = now();
        let session = session(&address, &topology, &vitals, &mut stop, &mut role);
        let Err(fault) = session.await else {
            break;
        };
        vitals.down(&fault);
        if started_at.elapsed() >= STABLE_AFTER {
            failures = 0;
        }
        let pause = backoff::pause(failures, fault.floor(), &mut rng);
        failures = failures.saturating_add(1);
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.asked() => break,
        }
    }
    vitals.ended();
}

async fn session(
    address: &Address,
    topology: &Topology,
    vitals: &Vitals,
    stop: &mut Stop,
    role: &mut impl Role,
) -> Result<(), Fault> {
    let link = tokio::select! {
        opened = prepare(address, topology) => opened?,
        _ = stop.asked() => return Ok(()),
    };
    let served = role.serve(&link, vitals, stop).await;
    link.close().await;
    served
}

async fn prepare(address: &Address, topology: &Topology) -> Result<Link, Fault> {
    let link = Link::open(address).await?;
    let channel = link.channel().await?;
    topology.declare(&channel, link.limit()).await?;
    Ok(link)
}
