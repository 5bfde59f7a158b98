//! Dates and instants as the API writes and reads them.
//!
//! Out: `/Date(ms+0000)/` with zone-less ISO siblings. In: a plain day, ISO with a time, or
//! `/Date(…)/`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// A day as midnight UTC in milliseconds.
pub fn day(day: NaiveDate) -> String {
    instant(day.and_time(NaiveTime::MIN).and_utc())
}

/// A day in the zone-less ISO form of the `…String` siblings.
pub fn day_string(day: NaiveDate) -> String {
    format!("{day}T00:00:00")
}

/// An instant with its offset.
pub fn instant(at: DateTime<Utc>) -> String {
    format!("/Date({}+0000)/", at.timestamp_millis())
}

/// An instant in zone-less ISO.
pub fn instant_string(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// An instant as the envelope has it, without an offset.
pub fn envelope(at: DateTime<Utc>) -> String {
    format!("/Date({})/", at.timestamp_millis())
}

/// An instant as `/connections` writes it: seven decimals, no zone.
pub fn long(at: DateTime<Utc>) -> String {
    let ticks = at.timestamp_subsec_nanos() / 100;
    format!("{}.{ticks:07}", at.format("%Y-%m-%dT%H:%M:%S"))
}

/// The day in any of the three forms.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    parse(text).map(|at| at.date())
}

/// The moment in any of the three forms; a zone is applied, its absence means UTC.
pub fn parse(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix("/Date(") {
        let inner = inner.strip_suffix(")/")?;
        let sign = inner.get(1..)?.find(['+', '-']).map(|at| at + 1);
        let milliseconds = inner.get(..sign.unwrap_or(inner.len()))?.parse().ok()?;
        let at = DateTime::from_timestamp_millis(milliseconds)?;
        return Some(at.naive_utc());
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day.and_time(NaiveTime::MIN));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.naive_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()
}

/// `If-Modified-Since`: UTC, no zone, whole seconds; the web's own form is taken as well.
pub fn parse_since(text: &str) -> Option<DateTime<Utc>> {
    let at = parse(text).or_else(|| {
        let web = DateTime::parse_from_rfc2822(text).ok()?;
        Some(web.naive_utc())
    })?;
    DateTime::from_timestamp(at.and_utc().timestamp(), 0)
}

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;
