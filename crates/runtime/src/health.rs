//! Which parts of this process can work, why not, and since when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::clock::Clock;

/// The register of a process's components; clones share it.
#[derive(Clone)]
pub struct Health {
    register: Arc<Register>,
}

/// One component's own handle: it reports, nobody else does.
#[derive(Clone)]
pub struct Component {
    name: &'static str,
    register: Arc<Register>,
}

struct Register {
    clock: Arc<dyn Clock>,
    states: Mutex<BTreeMap<&'static str, State>>,
}

#[derive(Debug, Clone)]
struct State {
    condition: Condition,
    since: DateTime<Utc>,
}

#[derive(Debug, Clone)]
enum Condition {
    Ready,
    NotReady(String),
}

impl Health {
    /// An empty register; it is not ready until somebody has reported so.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let states = Mutex::new(BTreeMap::new());
        Self {
            register: Arc::new(Register { clock, states }),
        }
    }

    /// Registers a component, at first not ready ("starting"); the same name is the same component.
    pub fn component(&self, name: &'static str) -> Component {
        let since = self.register.clock.now();
        let condition = Condition::NotReady("starting".to_owned());
        self.register.with_states(|states| {
            states.entry(name).or_insert(State { condition, since });
        });
        Component {
            name,
            register: Arc::clone(&self.register),
        }
    }

    /// Whether there is a component and all are ready.
    pub fn is_ready(&self) -> bool {
        self.register.with_states(|states| all_ready(states))
    }

    /// The whole register as `/health/ready` shows it, and whether all is ready.
    pub fn report(&self) -> (bool, Value) {
        self.register.with_states(|states| {
            let ready = all_ready(states);
            let components: Vec<_> = states
                .iter()
                .map(|(name, state)| state.to_json(name))
                .collect();
            let report = json!({ "state": state_name(ready), "components": components });
            (ready, report)
        })
    }
}

impl Component {
    /// Reports that this component can work.
    pub fn ready(&self) {
        if self.turn(Condition::Ready) {
            tracing::info!(component = self.name, "{} is ready", self.name);
        }
    }

    /// Reports that this component cannot work, in words an operator understands.
    pub fn not_ready(&self, why: impl Into<String>) {
        let reason = why.into();
        if self.turn(Condition::NotReady(reason.clone())) {
            tracing::warn!(
                component = self.name,
                reason,
                "{} is not ready: {reason}",
                self.name
            );
        }
    }

    /// Stores the condition; true if readiness changed or the reason is a new one.
    fn turn(&self, condition: Condition) -> bool {
        let now = self.register.clock.now();
        self.register.with_states(|states| {
            let state = states
                .get_mut(self.name)
                .expect("a component is registered for good");
            let (changed, since) = match (&state.condition, &condition) {
                (Condition::Ready, Condition::Ready) => (false, state.since),
                (Condition::NotReady(old), Condition::NotReady(new)) => (old != new, state.since),
                (Condition::Ready, Condition::NotReady(_))
                | (Condition::NotReady(_), Condition::Ready) => (true, now),
            };
            *state = State { condition, since };
            changed
        })
    }
}

impl Register {
    fn with_states<T>(&self, act: impl FnOnce(&mut BTreeMap<&'static str, State>) -> T) -> T {
        act(&mut self.states.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn to_json(&self, name: &str) -> Value {
        let (ready, reason) = match &self.condition {
            Condition::Ready => (true, None),
            Condition::NotReady(reason) => (false, Some(reason)),
        };
        let since = self.since.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({ "name": name, "state": state_name(ready), "reason": reason, "since": since })
    }
}

fn all_ready(states: &BTreeMap<&'static str, State>) -> bool {
    let mut conditions = states.values().map(|state| &state.condition);
    !states.is_empty() && conditions.all(|condition| matches!(condition, Condition::Ready))
}

fn state_name(ready: bool) -> &'static str {
    if ready { "READY" } else { "NOT_READY" }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.register
            .with_states(|states| f.debug_tuple("Health").field(states).finish())
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Component").field(&self.name).finish()
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
