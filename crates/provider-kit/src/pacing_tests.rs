//! Tests of pacing: small scenes, each with its arithmetic.

use model::Operation;
use runtime::{Clock as _, SystemClock};

use super::*;
use crate::descriptor::{AuthStyle, Transport};

#[path = "pacing_traffic_tests.rs"]
mod traffic;

const SECOND: Duration = Duration::from_secs(1);
const REQUEST: Cost = Cost {
    batch: false,
    metered_read: false,
};
const BATCH: Cost = Cost {
    batch: true,
    metered_read: false,
};
const METERED: Cost = Cost {
    batch: false,
    metered_read: true,
};

const LIMITS: &[Limit] = &[
    Limit {
        scope: LimitScope::Requests,
        count: 10,
        window: Duration::from_mins(1),
    },
    Limit {
        scope: LimitScope::Batches,
        count: 2,
        window: Duration::from_mins(1),
    },
];

fn descriptor(calls_in_flight: usize, limits: &'static [Limit]) -> Descriptor {
    fn one(_: &str, _: Operation) -> usize {
        1
    }
    Descriptor {
        key: "TEST",
        short: "test",
        transport: Transport::Http,
        auth: AuthStyle::None,
        production_url: "https://provider.example",
        sandbox_url: "https://sandbox.provider.example",
        kinds: &[],
        effect_kinds: &[],
        batch_size: one,
        playbook: |_| None,
        read_size: 1,
        default_item: None,
        imports: &[],
        calls_in_flight,
        limits,
        processing_limit: Duration::from_mins(2),
        lookup_lag: Duration::from_secs(30),
        call_deadline: Duration::from_secs(20),
        reply_limit: 1000,
    }
}

/// A moment that leaves room for earlier ones.
fn start() -> Instant {
    SystemClock.monotonic() + Duration::from_hours(48)
}

/// Takes permits and ends their calls at once.
fn use_up(pacer: &mut Pacer, now: Instant, cost: Cost, count: usize) {
    for _ in 0..count {
        let permit = pacer.try_acquire(now, cost, Lane::Live).unwrap();
        pacer.finish(permit, now);
    }
}

#[test]
fn a_window_is_free_again_one_window_after_the_reply() {
    let mut pacer = Pacer::new(&descriptor(100, LIMITS));
    let now = start();
    let first = pacer.try_acquire(now, REQUEST, Lane::Live).unwrap();
    use_up(&mut pacer, now + SECOND, REQUEST, 9);
    pacer.finish(first, now + 7 * SECOND);
    let at = now + 10 * SECOND;
    assert_eq!(
        pacer.try_acquire(at, REQUEST, Lane::Live).unwrap_err(),
        51 * SECOND
    );
    assert!(
        pacer
            .try_acquire(now + 61 * SECOND, REQUEST, Lane::Live)
            .is_ok()
    );
}

#[test]
fn only_what_a_limit_counts_is_charged_to_it() {
    let mut pacer = Pacer::new(&descriptor(100, LIMITS));
    let now = start();
    use_up(&mut pacer, now, BATCH, 2);
    assert_eq!(
        pacer.try_acquire(now, BATCH, Lane::Live).unwrap_err(),
        60 * SECOND
    );
    use_up(&mut pacer, now, METERED, 8);
    assert!(pacer.try_acquire(now, REQUEST, Lane::Live).is_err());
}

#[test]
fn a_lost_permit_is_charged_until_its_deadline_and_a_window() {
    let mut pacer = Pacer::new(&descriptor(1, LIMITS));
    let now = start();
    let lost = pacer.try_acquire(now, BATCH, Lane::Live).unwrap();
    assert_eq!(lost.send_before(), now + 5 * SECOND);
    drop(lost);
    // Five seconds to send and twenty to answer.
    assert_eq!(
        pacer.try_acquire(now, REQUEST, Lane::Live).unwrap_err(),
        25 * SECOND
    );
    let later = now + 25 * SECOND;
    use_up(&mut pacer, later, BATCH, 1);
    assert_eq!(
        pacer.try_acquire(later, BATCH, Lane::Live).unwrap_err(),
        60 * SECOND
    );
    assert!(
        pacer
            .try_acquire(later + 60 * SECOND, BATCH, Lane::Live)
            .is_ok()
    );
}

#[test]
fn what_was_not_sent_is_not_charged() {
    let mut pacer = Pacer::new(&descriptor(1, LIMITS));
    let now = start();
    for _ in 0..100 {
        let permit = pacer.try_acquire(now, BATCH, Lane::Bulk).unwrap();
        pacer.unsent(permit);
    }
}

