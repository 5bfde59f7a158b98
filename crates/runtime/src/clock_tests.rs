//! Tests of the clocks.

use std::time::Duration;

use chrono::DateTime;

use super::{Clock, ManualClock, SystemClock};

#[test]
fn advancing_moves_both_hands_of_every_clone() {
    let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let clock = ManualClock::at(start);
    let seen_by_other = clock.clone();
    let before = seen_by_other.monotonic();

    clock.advance(Duration::from_secs(90));

    assert_eq!((seen_by_other.now() - start).num_seconds(), 90);
    assert_eq!(seen_by_other.monotonic() - before, Duration::from_secs(90));
}

#[test]
fn setting_the_wall_clock_back_leaves_the_monotonic_hand() {
    let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let clock = ManualClock::at(start);
    let before = clock.monotonic();

    clock.set_wall(start - chrono::TimeDelta::hours(1));

    assert_eq!((start - clock.now()).num_hours(), 1);
    assert_eq!(clock.monotonic(), before);
}

#[test]
fn the_system_clock_never_goes_back() {
    let earlier = SystemClock.monotonic();
    assert!(SystemClock.monotonic() >= earlier);
    assert!(SystemClock.now().timestamp() > 1_700_000_000);
}
