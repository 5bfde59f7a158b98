//! Distinct, time-ordered ids: two kinds of id never compare or mix.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id of the wanted kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{given:?} is not a {kind} id: {wanted}")]
pub struct BadId {
    kind: &'static str,
    given: String,
    wanted: &'static str,
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id whose order is the order of its making.
            pub fn fresh() -> Self {
                Self(fresh_uuid())
            }

            /// Takes an id back from where it was stored.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare value, for storing.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let bare = text.strip_prefix(concat!($prefix, "_")).unwrap_or(text);
                Uuid::try_parse(bare).map(Self).map_err(|_| BadId {
                    kind: $kind,
                    given: text.chars().take(80).collect(),
                    wanted: concat!("write ", $prefix, "_ and 32 hexadecimal digits"),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

uuid_ids! {
    /// One company in one provider.
    BooksId = "bks", "books";
    /// A document's standing in one books.
    ItemId = "itm", "item";
    /// One object or relation to bring about in the books.
    EffectId = "eff", "effect";
    /// One request to a provider, with its exact bytes.
    CallId = "cal", "call";
    /// An effect's part in a call.
    AttemptId = "att", "attempt";
    /// One acquisition of a lease.
    RunId = "run", "run";
    /// A person's or a schedule's request that groups items.
    JobId = "job", "job";
    /// One consent's tokens.
    TokenSetId = "tok", "token set";
    /// Something the fleet gave up on by itself.
    DeadLetterId = "dlq", "dead letter";
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where ids are made"
)]
fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}

macro_rules! number_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

number_ids! {
    /// A `ProjectLedger` account: the tenant.
    AccountId;
    /// One account's connection to one books.
    IntegrationId;
}

/// `ProjectLedger`'s own id of a document: 1 to 64 letters, digits, `.`, `_` or `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct SourceId(String);

impl SourceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(BadId {
            kind: "document",
            given: text.chars().take(80).collect(),
            wanted: "use 1 to 64 letters, digits, '.', '_' or '-'",
        })
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
