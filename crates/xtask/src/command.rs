//! Runs a program in the foreground: its output is ours, Ctrl-C reaches it, its failure has a name.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::failure::{Context, Failure, Result};
use crate::place::{self, Place};
use crate::services::process::Identity;
use crate::wait::{self, Stopwatch};

/// What cargo and its tests get to end by themselves after Ctrl-C.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// What cargo tells the programs it runs, such as this one, about their own package.
const OWN_PACKAGE: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// Cargo in the work tree, with SQL checked against the committed data and not against a server.
///
/// It must not hear of our own package: the build script of ring asks to be run again when that changes, and all that
/// depends on ring would be built anew whenever cargo is run by us, by a test and by hand in turn.
pub(crate) fn cargo(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args(arguments)
        .current_dir(&place.root)
        .env("SQLX_OFFLINE", "true")
        .env_remove("DATABASE_URL");
    for (name, _) in std::env::vars_os() {
        let is_ours = |prefix| name.to_string_lossy().starts_with(prefix);
        if OWN_PACKAGE.into_iter().any(is_ours) {
            command.env_remove(name);
        }
    }
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
    watch(&mut spawn(command)?)
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .context(|| format!("cannot run `{}`", line_of(command)))
}

/// How a command with a time limit ended.
pub(crate) enum Limited {
    Ended(ExitStatus),
    TimedOut,
}

impl Limited {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Ended(status) if status.success())
    }
}

/// As `status`, but the whole group is stopped when `limit` has passed.
pub(crate) fn run_limited(command: &mut Command, limit: Duration) -> Result<Limited> {
    let watch = Stopwatch::start();
    let mut child = spawn(command)?;
    follow(&mut child, || watch.elapsed() > limit)
}

/// Waits for `child`, which leads a group; Ctrl-C ends the whole group.
pub(crate) fn watch(child: &mut Child) -> Result<ExitStatus> {
    match follow(child, || false)? {
        Limited::Ended(status) => Ok(status),
        Limited::TimedOut => unreachable!("without a limit nothing times out"),
    }
}

fn follow(child: &mut Child, is_late: impl Fn() -> bool) -> Result<Limited> {
    loop {
        if let Some(status) = child.try_wait()? {
            wait::stop_if_interrupted()?;
            return Ok(Limited::Ended(status));
        }
        if wait::is_interrupted() {
            stop_group(child.id());
            child.wait()?;
            return Err(Failure::new("interrupted"));
        }
        if is_late() {
            stop_group(child.id());
            child.wait()?;
            return Ok(Limited::TimedOut);
        }
        wait::pause();
    }
}

/// Asks the group to end, then kills what is left of it. The leader has not been waited for yet, so its
/// number still means this group.
fn stop_group(leader: u32) {
    let Some(process) = Identity::of(leader) else {
        return;
    };
    process.signal_group(Signal::INT);
    process.stop(Signal::INT, STOP_GRACE);
    process.kill_rest_of_group();
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

    #[test]
    fn a_command_over_its_limit_is_stopped_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60.125 & wait"]);
        let ended = run_limited(&mut command, Duration::from_millis(100)).unwrap();
        assert!(matches!(ended, Limited::TimedOut));
    }
}
