//! Product codes on lines become products, once each, where an integration makes items of them.

use producer::{Submitted, submit};
use serde_json::{Value, json};
use tests::scripted::{Books, Scripted};
use worker::Ended;

use super::paper::{account, set};
use crate::interleavings::rig::Rig;

/// An invoice whose lines are billed under these codes, as an event.
fn event(number: i64, codes: &[&str]) -> Vec<u8> {
    let line = |code: &&str| {
        json!({
            "description": "Work", "quantity": "1", "unitPrice": "10", "amount": "10", "productCode": code,
        })
    };
    let lines: Vec<Value> = codes.iter().map(line).collect();
    let total = format!("{}.00", 10 * codes.len());
    json!({
        "specversion": "1.0", "id": format!("evt-{number}"), "source": "/projectledger/test",
        "type": "projectledger.invoice.issued", "subject": format!("i-{number}"), "time": "2026-03-30T09:15:00Z",
        "datacontenttype": "application/json", "schemaversion": "1.0", "accountid": account().to_string(),
        "sequence": number.to_string(),
        "data": {
            "id": format!("i-{number}"), "version": 1, "number": format!("I {number}"),
            "client": {"id": "c-1", "version": 1, "name": "Client"},
            "issuedOn": "2026-03-30", "currency": "USD", "lines": lines,
            "totals": {"net": total, "tax": "0.00", "gross": total},
        },
    })
    .to_string()
    .into_bytes()
}

async fn take_in(rig: &Rig, bytes: &[u8]) {
    let taken = submit(&rig.producer, bytes).await.unwrap();
    assert!(matches!(taken, Submitted::Accepted(_)), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_code_is_one_product_that_goes_before_the_invoices_that_need_it() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    set(
        &rig,
        &json!({"createItems": true, "itemIds": {"MAPPED": "7"}}),
    );

    take_in(
        &rig,
        &event(1, &["CONSULT", "CONSULT", "Räder & Co", "MAPPED"]),
    )
    .await;
    take_in(&rig, &event(2, &["CONSULT"])).await;

    let codes = rig.db.sql(
        "select d.body #>> '{body,data,code}' from item i join document d using (account_id, kind, source_id)
         where i.kind = 'PRODUCT' order by 1",
    );
    assert_eq!(codes, "CONSULT\nRäder & Co");
    assert_eq!(rig.item("rank, state", "CONSULT"), "20|queued");

    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);
    assert_eq!(rig.count("item where state = 'done'"), 5);
    assert_eq!(books.objects_of("CONSULT").len(), 1);
    let log = "accounting_sync_log where entity_type = 'ITEM' and status = 'SUCCESS'";
    assert_eq!(rig.count(log), 2);
}

#[tokio::test]
async fn no_product_is_kept_where_nobody_makes_items() {
    let rig = Rig::new().await;
    take_in(&rig, &event(1, &["CONSULT"])).await;
    assert_eq!(rig.count("document where kind = 'PRODUCT'"), 0);
    assert_eq!(rig.count("item"), 2);
}

/// The event is the same whether or not anybody makes items: a repeated one is a duplicate, never a conflict.
#[tokio::test]
async fn an_event_is_the_same_before_and_after_items_are_made() {
    let rig = Rig::new().await;
    let bytes = event(1, &["CONSULT"]);
    take_in(&rig, &bytes).await;
    set(&rig, &json!({"createItems": true}));
    let again = submit(&rig.producer, &bytes).await.unwrap();
    assert!(matches!(again, Submitted::Duplicate), "{again:?}");
}
