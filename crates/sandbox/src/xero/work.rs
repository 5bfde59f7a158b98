//! The circumstances of a write and what it leaves behind.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::dates;
use super::kind::Kind;
use super::number;
use crate::web::journal::Touched;
use rust_decimal::Decimal;

/// The members of an element.
pub type Members = Map<String, Value>;

/// How a collection is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// PUT: create only.
    Create,
    /// POST: create or update.
    CreateOrUpdate,
}

/// What a write needs to know beside the books.
#[derive(Debug, Clone)]
pub struct Work {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The organisation's day.
    pub today: NaiveDate,
    /// Decimal places of unit prices: 2, or 4 with `unitdp=4`.
    pub unit_places: u32,
    /// The application; empty for a person.
    pub app: String,
    /// Who is named in the history.
    pub user: String,
}

/// An object that was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// What the journal says.
    pub touched: Vec<Touched>,
    /// What the service finds odd though it saved it.
    pub warnings: Vec<String>,
}

impl Written {
    /// An object written once.
    pub fn new(kind: Kind, id: &str, action: &'static str, revision: u64) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            touched: vec![touched(kind, id, action, revision)],
            warnings: Vec::new(),
        }
    }
}

/// A journal line about an object.
pub fn touched(kind: Kind, id: &str, action: &'static str, revision: u64) -> Touched {
    Touched {
        kind: kind.name().to_owned(),
        id: id.to_owned(),
        action,
        sync_token: revision.to_string(),
        merged_into: None,
    }
}

/// A text member; null and absence are none.
pub fn text<'a>(body: &'a Members, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str()
}

/// A text member that is not empty.
pub fn word<'a>(body: &'a Members, name: &str) -> Option<&'a str> {
    text(body, name).filter(|text| !text.is_empty())
}

/// A number member.
pub fn amount(body: &Members, name: &str) -> Option<Decimal> {
    number::parse(body.get(name)?)
}

/// A day.
pub fn day(body: &Members, name: &str) -> Option<NaiveDate> {
    dates::parse_day(text(body, name)?)
}

/// A boolean, also written as text.
pub fn flag(body: &Members, name: &str) -> Option<bool> {
    match body.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// A member that is an object.
pub fn object<'a>(body: &'a Members, name: &str) -> Option<&'a Members> {
    body.get(name)?.as_object()
}
