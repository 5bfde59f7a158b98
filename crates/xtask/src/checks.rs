//! `cargo xtask test` and `cargo xtask check`: the checks, in order, with their times at the end.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::clients;
use crate::command;
use crate::failure::{Failure, Result};
use crate::place::{self, Place};
use crate::services::{Instance, Needs, Services};
use crate::sql;
use crate::terminal::{announce, complain, say};
use crate::wait::{self, Stopwatch};

#[derive(Args)]
pub(crate) struct TestOptions {
    /// Run only the integration tests whose names contain this, with servers provided
    filter: Option<String>,
    /// Arguments for the test binary
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// How one check ended.
enum Ending {
    Passed,
    Skipped(&'static str),
    Failed(Failure),
}

/// The checks run so far. A failed one does not stop the others: one run shows everything there is.
#[derive(Default)]
struct Checks {
    rows: Vec<(&'static str, Duration, Ending)>,
}

impl Checks {
    fn run(&mut self, name: &'static str, check: impl FnOnce() -> Result<Ending>) -> Result<()> {
        announce(name);
        let watch = Stopwatch::start();
        let ending = check().unwrap_or_else(Ending::Failed);
        wait::stop_if_interrupted()?;
        match &ending {
            Ending::Passed => {}
            Ending::Skipped(reason) => say(format!("skipped: {reason}")),
            Ending::Failed(failure) => complain(format!("{name}: {failure}")),
        }
        self.rows.push((name, watch.elapsed(), ending));
        Ok(())
    }

    fn command(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        self.run(name, || command::run(command).map(|()| Ending::Passed))
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for (name, took, ending) in &self.rows {
            let ending = match ending {
                Ending::Passed => "passed".to_owned(),
                Ending::Skipped(reason) => format!("skipped: {reason}"),
                Ending::Failed(_) => "FAILED".to_owned(),
            };
            let seconds = took.as_secs_f32();
            let _ = writeln!(table, "{name:<24}{seconds:>8.1} s  {ending}");
        }
        let total: Duration = self.rows.iter().map(|(_, took, _)| *took).sum();
        let _ = write!(table, "{:<24}{:>8.1} s", "total", total.as_secs_f32());
        table
    }

    fn conclude(&self, summaries: &[String]) -> Result<()> {
        announce("times");
        say(self.table());
        if !summaries.is_empty() {
            announce("tests");
            summaries.iter().for_each(say);
        }
        self.verdict()
    }

