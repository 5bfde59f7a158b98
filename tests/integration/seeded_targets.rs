//! Small promises that a seeded bug breaks and no other test is the first to notice; see `tests/seeded/bugs.toml`.

use std::sync::Arc;
use std::time::Duration;

use broker::{Exchange, Message, Publisher, PublisherOptions, Topology};
use model::TokenSetId;
use model::calendar::Calendar;
use runtime::{Health, SystemClock};
use serde_json::{Value, json};
use store::seal::Sealer;
use store::token::{Access, Turn};
use store::{Role, Store};
use tests::harness::{
    Broker, Process, Proxy, SEAL_KEYS, Setting, Stage, Way, Wiring, eventually, http,
};
use tests::ledger::{Ledger, routing_key, subject};
use tests::scripted::{Ask, Books, Scripted};
use tokio::task::JoinSet;
use worker::Ended;

use crate::interleavings::rig::Rig;

/// Longer than anything here takes on two busy cores.
const PATIENCE: Duration = Duration::from_secs(40);

/// A queue nobody has declared takes nothing, and the broker says so: what it returned is not marked as sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_returns_stays_in_the_outbox() {
    let stage = Stage::set().await;
    let broker = Broker::fresh().await;
    // Nobody needs to listen to events, so the second one tells that the pass is over.
    stage.database.sql(
        "insert into outbox (id, exchange, routing_key, body) values
           (gen_random_uuid(), 'tieout.sync', 'nobody.live', '{}'),
           (gen_random_uuid(), 'tieout.events', 'document.synced', '{}')",
    );
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let _scheduler = Process::start("scheduler", &environment);
    let unpublished = |exchange: &str| {
        stage.database.sql(&format!(
            "select count(*) from outbox where exchange = '{exchange}' and published_at is null"
        ))
    };
    eventually(PATIENCE, "the event is published", async || {
        unpublished("tieout.events") == "0"
    })
    .await;
    assert_eq!(unpublished("tieout.sync"), "1");
}

/// An event is acked after its rows are committed: one that met a dead database comes back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_not_committed_is_not_acked() {
    let stage = Stage::set().await;
    let broker = Broker::fresh().await;
    let proxy = Proxy::before(&stage.database.server_address()).await;
    let wiring = Wiring {
        database_url: stage.database.url_at(proxy.address()),
        ..stage.fleet_wiring()
    };
    let mut producer = Process::start("producer", &stage.environment(&wiring, &broker.url()));
    producer.ready().await;
    proxy.turn(Way::Cut);
    publish(&broker, &Ledger::new(1, 1).client()).await;
    eventually(PATIENCE, "the database was not there", async || {
        let metrics = producer.metrics().await;
        metrics.lines().any(|line| {
            line.starts_with("tieout_events_total{")
                && line.contains("unavailable")
                && !line.ends_with(" 0")
        })
    })
    .await;
    proxy.turn(Way::Pass);
    eventually(PATIENCE, "the event comes back", async || {
        stage.database.sql("select count(*) from item") == "1"
    })
    .await;
}

async fn publish(broker: &Broker, event: &Value) {
    let publisher = Publisher::start(
        &broker.url(),
        Topology::new::<&str>(&[]),
        PublisherOptions::named("test"),
        Health::new(Arc::new(SystemClock)).component("broker"),
    )
    .unwrap();
    let message = Message {
        exchange: Exchange::EventsIn,
        routing_key: routing_key(event),
        message_id: "1".to_owned(),
        content_type: "application/cloudevents+json".to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: serde_json::to_vec(event).unwrap(),
    };
    publisher.publish(message).await.unwrap();
    publisher.close(PATIENCE).await;
}

/// The stage's consent, as a worker reads it.
async fn consent(stage: &Stage, store: &Store) -> (TokenSetId, Access) {
    let id = stage.database.sql("select id from token_set");
    let id = TokenSetId::from_uuid(id.parse().unwrap());
    let sealer = Sealer::parse(SEAL_KEYS).unwrap();
    let access = store.access(stage.connected.account, id, &sealer).await;
    (id, access.unwrap().unwrap())
}

