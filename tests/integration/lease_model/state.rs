//! One state of the lease model: rows, broker, books, runs, what may still go wrong.

/// The item nothing is needed for, such as a customer.
pub const BASE: usize = 0;
/// The item that needs `BASE` when documents depend, such as that customer's invoice.
pub const DEPENDENT: usize = 1;
/// Workers of the fleet, and runs each may have at once.
pub const WORKERS: usize = 2;
/// Live calls: one open per item, and those a zombie still holds.
const CALLS: usize = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NextAt {
    #[default]
    Never,
    /// When the earliest item becomes due.
    Later,
    /// When the park ends: equal to `not_before`.
    ParkEnd,
    Due,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lease {
    /// `run is not null`; the holder is the run with the lease's fence, dead if there is none.
    pub held: bool,
    pub expired: bool,
    /// `not_before` lies ahead.
    pub parked: bool,
    pub fence: u8,
    pub next_at: NextAt,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// The producer has not seen it yet.
    #[default]
    Absent,
    Queued,
    /// Claimed under this fence.
    Running(u8),
    Verifying,
    /// For the item it depends on.
    Waiting,
    Done,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Due {
    #[default]
    Now,
    Later,
    /// Now, and *settle* has passed since the last send or takeover.
    Settled,
}

/// An item with its one effect and what the books hold of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Item {
    pub state: ItemState,
    pub due: Due,
    pub crash_count: u8,
    pub version: u8,
    pub linked: bool,
    /// An unread `late_reply` row of the effect.
    pub late_reply: bool,
    /// Objects with the effect's marker in the provider's books.
    pub objects: u8,
}

/// A call row; every set of items is a bit mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// Empty: the row is forgotten, nobody refers to it.
    pub members: u8,
    /// Members whose attempt has no outcome.
    pub open: u8,
    /// Members planned from the newer version.
    pub newer: u8,
    /// How often the same bytes were made ready under the same key.
    pub sending: u8,
    /// What the provider's key memory says it created under this key.
    pub created: u8,
    /// Requests on their way whose sender no longer listens.
    pub orphans: u8,
}

/// Where a run stands; each variant is a point at which it may freeze or die.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    #[default]
    Vacant,
    /// Before S3.
    Ready,
    /// S3 found nothing: the earliest due it saw, and whether the wake is still the one it saw.
    Idle(NextAt, bool),
    /// Before S4, with the items claimed.
    Claimed(u8),
    /// Before S4, planned: the dependent item was seen to need the other.
    Planned(u8),
    /// After S4, before S5: the call, and whether its deadline lies ahead.
    Prepared(u8, bool),
    /// After S5, before the write.
    Checked(u8),
    /// Written, the request not yet executed.
    Sent(u8),
    /// Executed, the reply on its way: the members it created.
    Replied(u8, u8),
    /// Holds an unclear call, before its look-up.
    Looking(u8),
    /// After the look-up: the members it found, and whether *settle* had passed when it began.
    Looked(u8, u8, bool),
}

impl Phase {
    /// The call this run is about.
    pub fn call(self) -> Option<usize> {
        match self {
            Self::Vacant | Self::Ready | Self::Idle(..) | Self::Claimed(_) | Self::Planned(_) => {
                None
            }
            Self::Prepared(call, _)
            | Self::Checked(call)
            | Self::Sent(call)
            | Self::Replied(call, _)
            | Self::Looking(call)
            | Self::Looked(call, ..) => Some(usize::from(call)),
        }
    }

    /// Whether a request may leave, is on its way or has a reply that is not recorded.
    pub fn in_flight(self) -> bool {
        matches!(
            self,
            Self::Prepared(_, true) | Self::Checked(_) | Self::Sent(_) | Self::Replied(..)
        )
    }
}

/// One acquisition of the lease by one process; a fence stands for its run id too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Run {
    pub phase: Phase,
    pub fence: u8,
    /// Which sending of its call this run made.
    pub sending: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Worker {
    pub runs: [Run; 2],
    /// Tickets whose try failed and whose mark is still to come (mutation only).
    pub marks: u8,
}

