//! Intent, send, record and look-up: S4 to S6 and what closes an unclear call.

use super::rules::{Documents, Model, Mutation, Settle, Violation};
use super::state::{
    BASE, Call, DEPENDENT, Due, Item, ItemState, NextAt, Phase, Run, State, bit, items_of,
};

impl Model {
    /// The plan reads the link without a lock; a need found there is parked by S4's transaction.
    pub fn plan(&self, s: &mut State, run: &mut Run, claimed: u8) {
        let needs = self.documents == Documents::Dependent
            && claimed & bit(DEPENDENT) != 0
            && !s.items[DEPENDENT].linked
            && !s.items[BASE].linked;
        if needs {
            run.phase = Phase::Planned(claimed);
        } else {
            self.intend(s, run, claimed);
        }
    }

    /// S4. An item whose effect is linked needs an update: a guarded write against a revision,
    /// which cannot double, so it is done here in one step.
    pub fn intend(&self, s: &mut State, run: &mut Run, claimed: u8) {
        let holds = s.holds(*run);
        if !holds && !self.has(Mutation::IntentWithoutGuard) {
            *run = Run::default();
            return;
        }
        let waits = matches!(run.phase, Phase::Planned(_));
        let mut members = 0;
        for item in items_of(claimed) {
            let late_reply = s.items[item].late_reply && !self.has(Mutation::LateReplyUnread);
            let row = &mut s.items[item];
            row.linked |= late_reply;
            row.late_reply &= !late_reply;
            if holds && row.linked {
                row.state = ItemState::Done;
                Self::release_waiter(s, item);
            } else if holds && waits && item == DEPENDENT {
                self.wait_for_base(s);
            } else if s.open_call(item).is_none() {
                members |= bit(item);
            } else if holds {
                unclear(&mut s.items[item]);
            }
        }
        if members == 0 {
            run.phase = Phase::Ready;
            return;
        }
        let call = s.vacant_call();
        let newer = items_of(members).filter(|&item| s.items[item].version > 1);
        s.calls[call] = Call {
            members,
            open: members,
            newer: newer.fold(0, |mask, item| mask | bit(item)),
            sending: 1,
            ..Call::default()
        };
        run.sending = 1;
        run.phase = prepared(s, *run, call);
    }

    fn wait_for_base(&self, s: &mut State) {
        let arrived = s.items[BASE].linked && !self.has(Mutation::WaitWithoutRecheck);
        let row = &mut s.items[DEPENDENT];
        row.due = Due::Now;
        row.state = if arrived {
            ItemState::Queued
        } else {
            ItemState::Waiting
        };
    }

    /// S5. What was not sent is closed by the run that knows it, while it holds the lease.
    pub fn check_deadline(&self, s: &mut State, run: &mut Run, call: u8, in_time: bool) {
        if in_time || self.has(Mutation::SendWithoutDeadline) {
            run.phase = Phase::Checked(call);
            return;
        }
        if s.holds(*run) || self.has(Mutation::NotSentRecordedWithoutLease) {
            let open = s.calls[usize::from(call)].open;
            self.close_without_object(s, usize::from(call), open, Due::Now);
        }
        *run = ready(s, *run);
    }

    pub fn write(&self, s: &mut State, run: &mut Run, call: u8) -> Result<(), Violation> {
        let members = s.calls[usize::from(call)].members;
        run.phase = Phase::Sent(call);
        let other = items_of(members)
            .filter_map(|item| s.open_call(item))
            .any(|open| open != usize::from(call));
        // The residual sends late by definition; what it may not do without is being seen.
        if other && self.settle == Settle::Covers {
            return Err(Violation::SentOverOpenAttempt);
        }
        Ok(())
    }

    /// S6: by attempt, whoever holds the lease.
    pub fn record(&self, s: &mut State, run: &mut Run, call: u8, created: u8) {
        let sender = std::mem::take(run);
        *run = ready(s, sender);
        if !s.holds(sender) && self.has(Mutation::RecordGuardedByLease) {
            return;
        }
        let call = usize::from(call);
        let is_last_sending =
            sender.sending == s.calls[call].sending || self.has(Mutation::StaleRefusalRecorded);
        for item in items_of(s.calls[call].members) {
            let is_open = s.calls[call].open & bit(item) != 0;
            if created & bit(item) != 0 {
                self.record_created(s, call, item);
            } else if is_open && is_last_sending {
                self.close_without_object(s, call, bit(item), Due::Later);
            }
        }
    }

    /// A member is known to be in the books, by reply or by look-up.
    fn record_created(&self, s: &mut State, call: usize, item: usize) {
        if s.calls[call].open & bit(item) == 0 {
            s.items[item].late_reply |= !s.items[item].linked;
            return;
        }
        s.calls[call].open &= !bit(item);
        let recorded_version = 1 + u8::from(s.calls[call].newer & bit(item) != 0);
        let row = &mut s.items[item];
        row.linked = true;
        row.due = Due::Now;
        row.state = if recorded_version == row.version {
            ItemState::Done
        } else {
            ItemState::Queued
        };
        let has_successor = row.state == ItemState::Queued;
        if Self::release_waiter(s, item) || has_successor {
            self.mark(s, NextAt::Due);
        }
    }

