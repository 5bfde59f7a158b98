//! Random traffic through the pacer, counted the way a provider counts it.

use proptest::prelude::*;

use super::*;

/// One thing that happens; durations in milliseconds.
#[derive(Clone, Debug)]
enum Happening {
    Pass(u64),
    Ask {
        cost: Cost,
        bulk: bool,
    },
    /// A call ends; it arrived at the provider this far (per mille) between permit and end.
    End {
        which: usize,
        arrived: u32,
    },
    Unsent {
        which: usize,
    },
    Lose {
        which: usize,
        arrived: u32,
    },
    TakeOver,
}

fn happening() -> impl Strategy<Value = Happening> {
    let cost = prop_oneof![4 => Just(REQUEST), 2 => Just(BATCH), 1 => Just(METERED)];
    prop_oneof![
        4 => (0_u64..4000).prop_map(Happening::Pass),
        1 => (4000_u64..40_000).prop_map(Happening::Pass),
        12 => (cost, any::<bool>()).prop_map(|(cost, bulk)| Happening::Ask { cost, bulk }),
        6 => (any::<usize>(), 0_u32..=1000).prop_map(|(which, arrived)| Happening::End { which, arrived }),
        1 => any::<usize>().prop_map(|which| Happening::Unsent { which }),
        1 => (any::<usize>(), 0_u32..=1000).prop_map(|(which, arrived)| Happening::Lose { which, arrived }),
        1 => Just(Happening::TakeOver),
    ]
}

const RANDOM_LIMITS: &[Limit] = &[
    Limit {
        scope: LimitScope::Requests,
        count: 12,
        window: Duration::from_secs(30),
    },
    Limit {
        scope: LimitScope::Batches,
        count: 3,
        window: Duration::from_mins(1),
    },
    Limit {
        scope: LimitScope::MeteredReads,
        count: 5,
        window: Duration::from_secs(10),
    },
];
const RANDOM_IN_FLIGHT: usize = 4;

/// The traffic, as an all-knowing observer sees it.
struct World {
    now: Instant,
    pacer: Pacer,
    open: Vec<Open>,
    ended: Vec<(Instant, Instant, Cost)>,
    arrivals: Vec<(Instant, Cost)>,
}

struct Open {
    permit: Option<Permit>,
    since: Instant,
    cost: Cost,
    /// Set when nobody will end it: it counts as running until its deadline.
    lost: bool,
}

impl World {
    fn new() -> Self {
        Self {
            now: start(),
            pacer: Pacer::new(&descriptor(RANDOM_IN_FLIGHT, RANDOM_LIMITS)),
            open: Vec::new(),
            ended: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    fn deadline(open: &Open) -> Instant {
        open.since + 25 * SECOND
    }

    fn step(&mut self, happening: &Happening) {
        match *happening {
            Happening::Pass(milliseconds) => self.pass(Duration::from_millis(milliseconds)),
            Happening::Ask { cost, bulk } => self.ask(cost, bulk),
            Happening::End { which, arrived } => {
                if let Some(open) = self.take(which) {
                    self.arrive(&open, self.now, arrived);
                    self.ended.push((open.since, self.now, open.cost));
                    if let Some(permit) = open.permit {
                        self.pacer.finish(permit, self.now);
                    }
                }
            }
            Happening::Unsent { which } => {
                if let Some(permit) = self.take(which).and_then(|open| open.permit) {
                    self.pacer.unsent(permit);
                }
            }
            Happening::Lose { which, arrived } => {
                if let Some(mut open) = self.take(which) {
                    self.arrive(&open, Self::deadline(&open), arrived);
                    open.lost = true;
                    self.open.push(open);
                }
            }
            Happening::TakeOver => self.take_over(),
        }
    }

    /// A call that may still be ended; after a takeover nobody ends the old ones.
    fn take(&mut self, which: usize) -> Option<Open> {
        let ours = |open: &Open| !open.lost && open.permit.is_some();
        let places: Vec<usize> = (0..self.open.len())
            .filter(|i| ours(&self.open[*i]))
            .collect();
        let place = places.get(which.checked_rem(places.len())?)?;
        Some(self.open.remove(*place))
    }

    fn arrive(&mut self, open: &Open, end: Instant, arrived: u32) {
        self.arrivals
            .push((open.since + (end - open.since) * arrived / 1000, open.cost));
    }

    /// The client ends every call at its deadline, so time does not pass one.
    fn pass(&mut self, time: Duration) {
        let earliest = self
            .open
            .iter()
            .filter(|open| !open.lost)
            .map(Self::deadline)
            .min();
        let until = self.now + time;
        self.now = earliest
            .map_or(until, |deadline| deadline.min(until))
            .max(self.now);
    }

    fn ask(&mut self, cost: Cost, bulk: bool) {
        let lane = if bulk { Lane::Bulk } else { Lane::Live };
        match self.pacer.try_acquire(self.now, cost, lane) {
            Ok(permit) => {
                self.open.push(Open {
                    permit: Some(permit),
                    since: self.now,
                    cost,
                    lost: false,
                });
                let running = self.running();
                assert!(running <= RANDOM_IN_FLIGHT, "in flight");
                if bulk {
                    assert!(running < RANDOM_IN_FLIGHT, "live has its place");
                    let mut copy = self.pacer.clone();
                    assert!(
                        copy.try_acquire(self.now, REQUEST, Lane::Live).is_ok(),
                        "live waits"
                    );
                }
            }
            Err(wait) => {
                let mut later = self.pacer.clone();
                assert!(
                    later.try_acquire(self.now + wait, cost, lane).is_ok(),
                    "wait too short"
                );
            }
        }
    }

    /// A call is over at its deadline, whoever has noticed.
    fn running(&self) -> usize {
        let running = |open: &&Open| Self::deadline(open) > self.now;
        self.open.iter().filter(running).count()
    }

    /// Another process takes over with what the database knows; the old one's calls run on.
    fn take_over(&mut self) {
        let now = self.now;
        let mut recent: Vec<PastCharge> = Vec::new();
        for (opened, ended, cost) in &self.ended {
            recent.push(PastCharge {
                opened_ago: now - *opened,
                ended_ago: Some(now - *ended),
                cost: *cost,
            });
        }
        let mut late = Vec::new();
        for mut open in std::mem::take(&mut self.open) {
            recent.push(PastCharge {
                opened_ago: now - open.since,
                ended_ago: None,
                cost: open.cost,
            });
            if !open.lost {
                self.arrive(&open, Self::deadline(&open), 900);
            }
            open.lost = true;
            late.push(open);
        }
        self.open = late;
        self.pacer = Pacer::new(&descriptor(RANDOM_IN_FLIGHT, RANDOM_LIMITS));
        self.pacer.restore(now, &recent);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_window_of_any_phase_ever_holds_more_than_the_limit(
        happenings in prop::collection::vec(happening(), 1..300),
    ) {
        let mut world = World::new();
        for happening in happenings {
            world.step(&happening);
        }
        for limit in RANDOM_LIMITS {
            let counted = || world.arrivals.iter().filter(|(_, cost)| counts(limit.scope, *cost));
            for (from, _) in counted() {
                let inside = counted().filter(|(at, _)| at >= from && *at < *from + limit.window);
                prop_assert!(inside.count() <= usize::try_from(limit.count).unwrap());
            }
        }
    }
}
