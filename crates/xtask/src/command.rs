//! Runs a program in the foreground: its output is ours, Ctrl-C reaches it, its failure has a name.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::failure::{Context, Failure, Result};
use crate::place::{self, Place};
use crate::services::process::Identity;
use crate::wait;

/// What cargo and its tests get to end by themselves after Ctrl-C.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// Cargo in the work tree, with SQL checked against the committed data and not against a server.
pub(crate) fn cargo(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args(arguments)
        .current_dir(&place.root)
        .env("SQLX_OFFLINE", "true")
        .env_remove("DATABASE_URL");
    command
}

/// Runs `command` to its end; a failure names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` failed ({status})",
        line_of(command)
    )))
}

/// Runs `command` to its end. It gets a group of its own, so that one signal to us reaches all of it
/// once and in our order: first the command, then the servers it uses.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .context(|| format!("cannot run `{}`", line_of(command)))?;
    watch(&mut child)
}

/// Waits for `child`, which leads a group; Ctrl-C ends the whole group.
pub(crate) fn watch(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            wait::stop_if_interrupted()?;
            return Ok(status);
        }
        if wait::is_interrupted() {
            stop_group(child.id());
            child.wait()?;
            return Err(Failure::new("interrupted"));
        }
        wait::pause();
    }
}

fn stop_group(leader: u32) {
    let Some(process) = Identity::of(leader) else {
        return;
    };
    process.signal_group(Signal::INT);
    process.stop(Signal::INT, STOP_GRACE);
}

/// The command as a person would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .fold(name, |line, argument| format!("{line} {argument}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_named_with_its_arguments() {
        let failure = run(Command::new("/bin/sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "`sh -c exit 3` failed (exit status: 3)"
        );
    }
}
