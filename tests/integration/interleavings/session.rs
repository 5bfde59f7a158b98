//! A database session of the test's own, and a latch at which other sessions' commits wait.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use tests::harness::{Database, eventually};

const LIMIT: Duration = Duration::from_secs(20);

/// A database session of the test's own, which may hold locks.
pub(crate) struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Session {
    pub(crate) fn open(db: &Database) -> Self {
        let mut child = Command::new("psql")
            .args([
                "--no-psqlrc",
                "-qtA",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &db.url(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    /// Runs statements and waits until they are through.
    pub(crate) fn run(&mut self, statements: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{statements};\n\\echo through").unwrap();
        loop {
            let mut line = String::new();
            let count = self.output.read_line(&mut line).unwrap();
            assert!(count > 0, "the session ended at: {statements}");
            if line.trim() == "through" {
                return;
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The end of its input ends the session and frees its locks.
        self.input.take();
        let _ = self.child.wait();
    }
}

/// From now on whoever commits a change of this table waits at its commit while somebody holds the latch.
pub(crate) fn hold_commits(db: &Database, table: &str) -> Session {
    db.sql(&format!(
        "create or replace function wait_at_commit() returns trigger language plpgsql as
           'begin perform pg_advisory_xact_lock_shared(77); return null; end';
         create constraint trigger wait_at_commit after insert or update on {table}
           deferrable initially deferred for each row execute function wait_at_commit()"
    ));
    let mut latch = Session::open(db);
    latch.run("select pg_advisory_lock(77)");
    latch
}

/// Waits until somebody does.
pub(crate) async fn somebody_commits(db: &Database) {
    eventually(LIMIT, "a commit waits", async || {
        db.sql(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted
               and database = (select oid from pg_database where datname = current_database())",
        ) != "0"
    })
    .await;
}
