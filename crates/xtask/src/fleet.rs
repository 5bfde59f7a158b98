//! The processes of a demo: started with their environment, watched, measured, stopped together.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::Signal;
use serde::Serialize;

use crate::failure::{Context, Failure, Result};
use crate::http;
use crate::services::process::{self, Identity};
use crate::wait;

/// The kernel counts processor time for programs in hundredths of a second on every architecture.
const TICKS_PER_SECOND: u64 = 100;

/// A binary that has not said its address by then has not started.
const ADDRESS_LIMIT: Duration = Duration::from_secs(20);

/// First connections, declarations and migrations checks included.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// Longer than the binaries' own grace period with its margin (25 s), so that they end by themselves.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// All processes started so far; dropping it stops them.
#[derive(Default)]
pub(crate) struct Fleet {
    members: Vec<Member>,
}

struct Member {
    name: String,
    recipe: Recipe,
    child: Child,
    log: PathBuf,
    starts: u32,
    use_so_far: Use,
}

/// What it takes to start a process once more.
struct Recipe {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    logs: PathBuf,
}

/// What a process has used.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Use {
    peak_rss_bytes: u64,
    cpu: Duration,
}

/// A process's row in the report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProcessUse {
    pub(crate) name: String,
    pub(crate) peak_rss_bytes: u64,
    pub(crate) cpu_seconds: f64,
}

/// What to start.
pub(crate) struct Start<'a> {
    pub(crate) name: &'a str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [&'a str],
    pub(crate) environment: &'a [(&'a str, String)],
    pub(crate) logs: &'a Path,
}

impl Fleet {
    /// Starts one process; its output goes to `<logs>/<name>.log`.
    pub(crate) fn start(&mut self, start: &Start<'_>) -> Result<()> {
        fs::create_dir_all(start.logs)?;
        let recipe = Recipe::of(start);
        let log = start.logs.join(format!("{}.log", start.name));
        let child = recipe.spawn(&log)?;
        self.members.push(Member {
            name: start.name.to_owned(),
            recipe,
            child,
            log,
            starts: 1,
            use_so_far: Use::default(),
        });
        Ok(())
    }

    /// Starts again which of `names` have ended, as a container platform would, and says which. A later
    /// start writes a log of its own.
    pub(crate) fn restart_ended(&mut self, names: &[&str]) -> Result<Vec<String>> {
        let mut restarted = Vec::new();
        for member in &mut self.members {
            if !names.contains(&member.name.as_str()) || member.child.try_wait()?.is_none() {
                continue;
            }
            member.starts += 1;
            let log = format!("{}.{}.log", member.name, member.starts);
            member.log = member.recipe.logs.join(log);
            member.child = member.recipe.spawn(&member.log)?;
            restarted.push(member.name.clone());
        }
        Ok(restarted)
    }

    /// Kills a process without a word to it, and waits until it is gone.
    pub(crate) fn kill(&mut self, name: &str) -> Result<()> {
        let member = self
            .members
            .iter_mut()
            .find(|member| member.name == name)
            .context(|| format!("there is no process {name}"))?;
        member.child.kill()?;
        member.child.wait()?;
        Ok(())
    }

    /// Waits until a line of the log of `name` holds what `find` looks for.
    pub(crate) fn read_log<T>(
        &mut self,
        name: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let found = wait::until(ADDRESS_LIMIT, || {
            self.fail_if_one_ended()?;
            let member = self.member(name)?;
            let log = fs::read(&member.log).unwrap_or_default();
            Ok(String::from_utf8_lossy(&log).lines().find_map(&find))
        })?;
        found.context(|| match self.member(name) {
            Ok(member) => format!(
                "{name} did not say its address; {}",
                process::tail(&member.log)
            ),
            Err(failure) => failure.to_string(),
        })
    }

