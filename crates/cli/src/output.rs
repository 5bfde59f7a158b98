//! Everything that is printed: tables and lines for people, JSON for machines, complaints to standard error.
//!
//! What comes from databases and messages is made safe for a terminal first: see [`crate::plain`].

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use crate::failed::Failed;

/// Prints a line for a person.
pub(crate) fn say(line: impl AsRef<str>) -> Result<(), Failed> {
    unless_closed(writeln!(io::stdout(), "{}", line.as_ref()))
}

/// Prints one JSON value on a line of its own.
pub(crate) fn say_json(value: &impl Serialize) -> Result<(), Failed> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    say(text)
}

/// Prints why a command failed, and answers its exit code.
pub(crate) fn complain(failed: &Failed) -> ExitCode {
    warn(runtime::chain(failed));
    ExitCode::from(failed.exit_code())
}

/// Prints something that went wrong on the way.
pub(crate) fn warn(line: impl AsRef<str>) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "tieout: {}", line.as_ref());
}

/// Prints what clap has to say: help, version, or what is wrong with the arguments.
pub(crate) fn explain_usage(asked: &clap::Error) -> ExitCode {
    let _ = asked.print();
    ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(2))
}

/// A reader that has seen enough, such as `head`, is no failure.
fn unless_closed(written: io::Result<()>) -> Result<(), Failed> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failed::Io(error)),
        _ => Ok(()),
    }
}
