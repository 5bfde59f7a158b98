//! Writes each log event as one line of JSON, with secrets redacted.
//!
//! Fields of the enclosing spans are inherited, the innermost winning, so that
//! `trace.id` set once on a span is on every line inside it. Control characters
//! are escaped: a provider's message can neither break a line nor move a cursor.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock, SystemClock};
use crate::error_chain::chain;

/// A field whose name contains one of these is not shown.
const REDACTED_NAMES: [&str; 5] = ["token", "secret", "password", "authorization", "body"];
const REDACTED: &str = "[redacted]";
/// Names the line itself uses; a field of that name is shown as `field.<name>`.
const OWN_NAMES: [&str; 5] = ["timestamp", "level", "service", "target", "span"];
const MESSAGE: &str = "message";

/// The layer; `W` is where lines go.
pub(crate) struct JsonLines<W> {
    service: &'static str,
    writer: W,
}

/// The fields of one span or event.
#[derive(Debug, Clone, Default)]
struct Fields(BTreeMap<&'static str, Value>);

impl<W> JsonLines<W> {
    pub(crate) fn new(service: &'static str, writer: W) -> Self {
        Self { service, writer }
    }

    fn line(
        &self,
        event: &Event<'_>,
        span: Option<&str>,
        mut fields: Fields,
        at: DateTime<Utc>,
    ) -> String {
        let text = |value: &str| Value::from(value).to_string();
        let message = fields.0.remove(MESSAGE).unwrap_or_else(|| Value::from(""));
        let metadata = event.metadata();
        let mut line = format!(
            r#"{{"timestamp":"{}","level":"{}","service":{},"message":{message},"target":{}"#,
            at.to_rfc3339_opts(SecondsFormat::Micros, true),
            metadata.level(),
            text(self.service),
            text(metadata.target()),
        );
        if let Some(span) = span {
            line.push_str(r#","span":"#);
            line.push_str(&text(span));
        }
        for (name, value) in &fields.0 {
            let prefix = if OWN_NAMES.contains(name) {
                "field."
            } else {
                ""
            };
            line.push(',');
            line.push_str(&text(&format!("{prefix}{name}")));
            line.push(':');
            line.push_str(&value.to_string());
        }
        line.push('}');
        let mut line = escape_controls(&line);
        line.push('\n');
        line
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        let spans = context.event_scope(event).into_iter();
        for span in spans.flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(inherited) = span.extensions().get::<Fields>() {
                fields.0.extend(inherited.0.clone());
            }
        }
        event.record(&mut fields);
        let span = context.event_span(event).map(|span| span.name());
        let line = self.line(event, span, fields, SystemClock.now());
        // Nobody is left to tell if standard error is gone.
        let _ = self
            .writer
            .make_writer_for(event.metadata())
            .write_all(line.as_bytes());
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let lower = name.to_ascii_lowercase();
        let hidden = REDACTED_NAMES.iter().any(|part| lower.contains(part));
        let value = if hidden {
            Value::from(REDACTED)
        } else {
            value.into()
        };
        self.0.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// Escapes what JSON lets through but a terminal or a line reader obeys.
///
/// Such characters occur only inside JSON strings, where `\u` escapes are read back as themselves.
fn escape_controls(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    for character in line.chars() {
        let direction = matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || direction {
            write!(escaped, "\\u{:04x}", u32::from(character)).expect("a string takes any text");
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
#[path = "json_lines_tests.rs"]
mod tests;
