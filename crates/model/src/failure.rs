//! Every way a step can fail, as one closed enum; a failure always says what, who must act and what to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reference::ImportKind;

/// What kind of failure it is; `decide` maps each kind to what happens next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureKind {
    /// The provider was provably not reached: nothing was sent.
    Unreachable,
    /// The provider asked us to slow down.
    Throttled,
    /// Something was sent and what became of it is not known.
    OutcomeUnknown,
    /// The connection's consent no longer works.
    Unauthorized,
    /// The books differ from what we last saw there.
    Conflict,
    /// Something this depends on is not in the books yet.
    DependencyMissing,
    /// The provider refused the content.
    Rejected,
    /// Tieout cannot bring this about in these books.
    Unsupported,
    /// The customer's agent (such as the Web Connector) has not called.
    AgentAbsent,
    /// A rule of ours was broken: a bug.
    Defect,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::Throttled,
        Self::OutcomeUnknown,
        Self::Unauthorized,
        Self::Conflict,
        Self::DependencyMissing,
        Self::Rejected,
        Self::Unsupported,
        Self::AgentAbsent,
        Self::Defect,
    ];

    /// The kind as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "UNREACHABLE",
            Self::Throttled => "THROTTLED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Conflict => "CONFLICT",
            Self::DependencyMissing => "DEPENDENCY_MISSING",
            Self::Rejected => "REJECTED",
            Self::Unsupported => "UNSUPPORTED",
            Self::AgentAbsent => "AGENT_ABSENT",
            Self::Defect => "DEFECT",
        }
    }
}

/// Who must act before this can go on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Owner {
    /// Nobody: the fleet goes on by itself.
    System,
    /// Whoever keeps the books.
    Bookkeeper,
    /// Whoever owns the connection to the provider.
    Customer,
    /// Whoever runs Tieout.
    Operator,
}

impl Owner {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "SYSTEM",
            Self::Bookkeeper => "BOOKKEEPER",
            Self::Customer => "CUSTOMER",
            Self::Operator => "OPERATOR",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        [
            Self::System,
            Self::Bookkeeper,
            Self::Customer,
            Self::Operator,
        ]
        .into_iter()
        .find(|o| o.as_str() == text)
    }
}

/// How far a failure reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// This element of the call only.
    Element,
    /// Every element of the call.
    Call,
    /// Everything in these books: the lease is parked.
    Books,
}

/// What became of an object that a refusal names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReferenceState {
    /// Archived, deactivated or merged away: it takes no new documents.
    Inactive,
    /// Deleted.
    Gone,
}

impl ReferenceState {
    /// The word as stored with the link.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "INACTIVE",
            Self::Gone => "GONE",
        }
    }
}

/// An object of the books that a refused document named and that was the reason.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// The kind of its effect, such as `customer`.
    pub effect_kind: String,
    /// The provider's id.
    pub external_id: String,
    /// What became of it.
    pub state: ReferenceState,
}

/// The code of a refusal because our revision was stale: read, compare, then send again.
pub const STALE_REVISION: &str = "STALE_REVISION";

/// The code of a conflict that another document of the same books may end: an invoice has less open than is to be
/// settled of it, and what takes up the rest may be about to change or go. Tried again before a person is asked.
pub const NOT_OPEN: &str = "INVOICE_NOT_OPEN";

/// A failure in words a customer may read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// The provider's code, or ours in `SCREAMING_SNAKE_CASE`.
    pub code: String,
    /// What happened and what to do, in plain words; no secrets, no names.
    pub message: String,
    /// Who must act.
    pub owner: Owner,
    /// How far it reaches.
    pub scope: Scope,
    /// The provider's own wording, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The provider's wish to wait, which may lengthen a delay and never shortens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// The object that was the reason: all documents that name it wait on one question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Box<Reference>>,
    /// What we know of the books seems to be out of date: this import is due at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks_import: Option<ImportKind>,
}

impl Failure {
    /// A failure of one element; refine it with the `with_` methods.
    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        let owner = match kind {
            FailureKind::Unreachable
            | FailureKind::Throttled
            | FailureKind::OutcomeUnknown
            | FailureKind::DependencyMissing => Owner::System,
            FailureKind::Conflict | FailureKind::Rejected | FailureKind::Unsupported => {
                Owner::Bookkeeper
            }
            FailureKind::Unauthorized | FailureKind::AgentAbsent => Owner::Customer,
            FailureKind::Defect => Owner::Operator,
        };
        Self {
            kind,
            owner,
            code: code.into().replace('\0', ""),
            message: message.into().replace('\0', ""),
            scope: Scope::Element,
            detail: None,
            retry_after: None,
            reference: None,
            asks_import: None,
        }
    }

    /// Names who must act.
    #[must_use]
    pub fn owned_by(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// Says how far it reaches.
    #[must_use]
    pub fn reaching(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Adds the provider's own wording, cut to 2,000 characters.
    #[must_use]
    pub fn with_detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = Some(
            detail
                .as_ref()
                .chars()
                .filter(|c| *c != '\0')
                .take(2_000)
                .collect(),
        );
        self
    }

    /// Adds the provider's wish to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Names the object of the books that was the reason.
    #[must_use]
    pub fn with_reference(mut self, reference: Reference) -> Self {
        self.reference = Some(Box::new(reference));
        self
    }

    /// Asks for what was imported from the books to be read again.
    #[must_use]
    pub fn asking_import(mut self, what: ImportKind) -> Self {
        self.asks_import = Some(what);
        self
    }

    /// Groups alike failures: kind and code, never a document's own words.
    pub fn fingerprint(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.code)
    }
}
