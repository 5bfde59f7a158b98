//! Running the sandbox: limits, journal, books, people, settings, starting and stopping.

use std::path::PathBuf;
use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::harness::{TENANT, Twin, client, id, invoice};

#[tokio::test]
async fn limits_are_off_until_set_and_then_on_every_answer() {
    let twin = Twin::usual().await;
    for _ in 0..70 {
        let reply = twin.get("Organisation").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-minlimit-remaining"), "");
    }
    twin.advance(86_400_000).await;
    let mut twin = twin;
    twin.connect(json!({})).await;
    let official =
        json!({"perMinute": 60, "perDay": 5000, "concurrent": 5, "appPerMinute": 10_000});
    twin.settings(json!({"limits": official})).await;
    let reply = twin.get("Organisation").await;
    assert_eq!(reply.header("x-minlimit-remaining"), "59");
    assert_eq!(reply.header("x-daylimit-remaining"), "4999");
    assert_eq!(reply.header("x-appminlimit-remaining"), "9999");
    twin.settings(json!({"limits": {"perDay": 2}})).await;
    let missing = twin.get("Invoices/none").await;
    assert_eq!(
        (missing.status, missing.header("x-daylimit-remaining")),
        (404, "0")
    );
    let refused = twin.get("Organisation").await;
    assert_eq!(
        (refused.status, refused.header("x-rate-limit-problem")),
        (429, "day")
    );
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=86_400).contains(&wait));
    twin.advance(wait * 1000).await;
    twin.connect(json!({})).await;
    assert_eq!(twin.get("Organisation").await.status, 200);
    let report = twin.control(Method::GET, "/limits", json!({})).await.json;
    let tenant = &report["tenants"][0];
    assert_eq!(
        (&tenant["tenantId"], &tenant["refused"]),
        (&json!(TENANT), &json!({"day": 1}))
    );
    assert_eq!(tenant["concurrentMax"], json!(1));
    assert!(report["apps"][0]["minuteMax"].as_u64().unwrap() >= 60);
}

#[tokio::test]
async fn requests_at_the_same_time_are_counted_and_limited() {
    let twin = Twin::usual().await;
    twin.settings(json!({"limits": {"concurrent": 2}})).await;
    let hang = json!({"commitThenHang": {"ms": 600_000}});
    twin.fault(json!({"match": {"pathContains": "Accounts"}, "action": hang}))
        .await;
    let third = async {
        twin.until(async || twin.in_progress().await == 2).await;
        twin.get("Organisation").await
    };
    tokio::select! {
        _ = twin.get("Accounts") => panic!("it should hang"),
        _ = twin.get("Accounts") => panic!("it should hang"),
        third = third => {
            assert_eq!((third.status, third.header("x-rate-limit-problem")), (429, "concurrent"));
            assert!(!third.headers.contains_key("retry-after"));
        }
    }
    let report = twin.control(Method::GET, "/limits", json!({})).await.json;
    assert_eq!(report["tenants"][0]["concurrentMax"], json!(2));
}

#[tokio::test]
async fn the_journal_tells_each_request_in_order() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    twin.keyed("Invoices?unitdp=4", "k", invoice(&contact, "I-1", json!(5)))
        .await;
    let entries = twin.journal().await;
    let entry = &entries[1];
    assert_eq!(entry["sequence"], json!(2));
    assert_eq!(entry["realm"], TENANT);
    assert_eq!(entry["method"], "PUT");
    assert_eq!(entry["path"], "/api.xro/2.0/Invoices");
    assert_eq!(
        (&entry["query"], &entry["requestid"]),
        (&json!("unitdp=4"), &json!("k"))
    );
    assert_eq!(
        (&entry["operation"], &entry["status"]),
        (&json!("create"), &json!(200))
    );
    let objects = entry["objects"].as_array().unwrap();
    assert_eq!(
        (&objects[0]["kind"], &objects[0]["action"]),
        (&json!("Invoice"), &json!("created"))
    );
    let rest = twin
        .control(Method::GET, "/journal?since=1", json!({}))
        .await;
    assert_eq!(rest.json["entries"].as_array().unwrap().len(), 1);
    let operations = async |method: Method, path: &str, body: Value| {
        twin.call(method, path, &body).await;
        id(&twin.journal().await.pop().unwrap(), "operation")
    };
    let put = operations(Method::PUT, "CreditNotes/x/Allocations", json!({})).await;
    assert_eq!(put, "allocate");
    let void = json!({"InvoiceNumber": "I-1", "Status": "VOIDED"});
    assert_eq!(operations(Method::POST, "Invoices", void).await, "void");
    let delete = json!({"Status": "DELETED"});
    assert_eq!(
        operations(Method::POST, "Payments/x", delete).await,
        "delete"
    );
    assert_eq!(
        operations(Method::GET, "Invoices", Value::Null).await,
        "query"
    );
    assert_eq!(
        operations(Method::GET, "Invoices/x", Value::Null).await,
        "read"
    );
}

