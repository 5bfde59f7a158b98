//! `cargo xtask outage`: servers and processes go down while documents flow; afterwards the books must tie.
//!
//! For each outage a company of its own is connected and its events published at a steady rate. Once some of
//! them have landed the outage is inflicted, and healed; then the time is taken until an event is taken in
//! and a document lands again. The load of one outage may still be flowing during the next. In the end
//! everything must have drained without a person's help.

mod inflict;
mod load;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use crate::failure::{Context, Failure, Result};
use crate::place::Place;
use crate::services::{self, Instance, postgres};
use crate::stage::{Setting, Stage};
use crate::terminal::{announce, say};
use crate::wait::{self, Stopwatch};
use inflict::Outage;
use load::Load;

/// Short enough that takeovers and look-ups show within seconds; the protocol is the same. A holder trusts
/// its lease for its life less one second, which a busy machine must be able to renew in time.
const POLICY: [(&str, &str); 4] = [
    ("TIEOUT_LEASE_TTL_MS", "4000"),
    ("TIEOUT_SETTLE_MS", "6000"),
    ("TIEOUT_FIRST_LOOKUP_MS", "200"),
    ("TIEOUT_FIRST_RETRY_MS", "200"),
];

/// An outage begins when so many documents of its own load have landed.
const WARM: u64 = 5;

/// Starting to flow, and flowing again after an outage, must not take longer; a broker that comes back
/// is noticed within its longest pause (5 s), a lease of the dead is free after 4 s.
const FLOW_LIMIT: Duration = Duration::from_mins(1);

/// After that long without any progress the rest will never move.
const STANDSTILL_LIMIT: Duration = Duration::from_secs(75);

#[derive(Args, Default)]
pub(crate) struct OutageOptions {
    /// Only this outage
    #[arg(long, value_enum, value_name = "NAME")]
    only: Option<Outage>,
}

pub(crate) fn run(place: &Place, options: &OutageOptions) -> Result<()> {
    if services::are_given() {
        return Err(Failure::new(
            "outages are inflicted on private servers only; unset DATABASE_URL and AMQP_URL",
        ));
    }
    let mut stage = Stage::set(
        place,
        Setting {
            instance: Instance::OUTAGE,
            is_release: false,
            seed: 1,
            policy: &POLICY,
        },
    )?;
    stage.start_fleet()?;
    let mut scene = Scene {
        stage,
        loads: Vec::new(),
        restarts: BTreeMap::new(),
        watch: Stopwatch::start(),
    };
    let mut rows = Vec::new();
    for outage in Outage::chosen(options.only) {
        announce(format!("outage: {}", outage.label()));
        rows.push(scene.go_through(outage)?);
    }
    scene.drain()?;
    let problems = verdict::problems(&mut scene)?;
    announce("outages");
    say(table(&rows));
    say(scene.restarts_line());
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the outages left their mark:\n  {}",
        problems.join("\n  ")
    )))
}

/// The stage with the loads on it.
struct Scene {
    stage: Stage,
    loads: Vec<Load>,
    restarts: BTreeMap<String, u32>,
    watch: Stopwatch,
}

/// One outage in the table.
struct Row {
    outage: Outage,
    lasted: Duration,
    first_event: Duration,
    first_document: Duration,
}

/// Where the work stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    events: u64,
    landed: u64,
    open_items: u64,
    open_writes: u64,
    open_attempts: u64,
    unpublished: u64,
}

const PROGRESS: &str = "select json_build_object(\
    'events', (select count(*) from event), \
    'landed', (select count(*) from attempt where outcome in ('DONE', 'ADOPTED')), \
    'openItems', (select count(*) from item \
        where state in ('queued', 'running', 'verifying', 'waiting', 'parked')), \
    'openWrites', (select count(*) from call where purpose = 'WRITE' and closed_at is null), \
    'openAttempts', (select count(*) from attempt where outcome is null), \
    'unpublished', (select count(*) from outbox where published_at is null))";

impl Progress {
    fn is_settled(self) -> bool {
        self.open_items + self.open_writes + self.open_attempts + self.unpublished == 0
    }
}

