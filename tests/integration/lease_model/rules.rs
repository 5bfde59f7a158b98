//! The rules under test: the protocol, what a mutation removes from it, and the world it meets.

use super::state::{
    BASE, Budget, DEPENDENT, Due, ItemState, NextAt, Phase, Run, State, WORKERS, bit, items_of,
};

/// One rule taken out of the protocol; a number is that of the interleavings table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// S8 without `wake = (remembered)` (2).
    ReleaseWithoutWakeTest,
    /// S1 as two statements: try, then mark (1).
    TryThenMark,
    /// S11 finds free leases only, no expired ones (3).
    NoLeaseSweep,
    /// S3 without `run` and `fence` (6).
    ClaimWithoutGuard,
    /// S4 without `run` and `fence` (7).
    IntentWithoutGuard,
    /// S5 left out (8).
    SendWithoutDeadline,
    /// The first look-up that finds nothing proves absence.
    AbsenceBelievedAtOnce,
    /// S6 requires `run` and `fence`: a zombie's reply is dropped.
    RecordGuardedByLease,
    /// S4 does not look at `late_reply` (11).
    LateReplyUnread,
    /// S9 with a call in flight.
    YieldWithCallInFlight,
    /// S1 without `fence + 1`.
    FenceNotRaised,
    /// The dependency is looked up before the lease row is locked, and not again (22).
    WaitWithoutRecheck,
    /// S6 changes item states without `wake` and `next_at`.
    RecordWithoutMark,
    /// A look-up's absence is recorded by attempt, as a reply is.
    AbsenceRecordedWithoutLease,
    /// A prepared call that missed its deadline is recorded as not sent by attempt.
    NotSentRecordedWithoutLease,
    /// A refusal ends an attempt although the same call has been sent again since.
    StaleRefusalRecorded,
    /// After a partial success the absent members go again under the old key.
    RebatchedRetry,
}

/// What *settle* is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Nothing sent before it began can execute once it has passed.
    Covers,
    /// The residual: it may pass while a request can still execute.
    TooShort,
    /// Too short for the look-up, but the reply is recorded before the next intent.
    ReplyBeforeIntent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// The second item needs the first one's link.
    Dependent,
    /// Neither needs the other: both go in one call.
    Batch,
}

/// How the producer's change becomes known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// S10 raises `wake` and lowers `next_at` in its own transaction; a ticket hurries only.
    InTransaction,
    /// By the ticket alone, which is then never lost: shows what S1 is worth by itself.
    ByTicketOnly,
}

#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub mutation: Option<Mutation>,
    pub settle: Settle,
    pub documents: Documents,
    pub marks: Marks,
    pub budget: Budget,
}

/// A place in the fleet: worker, run.
pub type Slot = (usize, usize);

/// One atomic step of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Beat(Slot),
    /// The run's next step (S3, S4, S5, write, look-up, S6, S8).
    Step(Slot),
    /// The provider executes this run's request: members created, and whether by key replay.
    Execute(Slot, u8, bool),
    TimeOut(Slot),
    Yield(Slot),
    Park(Slot),
    OrphanLost(usize),
    OrphanExecutes(usize, u8, bool),
    HolderExpires,
    ParkEnds,
    BecomesDue(usize),
    Sweep(usize),
    Touch(usize),
    Mark(usize),
    Insert(usize),
    NewVersion(usize),
    LoseTicket,
    DuplicateTicket,
    /// The holder stops for longer than its lease; its next step is the thaw.
    FreezePastExpiry,
    Die(usize),
}

impl Action {
    /// The run that acts, if it is one.
    pub fn slot(self) -> Option<Slot> {
        match self {
            Self::Beat(slot)
            | Self::Step(slot)
            | Self::Execute(slot, ..)
            | Self::TimeOut(slot)
            | Self::Yield(slot)
            | Self::Park(slot) => Some(slot),
            Self::OrphanLost(_)
            | Self::OrphanExecutes(..)
            | Self::HolderExpires
            | Self::ParkEnds
            | Self::BecomesDue(_)
            | Self::Sweep(_)
            | Self::Touch(_)
            | Self::Mark(_)
            | Self::Insert(_)
            | Self::NewVersion(_)
            | Self::LoseTicket
            | Self::DuplicateTicket
            | Self::FreezePastExpiry
            | Self::Die(_) => None,
        }
    }
}

/// A broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    TwoObjects,
    SentOverOpenAttempt,
    TwoOpenAttempts,
    ReleasedInFlight,
    FenceNotRaised,
    DoneWithoutObject,
    CrashOvercounted,
    Stranded,
    Livelock,
}

impl Model {
    pub fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    pub fn start(&self) -> State {
        State {
            budget: self.budget,
            ..State::default()
        }
        .canonical()
    }