/// A consumer that has sent a document with its token has said nothing of the token.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_a_log() {
    let stage = Stage::set().await;
    let broker = Broker::fresh().await;
    let worker = Store::open(&stage.database.url(), Role::Worker, 1).unwrap();
    let (_, access) = consent(&stage, &worker).await;
    stage.submit(&Ledger::new(1, 1).client()).await;
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut consumer = Process::start("consumer-qbo", &environment);
    consumer.ready().await;
    stage.settled(PATIENCE).await;
    consumer.terminate();
    consumer.exit(PATIENCE).await;
    assert_eq!(stage.database.sql("select state from item"), "done");
    let log = consumer.log();
    assert!(log.contains("admin listens on"), "{log}");
    assert!(!log.contains(&access.token), "the token is in the log");
    let trace = stage
        .database
        .sql("select split_part(trace, '-', 2) from item");
    assert!(log.contains(&format!("\"trace.id\":\"{trace}\"")), "{log}");
}

/// However many ask at once, one alone exchanges the refresh token: a provider punishes its second use.
#[tokio::test(flavor = "multi_thread")]
async fn one_alone_has_the_turn_to_refresh() {
    let stage = Stage::set().await;
    let worker = Store::open(&stage.database.url(), Role::Worker, 8).unwrap();
    let (id, access) = consent(&stage, &worker).await;
    let mut asking = JoinSet::new();
    for _ in 0..8 {
        let (worker, account) = (worker.clone(), stage.connected.account);
        let generation = access.generation;
        asking.spawn(async move {
            let sealer = Sealer::parse(SEAL_KEYS).unwrap();
            let turn = worker.begin_refresh(account, id, generation, PATIENCE, &sealer);
            matches!(turn.await.unwrap(), Turn::Ours { .. })
        });
    }
    let turns = asking.join_all().await;
    assert_eq!(turns.into_iter().filter(|ours| *ours).count(), 1);
}

/// What one account sends is never another's, not once in a thousand.
#[tokio::test(flavor = "multi_thread")]
async fn none_of_a_thousand_documents_goes_to_another_account() {
    const CLIENTS: usize = 1_001;
    let stage = Stage::set().await;
    stage.connect(&Setting::of(2, "9130348")).await;
    let (mut first, mut second) = (Ledger::new(1, 1), Ledger::new(2, 2));
    stage.submit(&second.client()).await;
    for _ in 0..CLIENTS {
        stage.submit(&first.client()).await;
    }
    for table in ["document", "item"] {
        let counted = stage.database.sql(&format!(
            "select account_id, count(*) from {table} group by 1 order by 1"
        ));
        assert_eq!(counted, format!("1|{CLIENTS}\n2|1"), "{table}");
    }
}

/// Two schedulers may find the same slot; its key lets one of them run it.
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_runs_once() {
    let stage = Stage::set().await;
    stage
        .database
        .sql("update accounting_integration set sync_frequency = 'HOURLY'");
    let scheduler = Store::open(&stage.database.url(), Role::Scheduler, 2).unwrap();
    let due = scheduler.scheduled().await.unwrap();
    let of = &due[0];
    let calendar = Calendar::new(of.frequency, &of.settings).unwrap().unwrap();
    let slot = calendar.next_slot(scheduler.now().await.unwrap());
    assert_eq!(scheduler.run_slot(of, &slot).await.unwrap(), Some(0));
    assert_eq!(scheduler.run_slot(of, &slot).await.unwrap(), None);
    assert_eq!(stage.database.sql("select count(*) from job"), "1");
}

/// A success whose body holds a fault is none: the document is brought about by the next try.
#[tokio::test(flavor = "multi_thread")]
async fn a_success_with_a_fault_in_it_is_no_success() {
    let stage = Stage::set().await;
    let rule = json!({
        "match": {"operation": "create"}, "action": {"okWithFault": {}}, "times": 1,
    });
    stage.sandbox.fault(rule).await;
    let mut ledger = Ledger::new(1, 1);
    stage.submit(&ledger.client()).await;
    stage.drain(&stage.worker()).await;
    stage.assert_tied_out(&ledger).await;
}

