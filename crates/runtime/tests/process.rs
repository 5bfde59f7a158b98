//! Whole processes: exit codes, log lines, signals and stop points, on the `demo` example.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use runtime::{Clock, SystemClock};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far longer than a process needs, short enough for a failing test.
const LIMIT: Duration = Duration::from_secs(20);

/// Cargo builds examples before it runs integration tests, next to their folder.
fn demo() -> Command {
    let mut folder: PathBuf = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    let mut command = Command::new(folder.join("examples").join("demo"));
    command
        .env_remove("TIEOUT_LOG")
        .env_remove("TIEOUT_ADMIN_ADDR");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finished(task: &str) -> Output {
    demo().env("DEMO_TASK", task).output().unwrap()
}

/// The lines of standard error; each must be one JSON object.
fn log(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stderr).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A running child that is killed if its test fails.
struct Running {
    child: Child,
    log: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, log }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Reads on until a message contains the text.
    fn until(&mut self, text: &str) -> Value {
        loop {
            let Ok(line) = self.log.recv_timeout(LIMIT) else {
                panic!("the process did not say {text:?}");
            };
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"].as_str().unwrap().contains(text) {
                return line;
            }
        }
    }

    fn exit_code(&mut self) -> Option<i32> {
        eventually(|| self.child.try_wait().unwrap()).code()
    }
}

/// Asks until there is an answer, within the limit.
fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let started = SystemClock.monotonic();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < LIMIT, "no answer in time");
        std::thread::yield_now();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn arguments_have_their_own_exit_codes() {
    let with = |argument: &str| demo().arg(argument).output().unwrap();

    let version = with("--version");
    assert!(version.status.success());
    assert!(version.stdout.starts_with(b"demo 0."));

    let help = with("--help");
    assert!(help.status.success());
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("DEMO_TASK")
    );

    let unknown = with("--frobnicate");
    assert_eq!(unknown.status.code(), Some(2));
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(
        told,
        "demo: unknown argument \"--frobnicate\"; try --help\n"
    );
}

#[test]
fn wrong_configuration_is_listed_and_exits_78() {
    let mut command = demo();
    let output = command
        .env_remove("DEMO_TASK")
        .env("TIEOUT_ADMIN_ADDR", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        told,
        "TIEOUT_ADMIN_ADDR cannot be read (invalid socket address syntax): set it to a valid SocketAddr, or unset it for the default\n\
         DEMO_TASK is not set: set DEMO_TASK\n"
    );
}

#[test]
fn checking_the_configuration_starts_nothing() {
    let output = demo()
        .arg("--check-config")
        .env("DEMO_TASK", "panic")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"configuration ok\n");
    assert_eq!(output.stderr, b"");
}

#[test]
fn a_failure_is_logged_once_with_its_chain_and_exits_1() {
    let output = finished("fail");
    assert_eq!(output.status.code(), Some(1));
    let lines = log(&output);
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "ERROR")
        .collect();
    assert_eq!(errors.len(), 1);
    let expected = format!("demo failed: books do not balance: {}", std::fmt::Error);
    assert_eq!(errors[0]["message"], expected.as_str());
}

#[test]
fn a_panic_is_one_line_of_json() {
    let output = finished("panic");
    assert!(!output.status.success());
    let lines = log(&output);
    let last = lines.last().unwrap();
    assert_eq!(last["message"], "panicked: first line\nsecond line");
    assert_eq!(last["level"], "ERROR");
    assert!(last["panic.location"].as_str().unwrap().contains("demo.rs"));
}

#[test]
fn a_wrong_admin_address_fails_the_start() {
    let output = demo()
        .env("DEMO_TASK", "wait")
        .env("TIEOUT_ADMIN_ADDR", "192.0.2.1:1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = log(&output).pop().unwrap();
    let message = told["message"].as_str().unwrap();
    assert!(message.starts_with("demo failed: admin listener cannot be opened on 192.0.2.1:1: "));
}

#[test]
fn a_signal_asks_to_stop() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut command = demo();
        command.env("DEMO_TASK", "wait");
        let mut running = Running::start(command);
        running.until("work is ready");
        kill_process(running.pid(), signal).unwrap();
        running.until("demo stopped");
        assert_eq!(running.exit_code(), Some(0));
    }
}

#[test]
fn a_second_signal_exits_at_once_with_130() {
    let mut command = demo();
    command.env("DEMO_TASK", "linger");
    let mut running = Running::start(command);
    running.until("work is ready");
    kill_process(running.pid(), Signal::TERM).unwrap();
    running.until("SIGTERM received, stopping");
    kill_process(running.pid(), Signal::INT).unwrap();
    running.until("SIGINT received again");
    assert_eq!(running.exit_code(), Some(130));
}

#[test]
fn work_that_outlasts_the_grace_period_is_given_up() {
    let mut command = demo();
    command
        .env("DEMO_TASK", "linger")
        .env("TIEOUT_SHUTDOWN_GRACE_MS", "1");
    let mut running = Running::start(command);
    running.until("work is ready");
    kill_process(running.pid(), Signal::TERM).unwrap();
    running.until("did not finish in the grace period");
    assert_eq!(running.exit_code(), Some(1));
}

#[test]
fn the_level_comes_from_the_environment() {
    let output = demo()
        .env("DEMO_TASK", "pass")
        .env("TIEOUT_LOG", "error")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(log(&output), Vec::<Value>::new());
}

#[cfg(not(debug_assertions))]
#[test]
fn a_release_build_refuses_stop_points() {
    let mut command = demo();
    command
        .env("DEMO_TASK", "pass")
        .env("TIEOUT_HALT", "07-claimed:kill");
    assert_eq!(command.output().unwrap().status.code(), Some(78));
}

#[cfg(debug_assertions)]
mod stop_points {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::{WaitOptions, waitpid};

    use super::*;

    fn messages(lines: &[Value]) -> Vec<&str> {
        lines
            .iter()
            .map(|line| line["message"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn a_kill_point_ends_the_process_at_the_chosen_passing() {
        let mut command = demo();
        let output = command
            .env("DEMO_TASK", "pass")
            .env("TIEOUT_HALT", "07-claimed:kill:3")
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.signal(), Some(9));
        let lines = log(&output);
        assert!(
            messages(&lines).ends_with(&["passed 1", "passed 2"]),
            "{lines:?}"
        );
    }

    #[test]
    fn a_stop_point_freezes_the_process_until_it_is_continued() {
        let mut command = demo();
        command
            .env("DEMO_TASK", "pass")
            .env("TIEOUT_HALT", "07-claimed:stop:2");
        let mut running = Running::start(command);
        running.until("passed 1");

        let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
        let (_, status) = eventually(|| waitpid(Some(running.pid()), options).unwrap());
        assert_eq!(status.stopping_signal(), Some(Signal::STOP.as_raw()));

        kill_process(running.pid(), Signal::CONT).unwrap();
        running.until("passed 2");
        running.until("passed 3");
        assert_eq!(running.exit_code(), Some(0));
    }

    #[test]
    fn a_point_of_another_name_is_passed() {
        let output = demo()
            .env("DEMO_TASK", "pass")
            .env("TIEOUT_HALT", "08-planned:kill")
            .output();
        let output = output.unwrap();
        assert!(output.status.success());
        let lines = log(&output);
        assert!(messages(&lines).contains(&"passed 3"), "{lines:?}");
    }
}
