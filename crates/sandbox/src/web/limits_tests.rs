//! Tests of the windows.

use super::*;

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

fn arrival(realm: &'static str, milliseconds: i64) -> Arrival<'static> {
    Arrival {
        realm,
        client: "app",
        at: at(milliseconds),
        is_batch: false,
        is_read: false,
        concurrent: 1,
    }
}

#[test]
fn a_second_lets_its_count_through_and_no_more() {
    let limits = Limits {
        per_second: Some(2),
        ..Limits::default()
    };
    let mut meter = Meter::default();
    let mut admitted = |now| meter.admit(&limits, &arrival("1", now));
    assert!(admitted(0));
    assert!(admitted(500));
    assert!(!admitted(999));
    // The first request has left the window, the refused one never entered it.
    assert!(admitted(1000));
    assert!(!admitted(1499));
    assert!(admitted(1500));
    let peaks = &meter.peaks()["1/app"];
    assert_eq!((peaks.per_second, peaks.refused), (4, 2));
}

#[test]
fn each_realm_and_application_has_its_own_window() {
    let limits = Limits {
        per_minute: Some(1),
        ..Limits::default()
    };
    let mut meter = Meter::default();
    assert!(meter.admit(&limits, &arrival("1", 0)));
    assert!(meter.admit(&limits, &arrival("2", 0)));
    assert!(!meter.admit(&limits, &arrival("1", 59_999)));
    assert!(meter.admit(&limits, &arrival("1", 60_000)));
}

#[test]
fn fixed_windows_begin_where_the_seed_says_and_can_be_twice_as_full() {
    let limits = Limits {
        per_minute: Some(3),
        windows: Windows::Fixed,
        ..Limits::default()
    };
    let starts = |seed: u64| -> Vec<i64> {
        let mut meter = Meter::seeded(seed);
        let times = (0..180).map(|second| second * 1000);
        times
            .filter(|now| meter.admit(&limits, &arrival("1", *now)))
            .collect()
    };
    let first = starts(1);
    assert_eq!(first, starts(1));
    assert_ne!(first, starts(2));
    // Three at once at the beginning of every window, wherever that is.
    let borders: Vec<i64> = first.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(borders.iter().all(|gap| *gap <= 60_000), "{borders:?}");
    let full: Vec<&[i64]> = first[first.len() - 6..].chunks(3).collect();
    assert_eq!(full[1][0] - full[0][0], 60_000);
}

#[test]
fn a_scaled_minute_passes_in_a_second() {
    let limits = Limits {
        per_minute: Some(1),
        time_scale: 60,
        ..Limits::default()
    };
    let mut meter = Meter::default();
    assert!(meter.admit(&limits, &arrival("1", 0)));
    assert!(!meter.admit(&limits, &arrival("1", 999)));
    assert!(meter.admit(&limits, &arrival("1", 1000)));
}

#[test]
fn batches_of_a_realm_and_reads_of_a_month_run_out() {
    let limits = Limits {
        realm_batch_per_minute: Some(1),
        reads_per_month: Some(1),
        ..Limits::default()
    };
    let mut meter = Meter::default();
    let batch = |client: &'static str| Arrival {
        client,
        is_batch: true,
        ..arrival("1", 0)
    };
    assert!(meter.admit(&limits, &batch("app")));
    assert!(!meter.admit(&limits, &batch("other")));
    let read = |milliseconds| Arrival {
        is_read: true,
        ..arrival("1", milliseconds)
    };
    assert!(meter.admit(&limits, &read(0)));
    meter.count_read("1", "app", at(0));
    assert!(!meter.admit(&limits, &read(1)));
    assert!(meter.admit(&limits, &arrival("1", 2)));
    assert!(meter.admit(&limits, &read(32 * 86_400_000)));
}

#[test]
fn limits_are_known_by_name_and_refused_when_they_are_not() {
    let official: Limits = serde_json::from_str("\"official\"").unwrap();
    assert_eq!(official.per_minute, Some(500));
    assert_eq!(official.windows, Windows::Fixed);
    let told = serde_json::to_value(&official).unwrap();
    assert_eq!(serde_json::from_value::<Limits>(told).unwrap(), official);
    assert!(serde_json::from_str::<Limits>("\"generous\"").is_err());
    assert!(serde_json::from_str::<Limits>("{\"perHour\": 1}").is_err());
}
