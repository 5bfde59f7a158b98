//! How a role is doing: its condition, told to health, to the metrics and to `fatal()`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::Component;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;
use crate::instant::now;
use crate::meters::{CONNECTED, DELIVERIES, PUBLISH_FAILURES, RECONNECTS, RoleName};

/// How long a role may be without a session before `fatal()` resolves, to start from.
pub(crate) const FATAL_AFTER: Duration = Duration::from_mins(1);

/// The condition of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// There is no session, for this reason.
    Down {
        /// Since when there is none.
        since: Instant,
        /// Why, in plain words.
        reason: String,
    },
    /// There is a session and it works.
    Up,
    /// There is a session, and the broker reads nothing from it.
    Blocked,
}

/// Keeps the condition of one role and tells whoever must know.
#[derive(Debug)]
pub(crate) struct Vitals {
    role: RoleName,
    component: Component,
    condition: watch::Sender<Condition>,
    /// Whether there has been a session before.
    was_up: AtomicBool,
}

impl Vitals {
    /// A role that has not connected yet.
    pub(crate) fn new(role: RoleName, component: Component) -> Self {
        let reason = "connecting to the broker".to_owned();
        component.not_ready(reason.as_str());
        CONNECTED.set(role, 0);
        RECONNECTS.add(role, 0);
        match role {
            RoleName::Publish => PUBLISH_FAILURES.show_all(),
            RoleName::Consume => DELIVERIES.show_all(),
        }
        let since = now();
        let (condition, _) = watch::channel(Condition::Down { since, reason });
        Self {
            role,
            component,
            condition,
            was_up: AtomicBool::new(false),
        }
    }

    /// The condition now, and whenever it changes.
    pub(crate) fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    /// A session is up and works.
    pub(crate) fn up(&self) {
        let was_down = matches!(*self.condition.borrow(), Condition::Down { .. });
        if was_down && self.was_up.swap(true, Ordering::Relaxed) {
            RECONNECTS.increment(self.role);
        }
        if self.change(Condition::Up) {
            CONNECTED.set(self.role, 1);
            self.component.ready();
        }
    }

    /// The broker reads nothing more from the session.
    pub(crate) fn blocked(&self) {
        if self.change(Condition::Blocked) {
            self.component
                .not_ready("the broker accepts no messages for now (disk or memory alarm)");
        }
    }

    /// There is no session, because of this fault.
    pub(crate) fn down(&self, fault: &Fault) {
        let since = match *self.condition.borrow() {
            Condition::Down { since, .. } => since,
            Condition::Up | Condition::Blocked => now(),
        };
        let reason = runtime::chain(fault);
        self.component.not_ready(reason.as_str());
        CONNECTED.set(self.role, 0);
        self.change(Condition::Down { since, reason });
    }

    /// The role has ended on purpose.
    pub(crate) fn ended(&self) {
        self.component.not_ready("closed");
        CONNECTED.set(self.role, 0);
    }

    /// Stores the condition; true if it is another one.
    fn change(&self, next: Condition) -> bool {
        self.condition.send_if_modified(|current| {
            let is_other = *current != next;
            *current = next;
            is_other
        })
    }
}

/// Resolves with the reason once the role has been without a session for so long.
pub(crate) async fn fatal(mut condition: watch::Receiver<Condition>, after: Duration) -> String {
    loop {
        let seen = condition.borrow_and_update().clone();
        let too_late = async {
            match &seen {
                Condition::Down { since, .. } => sleep_until(*since + after).await,
                Condition::Up | Condition::Blocked => std::future::pending().await,
            }
        };
        tokio::select! {
            () = too_late => {
                if let Condition::Down { reason, .. } = seen {
                    return reason;
                }
            }
            changed = condition.changed() => if changed.is_err() {
                // The role was closed on purpose: nothing is wrong.
                std::future::pending::<()>().await;
            }
        }
    }
}
