//! `tieout`, the operator's command line: set up, look, explain, replay. What people do is audited by the store.

mod arguments;
mod context;
mod failed;
mod integration;
mod migrate;
mod output;

use std::process::ExitCode;

use arguments::{Arguments, Command, IntegrationCommand};
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
    }
}
