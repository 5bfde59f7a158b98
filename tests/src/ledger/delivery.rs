//! How events arrive: not in the order they happened, and some of them twice.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

/// What the way from `ProjectLedger` does to events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivery {
    /// An event comes at most so many places after its turn.
    pub most_late: u32,
    /// So many events come once more, somewhere behind the first time, per cent.
    pub repeated_percent: u32,
}

impl Delivery {
    /// The events as they arrive; the same seed and events give the same order.
    pub fn of(self, events: Vec<Value>, seed: u64) -> Vec<Value> {
        let mut random = StdRng::seed_from_u64(seed);
        let late = u64::from(self.most_late);
        let mut arriving = Vec::with_capacity(events.len());
        for (at, event) in (0_u64..).zip(events) {
            let arrives = at + random.random_range(0..=late);
            if random.random_range(0..100) < self.repeated_percent {
                let again = arrives + random.random_range(0..=late + 1);
                arriving.push((again, event.clone()));
            }
            arriving.push((arrives, event));
        }
        arriving.sort_by_key(|(arrives, _)| *arrives);
        arriving.into_iter().map(|(_, event)| event).collect()
    }
}
