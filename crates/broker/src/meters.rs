//! The broker crate's metrics and the closed sets their labels come from.

use runtime::metric::{Counter, Gauge, Histogram, Label, Unit};

use crate::publisher::PublishError;
use crate::topology::QueueKind;

/// Whether a role has a session.
pub(crate) static CONNECTED: Gauge<RoleName> = Gauge::new(
    "tieout_amqp_connected",
    "1 while the role has a working session with the broker, else 0.",
    Unit::Count,
);

/// Sessions after the first.
pub(crate) static RECONNECTS: Counter<RoleName> = Counter::new(
    "tieout_amqp_reconnects_total",
    "Sessions with the broker that replaced one that was lost.",
    Unit::Count,
);

/// From asking to publish to the broker's confirm, waiting for room included.
pub(crate) static CONFIRM_TIME: Histogram<()> = Histogram::new(
    "tieout_publish_confirm_seconds",
    "Time from asking to publish a message to the broker's confirm.",
    Unit::Seconds,
);

/// Messages not known to have arrived.
pub(crate) static PUBLISH_FAILURES: Counter<Failure> = Counter::new(
    "tieout_publish_failures_total",
    "Messages that the broker is not known to have, by reason.",
    Unit::Count,
);

/// Deliveries with what became of them.
pub(crate) static DELIVERIES: Counter<(QueueKind, Settled)> = Counter::new(
    "tieout_deliveries_total",
    "Messages handed to handlers, by kind of queue and what became of them.",
    Unit::Count,
);

/// The two users of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleName {
    /// Publishing.
    Publish,
    /// Consuming.
    Consume,
}

impl Label for RoleName {
    const NAME: &'static str = "role";
    const ALL: &'static [Self] = &[Self::Publish, Self::Consume];

    fn value(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

impl Label for QueueKind {
    const NAME: &'static str = "queue";
    const ALL: &'static [Self] = &[Self::EventsIn, Self::Live, Self::Bulk, Self::Dead];

    fn value(self) -> &'static str {
        self.as_str()
    }
}

/// What became of a delivery.
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

impl Label for Settled {
    const NAME: &'static str = "disposition";
    const ALL: &'static [Self] = &[
        Self::Acked,
        Self::Rejected,
        Self::Requeued,
        Self::Panicked,
        Self::Stale,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Rejected => "rejected",
            Self::Requeued => "requeued",
            Self::Panicked => "panicked",
            Self::Stale => "stale",
        }
    }
}

/// Why a message is not known to have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No queue of ours took it.
    Returned,
    /// Nobody outside listens to it.
    Unheard,
    /// The broker refused it.
    Nacked,
    /// No confirm in time.
    DeadlinePassed,
    /// No session.
    Disconnected,
    /// The broker reads nothing from publishers.
    Blocked,
    /// It cannot be said in AMQP.
    TooLong,
}

impl Failure {
    /// The failure of a publish; `to_outside` when its exchange is for others to listen to.
    pub(crate) fn of(error: &PublishError, to_outside: bool) -> Self {
        match error {
            PublishError::Returned { .. } if to_outside => Self::Unheard,
            PublishError::Returned { .. } => Self::Returned,
            PublishError::Nacked => Self::Nacked,
            PublishError::DeadlinePassed => Self::DeadlinePassed,
            PublishError::Disconnected => Self::Disconnected,
            PublishError::Blocked => Self::Blocked,
            PublishError::TooLong => Self::TooLong,
        }
    }
}

impl Label for Failure {
    const NAME: &'static str = "reason";
    const ALL: &'static [Self] = &[
        Self::Returned,
        Self::Unheard,
        Self::Nacked,
        Self::DeadlinePassed,
        Self::Disconnected,
        Self::Blocked,
        Self::TooLong,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Unheard => "unheard",
            Self::Nacked => "nacked",
            Self::DeadlinePassed => "deadline_passed",
            Self::Disconnected => "disconnected",
            Self::Blocked => "blocked",
            Self::TooLong => "too_long",
        }
    }
}
