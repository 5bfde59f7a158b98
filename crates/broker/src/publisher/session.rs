//! Publishes on one connection: takes requests while there is room, collects their confirms.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::window::{Carried, Landed, Seq, Window};
use super::{Message, PublishError, Request};
use crate::fault::{Fault, within};
use crate::instant::now;
use crate::link::Link;
use crate::supervise::{Role, Stop};
use crate::topology::{Exchange, Topology};
use crate::vitals::Vitals;
use crate::watch::watch;

/// How often the session looks for overdue confirms and at the broker's alarm.
const TICK: Duration = Duration::from_millis(200);
/// AMQP's delivery mode for messages that survive the broker.
const PERSISTENT: u8 = 2;

type Reply = oneshot::Sender<Result<(), PublishError>>;
type Confirm = Pin<Box<dyn Future<Output = (Seq, lapin::Result<Confirmation>)> + Send>>;

/// The publishing role: what outlives a session.
pub(super) struct Publishing {
    requests: mpsc::Receiver<Request>,
    topology: Topology,
    window: usize,
    confirm_deadline: Duration,
}

impl Publishing {
    /// A role that serves these requests.
    pub(super) fn new(
        requests: mpsc::Receiver<Request>,
        topology: Topology,
        window: usize,
        confirm_deadline: Duration,
    ) -> Self {
        Self {
            requests,
            topology,
            window,
            confirm_deadline,
        }
    }
}

impl Role for Publishing {
    async fn serve(&mut self, link: &Link, vitals: &Vitals, stop: &mut Stop) -> Result<(), Fault> {
        let channel = link.channel().await?;
        let selected = channel.confirm_select(ConfirmSelectOptions::default());
        within(link.limit(), "turning confirms on", selected).await?;
        vitals.up();
        let repair = Notify::new();
        let topology = self.topology.clone();
        let mut session = Session {
            role: self,
            link,
            vitals,
            channel: Arc::new(channel),
            repair: &repair,
            open: Window::new(),
            confirms: FuturesUnordered::new(),
            unblocked_at: now(),
        };
        let ended = tokio::select! {
            fault = watch(link, &topology, &repair) => Err(fault),
            ended = session.run(stop) => ended,
        };
        session.abandon();
        ended
    }
}

/// One session: everything in it dies with the connection.
struct Session<'a> {
    role: &'a mut Publishing,
    link: &'a Link,
    vitals: &'a Vitals,
    channel: Arc<Channel>,
    repair: &'a Notify,
    open: Window<(Reply, Exchange)>,
    confirms: FuturesUnordered<Confirm>,
    /// Since when the broker has been reading from us.
    unblocked_at: Instant,
}

