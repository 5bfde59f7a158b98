//! Calendars: hourly, daily and weekly slots, each with a key of its own.
//!
//! The `cron` crate works out which slots there are, the time zone when each begins. Asked in local time
//! the crate drops a slot that falls into the hour skipped in spring and doubles one in the hour repeated
//! in autumn. So it is asked in local time *without* zone, where every day has every hour once, and the
//! zone comes after: a slot in a gap begins with the first instant after the gap, a slot whose local time
//! comes twice begins with the earlier. Hourly slots are hours of UTC and know no clock change.
//!
//! A slot's key is its local time, so the ledger of slots can hold each at most once. Where a zone skips a
//! whole day (Samoa, 30 December 2011) two local midnights begin together; they are one slot.

use std::str::FromStr as _;

use chrono::{DateTime, Days, Duration, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use cron::Schedule;

use crate::integration::{SyncFrequency, SyncSettings};

/// Why no calendar can be made of these settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadCalendar {
    /// Not a name of the IANA time zone database.
    #[error("{0:?} is not a time zone; use an IANA name such as \"Europe/Berlin\" or \"UTC\"")]
    UnknownTimeZone(String),
    /// Not an hour.
    #[error("{0} is not an hour of the day; use 0 to 23 for the slot hour")]
    HourOutOfRange(u8),
}

/// The slots of one integration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Calendar {
    word: &'static str,
    schedule: Schedule,
    zone: Tz,
}

/// One time at which what has gathered is sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot {
    /// When it begins.
    pub at: DateTime<Utc>,
    /// Its name, unique per calendar, such as `DAILY 2026-03-29T02:00 Europe/Berlin`.
    pub key: String,
}

impl Calendar {
    /// The calendar of a frequency; none for real time and manual. Weekly means Mondays.
    pub fn new(
        frequency: SyncFrequency,
        settings: &SyncSettings,
    ) -> Result<Option<Self>, BadCalendar> {
        let hour = settings.slot_hour;
        let (expression, zone) = match frequency {
            SyncFrequency::RealTime | SyncFrequency::Manual => return Ok(None),
            SyncFrequency::Hourly => ("0 0 * * * *".to_owned(), Tz::UTC),
            SyncFrequency::Daily => (format!("0 0 {hour} * * *"), zone_of(settings)?),
            SyncFrequency::Weekly => (format!("0 0 {hour} * * MON"), zone_of(settings)?),
        };
        if hour > 23 {
            return Err(BadCalendar::HourOutOfRange(hour));
        }
        Ok(Some(Self::of(frequency.as_str(), &expression, zone)))
    }

    fn of(word: &'static str, expression: &str, zone: Tz) -> Self {
        Self {
            word,
            schedule: Schedule::from_str(expression).expect("our own expressions are valid"),
            zone,
        }
    }

    /// The first slot that begins after this instant.
    pub fn next_slot(&self, after: DateTime<Utc>) -> Slot {
        self.slots_after(after).next().expect(
            "the cron crate knows the years up to 2100, and instants before that are asked for",
        )
    }

    /// The slots that begin after `from` and not after `to`, oldest first, at most `limit`.
    ///
    /// When more are wanted, ask again from the last one's instant.
    pub fn slots_between(&self, from: DateTime<Utc>, to: DateTime<Utc>, limit: usize) -> Vec<Slot> {
        self.slots_after(from)
            .take_while(|slot| slot.at <= to)
            .take(limit)
            .collect()
    }

    fn slots_after(&self, after: DateTime<Utc>) -> impl Iterator<Item = Slot> {
        // Two days earlier, for a slot may begin up to a day after its local time.
        let local = after.with_timezone(&self.zone).naive_local();
        let start = local.checked_sub_days(Days::new(2)).unwrap_or(local);
        let mut last = after;
        self.schedule
            .after_owned(start.and_utc())
            .filter_map(move |naive| {
                let slot = self.slot(naive.naive_utc());
                let rises = slot.at > last;
                last = last.max(slot.at);
                rises.then_some(slot)
            })
    }

    fn slot(&self, local: NaiveDateTime) -> Slot {
        Slot {
            at: instant(self.zone, local),
            key: format!(
                "{} {} {}",
                self.word,
                local.format("%Y-%m-%dT%H:%M"),
                self.zone.name()
            ),
        }
    }
}

fn zone_of(settings: &SyncSettings) -> Result<Tz, BadCalendar> {
    Tz::from_str(&settings.time_zone)
        .map_err(|_| BadCalendar::UnknownTimeZone(settings.time_zone.chars().take(60).collect()))
}

/// The instant a local time stands for: the earlier of two, or the end of the gap it falls into.
fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    zone.from_local_datetime(&local)
        .earliest()
        .map_or_else(|| end_of_gap(zone, local), |at| at.with_timezone(&Utc))
}

/// The first second at which the zone's clock is past a local time that it skips.
fn end_of_gap(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    // Offsets lie between -12 and +14 hours, so the change lies inside this window.
    let middle = local.and_utc();
    let (mut before, mut after) = (middle - Duration::hours(15), middle + Duration::hours(15));
    while after - before > Duration::seconds(1) {
        let probe = before + Duration::seconds((after - before).num_seconds() / 2);
        if probe.with_timezone(&zone).naive_local() < local {
            before = probe;
        } else {
            after = probe;
        }
    }
    after
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
