//! How a role is doing: its condition, told to health, metrics, the log and `fatal()`.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;
use crate::instant::now;
use crate::topology::QueueKind;

/// How long a role may be without a session before `fatal()` resolves, to start from.
pub(crate) const FATAL_AFTER: Duration = Duration::from_mins(1);

/// The two users of a connection, as labels say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleName {
    /// Publishing.
    Publish,
    /// Consuming.
    Consume,
}

impl RoleName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

/// What became of a delivery, as labels say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Acknowledged.
    Acked,
    /// Sent to the dead letters by its handler.
    Rejected,
    /// Given back by its handler.
    Requeued,
    /// Its handler panicked.
    Panicked,
    /// Its session was gone when the answer came.
    Stale,
}

impl Settled {
    fn as_str(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Rejected => "rejected",
            Self::Requeued => "requeued",
            Self::Panicked => "panicked",
            Self::Stale => "stale",
        }
    }
}

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
    condition: watch::Sender<Condition>,
}

impl Vitals {
    /// A role that has not connected yet.
    pub(crate) fn new(role: RoleName) -> Self {
        let (condition, _) = watch::channel(Condition::Down {
            since: now(),
            reason: "connecting to the broker".to_owned(),
        });
        Self { role, condition }
    }

    /// The condition now, and whenever it changes.
    pub(crate) fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    /// A session is up and works.
    pub(crate) fn up(&self) {
        self.change(Condition::Up);
    }

    /// The broker reads nothing more from the session.
    pub(crate) fn blocked(&self) {
        self.change(Condition::Blocked);
    }

    /// There is no session, because of this fault.
    pub(crate) fn down(&self, fault: &Fault) {
        let reason = fault.chain();
        tracing::warn!(
            role = self.role.as_str(),
            reason,
            "no session with the broker"
        );
        let since = match *self.condition.borrow() {
            Condition::Down { since, .. } => since,
            Condition::Up | Condition::Blocked => now(),
        };
        self.change(Condition::Down { since, reason });
    }

    /// A message was confirmed after so long.
    pub(crate) fn confirmed(&self, after: Duration) {
        metrics::histogram!("publish_confirm_seconds").record(after);
    }

    /// A message is not known to have arrived, for this reason.
    pub(crate) fn publish_failed(&self, reason: &'static str) {
        metrics::counter!("publish_failures_total", "reason" => reason).increment(1);
    }

    /// A delivery was settled.
    pub(crate) fn settled(&self, queue: QueueKind, settled: Settled) {
        let (queue, disposition) = (queue.as_str(), settled.as_str());
        metrics::counter!("deliveries_total", "queue" => queue, "disposition" => disposition)
            .increment(1);
    }

    fn change(&self, next: Condition) {
        self.condition.send_if_modified(|current| {
            let changed = *current != next;
            *current = next;
            changed
        });
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