#[tokio::test]
async fn the_books_are_counted_and_summed_exactly() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    for (number, amount) in [("I-1", 0.1), ("I-2", 0.2), ("I-3", 5.0)] {
        let mut body = invoice(&contact, number, json!(amount));
        body["Reference"] = json!("tieout:7");
        twin.put("Invoices", body).await;
    }
    twin.post("Invoices/I-3", json!({"Status": "VOIDED"})).await;
    let paid = twin.get("Invoices/I-1").await.only("Invoices");
    twin.pay(&paid, json!(0.1)).await;
    assert_eq!(
        twin.total("Invoice", "GBP").await,
        json!([3, 1, "0.3", "0.2"])
    );
    assert_eq!(
        twin.total("Payment", "GBP").await,
        json!([1, 0, "0.1", "0"])
    );
    let books = twin.books().await;
    let rows = books["objects"]["Invoice"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["marker"], &rows[0]["name"]),
        (&json!("tieout:7"), &json!("I-1"))
    );
    assert_eq!(rows[2]["isVoid"], json!(true));
    assert_eq!(books["objects"]["Payment"][0]["marker"], "pay-1");
    let unknown = twin.control(Method::GET, "/books/x", json!({})).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_person_changes_objects_behind_our_back() {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let made = twin.invoice(&contact, "I-1", json!(10)).await;
    let invoice_id = &made["InvoiceID"];
    let changes = json!({"Account": {"Code": "090"}, "Amount": 4, "Date": "2026-03-03"});
    let pay = json!({"entity": "Invoice", "id": invoice_id, "action": "pay", "changes": changes});
    let paid = twin.human(pay).await.json;
    assert_eq!(paid["Amount"].to_string(), "4.00");
    let void = json!({"entity": "Invoice", "id": invoice_id, "action": "void"});
    assert_eq!(twin.human(void.clone()).await.status, 400);
    let payment = json!({"entity": "Payment", "id": paid["PaymentID"], "action": "delete"});
    assert_eq!(twin.human(payment).await.status, 200);
    let edit = json!({
        "entity": "Invoice", "id": invoice_id, "action": "edit", "changes": {"Reference": "mine"},
    });
    assert_eq!(twin.human(edit).await.json["Reference"], "mine");
    assert_eq!(twin.human(void).await.json["Status"], "VOIDED");
    let rename =
        json!({"entity": "Contact", "id": contact, "action": "rename", "name": "Acme Ltd"});
    assert_eq!(twin.human(rename).await.json["Name"], "Acme Ltd");
    let archive = json!({"entity": "Contact", "id": contact, "action": "archive"});
    assert_eq!(twin.human(archive).await.json["ContactStatus"], "ARCHIVED");
    let unknown = json!({"entity": "Banana", "id": contact, "action": "archive"});
    assert_eq!(twin.human(unknown).await.status, 400);
    let entries = twin.journal().await;
    assert!(entries.iter().any(|entry| entry["method"] == "HUMAN"));
    twin.books().await;
}

#[tokio::test]
async fn settings_are_shown_patched_and_checked() {
    let twin = Twin::usual().await;
    twin.settings(json!({"limits": {"perMinute": 60}, "keyLifeMs": null}))
        .await;
    twin.settings(json!({"limits": {"concurrent": 5}})).await;
    let shown = twin.control(Method::GET, "/settings", json!({})).await.json;
    assert_eq!(shown["limits"]["perMinute"], json!(60));
    assert_eq!(
        (&shown["keyLifeMs"], &shown["limits"]["timeScale"]),
        (&Value::Null, &json!(1))
    );
    let typo = twin.control(Method::PATCH, "/settings", json!({"lookupLag": 5}));
    assert_eq!(typo.await.status, 400);
    let again = json!({"tenantId": TENANT});
    let again = twin.control(Method::POST, "/organisations", again).await;
    assert_eq!(again.status, 409);
    let odd = twin.control(Method::POST, "/organisations", json!({"tenantId": "1"}));
    assert_eq!(odd.await.status, 400);
    let shown = twin.control(Method::GET, "/organisations", json!({})).await;
    assert_eq!(shown.json[0]["tenantId"], TENANT);
    // Texts that no source gives can be changed, so that nothing rests on them.
    let contact = twin.contact("Acme").await;
    let wording = json!({"Invoice # must be unique.": "Number taken"});
    twin.settings(json!({"wording": wording})).await;
    twin.invoice(&contact, "I-1", json!(1)).await;
    let taken = twin
        .put("Invoices", invoice(&contact, "I-1", json!(1)))
        .await;
    assert_eq!(taken.messages(), ["Number taken"]);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids() {
    let draw = async |seed: u64| {
        let twin = Twin::start_seeded(json!({}), seed).await;
        (twin.contact("Acme").await, twin.refresh.clone())
    };
    let first = draw(5).await;
    assert_eq!(first, draw(5).await);
    assert_ne!(first, draw(6).await);
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let mut twin = Twin::usual().await;
    let url = twin.url("/_sandbox/health");
    assert_eq!(twin.http().get(&url).send().await.unwrap().status(), 200);
    twin.stop().await;
    assert!(twin.http().get(&url).send().await.is_err());
}

#[tokio::test]
async fn the_program_says_where_it_listens_and_writes_its_journal() {
    let name = format!("xero-journal-{}.jsonl", std::process::id());
    let journal = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["xero", "--port", "0", "--seed", "3", "--journal"])
        .arg(&journal)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("listening on ").unwrap();
    let refused = client()
        .get(format!("{url}/api.xro/2.0/Organisation"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    let pid = child.id().unwrap().to_string();
    let killed = tokio::process::Command::new("kill").arg(pid).status().await;
    assert!(killed.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    let written = std::fs::read_to_string(&journal).unwrap();
    std::fs::remove_file(&journal).unwrap();
    let entry: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&entry["execution"], &entry["status"]),
        (&json!("refused"), &json!(401))
    );
}
