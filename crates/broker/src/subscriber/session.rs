//! Consumes on one connection: a channel per queue, a task per delivery.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{BoxStream, SelectAll, StreamExt as _, once};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::task::Task;
use super::{Handler, Lane, SubscriberOptions};
use crate::fault::{Fault, within};
use crate::link::Link;
use crate::supervise::{Role, Stop};
use crate::topology::{Topology, short};
use crate::vitals::Vitals;
use crate::watch::watch;

/// How long a cancelled consumer may take to be gone while draining.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// The consuming role: what outlives a session.
pub(super) struct Consuming {
    pub(super) lanes: Vec<Lane>,
    pub(super) topology: Topology,
    pub(super) handler: Handler,
    pub(super) options: SubscriberOptions,
}

impl Role for Consuming {
    async fn serve(&mut self, link: &Link, vitals: &Vitals, stop: &mut Stop) -> Result<(), Fault> {
        let (over, _) = watch::channel(false);
        let mut session = Session {
            role: self,
            link,
            consumers: Vec::new(),
            deliveries: SelectAll::new(),
            over,
        };
        for lane in 0..session.role.lanes.len() {
            session.consume(lane).await?;
        }
        vitals.up();
        let no_repairs = Notify::new();
        let topology = session.role.topology.clone();
        let until = tokio::select! {
            fault = watch(link, &topology, &no_repairs) => return Err(fault),
            fault = session.run() => return Err(fault),
            until = stop.asked() => until,
        };
        session.finish(until).await;
        Ok(())
    }
}

/// What a lane's consumer has to say; `None` when it has ended.
type Item = (usize, Option<lapin::Result<Delivery>>);

/// One session: everything in it dies with the connection.
struct Session<'a> {
    role: &'a Consuming,
    link: &'a Link,
    consumers: Vec<(Channel, ShortString)>,
    deliveries: SelectAll<BoxStream<'static, Item>>,
    /// Tells tasks that the session takes no new answers; so does its end.
    over: watch::Sender<bool>,
}

impl Session<'_> {
    async fn consume(&mut self, lane: usize) -> Result<(), Fault> {
        let Lane {
            queue, prefetch, ..
        } = &self.role.lanes[lane];
        let limit = self.link.limit();
        let channel = self.link.channel().await?;
        let limited = channel.basic_qos(*prefetch, BasicQosOptions::default());
        within(limit, "limiting the prefetch", limited).await?;
        let started = channel.basic_consume(
            short(self.role.topology.queue_name(queue))?,
            ShortString::default(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = within(limit, "starting a consumer", started).await?;
        self.consumers.push((channel, consumer.tag()));
        let items = consumer
            .map(move |item| (lane, Some(item)))
            .chain(once(ready((lane, None))));
        self.deliveries.push(items.boxed());
        Ok(())
    }

    async fn run(&mut self) -> Fault {
        loop {
            match self.deliveries.next().await {
                Some((lane, Some(Ok(delivery)))) => self.start(lane, delivery),
                Some((_, Some(Err(source)))) => {
                    return Fault::Broker {
                        step: "consuming",
                        source,
                    };
                }
                Some((lane, None)) => {
                    let queue = &self.role.lanes[lane].queue;
                    return Fault::ConsumerEnded {
                        queue: self.role.topology.queue_name(queue),
                    };
                }
                // There is nothing to consume.
                None => std::future::pending().await,
            }
        }
    }

    fn start(&self, lane: usize, delivery: Delivery) {
        let task = Task {
            lane: self.role.lanes[lane].clone(),
            handler: Arc::clone(&self.role.handler),
            requeue_pause: self.role.options.requeue_pause,
            requeue_pause_at_most: self.role.options.requeue_pause_at_most,
            over: self.over.subscribe(),
        };
        tokio::spawn(task.run(delivery));
    }

    /// Ends the consumers, then waits for the handlers that have begun. What the broker had
    /// handed out ahead goes back when the channels close, which a cancel alone does not do.
    async fn finish(&mut self, until: Instant) {
        self.over.send_replace(true);
        for (channel, tag) in &self.consumers {
            let cancelled = channel.basic_cancel(tag.clone(), BasicCancelOptions::default());
            if let Err(fault) = within(CANCEL_LIMIT, "ending a consumer", cancelled).await {
                tracing::debug!(
                    reason = runtime::chain(&fault),
                    "a consumer was not ended in order"
                );
            }
        }
        for lane in &self.role.lanes {
            let all = u32::from(lane.prefetch);
            // Those still running at the deadline are counted by whoever asked to drain.
            let _ = timeout_at(until, lane.places.acquire_many(all)).await;
        }
    }
}
