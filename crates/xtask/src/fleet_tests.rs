//! Tests of the process supervision, with shells in place of our binaries.

use super::*;

/// A folder of its own for one test's logs.
fn logs(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("xtask-fleet-{test}-{}", std::process::id()))
}

fn start_shell(fleet: &mut Fleet, name: &str, script: &str, logs: &Path) {
    fleet
        .start(&Start {
            name,
            program: Path::new("/bin/sh"),
            arguments: &["-c", script],
            environment: &[("GREETING", "hello".to_owned())],
            logs,
        })
        .unwrap();
}

#[test]
fn a_process_gets_its_environment_and_its_log_is_read() {
    let logs = logs("log");
    let mut fleet = Fleet::default();
    let script = "echo \"$GREETING, listening on http://127.0.0.1:81/x\"; exec sleep 60";
    start_shell(&mut fleet, "sandbox", script, &logs);
    let address = fleet.read_log("sandbox", listening_address).unwrap();
    assert_eq!(address.port(), 81);
    let greeted = fleet.read_log("sandbox", |line| line.starts_with("hello").then_some(()));
    greeted.unwrap();
    fleet.measure();
    let uses = fleet.uses();
    assert_eq!(uses[0].name, "sandbox");
    assert!(uses[0].peak_rss_bytes > 0);
    drop(fleet);
    fs::remove_dir_all(logs).unwrap();
}

#[test]
fn a_process_that_ends_by_itself_is_reported_with_its_last_words() {
    let logs = logs("ended");
    let mut fleet = Fleet::default();
    start_shell(&mut fleet, "producer", "echo no database; exit 3", &logs);
    let failure = fleet
        .read_log("producer", admin_address)
        .unwrap_err()
        .to_string();
    assert!(failure.contains("producer ended by itself"), "{failure}");
    assert!(failure.contains("no database"), "{failure}");
    fs::remove_dir_all(logs).unwrap();
}

#[test]
fn stopping_ends_every_process() {
    let logs = logs("stop");
    let mut fleet = Fleet::default();
    let script = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";
    for name in ["one", "two"] {
        start_shell(&mut fleet, name, script, &logs);
        fleet
            .read_log(name, |line| (line == "up").then_some(()))
            .unwrap();
    }
    let processes: Vec<Identity> = fleet
        .members
        .iter()
        .filter_map(|member| Identity::of(member.child.id()))
        .collect();
    assert_eq!(processes.len(), 2);
    fleet.stop();
    assert!(!processes.iter().any(|process| process.is_alive()));
    fs::remove_dir_all(logs).unwrap();
}

#[test]
fn the_admin_address_is_found_in_plain_and_in_json_lines() {
    let expected: SocketAddr = "127.0.0.1:9464".parse().unwrap();
    for line in [
        "2026-11-23T10:00:00Z  INFO admin listens on 127.0.0.1:9464",
        r#"{"level":"INFO","message":"admin listens on 127.0.0.1:9464","x":1}"#,
    ] {
        assert_eq!(admin_address(line), Some(expected));
    }
    assert_eq!(admin_address("admin listens on every address"), None);
}

#[test]
fn the_kernels_figures_are_read() {
    assert_eq!(
        peak_rss_in("Name:\tx\nVmHWM:\t   2048 kB\n"),
        Some(2_097_152)
    );
    assert_eq!(peak_rss_in("Name:\tzombie\n"), None);
    let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 0 0 20 0";
    assert_eq!(cpu_in(stat), Some(Duration::from_millis(1750)));
}

#[test]
fn a_killed_process_is_started_again_with_what_it_had_and_a_log_of_its_own() {
    let logs = logs("restarted");
    let mut fleet = Fleet::default();
    let script = "echo $GREETING; exec sleep 60";
    start_shell(&mut fleet, "consumer", script, &logs);
    start_shell(&mut fleet, "producer", script, &logs);
    let names = ["consumer", "producer"];
    assert!(fleet.restart_ended(&names).unwrap().is_empty());
    fleet.kill("consumer").unwrap();
    assert!(fleet.restart_ended(&["producer"]).unwrap().is_empty());
    assert_eq!(fleet.restart_ended(&names).unwrap(), ["consumer"]);
    let greeted = fleet.read_log("consumer", |line| (line == "hello").then_some(()));
    greeted.unwrap();
    assert!(logs.join("consumer.2.log").exists());
    drop(fleet);
    fs::remove_dir_all(logs).unwrap();
}
