//! The history of objects: what happened to them and what people noted.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::dates;

/// Records kept for one object; the service keeps more than anyone reads in a test.
const RECORDS_KEPT: usize = 100;

#[derive(Debug, Clone)]
struct Record {
    changes: &'static str,
    details: String,
    user: String,
    at: DateTime<Utc>,
}

/// The records of all objects.
#[derive(Debug, Default)]
pub struct History(HashMap<String, Vec<Record>>);

impl History {
    /// Adds a record.
    pub fn add(
        &mut self,
        id: &str,
        changes: &'static str,
        details: &str,
        user: &str,
        at: DateTime<Utc>,
    ) {
        let records = self.0.entry(id.to_owned()).or_default();
        if records.len() == RECORDS_KEPT {
            records.remove(0);
        }
        records.push(Record {
            changes,
            details: details.to_owned(),
            user: user.to_owned(),
            at,
        });
    }

    /// The records of an object, newest first.
    pub fn of(&self, id: &str) -> Vec<Value> {
        let records = self.0.get(id).map_or(&[][..], Vec::as_slice);
        records.iter().rev().map(render).collect()
    }
}

fn render(record: &Record) -> Value {
    json!({
        "Changes": record.changes,
        "DateUTCString": dates::instant_string(record.at),
        "DateUTC": dates::instant(record.at),
        "User": record.user,
        "Details": record.details,
    })
}
