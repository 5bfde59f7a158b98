//! The record of every request a simulator received and what became of it.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Entries kept in memory; the file keeps all. Bounds a long soak, not a test.
const ENTRIES_KEPT: usize = 100_000;

/// Whether the request took effect, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Execution {
    /// The request was carried out.
    Executed,
    /// The stored first reply was sent again.
    Replayed,
    /// The service refused it by its own rules.
    Refused,
    /// It never reached the service: a fault rule stood before it.
    NotReached,
}

/// An object that a request created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// Entity name.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// `created`, `updated`, `unchanged`, `voided`, `deleted` or `merged`.
    pub action: &'static str,
    /// The revision it has now.
    pub sync_token: String,
    /// The object it was merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Position in the journal, from 1, in the order in which requests were finished.
    pub sequence: u64,
    /// When the request arrived.
    pub at: DateTime<Utc>,
    /// When its outcome was decided (committed, refused or dropped).
    pub decided_at: DateTime<Utc>,
    /// The company, where the path names one.
    pub realm: Option<String>,
    /// HTTP method; `HUMAN` for a person working in the books.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query string as sent.
    pub query: String,
    /// `requestid` as sent.
    pub requestid: Option<String>,
    /// What the request asks for: create, update, void, delete, read, query, batch, token, revoke.
    pub operation: &'static str,
    /// Request body; token requests are withheld.
    pub body: String,
    /// Status sent, or none when the connection was cut.
    pub status: Option<u16>,
    /// Body sent, or none when the connection was cut.
    pub reply: Option<String>,
    /// What happened to the request itself.
    pub execution: Execution,
    /// The action of the fault rule that fired.
    pub fault: Option<&'static str>,
    /// The id of that rule.
    pub fault_rule: Option<u64>,
    /// Objects created or changed.
    pub objects: Vec<Touched>,
    /// Requests of this realm in progress when this one arrived, itself included.
    pub concurrent: usize,
    /// The `intuit_tid` sent.
    pub intuit_tid: String,
}

/// The journal: recent entries in memory, all of them in the file if there is one.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    last_sequence: u64,
    file: Option<File>,
}

impl Journal {
    /// An empty journal that also appends to `path`. Fails when the file cannot be opened.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path
            .map(|path| OpenOptions::new().create(true).append(true).open(path))
            .transpose()?;
        Ok(Self {
            file,
            ..Self::default()
        })
    }

    /// Appends an entry, gives it its sequence and returns that.
    pub fn append(&mut self, mut entry: Entry) -> u64 {
        self.last_sequence += 1;
        entry.sequence = self.last_sequence;
        if let Some(file) = &mut self.file
            && let Ok(mut line) = serde_json::to_vec(&entry)
        {
            line.push(b'\n');
            // A full disk must not change what the simulated provider answers.
            let _ = file.write_all(&line);
        }
        if self.entries.len() == ENTRIES_KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        self.last_sequence
    }

    /// The entries after a sequence, oldest first, at most `limit`.
    pub fn since(&self, sequence: u64, limit: usize) -> Vec<&Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.sequence > sequence)
            .take(limit)
            .collect()
    }

    /// The newest sequence given out.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }
}
