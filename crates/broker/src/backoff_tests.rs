//! Tests of the pause between tries.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::pause;

#[test]
fn pauses_double_from_a_fifth_of_a_second_to_five() {
    let mut rng = StdRng::seed_from_u64(1);
    let bounds = [
        (100, 200),
        (200, 400),
        (400, 800),
        (800, 1600),
        (1600, 3200),
    ];
    for (failures, (least, most)) in (0..).zip(bounds) {
        let millis = pause(failures, Duration::ZERO, &mut rng).as_millis();
        assert!((least..=most).contains(&millis), "{failures}: {millis} ms");
    }
    for failures in [5, 16, u32::MAX] {
        let millis = pause(failures, Duration::ZERO, &mut rng).as_millis();
        assert!((2500..=5000).contains(&millis), "{failures}: {millis} ms");
    }
}

#[test]
fn two_of_a_fleet_do_not_come_back_in_step() {
    let pauses: Vec<_> = (0..20)
        .map(|seed| pause(4, Duration::ZERO, &mut StdRng::seed_from_u64(seed)))
        .collect();
    let distinct: std::collections::BTreeSet<_> = pauses.iter().collect();
    assert!(distinct.len() > 15, "{pauses:?}");
}

#[test]
fn a_fault_can_ask_for_a_longer_pause() {
    let mut rng = StdRng::seed_from_u64(1);
    let floor = Duration::from_secs(1);
    assert!(pause(0, floor, &mut rng) >= floor);
}
