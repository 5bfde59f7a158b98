//! `cargo xtask demo`: ProjectLedger's events in, QuickBooks Online's books out, and the proof that they tie.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command;
use crate::failure::{Context, Failure, Result};
use crate::http;
use crate::place::Place;
use crate::report::{Books, Report};
use crate::services::{Instance, postgres};
use crate::stage::{Setting, Stage};
use crate::terminal::{announce, say};
use crate::wait::{self, Stopwatch};

/// The company in the sandbox and the account in ProjectLedger whose books it keeps.
const REALM: &str = "4620816365000000001";
const ACCOUNT: &str = "1";

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
        },
    )?;
    connect(&stage)?;
    stage.start_fleet()?;
    let watch = Stopwatch::start();
    let published = publish(&stage, options)?;
    follow(&mut stage, &published)?;
    let report = tie_out(&mut stage, &published, watch)?;
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

/// Founds the company in the sandbox, gets its consent and seeds the connected integration.
fn connect(stage: &Stage) -> Result<()> {
    let company = json!({"realm": REALM, "name": "Demo Company", "customTxnNumbers": true});
    http::post_json(stage.sandbox, "/_sandbox/companies", &company)?;
    let (client_id, client_secret) = Stage::oauth_client();
    let consent = json!({"clientId": client_id, "clientSecret": client_secret, "realms": [REALM]});
    let tokens = http::post_json(stage.sandbox, "/_sandbox/tokens", &consent)?;
    let mut add = stage.tieout(&["integration", "add", "--provider", "QUICKBOOKS_ONLINE"]);
    add.args(["--account", ACCOUNT, "--realm", REALM]);
    // By the environment, because everybody on the machine can read a command line.
    for (variable, member) in [
        ("TIEOUT_ACCESS_TOKEN", "accessToken"),
        ("TIEOUT_REFRESH_TOKEN", "refreshToken"),
    ] {
        let token = tokens[member]
            .as_str()
            .context(|| format!("the sandbox gave no {member}"))?;
        add.env(variable, token);
    }
    command::run(&mut add)?;
    announce(format!("account {ACCOUNT} is connected to company {REALM}"));
    Ok(())
}

/// What ProjectLedger said it published: the number of events and its own books after them.
#[derive(Deserialize)]
struct Published {
    events: u64,
    totals: Value,
}

/// Plays ProjectLedger: the events go over AMQP, their summary comes back as the last line.
fn publish(stage: &Stage, options: &DemoOptions) -> Result<Published> {
    announce(format!(
        "publishing {} clients and {} invoices with their updates and voids",
        options.clients, options.invoices
    ));
    let (seed, clients, invoices) = (
        options.seed.to_string(),
        options.clients.to_string(),
        options.invoices.to_string(),
    );
    let mut projectledger = stage.binary("projectledger", &["--account", ACCOUNT]);
    projectledger
        .args(["--seed", &seed, "--clients", &clients])
        .args(["--invoices", &invoices]);
    let output = output_of(&mut projectledger)?;
    let summary = output.lines().last().unwrap_or_default();
    serde_json::from_str(summary).context(|| "the summary of the events is malformed".to_owned())
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

/// What we believe stands in the books: the live documents whose objects we linked.
const OUR_TOTALS: &str = "select coalesce(json_agg(line), '[]') from (\
    select item.kind, coalesce(document.currency, '') as currency, count(*) as count, \
        coalesce(sum(link.gross), 0)::text as sum \
    from item \
    join effect on effect.item_id = item.id \
    join link on link.effect_id = effect.id and link.state = 'ACTIVE' \
    join document on document.account_id = item.account_id and document.kind = item.kind \
        and document.source_id = item.source_id and document.version = item.version \
    where item.state = 'done' and document.lifecycle = 'LIVE' \
    group by 1, 2) line";

const OPEN_DEAD_LETTERS: &str = "select count(*) from dead_letter where state = 'OPEN'";

fn tie_out(stage: &mut Stage, published: &Published, watch: Stopwatch) -> Result<Report> {
    let wall = watch.elapsed();
    stage.fleet.measure();
    let source = Books::from_json(published.totals.clone())?;
    let ours = postgres::run_sql(stage.database_url(), &["-c", OUR_TOTALS])?;
    let tieout = Books::from_json(serde_json::from_str(&ours)?)?;
    let export = http::get_json(stage.sandbox, &format!("/_sandbox/books/{REALM}"))?;
    let books = Books::from_json(live_totals(&export))?;
    let dead_letters = postgres::run_sql(stage.database_url(), &["-c", OPEN_DEAD_LETTERS])?;
    let report = Report::new(&source, &tieout, &books, dead_letters.parse()?);
    Ok(report.with_cost(wall, stage.fleet.uses()))
}

/// The sandbox's export in our words: a voided invoice stays in the books with nothing in it, and who
/// is not a client has no side to be compared with.
fn live_totals(export: &Value) -> Value {
    let totals = export["totals"].as_array().into_iter().flatten();
    totals
        .filter_map(|total| {
            let (kind, currency, sum) = match total["kind"].as_str()? {
                "Customer" => ("CLIENT", json!(""), json!("0")),
                "Invoice" => ("INVOICE", total["currency"].clone(), total["sum"].clone()),
                _ => return None,
            };
            let count = total["count"].as_i64()? - total["voided"].as_i64()?;
            Some(json!({"kind": kind, "currency": currency, "count": count, "sum": sum}))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_count_live_invoices_and_clients_only() {
        let total = |kind: &str, count: i64, voided: i64, sum: &str| {
            json!({"kind": kind, "currency": "USD", "count": count, "voided": voided,
                   "inactive": 0, "sum": sum})
        };
        let export = json!({"totals": [
            total("Customer", 100, 0, "0"),
            total("Employee", 1, 0, "0"),
            total("Invoice", 500, 25, "1234.50"),
        ]});
        assert_eq!(
            live_totals(&export),
            json!([
                {"kind": "CLIENT", "currency": "", "count": 100, "sum": "0"},
                {"kind": "INVOICE", "currency": "USD", "count": 475, "sum": "1234.50"},
            ])
        );
    }
}
