//! One ProjectLedger that publishes a month of one account at a steady rate, in the background.

use std::fs;
use std::path::PathBuf;
use std::process::Child;

use rustix::process::Signal;

use crate::company::{Company, Nature, Published};
use crate::failure::{Failure, Result};
use crate::services::process::{self, Identity};
use crate::stage::Stage;

/// With their updates and voids about 360 events: nine seconds, and what an outage adds.
const CLIENTS: &str = "30";
const INVOICES: &str = "270";

/// Events a second. What an outage held up is published at once when it is over.
const RATE: &str = "40";

/// How long a publisher may take to end when the whole run is given up.
const STOP_GRACE: std::time::Duration = std::time::Duration::from_secs(2);

/// A publisher at work, or done.
pub(super) struct Load {
    pub(super) company: Company,
    child: Child,
    log: PathBuf,
}

impl Load {
    /// Connects the company of this account and starts publishing.
    pub(super) fn start(stage: &Stage, account: u32) -> Result<Self> {
        let company = Company::found(stage, account, Nature::Plain)?;
        let number = company.account();
        let arguments = [
            ["--account", &number],
            ["--seed", &number],
            ["--clients", CLIENTS],
            ["--invoices", INVOICES],
            ["--rate", RATE],
        ];
        let name = format!("projectledger-{number}");
        let (child, log) = stage.beside(&name, "projectledger", arguments.as_flattened())?;
        Ok(Self {
            company,
            child,
            log,
        })
    }

    /// Whether everything is published. A publisher that gave up is a failure: it repeats what was not
    /// confirmed for longer than any outage lasts.
    pub(super) fn is_over(&mut self) -> Result<bool> {
        match self.child.try_wait()? {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(status) => Err(Failure::new(format!(
                "the publisher failed ({status}); {}",
                process::tail(&self.log)
            ))),
        }
    }

    /// What it said in the end.
    pub(super) fn published(&self) -> Result<Published> {
        Published::from_output(&fs::read_to_string(&self.log)?)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(process) = Identity::of(self.child.id()) {
            process.stop(Signal::TERM, STOP_GRACE);
        }
        // Only to take the entry out of the process table.
        let _ = self.child.wait();
    }
}
