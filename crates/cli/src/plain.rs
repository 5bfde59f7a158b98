//! Text made safe for a terminal, and times in words.
//!
//! Messages and names come from outside. A control character in one could move the cursor, hide a line or ring
//! the bell; a bidirectional control could show `1` for `l`. Both are shown escaped.

use chrono::{DateTime, TimeDelta, Utc};

/// One line: everything that is not plainly printable is escaped, line breaks included.
pub(crate) fn line(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, each| {
        push_safe(&mut safe, each);
        safe
    })
}

/// Several lines of bytes that claim to be text: line breaks stay, what is not UTF-8 shows as U+FFFD.
pub(crate) fn block(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .fold(String::new(), |mut safe, each| {
            match each {
                '\n' => safe.push(each),
                _ => push_safe(&mut safe, each),
            }
            safe
        })
}

fn push_safe(safe: &mut String, each: char) {
    if each.is_control() || is_directional(each) {
        safe.extend(each.escape_default());
    } else {
        safe.push(each);
    }
}

/// Marks that turn the direction of what follows, line separators, and the invisible mark of byte order.
const fn is_directional(each: char) -> bool {
    matches!(
        each,
        '\u{061c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// A reason as part of a sentence: one line, without its full stop.
pub(crate) fn clause(text: &str) -> String {
    line(text.trim().trim_end_matches('.'))
}

/// An instant, to the second.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How long something lasts, in its largest unit.
pub(crate) fn span(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// When something is due: at once if its time has passed.
pub(crate) fn due(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at <= now {
        "at once".to_owned()
    } else {
        format!("in {}, at {}", span(at - now), instant(at))
    }
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