    /// S1 with S2: the lease for this worker if it may be had.
    pub fn touch(&self, s: &mut State, worker: usize) -> Result<bool, Violation> {
        s.wake();
        self.try_acquire(s, worker)
    }

    /// The taking half of S1, with S2.
    pub fn try_acquire(&self, s: &mut State, worker: usize) -> Result<bool, Violation> {
        if (s.lease.held && !s.lease.expired) || s.lease.parked {
            return Ok(false);
        }
        let before = s.lease.fence;
        if !self.has(Mutation::FenceNotRaised) {
            s.lease.fence += 1;
        }
        s.lease.held = true;
        s.lease.expired = false;
        take_over_items(s);
        let fence = s.lease.fence;
        let vacant = vacant_run(s, worker).expect("only a worker with room tries");
        s.workers[worker].runs[vacant] = Run {
            phase: Phase::Ready,
            fence,
            sending: 0,
        };
        if fence <= before {
            return Err(Violation::FenceNotRaised);
        }
        Ok(true)
    }

    /// S3.
    pub fn claim(&self, s: &mut State, run: &mut Run) {
        if !s.holds(*run) && !self.has(Mutation::ClaimWithoutGuard) {
            *run = Run::default();
            return;
        }
        let due = |s: &State, item: usize, state| {
            s.items[item].state == state && s.items[item].due != Due::Later
        };
        let unclear = [BASE, DEPENDENT]
            .into_iter()
            .find(|&item| due(s, item, ItemState::Verifying));
        if let Some(call) = unclear.and_then(|item| s.open_call(item)) {
            for item in items_of(s.calls[call].open) {
                s.items[item].state = ItemState::Running(run.fence);
            }
            run.phase = Phase::Looking(u8::try_from(call).expect("few calls"));
            return;
        }
        let mut claimed = 0;
        for item in [BASE, DEPENDENT] {
            if due(s, item, ItemState::Queued) && s.open_call(item).is_none() {
                s.items[item].state = ItemState::Running(run.fence);
                claimed |= bit(item);
            }
        }
        run.phase = if claimed == 0 {
            Phase::Idle(earliest_due(s), true)
        } else {
            Phase::Claimed(claimed)
        };
    }

    /// S8.
    pub fn release(&self, s: &mut State, run: &mut Run, earliest: NextAt, wake_is_current: bool) {
        if s.holds(*run) && !wake_is_current && !self.has(Mutation::ReleaseWithoutWakeTest) {
            run.phase = Phase::Ready;
            return;
        }
        if s.holds(*run) {
            s.lease.held = false;
            s.lease.expired = false;
            s.lease.next_at = earliest;
        }
        *run = Run::default();
    }

    /// S10, and the ticket that follows it.
    pub fn announce(&self, s: &mut State) {
        s.tickets += 1;
        if self.marks == Marks::InTransaction {
            s.wake();
            s.lease.next_at = NextAt::Due;
        }
    }

    /// Whether *settle* can pass now for an item whose outcome is unclear.
    pub fn may_settle(&self, s: &State, item: usize) -> bool {
        self.settle != Settle::Covers
            || s.open_call(item)
                .is_none_or(|call| !may_execute_by_rule(s, call))
    }

    /// S11.
    pub fn sweep_finds(&self, s: &State) -> bool {
        let free = !s.lease.held || (s.lease.expired && !self.has(Mutation::NoLeaseSweep));
        free && !s.lease.parked && s.lease.next_at == NextAt::Due
    }
}

/// Whether a request of the call is under way that *settle* waits for. One that is prepared only
/// is not: S5 will hold it back.
fn may_execute_by_rule(s: &State, call: usize) -> bool {
    s.calls[call].orphans > 0
        || s.runs().any(|run| {
            run.phase.call() == Some(call)
                && matches!(
                    run.phase,
                    Phase::Prepared(_, true) | Phase::Checked(_) | Phase::Sent(_)
                )
        })
}

/// S2.
fn take_over_items(s: &mut State) {
    for item in [BASE, DEPENDENT] {
        if !matches!(s.items[item].state, ItemState::Running(_)) {
            continue;
        }
        s.items[item].crash_count += 1;
        s.items[item].due = Due::Now;
        s.items[item].state = if s.open_call(item).is_some() {
            ItemState::Verifying
        } else {
            ItemState::Queued
        };
    }
}

fn earliest_due(s: &State) -> NextAt {
    let later = s.items.iter().any(|item| {
        item.due == Due::Later && matches!(item.state, ItemState::Queued | ItemState::Verifying)
    });
    if later { NextAt::Later } else { NextAt::Never }
}

pub fn vacant_run(s: &State, worker: usize) -> Option<usize> {
    debug_assert!(worker < WORKERS);
    (0..2).find(|&run| s.workers[worker].runs[run].phase == Phase::Vacant)
}
