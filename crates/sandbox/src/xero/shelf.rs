//! Objects of one kind with their revisions, so that a reader may lag behind.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};

/// Earlier revisions kept for readers that lag behind.
const REVISIONS_KEPT: usize = 6;

/// One revision of an object.
#[derive(Debug, Clone)]
pub struct Revision<T> {
    /// When it was committed: `UpdatedDateUTC`.
    pub at: DateTime<Utc>,
    /// Its number, from 1.
    pub number: u64,
    /// The object.
    pub value: T,
}

/// All objects of one kind in one organisation, in the order of their creation.
#[derive(Debug)]
pub struct Shelf<T> {
    rows: Vec<VecDeque<Revision<T>>>,
    places: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T> Shelf<T> {
    /// The present revision.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.latest(id).map(|revision| &revision.value)
    }

    /// The present revision with its stamp.
    pub fn latest(&self, id: &str) -> Option<&Revision<T>> {
        self.rows.get(*self.places.get(id)?)?.back()
    }

    /// What a reader sees of an object who knows nothing newer than `until`.
    pub fn seen(&self, id: &str, until: DateTime<Utc>) -> Option<&Revision<T>> {
        seen(self.rows.get(*self.places.get(id)?)?, until)
    }

    /// All objects such a reader sees.
    pub fn all_seen(&self, until: DateTime<Utc>) -> impl Iterator<Item = &Revision<T>> {
        self.rows.iter().filter_map(move |row| seen(row, until))
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.rows
            .iter()
            .filter_map(|row| row.back())
            .map(|revision| &revision.value)
    }

    /// Stores a revision and returns its number.
    pub fn put(&mut self, id: &str, at: DateTime<Utc>, value: T) -> u64 {
        let place = *self.places.entry(id.to_owned()).or_insert_with(|| {
            self.rows.push(VecDeque::new());
            self.rows.len() - 1
        });
        let row = &mut self.rows[place];
        let number = row.back().map_or(1, |latest| latest.number + 1);
        if row.len() == REVISIONS_KEPT {
            row.pop_front();
        }
        row.push_back(Revision { at, number, value });
        number
    }
}

fn seen<T>(row: &VecDeque<Revision<T>>, until: DateTime<Utc>) -> Option<&Revision<T>> {
    row.iter().rev().find(|revision| revision.at <= until)
}
