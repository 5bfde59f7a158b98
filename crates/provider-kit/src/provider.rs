//! The `Provider` trait and the values that cross it.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::money::{Amount, Currency};
use model::{
    Document, DocumentKind, EffectId, Environment, Failure, ImportKind, Operation, SourceId,
    SyncSettings,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::descriptor::Descriptor;
use crate::known::{Current, Currents, Links};
use crate::references::{Import, Imported, References};

/// Everything about one provider, free of I/O.
pub trait Provider: Send + Sync + 'static {
    /// Capabilities and limits.
    fn descriptor(&self) -> &'static Descriptor;

    /// What this document version needs in these books. Pure, and the same for preview and push.
    fn plan(&self, view: &View<'_>) -> Plan;

    /// The exact request that brings `members` about. All members share document kind, effect kind and operation,
    /// and are disjoint documents; one member may use the single endpoint. `key` is the provider's idempotency key.
    fn encode(
        &self,
        members: &[Member<'_>],
        key: &str,
        books: &BooksFacts,
    ) -> Result<Request, Failure>;

    /// What a reply says of each member, in the order of `call.members`. Never guesses: what is not clearly
    /// said is `OutcomeUnknown`.
    fn classify(&self, call: &PastCall, reply: &Reply) -> CallResult;

    /// The reads that find out what became of an unclear call.
    fn lookups(&self, call: &PastCall, books: &BooksFacts) -> Vec<Request>;

    /// What those reads say of each member, or which further pages are needed.
    fn judge(&self, call: &PastCall, replies: &[Reply]) -> Result<Judgement, Failure>;

    /// A read of the present state of objects of one effect kind, at most the descriptor's `read_size`. Of
    /// `effect` only the kind counts.
    fn read(&self, effect: &Effect, targets: &[External], books: &BooksFacts) -> Request;

    /// What that read says; objects that are not there are missing from the answer.
    fn parse_read(&self, effect: &Effect, reply: &Reply) -> Result<Vec<Current>, Failure>;

    /// The first reads of an import; none where these books have nothing of that sort.
    fn imports(&self, what: ImportKind, books: &BooksFacts) -> Vec<Request> {
        let _ = (what, books);
        Vec::new()
    }

    /// What the replies so far say, in the order they were asked for, or which further pages are needed.
    fn take_import(
        &self,
        what: ImportKind,
        replies: &[Reply],
        books: &BooksFacts,
    ) -> Result<Imported, Failure> {
        let _ = (what, replies, books);
        Ok(Imported::Done(Import::default()))
    }
}

/// Which effect of a document: its kind in the provider and its part.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Effect {
    /// Such as `customer` or `invoice`.
    pub kind: String,
    /// Empty for the main object; else what tells parts apart, such as an invoice id.
    pub part: String,
}

impl Effect {
    /// The main object of a kind.
    pub fn main(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            part: String::new(),
        }
    }
}

/// The mark that every object we create carries: installation, effect and generation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Marker {
    /// This installation's short name.
    pub installation: String,
    /// The effect.
    pub effect: EffectId,
    /// Rises with every deliberate re-creation.
    pub generation: i32,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[tieout {}/{}/{}]",
            self.installation,
            self.effect.uuid().simple(),
            self.generation
        )
    }
}

impl Marker {
    /// Finds the first marker in a text that people may have added to.
    pub fn find(text: &str) -> Option<Self> {
        let start = text.find("[tieout ")?;
        let inner = text.get(start + "[tieout ".len()..)?.split(']').next()?;
        let mut parts = inner.split('/');
        let installation = parts.next()?.to_owned();
        let effect = parts.next()?.parse().ok()?;
        let generation = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self {
            installation,
            effect,
            generation,
        })
    }
}

/// Facts about the books that planning and encoding need.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BooksFacts {
    /// The provider's id of the company: realm, organisation, file.
    pub external_id: String,
    /// Production or sandbox.
    pub environment: Environment,
    /// ISO 3166 alpha-2 country, where known.
    pub country: Option<String>,
    /// Home currency, where known.
    pub home_currency: Option<Currency>,
    /// What else the provider wants to remember (preferences).
    #[serde(default)]
    pub extra: Value,
}

/// Everything `plan` may look at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The wanted version.
    pub document: &'a Document,
    /// What the integration is set to do.
    pub settings: &'a SyncSettings,
    /// Facts about the books.
    pub books: &'a BooksFacts,
    /// Links of this document and of what it depends on: of each effect the newest generation.
    pub links: &'a Links,
    /// The present state of objects that were just read because a plan asked for them.
    pub currents: &'a Currents,
    /// Accounts and tax codes as imported from these books.
    pub references: &'a References,
}

/// What a document version needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Bring these about, in order; empty means the books are as wanted already.
    Steps(Vec<Step>),
    /// These must be known or done first; then plan again.
    Needs(Vec<Need>),
    /// Nothing is sent, on purpose; the reason is shown.
    Skip(&'static str),
    /// It cannot be sent.
    Refused(Failure),
}

