//! Tests of texts made safe for a terminal, and of times in words.

use super::*;

#[test]
fn nothing_that_steers_a_terminal_is_printed() {
    assert_eq!(line("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    assert_eq!(line("a\r\n\tb\u{7}"), "a\\r\\n\\tb\\u{7}");
    assert_eq!(line("a\u{9b}31m"), "a\\u{9b}31m");
    assert_eq!(
        line("\u{202e}cod\u{2066}\u{200f}"),
        "\\u{202e}cod\\u{2066}\\u{200f}"
    );
    assert_eq!(line("Zoë & Søn, 東京"), "Zoë & Søn, 東京");
}

#[test]
fn a_block_keeps_its_lines_and_shows_what_is_no_text() {
    assert_eq!(
        block(b"{\n \"a\": \"\xff\x1b\"\r\n}\0"),
        "{\n \"a\": \"\u{fffd}\\u{1b}\"\\r\n}\\u{0}"
    );
}

#[test]
fn spans_are_told_in_their_largest_unit() {
    let told = [-5, 0, 1, 59, 60, 3_599, 3_600, 86_399, 86_400, 864_000]
        .map(|seconds| span(TimeDelta::seconds(seconds)));
    assert_eq!(
        told,
        [
            "0 seconds",
            "0 seconds",
            "1 second",
            "59 seconds",
            "1 minute",
            "59 minutes",
            "1 hour",
            "23 hours",
            "1 day",
            "10 days"
        ]
    );
}

#[test]
fn what_is_overdue_is_due_at_once() {
    let now = DateTime::UNIX_EPOCH;
    assert_eq!(due(now, now), "at once");
    assert_eq!(
        due(now + TimeDelta::seconds(90), now),
        "in 1 minute, at 1970-01-01 00:01:30 UTC"
    );
}