    /// Waits until the admin listener of `name` reports readiness, and returns its address.
    pub(crate) fn wait_until_ready(&mut self, name: &str) -> Result<SocketAddr> {
        let address = self.read_log(name, admin_address)?;
        let mut last = String::from("no answer");
        let ready = wait::until(READY_LIMIT, || {
            self.fail_if_one_ended()?;
            match http::get(address, "/health/ready") {
                Ok(answer) if answer.status == 200 => return Ok(Some(())),
                Ok(answer) => last = answer.body,
                Err(failure) => last = failure.to_string(),
            }
            Ok(None)
        })?;
        ready.context(|| format!("{name} is not ready after {READY_LIMIT:?}: {last}"))?;
        Ok(address)
    }

    /// Takes a new look at what every process has used. Peaks are the kernel's own, so that rare looks
    /// lose nothing but what happens after the last one.
    pub(crate) fn measure(&mut self) {
        for member in &mut self.members {
            if let Some(used) = use_of(member.child.id()) {
                member.use_so_far = used;
            }
        }
    }

    /// What every process has used, as of the last look.
    pub(crate) fn uses(&self) -> Vec<ProcessUse> {
        self.members
            .iter()
            .map(|member| ProcessUse {
                name: member.name.clone(),
                peak_rss_bytes: member.use_so_far.peak_rss_bytes,
                cpu_seconds: member.use_so_far.cpu.as_secs_f64(),
            })
            .collect()
    }

    /// A process that ended by itself has failed, whatever its exit code.
    pub(crate) fn fail_if_one_ended(&mut self) -> Result<()> {
        for member in &mut self.members {
            if let Some(status) = member.child.try_wait()? {
                return Err(Failure::new(format!(
                    "{} ended by itself ({status}); {}",
                    member.name,
                    process::tail(&member.log)
                )));
            }
        }
        Ok(())
    }

    /// Stops all: everyone is asked first, the last started one first, then waited for.
    pub(crate) fn stop(&mut self) {
        for member in self.members.iter().rev() {
            if let Some(process) = Identity::of(member.child.id()) {
                process.signal(Signal::TERM);
            }
        }
        while let Some(mut member) = self.members.pop() {
            if let Some(process) = Identity::of(member.child.id()) {
                process.wait_or_kill(STOP_GRACE);
            }
            // Only to take the entry out of the process table.
            let _ = member.child.wait();
        }
    }

    fn member(&self, name: &str) -> Result<&Member> {
        self.members
            .iter()
            .find(|member| member.name == name)
            .context(|| format!("there is no process {name}"))
    }
}

impl Recipe {
    fn of(start: &Start<'_>) -> Self {
        let environment = start.environment.iter();
        Self {
            program: start.program.to_owned(),
            arguments: start
                .arguments
                .iter()
                .map(|&text| text.to_owned())
                .collect(),
            environment: environment
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            logs: start.logs.to_owned(),
        }
    }

    fn spawn(&self, log: &Path) -> Result<Child> {
        let mut command = process::tied_to_us(&self.program, "TERM", None);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        process::spawn(&mut command, log)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The address in the line `admin listens on 127.0.0.1:9000`, plain or as a field of a JSON line.
fn admin_address(line: &str) -> Option<SocketAddr> {
    address_after(line, "admin listens on ")
}

/// The address in the line `listening on http://127.0.0.1:8080`.
pub(crate) fn listening_address(line: &str) -> Option<SocketAddr> {
    address_after(line, "listening on http://")
}

fn address_after(line: &str, words: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(words)?;
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ':')
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn use_of(pid: u32) -> Option<Use> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(Use {
        peak_rss_bytes: peak_rss_in(&status)?,
        cpu: cpu_in(&stat)?,
    })
}

/// `VmHWM:     12345 kB`, the highest the resident set has been; a dead process has none.
fn peak_rss_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// User and system time, fields 14 and 15 of the line; its name may hold blanks and brackets.
fn cpu_in(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let ticks = user.checked_add(system)?;
    Some(Duration::from_millis(ticks * (1000 / TICKS_PER_SECOND)))
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