impl Session<'_> {
    async fn run(&mut self, stop: &mut Stop) -> Result<(), Fault> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.open.len() < self.role.window && !self.link.is_blocked();
            tokio::select! {
                batch = completed(&mut self.confirms) => self.land(batch)?,
                request = self.role.requests.recv(), if has_room => match request {
                    Some(request) => self.depart(request),
                    None => return Ok(()),
                },
                _ = ticks.tick() => self.check()?,
                until = stop.asked() => return self.finish(until).await,
            }
        }
    }

    /// Takes nothing more and waits for what is in flight.
    async fn finish(&mut self, until: Instant) -> Result<(), Fault> {
        self.role.requests.close();
        while let Ok(request) = self.role.requests.try_recv() {
            // Asked for before the end: it is still published.
            self.depart(request);
        }
        while self.open.len() > 0 {
            tokio::select! {
                batch = completed(&mut self.confirms) => self.land(batch)?,
                () = sleep_until(until) => return Ok(()),
            }
        }
        Ok(())
    }

    fn depart(&mut self, request: Request) {
        if request.reply.is_closed() || !request.stage.hand_over() {
            return;
        }
        let Request { message, reply, .. } = request;
        let target = (reply, message.exchange);
        let seq = self.open.depart(target, now());
        let exchange = self.role.topology.exchange_name(message.exchange);
        let publish = publish(Arc::clone(&self.channel), exchange, message, seq);
        self.confirms.push(Box::pin(publish));
    }

    fn land(&mut self, batch: Vec<(Seq, lapin::Result<Confirmation>)>) -> Result<(), Fault> {
        let mut landed = Vec::with_capacity(batch.len());
        let mut broken = None;
        for (seq, confirm) in batch {
            match confirm {
                Ok(confirm) => landed.push(read(seq, confirm)),
                Err(source) => broken = Some(source),
            }
        }
        for ((reply, exchange), answer) in self.open.settle(landed) {
            let is_returned = matches!(answer, Err(PublishError::Returned { .. }));
            if is_returned && exchange != Exchange::EventsOut {
                self.repair.notify_one();
            }
            // The caller may have given up waiting.
            let _ = reply.send(answer);
        }
        match broken {
            None => Ok(()),
            Some(source) => Err(Fault::Broker {
                step: "publishing",
                source,
            }),
        }
    }

    /// Follows the broker's alarm, and notices a broker that no longer confirms.
    fn check(&mut self) -> Result<(), Fault> {
        if self.link.is_blocked() {
            self.unblocked_at = now();
            self.vitals.blocked();
            return Ok(());
        }
        self.vitals.up();
        if !self.channel.status().connected() {
            return Err(Fault::Closed);
        }
        let limit = self.role.confirm_deadline;
        let waiting_since = self
            .open
            .oldest_sent_at()
            .map(|at| at.max(self.unblocked_at));
        if waiting_since.is_some_and(|since| since.elapsed() > limit) {
            return Err(Fault::Deadline {
                step: "confirming a message",
                limit,
            });
        }
        Ok(())
    }

    fn abandon(&mut self) {
        for ((reply, _), answer) in self.open.abandon() {
            let _ = reply.send(answer);
        }
    }
}

/// Every confirm that has completed by now, at least one.
///
/// It must be *every* one: see [`super::window`]. `FuturesUnordered` polls in the order of the
/// wake-ups, and the client library completes confirms on one thread, so when a confirm shows up
/// here, those completed before it are in the ready queue and come before the queue runs dry.
async fn completed(
    confirms: &mut FuturesUnordered<Confirm>,
) -> Vec<(Seq, lapin::Result<Confirmation>)> {
    poll_fn(|context| {
        let mut batch = Vec::new();
        while let Poll::Ready(Some(confirm)) = confirms.poll_next_unpin(context) {
            batch.push(confirm);
        }
        if batch.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(batch)
        }
    })
    .await
}

async fn publish(
    channel: Arc<Channel>,
    exchange: String,
    message: Message,
    seq: Seq,
) -> (Seq, lapin::Result<Confirmation>) {
    let mut headers = FieldTable::default();
    for (name, value) in message.headers {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(message.message_id.into())
        .with_content_type(message.content_type.into())
        .with_correlation_id(ShortString::from(seq.to_string()))
        .with_headers(headers);
    let options = BasicPublishOptions {
        mandatory: true,
        immediate: false,
    };
    let handed_over = channel.basic_publish(
        exchange.into(),
        message.routing_key.into(),
        options,
        &message.body,
        properties,
    );
    let confirmed = match handed_over.await {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    (seq, confirmed)
}

fn read(seq: Seq, confirm: Confirmation) -> Landed {
    let is_ack = !confirm.is_nack();
    let carried = confirm.take_message().map(|message| {
        let returned = message.delivery.properties.correlation_id();
        Carried {
            // A return without our number cannot happen: nobody else uses this channel. Were it
            // to, blaming the carrier errs on the side of publishing again.
            seq: returned
                .as_ref()
                .and_then(|number| number.as_str().parse().ok())
                .unwrap_or(seq),
            code: message.reply_code,
            text: message.reply_text.to_string(),
        }
    });
    Landed {
        seq,
        is_ack,
        carried,
    }
}
