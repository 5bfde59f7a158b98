//! `Retry-After` (RFC 9110, section 10.2.3): whole seconds, or a date that is read against the reply's own `Date`.
//!
//! The date is compared with the clock of whoever wrote it and with no clock of ours, so that a wrong clock on
//! either side changes nothing. The obsolete forms of dates (RFC 850, asctime) are not read.

use std::time::Duration;

use chrono::DateTime;

/// No wish makes books wait longer than this before they are tried again.
const LONGEST: Duration = Duration::from_mins(15);
/// What asks for more than a day is taken for nonsense.
const SENSIBLE: Duration = Duration::from_hours(24);

/// How long a reply asks to wait, at most 15 minutes; none when it does not say, or says nonsense.
pub(crate) fn wait(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let retry_after = retry_after.trim();
    let wait = match retry_after.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => between(date?.trim(), retry_after)?,
    };
    (wait <= SENSIBLE).then(|| wait.min(LONGEST))
}

/// From one instant to the next; none when either cannot be read, zero when the second has passed.
fn between(from: &str, until: &str) -> Option<Duration> {
    let instant = |text| DateTime::parse_from_rfc2822(text).ok();
    Some(
        (instant(until)? - instant(from)?)
            .to_std()
            .unwrap_or_default(),
    )
}

#[cfg(test)]
#[path = "retry_after_tests.rs"]
mod tests;
