//! Xero through the whole fleet: a month of documents by the command line and the consumer binary, and the kill sweep
//! with payments, overpayments, credit notes and their allocations. Nothing lost, nothing twice, to the cent.
//!
//! As `kill_sweep`, each cell has a database and a sandbox of its own and real processes; the victim halts itself at
//! the step or while its request is being executed, another process takes over, and a frozen victim is thawed when
//! all is done and must do no harm.
#![expect(clippy::print_stdout, reason = "a sweep says which cells it covered")]

use std::fmt;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tests::harness::{Broker, Process, Setting, Stage, until};
use tests::ledger::{Ledger, Paying};

/// Cells side by side: each is mostly waiting for leases and settles to run out.
const SIDE_BY_SIDE: usize = 4;

/// Several leases, settles and calls of one document, on busy cores.
const LIMIT: Duration = Duration::from_mins(2);

/// Not a stop point of the process: the harness halts it while the sandbox executes its request.
const IN_FLIGHT: &str = "10-in-flight";

/// Steps that a consumer passes for every document.
const STEPS: [&str; 9] = [
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

/// Steps at which a frozen process may do harm when it is thawed.
const PERILOUS: [&str; 4] = ["08-planned", "09-intended", IN_FLIGHT, "10-replied"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Kill,
    Stop,
}

/// What the victim is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Create,
    Update,
    Void,
    /// A payment over two invoices and more than they are open for: three objects.
    Pay,
    /// The payment pays otherwise: parts are deleted and made again.
    PayOtherwise,
    Unpay,
    /// A credit note with its allocation.
    Credit,
    Uncredit,
}

impl Deed {
    const ALL: [Self; 8] = [
        Self::Create,
        Self::Update,
        Self::Void,
        Self::Pay,
        Self::PayOtherwise,
        Self::Unpay,
        Self::Credit,
        Self::Uncredit,
    ];
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    step: &'static str,
    action: Action,
    deed: Deed,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} at {} while {:?}",
            self.action, self.step, self.deed
        )
    }
}

#[test]
fn a_consumer_of_xero_killed_at_any_step_loses_and_doubles_nothing() {
    sweep(cells(Action::Kill, &STEPS));
}

#[test]
fn a_consumer_of_xero_frozen_where_it_may_harm_loses_and_doubles_nothing() {
    sweep(cells(Action::Stop, &PERILOUS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_documents_ties_out_in_xero() {
    let broker = Broker::fresh().await;
    let stage = Stage::set_as(&Setting::xero(1)).await;
    let mut ledger = Ledger::new(1, 41);
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut consumers: Vec<Process> = (0..2)
        .map(|_| Process::start("consumer-xero", &environment))
        .collect();
    for consumer in &mut consumers {
        consumer.ready().await;
    }
    let mut events = Vec::new();
    for _ in 0..12 {
        let client = ledger.client();
        let invoices: Vec<Value> = (0..3).map(|_| ledger.invoice(&client)).collect();
        events.push(client);
        events.extend(invoices.iter().cloned());
        let [first, second, third] = &invoices[..] else {
            panic!("three were made");
        };
        let paid = ledger.payment(&[first, second], Paying::TooMuch);
        let credit = ledger.credit_note(&[third]);
        events.extend([paid, credit]);
    }
    stage.submit_all(&events).await;
    stage.settled(LIMIT).await;
    stage.assert_xero_ties(&ledger).await;
    for consumer in &mut consumers {
        consumer.terminate();
        assert!(consumer.exit(LIMIT).await.success());
    }
}

fn cells(action: Action, steps: &[&'static str]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for step in steps {
        for deed in Deed::ALL {
            cells.push(Cell { step, action, deed });
        }
    }
    // One cell alone, to look closer: TIEOUT_TEST_CELL="Kill at 09-intended while Pay".
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
    let stage = Stage::set_as(&Setting::xero(1)).await;
    let mut ledger = Ledger::new(1, 11);
    prepare(&stage, &mut ledger, cell.deed).await;
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut armed = environment.clone();
    let word = match cell.action {
        Action::Kill => "kill",
        Action::Stop => "stop",
    };
    if cell.step == IN_FLIGHT {
        for method in ["PUT", "POST", "DELETE"] {
            let hang = json!({"action": {"commitThenHang": {"ms": 1_000}}, "times": 1, "match": {"method": method}});
            stage.sandbox.fault(hang).await;
        }
    } else {
        armed.push(("TIEOUT_HALT", format!("{}:{word}", cell.step)));
    }
    let mut victim = Process::start("consumer-xero", &armed);
    if cell.step == IN_FLIGHT {
        until(LIMIT, "a request is being executed", async || {
            (stage.sandbox.in_progress().await > 0).then_some(())
        })
        .await;
        match cell.action {
            Action::Kill => victim.kill().await,
            Action::Stop => victim.freeze().await,
        }
        stage.sandbox.clear_faults().await;
    } else {
        match cell.action {
            Action::Kill => victim.killed(LIMIT).await,
            Action::Stop => victim.stopped(LIMIT).await,
        }
    }
    let mut heir = Process::start("consumer-xero", &environment);
    heir.ready().await;
    stage.settled(LIMIT).await;
    stage.assert_xero_ties(&ledger).await;
    if cell.action == Action::Stop {
        // The zombie goes on where it was: whatever it still does must change nothing.
        victim.thaw();
        victim.terminate();
        victim.exit(LIMIT).await;
        stage.settled(LIMIT).await;
        stage.assert_xero_ties(&ledger).await;
    }
    heir.terminate();
    assert!(heir.exit(LIMIT).await.success(), "{cell}");
}

/// Brings the books to where the deed starts, and takes its event in.
async fn prepare(stage: &Stage, ledger: &mut Ledger, deed: Deed) {
    let client = ledger.client();
    let first = ledger.invoice(&client);
    if deed == Deed::Create {
        stage.submit_all(&[client, first]).await;
        return;
    }
    let second = ledger.invoice(&client);
    let mut before = vec![client, first.clone(), second.clone()];
    let event = match deed {
        Deed::Create | Deed::Update => ledger.update_invoice(&first),
        Deed::Void => ledger.void_invoice(&first),
        Deed::Pay => ledger.payment(&[&first, &second], Paying::TooMuch),
        Deed::PayOtherwise => {
            let payment = ledger.payment(&[&first, &second], Paying::TooMuch);
            before.push(payment.clone());
            ledger.update_payment(&payment, &[&second], Paying::InPart)
        }
        Deed::Unpay => {
            let payment = ledger.payment(&[&first, &second], Paying::TooMuch);
            before.push(payment.clone());
            ledger.delete_payment(&payment)
        }
        Deed::Credit => ledger.credit_note(&[&first]),
        Deed::Uncredit => {
            let note = ledger.credit_note(&[&first]);
            before.push(note.clone());
            ledger.void_credit_note(&note)
        }
    };
    stage.submit_all(&before).await;
    stage.drain(&stage.worker()).await;
    stage.submit(&event).await;
}
