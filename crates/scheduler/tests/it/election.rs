//! One leads, the others stand by; whoever cannot renew stops before anybody else begins.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use runtime::{Clock as _, ManualClock};
use scheduler::Election;
use tests::harness::Database;

use crate::rig::{component, no_store, store};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_leads_and_hands_over_when_it_steps_down() {
    let database = Database::fresh().await;
    let clock = ManualClock::at(DateTime::UNIX_EPOCH);
    let stand = || {
        Election::new(
            store(&database),
            Arc::new(clock.clone()),
            component("election"),
        )
    };
    let ((one, one_leads), (other, other_leads)) = (stand(), stand());
    assert!(one.campaign(None).await.is_some());
    assert!(other.campaign(None).await.is_none());
    assert!(one.campaign(None).await.is_some(), "a leader renews");
    assert!(one_leads.is_leading() && !other_leads.is_leading());

    one.step_down().await;
    assert!(!one_leads.is_leading());
    assert!(other.campaign(None).await.is_some());
    assert!(other_leads.is_leading());
    assert!(one.campaign(None).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_time_ran_out_in_the_database_is_replaced_and_knows() {
    let database = Database::fresh().await;
    let clock = ManualClock::at(DateTime::UNIX_EPOCH);
    let stand = || {
        Election::new(
            store(&database),
            Arc::new(clock.clone()),
            component("election"),
        )
    };
    let ((one, one_leads), (other, _)) = (stand(), stand());
    let valid_until = one.campaign(None).await;
    database.sql("update leader set expires_at = clock_timestamp() - interval '1 s'");
    assert!(other.campaign(None).await.is_some());
    assert!(one.campaign(valid_until).await.is_none());
    assert!(!one_leads.is_leading());
    assert_eq!(database.sql("select fence from leader"), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_cannot_renew_leads_until_its_validity_ends_and_no_longer() {
    let clock = ManualClock::at(DateTime::UNIX_EPOCH);
    let (election, leading) =
        Election::new(no_store(), Arc::new(clock.clone()), component("election"));
    let until = Some(clock.monotonic() + Duration::from_secs(5));
    assert_eq!(election.campaign(until).await, until);
    assert!(leading.is_leading());
    clock.advance(Duration::from_secs(5));
    assert_eq!(election.campaign(until).await, None);
    assert!(!leading.is_leading());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_validity_counts_from_before_the_question_and_is_shorter_than_the_lease() {
    let database = Database::fresh().await;
    let clock = ManualClock::at(DateTime::UNIX_EPOCH);
    let (election, _leading) = Election::new(
        store(&database),
        Arc::new(clock.clone()),
        component("election"),
    );
    let asked_at = clock.monotonic();
    let valid_until = election.campaign(None).await.unwrap();
    assert_eq!(valid_until - asked_at, Duration::from_secs(9));
}
