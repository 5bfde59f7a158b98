//! The grid: what may become of an answer, of a key, of a look-up and of the sender.

use std::time::Duration;

use serde_json::{Value, json};

use super::gate::Silence;

/// Life of a lease: longer than any lane, so that none runs out but those of the frozen.
pub(super) const TTL: Duration = Duration::from_mins(5);

/// When absence begins to prove something: the longest lag, and what a request may take on a busy machine.
pub(super) const SETTLE: Duration = Duration::from_secs(4);

/// Wait before the first look-up.
pub(super) const FIRST_LOOKUP: Duration = Duration::from_millis(150);

/// A silence within the lease.
const SHORT_SILENCE: Duration = Duration::from_millis(500);

/// Documents of a batch: more than go one by one.
const BATCH: usize = 5;

/// What becomes of the request and its answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fault {
    /// Nothing goes wrong, but for the silence.
    Answered,
    /// Never carried out: the connection closes.
    DroppedBefore,
    /// Carried out; the connection closes.
    Dropped,
    /// Carried out; silence, until we or the provider hang up.
    Hung,
    /// Carried out; 500, or 504 from the gateway, by turns.
    Status,
    /// Carried out; half an answer: the connection closes in its middle, or it claims to be whole, by turns.
    CutShort,
    /// Carried out; 200 with a page of something else.
    WrongBody,
}

/// All of them.
pub(super) const FAULTS: [Fault; 7] = [
    Fault::Answered,
    Fault::DroppedBefore,
    Fault::Dropped,
    Fault::Hung,
    Fault::Status,
    Fault::CutShort,
    Fault::WrongBody,
];

/// How long the provider remembers a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum KeyLife {
    /// Not at all.
    Zero,
    /// Gone before anything is sent again.
    Short,
    /// Longer than anything here.
    Long,
    /// For ever.
    Ever,
}

/// All of them.
pub(super) const KEY_LIVES: [KeyLife; 4] =
    [KeyLife::Zero, KeyLife::Short, KeyLife::Long, KeyLife::Ever];

impl KeyLife {
    pub(super) const fn millis(self) -> Option<u64> {
        match self {
            Self::Zero => Some(0),
            Self::Short => Some(1_000),
            Self::Long => Some(600_000),
            Self::Ever => None,
        }
    }
}

/// How long a commit stays invisible to look-ups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Lag {
    /// Not at all.
    Zero,
    /// A little longer than the first look-up waits.
    Medium,
    /// Longer than a freeze, shorter than settle.
    Long,
}

/// All of them.
pub(super) const LAGS: [Lag; 3] = [Lag::Zero, Lag::Medium, Lag::Long];

impl Lag {
    pub(super) const fn millis(self) -> u64 {
        match self {
            Self::Zero => 0,
            Self::Medium => 400,
            Self::Long => 1_500,
        }
    }
}

/// How long the sender learns nothing and does nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Freeze {
    /// Not at all.
    None,
    /// Within its lease.
    Short,
    /// Past its lease: a second worker takes over, then the first one wakes.
    PastLease,
}

/// All of them.
pub(super) const FREEZES: [Freeze; 3] = [Freeze::None, Freeze::Short, Freeze::PastLease];

/// What is done to the invoices of a lane, one after the other; each is a cell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    Create,
    Update,
    Void,
}

/// All of them.
pub(super) const PHASES: [Phase; 3] = [Phase::Create, Phase::Update, Phase::Void];

impl Phase {
    pub(super) const fn version(self) -> u64 {
        match self {
            Self::Create => 1,
            Self::Update => 2,
            Self::Void => 3,
        }
    }

    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Create => "invoice.issued",
            Self::Update => "invoice.updated",
            Self::Void => "invoice.voided",
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Void => "void",
        }
    }
}

/// One company with its invoices: three cells, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) number: usize,
    pub(super) fault: Fault,
    pub(super) life: KeyLife,
    pub(super) lag: Lag,
    pub(super) freeze: Freeze,
    pub(super) invoices: usize,
}

/// Every lane of the sweep. The slow ones come first, so that none of them is left alone at the end.
pub(super) fn lanes() -> Vec<Lane> {
    let mut lanes = Vec::new();
    for freeze in FREEZES.into_iter().rev() {
        for lag in LAGS.into_iter().rev() {
            for fault in FAULTS {
                for life in KEY_LIVES {
                    for invoices in [1, BATCH] {
                        let number = lanes.len();
                        lanes.push(Lane {
                            number,
                            fault,
                            life,
                            lag,
                            freeze,
                            invoices,
                        });
                    }
                }
            }
        }
    }
    lanes
}

impl Lane {
    pub(super) fn realm(&self) -> String {
        format!("{}", 9_130_000_000 + self.number)
    }

    pub(super) fn account(&self) -> i64 {
        i64::try_from(self.number).unwrap() + 1
    }

    /// The silence that a gate before the provider makes.
    pub(super) fn gate(&self) -> Option<Silence> {
        match self.freeze {
            Freeze::None => None,
            Freeze::Short => Some(Silence::For(SHORT_SILENCE)),
            Freeze::PastLease => Some(Silence::PastTakeover),
        }
    }

    /// The rule for the sandbox, if its fault needs one.
    pub(super) fn rule(&self, phase: Phase) -> Option<Value> {
        let is_odd = !(phase.version() + u64::from(self.life as u8)).is_multiple_of(2);
        let action = match self.fault {
            Fault::Answered => return None,
            Fault::DroppedBefore => json!("dropBefore"),
            Fault::Dropped => json!("commitThenDrop"),
            Fault::Hung => {
                // Without a gate we hang up first.
                let silence = match self.freeze {
                    Freeze::None => 2_000,
                    Freeze::Short | Freeze::PastLease => 300,
                };
                json!({"commitThenHang": {"ms": silence}})
            }
            Fault::Status if is_odd => json!({"commitThenStatus": {"code": 500}}),
            Fault::Status => {
                json!({"commitThenStatus": {"code": 504, "body": "<html>Gateway Time-out</html>"}})
            }
            Fault::CutShort => json!({"truncate": {"lengthMatches": is_odd}}),
            Fault::WrongBody => json!({"wrongBody": {"body": "<html>Back soon</html>"}}),
        };
        let operation = if self.invoices == 1 {
            phase.operation()
        } else {
            "batch"
        };
        let matching = json!({"realm": self.realm(), "entity": "Invoice", "operation": operation});
        Some(json!({"match": matching, "action": action, "times": 1}))
    }

    /// Whether the call is carried out although its answer is lost.
    pub(super) fn is_committed(&self) -> bool {
        self.fault != Fault::DroppedBefore
    }
}
