//! Which steps are possible in a state, what each does, and which comes first in fair weather.

use super::rules::{Action, Marks, Model, Mutation, Slot, Violation, vacant_run};
use super::state::{
    BASE, Call, DEPENDENT, Due, Fault, ItemState, NextAt, Phase, Run, State, WORKERS, Worker, bit,
    items_of,
};

impl Action {
    /// The order of a fair and faultless world, worker first, luck last; none for faults and for
    /// what nobody has to do. The sweep comes before tickets: it must be enough.
    pub fn fair_rank(self) -> Option<u8> {
        match self {
            Self::Beat(_) => Some(0),
            Self::Step(_) | Self::Execute(..) => Some(1),
            Self::OrphanLost(_) => Some(2),
            Self::HolderExpires => Some(3),
            Self::ParkEnds | Self::BecomesDue(_) => Some(4),
            Self::Sweep(_) => Some(5),
            Self::Touch(_) | Self::Mark(_) => Some(6),
            Self::Insert(_) => Some(7),
            Self::TimeOut(_)
            | Self::Yield(_)
            | Self::Park(_)
            | Self::OrphanExecutes(..)
            | Self::NewVersion(_)
            | Self::LoseTicket
            | Self::DuplicateTicket
            | Self::FreezePastExpiry
            | Self::Die(_) => None,
        }
    }
}

impl Model {
    /// Every step that is possible in this state.
    pub fn actions(&self, s: &State, actions: &mut Vec<Action>) {
        actions.clear();
        for worker in 0..WORKERS {
            for run in 0..2 {
                self.run_actions(s, (worker, run), actions);
            }
            self.worker_actions(s, worker, actions);
        }
        for (index, call) in s.calls.iter().enumerate() {
            if call.orphans > 0 {
                actions.push(Action::OrphanLost(index));
                self.answers(s, *call, |created, replay| {
                    actions.push(Action::OrphanExecutes(index, created, replay));
                });
            }
        }
        self.world_actions(s, actions);
    }

    fn run_actions(&self, s: &State, slot: Slot, actions: &mut Vec<Action>) {
        let run = s.workers[slot.0].runs[slot.1];
        if run.phase == Phase::Vacant {
            return;
        }
        let holds = s.holds(run);
        if holds && s.lease.expired {
            actions.push(Action::Beat(slot));
        }
        if let Phase::Sent(call) = run.phase {
            self.answers(s, s.calls[usize::from(call)], |created, replay| {
                actions.push(Action::Execute(slot, created, replay));
            });
        } else if !self.awaits_reply(s, run) {
            actions.push(Action::Step(slot));
        }
        let listens = matches!(run.phase, Phase::Sent(_) | Phase::Replied(..));
        if listens && s.budget.allows(Fault::Timeout) {
            actions.push(Action::TimeOut(slot));
        }
        let may_leave =
            run.phase == Phase::Ready || (listens && self.has(Mutation::YieldWithCallInFlight));
        if holds && may_leave && s.budget.allows(Fault::Yield) {
            actions.push(Action::Yield(slot));
        }
        if holds && may_leave && s.budget.allows(Fault::Park) {
            actions.push(Action::Park(slot));
        }
    }

    fn worker_actions(&self, s: &State, worker: usize, actions: &mut Vec<Action>) {
        let has_room = vacant_run(s, worker).is_some();
        if has_room && self.sweep_finds(s) {
            actions.push(Action::Sweep(worker));
        }
        if has_room && s.tickets > 0 {
            actions.push(Action::Touch(worker));
        }
        if s.workers[worker].marks > 0 {
            actions.push(Action::Mark(worker));
        }
        let works = s.workers[worker] != Worker::default();
        if works && s.budget.allows(Fault::Crash) {
            actions.push(Action::Die(worker));
        }
    }

    /// What the provider may do with a request of this call: members created, by replay or anew.
    fn answers(&self, s: &State, call: Call, mut answer: impl FnMut(u8, bool)) {
        if call.created != 0 {
            // The key is still known: the old reply again, element by element.
            let rebatched = self.has(Mutation::RebatchedRetry);
            let replayed = if rebatched {
                call.members
            } else {
                call.created
            };
            answer(replayed, true);
        }
        answer(call.members, false);
        if s.budget.allows(Fault::Refusal) {
            for created in 0..call.members {
                if created & !call.members == 0 {
                    answer(created, false);
                }
            }
        }
    }

