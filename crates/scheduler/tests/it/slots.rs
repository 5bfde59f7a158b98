//! Slots run exactly once, whoever races, whatever the clocks do.

use chrono::{DateTime, TimeDelta, Utc};
use model::SyncFrequency;
use scheduler::{Calendars, Ran};
use store::Store;
use tests::harness::Database;

use crate::rig::{PROVIDER, at_hour, connect, store, wait_for_slot};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn pass(calendars: &mut Calendars, store: &Store, now: &str) -> Ran {
    calendars.run_due(store, at(now)).await.unwrap()
}

fn keys(database: &Database) -> Vec<String> {
    let keys = database.sql("select key from slot order by at");
    keys.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_runs_once_though_two_schedulers_race_for_it() {
    let database = Database::fresh().await;
    connect(&database, 1, SyncFrequency::Daily, &at_hour("UTC", 2)).await;
    let (one, other) = (store(&database), store(&database));
    let (mut first, mut second) = (Calendars::default(), Calendars::default());
    pass(&mut first, &one, "2026-03-01T12:00:00Z").await;
    pass(&mut second, &other, "2026-03-01T12:00:00Z").await;

    for day in 2..12 {
        let slot = format!("2026-03-{day:02}T02:00:00Z");
        wait_for_slot(&database, &format!("INV-{day}"), &slot);
        let now = format!("2026-03-{day:02}T02:00:01Z");
        let (ran, also_ran) = tokio::join!(
            pass(&mut first, &one, &now),
            pass(&mut second, &other, &now)
        );
        assert_eq!(
            (ran.slots + also_ran.slots, ran.items + also_ran.items),
            (1, 1),
            "{slot}"
        );
    }

    assert_eq!(keys(&database).len(), 10);
    let waiting = "select count(*) from item where state = 'waiting' or job_id is null";
    assert_eq!(database.sql(waiting), "0");
    let jobs = "select count(distinct job_id), count(*) from item";
    assert_eq!(database.sql(jobs), "10|10");
    let tickets = format!(
        "select count(*) from outbox where exchange = 'tieout.sync' and routing_key = '{PROVIDER}.bulk'"
    );
    assert_eq!(database.sql(&tickets), "10");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_integration_begins_with_its_next_slot() {
    let database = Database::fresh().await;
    connect(&database, 1, SyncFrequency::Hourly, &at_hour("UTC", 0)).await;
    let store = store(&database);
    let mut calendars = Calendars::default();
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-01T12:30:00Z")
            .await
            .slots,
        0
    );
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-01T12:59:59Z")
            .await
            .slots,
        0
    );
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-01T13:00:00Z")
            .await
            .slots,
        1
    );
    assert_eq!(keys(&database), ["HOURLY 2026-03-01T13:00 UTC"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_missed_while_nobody_ran_are_entered_once_each_and_not_without_end() {
    let database = Database::fresh().await;
    connect(&database, 1, SyncFrequency::Hourly, &at_hour("UTC", 0)).await;
    let store = store(&database);
    let mut calendars = Calendars::default();
    pass(&mut calendars, &store, "2026-03-01T12:30:00Z").await;
    pass(&mut calendars, &store, "2026-03-01T13:00:00Z").await;
    wait_for_slot(&database, "INV-1", "2026-03-01T14:00:00Z");

    // A month later a new leader starts, which has seen nothing.
    let mut later = Calendars::default();
    let ran = pass(&mut later, &store, "2026-04-01T12:30:00Z").await;
    assert_eq!((ran.slots, ran.items), (192, 1));
    let again = pass(&mut later, &store, "2026-04-01T12:30:01Z").await;
    assert_eq!(again, Ran::default());
    assert_eq!(
        keys(&database).last().unwrap(),
        "HOURLY 2026-04-01T12:00 UTC"
    );
    let tickets = "select count(*) from outbox where exchange = 'tieout.sync'";
    assert_eq!(database.sql(tickets), "1", "empty slots wake nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_in_the_hour_that_spring_skips_runs_when_the_hour_is_over() {
    let database = Database::fresh().await;
    connect(
        &database,
        1,
        SyncFrequency::Daily,
        &at_hour("Europe/Berlin", 2),
    )
    .await;
    let store = store(&database);
    let mut calendars = Calendars::default();
    pass(&mut calendars, &store, "2026-03-28T12:00:00Z").await;
    // On 29 March 2026 the clocks go from 02:00 to 03:00, which is 01:00 UTC.
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-29T00:59:59Z")
            .await
            .slots,
        0
    );
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-29T01:00:00Z")
            .await
            .slots,
        1
    );
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-29T23:59:59Z")
            .await
            .slots,
        0
    );
    assert_eq!(
        pass(&mut calendars, &store, "2026-03-30T00:00:00Z")
            .await
            .slots,
        1
    );
    assert_eq!(
        keys(&database),
        [
            "DAILY 2026-03-29T02:00 Europe/Berlin",
            "DAILY 2026-03-30T02:00 Europe/Berlin"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_in_the_hour_that_autumn_repeats_runs_once() {
    let database = Database::fresh().await;
    connect(
        &database,
        1,
        SyncFrequency::Daily,
        &at_hour("Europe/Berlin", 2),
    )
    .await;
    let store = store(&database);
    let mut calendars = Calendars::default();
    let mut now = at("2026-10-24T12:00:00Z");
    let mut ran = Vec::new();
    // On 25 October 2026 02:00 comes at 00:00 UTC and again at 01:00 UTC.
    while now < at("2026-10-26T12:00:00Z") {
        if calendars.run_due(&store, now).await.unwrap().slots > 0 {
            ran.push(now);
        }
        now += TimeDelta::minutes(30);
    }
    assert_eq!(
        ran,
        [at("2026-10-25T00:00:00Z"), at("2026-10-26T01:00:00Z")]
    );
    assert_eq!(
        keys(&database),
        [
            "DAILY 2026-10-25T02:00 Europe/Berlin",
            "DAILY 2026-10-26T02:00 Europe/Berlin"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_without_a_calendar_holds_no_other_up() {
    let database = Database::fresh().await;
    connect(
        &database,
        1,
        SyncFrequency::Daily,
        &at_hour("Mars/Olympus", 2),
    )
    .await;
    connect(&database, 2, SyncFrequency::Weekly, &at_hour("UTC", 2)).await;
    connect(&database, 3, SyncFrequency::RealTime, &at_hour("UTC", 2)).await;
    let store = store(&database);
    let mut calendars = Calendars::default();
    pass(&mut calendars, &store, "2026-03-01T12:00:00Z").await;
    let ran = pass(&mut calendars, &store, "2026-03-03T12:00:00Z").await;
    assert_eq!(ran.slots, 1);
    assert_eq!(keys(&database), ["WEEKLY 2026-03-02T02:00 UTC"]);
}
