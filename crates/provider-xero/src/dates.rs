//! Xero's dates: `/Date(ms+0000)/`, ISO with or without a time, and days as we send them.
//!
//! A document's date is midnight UTC of the day it stands for; the offset behind the milliseconds moves it. Where
//! a sibling such as `DateString` names the day itself, that is believed first.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};

/// The instant in milliseconds since 1970, UTC.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    match ticks(text) {
        Some((milliseconds, _)) => Some(milliseconds),
        None => iso(text).map(|instant| instant.and_utc().timestamp_millis()),
    }
}

/// The calendar day.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    if let Some((milliseconds, offset)) = ticks(text) {
        let instant = DateTime::from_timestamp_millis(milliseconds)?;
        return Some(instant.checked_add_signed(offset)?.date_naive());
    }
    iso(text)
        .map(|instant| instant.date())
        .or_else(|| text.parse().ok())
}

/// The milliseconds and the offset of `/Date(…)/`.
fn ticks(text: &str) -> Option<(i64, TimeDelta)> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    // A sign at the start belongs to the number, a later one to the offset.
    let at = inner
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '+' | '-'))
        .map_or(inner.len(), |(at, _)| at);
    let (number, offset) = inner.split_at(at);
    Some((number.parse().ok()?, offset_of(offset)?))
}

fn offset_of(text: &str) -> Option<TimeDelta> {
    if text.is_empty() {
        return Some(TimeDelta::zero());
    }
    let digits = text.get(1..)?;
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..)?.parse().ok()?;
    let minutes = hours * 60 + minutes;
    TimeDelta::try_minutes(if text.starts_with('-') {
        -minutes
    } else {
        minutes
    })
}

/// ISO without a zone or in UTC, with a `T` or a blank between: seconds or up to seven decimals.
fn iso(text: &str) -> Option<NaiveDateTime> {
    let bare = text.strip_suffix('Z').unwrap_or(text);
    let bare = bare.strip_suffix("+00:00").unwrap_or(bare);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok())
}

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;
