//! The kill sweep: SIGKILL, and SIGSTOP for longer than the lease, at every numbered step of "one invoice, end
//! to end", for create, update and void. Nothing lost, nothing twice, to the cent.
//!
//! Each cell has a database and a sandbox of its own and real processes. The victim halts itself at the step
//! (`runtime::halt`), or is halted while its request is being executed; another process takes over; a frozen
//! victim is thawed when all is done, and must do no harm.
#![expect(clippy::print_stdout, reason = "a sweep says which cells it covered")]

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use runtime::{Health, SystemClock};
use serde_json::{Value, json};
use tests::harness::{Broker, Process, Stage, until};
use tests::ledger::{Ledger, routing_key};

/// Cells side by side: each is mostly waiting for leases and settles to run out.
const SIDE_BY_SIDE: usize = 4;

/// Two leases, two settles and a start, on busy cores.
const LIMIT: Duration = Duration::from_mins(1);

/// Steps that a consumer passes for every document.
const CONSUMER_STEPS: [&str; 9] = [
    "06-touched",
    "07-claimed",
    "08-planned",
    "09-intended",
    IN_FLIGHT,
    "10-replied",
    "11-reply-stored",
    "12-recorded",
    "13-released",
];

/// Not a stop point of the process: the harness halts it while the sandbox executes its request.
const IN_FLIGHT: &str = "10-in-flight";

/// Steps that the producer passes for every event.
const PRODUCER_STEPS: [&str; 4] = [
    "01-event-consumed",
    "02-committed",
    "03-before-event-ack",
    "04-ticket-published",
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Kill,
    Stop,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Create,
    Update,
    Void,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    step: &'static str,
    action: Action,
    operation: Operation,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} at {} while {:?}",
            self.action, self.step, self.operation
        )
    }
}

#[test]
fn a_consumer_killed_at_any_step_loses_and_doubles_nothing() {
    sweep(consumer_cells(Action::Kill));
}

