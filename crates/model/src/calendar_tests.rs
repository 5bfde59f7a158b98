//! Tests of the calendars: clock changes, ends of months and years, catching up.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn settings(zone: &str, hour: u8) -> SyncSettings {
    SyncSettings {
        time_zone: zone.to_owned(),
        slot_hour: hour,
        ..SyncSettings::default()
    }
}

fn calendar(frequency: SyncFrequency, zone: &str, hour: u8) -> Calendar {
    Calendar::new(frequency, &settings(zone, hour))
        .unwrap()
        .unwrap()
}

fn daily_at(zone: &str, hour: u32, minute: u32) -> Calendar {
    Calendar::of(
        "DAILY",
        &format!("0 {minute} {hour} * * *"),
        zone.parse().unwrap(),
    )
}

/// Zone, local hour and minute of the slot, a local date, the instant at which that slot begins.
const CLOCK_CHANGES: &[(&str, u32, u32, &str, &str)] = &[
    // Spring: 02:00 to 03:00 does not exist.
    ("Europe/Berlin", 2, 0, "2026-03-29", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", 2, 30, "2026-03-29", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", 3, 0, "2026-03-29", "2026-03-29T01:00:00Z"),
    // Autumn: 02:00 to 03:00 comes twice.
    ("Europe/Berlin", 2, 30, "2026-10-25", "2026-10-25T00:30:00Z"),
    ("Europe/London", 1, 0, "2026-03-29", "2026-03-29T01:00:00Z"),
    ("Europe/London", 1, 30, "2026-10-25", "2026-10-25T00:30:00Z"),
    (
        "America/New_York",
        2,
        30,
        "2026-03-08",
        "2026-03-08T07:00:00Z",
    ),
    (
        "America/New_York",
        1,
        30,
        "2026-11-01",
        "2026-11-01T05:30:00Z",
    ),
    // Half an hour only: 02:00 to 02:30 does not exist, 01:30 to 02:00 comes twice.
    (
        "Australia/Lord_Howe",
        2,
        0,
        "2026-10-04",
        "2026-10-03T15:30:00Z",
    ),
    (
        "Australia/Lord_Howe",
        2,
        15,
        "2026-10-04",
        "2026-10-03T15:30:00Z",
    ),
    (
        "Australia/Lord_Howe",
        1,
        30,
        "2026-04-05",
        "2026-04-04T14:30:00Z",
    ),
    // At midnight: the day begins at 01:00; the day before has 23:00 twice.
    (
        "America/Santiago",
        0,
        0,
        "2026-09-06",
        "2026-09-06T04:00:00Z",
    ),
    (
        "America/Santiago",
        23,
        0,
        "2026-04-04",
        "2026-04-05T02:00:00Z",
    ),
    // The gap ends on the next day.
    ("America/Nuuk", 23, 0, "2026-03-28", "2026-03-29T01:00:00Z"),
    // A whole day is missing.
    ("Pacific/Apia", 2, 0, "2011-12-30", "2011-12-30T10:00:00Z"),
    // Zones without a change.
    ("Asia/Kolkata", 2, 0, "2026-03-29", "2026-03-28T20:30:00Z"),
    ("UTC", 2, 0, "2026-03-29", "2026-03-29T02:00:00Z"),
];

#[test]
fn a_slot_at_a_clock_change_happens_once_and_at_the_right_instant() {
    for (zone, hour, minute, day, begins) in CLOCK_CHANGES {
        let calendar = daily_at(zone, *hour, *minute);
        let begins = utc(begins);
        let from = begins - Duration::days(3);
        let slots = calendar.slots_between(from, begins + Duration::days(3), 100);
        let wanted = format!("DAILY {day}T{hour:02}:{minute:02} {zone}");
        let found: Vec<_> = slots.iter().filter(|slot| slot.key == wanted).collect();
        assert_eq!(found.len(), 1, "{wanted} in {slots:?}");
        assert_eq!(found[0].at, begins, "{wanted}");
        assert!(
            slots.windows(2).all(|pair| pair[0].at < pair[1].at),
            "{wanted}: {slots:?}"
        );
    }
}

#[test]
fn two_midnights_that_begin_together_are_one_slot() {
    let slots = daily_at("Pacific/Apia", 0, 0).slots_between(
        utc("2011-12-29T00:00:00Z"),
        utc("2012-01-01T00:00:00Z"),
        10,
    );
    let keys: Vec<_> = slots.iter().map(|slot| &slot.key[6..16]).collect();
    assert_eq!(keys, ["2011-12-29", "2011-12-30", "2012-01-01"]);
}

#[test]
fn the_slot_asked_for_begins_strictly_after_the_instant_given() {
    let calendar = calendar(SyncFrequency::Daily, "Europe/Berlin", 2);
    let spring = utc("2026-03-29T01:00:00Z");
    assert_eq!(
        calendar.next_slot(spring - Duration::milliseconds(1)).at,
        spring
    );
    assert_eq!(
        calendar.next_slot(spring),
        Slot {
            at: utc("2026-03-30T00:00:00Z"),
            key: "DAILY 2026-03-30T02:00 Europe/Berlin".to_owned(),
        }
    );
}

