//! What is known of the books: links, and objects that were just read.

use std::collections::{BTreeMap, HashMap};

use model::{DocumentKind, EffectId, SourceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::provider::{Effect, Landed};

/// What became of an object we linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkState {
    /// Usable.
    Active,
    /// Archived, merged away or deactivated in the books.
    Inactive,
    /// Deleted in the books.
    Gone,
    /// We voided or deleted it.
    Ended,
}

impl LinkState {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Gone => "GONE",
            Self::Ended => "ENDED",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Gone, Self::Ended]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// An effect's object in the books, as we last saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The effect.
    pub effect_id: EffectId,
    /// The provider's id.
    pub external_id: String,
    /// The provider's revision token; a hint only.
    pub revision: String,
    /// Hash of the fields we own, as last seen there.
    pub fingerprint: String,
    /// What became of it.
    pub state: LinkState,
}

/// Links by document and effect.
#[derive(Clone, Default, Debug)]
pub struct Links(HashMap<(DocumentKind, SourceId), BTreeMap<Effect, Link>>);

impl Links {
    /// Adds a link; it takes the place of an earlier one of the same effect.
    pub fn insert(&mut self, kind: DocumentKind, id: SourceId, effect: Effect, link: Link) {
        self.0.entry((kind, id)).or_default().insert(effect, link);
    }

    /// The link of a document's effect.
    pub fn get(&self, kind: DocumentKind, id: &SourceId, effect: &Effect) -> Option<&Link> {
        self.0.get(&(kind, id.clone()))?.get(effect)
    }

    /// All linked effects of a document, in the order of kind and part: what its plan may have to end.
    pub fn of(
        &self,
        kind: DocumentKind,
        id: &SourceId,
    ) -> impl Iterator<Item = (&Effect, &Link)> + use<'_> {
        self.0.get(&(kind, id.clone())).into_iter().flatten()
    }
}

/// Objects that were just read, by effect kind and the provider's id.
#[derive(Clone, Default, Debug)]
pub struct Currents(HashMap<String, HashMap<String, CurrentState>>);

impl Currents {
    /// Adds what a read said of an object.
    pub fn insert(
        &mut self,
        effect_kind: impl Into<String>,
        external_id: impl Into<String>,
        state: CurrentState,
    ) {
        self.0
            .entry(effect_kind.into())
            .or_default()
            .insert(external_id.into(), state);
    }

    /// What a read said of an object; none where it was not read.
    pub fn get(&self, effect_kind: &str, external_id: &str) -> Option<&CurrentState> {
        self.0.get(effect_kind)?.get(external_id)
    }
}

/// The result of reading an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CurrentState {
    /// It is there.
    There(Current),
    /// It is not there any more.
    NotThere,
}

/// An object as it is in the books now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Current {
    /// Where it is and what it holds.
    pub landed: Landed,
    /// Usable, inactive, gone or ended.
    pub state: LinkState,
    /// The object itself.
    pub body: Value,
}
