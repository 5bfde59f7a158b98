//! The leader's jobs beside the relay, each at its own pace, all stopped together.

use std::time::Duration;

use broker::Publisher;
use runtime::{Clock, Component};
use store::{Store, StoreError};
use tokio::time::sleep;

use crate::calendars::Calendars;
use crate::consents::Consents;
use crate::{measure, relay};

/// Slots are looked for this often, so they begin within a second or so of their time.
const SLOTS_EVERY: Duration = Duration::from_secs(1);
/// Gaps are looked for this often.
const GAPS_EVERY: Duration = Duration::from_secs(5);
/// How long a gap may fill by itself: events overtake one another.
const GAP_PATIENCE: Duration = Duration::from_mins(1);
/// Consents are looked at this often.
const CONSENTS_EVERY: Duration = Duration::from_mins(5);
/// Between two prunings of the outbox.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// How long published messages are kept, to answer "was it sent?".
const KEEP_PUBLISHED: Duration = Duration::from_hours(7 * 24);
/// Between two measurements.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// Runs every job until it is dropped.
pub(crate) async fn run(
    store: &Store,
    publisher: &Publisher,
    clock: &dyn Clock,
    database: &Component,
) {
    let complaint = |job| Complaint::new(job, database);
    let mut calendars = Calendars::default();
    let mut consents = Consents::default();
    let mut relaying = complaint("relaying the outbox");
    tokio::join!(
        relay::run(store, publisher, &mut relaying),
        every(SLOTS_EVERY, complaint("running slots"), async || {
            let ran = calendars.run_due(store, store.now().await?).await?;
            measure::SLOTS.add((), ran.slots);
            Ok(())
        }),
        every(GAPS_EVERY, complaint("asking about gaps"), async || {
            let asked = store.ask_about_gaps(GAP_PATIENCE).await?;
            if asked > 0 {
                tracing::warn!("asked ProjectLedger for the missing events of {asked} accounts");
            }
            Ok(())
        }),
        every(
            CONSENTS_EVERY,
            complaint("looking at consents"),
            async || consents.look(store, clock.now()).await
        ),
        every(PRUNE_EVERY, complaint("pruning the outbox"), async || {
            let gone = store.prune_outbox(KEEP_PUBLISHED).await?;
            tracing::debug!("removed {gone} published messages from the outbox");
            Ok(())
        }),
        every(MEASURE_EVERY, complaint("measuring"), async || {
            measure::backlog(store).await
        }),
    );
}

async fn every(
    period: Duration,
    mut complaint: Complaint<'_>,
    mut job: impl AsyncFnMut() -> Result<(), StoreError>,
) {
    loop {
        match job().await {
            Ok(()) => complaint.withdraw(),
            Err(error) => complaint.raise(&error),
        }
        sleep(period).await;
    }
}

/// A job's trouble, told once and not each second.
pub(crate) struct Complaint<'a> {
    job: &'static str,
    database: &'a Component,
    told: Option<String>,
}

impl<'a> Complaint<'a> {
    pub(crate) fn new(job: &'static str, database: &'a Component) -> Self {
        Self {
            job,
            database,
            told: None,
        }
    }

    /// Tells of an error, unless it was the last thing told. An outage is the database's own news.
    pub(crate) fn raise(&mut self, error: &StoreError) {
        let text = runtime::chain(error);
        if error.is_connection() {
            self.database.not_ready(text);
        } else if self.is_news(&text) {
            tracing::error!("{} failed: {text}", self.job);
        }
    }

    /// Tells of trouble that may pass by itself, unless it was the last thing told.
    pub(crate) fn warn(&mut self, trouble: &str) {
        if self.is_news(trouble) {
            tracing::warn!("{} is held up: {trouble}", self.job);
        }
    }

    /// It works again.
    pub(crate) fn withdraw(&mut self) {
        if self.told.take().is_some() {
            tracing::info!("{} works again", self.job);
        }
    }

    fn is_news(&mut self, text: &str) -> bool {
        let is_news = self.told.as_deref() != Some(text);
        if is_news {
            self.told = Some(text.to_owned());
        }
        is_news
    }
}
