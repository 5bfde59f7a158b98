//! `cargo xtask seeded`: plants one known bug at a time and expects its named test to catch it.
//!
//! The work tree is copied to `target/seeded/src`; only what differs is written, so that builds there stay
//! incremental. Each test must first pass without any bug, or its failure would prove nothing.

mod copy;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::command::{self, Limited};
use crate::failure::{Context, Failure, Result};
use crate::place::Place;
use crate::services::{Instance, Needs, Services};
use crate::sql;
use crate::terminal::{announce, say};
use crate::wait::Stopwatch;
use table::{Bug, Edit};

/// A test that a bug makes hang has noticed it, too; the slowest sweep takes a few minutes.
const TEST_LIMIT: Duration = Duration::from_mins(15);

/// The database the checked SQL of a planted bug is checked against.
const DATABASE: &str = "tieout_seeded";

#[derive(Args)]
pub(crate) struct SeededOptions {
    /// The bug to plant
    #[arg(required_unless_present_any = ["list", "all"])]
    name: Option<String>,
    /// Show the table
    #[arg(long)]
    list: bool,
    /// Plant all of them, one after the other
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

/// How a test took a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Caught,
    CaughtByHanging,
    Missed,
    DoesNotCompile,
    /// The test fails, or does not exist, without the bug.
    ProvesNothing,
}

impl Verdict {
    fn is_caught(self) -> bool {
        matches!(self, Self::Caught | Self::CaughtByHanging)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::CaughtByHanging => "caught (the test ran into its limit)",
            Self::Missed => "MISSED",
            Self::DoesNotCompile => "DOES NOT COMPILE",
            Self::ProvesNothing => "PROVES NOTHING: the test does not pass without the bug",
        }
    }
}

pub(crate) fn run(place: &Place, options: &SeededOptions) -> Result<()> {
    let bugs = table::read(&place.root.join("tests/seeded/bugs.toml"))?;
    if options.list {
        for bug in &bugs {
            say(format!("{:<44} {}", bug.name, bug.test));
        }
        return Ok(());
    }
    let chosen: Vec<Bug> = bugs
        .into_iter()
        .filter(|bug| options.all || Some(&bug.name) == options.name.as_ref())
        .collect();
    if chosen.is_empty() {
        return Err(Failure::new("there is no such bug; see --list"));
    }
    let services = Services::provide(place, Instance::SEEDED, Needs::DatabaseAndBroker)?;
    let field = Field::prepare(place, &services)?;
    let sound = field.tests_that_pass(&chosen)?;
    let mut rows = Vec::new();
    for bug in &chosen {
        let watch = Stopwatch::start();
        let verdict = if sound.contains(&bug.test) {
            field.try_out(bug)?
        } else {
            Verdict::ProvesNothing
        };
        say(format!("{}: {}", bug.name, verdict.words()));
        rows.push((bug.name.clone(), verdict, watch.elapsed()));
    }
    conclude(&rows)
}

fn conclude(rows: &[(String, Verdict, Duration)]) -> Result<()> {
    announce("seeded bugs");
    for (name, verdict, took) in rows {
        let seconds = took.as_secs_f32();
        say(format!("{name:<44}{seconds:>8.1} s  {}", verdict.words()));
    }
    let verdicts: Vec<Verdict> = rows.iter().map(|(_, verdict, _)| *verdict).collect();
    all_caught(&verdicts)
}

fn all_caught(verdicts: &[Verdict]) -> Result<()> {
    let caught = verdicts
        .iter()
        .filter(|verdict| verdict.is_caught())
        .count();
    if caught == verdicts.len() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{caught} of {} seeded bugs are caught",
        verdicts.len()
    )))
}

/// The copy of the work tree in which bugs are planted.
struct Field<'a> {
    place: Place,
    target: PathBuf,
    services: &'a Services,
}

impl<'a> Field<'a> {
    fn prepare(place: &Place, services: &'a Services) -> Result<Self> {
        let folder = place.target().join("seeded");
        let root = folder.join("src");
        let written = copy::synchronise(&place.root, &root)?;
        announce(format!("{written} files copied to {}", root.display()));
        Ok(Self {
            place: Place { root },
            target: folder.join("target"),
            services,
        })
    }

    /// Runs each test once without any bug.
    fn tests_that_pass(&self, bugs: &[Bug]) -> Result<BTreeSet<String>> {
        announce("the tests without bugs");
        if !self.build(&[])?.is_success() {
            return Err(Failure::new("the work tree does not compile"));
        }
        let listed = self.list()?;
        let mut passed = BTreeSet::new();
        let named: BTreeSet<&String> = bugs.iter().map(|bug| &bug.test).collect();
        for test in named {
            // A name that selects no test passes, too, so the list has the first word.
            if listed.contains(test) && self.test(test)?.is_success() {
                passed.insert(test.clone());
            }
        }
        Ok(passed)
    }