    fn verdict(&self) -> Result<()> {
        let failed: Vec<&str> = self
            .rows
            .iter()
            .filter(|(_, _, ending)| matches!(ending, Ending::Failed(_)))
            .map(|(name, _, _)| *name)
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("failed: {}", failed.join(", "))))
    }
}

/// Every check CI runs.
pub(crate) fn test(place: &Place, options: &TestOptions) -> Result<()> {
    if let Some(filter) = &options.filter {
        return some_tests(place, filter, &options.arguments);
    }
    let mut checks = Checks::default();
    static_checks(place, &mut checks)?;
    checks.command(
        "documentation",
        command::cargo(place, &["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    let mut services = None;
    checks.run("servers", || {
        let provided = Services::provide(place, Instance::TEST, Needs::DatabaseAndBroker)?;
        services = Some(provided);
        Ok(Ending::Passed)
    })?;
    let Some(services) = services else {
        return checks.conclude(&[]);
    };
    checks.run("offline SQL data", || {
        sql::check(place, &services).map(|()| Ending::Passed)
    })?;
    checks.command(
        "all binaries",
        &mut command::cargo(place, &["build", "--workspace", "--bins", "--quiet"]),
    )?;
    checks.run("foreign clients", || {
        clients::drive(place, None).map(|outcome| match outcome {
            clients::Outcome::Passed => Ending::Passed,
            clients::Outcome::Unavailable => Ending::Skipped("no Python or no libraries here"),
        })
    })?;
    let mut summaries = Vec::new();
    checks.run("tests", || {
        let mut command = command::cargo(place, &["test", "--workspace", "--no-fail-fast"]);
        command.envs(services.environment());
        command.args(["--"]).args(&options.arguments);
        run_tests(&mut command, io::stdout(), &mut summaries).map(|()| Ending::Passed)
    })?;
    drop(services);
    supply_chain(place, &mut checks)?;
    checks.conclude(&summaries)
}

/// The fast subset, for while one is writing.
pub(crate) fn check(place: &Place) -> Result<()> {
    let mut checks = Checks::default();
    static_checks(place, &mut checks)?;
    let mut summaries = Vec::new();
    checks.run("unit tests", || {
        let mut command = command::cargo(place, &["test", "--workspace", "--lib", "--bins"]);
        run_tests(&mut command, io::stdout(), &mut summaries).map(|()| Ending::Passed)
    })?;
    checks.conclude(&summaries)
}

fn static_checks(place: &Place, checks: &mut Checks) -> Result<()> {
    checks.command(
        "format",
        &mut command::cargo(place, &["fmt", "--all", "--check"]),
    )?;
    let arguments = ["clippy", "--workspace", "--all-targets", "--quiet"];
    let mut clippy = command::cargo(place, &arguments);
    checks.command("lints", clippy.args(["--", "-D", "warnings"]))
}

fn some_tests(place: &Place, filter: &str, arguments: &[String]) -> Result<()> {
    let services = Services::provide(place, Instance::TEST, Needs::DatabaseAndBroker)?;
    command::run(&mut command::cargo(
        place,
        &["build", "--workspace", "--bins", "--quiet"],
    ))?;
    let selection = ["test", "-p", "tests", "--test", "integration", "--"];
    command::run(
        command::cargo(place, &selection)
            .arg(filter)
            .args(arguments)
            .envs(services.environment()),
    )
}

/// Licences, bans, sources and advisories, as far as the tools and their database are installed.
fn supply_chain(place: &Place, checks: &mut Checks) -> Result<()> {
    checks.run("cargo deny", || {
        if place::program("cargo-deny").is_none() {
            return Ok(Ending::Skipped("cargo-deny is not installed"));
        }
        // The tool looks at the crates of every target, also those that are not built here.
        command::run(&mut command::cargo(
            place,
            &["fetch", "--quiet", "--locked"],
        ))?;
        let arguments = ["deny", "--offline", "check", "--hide-inclusion-graph"];
        let mut deny = command::cargo(place, &arguments);
        if !has_entries(&cargo_home().join("advisory-dbs")) {
            say("no advisory database on this machine: advisories are not checked");
            deny.args(["bans", "licenses", "sources"]);
        }
        command::run(&mut deny).map(|()| Ending::Passed)
    })?;
    checks.run("cargo audit", || {
        if place::program("cargo-audit").is_none() {
            return Ok(Ending::Skipped("cargo-audit is not installed"));
        }
        if !has_entries(&cargo_home().join("advisory-db")) {
            return Ok(Ending::Skipped("no advisory database on this machine"));
        }
        let mut audit = command::cargo(place, &["audit", "--no-fetch", "--stale"]);
        command::run(&mut audit).map(|()| Ending::Passed)
    })
}

fn cargo_home() -> PathBuf {
    env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    )
}

fn has_entries(folder: &std::path::Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Runs `cargo test`, writes its output to `shown` as it comes, keeps the summary line of each binary.
fn run_tests(
    command: &mut Command,
    mut shown: impl Write + Send + 'static,
    summaries: &mut Vec<String>,
) -> Result<()> {
    // One pipe for both streams: cargo names a binary on one and its tests report on the other.
    let (reader, writer) = io::pipe()?;
    if io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let line = command::line_of(command);
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    // The command holds the writing ends; the reader sees the end only when they are gone.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let collector = thread::spawn(move || {
        let mut collected = Summaries::default();
        for line in BufReader::new(reader)
            .split(b'\n')
            .map_while(io::Result::ok)
        {
            let _ = shown.write_all(&line).and_then(|()| shown.write_all(b"\n"));
            collected.read(&String::from_utf8_lossy(&line));
        }
        collected.lines
    });
    let status = command::watch(&mut child)?;
    summaries.extend(collector.join().unwrap_or_default());
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{line}` failed ({status})")))
}

/// Reads the output of `cargo test` line by line.
#[derive(Default)]
struct Summaries {
    binary: String,
    lines: Vec<String>,
}

impl Summaries {
    fn read(&mut self, line: &str) {
        let plain = without_colours(line);
        let plain = plain.trim();
        if let Some(rest) = plain.strip_prefix("Running ") {
            self.binary = binary_in(rest);
        } else if let Some(name) = plain.strip_prefix("Doc-tests ") {
            self.binary = format!("{name} (documentation)");
        } else if plain.starts_with("test result: ") && !plain.contains(" 0 passed; 0 failed;") {
            self.lines.push(format!("{}: {plain}", self.binary));
        }
    }
}

/// `unittests src/lib.rs (target/debug/deps/model-0123)` is `model`.
fn binary_in(running: &str) -> String {
    let path = running.rsplit_once('(').map_or(running, |(_, path)| path);
    let file = path
        .trim_end_matches(')')
        .rsplit('/')
        .next()
        .unwrap_or(path);
    file.rsplit_once('-')
        .map_or(file, |(name, _)| name)
        .to_owned()
}

fn without_colours(line: &str) -> String {
    let mut pieces = line.split('\x1b');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, text)| text));
    }
    plain
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
