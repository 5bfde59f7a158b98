//! `cargo xtask demo`: ProjectLedger's events in, QuickBooks Online's books out, and the proof that they tie.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use crate::command;
use crate::company::{self, Company, Published};
use crate::failure::{Context, Failure, Result};
use crate::place::Place;
use crate::report::Report;
use crate::services::{Instance, postgres};
use crate::stage::{Setting, Stage};
use crate::terminal::{announce, say};
use crate::wait::{self, Stopwatch};

/// The account in ProjectLedger.
const ACCOUNT: u32 = 1;

/// Longer than the longest wait the protocol knows (settle, 155 s): after that nothing will move.
const STANDSTILL_LIMIT: Duration = Duration::from_mins(5);

#[derive(Args)]
pub(crate) struct DemoOptions {
    /// Write the tie-out as JSON to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Leave everything running afterwards, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Build with optimisation
    #[arg(long)]
    release: bool,
    /// Seed of the events and of the sandbox
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients in ProjectLedger
    #[arg(long, default_value_t = 100)]
    clients: u32,
    /// Invoices in ProjectLedger
    #[arg(long, default_value_t = 500)]
    invoices: u32,
}

pub(crate) fn run(place: &Place, options: &DemoOptions) -> Result<()> {
    let mut stage = Stage::set(
        place,
        Setting {
            instance: Instance::DEMO,
            is_release: options.release,
            seed: options.seed,
            policy: &[],
        },
    )?;
    let company = Company::found(&stage, ACCOUNT)?;
    announce(format!(
        "account {ACCOUNT} is connected to company {}",
        company.realm()
    ));
    stage.start_fleet()?;
    let watch = Stopwatch::start();
    let published = publish(&stage, company, options)?;
    follow(&mut stage, &published)?;
    let report = tie_out(&mut stage, company, &published, watch)?;
    announce("tie-out");
    say(report.to_table());
    if let Some(file) = &options.report {
        fs::write(file, report.to_json()?)
            .context(|| format!("cannot write {}", file.display()))?;
        say(format!("written to {}", file.display()));
    }
    if options.keep {
        stage.keep_running()?;
    }
    if report.ties() {
        return Ok(());
    }
    Err(Failure::new("the books do not tie out"))
}

/// Plays ProjectLedger: the events go over AMQP, their summary comes back as the last line.
fn publish(stage: &Stage, company: Company, options: &DemoOptions) -> Result<Published> {
    announce(format!(
        "publishing {} clients and {} invoices with their updates and voids",
        options.clients, options.invoices
    ));
    let (seed, clients, invoices) = (
        options.seed.to_string(),
        options.clients.to_string(),
        options.invoices.to_string(),
    );
    let mut projectledger = stage.binary("projectledger", &["--account", &company.account()]);
    projectledger
        .args(["--seed", &seed, "--clients", &clients])
        .args(["--invoices", &invoices]);
    Published::from_output(&output_of(&mut projectledger)?)
}

fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .context(|| format!("cannot run `{}`", command::line_of(command)))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "`{}` failed ({}): {}",
            command::line_of(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where the work stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Progress {
    events: u64,
    open: u64,
    closed: u64,
}

const PROGRESS: &str = "select json_build_object(\
    'events', (select count(*) from event), \
    'open', count(*) filter (where state in ('queued', 'running', 'verifying', 'waiting', 'parked')), \
    'closed', count(*) filter (where state in ('done', 'partial', 'skipped', 'failed'))) from item";

/// Shows progress until every event is taken in and every item has come to its end.
fn follow(stage: &mut Stage, published: &Published) -> Result<()> {
    let mut last = None;
    let mut since_change = Stopwatch::start();
    loop {
        wait::stop_if_interrupted()?;
        stage.fleet.fail_if_one_ended()?;
        stage.fleet.measure();
        let progress: Progress =
            serde_json::from_str(&postgres::run_sql(stage.database_url(), &["-c", PROGRESS])?)?;
        if last != Some(progress) {
            say(format!(
                "events {:>6} of {:<6} items open {:>6}, closed {:>6}",
                progress.events, published.events, progress.open, progress.closed
            ));
            last = Some(progress);
            since_change = Stopwatch::start();
        }
        if progress.events >= published.events && progress.open == 0 {
            return Ok(());
        }
        if since_change.elapsed() > STANDSTILL_LIMIT {
            return Err(Failure::new(format!(
                "nothing has moved for {STANDSTILL_LIMIT:?}; see `tieout status` and the logs"
            )));
        }
        wait::pause_between_looks();
    }
}

fn tie_out(
    stage: &mut Stage,
    company: Company,
    published: &Published,
    watch: Stopwatch,
) -> Result<Report> {
    let wall = watch.elapsed();
    stage.fleet.measure();
    let export = company.export(stage)?;
    let sides = company.sides(stage, published, &export)?;
    let dead_letters = company::open_dead_letters(stage)?;
    let report = Report::new(&sides.source, &sides.tieout, &sides.books, dead_letters);
    Ok(report.with_cost(wall, stage.fleet.uses()))
}
