//! Payments: what they settle, what stays unapplied, and what else changes with them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{REALM, Twin, assert_books_balance, invoice, line, payment, settles};

async fn acme(profile: Value) -> Twin {
    let twin = Twin::start(profile).await;
    twin.customer("Acme").await;
    twin
}

#[tokio::test]
async fn a_payment_settles_several_invoices_and_keeps_the_rest() {
    let twin = acme(json!({})).await;
    let (one, other) = (
        twin.invoice("1", json!(100)).await,
        twin.invoice("1", json!(50)).await,
    );
    let body = payment(
        "1",
        json!(200),
        vec![settles(&one, 100), settles(&other, 30)],
    );
    let made = twin.post("payment", body).await.json["Payment"].clone();
    assert_eq!(made["Id"], "3");
    assert_eq!(made["TotalAmt"].to_string(), "200");
    assert_eq!(made["UnappliedAmt"].to_string(), "70");
    assert_eq!(made["DepositToAccountRef"]["value"], "4");
    assert_eq!(made["ProcessPayment"], json!(false));
    let first = &made["Line"][0];
    assert_eq!(first["Amount"].to_string(), "100");
    assert_eq!(
        first["LinkedTxn"],
        json!([{"TxnId": "1", "TxnType": "Invoice"}])
    );
    let told = |at: usize| first["LineEx"]["any"][at]["value"]["Value"].clone();
    assert_eq!((told(0), told(1)), (json!("1"), json!("100.00")));
    assert_eq!(told(2), one["DocNumber"]);
    let paid = twin.get("invoice/1").await.json["Invoice"].clone();
    assert_eq!(paid["Balance"].to_string(), "0");
    assert_eq!(paid["SyncToken"], "1");
    assert_eq!(
        paid["LinkedTxn"],
        json!([{"TxnId": "3", "TxnType": "Payment"}])
    );
    let part = twin.get("invoice/2").await.json["Invoice"].clone();
    assert_eq!(part["Balance"].to_string(), "20");
    let owed = twin.get("customer/1").await.json["Customer"]["Balance"].clone();
    assert_eq!(owed.to_string(), "-50");
    let touched = twin.journal().await[3]["objects"].clone();
    let names: Vec<String> = touched
        .as_array()
        .unwrap()
        .iter()
        .map(|object| format!("{} {} {}", object["kind"], object["id"], object["action"]))
        .collect();
    assert_eq!(
        names,
        [
            r#""Payment" "3" "created""#,
            r#""Invoice" "1" "updated""#,
            r#""Invoice" "2" "updated""#
        ]
    );
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn money_beyond_the_balance_stays_unapplied() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(5)).await;
    let body = payment("1", json!(30), vec![settles(&due, 30)]);
    let made = twin.post("payment", body).await.json["Payment"].clone();
    assert_eq!(made["UnappliedAmt"].to_string(), "25");
    assert_eq!(made["Line"][0]["Amount"].to_string(), "5");
    let again = twin
        .post("payment", payment("1", json!(5), vec![settles(&due, 5)]))
        .await;
    assert_eq!((again.status, again.code()), (400, "620"));
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn the_lines_of_a_payment_are_all_or_nothing() {
    let twin = acme(json!({})).await;
    let (one, other) = (
        twin.invoice("1", json!(100)).await,
        twin.invoice("1", json!(50)).await,
    );
    let body = payment("1", json!(100), vec![settles(&one, 100)]);
    twin.post("payment", body).await;
    let mut moved = payment("1", json!(100), vec![settles(&other, 50)]);
    moved["Id"] = json!("3");
    moved["SyncToken"] = json!("0");
    let moved = twin.post("payment", moved).await.json["Payment"].clone();
    assert_eq!(moved["UnappliedAmt"].to_string(), "50");
    let balance = async |id: &str| {
        let reply = twin.get(&format!("invoice/{id}")).await;
        let invoice = &reply.json["Invoice"];
        (invoice["Balance"].to_string(), invoice["SyncToken"].clone())
    };
    assert_eq!(balance("1").await, ("100".to_owned(), json!("2")));
    assert_eq!(balance("2").await, ("0".to_owned(), json!("1")));
    let note = json!({"Id": "3", "SyncToken": "1", "sparse": true, "PrivateNote": "kept"});
    let noted = twin.post("payment", note).await.json["Payment"].clone();
    assert_eq!(noted["Line"].as_array().unwrap().len(), 1);
    assert_eq!(balance("2").await.1, json!("1"));
    let unlink = json!({"Id": "3", "SyncToken": "2", "sparse": true, "Line": []});
    let unlinked = twin.post("payment", unlink).await.json["Payment"].clone();
    assert_eq!(unlinked["Line"], json!([]));
    assert_eq!(unlinked["UnappliedAmt"].to_string(), "100");
    assert_eq!(balance("2").await, ("50".to_owned(), json!("2")));
    let same = json!({"Id": "3", "SyncToken": "3", "sparse": true, "PrivateNote": "kept"});
    let same = twin.post("payment", same).await.json["Payment"].clone();
    assert_eq!(same["SyncToken"], "3");
    let amount = json!({"Id": "3", "SyncToken": "3", "sparse": true, "TotalAmt": 70});
    assert_eq!(twin.post("payment", amount).await.code(), "2020");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn bad_payments_are_refused_with_their_codes() {
    let twin = acme(json!({})).await;
    twin.customer("Beta").await;
    let mine = twin.invoice("1", json!(100)).await;
    let theirs = twin.invoice("2", json!(100)).await;
    let gone = twin.invoice("1", json!(100)).await;
    let deletion = json!({"Id": gone["Id"], "SyncToken": "0"});
    twin.post("invoice?operation=delete", deletion).await;
    let linked =
        |kind: &str, id: &str| json!({"Amount": 10, "LinkedTxn": [{"TxnId": id, "TxnType": kind}]});
    let with = |member: &str, value: Value| {
        let mut body = payment("1", json!(10), Vec::new());
        body[member] = value;
        body
    };
    let cases = [
        (json!({"TotalAmt": 10}), "2020"),
        (json!({"CustomerRef": {"value": "1"}}), "2020"),
        (with("TotalAmt", json!(-1)), "6000"),
        (with("PaymentRefNum", json!("n".repeat(22))), "2050"),
        (with("PaymentMethodRef", json!({"value": "9"})), "2500"),
        (with("DepositToAccountRef", json!({"value": "1"})), "2500"),
        (with("Memo", json!("x")), "2010"),
        (payment("9", json!(10), Vec::new()), "2500"),
        (payment("1", json!(10), vec![settles(&mine, 11)]), "6000"),
        (payment("1", json!(10), vec![settles(&theirs, 10)]), "620"),
        (payment("1", json!(10), vec![settles(&gone, 10)]), "610"),
        (
            payment("1", json!(10), vec![linked("Invoice", "99")]),
            "610",
        ),
        (
            payment("1", json!(10), vec![linked("CreditMemo", "1")]),
            "610",
        ),
        (payment("1", json!(10), vec![linked("Deposit", "1")]), "620"),
        (payment("1", json!(10), vec![json!({"Amount": 10})]), "2020"),
    ];
    for (body, code) in cases {
        let reply = twin.post("payment", body.clone()).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{body}");
    }
    assert!(twin.ids("select * from Payment").await.is_empty());
    assert_eq!(
        twin.get("invoice/1").await.json["Invoice"]["SyncToken"],
        "0"
    );
}

#[tokio::test]
async fn deleting_and_voiding_a_payment_frees_its_invoices() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let pay = async || {
        let body = payment("1", json!(100), vec![settles(&due, 100)]);
        let made = twin.post("payment", body).await;
        assert_eq!(made.status, 200, "{}", made.text);
        made.json["Payment"].clone()
    };
    let open = async || {
        let found = twin.get("invoice/1").await.json["Invoice"].clone();
        (found["Balance"].to_string(), found["SyncToken"].clone())
    };
    let first = pay().await;
    let deletion = json!({"Id": first["Id"], "SyncToken": "0"});
    let deleted = twin.post("payment?operation=delete", deletion).await;
    assert_eq!(deleted.json["Payment"]["status"], "Deleted");
    assert_eq!(open().await, ("100".to_owned(), json!("2")));
    for form in ["operation=update&include=void", "operation=void"] {
        let made = pay().await;
        assert_eq!(open().await.0, "0");
        let void = json!({"Id": made["Id"], "SyncToken": "0", "sparse": true});
        let void = twin.post(&format!("payment?{form}"), void).await;
        let voided = &void.json["Payment"];
        assert_eq!(voided["PrivateNote"], "Voided", "{}", void.text);
        assert_eq!(voided["TotalAmt"].to_string(), "0");
        assert_eq!(voided["UnappliedAmt"].to_string(), "0");
        assert_eq!(voided["Line"], json!([]));
        assert_eq!(open().await.0, "100");
    }
    let books = twin.books().await;
    let payments = books["objects"]["Payment"].as_array().unwrap();
    assert!(payments.iter().all(|payment| payment["isVoid"] == true));
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn voiding_a_paid_invoice_leaves_its_payment_unapplied() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let body = payment("1", json!(100), vec![settles(&due, 100)]);
    twin.post("payment", body).await;
    let void = json!({"Id": "1", "SyncToken": "1"});
    let void = twin.post("invoice?operation=void", void).await;
    assert_eq!(void.json["Invoice"]["Balance"].to_string(), "0");
    let left = twin.get("payment/2").await.json["Payment"].clone();
    assert_eq!(left["UnappliedAmt"].to_string(), "100");
    assert_eq!(left["Line"], json!([]));
    assert_eq!(left["SyncToken"], "1");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_smaller_invoice_lets_go_of_the_newest_money() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    for amount in [60, 40] {
        let body = payment("1", json!(amount), vec![settles(&due, amount)]);
        twin.post("payment", body).await;
    }
    let smaller = json!({"Id": "1", "SyncToken": "2", "sparse": true, "Line": [line(json!(70))]});
    let smaller = twin.post("invoice", smaller).await.json["Invoice"].clone();
    assert_eq!(smaller["Balance"].to_string(), "0");
    let left = twin.get("payment/3").await.json["Payment"].clone();
    assert_eq!(left["UnappliedAmt"].to_string(), "30");
    assert_eq!(left["Line"][0]["Amount"].to_string(), "10");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn an_invoice_with_payments_is_deleted_by_people_only() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let body = payment("1", json!(100), vec![settles(&due, 100)]);
    twin.post("payment", body).await;
    let deletion = json!({"Id": "1", "SyncToken": "1"});
    let refused = twin.post("invoice?operation=delete", deletion).await;
    assert_eq!((refused.status, refused.code()), (400, "6000"));
    let human = json!({"entity": "Invoice", "id": "1", "action": "delete"});
    assert_eq!(twin.human(human).await.status, 200);
    let left = twin.get("payment/2").await.json["Payment"].clone();
    assert_eq!(left["UnappliedAmt"].to_string(), "100");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_deposited_payment_stands_until_its_deposit_is_undone() {
    let twin = acme(json!({})).await;
    twin.post("payment", payment("1", json!(100), Vec::new()))
        .await;
    let line = json!({"LinkedTxn": [{"TxnId": "1", "TxnType": "Payment"}]});
    let deposit = json!({"entity": "Deposit", "action": "create", "changes": {"Line": [line]}});
    let made = twin.human(deposit).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let held = twin.get("payment/1").await.json["Payment"].clone();
    assert_eq!(
        held["LinkedTxn"],
        json!([{"TxnId": "2", "TxnType": "Deposit"}])
    );
    let key = json!({"Id": "1", "SyncToken": "1"});
    let changed = json!({"Id": "1", "SyncToken": "1", "sparse": true, "PrivateNote": "x"});
    for (path, body) in [
        ("payment", changed),
        ("payment?operation=delete", key.clone()),
        ("payment?operation=update&include=void", key),
    ] {
        let refused = twin.post(path, body).await;
        assert_eq!((refused.status, refused.code()), (400, "6540"), "{path}");
    }
    let bank = twin.get("account/35").await.json["Account"].clone();
    assert_eq!(bank["CurrentBalance"].to_string(), "100");
    let undo = json!({"entity": "Deposit", "id": "2", "action": "delete"});
    assert_eq!(twin.human(undo).await.status, 200);
    let key = json!({"Id": "1", "SyncToken": "2"});
    let deleted = twin.post("payment?operation=delete", key).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_payment_is_replayed_and_runs_in_batches_like_any_document() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let body = payment("1", json!(40), vec![settles(&due, 40)]);
    let first = twin.post("payment?requestid=p", body.clone()).await;
    let again = twin.post("payment?requestid=p", body.clone()).await;
    assert_eq!(first.text, again.text);
    let batch = json!({"BatchItemRequest": [
        {"bId": "1", "operation": "create", "Payment": body},
        {"bId": "2", "operation": "update", "optionsData": "void",
         "Payment": {"Id": "2", "SyncToken": "0"}},
        {"bId": "3", "operation": "delete", "Payment": {"Id": "99", "SyncToken": "0"}},
    ]});
    let batch = twin.post("batch", batch).await;
    let replies = batch.json["BatchItemResponse"].as_array().unwrap();
    assert_eq!(replies[0]["Payment"]["Id"], "3");
    assert_eq!(replies[1]["Payment"]["PrivateNote"], "Voided");
    assert_eq!(replies[2]["Fault"]["Error"][0]["code"], "610");
    let open = twin.get("invoice/1").await.json["Invoice"]["Balance"].clone();
    assert_eq!(open.to_string(), "60");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn payments_are_in_their_customers_currency() {
    let profile = json!({"multicurrency": true, "exchangeRates": {"EUR": "1.1"}});
    let twin = acme(profile).await;
    let euro = json!({"DisplayName": "Euro", "CurrencyRef": {"value": "EUR"}});
    twin.post("customer", euro).await;
    let mut body = invoice("2", json!(100));
    body["CurrencyRef"] = json!({"value": "EUR"});
    let due = twin.post("invoice", body).await.json["Invoice"].clone();
    assert_eq!(due["HomeBalance"].to_string(), "110");
    let dollars = payment("2", json!(100), vec![settles(&due, 100)]);
    assert_eq!(twin.post("payment", dollars.clone()).await.code(), "2020");
    let mut euros = dollars;
    euros["CurrencyRef"] = json!({"value": "EUR"});
    let paid = twin.post("payment", euros).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    let settled = twin.get("invoice/1").await.json["Invoice"].clone();
    assert_eq!(settled["HomeBalance"].to_string(), "0");
    let sheets = twin.books().await["trialBalance"].clone();
    assert_eq!(sheets[0]["currency"], "EUR");
    assert_eq!(sheets[0]["debits"], "100");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn positions_are_told_from_any_place_on() {
    let twin = acme(json!({})).await;
    twin.invoice("1", json!(100)).await;
    twin.get("invoice/1").await;
    twin.invoice("1", json!(50)).await;
    let path = format!("/books/{REALM}/positions?since=2");
    let reply = twin.control(Method::GET, &path, json!({})).await;
    let positions = reply.json["positions"].as_array().unwrap();
    assert_eq!(positions.len(), 1);
    assert_eq!(positions[0]["sequence"], json!(4));
    assert_eq!(positions[0]["receivable"], "150");
    assert_eq!(positions[0]["isBalanced"], json!(true));
}
