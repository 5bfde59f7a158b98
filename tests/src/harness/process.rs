//! A real binary of the workspace as a process: started, frozen, killed, watched.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{http, unique, until};

/// First connections and declarations included; more than that on two busy cores is a hang.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// The kernel stops or kills a process in milliseconds unless a disk is stuck.
const SIGNAL_LIMIT: Duration = Duration::from_secs(10);

/// Lines of the log shown when a test fails.
const TAIL: usize = 40;

/// A running binary; it is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the binary `name` with these variables beside the ones of this process.
    ///
    /// The binaries are built once per test run if one of them is missing or older than this test.
    pub fn start(name: &str, environment: &[(&str, String)]) -> Self {
        Self::start_with(name, &[], environment)
    }

    /// The same with arguments.
    pub fn start_with(name: &str, arguments: &[&str], environment: &[(&str, String)]) -> Self {
        let folder = std::env::temp_dir().join("tieout-tests");
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let log = folder.join(format!("{}.log", unique(name)));
        let output = File::create(&log).expect("a log can be written");
        let errors = output.try_clone().expect("a file handle can be copied");
        let child = tied_to_us(&binary(name))
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All it has written so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.exit(SIGNAL_LIMIT).await;
    }

    /// SIGTERM: asks it to drain and end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP, and waits until the kernel has stopped all of it.
    pub async fn freeze(&self) {
        self.signal(Signal::STOP);
        self.stopped(SIGNAL_LIMIT).await;
    }

    /// SIGCONT after a freeze or a stop point.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until it is stopped, by [`Self::freeze`] or by a stop point of its own.
    pub async fn stopped(&self, limit: Duration) {
        let what = format!("{} is stopped", self.name);
        until(limit, &what, async || self.is_stopped().then_some(())).await;
    }

    /// Whether it is stopped now.
    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
        fields.starts_with('T')
    }

    /// Waits until it has ended.
    pub async fn exit(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("{} has ended", self.name);
        until(limit, &what, || std::future::ready(self.ended())).await
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until it has ended by a SIGKILL, as a stop point that kills does.
    pub async fn killed(&mut self, limit: Duration) {
        let status = self.exit(limit).await;
        assert_eq!(
            status.signal(),
            Some(Signal::KILL.as_raw()),
            "{}: {status}",
            self.name
        );
    }

    /// Waits until it reports that it can work, and returns the address of its admin listener.
    ///
    /// # Panics
    ///
    /// When it ends or is not ready in a minute.
    pub async fn ready(&mut self) -> SocketAddr {
        let client = http();
        let what = format!("{} is ready", self.name);
        until(READY_LIMIT, &what, || {
            if let Some(status) = self.ended() {
                panic!("{} ended ({status}) before it was ready", self.name);
            }
            let (address, client) = (self.admin(), client.clone());
            async move {
                let url = format!("http://{}/health/ready", address?);
                let reply = client.get(url).send().await.ok()?;
                address.filter(|_| reply.status().is_success())
            }
        })
        .await
    }

    /// Its metrics as Prometheus reads them.
    pub async fn metrics(&self) -> String {
        let address = self.admin().expect("the process has said its address");
        let url = format!("http://{address}/metrics");
        let reply = http().get(url).send().await.expect("metrics are served");
        reply.text().await.expect("metrics are served whole")
    }

    /// Its health report, ready or not.
    pub async fn health(&self) -> Value {
        let address = self.admin().expect("the process has said its address");
        let url = format!("http://{address}/health/ready");
        let reply = http().get(url).send().await.expect("health is served");
        let text = reply.text().await.expect("health is served whole");
        serde_json::from_str(&text).expect("health is JSON")
    }

    /// The address of its admin listener, once it has said so.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.log().lines().find_map(|line| {
            let (_, rest) = line.split_once("admin listens on ")?;
            let end = rest
                .find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ':')
                .unwrap_or(rest.len());
            rest[..end].parse().ok()
        })
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        // It may have ended; its number is ours until it has been waited for.
        let _ = kill_process(pid.expect("a child has a number"), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
            let _ = writeln!(io::stderr(), "--- end of the log of {}\n{tail}", self.name);
        }
        let _ = fs::remove_file(&self.log);
    }
}

/// The program, killed by the kernel when this process dies without having done so.
fn tied_to_us(program: &Path) -> Command {
    let is_there = Command::new("setpriv")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_there {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Where cargo puts this workspace's binaries: beside the folder this test lies in.
fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("a test lies in target/<profile>/deps");
    let path = profile.join(name);
    let age = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let is_fresh = |path: &Path| age(path) > age(&test).or(Some(SystemTime::UNIX_EPOCH));
    if !is_fresh(&path) {
        // Cargo decides what is stale; this only asks it once.
        BUILT.get_or_init(|| build(profile));
    }
    assert!(path.is_file(), "the workspace has no binary {name}");
    path
}

fn build(profile: &Path) {
    let target = profile.parent().expect("a profile lies below target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--workspace", "--bins", "--quiet", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    // Of the test's own package cargo must not hear: the build script of ring asks to be run again when that changes,
    // and all that depends on it would be built anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let status = command.status().expect("cargo is installed");
    assert!(status.success(), "the binaries do not build");
}
