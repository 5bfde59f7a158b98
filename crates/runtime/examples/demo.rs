//! A minimal process on this furniture; `tests/process.rs` drives it as a child.
//!
//! `DEMO_TASK` chooses what it does: `wait` for a stop, `fail`, `panic`,
//! `linger` beyond the request to stop, or `pass` three stop points and end.

use std::process::ExitCode;

use runtime::{Process, Settings, halt};

#[derive(Debug, thiserror::Error)]
#[error("books do not balance")]
struct Failed(#[source] std::fmt::Error);

fn main() -> ExitCode {
    runtime::process::main(
        "demo",
        |settings: &mut Settings| settings.required("DEMO_TASK"),
        run,
    )
}

async fn run(process: Process, task: String) -> Result<(), Failed> {
    let work = process.health.component("work");
    work.ready();
    match task.as_str() {
        "wait" => process.shutdown.requested().await,
        "fail" => return Err(Failed(std::fmt::Error)),
        "panic" => panic!("first line\nsecond line"),
        "linger" => std::future::pending().await,
        "pass" => {
            for passing in 1..=3 {
                halt::point("07-claimed");
                tracing::info!(passing, "passed {passing}");
            }
        }
        other => tracing::info!("nothing to do for {other}"),
    }
    Ok(())
}
