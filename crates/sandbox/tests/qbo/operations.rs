//! Running the sandbox: limits, journal, books, people, settings, starting and stopping.

use std::path::PathBuf;
use std::process::Stdio;

use reqwest::Method;
use sandbox::qbo::{self, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::harness::{REALM, Twin, client, invoice};

#[tokio::test]
async fn limits_are_off_until_set() {
    let twin = Twin::usual().await;
    for _ in 0..15 {
        assert_eq!(twin.get("preferences").await.status, 200);
    }
    twin.advance(61_000).await;
    twin.settings(json!({"limits": {"perMinute": 3, "batchPerMinute": 1}}))
        .await;
    let batch = json!({"BatchItemRequest": [{"bId": "1", "Query": "select * from Item"}]});
    assert_eq!(twin.post("batch", batch.clone()).await.status, 200);
    assert_eq!(twin.post("batch", batch).await.status, 429);
    for expected in [200, 200, 429] {
        assert_eq!(twin.get("preferences").await.status, expected);
    }
    let throttled = twin.get("preferences").await;
    assert_eq!(throttled.code(), "3001");
    assert_eq!(throttled.json["fault"]["type"], "SERVICE");
    twin.advance(61_000).await;
    assert_eq!(twin.get("preferences").await.status, 200);
}

#[tokio::test]
async fn official_limits_are_known_by_name_and_their_peaks_are_told() {
    let twin = Twin::usual().await;
    twin.settings(json!({"limits": "official"})).await;
    let mut statuses = Vec::new();
    // Twice the limit of a second in a burst: more than one window's worth comes through only if
    // the burst takes longer than a second.
    twin.settings(json!({"limits": {"perMinute": 20, "perSecond": null}}))
        .await;
    for _ in 0..41 {
        statuses.push(twin.get("preferences").await.status);
    }
    assert!(statuses.contains(&429));
    let peaks = twin.control(Method::GET, "/limits", json!({})).await.json;
    let own = &peaks[format!("{REALM}/app")];
    assert_eq!(own["perMinute"], json!(41));
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(own["reads"], json!(passed));
    assert_eq!(own["refused"], json!(41 - passed));
    let wrong = twin
        .control(Method::PATCH, "/settings", json!({"limits": "generous"}))
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn requests_at_the_same_time_are_counted_and_limited() {
    let twin = Twin::usual().await;
    twin.settings(json!({"limits": {"concurrent": 2}})).await;
    let hang = json!({"commitThenHang": {"ms": 600_000}});
    twin.fault(json!({"match": {"pathContains": "item/1"}, "action": hang}))
        .await;
    let third = async {
        twin.until(async || twin.in_progress().await == 2).await;
        twin.get("preferences").await
    };
    tokio::select! {
        _ = twin.get("item/1") => panic!("it should hang"),
        _ = twin.get("item/1") => panic!("it should hang"),
        third = third => assert_eq!(third.status, 429),
    }
    let entries = twin.journal().await;
    let counts = entries.iter().map(|entry| entry["concurrent"].as_u64());
    assert_eq!(counts.max(), Some(Some(3)));
}

#[tokio::test]
async fn the_journal_tells_each_request_in_order() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    twin.post(
        "invoice?requestid=k&minorversion=75",
        invoice("1", json!(10)),
    )
    .await;
    let entries = twin.journal().await;
    let entry = &entries[1];
    assert_eq!(entry["sequence"], json!(2));
    assert_eq!(entry["realm"], REALM);
    assert_eq!(entry["method"], "POST");
    assert_eq!(entry["path"], format!("/v3/company/{REALM}/invoice"));
    assert_eq!(entry["query"], "requestid=k&minorversion=75");
    assert_eq!(entry["requestid"], "k");
    assert_eq!(entry["operation"], "create");
    assert_eq!(entry["status"], json!(200));
    assert_eq!(entry["execution"], "executed");
    assert!(entry["body"].as_str().unwrap().contains("CustomerRef"));
    assert!(
        entry["reply"]
            .as_str()
            .unwrap()
            .contains("\"DocNumber\":\"1001\"")
    );
    let object = json!({"kind": "Invoice", "id": "1", "action": "created", "syncToken": "0"});
    assert_eq!(entry["objects"], json!([object]));
    let rest = twin
        .control(Method::GET, "/journal?since=1", json!({}))
        .await;
    assert_eq!(rest.json["entries"].as_array().unwrap().len(), 1);
    assert_eq!(rest.json["lastSequence"], json!(2));
}

#[tokio::test]
async fn the_books_are_counted_and_summed_exactly() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    for amount in [json!(0.1), json!(0.2), json!(5)] {
        let mut body = invoice("1", amount);
        body["PrivateNote"] = json!("tieout:7");
        twin.post("invoice", body).await;
    }
    let void = json!({"Id": "3", "SyncToken": "0"});
    twin.post("invoice?operation=void", void).await;
    let books = twin.books().await;
    let invoices = json!({
        "kind": "Invoice", "currency": "USD", "count": 3, "voided": 1, "inactive": 0,
        "sum": "0.3",
    });
    assert!(books["totals"].as_array().unwrap().contains(&invoices));
    let rows = books["objects"]["Invoice"].as_array().unwrap();
    assert_eq!(rows[0]["marker"], "tieout:7");
    assert_eq!(rows[0]["amount"], "0.1");
    assert_eq!(rows[2]["isVoid"], json!(true));
    assert_eq!(rows[2]["entity"]["CustomerRef"]["name"], "Acme");
    let unknown = twin.control(Method::GET, "/books/1", json!({})).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_person_changes_objects_behind_our_back() {
    let twin = Twin::usual().await;
    twin.customer("Acme").await;
    twin.invoice("1", json!(10)).await;
    let rename = json!({"entity": "Customer", "id": "1", "action": "rename", "name": "Acme Ltd"});
    assert_eq!(twin.human(rename).await.json["SyncToken"], "1");
    let read = twin.get("invoice/1").await;
    assert_eq!(read.json["Invoice"]["CustomerRef"]["name"], "Acme Ltd");
    assert_eq!(read.json["Invoice"]["SyncToken"], "0");
    let edit = json!({
        "entity": "Invoice", "id": "1", "action": "edit", "changes": {"PrivateNote": "mine"},
    });
    assert_eq!(twin.human(edit).await.json["SyncToken"], "1");
    let stale = json!({"Id": "1", "SyncToken": "0", "sparse": true, "PrivateNote": "ours"});
    assert_eq!(twin.post("invoice", stale).await.code(), "5010");
    let delete = json!({"entity": "Invoice", "id": "1", "action": "delete"});
    assert_eq!(twin.human(delete).await.status, 200);
    assert_eq!(twin.get("invoice/1").await.code(), "610");
    let wrong = json!({"entity": "Invoice", "id": "1", "action": "void"});
    assert_eq!(twin.human(wrong).await.status, 400);
    let methods = twin.journal().await;
    assert!(methods.iter().any(|entry| entry["method"] == "HUMAN"));
}

#[tokio::test]
async fn settings_are_shown_patched_and_checked() {
    let twin = Twin::usual().await;
    twin.settings(json!({"limits": {"perMinute": 500}, "requestIdLifeMs": 5}))
        .await;
    twin.settings(json!({"limits": {"perSecond": 10}, "requestIdLifeMs": null}))
        .await;
    let shown = twin.control(Method::GET, "/settings", json!({})).await.json;
    assert_eq!(shown["limits"]["perMinute"], json!(500));
    assert_eq!(shown["limits"]["perSecond"], json!(10));
    assert_eq!(shown["requestIdLifeMs"], Value::Null);
    let typo = json!({"lookupLag": 5});
    let typo = twin.control(Method::PATCH, "/settings", typo).await;
    assert_eq!(typo.status, 400);
    let again = json!({"realm": REALM});
    let again = twin.control(Method::POST, "/companies", again).await;
    assert_eq!(again.status, 409);
    let companies = twin.control(Method::GET, "/companies", json!({})).await;
    assert_eq!(companies.json[0]["realm"], REALM);
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let mut twin = Twin::usual().await;
    let url = twin.url("/_sandbox/health");
    let port = url.split([':', '/']).nth(4).unwrap().parse().unwrap();
    assert_eq!(twin.http().get(&url).send().await.unwrap().status(), 200);
    twin.stop().await;
    assert!(twin.http().get(&url).send().await.is_err());
    let config = Config {
        port,
        ..Config::default()
    };
    let running = qbo::start(config).await.unwrap();
    assert_eq!(running.url(), format!("http://127.0.0.1:{port}"));
}

#[tokio::test]
async fn the_program_says_where_it_listens_and_writes_its_journal() {
    let name = format!("sandbox-journal-{}.jsonl", std::process::id());
    let journal = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut child = tokio_command(&journal);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("listening on ").unwrap();
    let refused = client()
        .get(format!("{url}/v3/company/1/preferences"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    let id = child.id().unwrap().to_string();
    let killed = tokio::process::Command::new("kill").arg(id).status().await;
    assert!(killed.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    let written = std::fs::read_to_string(&journal).unwrap();
    std::fs::remove_file(&journal).unwrap();
    let entry: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!(entry["execution"], "refused");
    assert_eq!(entry["status"], json!(401));
}

fn tokio_command(journal: &PathBuf) -> tokio::process::Child {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["qbo", "--port", "0", "--seed", "3", "--journal"])
        .arg(journal)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
