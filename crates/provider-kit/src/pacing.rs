//! Permits to call one books, so that no published limit is ever exceeded.
//!
//! The lease holder owns the only pacer of its books. A request reaches the provider at some moment between
//! its permit and its end (reply, failure or deadline), so a permit is charged until one window after that
//! end: then all requests of any window of any phase held permits at one moment, and those never exceed the
//! limit. Time is passed in; nothing here waits. What is deliberately absent: limits shared wider than one
//! books, which are drawn from the database.

use std::time::{Duration, Instant};

use model::Lane;

use crate::descriptor::{Descriptor, Limit, LimitScope};
use crate::provider::Cost;

/// Bulk work leaves this many hundredths of every window free, so that live work finds room at once.
const LIVE_RESERVE_PERCENT: u64 = 10;

/// Longest from permit to sending: the intent is committed in between, under a lease of this length.
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// The right to send one request; hand it back with [`Pacer::finish`] or [`Pacer::unsent`]. One that is lost
/// counts as a call that ran until its deadline.
#[derive(Debug)]
#[must_use = "a permit is charged until it is handed back or its deadline passes"]
pub struct Permit {
    id: u64,
    send_before: Instant,
}

impl Permit {
    /// The request must have been handed to the client before this.
    pub fn send_before(&self) -> Instant {
        self.send_before
    }
}

/// A call from before this pacer, as the database tells it after a takeover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PastCharge {
    /// How long ago the call was committed.
    pub opened_ago: Duration,
    /// How long ago it ended; nothing for an open one, which may run until its deadline.
    pub ended_ago: Option<Duration>,
    /// What it was charged for.
    pub cost: Cost,
}

/// Permits of one books.
#[derive(Clone, Debug)]
pub struct Pacer {
    limits: &'static [Limit],
    calls_in_flight: usize,
    call_deadline: Duration,
    charges: Vec<Charge>,
    next_permit: u64,
    penalty_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Charge {
    permit: Option<u64>,
    cost: Cost,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// In flight, at the latest until then.
    By(Instant),
    /// Ended then.
    At(Instant),
}

impl Pacer {
    /// A pacer with nothing charged.
    pub fn new(descriptor: &Descriptor) -> Self {
        Self {
            limits: descriptor.limits,
            calls_in_flight: descriptor.calls_in_flight.max(1),
            call_deadline: descriptor.call_deadline,
            charges: Vec::new(),
            next_permit: 0,
            penalty_until: None,
        }
    }

    /// A permit, or how long it takes at most until there is room. A call that finishes earlier may make
    /// room earlier: ask again after each.
    pub fn try_acquire(
        &mut self,
        now: Instant,
        cost: Cost,
        lane: Lane,
    ) -> Result<Permit, Duration> {
        self.forget_what_is_free(now);
        let room_at = self.room_at(now, cost, lane);
        if let Some(wait) = room_at.checked_duration_since(now).filter(|w| !w.is_zero()) {
            return Err(wait);
        }
        let id = self.next_permit;
        self.next_permit += 1;
        let send_before = now + SEND_WITHIN;
        self.charges.push(Charge {
            permit: Some(id),
            cost,
            end: End::By(send_before + self.call_deadline),
        });
        Ok(Permit { id, send_before })
    }

    /// Calls whose permits have not been handed back.
    pub fn in_flight(&self) -> usize {
        let is_running = |c: &&Charge| c.permit.is_some() && matches!(c.end, End::By(_));
        self.charges.iter().filter(is_running).count()
    }

    /// The call is over, with a reply or without; nothing of it can leave any more.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permit is used up when it is handed back"
    )]
    pub fn finish(&mut self, permit: Permit, now: Instant) {
        let charge = self
            .charges
            .iter_mut()
            .find(|c| c.permit == Some(permit.id));
        if let Some(charge) = charge {
            charge.end = End::At(charge.end.latest().min(now));
        }
    }

    /// Provably nothing was sent: the permit was never used.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permit is used up when it is handed back"
    )]
    pub fn unsent(&mut self, permit: Permit) {
        self.charges.retain(|c| c.permit != Some(permit.id));
    }

    /// Charges what earlier holders of the books sent.
    pub fn restore(&mut self, now: Instant, recent: &[PastCharge]) {
        for past in recent {
            let end = match past.ended_ago {
                Some(ago) => now.checked_sub(ago).map(End::At),
                None => (now + SEND_WITHIN + self.call_deadline)
                    .checked_sub(past.opened_ago)
                    .map(End::By),
            };
            // Before the monotonic clock began is longer ago than any window.
            if let Some(end) = end {
                self.charges.push(Charge {
                    permit: None,
                    cost: past.cost,
                    end,
                });
            }
        }
    }

    /// The provider asked for silence: no permit before `until`.
    pub fn penalise(&mut self, until: Instant) {
        self.penalty_until = self.penalty_until.max(Some(until));
    }

    /// When every limit has room for one more, at the latest.
    fn room_at(&self, now: Instant, cost: Cost, lane: Lane) -> Instant {
        let in_flight = self.charges.iter().filter_map(|charge| charge.end.open());
        let slots = match lane {
            Lane::Live => self.calls_in_flight,
            // Where only one call runs at a time, bulk has to have it.
            Lane::Bulk => (self.calls_in_flight - 1).max(1),
        };
        let mut at = room_at(now, slots, in_flight.collect()).unwrap_or(now);
        for limit in self.limits.iter().filter(|limit| counts(limit.scope, cost)) {
            let charged = self.charges.iter().filter(|c| counts(limit.scope, c.cost));
            let free_at = charged.map(|c| c.end.latest() + limit.window).collect();
            // A limit of none has never room; a window is as good as any time to ask again.
            let room = room_at(now, budget(*limit, lane), free_at);
            at = at.max(room.unwrap_or(now + limit.window));
        }
        at.max(self.penalty_until.unwrap_or(now))
    }

    fn forget_what_is_free(&mut self, now: Instant) {
        let windows = self.limits.iter().map(|limit| limit.window);
        let longest = windows.max().unwrap_or_default();
        self.charges.retain(|c| c.end.latest() + longest > now);
    }
}

impl End {
    /// The moment after which the request cannot arrive any more.
    fn latest(self) -> Instant {
        match self {
            Self::By(at) | Self::At(at) => at,
        }
    }

    /// Until when it occupies a place in flight.
    fn open(self) -> Option<Instant> {
        match self {
            Self::By(at) => Some(at),
            Self::At(_) => None,
        }
    }
}

/// When fewer than `most` remain, given when each becomes free; nothing if never.
fn room_at(now: Instant, most: usize, mut free_at: Vec<Instant>) -> Option<Instant> {
    if most == 0 {
        return None;
    }
    free_at.retain(|at| *at > now);
    let Some(surplus) = free_at.len().checked_sub(most) else {
        return Some(now);
    };
    free_at.sort_unstable();
    Some(free_at[surplus])
}

/// How many of a window's budget this lane may find charged, itself included.
fn budget(limit: Limit, lane: Lane) -> usize {
    let count = match lane {
        Lane::Live => u64::from(limit.count),
        Lane::Bulk => {
            let share = u64::from(limit.count) * (100 - LIVE_RESERVE_PERCENT) / 100;
            share.max(u64::from(limit.count.min(1)))
        }
    };
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn counts(scope: LimitScope, cost: Cost) -> bool {
    match scope {
        LimitScope::Requests => true,
        LimitScope::Batches => cost.batch,
        LimitScope::MeteredReads => cost.metered_read,
    }
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