    /// Runs the bug's test with the bug. The copy is clean again afterwards.
    fn try_out(&self, bug: &Bug) -> Result<Verdict> {
        announce(format!("{}: {}", bug.name, bug.test));
        let planted = Planted::plant(&self.place.root, &bug.edits)?;
        let verdict = self.judge(bug);
        planted.pull()?;
        verdict
    }

    fn judge(&self, bug: &Bug) -> Result<Verdict> {
        if !self.build(&bug.edits)?.is_success() {
            return Ok(Verdict::DoesNotCompile);
        }
        Ok(match self.test(&bug.test)? {
            Limited::TimedOut => Verdict::CaughtByHanging,
            Limited::Ended(status) if status.success() => Verdict::Missed,
            Limited::Ended(_) => Verdict::Caught,
        })
    }

    /// Builds the binaries the test starts, and the test.
    fn build(&self, edits: &[Edit]) -> Result<Limited> {
        let live = self.live_sql(edits)?;
        for arguments in [
            &["build", "--workspace", "--bins", "--quiet"][..],
            &[
                "test",
                "-p",
                "tests",
                "--test",
                "integration",
                "--no-run",
                "--quiet",
            ],
        ] {
            let mut command = self.cargo(arguments);
            command.envs(live.clone());
            let ended = command::run_limited(&mut command, TEST_LIMIT)?;
            if !ended.is_success() {
                return Ok(ended);
            }
        }
        Ok(Limited::Ended(std::process::ExitStatus::default()))
    }

    /// A bug in a query has no offline data, so the queries are checked against a database then.
    fn live_sql(&self, edits: &[Edit]) -> Result<Vec<(&'static str, String)>> {
        if !edits.iter().any(Edit::is_sql) {
            return Ok(Vec::new());
        }
        let url = self.services.fresh_database(DATABASE)?;
        sql::migrate(&self.place, &url)?;
        Ok(vec![
            ("SQLX_OFFLINE", "false".to_owned()),
            ("DATABASE_URL", url),
        ])
    }

    fn test(&self, name: &str) -> Result<Limited> {
        let selection = [
            "test",
            "-p",
            "tests",
            "--test",
            "integration",
            "--",
            "--exact",
        ];
        let mut command = self.cargo(&selection);
        command.arg(name).envs(self.services.environment());
        command::run_limited(&mut command, TEST_LIMIT)
    }

    /// The names of all tests.
    fn list(&self) -> Result<BTreeSet<String>> {
        let selection = [
            "test",
            "-p",
            "tests",
            "--test",
            "integration",
            "--quiet",
            "--",
            "--list",
        ];
        let output = self
            .cargo(&selection)
            .output()
            .context(|| "cannot list the tests".to_owned())?;
        Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .map(str::to_owned)
            .collect())
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = command::cargo(&self.place, arguments);
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// Files with a bug in them and what they were before.
struct Planted {
    before: Vec<(PathBuf, String)>,
}

impl Planted {
    fn plant(root: &Path, edits: &[Edit]) -> Result<Self> {
        let mut planted = Self { before: Vec::new() };
        for edit in edits {
            let path = root.join(&edit.file);
            let text =
                fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))?;
            let edited = match edit.apply(&text) {
                Ok(edited) => edited,
                Err(failure) => {
                    planted.pull()?;
                    return Err(failure);
                }
            };
            fs::write(&path, edited)?;
            planted.before.push((path, text));
        }
        Ok(planted)
    }

    /// Writes the files as they were, the last edit first. They become newer by that, and must: cargo
    /// would take what it built from the bug for fresh.
    fn pull(self) -> Result<()> {
        for (path, text) in self.before.iter().rev() {
            fs::write(path, text).context(|| format!("cannot restore {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_of_several_edits_is_planted_and_pulled_whole() {
        let root = std::env::temp_dir().join(format!("xtask-planted-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let file = root.join("a.rs");
        fs::write(&file, "one two three").unwrap();
        let edit = |find: &str, replace: &str| Edit {
            file: "a.rs".to_owned(),
            find: find.to_owned(),
            replace: replace.to_owned(),
        };
        let planted = Planted::plant(&root, &[edit("one", "1"), edit("three", "3")]).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "1 two 3");
        planted.pull().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "one two three");

        assert!(Planted::plant(&root, &[edit("one", "1"), edit("four", "4")]).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "one two three");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn one_bug_that_is_not_caught_fails_the_run() {
        assert!(all_caught(&[Verdict::Caught, Verdict::CaughtByHanging]).is_ok());
        for verdict in [
            Verdict::Missed,
            Verdict::DoesNotCompile,
            Verdict::ProvesNothing,
        ] {
            let failure = all_caught(&[Verdict::Caught, verdict]).unwrap_err();
            assert_eq!(failure.to_string(), "1 of 2 seeded bugs are caught");
        }
    }
}