#[test]
fn bulk_leaves_a_place_in_flight_and_a_tenth_of_each_window() {
    let mut pacer = Pacer::new(&descriptor(3, LIMITS));
    let now = start();
    let held: Vec<Permit> = (0..2)
        .map(|_| pacer.try_acquire(now, REQUEST, Lane::Bulk).unwrap())
        .collect();
    assert!(pacer.try_acquire(now, REQUEST, Lane::Bulk).is_err());
    let live = pacer.try_acquire(now, REQUEST, Lane::Live).unwrap();
    assert!(pacer.try_acquire(now, REQUEST, Lane::Live).is_err());
    for permit in held.into_iter().chain([live]) {
        pacer.finish(permit, now);
    }
    for _ in 3..9 {
        let permit = pacer.try_acquire(now, REQUEST, Lane::Bulk).unwrap();
        pacer.finish(permit, now);
    }
    assert_eq!(
        pacer.try_acquire(now, REQUEST, Lane::Bulk).unwrap_err(),
        60 * SECOND
    );
    use_up(&mut pacer, now, REQUEST, 1);
    assert!(pacer.try_acquire(now, REQUEST, Lane::Live).is_err());
}

#[test]
fn where_there_is_room_for_one_only_bulk_gets_it() {
    const ONE: &[Limit] = &[Limit {
        scope: LimitScope::Requests,
        count: 1,
        window: SECOND,
    }];
    for calls_in_flight in [0, 1] {
        let mut pacer = Pacer::new(&descriptor(calls_in_flight, ONE));
        let now = start();
        let permit = pacer.try_acquire(now, REQUEST, Lane::Bulk).unwrap();
        assert!(pacer.try_acquire(now, REQUEST, Lane::Live).is_err());
        pacer.finish(permit, now);
        assert_eq!(
            pacer.try_acquire(now, REQUEST, Lane::Bulk).unwrap_err(),
            SECOND
        );
    }
}

#[test]
fn a_limit_of_none_lets_none_through() {
    const NONE: &[Limit] = &[Limit {
        scope: LimitScope::MeteredReads,
        count: 0,
        window: SECOND,
    }];
    let mut pacer = Pacer::new(&descriptor(5, NONE));
    let now = start();
    for lane in [Lane::Live, Lane::Bulk] {
        assert_eq!(pacer.try_acquire(now, METERED, lane).unwrap_err(), SECOND);
        assert!(pacer.try_acquire(now, REQUEST, lane).is_ok());
    }
}

#[test]
fn silence_is_kept_as_long_as_asked_and_never_shortened() {
    let mut pacer = Pacer::new(&descriptor(5, LIMITS));
    let now = start();
    pacer.penalise(now + 30 * SECOND);
    pacer.penalise(now + 10 * SECOND);
    for lane in [Lane::Live, Lane::Bulk] {
        assert_eq!(
            pacer.try_acquire(now, REQUEST, lane).unwrap_err(),
            30 * SECOND
        );
    }
    assert!(
        pacer
            .try_acquire(now + 30 * SECOND, REQUEST, Lane::Live)
            .is_ok()
    );
}

#[test]
fn a_takeover_starts_with_what_was_charged_before() {
    let mut pacer = Pacer::new(&descriptor(2, LIMITS));
    let now = start();
    let past = |opened: u32, ended: Option<u32>| PastCharge {
        opened_ago: opened * SECOND,
        ended_ago: ended.map(|ended| ended * SECOND),
        cost: BATCH,
    };
    // One open call, one that ended 50 s ago, one long ago, one before the machine started.
    pacer.restore(
        now,
        &[
            past(5, None),
            past(59, Some(50)),
            past(200, Some(190)),
            past(u32::MAX, None),
        ],
    );
    assert_eq!(
        pacer.try_acquire(now, BATCH, Lane::Live).unwrap_err(),
        10 * SECOND
    );
    let held = pacer.try_acquire(now, REQUEST, Lane::Live).unwrap();
    // The open call's place in flight is free when its deadline has passed.
    assert_eq!(
        pacer.try_acquire(now, REQUEST, Lane::Live).unwrap_err(),
        20 * SECOND
    );
    pacer.finish(held, now);
    assert!(pacer.try_acquire(now, REQUEST, Lane::Live).is_ok());
}

#[test]
fn what_is_free_is_forgotten() {
    let mut pacer = Pacer::new(&descriptor(100, LIMITS));
    let mut now = start();
    for _ in 0..1000 {
        use_up(&mut pacer, now, REQUEST, 1);
        now += 10 * SECOND;
    }
    assert!(pacer.charges.len() <= 7, "{}", pacer.charges.len());
}
