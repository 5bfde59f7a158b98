//! A stored object with its revisions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Members of an object, in the order of their names.
pub type Members = Map<String, Value>;

/// Earlier revisions kept for readers that lag behind.
const REVISIONS_KEPT: usize = 8;

/// One revision of an object.
#[derive(Debug, Clone)]
pub struct Record {
    /// The id, unique within its kind.
    pub id: String,
    /// The revision number the API calls `SyncToken`.
    pub token: u64,
    /// When the object was created.
    pub created_at: DateTime<Utc>,
    /// When this revision was committed.
    pub updated_at: DateTime<Utc>,
    /// True once the object is deleted.
    pub is_deleted: bool,
    /// Everything else.
    pub data: Members,
}

impl Record {
    /// A text member, or the empty text.
    pub fn text(&self, name: &str) -> &str {
        self.data.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// The id inside a reference member.
    pub fn reference(&self, name: &str) -> Option<&str> {
        reference(&self.data, name)
    }

    /// Whether the object may be used on documents.
    pub fn is_active(&self) -> bool {
        !self.is_deleted && self.data.get("Active") != Some(&Value::Bool(false))
    }
}

/// The id inside a reference member.
pub fn reference<'a>(data: &'a Members, name: &str) -> Option<&'a str> {
    data.get(name)?.get("value")?.as_str()
}

/// All objects of one kind in one company.
#[derive(Debug, Default)]
pub struct Shelf {
    entries: HashMap<String, Vec<Record>>,
}

impl Shelf {
    /// The present revision, deleted or not.
    pub fn latest(&self, id: &str) -> Option<&Record> {
        self.entries.get(id)?.last()
    }

    /// The present revision of an object that is not deleted.
    pub fn live(&self, id: &str) -> Option<&Record> {
        self.latest(id).filter(|record| !record.is_deleted)
    }

    /// What a reader sees of an object who knows nothing newer than `until`.
    pub fn seen(&self, id: &str, until: DateTime<Utc>) -> Option<&Record> {
        seen(self.entries.get(id)?, until)
    }

    /// All objects such a reader sees.
    pub fn all_seen(&self, until: DateTime<Utc>) -> impl Iterator<Item = &Record> {
        self.entries
            .values()
            .filter_map(move |revisions| seen(revisions, until))
    }

    /// The revision of every object that such a reader knows, deleted or not.
    pub fn all_known(&self, until: DateTime<Utc>) -> impl Iterator<Item = &Record> {
        self.entries
            .values()
            .filter_map(move |revisions| known(revisions, until))
    }

    /// All objects that are not deleted.
    pub fn all_live(&self) -> impl Iterator<Item = &Record> {
        self.entries
            .values()
            .filter_map(|revisions| revisions.last())
            .filter(|record| !record.is_deleted)
    }

    /// Stores a revision.
    pub fn put(&mut self, record: Record) {
        let revisions = self.entries.entry(record.id.clone()).or_default();
        if revisions.len() == REVISIONS_KEPT {
            revisions.remove(0);
        }
        revisions.push(record);
    }
}

fn seen(revisions: &[Record], until: DateTime<Utc>) -> Option<&Record> {
    known(revisions, until).filter(|record| !record.is_deleted)
}

fn known(revisions: &[Record], until: DateTime<Utc>) -> Option<&Record> {
    let mut newest_first = revisions.iter().rev();
    newest_first.find(|record| record.updated_at <= until)
}
