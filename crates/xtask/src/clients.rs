//! Foreign clients against the sandbox: scripts in `tests/clients` drive it with libraries that
//! nobody here wrote, so that what the sandbox says is what the world expects of the provider.
//!
//! `<provider>_*.py` runs against a fresh `sandbox <provider>`, whose address it finds in
//! `SANDBOX_URL`. The libraries are those of `requirements.txt`, installed into a virtual
//! environment below `.local` that is made anew whenever that file changes. Python itself is
//! installed where we may; on a machine that can have neither, the check says so and is skipped,
//! but never in CI.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::command;
use crate::failure::{Context, Failure, Result};
use crate::fleet::{Fleet, Start, listening_address};
use crate::place::{self, Place};
use crate::services::install;
use crate::terminal::{announce, complain, say};

/// A script takes seconds; a sandbox that no longer answers must not hold up the checks.
const SCRIPT_LIMIT: Duration = Duration::from_mins(5);

/// Making the environment downloads a few megabytes.
const SETUP_LIMIT: Duration = Duration::from_mins(10);

/// What Debian wants for a virtual environment.
const PACKAGES: [&str; 2] = ["python3", "python3-venv"];

#[derive(Args)]
pub(crate) struct ClientsOptions {
    /// Run only the scripts whose names contain this
    filter: Option<String>,
}

/// How the check ended.
pub(crate) enum Outcome {
    Passed,
    /// No Python, or no libraries, and this is not CI.
    Unavailable,
}

/// `cargo xtask clients`: the scripts alone, with the sandbox built first.
pub(crate) fn run(place: &Place, options: &ClientsOptions) -> Result<()> {
    let build = ["build", "-p", "sandbox", "--bin", "sandbox", "--quiet"];
    command::run(&mut command::cargo(place, &build))?;
    match drive(place, options.filter.as_deref())? {
        Outcome::Passed => Ok(()),
        Outcome::Unavailable => Err(Failure::new("the foreign clients did not run")),
    }
}

/// Runs every script whose name contains `filter` against the sandbox already built.
pub(crate) fn drive(place: &Place, filter: Option<&str>) -> Result<Outcome> {
    let folder = place.root.join("tests").join("clients");
    let scripts = scripts(&folder, filter.unwrap_or_default())?;
    if scripts.is_empty() {
        return Err(Failure::new("no script has such a name"));
    }
    let python = match environment(place, &folder.join("requirements.txt")) {
        Ok(python) => python,
        Err(failure) if is_ci() => return Err(failure),
        Err(failure) => {
            complain(format!("FOREIGN CLIENTS NOT RUN: {failure}"));
            return Ok(Outcome::Unavailable);
        }
    };
    for script in scripts {
        script.run(place, &folder, &python)?;
    }
    Ok(Outcome::Passed)
}

fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// A script and the provider it drives.
struct Script {
    provider: String,
    name: String,
}

/// The scripts of the folder: those named `<provider>_<what>.py`. Other modules are theirs to share.
fn scripts(folder: &Path, filter: &str) -> Result<Vec<Script>> {
    const PROVIDERS: [&str; 2] = ["qbo", "xero"];
    let mut scripts = Vec::new();
    for entry in fs::read_dir(folder).context(|| format!("cannot read {}", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let provider = name.split_once('_').map_or("", |(provider, _)| provider);
        let is_script = Path::new(&name).extension().is_some_and(|end| end == "py")
            && PROVIDERS.contains(&provider);
        if is_script && name.contains(filter) {
            let provider = provider.to_owned();
            scripts.push(Script { provider, name });
        }
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(scripts)
}

impl Script {
    /// Runs against a sandbox of its own, with what its failure needs on the terminal.
    fn run(&self, place: &Place, folder: &Path, python: &Path) -> Result<()> {
        announce(&self.name);
        let mut fleet = Fleet::default();
        fleet.start(&Start {
            name: "sandbox",
            program: &place.target().join("debug").join("sandbox"),
            arguments: &[&self.provider, "--port", "0"],
            environment: &[],
            logs: &place.local().join("clients").join("logs"),
        })?;
        let address = fleet.read_log("sandbox", listening_address)?;
        let mut script = Command::new(python);
        script
            .arg(folder.join(&self.name))
            .current_dir(&place.root)
            // Nothing of the machine's own proxies may stand between the client and the sandbox.
            .env("NO_PROXY", "127.0.0.1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env("SANDBOX_URL", format!("http://{address}"))
            .env("CONTRACTS", place.root.join("..").join("shared/contracts"));
        let ended = command::run_limited(&mut script, SCRIPT_LIMIT)?;
        fleet.fail_if_one_ended()?;
        if ended.is_success() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} failed; its output is above",
            self.name
        )))
    }
}

/// The interpreter of an environment that holds exactly what `requirements` names.
fn environment(place: &Place, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read_to_string(requirements)
        .context(|| format!("cannot read {}", requirements.display()))?;
    let folder = place.local().join("clients").join("python");
    let python = folder.join("bin").join("python");
    // Written last, so that an installation that was broken off is begun again.
    let mark = folder.join("requirements.installed");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say("making the Python environment of the foreign clients");
    make(place, &folder)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(requirements);
    limited(&mut pip)?;
    fs::write(&mark, wanted)?;
    Ok(python)
}

/// Makes an empty environment; Debian's Python lacks the means until a package brings them.
fn make(place: &Place, folder: &Path) -> Result<()> {
    let attempt = || -> Result<()> {
        let python = place::program("python3").context(|| "there is no python3".to_owned())?;
        let mut venv = Command::new(python);
        limited(venv.args(["-m", "venv", "--clear"]).arg(folder))
    };
    let Err(failure) = attempt() else {
        return Ok(());
    };
    if !install::is_possible() {
        let names = PACKAGES.join(" ");
        return Err(Failure::new(format!(
            "{failure}\ninstall it with: sudo apt-get install -y {names}"
        )));
    }
    install::packages(place, &PACKAGES)?;
    attempt()
}

fn limited(command: &mut Command) -> Result<()> {
    if command::run_limited(command, SETUP_LIMIT)?.is_success() {
        return Ok(());
    }
    let line = command::line_of(command);
    Err(Failure::new(format!("`{line}` failed")))
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;