#[test]
fn the_second_of_two_local_hours_starts_no_second_slot() {
    let calendar = calendar(SyncFrequency::Daily, "Europe/Berlin", 2);
    let between_the_two = utc("2026-10-25T00:30:00Z");
    assert_eq!(
        calendar.next_slot(between_the_two).key,
        "DAILY 2026-10-26T02:00 Europe/Berlin"
    );
}

#[test]
fn hourly_slots_are_hours_of_utc_whatever_the_zone_and_its_changes() {
    let calendar = calendar(SyncFrequency::Hourly, "Europe/Berlin", 2);
    let slots = calendar.slots_between(
        utc("2026-10-25T00:00:00Z"),
        utc("2026-10-26T00:00:00Z"),
        100,
    );
    assert_eq!(slots.len(), 24);
    assert_eq!(slots[0].key, "HOURLY 2026-10-25T01:00 UTC");
    assert_eq!(slots[23].at, utc("2026-10-26T00:00:00Z"));
}

#[test]
fn weekly_slots_are_mondays_also_across_the_end_of_a_year() {
    let calendar = calendar(SyncFrequency::Weekly, "America/New_York", 4);
    let slots = calendar.slots_between(utc("2026-12-20T00:00:00Z"), utc("2027-01-12T00:00:00Z"), 9);
    let keys: Vec<_> = slots.iter().map(|slot| slot.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "WEEKLY 2026-12-21T04:00 America/New_York",
            "WEEKLY 2026-12-28T04:00 America/New_York",
            "WEEKLY 2027-01-04T04:00 America/New_York",
            "WEEKLY 2027-01-11T04:00 America/New_York",
        ]
    );
    assert_eq!(slots[0].at, utc("2026-12-21T09:00:00Z"));
}

#[test]
fn months_and_years_end_and_leap_days_come_when_they_should() {
    let calendar = calendar(SyncFrequency::Daily, "UTC", 0);
    for (after, next) in [
        ("2026-04-30T00:00:00Z", "2026-05-01"),
        ("2026-12-31T00:00:00Z", "2027-01-01"),
        ("2027-02-28T00:00:00Z", "2027-03-01"),
        ("2028-02-28T00:00:00Z", "2028-02-29"),
        ("2028-02-29T00:00:00Z", "2028-03-01"),
    ] {
        assert_eq!(
            calendar.next_slot(utc(after)).key,
            format!("DAILY {next}T00:00 UTC")
        );
    }
}

#[test]
fn catching_up_stops_at_the_limit_and_goes_on_from_the_last_slot() {
    let calendar = calendar(SyncFrequency::Hourly, "UTC", 0);
    let (from, to) = (utc("2026-01-01T00:30:00Z"), utc("2026-01-02T00:30:00Z"));
    let first = calendar.slots_between(from, to, 10);
    let rest = calendar.slots_between(first[9].at, to, 100);
    assert_eq!((first.len(), rest.len()), (10, 14));
    assert_eq!(rest[0].at - first[9].at, Duration::hours(1));
    assert!(calendar.slots_between(to, from, 10).is_empty());
}

#[test]
fn real_time_and_manual_have_no_calendar() {
    for frequency in [SyncFrequency::RealTime, SyncFrequency::Manual] {
        assert_eq!(Calendar::new(frequency, &settings("UTC", 2)), Ok(None));
    }
}

#[test]
fn an_unknown_zone_and_a_25th_hour_are_refused_by_name() {
    assert_eq!(
        Calendar::new(SyncFrequency::Daily, &settings("Mars/Olympus", 2)),
        Err(BadCalendar::UnknownTimeZone("Mars/Olympus".to_owned()))
    );
    for hour in [24, 255] {
        assert_eq!(
            Calendar::new(SyncFrequency::Weekly, &settings("UTC", hour)),
            Err(BadCalendar::HourOutOfRange(hour))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_local_slot_of_400_days_comes_exactly_once_and_rises(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
        hour in 0_u8..24,
        first in 0_i64..20_000,
        weekly: bool,
    ) {
        let frequency = if weekly { SyncFrequency::Weekly } else { SyncFrequency::Daily };
        // From 2020: no zone skips a whole day.
        let from = utc("2020-01-01T12:00:00Z") + Duration::days(first);
        let to = from + Duration::days(400);
        let slots = calendar(frequency, zone.name(), hour).slots_between(from, to, 500);
        prop_assert!(slots.windows(2).all(|pair| pair[0].at < pair[1].at));
        prop_assert!(slots.iter().all(|slot| from < slot.at && slot.at <= to));

        let step = if weekly { 7 } else { 1 };
        let days: Vec<NaiveDate> = slots
            .iter()
            .map(|slot| slot.key.split(' ').nth(1).unwrap()[..10].parse().unwrap())
            .collect();
        prop_assert!(days.windows(2).all(|pair| pair[1] - pair[0] == Duration::days(step)));
        prop_assert!((400 / step - 1..=400 / step + 1).contains(&i64::try_from(days.len()).unwrap()));

        // Walking slot by slot gives the same slots as asking for all at once.
        let stepped = calendar(frequency, zone.name(), hour).next_slot(slots[7].at);
        prop_assert_eq!(&stepped, &slots[8]);
    }
}
