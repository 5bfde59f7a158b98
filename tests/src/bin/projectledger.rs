//! A stand-in for `ProjectLedger`: publishes a made-up month of events over AMQP, then says what they add up to.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use broker::{Exchange, Message, PublishError, Publisher, PublisherOptions, Topology};
use clap::Parser;
use runtime::{Clock, Health, SystemClock, chain};
use serde_json::{Value, json};
use tests::ledger::{Ledger, routing_key};
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

#[derive(Parser)]
#[command(about = "A made-up ProjectLedger that publishes a month of events")]
struct Arguments {
    /// The account
    #[arg(long, default_value_t = 1)]
    account: i64,
    /// Decides every event
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// New clients
    #[arg(long, default_value_t = 10)]
    clients: u32,
    /// New invoices
    #[arg(long, default_value_t = 100)]
    invoices: u32,
    /// Changes, per cent of clients and of invoices
    #[arg(long, default_value_t = 15, value_name = "PERCENT")]
    updated: u32,
    /// Voided invoices, per cent
    #[arg(long, default_value_t = 5, value_name = "PERCENT")]
    voided: u32,
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
    let mut ledger = Ledger::new(arguments.account, arguments.seed);
    let events = ledger.month(
        arguments.clients,
        arguments.invoices,
        arguments.updated,
        arguments.voided,
    );
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
    let summary = json!({"events": ledger.event_count(), "totals": ledger.totals()});
    writeln!(io::stdout(), "{summary}")?;
    Ok(())
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
