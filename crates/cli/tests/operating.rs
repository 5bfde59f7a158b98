//! The command line as operators use it: the binary against a real database, broker and producer.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy sees only the test functions themselves"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use broker::{Exchange, Message, Publisher, PublisherOptions, Topology};
use runtime::{Health, SystemClock};
use serde_json::Value;
use tests::harness::{Broker, Database, Process, SEAL_KEYS, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// An event that is taken in, and what it is about.
const GOOD_EVENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../model/schemas/examples/invoice-plain.json"
);

/// One installation and how its operator reaches it.
struct Desk {
    database: Database,
    amqp_url: String,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    async fn open(amqp_url: &str) -> Self {
        let desk = Self {
            database: Database::fresh().await,
            amqp_url: amqp_url.to_owned(),
        };
        let migrated = desk.tieout(&["migrate"]);
        assert_eq!(migrated.code, 0, "{migrated:?}");
        desk
    }

    fn tieout(&self, arguments: &[&str]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_tieout"))
            .args(arguments)
            .env("DATABASE_URL", self.database.url())
            .env("AMQP_URL", &self.amqp_url)
            .env("TIEOUT_SEAL_KEYS", SEAL_KEYS)
            .env("TIEOUT_ACCESS_TOKEN", "access-secret")
            .env("TIEOUT_REFRESH_TOKEN", "refresh-secret")
            .env("TIEOUT_ACTOR", "olive")
            .output()
            .unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a command that succeeds prints as JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.tieout(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }

    fn connect(&self, account: &str) -> Value {
        self.json(&[
            "integration",
            "add",
            "--provider",
            "QUICKBOOKS_ONLINE",
            "--account",
            account,
            "--realm",
            "462",
            "--tax-mode",
            "manual_us",
            "--item",
            "A-1=22",
        ])
    }

    fn open_letters(&self) -> Vec<String> {
        let listed = self.json(&["dead", "list"]);
        let ids = listed.as_array().unwrap().iter();
        ids.map(|letter| letter["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The trace that every published message names.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// No test that uses this address publishes.
const NO_BROKER: &str = "amqp://127.0.0.1:1";

async fn publish(url: &str, body: &[u8]) {
    let publisher = Publisher::start(
        url,
        Topology::new::<&str>(&[]),
        PublisherOptions::named("test"),
        Health::new(Arc::new(SystemClock)).component("broker"),
    )
    .unwrap();
    let message = Message {
        exchange: Exchange::EventsIn,
        routing_key: "invoice.issued".to_owned(),
        message_id: "m-1".to_owned(),
        content_type: "application/json".to_owned(),
        headers: BTreeMap::from([("traceparent".to_owned(), TRACEPARENT.to_owned())]),
        body: body.to_vec(),
    };
    publisher.publish(message).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_named_once_and_a_company_connected_once() {
    let desk = Desk::open(NO_BROKER).await;
    let name = desk.database.sql("select name from installation");
    assert_eq!(desk.tieout(&["migrate"]).code, 0);
    assert_eq!(desk.database.sql("select name from installation"), name);

    let ids = desk.connect("1");
    assert!(ids["booksId"].as_str().unwrap().starts_with("bks_"));
    let facts = desk.database.sql("select facts from books");
    let facts: Value = serde_json::from_str(&facts).unwrap();
    assert_eq!(facts["extra"]["taxMode"], "MANUAL_US");
    let settings = desk.database.sql(
        "select sync_settings ->> 'defaultItemId', sync_settings -> 'itemIds' ->> 'A-1' from accounting_integration",
    );
    assert_eq!(settings, "1|22");
    let sealed = "select position('secret'::bytea in access_sealed), position('secret'::bytea in refresh_sealed) \
                  from token_set";
    assert_eq!(desk.database.sql(sealed), "0|0");
    let audit = desk
        .database
        .sql("select actor, action from operator_action");
    assert_eq!(audit, "olive|integration add");

    for account in ["1", "2"] {
        let again = desk.tieout(&[
            "integration",
            "add",
            "--provider",
            "QUICKBOOKS_ONLINE",
            "--account",
            account,
            "--realm",
            "462",
        ]);
        assert_eq!(again.code, 3, "{again:?}");
        assert!(again.err.contains("connected already"), "{again:?}");
    }
    assert_eq!(desk.database.sql("select count(*) from token_set"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_the_exit_codes_that_the_help_lists() {
    let desk = Desk::open(NO_BROKER).await;
    let unknown = desk.tieout(&["explain", "INVOICE", "INV-1", "--account", "1"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    assert!(unknown.err.contains("nothing is known of INVOICE INV-1"));
    let provider = desk.tieout(&[
        "integration",
        "add",
        "--provider",
        "ABACUS",
        "--account",
        "1",
        "--realm",
        "1",
    ]);
    assert_eq!(provider.code, 2, "{provider:?}");
    assert!(provider.err.contains("it knows QUICKBOOKS_ONLINE"));
    assert_eq!(desk.tieout(&["stat"]).code, 2);
    let away = Command::new(env!("CARGO_BIN_EXE_tieout"))
        .arg("status")
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .output()
        .unwrap();
    assert_eq!(away.status.code(), Some(69));
    let unset = Command::new(env!("CARGO_BIN_EXE_tieout"))
        .arg("status")
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(unset.status.code(), Some(78));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_is_shown_safely_and_replayed_until_it_is_taken_in() {
    let broker = Broker::fresh().await;
    let desk = Desk::open(&broker.url()).await;
    let environment = [
        ("DATABASE_URL", desk.database.url()),
        ("AMQP_URL", broker.url()),
        ("TIEOUT_ADMIN_ADDR", "127.0.0.1:0".to_owned()),
    ];
    let mut producer = Process::start("producer", &environment);
    producer.ready().await;
    publish(&broker.url(), b"{\"a\": \x1b[2J").await;
    eventually(PATIENCE, "the event is refused", || {
        ready(desk.open_letters().len() == 1)
    })
    .await;
    let first = desk.open_letters().remove(0);
    let shown = desk.tieout(&["dead", "show", &first]).out;
    assert!(shown.contains("{\"a\": \\u{1b}[2J"), "{shown}");
    assert!(!shown.contains('\u{1b}'));
    assert!(shown.contains(TRACEPARENT), "{shown}");
    let log = producer.log();
    let refusal = log.lines().find(|line| line.contains("was refused"));
    assert!(
        refusal.is_some_and(|line| line.contains("\"trace.id\":\"4bf92f35")),
        "{log}"
    );

    // As it came it is refused again: counted up, or a new row after the first was closed. Never lost.
    assert_eq!(desk.tieout(&["dead", "replay", &first]).code, 0);
    eventually(PATIENCE, "the event is refused again", || {
        let refusals = desk.database.sql("select sum(times) from dead_letter");
        ready(refusals == "2" && desk.open_letters().len() == 1)
    })
    .await;

    let event: Value = serde_json::from_slice(&std::fs::read(GOOD_EVENT).unwrap()).unwrap();
    let id = event["data"]["id"].as_str().unwrap();
    let account = event["accountid"].as_str().unwrap();
    desk.connect(account);
    let second = desk.open_letters().remove(0);
    let replayed = desk.json(&["dead", "replay", &second, "--file", GOOD_EVENT]);
    assert_eq!(replayed["replayed"][0]["outcome"], "SUBMITTED");
    eventually(PATIENCE, "the event is taken in", || {
        ready(desk.database.sql("select count(*) from event") == "1")
    })
    .await;
    assert!(desk.open_letters().is_empty());
    let audit = "select distinct actor, action from operator_action where action = 'resubmit'";
    assert_eq!(desk.database.sql(audit), "olive|resubmit");

    let question = ["INVOICE", id, "--account", account];
    let told = desk.tieout(&[&["explain"], &question[..]].concat()).out;
    assert!(told.contains("is queued: version"), "{told}");
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    assert_eq!(
        desk.tieout(&[&["try-again"], &question[..]].concat()).code,
        0
    );
    let totals = desk.json(&["totals", "--account", account]);
    let kinds = totals["kinds"].as_array().unwrap();
    let invoices = kinds.iter().find(|kind| kind["kind"] == "INVOICE").unwrap();
    assert_eq!(invoices["source"]["count"], 1);
    assert_eq!(invoices["difference"], invoices["source"]);
    let status = desk.json(&["status"]);
    assert_eq!(status["deadLetters"]["open"], 0);
    assert!(status["integrations"][0]["states"]["queued"].as_i64() > Some(0));
}

/// How many dead letters each page of the list shows, following what each page says of the next.
fn pages(desk: &Desk, options: &[&str]) -> Vec<usize> {
    let (mut pages, mut seen, mut last) = (Vec::new(), BTreeSet::new(), None::<String>);
    loop {
        let after: Vec<&str> = last
            .as_deref()
            .map_or_else(Vec::new, |last| vec!["--after", last]);
        let told = desk
            .tieout(&[&["dead", "list"], options, &after[..]].concat())
            .out;
        let ids: Vec<&str> = told
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| word.starts_with("dlq_"))
            .collect();
        assert!(ids.iter().all(|id| seen.insert((*id).to_owned())), "{told}");
        pages.push(ids.len());
        let Some((_, next)) = told.trim_end().split_once("there are more: --after ") else {
            return pages;
        };
        last = Some(next.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alike_work_is_replayed_together_and_the_hopeless_is_discarded() {
    let desk = Desk::open(NO_BROKER).await;
    desk.connect("1");
    for (number, cause) in [(1, "REJECTED/6000"), (2, "REJECTED/6000"), (3, "DEFECT/X")] {
        desk.database.sql(&format!(
            "with failed as ( \
               insert into item (id, account_id, books_id, integration_id, kind, source_id, wanted_version, version, \
                 state, lane, rank) \
               select gen_random_uuid(), account_id, books_id, id, 'INVOICE', 'INV-{number}', 1, 1, 'failed', 0, 30 \
               from accounting_integration returning id, account_id) \
             insert into dead_letter (id, account_id, subject, source, item_id, cause, message, owner, fingerprint) \
             select gen_random_uuid(), account_id, id::text, 'WORK', id, '{cause}', 'no', 'BOOKKEEPER', '{cause}' \
             from failed"
        ));
    }
    assert_eq!(pages(&desk, &["--limit", "2"]), [2, 1]);
    assert_eq!(pages(&desk, &["--limit", "3"]), [3]);
    let alike = ["--limit", "1", "--fingerprint", "REJECTED/6000"];
    assert_eq!(pages(&desk, &alike), [1, 1]);
    let replayed = desk.json(&["dead", "replay", "--fingerprint", "REJECTED/6000"]);
    assert_eq!(replayed["asked"], 2);
    let states = desk
        .database
        .sql("select state from item order by source_id");
    assert_eq!(states, "queued\nqueued\nfailed");
    assert_eq!(
        desk.tieout(&["dead", "replay", "--fingerprint", "REJECTED/6000"])
            .code,
        3,
        "none is open any more"
    );

    let hopeless = desk.open_letters().remove(0);
    let edited = desk.tieout(&["dead", "replay", &hopeless, "--file", GOOD_EVENT]);
    assert_eq!(edited.code, 3, "work has no bytes: {edited:?}");
    let reason = ["--reason", "client went out of business"];
    let discard = [&["dead", "discard", &hopeless], &reason[..]].concat();
    assert_eq!(desk.tieout(&discard).code, 0);
    assert_eq!(desk.tieout(&discard).code, 3, "it is discarded already");
    assert_eq!(desk.tieout(&["dead", "replay", &hopeless]).code, 3);
    let audit = desk
        .database
        .sql("select actor, reason from operator_action where action = 'discard'");
    assert_eq!(audit, "olive|client went out of business");
}
