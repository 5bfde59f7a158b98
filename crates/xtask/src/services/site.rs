//! Where private servers live: their folders, ports and programs, the same at every start.

use std::path::PathBuf;
use std::process::Child;

use super::ports::Ports;
use super::{Instance, postgres, rabbitmq};
use crate::failure::{Context, Result};
use crate::place::Place;

/// Where private servers live.
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) instance: Instance,
    pub(super) ports: Option<Ports>,
}

impl Site {
    pub(super) fn database_folder(&self) -> Result<PathBuf> {
        postgres::reachable_folder(self.instance.folder(&self.place).join("postgres"))
    }

    pub(super) fn broker_folder(&self) -> PathBuf {
        self.instance.folder(&self.place).join("rabbitmq")
    }

    fn ports(&self) -> Result<Ports> {
        self.ports
            .context(|| "no ports were chosen for private servers".to_owned())
    }

    /// Another start with the data that is there.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's path is not general over what it borrows"
    )]
    pub(super) fn database_child(&self) -> Result<Child> {
        self.with_database(|server| server.start())
    }

    /// Another start with the data that is there, beside the port mapper that still runs.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's path is not general over what it borrows"
    )]
    pub(super) fn broker_child(&self) -> Result<Child> {
        self.with_broker(|broker| broker.start_broker())
    }

    pub(super) fn with_database<T>(
        &self,
        act: impl FnOnce(&postgres::Server<'_>) -> Result<T>,
    ) -> Result<T> {
        let programs = postgres::Programs::find()
            .context(|| "PostgreSQL was installed but is not to be found".to_owned())?;
        act(&postgres::Server {
            programs: &programs,
            folder: &self.database_folder()?,
            port: self.ports()?.postgres,
            durability: self.instance.durability,
        })
    }

    pub(super) fn with_broker<T>(
        &self,
        act: impl FnOnce(&rabbitmq::Broker<'_>) -> Result<T>,
    ) -> Result<T> {
        let programs = rabbitmq::Programs::find()
            .context(|| "RabbitMQ was installed but is not to be found".to_owned())?;
        let ports = self.ports()?;
        act(&rabbitmq::Broker {
            programs: &programs,
            folder: &self.broker_folder(),
            ports: rabbitmq::Ports {
                amqp: ports.amqp,
                distribution: ports.distribution,
                mapper: ports.mapper,
            },
            definitions: &self.place.root.join("deploy/rabbitmq/local.json"),
            name: &format!("tieout-{}", self.instance.name),
        })
    }
}
