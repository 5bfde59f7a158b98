//! PostgreSQL and RabbitMQ for a run: those named by `DATABASE_URL` and `AMQP_URL`, else private ones.
//!
//! Private servers are children of this process with their data below `.local/<instance>/`. They listen
//! on the loopback address, on ports of their own, are empty at every start, and never touch a server that
//! was there before. Each instance belongs to one run at a time (a lock on a file). When this process is
//! killed outright, its servers get a signal from the kernel; what survives even that is stopped by the
//! next run.

mod faults;
pub(crate) mod install;
mod ports;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod rabbitmq;
mod site;

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::Signal;

use crate::failure::{Context, Failure, Result};
use crate::place::Place;
use crate::terminal::{announce, complain};
use crate::wait::Stopwatch;
use ports::Ports;
use postgres::Durability;
use process::Identity;
use site::Site;

/// A database writes its last checkpoint, a broker hands over its queues: both within seconds.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// The names of the servers, as they are announced.
const DATABASE: &str = "PostgreSQL";
const BROKER: &str = "RabbitMQ";

/// One set of private servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    name: &'static str,
    durability: Durability,
}

impl Instance {
    /// For the checks: fast, and empty at every start.
    pub(crate) const TEST: Self = Self::scratch("test");
    /// For the offline SQL data, so that it can run beside everything else.
    pub(crate) const SQL: Self = Self::scratch("sql");
    /// For the seeded bugs.
    pub(crate) const SEEDED: Self = Self::scratch("seeded");
    /// For the demo: as durable as production, and empty at every start.
    pub(crate) const DEMO: Self = Self {
        name: "demo",
        durability: Durability::Full,
    };
    /// For the outages: what is killed there must have promised the disk what production promises.
    pub(crate) const OUTAGE: Self = Self {
        name: "outage",
        durability: Durability::Full,
    };
    /// For daily work.
    pub(crate) const DEV: Self = Self {
        name: "dev",
        durability: Durability::Full,
    };

    const fn scratch(name: &'static str) -> Self {
        Self {
            name,
            durability: Durability::ProcessOnly,
        }
    }

    pub(crate) fn folder(self, place: &Place) -> PathBuf {
        place.local().join(self.name)
    }
}

/// Which servers a command uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Database,
    DatabaseAndBroker,
}

/// Servers that answer, for as long as this value lives.
pub(crate) struct Services {
    pub(crate) database_url: String,
    pub(crate) amqp_url: Option<String>,
    /// Where a `rabbitmqctl` for the private broker lies.
    control_folder: Option<PathBuf>,
    children: Vec<Server>,
    site: Site,
    memory: PathBuf,
    _lock: File,
}

/// A server of ours and the signal it takes as a polite request.
struct Server {
    name: &'static str,
    child: Child,
    signal: Signal,
}

impl Services {
    /// Takes the given servers or starts private ones.
    pub(crate) fn provide(place: &Place, instance: Instance, needs: Needs) -> Result<Self> {
        let folder = instance.folder(place);
        fs::create_dir_all(&folder)?;
        let lock = lock(&folder)?;
        let database = given("DATABASE_URL");
        let broker = given("AMQP_URL");
        let wants_broker = needs == Needs::DatabaseAndBroker && broker.is_none();
        let mut services = Self {
            database_url: database.clone().unwrap_or_default(),
            amqp_url: broker,
            control_folder: None,
            children: Vec::new(),
            site: Site {
                place: place.clone(),
                instance,
                ports: None,
            },
            memory: folder.join("running.json"),
            _lock: lock,
        };
        services.stop_leftovers();
        install_what_is_missing(place, database.is_none(), wants_broker)?;
        services.site.ports = Some(Ports::choose(&folder.join("ports.json"))?);
        if wants_broker {
            services.start_broker()?;
        }
        if database.is_none() {
            services.start_database()?;
        }
        Ok(services)
    }

