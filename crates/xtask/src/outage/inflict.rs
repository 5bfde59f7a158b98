//! The outages: what is done to whom, and how it is undone.

use std::process::Stdio;
use std::time::Duration;

use clap::ValueEnum;

use super::Scene;
use crate::command;
use crate::failure::{Context, Failure, Result};
use crate::services::postgres;
use crate::wait;

/// Longer than two heartbeats of five seconds, after which the clients give a silent broker up.
const FREEZE: Duration = Duration::from_secs(15);

/// Longer than a lease lives, so that all of them have expired when the database is back.
const DATABASE_DOWN: Duration = Duration::from_secs(5);

/// Long enough for everything on its way to have met the alarm.
const ALARM: Duration = Duration::from_secs(8);

/// The broker looks at its disk at once when the limit changes.
const ALARM_LIMIT: Duration = Duration::from_secs(20);

/// More than any disk has, and what the private broker is configured with.
const NO_DISK_IS_ENOUGH: &str = "999999GB";
const USUAL_LIMIT: &str = "200MB";

/// The queues of the fleet's own. `tieout.events.in` is not among them: what ProjectLedger published
/// there is confirmed and nowhere else, so that whoever deletes it deletes documents that we have never
/// seen. ProjectLedger's sequence shows that gap and it must send again; no care of ours can. A ticket
/// says only "look at these books", a dead letter is a row first: those queues may go at any time.
const OWN_QUEUES: [&str; 3] = [
    "tieout.sync.QUICKBOOKS_ONLINE.live",
    "tieout.sync.QUICKBOOKS_ONLINE.bulk",
    "tieout.dead",
];

/// A deleted queue is declared again by whoever listens on it.
const REPAIR_LIMIT: Duration = Duration::from_secs(30);

/// Whom the kill of a consumer hits. By then both hold leases of several companies.
const CONSUMER: &str = "consumer-qbo-1";

/// What can go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Outage {
    BrokerKilled,
    BrokerFrozen,
    DiskAlarm,
    QueuesDeleted,
    DatabaseKilled,
    BothRestarted,
    ConnectionsCut,
    ConsumerKilled,
}

impl Outage {
    /// The one asked for, else all.
    pub(super) fn chosen(only: Option<Self>) -> Vec<Self> {
        only.map_or_else(|| Self::value_variants().to_vec(), |outage| vec![outage])
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::BrokerKilled => "RabbitMQ killed and restarted",
            Self::BrokerFrozen => "RabbitMQ frozen",
            Self::DiskAlarm => "RabbitMQ under a disk alarm",
            Self::QueuesDeleted => "work and dead-letter queues deleted",
            Self::DatabaseKilled => "PostgreSQL killed and restarted",
            Self::BothRestarted => "PostgreSQL and RabbitMQ restarted together",
            Self::ConnectionsCut => "all connections to PostgreSQL cut",
            Self::ConsumerKilled => "a consumer killed and restarted",
        }
    }

    /// Does it, and undoes it; returns when the servers answer again.
    pub(super) fn inflict(self, scene: &mut Scene) -> Result<()> {
        match self {
            Self::BrokerKilled => {
                scene.stage.servers().kill_broker()?;
                scene.stage.servers().start_broker_again()
            }
            Self::BrokerFrozen => {
                scene.stage.servers().freeze_broker()?;
                // Thawed whatever happens: a frozen process does not stop when asked to.
                let held = scene.hold(FREEZE);
                scene.stage.servers().thaw_broker()?;
                held
            }
            Self::DiskAlarm => alarm(scene),
            Self::QueuesDeleted => delete_queues(scene),
            Self::DatabaseKilled => {
                scene.stage.servers().kill_database()?;
                scene.hold(DATABASE_DOWN)?;
                scene.stage.servers().start_database_again()
            }
            Self::BothRestarted => {
                let servers = scene.stage.servers();
                servers.kill_broker()?;
                servers.shut_database_down_at_once()?;
                servers.start_database_again()?;
                servers.start_broker_again()
            }
            Self::ConnectionsCut => cut_connections(scene),
            Self::ConsumerKilled => kill_consumer(scene),
        }
    }

    /// What must be whole again some time after documents flow.
    pub(super) fn confirm_healed(self, scene: &mut Scene) -> Result<()> {
        if self != Self::QueuesDeleted {
            return Ok(());
        }
        let declared = wait::until(REPAIR_LIMIT, || {
            scene.tend()?;
            let names = scene.stage.servers().ask_broker(&["list_queues", "name"])?;
            let is_there = |queue| names.lines().any(|name| name == queue);
            Ok(OWN_QUEUES.into_iter().all(is_there).then_some(()))
        })?;
        declared.context(|| format!("not all of {OWN_QUEUES:?} were declared again"))
    }
}

fn alarm(scene: &mut Scene) -> Result<()> {
    let limit = |size| ["set_disk_free_limit", size];
    scene
        .stage
        .servers()
        .ask_broker(&limit(NO_DISK_IS_ENOUGH))?;
    let raised = wait::until(ALARM_LIMIT, || {
        let question = ["eval", "rabbit_alarm:get_alarms()."];
        let alarms = scene.stage.servers().ask_broker(&question)?;
        Ok(alarms.contains("disk").then_some(()))
    })?;
    let held = scene.hold(ALARM);
    scene.stage.servers().ask_broker(&limit(USUAL_LIMIT))?;
    held?;
    raised.context(|| "the broker raised no alarm".to_owned())
}

fn delete_queues(scene: &mut Scene) -> Result<()> {
    let servers = scene.stage.servers();
    let mut running = Vec::new();
    for queue in OWN_QUEUES {
        // Together, because each call boots a machine of its own for seconds.
        let mut control = servers.broker_control(&["delete_queue", queue])?;
        let child = control.stdout(Stdio::null()).stdin(Stdio::null()).spawn()?;
        running.push((command::line_of(&control), child));
    }
    for (line, mut child) in running {
        let status = child.wait()?;
        if !status.success() {
            return Err(Failure::new(format!("`{line}` failed ({status})")));
        }
    }
    Ok(())
}

fn cut_connections(scene: &mut Scene) -> Result<()> {
    // Materialized, or the cut might come before the choice, and cut this connection too.
    let cut = "with fleet as materialized (select pid from pg_stat_activity \
            where application_name = 'tieout' and datname = current_database()) \
        select count(*) from fleet where pg_terminate_backend(pid)";
    let count = postgres::run_sql(scene.stage.database_url(), &["-c", cut])?;
    if count == "0" {
        return Err(Failure::new("the fleet had no connection to cut"));
    }
    Ok(())
}

fn kill_consumer(scene: &mut Scene) -> Result<()> {
    scene.stage.fleet.kill(CONSUMER)?;
    // The supervisor starts it again, and counts.
    scene.tend()?;
    scene.stage.fleet.wait_until_ready(CONSUMER)?;
    Ok(())
}