    fn world_actions(&self, s: &State, actions: &mut Vec<Action>) {
        let holder_lives = s.holder_lives();
        if s.lease.held && !s.lease.expired && !holder_lives {
            actions.push(Action::HolderExpires);
        }
        let may_freeze = s.budget.allows(Fault::Crash) || s.budget.allows(Fault::Freeze);
        if holder_lives && !s.lease.expired && may_freeze {
            actions.push(Action::FreezePastExpiry);
        }
        if s.lease.parked {
            actions.push(Action::ParkEnds);
        }
        for item in [BASE, DEPENDENT] {
            let row = s.items[item];
            if row.state == ItemState::Absent {
                actions.push(Action::Insert(item));
            } else if row.version == 1 && s.budget.allows(Fault::NewVersion) {
                actions.push(Action::NewVersion(item));
            }
            let is_settling = row.state == ItemState::Verifying;
            if row.due == Due::Later && (!is_settling || self.may_settle(s, item)) {
                actions.push(Action::BecomesDue(item));
            }
        }
        if s.tickets > 0 && s.budget.allows(Fault::LostTicket) && self.marks == Marks::InTransaction
        {
            actions.push(Action::LoseTicket);
        }
        if s.tickets > 0 && s.budget.allows(Fault::DuplicateTicket) {
            actions.push(Action::DuplicateTicket);
        }
    }

    /// The state after a step, or the promise the step itself breaks.
    pub fn apply(&self, before: &State, action: Action) -> Result<State, Violation> {
        let mut s = *before;
        match action {
            Action::Beat(_) => s.lease.expired = false,
            Action::Step(slot) => self.step(&mut s, slot)?,
            Action::Execute(slot, created, replay) => {
                let run = &mut s.workers[slot.0].runs[slot.1];
                let call = run.phase.call().expect("a request belongs to a call");
                run.phase = Phase::Replied(u8::try_from(call).expect("few calls"), created);
                execute(&mut s, call, created, replay);
            }
            Action::TimeOut(slot) => {
                s.budget.spend(Fault::Timeout);
                let mut run = s.workers[slot.0].runs[slot.1];
                let call = run.phase.call().expect("a request belongs to a call");
                Self::time_out(&mut s, &mut run, u8::try_from(call).expect("few calls"));
                s.workers[slot.0].runs[slot.1] = run;
            }
            Action::Yield(slot) | Action::Park(slot) => self.leave(&mut s, slot, action),
            Action::OrphanLost(call) => s.calls[call].orphans -= 1,
            Action::OrphanExecutes(call, created, replay) => {
                s.calls[call].orphans -= 1;
                execute(&mut s, call, created, replay);
            }
            Action::HolderExpires => s.lease.expired = true,
            Action::ParkEnds => {
                s.lease.parked = false;
                if s.lease.next_at == NextAt::ParkEnd {
                    s.lease.next_at = NextAt::Due;
                }
            }
            Action::BecomesDue(item) => become_due(&mut s, item),
            Action::Sweep(worker) => {
                self.touch(&mut s, worker)?;
            }
            Action::Touch(worker) => self.take_ticket(&mut s, worker)?,
            Action::Mark(worker) => {
                s.workers[worker].marks -= 1;
                s.wake();
            }
            Action::Insert(item) => {
                s.items[item].state = ItemState::Queued;
                s.items[item].version = 1;
                self.announce(&mut s);
            }
            Action::NewVersion(item) => {
                s.budget.spend(Fault::NewVersion);
                s.items[item].version = 2;
                // While an item of the document is open, the newer version waits.
                if s.items[item].state == ItemState::Done {
                    s.items[item].state = ItemState::Queued;
                }
                self.announce(&mut s);
            }
            Action::LoseTicket => {
                s.budget.spend(Fault::LostTicket);
                s.tickets -= 1;
            }
            Action::DuplicateTicket => {
                s.budget.spend(Fault::DuplicateTicket);
                s.tickets += 1;
            }
            Action::FreezePastExpiry => freeze(&mut s),
            Action::Die(worker) => die(&mut s, worker),
        }
        self.end_powerless_runs(&mut s);
        Ok(s.canonical())
    }

