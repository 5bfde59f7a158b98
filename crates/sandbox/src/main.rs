//! The command line of the simulators: starts one and serves until told to stop.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sandbox::web::server::Running;
use sandbox::{qbo, xero};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "Local stand-ins for accounting providers")]
struct Arguments {
    #[command(subcommand)]
    provider: Provider,
}

#[derive(Subcommand)]
enum Provider {
    /// `QuickBooks` Online.
    Qbo(Options),
    /// Xero.
    Xero(Options),
}

#[derive(Args)]
struct Options {
    /// Port on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seed of every random choice the sandbox makes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File that every journal entry is appended to, one JSON object a line.
    #[arg(long)]
    journal: Option<PathBuf>,
}

async fn start(provider: Provider) -> io::Result<Running> {
    match provider {
        Provider::Qbo(options) => {
            let Options {
                port,
                seed,
                journal,
            } = options;
            qbo::start(qbo::Config {
                port,
                seed,
                journal,
            })
            .await
        }
        Provider::Xero(options) => {
            let Options {
                port,
                seed,
                journal,
            } = options;
            xero::start(xero::Config {
                port,
                seed,
                journal,
            })
            .await
        }
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let provider = Arguments::parse().provider;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = start(provider).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", running.url())?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}
