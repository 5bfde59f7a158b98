//! Tests of settings: what is read, and how problems are told.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Need, Settings};

fn nothing() -> Settings {
    Settings::from_map::<&str, &str>([])
}

#[test]
fn values_that_are_set_win_over_defaults() {
    let mut settings = Settings::from_map([
        ("NAME", "books"),
        ("ADDRESS", "127.0.0.1:80"),
        ("WAIT_MS", "250"),
        ("KEY", "s3cret"),
    ]);

    assert_eq!(settings.required("NAME"), "books");
    assert_eq!(settings.or("NAME", "other"), "books");
    assert_eq!(settings.optional("NAME").as_deref(), Some("books"));
    let fallback: SocketAddr = "0.0.0.0:1".parse().unwrap();
    assert_eq!(settings.parse_or("ADDRESS", fallback).port(), 80);
    assert_eq!(settings.millis_or("WAIT_MS", 1), Duration::from_millis(250));
    assert_eq!(settings.secret("KEY").expose(), "s3cret");
    assert_eq!(settings.finish(), Ok(()));
}

#[test]
fn empty_counts_as_unset_and_defaults_stand_in() {
    let mut settings = Settings::from_map([("NAME", ""), ("WAIT_MS", "")]);

    assert_eq!(settings.or("NAME", "other"), "other");
    assert_eq!(settings.optional("NAME"), None);
    assert_eq!(settings.millis_or("WAIT_MS", 40), Duration::from_millis(40));
    assert_eq!(settings.parse_or("COUNT", 7_u16), 7);
    assert_eq!(settings.finish(), Ok(()));
}

#[test]
fn every_problem_is_listed_with_its_remedy_and_without_its_value() {
    let mut settings = Settings::from_map([("COUNT", "hunter2"), ("WAIT_MS", "-1")]);
    settings.required("NAME");
    settings.parse_or("COUNT", 7_u16);
    settings.millis_or("WAIT_MS", 1);
    settings.secret("KEY");
    settings.reject("RATE", "is above 10", "set it to at most 10");

    let told = settings.finish().unwrap_err().to_string();

    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "NAME is not set: set NAME",
            "COUNT cannot be read (invalid digit found in string): set it to a valid u16, or unset it for the default",
            "WAIT_MS cannot be read (invalid digit found in string): set it to a valid whole number of milliseconds, or unset it for the default",
            "KEY is not set: set KEY, or KEY_FILE to the path of a file",
            "RATE is above 10: set it to at most 10",
        ]
    );
}

#[test]
fn a_secret_file_is_read_without_its_final_line_break() {
    let path = std::env::temp_dir().join(format!("tieout-secret-{}", std::process::id()));
    fs::write(&path, "from file\r\n").unwrap();
    let mut settings = Settings::from_map([("KEY_FILE", path.to_str().unwrap())]);

    let secret = settings.secret("KEY");
    fs::remove_file(&path).unwrap();

    assert_eq!(secret.expose(), "from file");
    assert_eq!(settings.finish(), Ok(()));
}

#[test]
fn a_secret_given_twice_or_in_an_unreadable_file_is_a_problem() {
    let mut settings = Settings::from_map([
        ("A", "x"),
        ("A_FILE", "/nowhere/a"),
        ("B_FILE", "/nowhere/b"),
    ]);
    settings.secret("A");
    settings.secret("B");

    let told = settings.finish().unwrap_err().to_string();

    assert!(told.contains("A is set together with A_FILE: set only one of the two"));
    assert!(told.contains("B_FILE names a file that cannot be read"));
}

#[test]
fn neither_settings_nor_secrets_show_values_when_printed() {
    let mut settings = Settings::from_map([("KEY", "s3cret")]);
    let secret = settings.secret("KEY");

    assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn settings_remember_what_was_asked() {
    let mut settings = nothing();
    settings.optional("B");
    settings.required("A");

    let asked: Vec<_> = settings.asked().collect();
    assert_eq!(asked, [("A", &Need::Required), ("B", &Need::Optional)]);
}

#[test]
fn the_environment_is_read() {
    let mut settings = Settings::from_env();
    assert!(!settings.required("PATH").is_empty());
    assert_eq!(settings.finish(), Ok(()));
}
