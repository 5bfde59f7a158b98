//! The `main` of every binary: arguments, settings, start, run, exit code.
//!
//! Exit codes: 0 done, 1 failed while running, 2 wrong argument, 78 wrong
//! configuration, 130 told twice to stop.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::admin::{self, Admin, AdminError};
use crate::clock::{Clock, SystemClock};
use crate::config::{ConfigErrors, Settings};
use crate::error_chain::chain;
use crate::health::Health;
use crate::metric::{self, InstallError, MetricsHandle};
use crate::shutdown::Shutdown;
use crate::{halt, telemetry};

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// Time to record the last results after the grace period, before the process gives up waiting.
const RECORDING_MARGIN: Duration = Duration::from_secs(5);
/// Below Kubernetes' default of 30 s, with the margin.
const DEFAULT_GRACE_MS: u64 = 20_000;

/// What a running process has: handed to the binary's `run`.
#[derive(Clone)]
pub struct Process {
    /// The binary's name.
    pub service: &'static str,
    /// Where components report whether they can work.
    pub health: Health,
    /// The request to stop.
    pub shutdown: Shutdown,
    /// The clock to hand on.
    pub clock: Arc<dyn Clock>,
    /// The installed metrics.
    pub metrics: MetricsHandle,
    /// The admin listener; it stops with the last clone.
    pub admin: Arc<Admin>,
}

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting of the furniture itself is wrong.
    #[error("configuration is not usable")]
    Config(#[source] ConfigErrors),
    /// The recorder is taken.
    #[error("metrics cannot be collected")]
    Metrics(#[source] &'static InstallError),
    /// The admin address is taken or not ours.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The handlers of SIGTERM and SIGINT were refused.
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
}

/// What the command line asked for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Run,
    CheckConfig,
    Version,
    Help,
}

/// The settings of the furniture itself.
struct OwnSettings {
    filter: EnvFilter,
    admin_address: SocketAddr,
    grace: Duration,
}

/// Runs a binary: reads arguments and settings, starts the furniture, then `run`.
///
/// `configure` only asks the settings for values and must accept stand-ins for
/// missing ones: it is also called to list the variables for `--help`.
pub fn main<T, C, R, F, E>(service: &'static str, configure: C, run: R) -> ExitCode
where
    C: Fn(&mut Settings) -> T,
    R: FnOnce(Process, T) -> F,
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let command = match parse_arguments(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(wrong) => return complain(EXIT_USAGE, &format!("{service}: {wrong}; try --help")),
    };
    match command {
        Command::Version => return say(&format!("{service} {}", env!("CARGO_PKG_VERSION"))),
        Command::Help => return say(&help(service, configure)),
        Command::Run | Command::CheckConfig => {}
    }
    let mut settings = Settings::from_env();
    OwnSettings::read(&mut settings);
    let configured = configure(&mut settings);
    if let Err(problems) = settings.finish() {
        return complain(EXIT_CONFIG, &problems.to_string());
    }
    if command == Command::CheckConfig {
        return say("configuration ok");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(EXIT_FAILED, &format!("{service}: {}", chain(&error))),
    };
    let ended = runtime.block_on(start_and_run(service, &settings, configured, run));
    // Dropping the runtime would wait for ever for a blocking task that hangs.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{service} failed: {}", chain(&*error));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

async fn start_and_run<T, R, F, E>(
    service: &'static str,
    settings: &Settings,
    configured: T,
    run: R,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    R: FnOnce(Process, T) -> F,
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let process = Process::start(service, settings).await?;
    let shutdown = process.shutdown.clone();
    let ended = tokio::select! {
        ended = run(process, configured) => ended.map_err(Into::into),
        () = too_long(&shutdown) => Err("work in flight did not finish in the grace period".into()),
    };
    if ended.is_ok() {
        tracing::info!("{service} stopped");
    }
    ended
}

impl Process {
    /// Starts telemetry, signals, the crypto provider, metrics and the admin listener.
    ///
    /// Fails if a setting is wrong or the admin address cannot be bound.
    pub async fn start(service: &'static str, settings: &Settings) -> Result<Self, StartError> {
        let mut settings = settings.clone();
        let own = OwnSettings::read(&mut settings);
        settings.finish().map_err(StartError::Config)?;
        telemetry::start(service, own.filter);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "{service} starts");
        // An error means that one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shutdown = Shutdown::on_signals(own.grace).map_err(StartError::Signals)?;
        let metrics = metric::install(service).map_err(StartError::Metrics)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let health = Health::new(Arc::clone(&clock));
        let admin = admin::start(own.admin_address, health.clone(), metrics.clone()).await?;
        tokio::spawn(refuse_work_when_stopping(health.clone(), shutdown.clone()));
        Ok(Self {
            service,
            health,
            shutdown,
            clock,
            metrics,
            admin: Arc::new(admin),
        })
    }
}

impl OwnSettings {
    fn read(settings: &mut Settings) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let own = Self {
            filter: telemetry::quieted(
                settings.parse_or(telemetry::VARIABLE, telemetry::default_filter()),
            ),
            admin_address: settings.parse_or("TIEOUT_ADMIN_ADDR", anywhere),
            grace: settings.millis_or("TIEOUT_SHUTDOWN_GRACE_MS", DEFAULT_GRACE_MS),
        };
        if let Some(text) = settings.optional(halt::VARIABLE)
            && let Err(wrong) = halt::check(&text)
        {
            settings.reject(
                halt::VARIABLE,
                wrong,
                "unset it, it is for crash tests only",
            );
        }
        own
    }
}

/// A stopping process takes no new work, so a balancer must not send it any.
async fn refuse_work_when_stopping(health: Health, shutdown: Shutdown) {
    shutdown.requested().await;
    health
        .component("shutdown")
        .not_ready("stopping, work in flight is being finished");
}

async fn too_long(shutdown: &Shutdown) {
    shutdown.grace_over().await;
    tokio::time::sleep(RECORDING_MARGIN).await;
}

fn parse_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut command = Command::Run;
    for argument in arguments {
        let asked = match argument.as_str() {
            "--check-config" => Command::CheckConfig,
            "--version" | "-V" => Command::Version,
            "--help" | "-h" => Command::Help,
            unknown => return Err(format!("unknown argument {unknown:?}")),
        };
        if command != Command::Run {
            return Err("takes one argument at most".to_owned());
        }
        command = asked;
    }
    Ok(command)
}

fn help<T>(service: &str, configure: impl Fn(&mut Settings) -> T) -> String {
    let mut settings = Settings::default();
    OwnSettings::read(&mut settings);
    configure(&mut settings);
    let mut text = format!(
        "{service} {}\n\nUsage: {service} [--check-config | --version | --help]\n\nEnvironment:",
        env!("CARGO_PKG_VERSION")
    );
    for (name, need) in settings.asked().filter(|(name, _)| *name != halt::VARIABLE) {
        write!(text, "\n  {name:<34} {need}").expect("a string takes any text");
    }
    text
}

/// Writes for a person to standard output; a closed pipe is not our failure.
fn say(text: &str) -> ExitCode {
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn complain(code: u8, text: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code)
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
