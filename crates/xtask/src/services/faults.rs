//! Breaking private servers on purpose, and bringing them back with the data they left.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::process::Identity;
use super::{BROKER, DATABASE, Server, Services};
use crate::command;
use crate::failure::{Context, Failure, Result};
use crate::wait;

/// Backends notice the end of their server at once; one in the middle of a checkpoint a little later.
const BACKENDS_LIMIT: Duration = Duration::from_secs(30);

impl Services {
    /// Kills the broker without a word to it.
    pub(crate) fn kill_broker(&mut self) -> Result<()> {
        let broker = self.server(BROKER)?;
        broker.child.kill()?;
        broker.child.wait()?;
        Ok(())
    }

    /// Starts the killed broker with the data it left, and waits until it speaks.
    pub(crate) fn start_broker_again(&mut self) -> Result<()> {
        let child = self.site.broker_child()?;
        self.replace(BROKER, child)
    }

    /// Stops the broker's process where it stands, its sockets open.
    pub(crate) fn freeze_broker(&mut self) -> Result<()> {
        self.signal(BROKER, Signal::STOP)
    }

    /// Lets the broker's process go on.
    pub(crate) fn thaw_broker(&mut self) -> Result<()> {
        self.signal(BROKER, Signal::CONT)
    }

    /// `rabbitmqctl` with these arguments, for the private broker.
    pub(crate) fn broker_control(&self, arguments: &[&str]) -> Result<Command> {
        let folder = self
            .control_folder
            .as_ref()
            .context(|| "the broker is not ours to control".to_owned())?;
        let mut control = Command::new(folder.join("rabbitmqctl"));
        control.arg("--quiet").args(arguments);
        Ok(control)
    }

    /// Runs `rabbitmqctl` and returns what it printed.
    pub(crate) fn ask_broker(&self, arguments: &[&str]) -> Result<String> {
        let mut control = self.broker_control(arguments)?;
        let output = control
            .output()
            .context(|| format!("cannot run `{}`", command::line_of(&control)))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Failure::new(format!(
            "`{}` failed ({}): {}",
            command::line_of(&control),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )))
    }

    /// Kills the database's main process without a word to it; its backends end by themselves.
    pub(crate) fn kill_database(&mut self) -> Result<()> {
        self.end_database(Signal::KILL)
    }

    /// The immediate shutdown: everybody drops everything, nothing is written back.
    pub(crate) fn shut_database_down_at_once(&mut self) -> Result<()> {
        self.end_database(Signal::QUIT)
    }

    /// Starts the ended database with the data it left, and waits until it answers.
    pub(crate) fn start_database_again(&mut self) -> Result<()> {
        let child = self.site.database_child()?;
        self.replace(DATABASE, child)
    }

    fn end_database(&mut self, signal: Signal) -> Result<()> {
        let database = self.server(DATABASE)?;
        let process = Identity::of(database.child.id())
            .context(|| "the database is not running".to_owned())?;
        let backends = process.children()?;
        process.signal(signal);
        database.child.wait()?;
        // The data must not be opened twice: the start removes the file that would prevent it.
        let are_gone = wait::until_stopped(BACKENDS_LIMIT, || {
            backends.iter().all(|backend| !backend.is_alive())
        });
        if are_gone {
            return Ok(());
        }
        Err(Failure::new(format!(
            "backends outlived their database by {BACKENDS_LIMIT:?}"
        )))
    }

    fn signal(&mut self, name: &'static str, signal: Signal) -> Result<()> {
        let process = Identity::of(self.server(name)?.child.id())
            .context(|| format!("{name} is not running"))?;
        process.signal(signal);
        Ok(())
    }

    fn server(&mut self, name: &'static str) -> Result<&mut Server> {
        self.children
            .iter_mut()
            .find(|server| server.name == name)
            .context(|| format!("{name} is not ours"))
    }

    fn replace(&mut self, name: &'static str, child: std::process::Child) -> Result<()> {
        self.server(name)?.child = child;
        self.remember()
    }
}