    /// A run that lost the lease never gets it back, so a step of it that only ends it commutes
    /// with every other step: it is taken at once, which keeps the search small.
    fn end_powerless_runs(&self, s: &mut State) {
        for slot in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let run = s.workers[slot.0].runs[slot.1];
            if run.phase == Phase::Vacant || s.holds(run) {
                continue;
            }
            let mut ended = *s;
            ended.workers[slot.0].runs[slot.1] = Run::default();
            let mut stepped = *s;
            if self.step(&mut stepped, slot).is_ok() && stepped == ended {
                *s = ended;
            }
        }
    }

    fn take_ticket(&self, s: &mut State, worker: usize) -> Result<(), Violation> {
        s.tickets -= 1;
        if !self.has(Mutation::TryThenMark) {
            self.touch(s, worker)?;
        } else if !self.try_acquire(s, worker)? {
            s.workers[worker].marks += 1;
        }
        Ok(())
    }

    fn step(&self, s: &mut State, slot: Slot) -> Result<(), Violation> {
        let mut run = s.workers[slot.0].runs[slot.1];
        match run.phase {
            Phase::Vacant | Phase::Sent(_) => {}
            Phase::Ready => self.claim(s, &mut run),
            Phase::Idle(earliest, wake) => self.release(s, &mut run, earliest, wake),
            Phase::Claimed(items) => self.plan(s, &mut run, items),
            Phase::Planned(items) => self.intend(s, &mut run, items),
            Phase::Prepared(call, in_time) => self.check_deadline(s, &mut run, call, in_time),
            Phase::Checked(call) => self.write(s, &mut run, call)?,
            Phase::Replied(call, created) => self.record(s, &mut run, call, created),
            Phase::Looking(call) => Self::look_up(s, &mut run, call),
            Phase::Looked(call, found, settled) => {
                self.conclude(s, &mut run, call, found, settled);
            }
        }
        s.workers[slot.0].runs[slot.1] = run;
        Ok(())
    }

    /// S9.
    fn leave(&self, s: &mut State, slot: Slot, action: Action) {
        s.lease.held = false;
        s.lease.expired = false;
        if matches!(action, Action::Park(_)) {
            s.budget.spend(Fault::Park);
            s.lease.parked = true;
            s.lease.next_at = NextAt::ParkEnd;
        } else {
            s.budget.spend(Fault::Yield);
            s.lease.next_at = NextAt::Due;
        }
        let run = &mut s.workers[slot.0].runs[slot.1];
        if !(self.has(Mutation::YieldWithCallInFlight) && run.phase.in_flight()) {
            *run = Run::default();
        }
    }
}

/// The provider does what a request asks, unless it only repeats what it answered before.
fn execute(s: &mut State, call: usize, created: u8, replay: bool) {
    if replay {
        return;
    }
    s.calls[call].created |= created;
    for item in items_of(created) {
        s.items[item].objects += 1;
    }
}

/// An item's time comes; for an unclear one that is *settle*, for its whole call.
fn become_due(s: &mut State, item: usize) {
    let call = s.open_call(item);
    let members = call.map_or(bit(item), |call| s.calls[call].open);
    for member in items_of(members) {
        let is_unclear = s.items[member].state == ItemState::Verifying;
        s.items[member].due = if is_unclear { Due::Settled } else { Due::Now };
    }
    if s.lease.next_at == NextAt::Later {
        s.lease.next_at = NextAt::Due;
    }
    for run in s.workers.iter_mut().flat_map(|worker| &mut worker.runs) {
        if let Phase::Idle(earliest @ NextAt::Later, _) = &mut run.phase {
            *earliest = NextAt::Due;
        }
    }
}

/// The holder stops until its lease has expired, and with it the deadline of what it prepared.
fn freeze(s: &mut State) {
    if s.budget.allows(Fault::Freeze) {
        s.budget.spend(Fault::Freeze);
    } else {
        s.budget.spend(Fault::Crash);
    }
    let lease = s.lease;
    s.lease.expired = true;
    for run in s.workers.iter_mut().flat_map(|worker| &mut worker.runs) {
        if let Phase::Prepared(_, in_time) = &mut run.phase
            && run.fence == lease.fence
        {
            *in_time = false;
        }
    }
}

/// The process is gone; its requests travel on, its tickets come again.
fn die(s: &mut State, worker: usize) {
    s.budget.spend(Fault::Crash);
    let dead = std::mem::take(&mut s.workers[worker]);
    s.tickets += dead.marks;
    for run in dead.runs {
        if let Phase::Sent(call) = run.phase {
            s.calls[usize::from(call)].orphans += 1;
        }
    }
}
