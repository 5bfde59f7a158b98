//! Tests of log lines, as a reader of standard error sees them.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

use super::JsonLines;

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::fmt::Error);

/// A standard error that a test can read.
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What `act` logs, line by line, each still as text.
fn logged(act: impl FnOnce()) -> Vec<String> {
    let written = Arc::new(Mutex::new(Vec::<u8>::new()));
    let copy = Arc::clone(&written);
    let lines = JsonLines::new("test", move || Shared(Arc::clone(&copy)));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), act);
    let bytes = written.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(ToOwned::to_owned).collect()
}

fn one(act: impl FnOnce()) -> Value {
    let lines = logged(act);
    assert_eq!(lines.len(), 1, "{lines:?}");
    serde_json::from_str(&lines[0]).unwrap()
}

#[test]
fn a_line_carries_message_level_service_and_typed_fields() {
    let line = one(|| {
        tracing::warn!(
            elapsed_ms = 12,
            job.id = "j1",
            late = true,
            rate = 0.5,
            "call was {}",
            "slow"
        );
    });
    assert_eq!(line["message"], "call was slow");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["service"], "test");
    assert_eq!(line["elapsed_ms"], 12);
    assert_eq!(line["job.id"], "j1");
    assert_eq!(line["late"], true);
    assert_eq!(line["rate"], 0.5);
    let at = line["timestamp"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
}

#[test]
fn fields_of_spans_are_inherited_and_the_innermost_wins() {
    let line = one(|| {
        let outer = tracing::info_span!(
            "submit",
            trace.id = "t1",
            job.id = "j1",
            late = tracing::field::Empty
        );
        let _outer = outer.enter();
        outer.record("late", true);
        let _inner = tracing::info_span!("call", job.id = "j2").entered();
        tracing::info!("sent");
    });
    assert_eq!(line["trace.id"], "t1");
    assert_eq!(line["job.id"], "j2");
    assert_eq!(line["late"], true);
    assert_eq!(line["span"], "call");
}

#[test]
fn secret_fields_are_redacted_in_events_and_spans() {
    let lines = logged(|| {
        let _span = tracing::info_span!("s", access_token = "hunter2").entered();
        tracing::info!(
            password = %"hunter2",
            client_secret = ?"hunter2",
            Authorization = "Bearer hunter2",
            request.body = "hunter2",
            refreshToken = 2,
            shown = "yes",
            "asked"
        );
    });
    assert!(!lines[0].contains("hunter2"), "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    for name in [
        "access_token",
        "password",
        "client_secret",
        "Authorization",
        "request.body",
        "refreshToken",
    ] {
        assert_eq!(line[name], "[redacted]", "{name}");
    }
    assert_eq!(line["shown"], "yes");
}

#[test]
fn control_characters_can_neither_break_a_line_nor_move_a_cursor() {
    let evil = "a\nb\r\u{1b}[2J\u{7f}\u{85}\u{2028}\u{202e}\"\\ é";
    let lines = logged(|| tracing::info!(reply = evil, "{evil}"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    let hostile = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
    assert!(!lines[0].contains(hostile), "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["message"], evil);
    assert_eq!(line["reply"], evil);
}

#[test]
fn an_error_field_shows_its_whole_chain() {
    let error = Outer(std::fmt::Error);
    let line = one(|| {
        tracing::error!(
            error = &error as &(dyn std::error::Error + 'static),
            "failed"
        );
    });
    let expected = format!("outer: {}", std::fmt::Error);
    assert_eq!(line["error"], expected.as_str());
}

#[test]
fn a_field_named_like_the_lines_own_does_not_replace_it() {
    let line = one(|| tracing::info!(level = 3, "x"));
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["field.level"], 3);
}
