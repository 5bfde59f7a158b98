//! Structured logs to standard error, for people and machines, panics included.
//!
//! The level comes from `TIEOUT_LOG` in the syntax of `tracing`'s `EnvFilter`,
//! for example `info,lapin=warn`. Redaction and escaping live in `json_lines`.

use std::any::Any;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::json_lines::JsonLines;

/// The variable that sets the level.
pub const VARIABLE: &str = "TIEOUT_LOG";

/// Starts logging for this process, once; later calls change nothing.
pub fn start(service: &'static str, filter: EnvFilter) {
    let lines = JsonLines::new(service, std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        panic.location = location,
        panic.thread = thread.name().unwrap_or("unnamed"),
        "panicked: {}",
        panic_text(panic.payload())
    );
}

/// The words of a panic, also for one caught at a job's border.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no words")
}

/// The default level of every part.
pub(crate) fn default_filter() -> EnvFilter {
    EnvFilter::new("info")
}

/// What libraries say at length and what we say ourselves where it matters: lapin logs whole messages that nobody listens
/// to and calls an orderly close an error; sqlx complains of each wait for a connection, which is how lanes queue.
const TALKATIVE: [(&str, &str); 2] = [
    ("lapin", "lapin=off"),
    ("sqlx::pool", "sqlx::pool::acquire=off"),
];

/// Quiets the talkative, unless the filter names them.
pub(crate) fn quieted(filter: EnvFilter) -> EnvFilter {
    let asked = filter.to_string();
    TALKATIVE
        .iter()
        .filter(|(name, _)| !asked.contains(name))
        .fold(filter, |filter, (_, directive)| {
            let directive = directive.parse();
            filter.add_directive(directive.expect("the directives above are well-formed"))
        })
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
