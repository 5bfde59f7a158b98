//! What the sweep came to: the table of cells, what was sent under which key, and whether anything was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::cells::{FREEZES, Fault, Freeze, LAGS, Lag, Lane};
use super::lane::Seen;

/// Requests of one company that write invoices, oldest first.
pub(super) type Writes = Vec<Write>;

/// One such request.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) key: String,
    pub(super) body: String,
    pub(super) at: DateTime<Utc>,
    pub(super) execution: String,
}

/// The writes of invoices in a journal, by company.
pub(super) fn by_realm(journal: &[Value]) -> BTreeMap<String, Writes> {
    let mut writes: BTreeMap<String, Writes> = BTreeMap::new();
    for entry in journal {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let writes_invoices = entry["method"] == "POST"
            && (text("path").ends_with("/invoice")
                || text("path").ends_with("/batch") && text("body").contains("\"Invoice\""));
        if writes_invoices {
            writes.entry(text("realm")).or_default().push(Write {
                key: text("requestid"),
                body: text("body"),
                at: text("at").parse().unwrap(),
                execution: text("execution"),
            });
        }
    }
    for writes in writes.values_mut() {
        writes.sort_by_key(|write| write.at);
    }
    writes
}

#[derive(Clone, Copy, Default)]
struct Line {
    cells: u64,
    adopted: u64,
    resent: u64,
    wrong: u64,
}

/// Everything counted.
#[derive(Default)]
pub(super) struct Report {
    lines: BTreeMap<(Fault, Freeze, Lag), Line>,
    wrongs: Vec<String>,
    lanes: usize,
    resends: Vec<Duration>,
}

impl Report {
    pub(super) fn take(&mut self, lane: &Lane, seen: &Seen, writes: Option<&Writes>) {
        let mut wrongs = seen.wrongs.clone();
        match writes {
            Some(writes) => wrongs.extend(self.keys(lane, writes)),
            None => wrongs.push(format!("{lane:?} wrote nothing")),
        }
        let counts = self
            .lines
            .entry((lane.fault, lane.freeze, lane.lag))
            .or_default();
        counts.cells += seen.cells;
        counts.adopted += seen.adopted;
        counts.resent += seen.resent;
        counts.wrong += u64::from(!wrongs.is_empty());
        self.lanes += 1;
        self.wrongs.extend(wrongs);
    }

    /// One key for each of create, update and void; a key again means the same bytes, no earlier than settle.
    fn keys(&mut self, lane: &Lane, writes: &Writes) -> Vec<String> {
        let mut wrongs = Vec::new();
        let keys: BTreeSet<&str> = writes.iter().map(|write| write.key.as_str()).collect();
        if keys.len() != 3 {
            wrongs.push(format!("{lane:?} used {} keys for three calls", keys.len()));
        }
        for key in keys {
            let sent: Vec<&Write> = writes.iter().filter(|write| write.key == key).collect();
            let wanted = if lane.is_committed() { 1 } else { 2 };
            if sent.len() != wanted {
                wrongs.push(format!(
                    "{lane:?} sent {key} {} times, not {wanted}",
                    sent.len()
                ));
            }
            for pair in sent.windows(2) {
                if pair[0].body != pair[1].body {
                    wrongs.push(format!("{lane:?} sent other bytes under {key}"));
                }
                if pair[0].execution != "notReached" {
                    wrongs.push(format!(
                        "{lane:?} sent {key} again although it was carried out"
                    ));
                }
                self.resends
                    .push((pair[1].at - pair[0].at).to_std().unwrap());
            }
        }
        wrongs
    }

    /// The shortest time between two sendings of one key.
    pub(super) fn least_resend_wait(&self) -> Duration {
        self.resends.iter().min().copied().unwrap()
    }

    #[expect(
        clippy::print_stdout,
        reason = "the table is what the sweep is run for"
    )]
    pub(super) fn print(&self, took: Duration) {
        println!(
            "cells by fault, freeze and look-up lag: cells / adopted by look-up / calls sent again / wrong lanes"
        );
        let faults: BTreeSet<Fault> = self.lines.keys().map(|(fault, _, _)| *fault).collect();
        for fault in faults {
            for freeze in FREEZES {
                let columns: Vec<String> = LAGS
                    .into_iter()
                    .map(|lag| {
                        let counts = self
                            .lines
                            .get(&(fault, freeze, lag))
                            .copied()
                            .unwrap_or_default();
                        let Line {
                            cells,
                            adopted,
                            resent,
                            wrong,
                        } = counts;
                        format!("{lag:?} {cells:3}/{adopted:3}/{resent:3}/{wrong}")
                    })
                    .collect();
                println!(
                    "{:14} {:10} {}",
                    format!("{fault:?}"),
                    format!("{freeze:?}"),
                    columns.join("   ")
                );
            }
        }
        let cells: u64 = self.lines.values().map(|line| line.cells).sum();
        println!(
            "{cells} cells in {} lanes, {} calls sent again, in {took:.1?}",
            self.lanes,
            self.resends.len()
        );
    }

    /// Nothing was wrong, and what was to be tried was tried.
    pub(super) fn assert_clean(&self, lanes: usize) {
        let shown: Vec<&str> = self.wrongs.iter().take(16).map(String::as_str).collect();
        assert!(
            shown.is_empty(),
            "{} wrongs, such as\n{}",
            self.wrongs.len(),
            shown.join("\n")
        );
        assert_eq!(self.lanes, lanes);
        for ((fault, freeze, lag), line) in &self.lines {
            let name = format!("{fault:?} {freeze:?} {lag:?}");
            match fault {
                Fault::Answered => {}
                Fault::DroppedBefore => assert_eq!(line.resent, line.cells, "{name}"),
                Fault::Dropped
                | Fault::Hung
                | Fault::Status
                | Fault::CutShort
                | Fault::WrongBody => assert!(
                    line.adopted >= line.cells,
                    "{name}: {} adopted",
                    line.adopted
                ),
            }
        }
    }
}
