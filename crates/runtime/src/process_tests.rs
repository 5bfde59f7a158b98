//! Tests of arguments, help and starting; whole processes are tested in `tests/`.

use super::{Command, Process, StartError, help, parse_arguments};
use crate::config::Settings;

fn parsed(arguments: &[&str]) -> Result<Command, String> {
    parse_arguments(arguments.iter().map(|&argument| argument.to_owned()))
}

#[test]
fn each_argument_is_understood() {
    assert_eq!(parsed(&[]), Ok(Command::Run));
    assert_eq!(parsed(&["--check-config"]), Ok(Command::CheckConfig));
    assert_eq!(parsed(&["--version"]), Ok(Command::Version));
    assert_eq!(parsed(&["--help"]), Ok(Command::Help));
}

#[test]
fn unknown_and_surplus_arguments_are_refused() {
    assert_eq!(
        parsed(&["--chek"]),
        Err("unknown argument \"--chek\"".to_owned())
    );
    assert_eq!(
        parsed(&["--help", "--version"]),
        Err("takes one argument at most".to_owned())
    );
}

#[test]
fn help_lists_every_variable() {
    let text = help("demo", |settings: &mut Settings| {
        settings.required("DEMO_NAME");
        settings.secret("DEMO_KEY");
    });
    let line = |name: &str| {
        text.lines()
            .find(|line| line.trim_start().starts_with(name))
    };
    assert!(line("DEMO_NAME").unwrap().ends_with("required"));
    assert!(line("DEMO_KEY").unwrap().contains("_FILE"));
    assert!(
        line("TIEOUT_SHUTDOWN_GRACE_MS")
            .unwrap()
            .ends_with("default 20000")
    );
    assert!(line("TIEOUT_HALT").is_none());
}

#[tokio::test]
async fn a_process_starts_with_defaults_and_turns_unready_when_stopping() {
    let settings = Settings::from_map::<&str, &str>([]);
    let process = Process::start("demo", &settings).await.unwrap();
    process.health.component("work").ready();
    assert!(process.health.is_ready());
    assert_ne!(process.admin.address().port(), 0);

    process.shutdown.trigger();

    let stopping = async {
        while process.health.is_ready() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), stopping)
        .await
        .unwrap();
}

#[tokio::test]
async fn wrong_settings_of_its_own_are_refused() {
    let settings = Settings::from_map([("TIEOUT_ADMIN_ADDR", "nowhere"), ("TIEOUT_HALT", "x")]);
    let Err(error) = Process::start("demo", &settings).await else {
        panic!("started on wrong settings");
    };
    assert!(matches!(error, StartError::Config(_)));
    let told = crate::chain(&error);
    assert!(told.contains("TIEOUT_ADMIN_ADDR cannot be read"), "{told}");
    assert!(told.contains("\nTIEOUT_HALT "), "{told}");
}
