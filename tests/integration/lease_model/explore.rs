//! Breadth-first search of every reachable state, with the invariants and the fair completion.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use super::rules::{Action, Model, Violation};
use super::state::{BASE, DEPENDENT, ItemState, Run, State, bit};

/// More than any configuration here needs: a search beyond it is a mistake in the model.
const STATE_LIMIT: usize = 20_000_000;

#[derive(Clone, Copy, Debug)]
pub struct Explored {
    pub states: usize,
    pub steps: usize,
}

/// The shortest way to a broken promise.
pub struct Counterexample {
    pub violation: Violation,
    /// Each step, with the run that made it as it then was; a fence is its rank at that moment.
    pub trace: Vec<(Action, Option<Run>)>,
    pub last: State,
    pub states: usize,
}

/// Boxed: it is large and rare.
type Failure = Box<Counterexample>;

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} after {} states:", self.violation, self.states)?;
        for (action, run) in &self.trace {
            match run {
                Some(run) => writeln!(f, "  {action:?} of fence {}: {:?}", run.fence, run.phase)?,
                None => writeln!(f, "  {action:?}")?,
            }
        }
        write!(f, "  {:?}", self.last)
    }
}

/// Explores everything reachable.
///
/// # Errors
/// The shortest counterexample, if a promise can be broken.
pub fn explore(model: &Model) -> Result<Explored, Failure> {
    let mut search = Search::new(model);
    let mut actions = Vec::new();
    let mut next = 0;
    while next < search.states.len() {
        search.expand(next, &mut actions)?;
        next += 1;
    }
    search.check_completion()?;
    Ok(Explored {
        states: search.states.len(),
        steps: search.steps,
    })
}

struct Search<'a> {
    model: &'a Model,
    /// The number of the state with this hash.
    known: HashMap<u64, u32, BuildHasherDefault<Mixer>>,
    states: Vec<State>,
    /// How each state was first reached.
    parents: Vec<(u32, Option<Action>)>,
    /// Where each state goes in fair weather; itself where nothing is left to do.
    fair: Vec<u32>,
    steps: usize,
}

impl<'a> Search<'a> {
    fn new(model: &'a Model) -> Self {
        let start = model.start();
        let mut known = HashMap::default();
        known.insert(hash(&start), 0);
        Self {
            model,
            known,
            states: vec![start],
            parents: vec![(0, None)],
            fair: Vec::new(),
            steps: 0,
        }
    }

    fn expand(&mut self, index: usize, actions: &mut Vec<Action>) -> Result<(), Failure> {
        let state = self.states[index];
        self.model.actions(&state, actions);
        let fair_action = actions
            .iter()
            .filter(|action| action.fair_rank().is_some())
            .min_by_key(|action| action.fair_rank())
            .copied();
        if fair_action.is_none() {
            if !is_complete(&state) {
                return Err(self.counterexample(index, None, Violation::Stranded));
            }
            self.fair.push(id(index));
        }
        for &action in actions.iter() {
            self.steps += 1;
            let reached = self
                .model
                .apply(&state, action)
                .map_err(|broken| self.counterexample(index, Some(action), broken))?;
            let target = self.visit(reached, index, action)?;
            if fair_action == Some(action) {
                self.fair.push(target);
            }
        }
        Ok(())
    }

    fn visit(&mut self, state: State, from: usize, action: Action) -> Result<u32, Failure> {
        let number = id(self.states.len());
        match self.known.entry(hash(&state)) {
            Entry::Occupied(entry) => {
                let same = self.states[*entry.get() as usize] == state;
                assert!(same, "two states share a 64-bit hash: change the mixer");
                return Ok(*entry.get());
            }
            Entry::Vacant(entry) => entry.insert(number),
        };
        self.states.push(state);
        self.parents.push((id(from), Some(action)));
        assert!(self.states.len() < STATE_LIMIT, "the model is unbounded");
        match broken_invariant(self.model, &state) {
            Some(violation) => Err(self.counterexample(self.states.len() - 1, None, violation)),
            None => Ok(number),
        }
    }

    /// From every state the fair completion must end, and it ends only where all is done.
    fn check_completion(&self) -> Result<(), Failure> {
        let mut walked_by = vec![u32::MAX; self.states.len()];
        for start in 0..self.states.len() {
            let mut at = start;
            while walked_by[at] == u32::MAX {
                walked_by[at] = id(start);
                at = self.fair[at] as usize;
            }
            let ends = self.fair[at] as usize == at;
            if walked_by[at] == id(start) && !ends {
                return Err(self.counterexample(at, None, Violation::Livelock));
            }
        }
        Ok(())
    }

    #[expect(
        clippy::unnecessary_box_returns,
        reason = "its callers return it boxed"
    )]
    fn counterexample(&self, index: usize, step: Option<Action>, violation: Violation) -> Failure {
        let named = |action: Action, from: usize| {
            let slot = action.slot();
            let run = slot.map(|(worker, run)| self.states[from].workers[worker].runs[run]);
            (action, run)
        };
        let mut trace: Vec<_> = step
            .map(|action| named(action, index))
            .into_iter()
            .collect();
        let mut at = index;
        while let (parent, Some(action)) = self.parents[at] {
            at = parent as usize;
            trace.push(named(action, at));
        }
        trace.reverse();
        Box::new(Counterexample {
            violation,
            trace,
            last: self.states[index],
            states: self.states.len(),
        })
    }
}

fn id(index: usize) -> u32 {
    u32::try_from(index).expect("below the limit of states")
}

fn hash(state: &State) -> u64 {
    BuildHasherDefault::<Mixer>::default().hash_one(state)
}

/// What must be true in every state.
fn broken_invariant(model: &Model, s: &State) -> Option<Violation> {
    if s.items.iter().any(|item| item.objects > 1) {
        return Some(Violation::TwoObjects);
    }
    let two_open = |item| {
        s.calls
            .iter()
            .filter(|call| call.open & bit(item) != 0)
            .count()
            > 1
    };
    if two_open(BASE) || two_open(DEPENDENT) {
        return Some(Violation::TwoOpenAttempts);
    }
    let left_in_flight = |run: Run| run.fence == s.lease.fence && run.phase.in_flight();
    if !s.lease.held && s.runs().any(left_in_flight) {
        return Some(Violation::ReleasedInFlight);
    }
    for item in &s.items {
        if item.state == ItemState::Done && (!item.linked || item.objects == 0) {
            return Some(Violation::DoneWithoutObject);
        }
        if item.crash_count > model.budget.expiries() - s.budget.expiries() {
            return Some(Violation::CrashOvercounted);
        }
    }
    None
}

/// Every item is done, no attempt lacks its outcome, nobody works. An expired lease of a dead
/// holder may remain: it is as good as free.
fn is_complete(s: &State) -> bool {
    let all_done = s.items.iter().all(|item| item.state == ItemState::Done);
    let all_closed = s.calls.iter().all(|call| call.open == 0);
    all_done && all_closed && s.runs().next().is_none()
}

/// A multiplicative hash: states are many, small and ours.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.unsigned_abs() as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}
