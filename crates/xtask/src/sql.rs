//! `cargo xtask sql`: migrations into a scratch database, then the offline data of the checked SQL.
//!
//! The macros of sqlx write `query-<hash>.json` into `SQLX_OFFLINE_DIR` while they check a query against a
//! live database, so one `cargo check` of the one crate that names sqlx is all it takes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::command;
use crate::failure::{Context, Failure, Result};
use crate::place::Place;
use crate::services::{Instance, Needs, Services, postgres};
use crate::terminal::{announce, say};

/// The scratch database; it is dropped and made anew each time.
const DATABASE: &str = "tieout_sql";

#[derive(Args)]
pub(crate) struct SqlOptions {
    /// Fail if the committed data differs, and change nothing
    #[arg(long)]
    check: bool,
}

/// The files of one `.sqlx` folder by name.
type OfflineData = BTreeMap<String, Vec<u8>>;

pub(crate) fn run(place: &Place, options: &SqlOptions) -> Result<()> {
    let services = Services::provide(place, Instance::SQL, Needs::Database)?;
    if options.check {
        check(place, &services)
    } else {
        regenerate(place, &services)
    }
}

/// Writes `.sqlx` anew.
fn regenerate(place: &Place, services: &Services) -> Result<()> {
    let fresh = generate(place, services)?;
    let folder = place.root.join(".sqlx");
    let committed = read(&folder)?;
    if fresh == committed {
        announce(format!(".sqlx is up to date ({} queries)", fresh.len()));
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    for (name, bytes) in &fresh {
        if committed.get(name) != Some(bytes) {
            fs::write(folder.join(name), bytes)?;
        }
    }
    announce(format!(
        ".sqlx now holds {} queries; commit it",
        fresh.len()
    ));
    Ok(())
}

/// Fails when `.sqlx` is not what the queries and the migrations make it.
pub(crate) fn check(place: &Place, services: &Services) -> Result<()> {
    let fresh = generate(place, services)?;
    let committed = read(&place.root.join(".sqlx"))?;
    let differences = differences(&committed, &fresh);
    if differences.is_empty() {
        say(format!("{} queries, all as committed", fresh.len()));
        return Ok(());
    }
    Err(Failure::new(format!(
        "the committed offline data is stale; run `cargo xtask sql` and commit .sqlx\n{}",
        differences.join("\n")
    )))
}

fn differences(committed: &OfflineData, fresh: &OfflineData) -> Vec<String> {
    let missing = fresh
        .iter()
        .filter(|(name, _)| !committed.contains_key(*name))
        .map(|(name, bytes)| format!("  missing {name}: {}", query_of(bytes)));
    let changed = fresh
        .iter()
        .filter(|(name, bytes)| committed.get(*name).is_some_and(|old| old != *bytes))
        .map(|(name, bytes)| format!("  changed {name}: {}", query_of(bytes)));
    let unused = committed
        .iter()
        .filter(|(name, _)| !fresh.contains_key(*name))
        .map(|(name, bytes)| format!("  unused  {name}: {}", query_of(bytes)));
    missing.chain(changed).chain(unused).collect()
}

/// The beginning of the query, on one line.
fn query_of(bytes: &[u8]) -> String {
    let data: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let words: Vec<&str> = data["query"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    words.join(" ").chars().take(90).collect()
}

fn generate(place: &Place, services: &Services) -> Result<OfflineData> {
    let database_url = services.fresh_database(DATABASE)?;
    migrate(place, &database_url)?;
    let folder = place.target().join("sqlx-fresh");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let outcome = check_store(place, &database_url, &folder).and_then(|()| read(&folder));
    fs::remove_dir_all(&folder)?;
    outcome
}

/// Checks the crate with the queries against the database. Its root file is made newer for the time
/// being, or cargo would see nothing to do and the macros would not run; after that it gets its old age
/// back, so that nothing else is built again. An edit made meanwhile keeps its own age.
fn check_store(place: &Place, database_url: &str, folder: &Path) -> Result<()> {
    let root_file = place.root.join("crates/store/src/lib.rs");
    let old = fs::metadata(&root_file)?.modified()?;
    // The folder was made a moment ago: its age is the file system's idea of now.
    let new = fs::metadata(folder)?.modified()?;
    let file = File::options()
        .append(true)
        .open(&root_file)
        .context(|| format!("cannot touch {}", root_file.display()))?;
    file.set_modified(new)?;
    let outcome = command::run(
        command::cargo(place, &["check", "--quiet", "-p", "store", "--all-targets"])
            .env("DATABASE_URL", database_url)
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", folder),
    );
    if fs::metadata(&root_file)?.modified()? == new {
        file.set_modified(old)?;
    }
    outcome
}

/// Applies every migration in the order of the names, each in one transaction.
pub(crate) fn migrate(place: &Place, database_url: &str) -> Result<()> {
    let files = migrations(place)?;
    for file in &files {
        let path = file.to_string_lossy();
        postgres::run_sql(database_url, &["--single-transaction", "-f", &path])
            .context(|| format!("migration {}", file.display()))?;
    }
    say(format!("{} migrations applied", files.len()));
    Ok(())
}

fn migrations(place: &Place) -> Result<Vec<PathBuf>> {
    let folder = place.root.join("migrations");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(folder: &Path) -> Result<OfflineData> {
    let mut data = OfflineData::new();
    if !folder.exists() {
        return Ok(data);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            data.insert(name.into_owned(), fs::read(&path)?);
        }
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(files: &[(&str, &str)]) -> OfflineData {
        files
            .iter()
            .map(|(name, query)| {
                let text = format!(r#"{{"query":"{query}"}}"#);
                ((*name).to_owned(), text.into_bytes())
            })
            .collect()
    }

    #[test]
    fn each_kind_of_stale_data_is_named_with_its_query() {
        let committed = data(&[("a", "select 1"), ("b", "select 2")]);
        let fresh = data(&[("b", "select\\n  3"), ("c", "select 4")]);
        assert_eq!(
            differences(&committed, &fresh),
            [
                "  missing c: select 4",
                "  changed b: select 3",
                "  unused  a: select 1"
            ]
        );
    }

    #[test]
    fn equal_data_has_no_differences() {
        let committed = data(&[("a", "select 1")]);
        assert!(differences(&committed, &committed).is_empty());
    }
}
