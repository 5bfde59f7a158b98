//! `cargo xtask`: the commands a developer and CI run, with everything they need brought along.

mod checks;
mod clients;
mod command;
mod company;
mod demo;
mod dev;
mod failure;
mod fleet;
mod http;
mod outage;
mod place;
mod report;
mod seeded;
mod services;
mod sides;
mod sql;
mod stage;
mod terminal;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Result;
use place::Place;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Runs, checks and demonstrates Tieout",
    after_help = "PostgreSQL and RabbitMQ: private servers are started as child processes, unless \
                  DATABASE_URL and AMQP_URL name others."
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every check CI runs
    Test(checks::TestOptions),
    /// The fast subset: format, lints, unit tests
    Check,
    /// Applies the migrations and regenerates the committed offline data of the checked SQL
    Sql(sql::SqlOptions),
    /// Runs the clients of other people against the sandbox
    Clients(clients::ClientsOptions),
    /// One run from events to books, ending with the tie-out
    Demo(demo::DemoOptions),
    /// Servers killed, frozen and cut off while documents flow, ending with the tie-out
    Outage(outage::OutageOptions),
    /// Servers, sandbox and fleet until Ctrl-C
    Dev(dev::DevOptions),
    /// Plants known bugs in a copy of the work tree and expects their tests to catch them
    Seeded(seeded::SeededOptions),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(&failure);
            // 128 + SIGINT, as a shell would report it.
            ExitCode::from(if wait::is_interrupted() { 130 } else { 1 })
        }
    }
}

fn run(task: Task) -> Result<()> {
    wait::watch_for_interrupts()?;
    let place = Place::find()?;
    match task {
        Task::Test(options) => checks::test(&place, &options),
        Task::Check => checks::check(&place),
        Task::Sql(options) => sql::run(&place, &options),
        Task::Clients(options) => clients::run(&place, &options),
        Task::Demo(options) => demo::run(&place, &options),
        Task::Dev(options) => dev::run(&place, &options),
        Task::Outage(options) => outage::run(&place, &options),
        Task::Seeded(options) => seeded::run(&place, &options),
    }
}
