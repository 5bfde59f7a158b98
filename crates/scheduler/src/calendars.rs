//! Calendars: slots that have begun are run, each exactly once by its key.
//!
//! An item that waits for a slot is due at it by itself, so a worker's sweep takes it even while no scheduler
//! runs. The ledger of slots groups what a slot released into a job and proves that each ran once.
//!
//! After downtime the slots that were missed are entered oldest first, so that a crash on the way leaves no
//! hole in the ledger; what gathered goes with the first of them. An integration without a slot yet begins with
//! the next one after the leader has first seen it: what lies before its creation never was a slot.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use model::IntegrationId;
use model::calendar::Calendar;
use store::schedule::Scheduled;
use store::{Store, StoreError};

/// How far back missed slots are entered: a weekly calendar's last one, and a day.
const CATCH_UP: TimeDelta = TimeDelta::days(8);
/// Most slots of one integration in one pass: eight days of hours, and some.
const SLOTS_AT_MOST: usize = 200;

/// What a pass did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ran {
    /// Slots that this pass ran.
    pub slots: u64,
    /// Items that they released.
    pub items: u64,
}

/// The calendars of a leader.
#[derive(Debug, Default)]
pub struct Calendars {
    /// When an integration without a slot was first seen.
    first_seen: HashMap<IntegrationId, DateTime<Utc>>,
    /// Integrations whose settings make no calendar, with what was said of them.
    bad: HashMap<IntegrationId, String>,
}

impl Calendars {
    /// Runs every slot that has begun by `now` and has not run.
    pub async fn run_due(&mut self, store: &Store, now: DateTime<Utc>) -> Result<Ran, StoreError> {
        let mut ran = Ran::default();
        for of in store.scheduled().await? {
            let Some(calendar) = self.calendar(&of) else {
                continue;
            };
            let from = self.since(&of, now);
            for slot in calendar.slots_between(from, now, SLOTS_AT_MOST) {
                let Some(items) = store.run_slot(&of, &slot).await? else {
                    continue;
                };
                ran.slots += 1;
                ran.items += items;
                tracing::info!(
                    connection.id = of.integration.0,
                    provider.key = of.provider,
                    "slot {} of integration {} released {items} items",
                    slot.key,
                    of.integration
                );
            }
        }
        Ok(ran)
    }

    /// From when on slots are looked for.
    fn since(&mut self, of: &Scheduled, now: DateTime<Utc>) -> DateTime<Utc> {
        match of.last_slot_at {
            Some(at) => {
                self.first_seen.remove(&of.integration);
                at.max(now - CATCH_UP)
            }
            None => *self.first_seen.entry(of.integration).or_insert(now),
        }
    }

    fn calendar(&mut self, of: &Scheduled) -> Option<Calendar> {
        match Calendar::new(of.frequency, &of.settings) {
            Ok(calendar) => {
                self.bad.remove(&of.integration);
                calendar
            }
            Err(error) => {
                let text = error.to_string();
                if self.bad.get(&of.integration) != Some(&text) {
                    tracing::error!(
                        connection.id = of.integration.0,
                        "integration {} has no calendar: {text}",
                        of.integration
                    );
                    self.bad.insert(of.integration, text);
                }
                None
            }
        }
    }
}
