//! `cargo xtask demo`: ProjectLedger's events in, QuickBooks Online's books out, and the proof that they tie.
//!
//! Two companies share the documents: account 1 is American, with sales tax that the books compute; account 2 is
//! British, with value added tax and clients in the euro area.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use clap::Args;
use rustix::process::Signal;
use serde::Deserialize;

use crate::company::{self, Company, Nature, Published};
use crate::failure::{Context, Failure, Result};
use crate::place::Place;
use crate::report::{Books, CompanyRows, Report};
use crate::services::process::{self, Identity};
use crate::services::{Instance, postgres};
use crate::sides::Sides;
use crate::stage::{Setting, Stage};
use crate::terminal::{announce, say};
use crate::wait::{self, Stopwatch};

/// The accounts in ProjectLedger, with the company of each.
const COMPANIES: [(u32, Nature); 2] = [(1, Nature::American), (2, Nature::British)];

/// How many later events may overtake one, and how many events come twice, per cent.
const LATE: &str = "20";
const REPEATED: &str = "2";

/// How long a publisher may take to end when the whole run is given up.
const STOP_GRACE: Duration = Duration::from_secs(2);

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
    /// Clients in ProjectLedger, of both companies
    #[arg(long, default_value_t = 200)]
    clients: u32,
    /// Invoices in ProjectLedger, of both companies
    #[arg(long, default_value_t = 1_000)]
    invoices: u32,
    /// Payments in ProjectLedger, of both companies
    #[arg(long, default_value_t = 0)]
    payments: u32,
    /// Credit notes in ProjectLedger, of both companies
    #[arg(long, default_value_t = 0)]
    credit_notes: u32,
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
    let mut companies = Vec::new();
    for (account, nature) in COMPANIES {
        let company = Company::found(&stage, account, nature)?;
        announce(format!(
            "account {account} ({}) is connected to company {}",
            nature.business(),
            company.realm()
        ));
        companies.push(company);
    }
    stage.start_fleet()?;
    let watch = Stopwatch::start();
    let published = publish(&stage, &companies, options)?;
    follow(&mut stage, &published)?;
    let report = tie_out(&mut stage, &companies, &published, watch)?;
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

/// Plays ProjectLedger: the events of both accounts go over AMQP at the same time.
fn publish(stage: &Stage, companies: &[Company], options: &DemoOptions) -> Result<Vec<Published>> {
    announce(format!(
        "publishing {} clients, {} invoices, {} payments and {} credit notes with what becomes of them",
        options.clients, options.invoices, options.payments, options.credit_notes
    ));
    let publishers = companies
        .iter()
        .zip(0..)
        .map(|(company, place)| Publisher::start(stage, *company, place, options))
        .collect::<Result<Vec<_>>>()?;
    publishers.into_iter().map(Publisher::finish).collect()
}

/// A process that publishes one account's month.
struct Publisher {
    child: Child,
    log: PathBuf,
}

impl Publisher {
    fn start(stage: &Stage, company: Company, place: u32, options: &DemoOptions) -> Result<Self> {
        let number = company.account();
        let seed = (options.seed + u64::from(place)).to_string();
        let share = |all: u32| share_of(all, place).to_string();
        let (clients, invoices) = (share(options.clients), share(options.invoices));
        let (payments, notes) = (share(options.payments), share(options.credit_notes));
        let arguments = [
            ["--account", &number],
            ["--business", company.nature().business()],
            ["--seed", &seed],
            ["--clients", &clients],
            ["--invoices", &invoices],
            ["--payments", &payments],
            ["--credit-notes", &notes],
            ["--late", LATE],
            ["--repeated", REPEATED],
        ];
        let name = format!("projectledger-{number}");
        let (child, log) = stage.beside(&name, "projectledger", arguments.as_flattened())?;
        Ok(Self { child, log })
    }

    /// Waits for its end; what it published is the last line it wrote.
    fn finish(mut self) -> Result<Published> {
        loop {
            wait::stop_if_interrupted()?;
            match self.child.try_wait()? {
                None => wait::pause(),
                Some(status) if status.success() => return read(&self.log),
                Some(status) => {
                    return Err(Failure::new(format!(
                        "the publisher failed ({status}); {}",
                        process::tail(&self.log)
                    )));
                }
            }
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(process) = Identity::of(self.child.id()) {
            process.stop(Signal::TERM, STOP_GRACE);
        }
        // Only to take the entry out of the process table.
        let _ = self.child.wait();
    }
}

fn read(log: &Path) -> Result<Published> {
    Published::from_output(&fs::read_to_string(log)?)
}

/// What of the whole falls to a company; the first takes what is left over.
fn share_of(all: u32, place: u32) -> u32 {
    let companies = u32::try_from(COMPANIES.len()).unwrap_or(1);
    all / companies + u32::from(place < all % companies)
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
fn follow(stage: &mut Stage, published: &[Published]) -> Result<()> {
    let events: u64 = published.iter().map(|each| each.events).sum();
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
                progress.events, events, progress.open, progress.closed
            ));
            last = Some(progress);
            since_change = Stopwatch::start();
        }
        if progress.events >= events && progress.open == 0 {
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
    companies: &[Company],
    published: &[Published],
    watch: Stopwatch,
) -> Result<Report> {
    let wall = watch.elapsed();
    stage.fleet.measure();
    let mut all: [Books; 3] = std::array::from_fn(|_| Books::default());
    let mut rows = Vec::new();
    let mut disagreements = Vec::new();
    for (company, published) in companies.iter().zip(published) {
        let export = company.export(stage)?;
        let sides = Sides::of(*company, stage, published, &export)?;
        let own = [&sides.source, &sides.tieout, &sides.books];
        rows.push(CompanyRows::new(company.number(), company.realm(), own));
        disagreements.extend(sides.disagreements);
        for (whole, side) in all
            .iter_mut()
            .zip([sides.source, sides.tieout, sides.books])
        {
            *whole = std::mem::take(whole).and(&side);
        }
    }
    let dead_letters = company::open_dead_letters(stage)?;
    let [source, tieout, books] = &all;
    let report = Report::new(source, tieout, books, dead_letters)
        .with_companies(rows, disagreements)
        .with_cost(wall, stage.fleet.uses());
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_share_all_there_is() {
        for all in [0, 1, 2, 25, 1_000] {
            assert_eq!(share_of(all, 0) + share_of(all, 1), all);
        }
        assert_eq!(share_of(25, 0), 13);
    }
}