/// What a plan waits for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Need {
    /// Another document's effect must be linked.
    Document {
        /// Its kind.
        kind: DocumentKind,
        /// Its id.
        id: SourceId,
    },
    /// An object that a link points to must be read first, this document's own or another's. Several may be
    /// asked for at once; what was read is in `View::currents` of the next planning.
    Current {
        /// Which effect; reads are grouped by its kind.
        effect: Effect,
        /// Which object, with the revision we last saw.
        external: External,
    },
}

/// One effect to bring about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Which effect.
    pub effect: Effect,
    /// What to do.
    pub operation: Operation,
    /// The object to change, for everything but a creation.
    pub target: Option<External>,
    /// The element in the provider's words, without marker, ids still to come, revision and key.
    pub body: Value,
    /// What the provider should answer.
    pub prediction: Prediction,
    /// Fingerprint of the object once this is done.
    pub fingerprint: String,
}

/// An object in the books and the revision to change it against.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct External {
    /// The provider's id.
    pub id: String,
    /// The provider's revision token.
    pub revision: String,
}

/// What we expect the provider's totals to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "prediction")]
pub enum Prediction {
    /// These totals, to the cent.
    Exact {
        /// Currency of the totals.
        currency: Currency,
        /// Without tax.
        net: Amount,
        /// Tax.
        tax: Amount,
        /// With tax.
        gross: Amount,
    },
    /// The provider computes something we cannot know.
    Unpredictable {
        /// Why.
        reason: String,
    },
    /// The object has no totals.
    NoTotals,
}

/// One effect's part in a call to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its place in the call, from 0; the provider makes the element's own id of it.
    pub ordinal: usize,
    /// The document's kind.
    pub kind: DocumentKind,
    /// What to bring about.
    pub step: &'a Step,
    /// The mark it must carry.
    pub marker: &'a Marker,
}

/// HTTP method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Write.
    Post,
    /// Create or replace.
    Put,
    /// Remove.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request is charged for, beside being a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// It counts as a batch.
    pub batch: bool,
    /// It counts as a metered read.
    pub metered_read: bool,
}

/// One request with its exact bytes, without authorisation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path below the API base, starting with `/`, percent-encoded.
    pub path: String,
    /// Query, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers beside authorisation.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// What is charged.
    pub cost: Cost,
}

/// A whole reply, raw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, at most the descriptor's `reply_limit`.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// `Retry-After`, in seconds or as a date that counts from the reply's `Date`; at most 15 minutes.
    pub fn retry_after(&self) -> Option<Duration> {
        crate::retry_after::wait(self.header("retry-after")?, self.header("date"))
    }
}

/// A call that was sent, as it was committed before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastCall {
    /// The idempotency key it carried.
    pub key: String,
    /// Its members, in order.
    pub members: Vec<PastMember>,
    /// When it was committed (database time); a little before it was sent.
    pub opened_at: DateTime<Utc>,
    /// The company's id.
    pub books_external_id: String,
}

/// One member of a call that was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastMember {
    /// Its place in the call.
    pub ordinal: usize,
    /// The document's kind.
    pub kind: DocumentKind,
    /// What was to be brought about.
    pub step: Step,
    /// The mark it carried.
    pub marker: Marker,
}

/// An object as the provider answered it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Landed {
    /// The provider's id.
    pub external_id: String,
    /// The provider's revision token.
    pub revision: String,
    /// Hash of the fields we own.
    pub fingerprint: String,
    /// Totals, where it has any.
    pub totals: Option<LandedTotals>,
    /// Why less is there than was asked for, where the provider took it without a word. The object is linked as it
    /// is, and its document goes on as after this failure instead of being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<Box<Failure>>,
}

/// Totals as the provider states them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LandedTotals {
    /// Currency of the totals.
    pub currency: Currency,
    /// Tax.
    pub tax: Amount,
    /// With tax.
    pub gross: Amount,
}

/// What a reply says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallResult {
    /// One result per member, in the order of the members.
    pub elements: Vec<ElementResult>,
    /// The provider's correlation id, such as `intuit_tid`.
    pub correlation: Option<String>,
}

/// What a reply says of one member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ElementResult {
    /// It is in the books.
    Done(Landed),
    /// It is not, or it is not known.
    Failed(Failure),
}

/// What look-ups say of an unclear call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// One answer per member, in order.
    Settled(Vec<Presence>),
    /// More pages are needed; their replies are added to the ones given.
    More(Vec<Request>),
}

/// Whether a member's effect is in the books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Presence {
    /// It is there, as ours.
    Present(Landed),
    /// It is not there, or (for a change) the object is as it was before.
    Absent,
    /// It is there more than once; all ids.
    Duplicate(Vec<String>),
    /// Something else is there: a person decides.
    Differs(Failure),
}
