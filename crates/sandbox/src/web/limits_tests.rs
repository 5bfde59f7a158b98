//! Tests of the sliding windows.

use super::*;

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

#[test]
fn a_second_lets_its_count_through_and_no_more() {
    let limits = Limits {
        per_second: Some(2),
        ..Limits::default()
    };
    let mut meter = Meter::default();
    let mut admitted = |now| meter.admit(&limits, "1/app", at(now), false, 1);
    assert!(admitted(0));
    assert!(admitted(500));
    assert!(!admitted(999));
    // The first request has left the window, the refused one never entered it.
    assert!(admitted(1000));
    assert!(!admitted(1499));
    assert!(admitted(1500));
}

#[test]
fn each_realm_and_application_has_its_own_window() {
    let limits = Limits {
        per_minute: Some(1),
        ..Limits::default()
    };
    let mut meter = Meter::default();
    assert!(meter.admit(&limits, "1/app", at(0), false, 1));
    assert!(meter.admit(&limits, "2/app", at(0), false, 1));
    assert!(!meter.admit(&limits, "1/app", at(59_999), false, 1));
    assert!(meter.admit(&limits, "1/app", at(60_000), false, 1));
}
