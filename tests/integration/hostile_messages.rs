//! Messages that are malformed, hostile, doubled, out of order or oversized: each ends where `docs/events.md` says,
//! with its reason, and none stops its neighbours.
//!
//! One fleet of real processes takes them all, between documents that are in order. A row of the table is a name,
//! the messages in the order in which they must be taken, and where that ends.

mod bodies;
mod ends;
mod odd;
mod tickets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker::{Exchange, Message, Publisher, PublisherOptions, Topology};
use runtime::{Health, SystemClock};
use serde_json::Value;
use tests::harness::{Broker, Connected, Process, Setting, Stage, eventually};
use tests::ledger::{Ledger, routing_key};

use ends::End;

/// Everything is done in seconds; more than this is a message that goes round for ever.
const LIMIT: Duration = Duration::from_mins(2);

/// The account whose documents are in order.
const GOOD: i64 = 1;

/// The account that gets everything else; its documents are numbered by the same rules.
const ODD: i64 = 2;

/// Messages of 2 MiB at the end, far more than may be held at once.
const FLOOD: usize = 96;

/// What the producer may hold of them: 32 at a time, each as frames and as a body.
const MOST_GROWTH: u64 = 32 * 2 * 2 * 1_048_576;

const QUEUES: [&str; 4] = [
    "tieout.events.in",
    "tieout.sync.QUICKBOOKS_ONLINE.live",
    "tieout.sync.QUICKBOOKS_ONLINE.bulk",
    "tieout.dead",
];

/// One line of the table.
struct Row {
    name: &'static str,
    /// Each is published when those before it have been taken.
    waves: Vec<Message>,
    end: End,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_message_ends_in_its_place_and_none_stops_its_neighbours() {
    let stage = Stage::set().await;
    let odd = stage.connect(&Setting::of(ODD, "9130348")).await;
    let broker = Broker::fresh().await;
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut producer = Process::start("producer", &environment);
    let mut consumer = Process::start("consumer-qbo", &environment);
    let mut scheduler = Process::start("scheduler", &environment);
    producer.ready().await;
    consumer.ready().await;
    scheduler.ready().await;
    let health = Health::new(Arc::new(SystemClock));
    let publisher = Publisher::start(
        &broker.url(),
        Topology::new(&["QUICKBOOKS_ONLINE"]),
        PublisherOptions::named("test"),
        health.component("broker"),
    )
    .unwrap();

    let mut ledger = Ledger::new(GOOD, 23);
    let mut table = odd::rows(&odd);
    table.extend(bodies::rows());
    table.extend(tickets::rows(stage.connected.books));
    assert!(table.len() >= 60, "{} rows", table.len());

    let client = ledger.client();
    let mut events_sent = send(&publisher, vec![good(&client)]).await;
    for wave in 0.. {
        let messages: Vec<&Message> = table.iter().filter_map(|row| row.waves.get(wave)).collect();
        if messages.is_empty() {
            break;
        }
        // A good one after each bad one: they share queue, channel and prefetch.
        let mut mixed = Vec::new();
        for message in messages {
            mixed.push(message.clone());
            mixed.push(good(&ledger.invoice(&client)));
        }
        events_sent += send(&publisher, mixed).await;
        eventually(LIMIT, "the producer has taken them all", async || {
            events_taken(&producer).await == events_sent
        })
        .await;
        assert_eq!(
            producer.health().await["state"],
            "READY",
            "after wave {wave}"
        );
    }
    stage.settled(LIMIT).await;
    queues_are_empty(&broker).await;
    stage.assert_tied_out(&ledger).await;
    ends::check(&stage, &odd, &table).await;
    for process in [&mut producer, &mut consumer, &mut scheduler] {
        assert!(process.ended().is_none(), "{process:?}");
        assert_eq!(process.health().await["state"], "READY");
    }

    let before = peak_bytes(&producer);
    let flood: Vec<Message> = (0..FLOOD)
        .map(|at| event("invoice.issued", bodies::oversized(at)))
        .collect();
    for piece in flood.chunks(16) {
        events_sent += send(&publisher, piece.to_vec()).await;
    }
    let last = ledger.invoice(&client);
    events_sent += send(&publisher, vec![good(&last)]).await;
    eventually(LIMIT, "the flood is over", async || {
        events_taken(&producer).await == events_sent
    })
    .await;
    let growth = peak_bytes(&producer).saturating_sub(before);
    assert!(growth <= MOST_GROWTH, "the producer grew by {growth} bytes");
    assert_eq!(producer.health().await["state"], "READY");
    stage.settled(LIMIT).await;
    queues_are_empty(&broker).await;
    stage.assert_tied_out(&ledger).await;
    show(&table, FLOOD, growth);
}

/// A message on `projectledger.events`.
fn event(routing_key: &str, body: Vec<u8>) -> Message {
    Message {
        exchange: Exchange::EventsIn,
        routing_key: routing_key.to_owned(),
        message_id: "message".to_owned(),
        content_type: "application/cloudevents+json".to_owned(),
        headers: BTreeMap::new(),
        body,
    }
}

fn good(of: &Value) -> Message {
    event(&routing_key(of), serde_json::to_vec(of).unwrap())
}

/// Publishes in this order; answers how many of them are events.
async fn send(publisher: &Publisher, messages: Vec<Message>) -> u64 {
    let events = messages
        .iter()
        .filter(|message| message.exchange == Exchange::EventsIn);
    let count = u64::try_from(events.count()).unwrap();
    for answer in publisher.publish_all(messages).await {
        answer.unwrap();
    }
    count
}

/// All the producer has ended with, whatever the outcome.
async fn events_taken(producer: &Process) -> u64 {
    let metrics = producer.metrics().await;
    let counts = metrics
        .lines()
        .filter(|line| line.starts_with("tieout_events_total{"));
    counts
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

async fn queues_are_empty(broker: &Broker) {
    for queue in QUEUES {
        let what = format!("{queue} is empty");
        eventually(LIMIT, &what, async || broker.depth(queue) == Some(0)).await;
    }
}

/// The most memory the process has had.
fn peak_bytes(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1_024
}

#[expect(
    clippy::print_stdout,
    reason = "where each message ends is what the table is for"
)]
fn show(table: &[Row], flood: usize, growth: u64) {
    for Row { name, end, .. } in table {
        println!("{name:44} {end:?}");
    }
    println!(
        "{} rows; {flood} messages of 2 MiB more grew the producer by {growth} bytes",
        table.len()
    );
}

/// What the checks know of the account that gets everything else.
struct Odd<'a> {
    stage: &'a Stage,
    connected: &'a Connected,
}