/// British books: tax with odd cents arrives as it was stated, and nothing is found to differ.
#[tokio::test(flavor = "multi_thread")]
async fn tax_with_odd_cents_is_the_same_in_the_books() {
    let mut setting = Setting::default();
    setting.company["country"] = json!("GB");
    setting.company["homeCurrency"] = json!("GBP");
    setting.company["taxMode"] = Value::Null;
    setting.facts = json!({"country": "GB", "homeCurrency": "GBP"});
    setting
        .company
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    let stage = Stage::set_as(&setting).await;
    let code = tax_code(&stage, "20.0% S").await;
    stage.database.sql(&format!(
        "update accounting_integration set sync_settings = sync_settings || '{{\"defaultTaxCode\": \"{code}\"}}'"
    ));
    let mut ledger = Ledger::new(1, 1);
    let client = ledger.client();
    let mut invoice = ledger.invoice(&client);
    let data = invoice["data"].as_object_mut().unwrap();
    data.remove("discount");
    data.insert("currency".to_owned(), json!("GBP"));
    data.insert(
        "lines".to_owned(),
        json!([{
            "description": "Work", "quantity": "1", "unitPrice": "100.33", "amount": "100.33",
            "tax": {"rateId": "vat20", "percent": "20", "amount": "20.07"},
        }]),
    );
    data.insert(
        "totals".to_owned(),
        json!({"net": "100.33", "tax": "20.07", "gross": "120.40"}),
    );
    stage.submit(&invoice).await;
    stage.drain(&stage.worker()).await;
    let linked =
        "select trim_scale(tax), gross::numeric(19, 2) from link where effect_kind = 'invoice'";
    assert_eq!(
        stage.database.sql(linked),
        "20.07|120.40",
        "{}",
        stage.standings()
    );
    assert_eq!(stage.database.sql("select code, message from finding"), "");
}

/// The id of one of the company's tax codes.
async fn tax_code(stage: &Stage, name: &str) -> String {
    let realm = &stage.connected.realm;
    let tokens = stage.sandbox.tokens(&[realm]).await;
    let url = format!("{}/v3/company/{realm}/query", stage.sandbox.url());
    let statement = format!(
        "select%20*%20from%20TaxCode%20where%20Name%20%3D%20%27{}%27",
        name.replace('%', "%25").replace(' ', "%20")
    );
    let request = http().get(format!("{url}?query={statement}"));
    let reply = request.bearer_auth(&tokens.access).send().await.unwrap();
    let reply: Value = reply.json().await.unwrap();
    let id = &reply["QueryResponse"]["TaxCode"][0]["Id"];
    id.as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// What the bookkeeper made in the books comes back as an event that says so, and is not made a second time.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_from_the_books_is_not_written_to_them() {
    let stage = Stage::set().await;
    let mut client = Ledger::new(1, 1).client();
    client["data"]["origin"] = json!({
        "integrationId": stage.connected.integration.0, "externalId": "58", "kind": "CLIENT",
    });
    stage.submit(&client).await;
    stage.drain(&stage.worker()).await;
    let linked = "select i.source_id, l.external_id from item i
      join effect e on e.item_id = i.id join link l on l.effect_id = e.id";
    let expected = format!("{}|58", subject(&client));
    assert_eq!(stage.database.sql(linked), expected);
    assert_eq!(stage.database.sql("select count(*) from call"), "0");
}

/// A payment is not sent before its client is there, and goes by itself once it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_waits_for_its_client() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.payment("p-1", 1, "c-1").await;

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(books.asked(Ask::Write), 0);
    assert_eq!(rig.item("state", "p-1"), "parked");

    rig.client("c-1", 1).await;
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.item("state", "p-1"), "done");
    assert_eq!(books.objects().len(), 2);
}

/// Work given up is a row that people find and a message that is mirrored to the broker's dead letters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_given_up_is_a_dead_letter_and_a_message() {
    let rig = Rig::new().await;
    rig.client("c-1", 1).await;
    // Five workers died on it.
    for _ in 0..5 {
        let holder = rig.take().await;
        rig.claim_one(&holder).await;
        rig.expire();
    }
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.count("dead_letter where state = 'OPEN'"), 1);
    assert_eq!(rig.count("outbox where exchange = 'tieout.dead'"), 1);
}
