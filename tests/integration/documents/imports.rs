//! Imports from the books: due like documents, made under the lease, and holding none of them up.

use std::time::Duration;

use model::ImportKind;
use serde_json::{Value, json};
use tests::scripted::{Ask, Books, Scripted};
use worker::Ended;

use super::paper::invoice;
use crate::interleavings::rig::Rig;

const AGAIN: Duration = Duration::from_hours(24);

fn account(id: &str, name: &str) -> Value {
    json!({"externalId": id, "name": name, "accountType": "Income", "isActive": true, "canPost": true})
}

fn tax_code(id: &str, percent: &str) -> Value {
    json!({
        "externalId": id, "name": format!("Code {id}"), "percent": percent, "isActive": true, "isSalesTax": true,
        "rates": [{"name": "Part", "percent": percent, "base": "NET"}],
    })
}

async fn ask(rig: &Rig) {
    rig.operator
        .ask_imports(
            rig.integration,
            &[ImportKind::Accounts, ImportKind::TaxCodes],
            "a test",
        )
        .await
        .unwrap();
}

fn accounts(rig: &Rig) -> String {
    rig.db
        .sql("select external_id, name, is_active from accounting_account order by 1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_due_import_is_found_by_the_sweep_and_made_though_no_document_waits() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    assert!(rig.sweep().await.is_empty());
    books.publish(
        "ACCOUNTS",
        &[
            json!([account("1", "Sales"), account("2", "Bank")]),
            json!([account("3", "Fees")]),
        ],
    );
    books.publish("TAX_CODES", &[json!([tax_code("5", "20")])]);

    ask(&rig).await;
    assert_eq!(rig.sweep().await, [rig.books]);
    assert_eq!(worker.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(accounts(&rig), "1|Sales|t\n2|Bank|t\n3|Fees|t");
    let known = rig.operator.imports(rig.integration).await.unwrap();
    assert_eq!(known.stored.tax_codes.len(), 1);
    assert_eq!(known.stored.tax_codes[0].percent, "20".parse().ok());
    assert_eq!(known.stored.tax_codes[0].rates.len(), 1);
    assert!(known.times.iter().all(|times| times.last_error.is_none()));
    // Reads are calls like any other, committed before they are sent.
    assert_eq!(
        rig.count("call where purpose = 'READ' and close_reason = 'answered'"),
        3
    );
    assert!(rig.sweep().await.is_empty(), "it is due again in a day");
    assert_eq!(
        rig.lease("next_at between clock_timestamp() + interval '23 hours' and clock_timestamp() + interval '25 hours'"),
        "t"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_longer_in_the_books_becomes_inactive_and_keeps_its_mapping() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    books.publish(
        "ACCOUNTS",
        &[json!([account("1", "Sales"), account("2", "Bank")])],
    );
    books.publish(
        "TAX_CODES",
        &[json!([tax_code("5", "20"), tax_code("6", "7")])],
    );
    ask(&rig).await;
    worker.process_one(rig.books).await.unwrap();
    let rate = "vat-20".parse().unwrap();
    let map = async |code: &str| {
        rig.operator
            .map_tax_code(rig.integration, code, Some(&rate), "a test")
            .await
            .unwrap()
    };
    assert!(!map("99").await, "there is no such code");
    assert!(map("6").await);
    assert!(map("5").await, "a rate goes as one code");

    books.publish("ACCOUNTS", &[json!([account("1", "Revenue")])]);
    books.publish("TAX_CODES", &[json!([tax_code("6", "7")])]);
    ask(&rig).await;
    worker.process_one(rig.books).await.unwrap();

    assert_eq!(accounts(&rig), "1|Revenue|t\n2|Bank|f");
    assert_eq!(
        rig.db.sql(
            "select external_id, is_active, local_tax_code_id from accounting_tax_code order by 1"
        ),
        "5|f|vat-20\n6|t|"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_fails_holds_no_document_up_and_is_made_again() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    rig.client("c-1", 1).await;
    ask(&rig).await;
    books.hold(Ask::Import);
    let (first, id) = (worker.clone(), rig.books);
    let work = tokio::spawn(async move { first.process_one(id).await });
    books.arrival().await.lose();
    books.arrival().await.lose();
    assert_eq!(work.await.unwrap().unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "c-1"), "done");
    assert_eq!(
        rig.count("books_import where failures = 1 and last_error is not null and due_at > clock_timestamp()"),
        2
    );
    books.let_pass(Ask::Import);
    books.publish("ACCOUNTS", &[json!([account("1", "Sales")])]);
    rig.db
        .sql("update books_import set due_at = clock_timestamp()");
    worker.process_one(rig.books).await.unwrap();
    assert_eq!(accounts(&rig), "1|Sales|t");
    assert_eq!(
        rig.count("books_import where failures = 0 and last_error is null"),
        2
    );
}

/// One that stops its worker each time must not keep documents waiting for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_stopped_its_worker_lets_documents_go_first() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let provider = Scripted::new();
    let (worker, id) = (rig.worker(&provider, &books), rig.books);
    rig.client("c-1", 1).await;
    ask(&rig).await;
    books.hold(Ask::Import);
    let work = tokio::spawn(async move { worker.process_one(id).await });
    let import = books.arrival().await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    drop(import);
    books.let_pass(Ask::Import);
    rig.expire();

    let next = rig.worker(&provider, &books);
    assert_eq!(next.process_one(rig.books).await.unwrap(), Ended::Idle);

    assert_eq!(rig.item("state", "c-1"), "done");
    let due =
        "books_import where what = 'ACCOUNTS' and last_at is null and due_at > clock_timestamp()";
    assert_eq!(rig.count(due), 1);
    assert_eq!(
        rig.count("books_import where what = 'TAX_CODES' and last_at is not null"),
        1
    );
}

/// An old holder stores nothing, and begins nothing.
#[tokio::test]
async fn an_import_requires_the_fence() {
    let rig = Rig::new().await;
    ask(&rig).await;
    let old = rig.take().await;
    rig.expire();
    let new = rig.take().await;

    assert_eq!(rig.store.begin_import(&old, AGAIN).await.unwrap(), None);
    let begun = rig.store.begin_import(&new, AGAIN).await.unwrap().unwrap();
    assert_eq!(begun.what, ImportKind::Accounts);
    let brought = store::import::Brought {
        accounts: Some(vec![serde_json::from_value(account("1", "Sales")).unwrap()]),
        ..store::import::Brought::default()
    };
    let finish = async |held| {
        rig.store
            .finish_import(held, begun.what, &brought, Some(AGAIN))
            .await
            .unwrap()
    };
    assert!(!finish(&old).await);
    assert_eq!(accounts(&rig), "");
    assert!(finish(&new).await);
    assert_eq!(accounts(&rig), "1|Sales|t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_suggests_it_has_the_import_made_and_what_changed_lets_documents_go() {
    let rig = Rig::new().await;
    let books = Books::open().await;
    let worker = rig.worker(&Scripted::new(), &books);
    books.publish("TAX_CODES", &[json!([tax_code("5", "20")])]);
    ask(&rig).await;
    rig.client("c-1", 1).await;
    worker.process_one(rig.books).await.unwrap();
    rig.db
        .sql("update books_import set tried_at = clock_timestamp() - interval '1 hour'");
    assert!(rig.sweep().await.is_empty());

    invoice(&rig, "i-1", 1, "c-1").await;
    books.refuse_all(Some("UNKNOWN_TAX_CODE"));
    worker.process_one(rig.books).await.unwrap();
    assert_eq!(rig.item("state", "i-1"), "parked");
    assert_eq!(rig.count("dead_letter"), 0);
    assert_eq!(rig.sweep().await, [rig.books], "the import is due at once");

    // Nothing changed in the books: the document waits on, and asks no more.
    worker.process_one(rig.books).await.unwrap();
    assert_eq!(rig.item("state", "i-1"), "parked");
    assert!(rig.sweep().await.is_empty());

    books.refuse_all(None);
    books.publish(
        "TAX_CODES",
        &[json!([tax_code("5", "20"), tax_code("6", "7")])],
    );
    ask(&rig).await;
    worker.process_one(rig.books).await.unwrap();
    assert_eq!(rig.item("state", "i-1"), "done");
}
