//! Everything this crate writes to the terminal goes through here.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Prints one line; a closed pipe is the reader's choice and no failure of ours.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Prints one line of the runner itself, set apart from the output of what it runs.
pub(crate) fn announce(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = if out.is_terminal() {
        writeln!(out, "\x1b[1;36m==>\x1b[0m \x1b[1m{line}\x1b[0m")
    } else {
        writeln!(out, "==> {line}")
    };
    let _ = out.flush();
}

/// Prints one line about a failure, on the stream for it.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "xtask: {line}");
}