impl Scene {
    fn go_through(&mut self, outage: Outage) -> Result<Row> {
        let before = self.progress()?;
        self.load()?;
        self.wait(FLOW_LIMIT, "documents to flow", |now| {
            now.landed >= before.landed + WARM
        })?;
        let watch = Stopwatch::start();
        outage.inflict(self)?;
        let lasted = watch.elapsed();
        let healed = Stopwatch::start();
        let at_heal = self.progress()?;
        if self.loads.last_mut().map_or(Ok(true), Load::is_over)? {
            // A slow machine: there must be something to flow, or there is nothing to measure.
            self.load()?;
        }
        let (mut event, mut document) = (None, None);
        self.wait(FLOW_LIMIT, "documents to flow again", |now| {
            if now.events > at_heal.events {
                event.get_or_insert(healed.elapsed());
            }
            if now.landed > at_heal.landed {
                document.get_or_insert(healed.elapsed());
            }
            event.is_some() && document.is_some()
        })?;
        outage.confirm_healed(self)?;
        let row = Row {
            outage,
            lasted,
            first_event: event.unwrap_or_default(),
            first_document: document.unwrap_or_default(),
        };
        say(line_of(&row));
        Ok(row)
    }

    /// Connects a new company and has its events published from now on.
    fn load(&mut self) -> Result<()> {
        let account = u32::try_from(self.loads.len() + 1)?;
        self.loads.push(Load::start(&self.stage, account)?);
        Ok(())
    }

    fn progress(&self) -> Result<Progress> {
        let text = postgres::run_sql(self.stage.database_url(), &["-c", PROGRESS])?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Restarts what ended by its own rule, and counts it.
    fn tend(&mut self) -> Result<()> {
        for name in self.stage.tend()? {
            say(format!("{name} had ended and is started again"));
            *self.restarts.entry(name).or_default() += 1;
        }
        Ok(())
    }

    fn wait(
        &mut self,
        limit: Duration,
        what: &str,
        mut is_so: impl FnMut(Progress) -> bool,
    ) -> Result<()> {
        let mut last = None;
        let reached = wait::until(limit, || {
            self.tend()?;
            let progress = self.progress()?;
            last = Some(progress);
            Ok(is_so(progress).then_some(()))
        })?;
        reached.context(|| format!("waited {limit:?} for {what} in vain: {last:?}"))
    }

    /// Keeps an outage up for so long, with the supervisor at work.
    fn hold(&mut self, length: Duration) -> Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < length {
            wait::stop_if_interrupted()?;
            self.tend()?;
            wait::pause();
        }
        Ok(())
    }

    /// Waits until every event is taken in and every piece of work has come to its end.
    fn drain(&mut self) -> Result<()> {
        announce("draining");
        let mut last = None;
        let mut since_change = Stopwatch::start();
        loop {
            wait::stop_if_interrupted()?;
            self.tend()?;
            let progress = self.progress()?;
            let published = self.published()?;
            if last != Some(progress) {
                say(format!(
                    "events {:>6}, landed {:>6}, items open {:>6}",
                    progress.events, progress.landed, progress.open_items
                ));
                last = Some(progress);
                since_change = Stopwatch::start();
            }
            if published.is_some_and(|events| progress.events >= events) && progress.is_settled() {
                return Ok(());
            }
            if since_change.elapsed() > STANDSTILL_LIMIT {
                return Err(Failure::new(format!(
                    "nothing has moved for {STANDSTILL_LIMIT:?} ({published:?} events published): {progress:?}"
                )));
            }
            wait::pause_between_looks();
        }
    }

    /// How many events were published, once all were.
    fn published(&mut self) -> Result<Option<u64>> {
        let mut events = 0;
        for load in &mut self.loads {
            if !load.is_over()? {
                return Ok(None);
            }
            events += load.published()?.events;
        }
        Ok(Some(events))
    }

    fn restarts_line(&self) -> String {
        let restarts: Vec<String> = self
            .restarts
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let restarts = if restarts.is_empty() {
            "none".to_owned()
        } else {
            restarts.join(", ")
        };
        format!("restarts by the supervisor: {restarts}")
    }
}

fn table(rows: &[Row]) -> String {
    let head = format!(
        "{:<44}{:>10}{:>14}{:>18}",
        "outage", "lasted", "first event", "first document"
    );
    let lines = rows.iter().map(line_of);
    std::iter::once(head)
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

fn line_of(row: &Row) -> String {
    format!(
        "{:<44}{:>8.1} s{:>12.1} s{:>16.1} s",
        row.outage.label(),
        row.lasted.as_secs_f32(),
        row.first_event.as_secs_f32(),
        row.first_document.as_secs_f32()
    )
}