    /// What a child process needs to find the servers.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![("DATABASE_URL", self.database_url.clone())];
        if let Some(url) = &self.amqp_url {
            environment.push(("AMQP_URL", url.clone()));
        }
        if let Some(folder) = &self.control_folder {
            // So that plain `rabbitmqctl` means this broker and not the system's.
            let path = env::var("PATH").unwrap_or_default();
            environment.push(("PATH", format!("{}:{path}", folder.display())));
        }
        environment
    }

    /// The same for a person's shell.
    pub(crate) fn exports(&self) -> Vec<String> {
        let mut lines = vec![format!("export DATABASE_URL='{}'", self.database_url)];
        if let Some(url) = &self.amqp_url {
            lines.push(format!("export AMQP_URL='{url}'"));
        }
        if let Some(folder) = &self.control_folder {
            lines.push(format!("export PATH='{}':\"$PATH\"", folder.display()));
        }
        lines
    }

    /// Drops and creates `name`, and returns its address.
    pub(crate) fn fresh_database(&self, name: &str) -> Result<String> {
        let drop_it = format!("drop database if exists {name} with (force)");
        let create = format!("create database {name}");
        // The server says a notice when there was nothing to drop.
        let quiet = "set client_min_messages = warning";
        postgres::run_sql(
            &self.database_url,
            &["-c", quiet, "-c", &drop_it, "-c", &create],
        )?;
        Ok(self.database(name))
    }

    /// The address of another database on the same server.
    pub(crate) fn database(&self, name: &str) -> String {
        with_database(&self.database_url, name)
    }

    fn start_database(&mut self) -> Result<()> {
        remove(&self.site.database_folder()?)?;
        let watch = Stopwatch::start();
        let (child, url) = self
            .site
            .with_database(|server| Ok((server.start()?, server.url())))?;
        self.adopt(DATABASE, child, Signal::INT)?;
        announce_start(DATABASE, &url, watch);
        self.database_url = url;
        Ok(())
    }

    fn start_broker(&mut self) -> Result<()> {
        remove(&self.site.broker_folder())?;
        let watch = Stopwatch::start();
        let (running, folder, url) = self.site.with_broker(|broker| {
            let running = broker.start()?;
            Ok((running, broker.control_folder(), broker.url()))
        })?;
        self.adopt("epmd", running.mapper, Signal::TERM)?;
        self.adopt(BROKER, running.broker, Signal::TERM)?;
        self.control_folder = Some(folder);
        announce_start(BROKER, &url, watch);
        self.amqp_url = Some(url);
        Ok(())
    }

    fn adopt(&mut self, name: &'static str, child: Child, signal: Signal) -> Result<()> {
        self.children.push(Server {
            name,
            child,
            signal,
        });
        self.remember()
    }

    /// Writes down which processes live, for the next run to find if this one is killed.
    fn remember(&self) -> Result<()> {
        let alive: Vec<Identity> = self
            .children
            .iter()
            .filter_map(|server| Identity::of(server.child.id()))
            .collect();
        fs::write(&self.memory, serde_json::to_string(&alive)?)?;
        Ok(())
    }

    /// Servers of an earlier run that was killed together with its guards.
    fn stop_leftovers(&self) {
        let leftovers: Vec<Identity> = fs::read_to_string(&self.memory)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        for process in leftovers.iter().rev().filter(|process| process.is_alive()) {
            complain(format!(
                "stopping process {} of an earlier run",
                process.pid()
            ));
            process.stop(Signal::INT, Duration::from_secs(1));
            process.stop(Signal::TERM, STOP_GRACE);
        }
        let _ = fs::remove_file(&self.memory);
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        while let Some(mut server) = self.children.pop() {
            if let Some(process) = Identity::of(server.child.id()) {
                process.stop(server.signal, STOP_GRACE);
            }
            if let Err(error) = server.child.wait() {
                complain(format!("{} may still run: {error}", server.name));
            }
        }
        let _ = fs::remove_file(&self.memory);
    }
}

fn lock(folder: &Path) -> Result<File> {
    let file = File::create(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(format!(
            "another run is using {}; let it end first",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Whether the environment names a server to use instead of a private one.
pub(crate) fn are_given() -> bool {
    given("DATABASE_URL").is_some() || given("AMQP_URL").is_some()
}

/// An environment variable that says something.
fn given(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn install_what_is_missing(place: &Place, database: bool, broker: bool) -> Result<()> {
    let mut packages = Vec::new();
    if database && postgres::Programs::find().is_none() {
        packages.push("postgresql");
    }
    if broker && rabbitmq::Programs::find().is_none() {
        packages.push("rabbitmq-server");
    }
    if packages.is_empty() {
        return Ok(());
    }
    install::packages(place, &packages)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context(|| format!("cannot empty {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn announce_start(name: &str, url: &str, watch: Stopwatch) {
    let seconds = watch.elapsed().as_secs_f32();
    announce(format!("private {name} at {url} ({seconds:.1} s)"));
}

/// `url` with another database name; user, host and options stay.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = match url.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (url, String::new()),
    };
    let host_starts_at = address.find("://").map_or(0, |at| at + 3);
    let server = match address[host_starts_at..].find('/') {
        Some(slash) => &address[..host_starts_at + slash],
        None => address,
    };
    format!("{server}/{name}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_name_changes_and_nothing_else() {
        for (url, expected) in [
            ("postgres://u:p@h:5/old", "postgres://u:p@h:5/new"),
            ("postgres://h", "postgres://h/new"),
            (
                "postgres://h/a?sslmode=require",
                "postgres://h/new?sslmode=require",
            ),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }

    #[test]
    fn an_instance_belongs_to_one_run_at_a_time() {
        let folder = env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let first = lock(&folder).unwrap();
        assert!(lock(&folder).is_err());
        drop(first);
        assert!(lock(&folder).is_ok());
        fs::remove_dir_all(folder).unwrap();
    }
}