    /// An attempt ends with nothing in the books: its item is due again.
    fn close_without_object(&self, s: &mut State, call: usize, members: u8, due: Due) {
        s.calls[call].open &= !members;
        for item in items_of(members) {
            s.items[item].state = ItemState::Queued;
            s.items[item].due = due;
        }
        if members != 0 {
            let is_later = due == Due::Later;
            self.mark(s, if is_later { NextAt::Later } else { NextAt::Due });
        }
    }

    /// Every writer of item states raises `wake` and lowers `next_at`.
    fn mark(&self, s: &mut State, due: NextAt) {
        if self.has(Mutation::RecordWithoutMark) {
            return;
        }
        s.wake();
        s.lease.next_at = match (s.lease.next_at, due) {
            (NextAt::Due, _) | (_, NextAt::Due) => NextAt::Due,
            (NextAt::ParkEnd, _) => NextAt::ParkEnd,
            (NextAt::Never | NextAt::Later, due) => due,
        };
    }

    /// No answer came: the call stays open, its items are to be looked up.
    pub fn time_out(s: &mut State, run: &mut Run, call: u8) {
        let index = usize::from(call);
        if matches!(run.phase, Phase::Sent(_)) {
            s.calls[index].orphans += 1;
        }
        for item in items_of(s.calls[index].open) {
            if s.items[item].state == ItemState::Running(run.fence) {
                unclear(&mut s.items[item]);
            }
        }
        run.phase = Phase::Ready;
    }

    pub fn look_up(s: &State, run: &mut Run, call: u8) {
        let members = items_of(s.calls[usize::from(call)].members);
        let found = members.filter(|&item| s.items[item].objects > 0);
        let found = found.fold(0, |mask, item| mask | bit(item));
        let mut open = items_of(s.calls[usize::from(call)].open);
        let is_settled = open.all(|item| s.items[item].due == Due::Settled);
        run.phase = Phase::Looked(call, found, is_settled);
    }

    /// Closes an unclear call as a call. Presence is a reply, recorded by attempt; absence is a
    /// decision, taken under the lease.
    pub fn conclude(&self, s: &mut State, run: &mut Run, call: u8, found: u8, is_settled: bool) {
        let index = usize::from(call);
        let open = s.calls[index].open;
        for item in items_of(open & found) {
            self.record_created(s, index, item);
        }
        let absent = open & !found;
        let holds = s.holds(*run);
        if absent == 0 || (!holds && !self.has(Mutation::AbsenceRecordedWithoutLease)) {
            *run = ready(s, *run);
            return;
        }
        if !is_settled && !self.has(Mutation::AbsenceBelievedAtOnce) {
            for item in items_of(absent) {
                unclear(&mut s.items[item]);
                s.items[item].due = Due::Later;
            }
            *run = ready(s, *run);
            return;
        }
        if holds && self.goes_again(s, index, absent) {
            for item in items_of(absent) {
                s.items[item].due = Due::Now;
            }
            s.calls[index].members = absent;
            s.calls[index].sending += 1;
            run.sending = s.calls[index].sending;
            run.phase = prepared(s, *run, index);
            return;
        }
        self.close_without_object(s, index, absent, Due::Now);
        *run = ready(s, *run);
    }

    /// The same bytes again under the same key, or else a new call for what is absent.
    fn goes_again(&self, s: &State, call: usize, absent: u8) -> bool {
        let row = s.calls[call];
        let unchanged = items_of(absent)
            .all(|item| (s.items[item].version > 1) == (row.newer & bit(item) != 0));
        unchanged && (absent == row.members || self.has(Mutation::RebatchedRetry))
    }

    /// What waited for the base item need not wait any more.
    fn release_waiter(s: &mut State, item: usize) -> bool {
        let waiter = &mut s.items[DEPENDENT];
        let released = item == BASE && waiter.state == ItemState::Waiting;
        if released {
            waiter.state = ItemState::Queued;
            waiter.due = Due::Now;
        }
        released
    }

    /// In that world no intent is committed while a request of the item may still be answered.
    pub fn awaits_reply(&self, s: &State, run: Run) -> bool {
        let intended = match run.phase {
            Phase::Claimed(items) | Phase::Planned(items) => items,
            Phase::Looked(call, found, true) => {
                let absent = s.calls[usize::from(call)].open & !found;
                let goes_again = self.goes_again(s, usize::from(call), absent);
                if goes_again { absent } else { 0 }
            }
            Phase::Vacant
            | Phase::Ready
            | Phase::Idle(..)
            | Phase::Prepared(..)
            | Phase::Checked(_)
            | Phase::Sent(_)
            | Phase::Replied(..)
            | Phase::Looking(_)
            | Phase::Looked(_, _, false) => 0,
        };
        self.settle == Settle::ReplyBeforeIntent
            && s.runs().filter(|other| *other != run).any(|other| {
                let call = other.phase.call().filter(|_| other.phase.in_flight());
                call.is_some_and(|call| s.calls[call].members & intended != 0)
            })
    }
}

/// The run after its piece of work: on to S3, or ended if the lease is another's.
fn ready(s: &State, run: Run) -> Run {
    if !s.holds(run) {
        return Run::default();
    }
    Run {
        phase: Phase::Ready,
        sending: 0,
        ..run
    }
}

/// Freshly committed; out of time at once where the lease has expired without being taken.
fn prepared(s: &State, run: Run, call: usize) -> Phase {
    let in_time = s.holds(run) && !s.lease.expired;
    Phase::Prepared(u8::try_from(call).expect("few calls"), in_time)
}

fn unclear(item: &mut Item) {
    item.state = ItemState::Verifying;
    item.due = Due::Now;
}
