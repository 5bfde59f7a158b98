//! `cargo xtask dev`: servers, sandbox and fleet for an afternoon's work, until Ctrl-C.

use clap::Args;

use crate::failure::Result;
use crate::place::Place;
use crate::services::{Instance, Needs, Services};
use crate::stage::{Setting, Stage};
use crate::terminal::{announce, say};
use crate::wait;

#[derive(Args)]
pub(crate) struct DevOptions {
    /// Only PostgreSQL and RabbitMQ
    #[arg(long)]
    servers_only: bool,
    /// Build with optimisation
    #[arg(long)]
    release: bool,
    /// Seed of the sandbox
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(place: &Place, options: &DevOptions) -> Result<()> {
    if options.servers_only {
        return servers(place);
    }
    let mut stage = Stage::set(
        place,
        Setting {
            instance: Instance::DEV,
            is_release: options.release,
            seed: options.seed,
            policy: &[],
        },
    )?;
    stage.start_fleet()?;
    stage.keep_running()
}

fn servers(place: &Place) -> Result<()> {
    let services = Services::provide(place, Instance::DEV, Needs::DatabaseAndBroker)?;
    announce("the servers keep running until Ctrl-C");
    services.exports().iter().for_each(say);
    while !wait::is_interrupted() {
        wait::pause();
    }
    announce("stopping");
    Ok(())
}
