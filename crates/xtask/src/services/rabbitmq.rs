//! The private RabbitMQ broker: its own node name, cookie, ports and port mapper, run as a child.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use super::process;
use crate::failure::{Context, Failure, Result};
use crate::place;
use crate::wait;

/// A first boot took 23 s on a slow disk with both cores busy; this leaves room for four times that.
const START_LIMIT: Duration = Duration::from_secs(90);

/// The port mapper only has to bind.
const MAPPER_LIMIT: Duration = Duration::from_secs(10);

/// The broker's own scripts; the wrapper in the system's path insists on the system's user and folders.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    server: PathBuf,
    control: PathBuf,
    mapper: PathBuf,
}

impl Programs {
    pub(crate) fn find() -> Option<Self> {
        let mut folders = vec![PathBuf::from("/usr/lib/rabbitmq/bin")];
        for parent in ["/usr/lib/rabbitmq/lib", "/opt/rabbitmq"] {
            let versions = fs::read_dir(parent).into_iter().flatten().flatten();
            folders.extend(versions.map(|entry| entry.path().join("sbin")));
        }
        folders.push(PathBuf::from("/opt/rabbitmq/sbin"));
        folders.push(PathBuf::from("/usr/local/sbin"));
        let folder = folders.into_iter().find(|folder| {
            ["rabbitmq-server", "rabbitmqctl"]
                .iter()
                .all(|name| place::is_executable(&folder.join(name)))
        })?;
        Some(Self {
            server: folder.join("rabbitmq-server"),
            control: folder.join("rabbitmqctl"),
            mapper: place::program("epmd")?,
        })
    }
}

/// The three ports of one broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) amqp: u16,
    pub(crate) distribution: u16,
    pub(crate) mapper: u16,
}

/// Where one private broker lives.
pub(crate) struct Broker<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) folder: &'a Path,
    pub(crate) ports: Ports,
    /// Imported at boot: the policies of production, and a user, because a node that imports makes none.
    pub(crate) definitions: &'a Path,
    /// Tells this broker from those of other work trees and runs.
    pub(crate) name: &'a str,
}

/// The broker and the port mapper it needs.
pub(crate) struct Running {
    pub(crate) broker: Child,
    pub(crate) mapper: Child,
}

