//! The tie-out: three sets of books side by side, as a table and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::{Context, Result};
use crate::fleet::ProcessUse;

/// How many documents and how much money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) sum: Decimal,
}

impl Total {
    /// Two places at least, and no zeros of a wider column after that.
    fn shown_as_money(self) -> Self {
        let mut sum = self.sum.normalize();
        if sum.scale() < 2 {
            sum.rescale(2);
        }
        Self { sum, ..self }
    }
}

/// One set of books: totals per kind and currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Books(BTreeMap<(String, String), Total>);

/// One line of a set of books.
#[derive(Deserialize)]
struct BooksLine {
    kind: String,
    currency: String,
    #[serde(flatten)]
    total: Total,
}

impl Books {
    /// Reads `[{"kind","currency","count","sum"}]`, sums as decimal strings.
    pub(crate) fn from_json(lines: Value) -> Result<Self> {
        let lines: Vec<BooksLine> =
            serde_json::from_value(lines).context(|| "totals are malformed".to_owned())?;
        Ok(Self(
            lines
                .into_iter()
                .map(|line| ((line.kind, line.currency), line.total.shown_as_money()))
                .collect(),
        ))
    }

    /// These books and those as one.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        for (key, other) in &others.0 {
            let total = self.0.entry(key.clone()).or_default();
            total.count += other.count;
            total.sum += other.sum;
        }
        self
    }

    fn total(&self, key: &(String, String)) -> Total {
        self.0.get(key).copied().unwrap_or_default()
    }
}

/// One kind in one currency, seen from three sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Row {
    kind: String,
    currency: String,
    source: Total,
    tieout: Total,
    books: Total,
    difference: Total,
}

impl Row {
    fn ties(&self) -> bool {
        self.source == self.tieout && self.source == self.books
    }
}

/// The rows of one company.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CompanyRows {
    account: u32,
    realm: String,
    kinds: Vec<Row>,
}

impl CompanyRows {
    /// The three sides of one company beside each other.
    pub(crate) fn new(account: u32, realm: String, sides: [&Books; 3]) -> Self {
        Self {
            account,
            realm,
            kinds: rows(sides),
        }
    }
}

/// What a demo ends with: all companies as one, then one by one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    kinds: Vec<Row>,
    companies: Vec<CompanyRows>,
    disagreements: Vec<String>,
    dead_letters: u64,
    wall_seconds: f64,
    processes: Vec<ProcessUse>,
}

impl Report {
    /// Puts the three sides beside each other.
    pub(crate) fn new(source: &Books, tieout: &Books, books: &Books, dead_letters: u64) -> Self {
        let kinds = rows([source, tieout, books]);
        Self {
            kinds,
            companies: Vec::new(),
            disagreements: Vec::new(),
            dead_letters,
            wall_seconds: 0.0,
            processes: Vec::new(),
        }
    }

    /// Adds what each company comes to, and what totals do not show.
    pub(crate) fn with_companies(
        self,
        companies: Vec<CompanyRows>,
        disagreements: Vec<String>,
    ) -> Self {
        Self {
            companies,
            disagreements,
            ..self
        }
    }

    /// Adds what it took.
    pub(crate) fn with_cost(self, wall: std::time::Duration, processes: Vec<ProcessUse>) -> Self {
        let whole_milliseconds = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Self {
            wall_seconds: std::time::Duration::from_millis(whole_milliseconds).as_secs_f64(),
            processes,
            ..self
        }
    }

    /// Whether all three sides agree to the cent, company by company, and nothing was given up.
    pub(crate) fn ties(&self) -> bool {
        let of_companies = self.companies.iter().flat_map(|company| &company.kinds);
        self.dead_letters == 0
            && self.disagreements.is_empty()
            && self.kinds.iter().chain(of_companies).all(Row::ties)
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// The table a person reads.
    pub(crate) fn to_table(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{:<21}{:<5}{:>22}{:>22}{:>22}{:>16}",
            "kind", "", "ProjectLedger", "Tieout", "books", "difference"
        );
        if self.companies.is_empty() {
            show_rows(&mut text, &self.kinds);
        }
        for company in &self.companies {
            let _ = writeln!(
                text,
                "account {}, company {}",
                company.account, company.realm
            );
            show_rows(&mut text, &company.kinds);
        }
        for each in &self.disagreements {
            let _ = writeln!(text, "{each}");
        }
        let _ = writeln!(text, "\ndead letters  {}", self.dead_letters);
        let _ = writeln!(text, "wall time     {:.1} s\n", self.wall_seconds);
        let _ = writeln!(text, "{:<20}{:>14}{:>12}", "process", "peak memory", "CPU");
        for process in &self.processes {
            let _ = writeln!(
                text,
                "{:<20}{:>10} MiB{:>10.1} s",
                process.name,
                process.peak_rss_bytes / (1024 * 1024),
                process.cpu_seconds
            );
        }
        let verdict = if self.ties() {
            "It ties out."
        } else {
            "IT DOES NOT TIE OUT."
        };
        let _ = write!(text, "\n{verdict}");
        text
    }
}

/// One row for each kind and currency that any side has.
fn rows(sides: [&Books; 3]) -> Vec<Row> {
    let keys: BTreeSet<&(String, String)> = sides.iter().flat_map(|side| side.0.keys()).collect();
    keys.into_iter()
        .map(|key| {
            let [source, tieout, books] = sides.map(|side| side.total(key));
            Row {
                kind: key.0.clone(),
                currency: key.1.clone(),
                source,
                tieout,
                books,
                difference: difference(source, tieout, books),
            }
        })
        .collect()
}

fn show_rows(text: &mut String, rows: &[Row]) {
    for row in rows {
        let [source, tieout, books, difference] =
            [row.source, row.tieout, row.books, row.difference].map(cell);
        let _ = writeln!(
            text,
            "{:<21}{:<5}{source:>22}{tieout:>22}{books:>22}{difference:>16}",
            row.kind, row.currency
        );
    }
}

fn cell(total: Total) -> String {
    format!("{} × {}", total.count, total.sum)
}

/// The books less the source; where these agree, Tieout less the source, so that no disagreement shows
/// as zero.
fn difference(source: Total, tieout: Total, books: Total) -> Total {
    let other = if books == source { tieout } else { books };
    Total {
        count: other.count - source.count,
        sum: other.sum - source.sum,
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