/// What may happen, but need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A death or a freeze past expiry.
    Crash,
    /// A freeze past expiry only.
    Freeze,
    LostTicket,
    DuplicateTicket,
    NewVersion,
    /// A reply that never comes.
    Timeout,
    /// The provider refuses an element for now, having done nothing; as often as it likes.
    Refusal,
    Park,
    Yield,
}

/// How often each fault may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget([u8; 9]);

impl Budget {
    /// Each fault once for each time it is named.
    pub fn of(faults: &[Fault]) -> Self {
        let mut budget = Self::default();
        for &fault in faults {
            budget.0[fault as usize] += 1;
        }
        budget
    }

    pub fn allows(&self, fault: Fault) -> bool {
        self.0[fault as usize] > 0
    }

    pub fn spend(&mut self, fault: Fault) {
        self.0[fault as usize] -= 1;
    }

    /// Expiries that may still come.
    pub fn expiries(&self) -> u8 {
        self.0[Fault::Crash as usize] + self.0[Fault::Freeze as usize]
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub lease: Lease,
    pub items: [Item; 2],
    pub calls: [Call; CALLS],
    pub workers: [Worker; WORKERS],
    pub tickets: u8,
    pub budget: Budget,
}

impl State {
    /// Whether this run is the one the lease row names, which is what S3, S4, S8 and S9 require.
    pub fn holds(&self, run: Run) -> bool {
        self.lease.held && run.fence == self.lease.fence
    }

    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let [first, second] = self.workers;
        first
            .runs
            .into_iter()
            .chain(second.runs)
            .filter(|run| run.phase != Phase::Vacant)
    }

    /// The run the lease row names, if its process still lives.
    pub fn holder_lives(&self) -> bool {
        self.runs().any(|run| self.holds(run))
    }

    pub fn open_call(&self, item: usize) -> Option<usize> {
        (0..CALLS).find(|&call| self.calls[call].open & bit(item) != 0)
    }

    pub fn vacant_call(&self) -> usize {
        (0..CALLS)
            .find(|&call| self.calls[call].members == 0)
            .expect("a zombie holds one call at most, so four rows are enough")
    }

    /// Raises `wake`: no earlier reading of it is current any more.
    pub fn wake(&mut self) {
        for worker in &mut self.workers {
            for run in &mut worker.runs {
                if let Phase::Idle(_, current) = &mut run.phase {
                    *current = false;
                }
            }
        }
    }

    /// The same state under its one name: rows nobody refers to are dropped, fences become ranks
    /// (only their order matters), workers and their runs are interchangeable.
    pub fn canonical(mut self) -> Self {
        self.forget_closed_calls();
        self.rank_fences();
        for worker in &mut self.workers {
            if worker.runs[0] > worker.runs[1] {
                worker.runs.swap(0, 1);
            }
        }
        if self.workers[0] > self.workers[1] {
            self.workers.swap(0, 1);
        }
        self
    }

    fn forget_closed_calls(&mut self) {
        for index in 0..CALLS {
            let call = self.calls[index];
            let closed = call.members != 0 && call.open == 0 && call.orphans == 0;
            if closed && !self.runs().any(|run| run.phase.call() == Some(index)) {
                self.calls[index] = Call::default();
            }
        }
    }

    fn rank_fences(&mut self) {
        let mut used = 1_u32 << self.lease.fence;
        for run in self.runs() {
            used |= 1 << run.fence;
        }
        for item in &self.items {
            if let ItemState::Running(fence) = item.state {
                used |= 1 << fence;
            }
        }
        let rank = |fence: u8| {
            let below = used & ((1_u32 << fence) - 1);
            u8::try_from(below.count_ones()).expect("32 bits at most") + 1
        };
        self.lease.fence = rank(self.lease.fence);
        for run in self.workers.iter_mut().flat_map(|worker| &mut worker.runs) {
            if run.phase != Phase::Vacant {
                run.fence = rank(run.fence);
            }
        }
        for item in &mut self.items {
            if let ItemState::Running(fence) = &mut item.state {
                *fence = rank(*fence);
            }
        }
    }
}

pub fn bit(item: usize) -> u8 {
    1 << item
}

/// The items of a mask, in order.
pub fn items_of(mask: u8) -> impl Iterator<Item = usize> {
    [BASE, DEPENDENT]
        .into_iter()
        .filter(move |&item| mask & bit(item) != 0)
}
