//! A database of one test's own, copied from a template that is migrated once.
//!
//! The template's name holds a hash of the migrations, so that a changed schema makes a new one and an
//! unchanged one serves every run. It is made under another name and renamed when complete; an advisory lock
//! keeps two processes from making it at the same time.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use store::Store;
use tokio::sync::OnceCell;

use super::unique;

const DEFAULT_URL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// The advisory lock under which templates are made; any number nobody else takes.
const TEMPLATE_LOCK: u64 = 0x7469_656f_7574;

/// A migrated database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A migrated, empty database on the server of `DATABASE_URL`.
    ///
    /// # Panics
    ///
    /// When the server is not there or `psql` is not installed.
    pub async fn fresh() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let server = server_url();
        let template = TEMPLATE.get_or_init(|| template(&server)).await;
        let name = unique("tieout_test");
        psql(
            &server,
            &format!("create database {name} template {template}"),
        );
        Self { server, name }
    }

    /// Its address.
    pub fn url(&self) -> String {
        with_name(&self.server, &self.name)
    }

    /// Its address by way of a proxy.
    pub fn url_at(&self, address: std::net::SocketAddr) -> String {
        let url = self.url();
        let (scheme, rest) = url.split_once("://").expect("an address has a scheme");
        let (authority, path) = rest.split_once('/').expect("an address names a database");
        match authority.rsplit_once('@') {
            Some((user, _)) => format!("{scheme}://{user}@{address}/{path}"),
            None => format!("{scheme}://{address}/{path}"),
        }
    }

    /// Where its server listens.
    pub fn server_address(&self) -> String {
        let rest = self.server.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:5432")
        }
    }

    /// Runs statements as the server's owner, past every wall, and returns what they print: a row a line,
    /// columns with `|` between them.
    ///
    /// # Panics
    ///
    /// When a statement fails.
    pub fn sql(&self, statements: &str) -> String {
        psql(&self.url(), statements)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Best effort: a server that is gone has nothing to drop.
        let _ = command(&self.server)
            .arg("-c")
            .arg(format!(
                "drop database if exists {} with (force)",
                self.name
            ))
            .stderr(Stdio::null())
            .output();
    }
}

fn server_url() -> String {
    std::env::var("DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
        .unwrap_or_else(|| DEFAULT_URL.to_owned())
}

/// The name of the template, made if there is none for these migrations.
async fn template(server: &str) -> String {
    let files = migrations();
    let mut hash = DefaultHasher::new();
    for file in &files {
        let contents = fs::read(file).expect("a migration can be read");
        hash.write(file.file_name().expect("a file").as_encoded_bytes());
        hash.write(&contents);
    }
    let name = format!("tieout_template_{:016x}", hash.finish());
    let _lock = AdvisoryLock::take(server);
    let there = format!("select count(*) from pg_database where datname = '{name}'");
    if psql(server, &there) == "1" {
        return name;
    }
    let half_made = unique("tieout_template");
    psql(server, &format!("create database {half_made}"));
    let url = with_name(server, &half_made);
    Store::migrate(&url)
        .await
        .expect("the migrations apply to an empty database");
    let applied = psql(&url, "select count(*) from _sqlx_migrations where success");
    assert_eq!(
        applied,
        files.len().to_string(),
        "the store was built before a migration was added: touch crates/store/src/pool.rs"
    );
    psql(
        server,
        &format!("alter database {half_made} rename to {name}"),
    );
    name
}

fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let entries = fs::read_dir(folder).expect("the migrations are there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    files
}

/// Held by a session of its own until dropped.
struct AdvisoryLock {
    session: Child,
    input: Option<ChildStdin>,
}

impl AdvisoryLock {
    fn take(server: &str) -> Self {
        let mut session = command(server)
            .stdin(Stdio::piped())
            .spawn()
            .expect("psql is installed");
        let mut input = session.stdin.take().expect("its input is a pipe");
        let output = session.stdout.take().expect("its output is a pipe");
        writeln!(
            input,
            "select 'taken' from pg_advisory_lock({TEMPLATE_LOCK});"
        )
        .expect("psql reads");
        let mut answer = String::new();
        BufReader::new(output)
            .read_line(&mut answer)
            .expect("psql answers");
        assert_eq!(answer.trim(), "taken", "no lock on the server of {server}");
        Self {
            session,
            input: Some(input),
        }
    }
}

impl Drop for AdvisoryLock {
    fn drop(&mut self) {
        // The end of its input ends the session, and that frees the lock.
        self.input.take();
        let _ = self.session.wait();
    }
}

fn psql(url: &str, statements: &str) -> String {
    let output = command(url)
        .args(["-c", statements])
        .output()
        .expect("psql is installed (package postgresql-client)");
    assert!(
        output.status.success(),
        "{}\n{statements}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

fn command(url: &str) -> Command {
    let mut command = Command::new("psql");
    command
        .args(["--no-psqlrc", "-qtA", "-v", "ON_ERROR_STOP=1", "-d", url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The address with another database's name.
fn with_name(url: &str, name: &str) -> String {
    let (address, options) = match url.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (url, String::new()),
    };
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let end = address[host_at..]
        .find('/')
        .map_or(address.len(), |slash| host_at + slash);
    format!("{}/{name}{options}", &address[..end])
}
