//! The producer binary: listens for `ProjectLedger`'s events.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::process::main("producer", producer::Config::read, producer::run)
}
