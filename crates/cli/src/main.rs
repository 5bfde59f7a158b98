//! `tieout`, the operator's command line: set up, look, explain, replay. What people do is audited by the store.

mod arguments;
mod context;
mod dead;
mod explain;
mod failed;
mod import;
mod integration;
mod migrate;
mod output;
mod plain;
mod recreate;
mod replay;
mod status;
mod table;
mod tax_code;
mod totals;
mod try_again;

use std::process::ExitCode;

use arguments::{
    Arguments, Command, DeadCommand, Document, ImportCommand, IntegrationCommand, TaxCodeCommand,
};
use clap::Parser as _;
use context::Context;
use failed::Failed;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are no errors; clap knows which stream and which code each has.
        Err(asked) => return output::explain_usage(&asked),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return output::complain(&Failed::from(error)),
    };
    let ended = runtime.block_on(obey(arguments));
    // Dropping the runtime would wait for ever for a blocking task that hangs.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => output::complain(&failed),
    }
}

async fn obey(arguments: Arguments) -> Result<(), Failed> {
    let context = Context::new(arguments.json);
    match arguments.command {
        Command::Migrate => migrate::run(&context).await,
        Command::Integration {
            command: IntegrationCommand::Add(add),
        } => integration::add(&context, &add).await,
        Command::Status => status::run(&context).await,
        Command::Explain(document) => explain::run(&context, &question(document)).await,
        Command::TryAgain(document) => try_again::run(&context, &question(document)).await,
        Command::Recreate(document) => recreate::run(&context, &question(document)).await,
        Command::Import { command } => match command {
            ImportCommand::Run { integration, what } => {
                import::run(&context, integration, what).await
            }
            ImportCommand::Show { integration } => import::show(&context, integration).await,
        },
        Command::TaxCode {
            command:
                TaxCodeCommand::Map {
                    integration,
                    code,
                    rate,
                },
        } => tax_code::map(&context, integration, &code, rate.as_ref()).await,
        Command::Dead { command } => match command {
            DeadCommand::List(which) => dead::list(&context, &which).await,
            DeadCommand::Show { id } => dead::show(&context, id).await,
            DeadCommand::Replay(replay) => replay::run(&context, &replay).await,
            DeadCommand::Discard { id, reason } => dead::discard(&context, id, &reason).await,
        },
        Command::Totals { account } => totals::run(&context, account).await,
    }
}

fn question(document: Document) -> explain::Question {
    let Document { kind, id, account } = document;
    explain::Question { kind, id, account }
}
