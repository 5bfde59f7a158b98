//! The stage of a demo: servers, a fresh database, the sandbox, and the fleet as separate processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};

use crate::command;
use crate::failure::Result;
use crate::fleet::{Fleet, Start, listening_address};
use crate::place::Place;
use crate::services::{Instance, Needs, Services, process};
use crate::terminal::{announce, say};
use crate::wait;

/// The database of the fleet; it is dropped and made anew each time.
const DATABASE: &str = "tieout";

/// 32 zero bytes: the private servers hold made-up books only.
const SEAL_KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The application's credentials at the sandbox, which takes any.
const OAUTH_CLIENT: (&str, &str) = ("demo-client", "demo-secret");

/// The fleet: name of the process, binary.
const FLEET: [(&str, &str); 4] = [
    ("producer", "producer"),
    ("consumer-qbo-1", "consumer-qbo"),
    ("consumer-qbo-2", "consumer-qbo"),
    ("scheduler", "scheduler"),
];

/// Everything that runs. The fields are dropped in this order: the fleet before what it needs.
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    pub(crate) sandbox: SocketAddr,
    services: Services,
    database_url: String,
    binaries: PathBuf,
    logs: PathBuf,
    seed: u64,
    policy: &'static [(&'static str, &'static str)],
}

/// How to set the stage.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) instance: Instance,
    pub(crate) is_release: bool,
    pub(crate) seed: u64,
    /// Settings of the fleet that differ from production's.
    pub(crate) policy: &'static [(&'static str, &'static str)],
}

impl Stage {
    /// Builds the binaries, starts servers and sandbox, makes the database. The fleet comes on later.
    pub(crate) fn set(place: &Place, setting: Setting) -> Result<Self> {
        announce("building the binaries");
        let mut build = command::cargo(place, &["build", "--workspace", "--bins", "--quiet"]);
        if setting.is_release {
            build.arg("--release");
        }
        command::run(&mut build)?;
        let services = Services::provide(place, setting.instance, Needs::DatabaseAndBroker)?;
        let database_url = services.fresh_database(DATABASE)?;
        let profile = if setting.is_release {
            "release"
        } else {
            "debug"
        };
        let mut stage = Self {
            fleet: Fleet::default(),
            sandbox: SocketAddr::from(([127, 0, 0, 1], 0)),
            services,
            database_url,
            binaries: place.target().join(profile),
            logs: setting.instance.folder(place).join("logs"),
            seed: setting.seed,
            policy: setting.policy,
        };
        command::run(&mut stage.tieout(&["migrate"]))?;
        stage.start_sandbox()?;
        Ok(stage)
    }

    fn start_sandbox(&mut self) -> Result<()> {
        let seed = self.seed.to_string();
        self.start(
            "sandbox",
            "sandbox",
            &["qbo", "--port", "0", "--seed", &seed],
        )?;
        self.sandbox = self.fleet.read_log("sandbox", listening_address)?;
        announce(format!(
            "QuickBooks Online sandbox at http://{}",
            self.sandbox
        ));
        Ok(())
    }

    /// Starts producer, consumers and scheduler and waits until each is ready.
    pub(crate) fn start_fleet(&mut self) -> Result<()> {
        for (name, binary) in FLEET {
            self.start(name, binary, &[])?;
        }
        for (name, _) in FLEET {
            let admin = self.fleet.wait_until_ready(name)?;
            say(format!("{name:<16} ready, admin at http://{admin}"));
        }
        Ok(())
    }

    fn start(&mut self, name: &str, binary: &str, arguments: &[&str]) -> Result<()> {
        self.fleet.start(&Start {
            name,
            program: &self.binaries.join(binary),
            arguments,
            environment: &self.environment(),
            logs: &self.logs,
        })
    }

    /// The operator's command line against this stage.
    pub(crate) fn tieout(&self, arguments: &[&str]) -> Command {
        self.binary("tieout", arguments)
    }

    /// Any binary of ours against this stage.
    pub(crate) fn binary(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.args(arguments).envs(self.environment());
        command
    }

    /// Starts a binary beside the fleet; its output goes to `<logs>/<name>.log`.
    pub(crate) fn beside(
        &self,
        name: &str,
        binary: &str,
        arguments: &[&str],
    ) -> Result<(Child, PathBuf)> {
        let log = self.logs.join(format!("{name}.log"));
        let mut command = process::tied_to_us(&self.binaries.join(binary), "TERM", None);
        command.args(arguments).envs(self.environment());
        Ok((process::spawn(&mut command, &log)?, log))
    }

    /// Starts again what of the fleet has ended, and says what. Anything else that ended is a failure.
    pub(crate) fn tend(&mut self) -> Result<Vec<String>> {
        let restarted = self.fleet.restart_ended(&FLEET.map(|(name, _)| name))?;
        self.fleet.fail_if_one_ended()?;
        Ok(restarted)
    }

    /// The servers, for who means to break them.
    pub(crate) fn servers(&mut self) -> &mut Services {
        &mut self.services
    }

    /// Client id and secret that the fleet uses.
    pub(crate) fn oauth_client() -> (&'static str, &'static str) {
        OAUTH_CLIENT
    }

    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    /// What every process of ours gets.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.services.environment();
        environment.retain(|(name, _)| *name != "DATABASE_URL");
        environment.extend([
            ("DATABASE_URL", self.database_url.clone()),
            ("TIEOUT_ADMIN_ADDR", "127.0.0.1:0".to_owned()),
            ("TIEOUT_LOG", "info".to_owned()),
            ("TIEOUT_SEAL_KEYS", SEAL_KEYS.to_owned()),
            ("TIEOUT_QBO_CLIENT_ID", OAUTH_CLIENT.0.to_owned()),
            ("TIEOUT_QBO_CLIENT_SECRET", OAUTH_CLIENT.1.to_owned()),
            ("TIEOUT_QBO_BASE_URL", format!("http://{}", self.sandbox)),
            (
                "TIEOUT_QBO_TOKEN_URL",
                format!("http://{}/oauth2/v1/tokens/bearer", self.sandbox),
            ),
        ]);
        let policy = self.policy.iter();
        environment.extend(policy.map(|(name, value)| (*name, (*value).to_owned())));
        environment
    }

    /// Says where everything is and keeps it running until Ctrl-C.
    pub(crate) fn keep_running(&mut self) -> Result<()> {
        announce("everything keeps running until Ctrl-C");
        self.services.exports().iter().for_each(say);
        say(format!("export DATABASE_URL='{}'", self.database_url));
        say(format!("logs in {}", self.logs.display()));
        while !wait::is_interrupted() {
            self.fleet.fail_if_one_ended()?;
            wait::pause();
        }
        announce("stopping");
        self.fleet.measure();
        self.fleet.stop();
        Ok(())
    }
}
