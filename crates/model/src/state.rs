//! The states of an item and the one table of moves between them.
//!
//! ```text
//! queued ─claim→ running ─record→ done | partial | skipped (→ parked: its object is refused elsewhere)
//!   ↑ ↑             ├─unclear→ verifying ─claim→ running
//!   │ └─due─ waiting ←retry─┤
//!   └─arrival─ parked ←─────┤
//!   └─replay── failed ←─────┘
//! ```

use serde::{Deserialize, Serialize};

/// Where a document stands in one books.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Ready as soon as a worker takes it.
    Queued,
    /// A worker has it.
    Running,
    /// An earlier call's outcome is being found out.
    Verifying,
    /// Waits for a time: a retry, a slot.
    Waiting,
    /// Waits for somebody or something.
    Parked,
    /// In the books as wanted.
    Done,
    /// Some of it is in the books.
    Partial,
    /// Never sent, on purpose.
    Skipped,
    /// Given up: a dead letter tells why.
    Failed,
}

impl ItemState {
    /// All states.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Verifying,
        Self::Waiting,
        Self::Parked,
        Self::Done,
        Self::Partial,
        Self::Skipped,
        Self::Failed,
    ];

    /// The state as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Verifying => "verifying",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Takes a stored state back.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing is left to do by itself.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Partial | Self::Skipped | Self::Failed
        )
    }

    /// Whether the table allows this move.
    pub const fn may_become(self, next: Self) -> bool {
        use ItemState::{
            Done, Failed, Parked, Partial, Queued, Running, Skipped, Verifying, Waiting,
        };
        match self {
            Queued | Waiting | Verifying => {
                matches!(next, Running | Queued | Verifying | Failed | Parked)
            }
            Running => matches!(
                next,
                Done | Partial | Skipped | Failed | Parked | Waiting | Queued | Verifying
            ),
            Parked => matches!(next, Queued | Verifying | Running | Failed | Skipped),
            // A refusal elsewhere that names its object makes a question of it.
            Done | Partial | Skipped if matches!(next, Parked) => true,
            // A new version, a replay or a person's wish opens a finished item again; a switch skips it.
            Done | Partial | Skipped | Failed => {
                matches!(next, Queued | Waiting | Verifying | Skipped)
            }
        }
    }

    /// The specification's word for this state.
    pub const fn sync_status(self) -> &'static str {
        match self {
            Self::Running => "IN_PROGRESS",
            Self::Queued | Self::Verifying | Self::Waiting | Self::Parked => "PENDING",
            Self::Done => "SUCCESS",
            Self::Partial => "PARTIAL",
            Self::Skipped => "SKIPPED",
            Self::Failed => "FAILED",
        }
    }
}

/// Which queue an item belongs to: live never waits behind bulk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// One document just issued.
    Live,
    /// Batches, backfill, replays.
    Bulk,
}

impl Lane {
    /// As stored: 0 before 1.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Live => 0,
            Self::Bulk => 1,
        }
    }

    /// Takes a stored lane back.
    pub const fn from_stored(stored: i16) -> Self {
        if stored == 0 { Self::Live } else { Self::Bulk }
    }

    /// The word in queue names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Bulk => "bulk",
        }
    }
}

/// What is done to an object in the books. Computed when planned, never stored with the item.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is voided and keeps its number.
    Void,
    /// It is deleted.
    Delete,
}

impl Operation {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Void => "VOID",
            Self::Delete => "DELETE",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Void, Self::Delete]
            .into_iter()
            .find(|o| o.as_str() == text)
    }

    /// The specification's `SyncOperation`, which has no word for void.
    pub const fn sync_operation(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Void | Self::Delete => "DELETE",
        }
    }
}
