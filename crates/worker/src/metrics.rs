//! The worker's metrics; labels come from closed sets.

use runtime::metric::{Counter, Gauge, Histogram, Label, Unit};

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Done,
    Adopted,
    Refused,
    Unknown,
    NotSent,
    Absent,
    Conflict,
    Late,
}

impl Label for End {
    const NAME: &'static str = "outcome";
    const ALL: &'static [Self] = &[
        Self::Done,
        Self::Adopted,
        Self::Refused,
        Self::Unknown,
        Self::NotSent,
        Self::Absent,
        Self::Conflict,
        Self::Late,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Adopted => "adopted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
            Self::Absent => "absent",
            Self::Conflict => "conflict",
            Self::Late => "late",
        }
    }
}

pub(crate) static ATTEMPTS: Counter<End> = Counter::new(
    "tieout_attempts_total",
    "Attempts by how they ended.",
    Unit::Count,
);
pub(crate) static CALLS_RESENT: Counter<()> = Counter::new(
    "tieout_calls_resent_total",
    "Calls sent again under their key after proven absence.",
    Unit::Count,
);
pub(crate) static TAKEOVERS: Counter<()> = Counter::new(
    "tieout_leases_taken_total",
    "Leases acquired by this process.",
    Unit::Count,
);
pub(crate) static LEASES: Gauge<()> = Gauge::new(
    "tieout_leases_held",
    "Leases held by this process.",
    Unit::Count,
);
pub(crate) static GROUP_SIZE: Histogram<()> = Histogram::new(
    "tieout_group_commit_units",
    "Units committed together.",
    Unit::Count,
);
pub(crate) static SYNC_TIME: Histogram<()> =
    Histogram::sync("tieout_sync_time_seconds", "From wanted to in the books.");

/// Series exist before their first event.
pub(crate) fn show() {
    ATTEMPTS.show_all();
    CALLS_RESENT.show_all();
    TAKEOVERS.show_all();
}