impl Broker<'_> {
    /// Writes the configuration, starts mapper and broker, waits until the broker speaks AMQP.
    pub(crate) fn start(&self) -> Result<Running> {
        self.write_configuration()?;
        let mut mapper = self.start_mapper()?;
        match self.start_broker() {
            Ok(broker) => Ok(Running { broker, mapper }),
            Err(failure) => {
                let _ = mapper.kill();
                let _ = mapper.wait();
                Err(failure)
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// The folder of a script that is `rabbitmqctl` for this broker.
    pub(crate) fn control_folder(&self) -> PathBuf {
        self.folder.join("bin")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    fn start_mapper(&self) -> Result<Child> {
        let log = self.folder.join("epmd.log");
        let mut command = process::tied_to_us(&self.programs.mapper, "TERM", None);
        command
            .args(["-port", &self.ports.mapper.to_string()])
            .args(["-address", "127.0.0.1"]);
        let mut child = process::spawn(&mut command, &log)?;
        let address = SocketAddr::from(([127, 0, 0, 1], self.ports.mapper));
        let bound = wait::until(MAPPER_LIMIT, || {
            if let Some(status) = child.try_wait()? {
                let tail = process::tail(&log);
                return Err(Failure::new(format!("epmd ended ({status}); {tail}")));
            }
            Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok())
        });
        if !matches!(bound, Ok(Some(_))) {
            let _ = child.kill();
            let _ = child.wait();
        }
        bound?.context(|| format!("epmd did not answer in {MAPPER_LIMIT:?}"))?;
        Ok(child)
    }

    /// Starts the broker alone, with the data it left; the port mapper still runs.
    pub(crate) fn start_broker(&self) -> Result<Child> {
        let mut command = process::tied_to_us(&self.programs.server, "TERM", None);
        command.envs(self.environment()).current_dir(self.folder);
        let mut child = process::spawn(&mut command, &self.log())?;
        let spoke = wait::until(START_LIMIT, || {
            if let Some(status) = child.try_wait()? {
                return Err(self.failed(&format!("RabbitMQ ended at its start ({status})")));
            }
            Ok(speaks_amqp(self.ports.amqp).then_some(()))
        });
        if !matches!(spoke, Ok(Some(()))) {
            let _ = child.kill();
            let _ = child.wait();
        }
        spoke?.ok_or_else(|| self.failed(&format!("RabbitMQ was silent for {START_LIMIT:?}")))?;
        Ok(child)
    }

    fn failed(&self, what: &str) -> Failure {
        Failure::new(format!("{what}; {}", process::tail(&self.log())))
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.folder.join(name).to_string_lossy().into_owned();
        vec![
            ("HOME", path("home")),
            ("RABBITMQ_NODENAME", format!("{}@localhost", self.name)),
            ("RABBITMQ_MNESIA_BASE", path("data")),
            ("RABBITMQ_LOG_BASE", path("log")),
            ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
            ("RABBITMQ_CONF_ENV_FILE", path("rabbitmq-env.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", path("generated")),
            ("RABBITMQ_SCHEMA_DIR", path("schema")),
            ("RABBITMQ_DIST_PORT", self.ports.distribution.to_string()),
            ("ERL_EPMD_PORT", self.ports.mapper.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            // Nodes of one machine talk over the loopback address only.
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}".to_owned(),
            ),
            // The start script then becomes the broker instead of guarding it from a second process.
            ("RUNNING_UNDER_SYSTEMD", "true".to_owned()),
        ]
    }

    fn write_configuration(&self) -> Result<()> {
        for name in [
            "home",
            "data",
            "log",
            "generated",
            "schema",
            "definitions",
            "bin",
        ] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        let write = |name: &str, text: &str| {
            let path = self.folder.join(name);
            fs::write(&path, text).context(|| format!("cannot write {}", path.display()))
        };
        write("rabbitmq-env.conf", "")?;
        write("enabled_plugins", "[].\n")?;
        write("advanced.config", "[].\n")?;
        write("rabbitmq.conf", &self.configuration())?;
        write("bin/rabbitmqctl", &self.control_script())?;
        let script = self.control_folder().join("rabbitmqctl");
        fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    fn configuration(&self) -> String {
        format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\n\
             disk_free_limit.absolute = 200MB\n\
             log.console = true\n\
             log.console.level = warning\n\
             log.file.level = info\n\
             definitions.import_backend = local_filesystem\n\
             definitions.local.path = {file}\n",
            port = self.ports.amqp,
            file = self.definitions.display(),
        )
    }

    fn control_script(&self) -> String {
        let mut script = String::from("#!/bin/sh\n# rabbitmqctl for this private broker.\n");
        for (name, value) in self.environment() {
            if ![
                "RUNNING_UNDER_SYSTEMD",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            ]
            .contains(&name)
            {
                let value = value.replace('\'', r"'\''");
                let _ = writeln!(script, "export {name}='{value}'");
            }
        }
        // A call while the broker is down must not leave a port mapper behind.
        script.push_str("export RABBITMQ_CTL_ERL_ARGS='-start_epmd false'\n");
        let control = self.programs.control.display();
        let _ = writeln!(script, "exec '{control}' \"$@\"");
        script
    }
}

/// Whether the port answers the protocol header with a method frame: the listener opens last, after the
/// import of the definitions.
fn speaks_amqp(port: u16) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    let ask = || -> std::io::Result<u8> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        let mut frame = [0];
        stream.read_exact(&mut frame)?;
        Ok(frame[0])
    };
    ask().is_ok_and(|frame| frame == 1)
}