#[test]
fn a_consumer_frozen_at_any_step_loses_and_doubles_nothing() {
    sweep(consumer_cells(Action::Stop));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_killed_or_frozen_at_any_step_loses_and_doubles_nothing() {
    let broker = Broker::fresh().await;
    for step in PRODUCER_STEPS {
        for action in [Action::Kill, Action::Stop] {
            halt_a_producer(&broker, step, action).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_consumer_dies_or_freezes_costs_no_document() {
    let broker = Broker::fresh().await;
    for action in [Action::Kill, Action::Stop] {
        halt_at_a_ticket(&broker, action).await;
    }
}

fn consumer_cells(action: Action) -> Vec<Cell> {
    let mut cells = Vec::new();
    for step in CONSUMER_STEPS {
        for operation in [Operation::Create, Operation::Update, Operation::Void] {
            cells.push(Cell {
                step,
                action,
                operation,
            });
        }
    }
    // One cell alone, to look closer: TIEOUT_TEST_CELL="Kill at 09-intended while Update".
    if let Ok(wanted) = std::env::var("TIEOUT_TEST_CELL") {
        cells.retain(|cell| cell.to_string() == wanted);
    }
    cells
}

fn sweep(cells: Vec<Cell>) {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    };
    // Tickets are not needed: every consumer sweeps. So one vhost serves all cells.
    let broker = runtime().block_on(Broker::fresh());
    let waiting = Mutex::new(cells);
    // A thread and a runtime each: making a database blocks, and must not hold up the others.
    thread::scope(|threads| {
        for _ in 0..SIDE_BY_SIDE {
            threads.spawn(|| {
                while let Some(cell) = next(&waiting) {
                    runtime().block_on(halt_a_consumer(&broker, cell));
                    println!("{cell}: tied out");
                }
            });
        }
    });
    assert_eq!(next(&waiting).map(|cell| cell.step), None);
}

fn next(waiting: &Mutex<Vec<Cell>>) -> Option<Cell> {
    waiting.lock().unwrap().pop()
}

async fn halt_a_consumer(broker: &Broker, cell: Cell) {
    let stage = Stage::set().await;
    let mut ledger = Ledger::new(1, 11);
    prepare(&stage, &mut ledger, cell.operation).await;
    let wiring = stage.fleet_wiring();
    let environment = stage.environment(&wiring, &broker.url());
    let mut armed = environment.clone();
    if cell.step == IN_FLIGHT {
        let hang = json!({"action": {"commitThenHang": {"ms": 1_000}}, "times": 1, "match": {"method": "POST"}});
        stage.sandbox.fault(hang).await;
    } else {
        armed.push((
            "TIEOUT_HALT",
            format!("{}:{}", cell.step, cell.action.word()),
        ));
    }
    let mut victim = Process::start("consumer-qbo", &armed);
    if cell.step == IN_FLIGHT {
        until(LIMIT, "a request is being executed", async || {
            (stage.sandbox.in_progress().await > 0).then_some(())
        })
        .await;
        match cell.action {
            Action::Kill => victim.kill().await,
            Action::Stop => victim.freeze().await,
        }
    } else {
        match cell.action {
            Action::Kill => victim.killed(LIMIT).await,
            Action::Stop => victim.stopped(LIMIT).await,
        }
    }
    let mut heir = Process::start("consumer-qbo", &environment);
    heir.ready().await;
    stage.settled(LIMIT).await;
    stage.assert_tied_out(&ledger).await;
    if cell.action == Action::Stop {
        // The zombie goes on where it was: whatever it still does must change nothing.
        victim.thaw();
        victim.terminate();
        victim.exit(LIMIT).await;
        stage.settled(LIMIT).await;
        stage.assert_tied_out(&ledger).await;
    }
    heir.terminate();
    assert!(heir.exit(LIMIT).await.success(), "{cell}");
}

/// Brings the books to where the operation starts, and takes the operation's event in.
async fn prepare(stage: &Stage, ledger: &mut Ledger, operation: Operation) {
    let client = ledger.client();
    let invoice = ledger.invoice(&client);
    stage.submit_all(&[client, invoice.clone()]).await;
    let event = match operation {
        Operation::Create => return,
        Operation::Update => ledger.update_invoice(&invoice),
        Operation::Void => ledger.void_invoice(&invoice),
    };
    stage.drain(&stage.worker()).await;
    stage.submit(&event).await;
}

async fn halt_a_producer(broker: &Broker, step: &'static str, action: Action) {
    let stage = Stage::set().await;
    let mut ledger = Ledger::new(1, 12);
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut armed = environment.clone();
    armed.push(("TIEOUT_HALT", format!("{step}:{}", action.word())));
    let mut victim = Process::start("producer", &armed);
    let mut consumer = Process::start("consumer-qbo", &environment);
    victim.ready().await;
    consumer.ready().await;
    let client = ledger.client();
    let invoice = ledger.invoice(&client);
    publish(broker, &[client, invoice]).await;
    match action {
        Action::Kill => victim.killed(LIMIT).await,
        Action::Stop => victim.stopped(LIMIT).await,
    }
    let mut heir = Process::start("producer", &environment);
    heir.ready().await;
    all_taken_in(&stage, 2).await;
    stage.settled(LIMIT).await;
    stage.assert_tied_out(&ledger).await;
    if action == Action::Stop {
        victim.thaw();
        victim.terminate();
        victim.exit(LIMIT).await;
        stage.settled(LIMIT).await;
        stage.assert_tied_out(&ledger).await;
    }
    println!("{action:?} of the producer at {step}: tied out");
}

async fn halt_at_a_ticket(broker: &Broker, action: Action) {
    let stage = Stage::set().await;
    let mut ledger = Ledger::new(1, 13);
    let mut wiring = stage.fleet_wiring();
    // The victim's own sweep must not be first: only the ticket may lead to the step.
    wiring.policy.sweep_every = Duration::from_secs(1);
    let environment = stage.environment(&wiring, &broker.url());
    let mut armed = environment.clone();
    armed.push((
        "TIEOUT_HALT",
        format!("05-ticket-consumed:{}", action.word()),
    ));
    let mut producer = Process::start("producer", &environment);
    let mut victim = Process::start("consumer-qbo", &armed);
    producer.ready().await;
    victim.ready().await;
    let client = ledger.client();
    let invoice = ledger.invoice(&client);
    publish(broker, &[client, invoice]).await;
    match action {
        Action::Kill => victim.killed(LIMIT).await,
        Action::Stop => victim.stopped(LIMIT).await,
    }
    let mut heir = Process::start("consumer-qbo", &environment);
    heir.ready().await;
    all_taken_in(&stage, 2).await;
    stage.settled(LIMIT).await;
    stage.assert_tied_out(&ledger).await;
    if action == Action::Stop {
        victim.thaw();
        victim.terminate();
        victim.exit(LIMIT).await;
        stage.assert_tied_out(&ledger).await;
    }
}

/// Publishes events as `ProjectLedger` does.
async fn publish(broker: &Broker, events: &[Value]) {
    let component = Health::new(Arc::new(SystemClock)).component("projectledger");
    let topology = broker::Topology::new::<&str>(&[]);
    let options = broker::PublisherOptions::named("projectledger");
    let publisher = broker::Publisher::start(&broker.url(), topology, options, component).unwrap();
    for event in events {
        let message = broker::Message {
            exchange: broker::Exchange::EventsIn,
            routing_key: routing_key(event),
            message_id: event["id"].as_str().unwrap().to_owned(),
            content_type: "application/cloudevents+json".to_owned(),
            headers: std::collections::BTreeMap::new(),
            body: serde_json::to_vec(event).unwrap(),
        };
        publisher.publish(message).await.unwrap();
    }
}

async fn all_taken_in(stage: &Stage, count: usize) {
    until(LIMIT, "all events are taken in", async || {
        let events = stage.database.sql("select count(*) from event");
        (events == count.to_string()).then_some(())
    })
    .await;
}
