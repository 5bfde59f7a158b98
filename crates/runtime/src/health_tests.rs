//! Tests of the health register.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde_json::json;

use super::Health;
use crate::clock::ManualClock;

fn register() -> (Health, ManualClock) {
    let clock = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    (Health::new(Arc::new(clock.clone())), clock)
}

#[test]
fn an_empty_register_is_not_ready() {
    let (health, _) = register();
    assert!(!health.is_ready());
    assert_eq!(
        health.report(),
        (false, json!({ "state": "NOT_READY", "components": [] }))
    );
}

#[test]
fn all_components_must_be_ready() {
    let (health, _) = register();
    let (broker, store) = (health.component("broker"), health.component("store"));
    broker.ready();
    assert!(!health.is_ready());
    store.ready();
    assert!(health.is_ready());
    broker.not_ready("connection lost");
    assert!(!health.is_ready());
}

#[test]
fn the_report_gives_state_reason_and_since_when() {
    let (health, clock) = register();
    let broker = health.component("broker");
    health.component("store").ready();
    clock.advance(Duration::from_secs(1));
    broker.not_ready("connection refused");
    broker.not_ready("login refused");

    let (ready, report) = health.report();

    assert!(!ready);
    assert_eq!(
        report,
        json!({ "state": "NOT_READY", "components": [
            { "name": "broker", "state": "NOT_READY", "reason": "login refused", "since": "2023-11-14T22:13:20.000Z" },
            { "name": "store", "state": "READY", "reason": null, "since": "2023-11-14T22:13:20.000Z" },
        ]})
    );
}

#[test]
fn since_moves_when_readiness_changes_only() {
    let (health, clock) = register();
    let broker = health.component("broker");
    broker.ready();
    clock.advance(Duration::from_mins(1));
    broker.ready();
    let since = |health: &Health| health.report().1["components"][0]["since"].clone();
    assert_eq!(since(&health), "2023-11-14T22:13:20.000Z");

    broker.not_ready("gone");
    assert_eq!(since(&health), "2023-11-14T22:14:20.000Z");
}

#[test]
fn asking_again_for_a_component_does_not_reset_it() {
    let (health, _) = register();
    health.component("broker").ready();
    health.component("broker");
    assert!(health.is_ready());
}
