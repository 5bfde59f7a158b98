//! The private PostgreSQL server: found among the system's packages, run as a child.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use super::process;
use crate::failure::{Context, Failure, Result};
use crate::place;
use crate::wait;

/// How long the first start may take on a slow disk.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The user the server runs as when we are root, which it refuses to be.
const USER: &str = "postgres";

/// The programs of one installed server version.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The newest version on this machine.
    pub(crate) fn find() -> Option<Self> {
        let mut folders: Vec<PathBuf> = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"]
            .iter()
            .filter_map(|parent| fs::read_dir(parent).ok())
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .collect();
        folders.sort_by_key(|folder| version_of(folder));
        folders.reverse();
        folders.extend(
            ["initdb", "pg_config"]
                .iter()
                .filter_map(|name| fs::canonicalize(place::program(name)?).ok())
                .filter_map(|path| Some(path.parent()?.to_path_buf())),
        );
        folders
            .into_iter()
            .find(|folder| {
                ["initdb", "postgres"]
                    .iter()
                    .all(|name| place::is_executable(&folder.join(name)))
            })
            .map(|folder| Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// `psql`, from the path or beside the server.
pub(crate) fn psql() -> Option<PathBuf> {
    let beside = Programs::find().map(|programs| programs.path("psql"));
    place::program("psql").or(beside.filter(|path| place::is_executable(path)))
}

/// The major version in `/usr/lib/postgresql/16/bin`.
fn version_of(folder: &Path) -> u32 {
    folder
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str()?.parse().ok())
        .unwrap_or(0)
}

/// What a server is for decides how much it promises the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// As in production.
    Full,
    /// Survives the death of any process, not of the machine: right for tests.
    ProcessOnly,
}

/// Where one private server lives.
pub(crate) struct Server<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
    pub(crate) durability: Durability,
}

impl Server<'_> {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    fn user() -> Option<&'static str> {
        place::is_root().then_some(USER)
    }

    /// Makes the data folder if there is none, starts the server, waits until it answers.
    pub(crate) fn start(&self) -> Result<Child> {
        fs::create_dir_all(self.folder)?;
        self.hand_over()?;
        if !self.data().join("PG_VERSION").exists() {
            self.initialise()?;
        }
        // A pid file left by a kill names a process that is gone; the caller has made sure of that.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        let mut command = process::tied_to_us(&self.programs.path("postgres"), "INT", Self::user());
        command
            .current_dir(self.folder)
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()]);
        for setting in self.settings() {
            command.args(["-c", setting]);
        }
        let mut child = process::spawn(&mut command, &self.log())?;
        let url = self.url();
        let answer = wait::until(START_LIMIT, || {
            if let Some(status) = child.try_wait()? {
                return Err(self.failed(&format!("PostgreSQL ended at its start ({status})")));
            }
            Ok(answers(&url).then_some(()))
        });
        match answer {
            Ok(Some(())) => Ok(child),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(self.failed(&format!("PostgreSQL did not answer in {START_LIMIT:?}")))
            }
            Err(failure) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failure)
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn failed(&self, what: &str) -> Failure {
        Failure::new(format!("{what}; {}", process::tail(&self.log())))
    }

    fn settings(&self) -> Vec<&'static str> {
        let mut settings = vec![
            "listen_addresses=127.0.0.1",
            // The path of a socket may be too long for the kernel in a deep work tree.
            "unix_socket_directories=",
            "max_connections=300",
            "log_min_duration_statement=1000",
            "timezone=UTC",
        ];
        if self.durability == Durability::ProcessOnly {
            settings.extend(["fsync=off", "full_page_writes=off"]);
        }
        settings
    }

    /// The server's own user needs the folder when we are root.
    fn hand_over(&self) -> Result<()> {
        fs::set_permissions(self.folder, fs::Permissions::from_mode(0o750))?;
        if let Some(user) = Self::user() {
            let (uid, gid) = ids_of(user)?;
            chown(self.folder, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    fn initialise(&self) -> Result<()> {
        let log = self.folder.join("initdb.log");
        let mut command = process::tied_to_us(&self.programs.path("initdb"), "TERM", Self::user());
        command
            .current_dir(self.folder)
            .arg("-D")
            .arg(self.data())
            // Trust, because it listens on the loopback address only and holds made-up books.
            .args(["-U", "postgres", "--auth=trust"])
            .args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        let status = process::spawn(&mut command, &log)?.wait()?;
        if !status.success() {
            return Err(Failure::new(format!(
                "initdb failed; {}",
                process::tail(&log)
            )));
        }
        Ok(())
    }
}

/// The folder for the server: the given one, or one under the system's temporary folder when the
/// server's own user cannot reach the given one (a work tree below root's home, say).
pub(crate) fn reachable_folder(wanted: PathBuf) -> Result<PathBuf> {
    if !place::is_root() {
        return Ok(wanted);
    }
    fs::create_dir_all(&wanted)?;
    let setpriv = place::program("setpriv").context(|| {
        "PostgreSQL refuses to run as root and setpriv (package util-linux) is missing".to_owned()
    })?;
    let is_reachable = Command::new(setpriv)
        .args(["--reuid", USER, "--regid", USER, "--init-groups", "--"])
        .args(["test", "-x"])
        .arg(wanted.parent().unwrap_or(&wanted))
        .current_dir("/")
        .status()
        .is_ok_and(|status| status.success());
    if is_reachable {
        return Ok(wanted);
    }
    let name: String = wanted
        .to_string_lossy()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    Ok(env::temp_dir().join(format!("tieout{name}")))
}

/// User and group number out of the password file.
fn ids_of(user: &str) -> Result<(u32, u32)> {
    let table = fs::read_to_string("/etc/passwd")?;
    table
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == user)
        .and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))
        .context(|| format!("there is no user {user} to run PostgreSQL as"))
}

fn answers(url: &str) -> bool {
    run_sql(url, &["-c", "select 1"]).is_ok()
}

/// Runs `psql` with `arguments` and returns what it printed, unadorned.
pub(crate) fn run_sql(url: &str, arguments: &[&str]) -> Result<String> {
    let psql = psql().context(|| {
        "psql is missing; install it with `apt-get install postgresql-client`".to_owned()
    })?;
    let output = Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
        .args(["-v", "ON_ERROR_STOP=1"])
        .args(arguments)
        .arg(url)
        .env("PGCONNECT_TIMEOUT", "5")
        .output()
        .context(|| "cannot run psql".to_owned())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("psql: {}", text.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_last_by_number_not_by_text() {
        let mut folders = [
            PathBuf::from("/usr/lib/postgresql/9/bin"),
            PathBuf::from("/usr/lib/postgresql/16/bin"),
        ];
        folders.sort_by_key(|folder| version_of(folder));
        assert!(folders[1].starts_with("/usr/lib/postgresql/16"));
    }
}
