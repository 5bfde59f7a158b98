//! Looks after a running session: is it open, does the broker still answer, is the topology there.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::{Channel, Event};
use tokio::sync::Notify;
use tokio::time::{interval, sleep_until};

use crate::fault::Fault;
use crate::instant::now;
use crate::link::Link;
use crate::topology::Topology;

/// The connection's own state is looked at this often; it costs a lock.
const STATE_EVERY: Duration = Duration::from_millis(250);
/// The whole topology is declared again this often: it proves that the broker still answers
/// on a channel, which heartbeats do not, and puts back what somebody deleted.
const DECLARE_EVERY: Duration = Duration::from_secs(10);
/// A repair that was asked for waits until this long after the last declaration.
const REPAIR_APART: Duration = Duration::from_secs(1);

/// Resolves with the fault as soon as something is wrong with the session.
pub(crate) async fn watch(link: &Link, topology: &Topology, repair: &Notify) -> Fault {
    tokio::select! {
        fault = state(link) => fault,
        fault = declarations(link, topology, repair) => fault,
    }
}

async fn state(link: &Link) -> Fault {
    let mut events = std::pin::pin!(link.connection().events_listener());
    let mut ticks = interval(STATE_EVERY);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Error(source)) => {
                    return Fault::Broker { step: "talking to the broker", source };
                }
                Some(_) => {}
                None => return Fault::Closed,
            },
            _ = ticks.tick() => if !link.is_open() {
                return Fault::Closed;
            }
        }
    }
}

async fn declarations(link: &Link, topology: &Topology, repair: &Notify) -> Fault {
    let channel = match link.channel().await {
        Ok(channel) => channel,
        Err(fault) => return fault,
    };
    loop {
        let declared_at = now();
        tokio::select! {
            () = sleep_until(declared_at + DECLARE_EVERY) => {}
            () = repair.notified() => sleep_until(declared_at + REPAIR_APART).await,
        }
        // A blocked connection is not written to: it says so, and its heartbeats still come in.
        if link.is_blocked() {
            continue;
        }
        if let Err(fault) = declare(&channel, topology, link).await {
            return fault;
        }
    }
}

async fn declare(channel: &Channel, topology: &Topology, link: &Link) -> Result<(), Fault> {
    let declared = topology.declare(channel, link.limit()).await;
    match declared {
        // It became blocked under way: what was asked is answered when that is over.
        Err(Fault::Deadline { .. }) if link.is_blocked() => Ok(()),
        declared => declared,
    }
}
