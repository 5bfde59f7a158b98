//! One background process: who it is, whether it lives, how it is ended, what it last wrote.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::failure::{Context, Result};
use crate::place;
use crate::wait;

/// How long a process may take to die after SIGKILL; only a stuck kernel needs more.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// A process told apart from a later one that got the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pid: i32,
    /// Start time in clock ticks after boot.
    born: u64,
}

impl Identity {
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let (state, born) = stat(pid)?;
        (state != 'Z').then_some(Self { pid, born })
    }

    /// The processes it has started and not outlived.
    pub(crate) fn children(self) -> Result<Vec<Self>> {
        let mut children = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if parent_in(&text) == Some(self.pid) {
                children.extend(Self::of(pid));
            }
        }
        Ok(children)
    }

    pub(crate) fn pid(self) -> i32 {
        self.pid
    }

    pub(crate) fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|(state, born)| state != 'Z' && born == self.born)
    }

    /// Sends `signal` to the process and all it started in its group.
    pub(crate) fn signal_group(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            // The group may have ended since the look.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Sends `signal` to the process alone.
    pub(crate) fn signal(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            // It may have ended since the look.
            let _ = kill_process(pid, signal);
        }
    }

    /// Kills what outlived the leader of the group. Only before the leader is waited for: after that its
    /// number may mean another group.
    pub(crate) fn kill_rest_of_group(self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Asks with `signal`, waits for `grace`, then kills the whole group.
    pub(crate) fn stop(self, signal: Signal, grace: Duration) {
        self.signal(signal);
        self.wait_or_kill(grace);
    }

    /// Waits for `grace`, then kills the whole group.
    pub(crate) fn wait_or_kill(self, grace: Duration) {
        if !wait::until_stopped(grace, || !self.is_alive()) {
            self.signal_group(Signal::KILL);
            self.signal(Signal::KILL);
            wait::until_stopped(KILL_LIMIT, || !self.is_alive());
        }
    }
}

/// State letter and start time out of the kernel's process table.
fn stat(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&text)
}

/// The name in brackets may hold blanks and brackets itself, so the fields count from its last bracket.
fn parse_stat(text: &str) -> Option<(char, u64)> {
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    // Field 22 of the line is the 19th after the state.
    let born = fields.nth(18)?.parse().ok()?;
    Some((state, born))
}

/// The second field after the name.
fn parent_in(text: &str) -> Option<i32> {
    let (_, fields) = text.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// Starts `command` in a group of its own with its output in `log`.
pub(crate) fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let file = File::create(log).context(|| format!("cannot write {}", log.display()))?;
    let also = file.try_clone()?;
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(also)
        .spawn()
        .context(|| format!("cannot start {}", command.get_program().display()))
}

/// A command that gets `signal` when this process dies without having stopped it (a SIGKILL from
/// outside), and runs as `user` if one is named. Without `setpriv` it is the plain command.
pub(crate) fn tied_to_us(program: &Path, signal: &str, user: Option<&str>) -> Command {
    let Some(setpriv) = place::program("setpriv") else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", signal]);
    if let Some(user) = user {
        command
            .args(["--reuid", user, "--regid", user])
            .arg("--init-groups");
    }
    command.arg("--").arg(program);
    command
}

/// The last lines of a log, indented, for the text of a failure.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 25;
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LINES)..];
    let mut out = format!("last lines of {}:", log.display());
    for line in shown {
        out.push_str("\n    ");
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_brackets_does_not_shift_the_fields() {
        let line = "42 (a) b) (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        assert_eq!(parse_stat(line), Some(('S', 987_654)));
        assert_eq!(parent_in(line), Some(1));
    }

    #[test]
    fn this_process_is_alive_and_a_namesake_born_later_is_not() {
        let own = Identity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        let namesake = Identity {
            born: own.born + 1,
            ..own
        };
        assert!(!namesake.is_alive());
    }

    #[test]
    fn a_process_that_ignores_the_polite_signal_is_killed() {
        let mut child = Command::new("sh")
            .args([
                "-c",
                "trap '' TERM; echo ready; while :; do sleep 0.05; done",
            ])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let process = Identity::of(child.id()).unwrap();
        process.stop(Signal::TERM, Duration::from_millis(100));
        assert!(!process.is_alive());
        assert!(!child.wait().unwrap().success());
    }
}
