//! The scheduler binary: one of its processes leads, the others stand by.

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime::process::main("scheduler", scheduler::Config::read, scheduler::run)
}
