//! A stand-in for `ProjectLedger`: publishes a made-up month of events over AMQP, then says what they add up to.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use broker::{Exchange, Message, PublishError, Publisher, PublisherOptions, Topology};
use clap::{Parser, ValueEnum};
use runtime::{Clock, Health, SystemClock, chain};
use serde_json::{Value, json};
use tests::ledger::{Business, Delivery, Ledger, Volume, routing_key};
use tokio::time::sleep_until;

/// Whose queues are declared with the rest.
const PROVIDERS: [&str; 1] = ["QUICKBOOKS_ONLINE"];

/// Events handed over together; the publisher's own window bounds what is in flight.
const BATCH: usize = 500;

/// How often an event that is not known to have arrived is sent; the same event twice is harmless.
const MOST_TRIES: usize = 20;

/// Between two tries, and how long the last confirms may take.
const PAUSE: Duration = Duration::from_millis(500);
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// What kind of company keeps the account.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// In the United States, without sales tax
    Plain,
    /// In the United States, sales tax of 8 %
    American,
    /// In the United Kingdom, three rates of VAT, clients in the euro area
    British,
}

impl Kind {
    fn business(self) -> Business {
        match self {
            Self::Plain => Business::default(),
            Self::American => Business::american(),
            Self::British => Business::british(),
        }
    }
}

#[derive(Parser)]
#[command(about = "A made-up ProjectLedger that publishes a month of events")]
struct Arguments {
    /// The account
    #[arg(long, default_value_t = 1)]
    account: i64,
    /// Decides every event
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Whose account it is
    #[arg(long, value_enum, default_value_t = Kind::Plain)]
    business: Kind,
    /// New clients
    #[arg(long, default_value_t = 10)]
    clients: u32,
    /// New invoices
    #[arg(long, default_value_t = 100)]
    invoices: u32,
    /// New payments
    #[arg(long, default_value_t = 0)]
    payments: u32,
    /// New credit notes
    #[arg(long, default_value_t = 0)]
    credit_notes: u32,
    /// Changes, per cent of clients, of invoices and of payments
    #[arg(long, default_value_t = 15, value_name = "PERCENT")]
    updated: u32,
    /// Voided invoices and credit notes and deleted payments, per cent of each
    #[arg(long, default_value_t = 5, value_name = "PERCENT")]
    voided: u32,
    /// How many later events may overtake one
    #[arg(long, default_value_t = 0, value_name = "EVENTS")]
    late: u32,
    /// Events published twice, per cent
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    repeated: u32,
    /// Events a second; as fast as the broker confirms when absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// The broker
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    amqp: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "projectledger: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let business = arguments.business.business();
    let mut ledger = Ledger::of(arguments.account, arguments.seed, business);
    let events = ledger.busy_month(&Volume {
        clients: arguments.clients,
        invoices: arguments.invoices,
        payments: arguments.payments,
        credit_notes: arguments.credit_notes,
        updated_percent: arguments.updated,
        voided_percent: arguments.voided,
    });
    let delivery = Delivery {
        most_late: arguments.late,
        repeated_percent: arguments.repeated,
    };
    let events = delivery.of(events, arguments.seed);
    let messages = events.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let health = Health::new(Arc::new(SystemClock));
    let publisher = Publisher::start(
        &arguments.amqp,
        Topology::new(&PROVIDERS),
        PublisherOptions::named("projectledger"),
        health.component("broker"),
    )?;
    match arguments.rate {
        None => {
            for batch in messages.chunks(BATCH) {
                publish(&publisher, batch.to_vec()).await?;
            }
        }
        Some(rate) => publish_at(&publisher, messages, rate).await?,
    }
    publisher.close(CLOSE_LIMIT).await;
    let summary = json!({
        "events": ledger.event_count(),
        "totals": ledger.totals(),
        "applied": ledger.applied(),
        "balances": balances(&ledger),
    });
    writeln!(io::stdout(), "{summary}")?;
    Ok(())
}

/// What each client owes in the end: `[{"client","currency","balance"}]`.
fn balances(ledger: &Ledger) -> Value {
    let lines = ledger
        .balances()
        .into_iter()
        .map(|(client, (currency, balance))| {
            json!({"client": client, "currency": currency, "balance": balance.to_string()})
        });
    lines.collect()
}

fn message(event: &Value) -> serde_json::Result<Message> {
    Ok(Message {
        exchange: Exchange::EventsIn,
        routing_key: routing_key(event),
        message_id: event["id"].as_str().unwrap_or_default().to_owned(),
        content_type: "application/cloudevents+json".to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: serde_json::to_vec(event)?,
    })
}

/// Publishes slices of a tenth of a second, each at its time.
async fn publish_at(
    publisher: &Publisher,
    messages: Vec<Message>,
    rate: u32,
) -> Result<(), PublishError> {
    let slice = Duration::from_millis(100);
    let size = usize::try_from(rate.div_ceil(10)).unwrap_or(1);
    let gap = if rate < 10 {
        Duration::from_secs(1) / rate
    } else {
        slice
    };
    let mut due = SystemClock.monotonic();
    for batch in messages.chunks(size) {
        sleep_until(due.into()).await;
        publish(publisher, batch.to_vec()).await?;
        due += gap;
    }
    Ok(())
}

/// Publishes all, and again what is not known to have arrived.
async fn publish(publisher: &Publisher, mut messages: Vec<Message>) -> Result<(), PublishError> {
    for _ in 1..MOST_TRIES {
        let answers = publisher.publish_all(messages.clone()).await;
        let mut answers = answers.into_iter();
        messages.retain(|_| answers.next().is_some_and(|answer| answer.is_err()));
        if messages.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    let answers = publisher.publish_all(messages).await;
    answers.into_iter().collect()
}
