//! Proof that each part of the harness does what its tests rely on.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::harness::{
    Broker, Database, Process, Proxy, Sandbox, Stage, Way, eventually, http, until,
};
use tests::ledger::Ledger;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::timeout;

/// Longer than anything here takes on two busy cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long beside what a loopback connection needs: what has not come by then does not come.
const SILENCE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_migrated_private_and_gone_afterwards() {
    let (first, second) = tokio::join!(Database::fresh(), Database::fresh());
    first.sql("insert into app_limit (provider, client_id) values ('X', 'y')");
    assert_eq!(first.sql("select count(*) from app_limit"), "1");
    assert_eq!(second.sql("select count(*) from app_limit"), "0");
    let name = first.sql("select current_database()");
    drop(first);
    let there = format!("select count(*) from pg_database where datname = '{name}'");
    assert_eq!(second.sql(&there), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_is_a_vhost_with_the_policies_of_production() {
    let broker = Broker::fresh().await;
    let mut projectledger = Process::start_with(
        "projectledger",
        &["--clients", "3", "--invoices", "10"],
        &[("AMQP_URL", broker.url())],
    );
    let status = projectledger.exit(PATIENCE).await;
    assert!(status.success(), "{}", projectledger.log());
    let summary = projectledger.log();
    let summary: Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
    let events = summary["events"].as_u64().unwrap();
    assert!(events >= 13, "{summary}");
    assert_eq!(summary["totals"][0]["kind"], "CLIENT");
    eventually(PATIENCE, "the broker has counted the events", async || {
        broker.depth("tieout.events.in") == Some(events)
    })
    .await;
    assert_eq!(broker.depth("tieout.dead"), Some(0));
    assert_eq!(broker.depth("no.such.queue"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_keeps_books_breaks_on_demand_and_remembers() {
    let sandbox = Sandbox::start().await;
    sandbox.company("77").await;
    let tokens = sandbox.tokens(&["77"]).await;
    let create = async |name: &str| {
        let url = format!("{}/v3/company/77/customer", sandbox.url());
        let request = http().post(url).bearer_auth(&tokens.access);
        let body = json!({"DisplayName": name});
        request
            .json(&body)
            .send()
            .await
            .map(|r| r.status().as_u16())
    };
    assert_eq!(create("Ann").await.unwrap(), 200);
    sandbox
        .fault(json!({"match": {"operation": "create"}, "action": "dropBefore", "times": 1}))
        .await;
    assert!(create("Bob").await.is_err(), "the connection was cut");
    assert_eq!(create("Bob").await.unwrap(), 200);
    let books = sandbox.books("77").await;
    assert_eq!(books["objects"]["Customer"].as_array().unwrap().len(), 2);
    let journal = sandbox.journal().await;
    let created: Vec<&Value> = journal
        .iter()
        .filter(|entry| entry["operation"] == "create")
        .collect();
    assert_eq!(created.len(), 3);
    assert_eq!(created[1]["fault"], "dropBefore");
    assert_eq!(sandbox.in_progress().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_frozen_thawed_and_killed() {
    let stage = Stage::set().await;
    let broker = Broker::fresh().await;
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut consumer = Process::start("consumer-qbo", &environment);
    consumer.ready().await;
    assert!(consumer.metrics().await.contains("# TYPE"));
    consumer.freeze().await;
    assert!(consumer.is_stopped());
    consumer.thaw();
    eventually(PATIENCE, "it works again", async || {
        consumer.health().await["state"] == "READY"
    })
    .await;
    assert!(consumer.ended().is_none());
    consumer.kill().await;
    assert!(consumer.ended().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_end_ends_well() {
    let stage = Stage::set().await;
    let broker = Broker::fresh().await;
    let environment = stage.environment(&stage.fleet_wiring(), &broker.url());
    let mut consumer = Process::start("consumer-qbo", &environment);
    consumer.ready().await;
    consumer.terminate();
    let status = consumer.exit(PATIENCE).await;
    assert!(status.success(), "{}", consumer.log());
}

/// A server that sends back what it gets.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

/// The byte that comes back for `byte`; none when the connection is closed.
async fn ask(stream: &mut TcpStream, byte: u8) -> Option<u8> {
    stream.write_all(&[byte]).await.ok()?;
    stream.read_u8().await.ok()
}

#[tokio::test]
async fn a_proxy_passes_delays_swallows_and_cuts() {
    let proxy = Proxy::before(&echo().await).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut stream, 1).await, Some(1));

    proxy.turn(Way::Blackhole);
    assert!(timeout(SILENCE, ask(&mut stream, 2)).await.is_err());
    proxy.turn(Way::Pass);
    assert_eq!(stream.read_u8().await.unwrap(), 2, "what waited moves on");

    proxy.turn(Way::NoReplies);
    assert!(timeout(SILENCE, ask(&mut stream, 3)).await.is_err());
    proxy.turn(Way::Delay(SILENCE));
    assert_eq!(stream.read_u8().await.unwrap(), 3);
    assert!(timeout(SILENCE, ask(&mut stream, 4)).await.is_err());
    assert_eq!(stream.read_u8().await.unwrap(), 4);

    proxy.turn(Way::Cut);
    assert_eq!(ask(&mut stream, 5).await, None);
    let mut another = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut another, 6).await, None);

    proxy.turn(Way::Pass);
    let mut third = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut third, 7).await, Some(7));
}

#[tokio::test]
async fn waiting_ends_with_the_value_or_with_words() {
    let mut looks = 0;
    let found = until(PATIENCE, "it is the third look", || {
        looks += 1;
        std::future::ready((looks == 3).then_some(looks))
    })
    .await;
    assert_eq!(found, 3);
    let in_vain = async {
        let waiting = eventually(SILENCE, "pigs fly", async || false);
        tokio::task::spawn_local(waiting).await.unwrap_err()
    };
    let message = LocalSet::new().run_until(in_vain).await.into_panic();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("pigs fly"), "{message}");
}

/// What the tie-out complains about; none when it ties out.
async fn complaint(stage: &Arc<Stage>, ledger: &Arc<Ledger>) -> Option<String> {
    let (stage, ledger) = (Arc::clone(stage), Arc::clone(ledger));
    let checked = tokio::spawn(async move { stage.assert_tied_out(&ledger).await });
    let panic = checked.await.err()?.into_panic();
    panic.downcast_ref::<String>().cloned()
}

/// A stage on which so small a month has been brought into the books.
async fn a_month_in_the_books() -> (Arc<Stage>, Ledger) {
    let stage = Stage::set().await;
    let mut ledger = Ledger::new(1, 2);
    let events = ledger.month(2, 4, 0, 0);
    stage.submit_all(&events).await;
    stage.drain(&stage.worker()).await;
    (Arc::new(stage), ledger)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tie_out_notices_what_is_missing() {
    let (stage, mut ledger) = a_month_in_the_books().await;
    let client = ledger.client();
    let ledger = Arc::new(ledger);
    let found = complaint(&stage, &ledger).await.unwrap();
    assert!(found.contains("has no item"), "{found}");
    stage.submit(&client).await;
    let found = complaint(&stage, &ledger).await.unwrap();
    assert!(found.contains("queued"), "{found}");
    stage.drain(&stage.worker()).await;
    assert_eq!(complaint(&stage, &ledger).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tie_out_notices_what_is_there_twice() {
    let (stage, ledger) = a_month_in_the_books().await;
    let ledger = Arc::new(ledger);
    assert_eq!(complaint(&stage, &ledger).await, None);
    let realm = &stage.connected.realm;
    let double = json!({
        "realm": realm, "entity": "Customer", "action": "create",
        "changes": {"DisplayName": "Somebody once more"},
    });
    stage.sandbox.human(double).await;
    let found = complaint(&stage, &ledger).await.unwrap();
    assert!(found.contains("Tieout does not know it"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tie_out_notices_another_amount_in_the_books() {
    let (stage, ledger) = a_month_in_the_books().await;
    let ledger = Arc::new(ledger);
    let books = stage.sandbox.books(&stage.connected.realm).await;
    let line = json!([{
        "Amount": 0.01, "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}},
    }]);
    let edit = json!({
        "realm": stage.connected.realm, "entity": "Invoice", "action": "edit",
        "id": books["objects"]["Invoice"][0]["id"], "changes": {"Line": line},
    });
    stage.sandbox.human(edit).await;
    let found = complaint(&stage, &ledger).await.unwrap();
    assert!(found.contains("in the books"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tie_out_notices_a_request_without_a_call() {
    let (stage, ledger) = a_month_in_the_books().await;
    let ledger = Arc::new(ledger);
    let realm = &stage.connected.realm;
    let tokens = stage.sandbox.tokens(&[realm]).await;
    let url = format!("{}/v3/company/{realm}/customer/1", stage.sandbox.url());
    let reply = http().get(url).bearer_auth(&tokens.access).send().await;
    assert!(reply.is_ok());
    let found = complaint(&stage, &ledger).await.unwrap();
    assert!(found.contains("sent 1 times and committed 0"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_goes_all_the_way_and_ties_out() {
    let stage = Stage::set().await;
    let worker = stage.worker();
    let mut ledger = Ledger::new(1, 1);
    let events = ledger.month(5, 20, 0, 0);
    stage.submit_all(&events).await;
    stage.drain(&worker).await;
    stage.assert_tied_out(&ledger).await;

    // The second half changes and voids what is there.
    let events = ledger.month(2, 10, 40, 20);
    stage.submit_all(&events).await;
    stage.drain(&worker).await;
    stage.assert_tied_out(&ledger).await;
}
