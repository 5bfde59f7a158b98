//! Tests of windows, phases and counts.

use chrono::TimeDelta;

use super::*;

const TENANT: &str = "t1";
const APP: &str = "app";

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

fn a_minute_of(count: u64) -> Limits {
    Limits {
        per_minute: Some(count),
        ..Limits::default()
    }
}

/// The first millisecond after `from` at which the tenant's minute begins anew.
fn next_minute(meter: &Meter, limits: &Limits, from: i64) -> i64 {
    from + meter.spans(limits, TENANT, APP, at(from)).minute.left_ms
}

#[test]
fn a_window_is_fixed_and_begins_at_a_phase_of_its_own() {
    let limits = a_minute_of(2);
    let mut meter = Meter::new(7);
    let start = next_minute(&meter, &limits, 0);
    let admit = |meter: &mut Meter, ms| meter.admit(&limits, TENANT, APP, 1, at(ms));
    // Two at the end of a window and two at the start of the next pass within a second.
    assert_eq!(admit(&mut meter, start - 2), Ok(()));
    assert_eq!(admit(&mut meter, start - 1), Ok(()));
    let refused = admit(&mut meter, start - 1);
    assert_eq!(
        refused,
        Err(Exceeded {
            limit: Limit::Minute,
            retry_after: Some(1)
        })
    );
    assert_eq!(admit(&mut meter, start), Ok(()));
    assert_eq!(admit(&mut meter, start + 1), Ok(()));
    assert!(admit(&mut meter, start + 59_999).is_err());
    assert_eq!(admit(&mut meter, start + 60_000), Ok(()));
}

#[test]
fn phases_differ_by_seed_and_tenant() {
    let limits = Limits::default();
    let phase_of = |seed, tenant: &str| {
        let meter = Meter::new(seed);
        meter.spans(&limits, tenant, APP, at(0)).minute.left_ms
    };
    assert_eq!(phase_of(1, "t1"), phase_of(1, "t1"));
    assert_ne!(phase_of(1, "t1"), phase_of(2, "t1"));
    assert_ne!(phase_of(1, "t1"), phase_of(1, "t2"));
}

#[test]
fn waiting_as_told_is_enough() {
    let limits = a_minute_of(1);
    for seed in 0..50 {
        let mut meter = Meter::new(seed);
        assert!(meter.admit(&limits, TENANT, APP, 1, at(0)).is_ok());
        let exceeded = meter.admit(&limits, TENANT, APP, 1, at(500)).unwrap_err();
        let wait = exceeded.retry_after.unwrap() * 1000;
        assert!(meter.admit(&limits, TENANT, APP, 1, at(500 + wait)).is_ok());
    }
}

#[test]
fn a_time_scale_shortens_the_windows() {
    let limits = Limits {
        time_scale: 60,
        ..a_minute_of(1)
    };
    let mut meter = Meter::new(1);
    let start = next_minute(&meter, &limits, 0);
    assert!(start <= 1000);
    assert!(meter.admit(&limits, TENANT, APP, 1, at(start)).is_ok());
    assert!(
        meter
            .admit(&limits, TENANT, APP, 1, at(start + 999))
            .is_err()
    );
    assert!(
        meter
            .admit(&limits, TENANT, APP, 1, at(start + 1000))
            .is_ok()
    );
}

#[test]
fn each_limit_has_its_name_and_its_count() {
    let limits = Limits {
        per_minute: Some(10),
        per_day: Some(3),
        concurrent: Some(2),
        app_per_minute: Some(4),
        ..Limits::default()
    };
    let mut meter = Meter::new(1);
    let mut admit = |tenant: &str, in_flight| {
        let outcome = meter.admit(&limits, tenant, APP, in_flight, at(0));
        outcome.map_err(|exceeded| (exceeded.limit, exceeded.retry_after.is_some()))
    };
    assert_eq!(admit("a", 2), Ok(()));
    assert_eq!(admit("a", 3), Err((Limit::Concurrent, false)));
    assert_eq!(admit("a", 1), Ok(()));
    assert_eq!(admit("a", 1), Ok(()));
    assert_eq!(admit("a", 1), Err((Limit::Day, true)));
    assert_eq!(admit("b", 1), Ok(()));
    assert_eq!(admit("b", 1), Err((Limit::AppMinute, true)));
    let left = meter.remaining(&limits, "a", APP, at(0));
    assert_eq!(
        left,
        Remaining {
            minute: Some(7),
            day: Some(0),
            app_minute: Some(0)
        }
    );
    let reports = serde_json::to_value(meter.tenants()).unwrap();
    assert_eq!(reports[0]["admitted"], 3);
    assert_eq!(reports[0]["concurrentMax"], 2);
    assert_eq!(reports[0]["refused"]["concurrent"], 1);
    assert_eq!(reports[0]["refused"]["day"], 1);
    assert_eq!(reports[1]["refused"]["appminute"], 1);
    let apps = serde_json::to_value(meter.apps()).unwrap();
    assert_eq!(apps[0]["minuteMax"], 4);
}

#[test]
fn maxima_are_kept_without_limits() {
    let limits = Limits::default();
    let mut meter = Meter::new(1);
    let start = next_minute(&meter, &limits, 0);
    for ms in [start, start + 1, start + 60_000] {
        let in_flight = meter.enter(TENANT, APP);
        assert!(meter.admit(&limits, TENANT, APP, in_flight, at(ms)).is_ok());
    }
    meter.leave(TENANT, APP);
    assert_eq!(meter.enter(TENANT, APP), 3);
    let report = serde_json::to_value(meter.tenants()).unwrap();
    assert_eq!(report[0]["minuteMax"], 2);
    assert_eq!(report[0]["concurrentMax"], 3);
    let left = meter.remaining(&limits, TENANT, APP, at(start));
    assert_eq!(left, Remaining::default());
}
