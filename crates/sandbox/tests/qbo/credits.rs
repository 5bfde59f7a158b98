//! Credit memos, refunds, and what the service applies by itself.

use serde_json::{Value, json};

use crate::harness::{Twin, assert_books_balance, credits, invoice, line, payment, settles};

async fn acme(profile: Value) -> Twin {
    let twin = Twin::start(profile).await;
    twin.customer("Acme").await;
    twin
}

async fn memo(twin: &Twin, amount: i64) -> Value {
    let reply = twin.post("creditmemo", invoice("1", json!(amount))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["CreditMemo"].clone()
}

#[tokio::test]
async fn a_credit_memo_shares_ids_and_numbers_with_invoices() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let made = memo(&twin, 30).await;
    assert_eq!((&due["Id"], &made["Id"]), (&json!("1"), &json!("2")));
    assert_eq!(made["DocNumber"], "1002");
    assert_eq!(made["RemainingCredit"].to_string(), "30");
    assert_eq!(made["Balance"].to_string(), "30");
    assert_eq!(made.get("LinkedTxn"), None);
    assert_eq!(made.get("DueDate"), None);
    assert_eq!(made.get("AllowOnlineACHPayment"), None);
    let owed = twin.get("customer/1").await.json["Customer"]["Balance"].clone();
    assert_eq!(owed.to_string(), "70");
    let void = twin
        .post(
            "creditmemo?operation=void",
            json!({"Id": "2", "SyncToken": "0"}),
        )
        .await;
    assert_eq!((void.status, void.code()), (400, "500"));
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_full_update_of_a_credit_memo_resets_what_it_leaves_out() {
    let twin = acme(json!({})).await;
    let mut body = invoice("1", json!(30));
    body["TxnDate"] = json!("2026-01-05");
    body["PrivateNote"] = json!("gone");
    let made = twin.post("creditmemo", body).await.json["CreditMemo"].clone();
    assert_eq!(made["TxnDate"], "2026-01-05");
    let mut update = invoice("1", json!(30));
    update["Id"] = made["Id"].clone();
    update["SyncToken"] = json!("0");
    let updated = twin.post("creditmemo", update).await.json["CreditMemo"].clone();
    assert_ne!(updated["TxnDate"], "2026-01-05");
    assert_eq!(updated.get("PrivateNote"), None);
}

#[tokio::test]
async fn a_payment_of_nothing_applies_credit_to_an_invoice() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let credit = memo(&twin, 60).await;
    let body = payment("1", json!(0), vec![settles(&due, 60), credits(&credit, 60)]);
    let made = twin.post("payment", body).await.json["Payment"].clone();
    assert_eq!(made["TotalAmt"].to_string(), "0");
    assert_eq!(made["UnappliedAmt"].to_string(), "0");
    assert_eq!(made.get("DepositToAccountRef"), None);
    let due = twin.get("invoice/1").await.json["Invoice"].clone();
    assert_eq!(due["Balance"].to_string(), "40");
    let used = twin.get("creditmemo/2").await.json["CreditMemo"].clone();
    assert_eq!(used["RemainingCredit"].to_string(), "0");
    assert_eq!(used["SyncToken"], "1");
    let owed = twin.get("customer/1").await.json["Customer"]["Balance"].clone();
    assert_eq!(owed.to_string(), "40");
    let applications = twin.books().await["applications"].clone();
    assert_eq!(applications.as_array().unwrap().len(), 2);
    assert_eq!(applications[1]["document"], "CreditMemo");
    let again = payment("1", json!(0), vec![settles(&due, 1), credits(&credit, 1)]);
    assert_eq!(twin.post("payment", again).await.code(), "620");
    let deletion = json!({"Id": made["Id"], "SyncToken": "0"});
    twin.post("payment?operation=delete", deletion).await;
    let free = twin.get("creditmemo/2").await.json["CreditMemo"].clone();
    assert_eq!(free["RemainingCredit"].to_string(), "60");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn invoices_less_credits_is_the_total_less_what_stays_unapplied() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let credit = memo(&twin, 60).await;
    let uneven = |total: i64, of_invoice: i64, of_credit: i64| {
        let lines = vec![settles(&due, of_invoice), credits(&credit, of_credit)];
        payment("1", json!(total), lines)
    };
    for (total, of_invoice, of_credit) in [(0, 50, 40), (0, 61, 61), (0, 120, 60), (10, 70, 50)] {
        let refused = twin
            .post("payment", uneven(total, of_invoice, of_credit))
            .await;
        assert_eq!(refused.code(), "6000", "{total} {of_invoice} {of_credit}");
    }
    let mixed = twin.post("payment", uneven(50, 90, 60)).await;
    let mixed = &mixed.json["Payment"];
    assert_eq!(mixed["UnappliedAmt"].to_string(), "20");
    let void = json!({"Id": "1", "SyncToken": "1"});
    twin.post("invoice?operation=void", void).await;
    let left = twin.get("payment/3").await.json["Payment"].clone();
    assert_eq!(left["UnappliedAmt"].to_string(), "50");
    let free = twin.get("creditmemo/2").await.json["CreditMemo"].clone();
    assert_eq!(free["RemainingCredit"].to_string(), "60");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_smaller_credit_memo_leaves_more_of_the_invoice_open() {
    let twin = acme(json!({})).await;
    let due = twin.invoice("1", json!(100)).await;
    let credit = memo(&twin, 60).await;
    let body = payment("1", json!(0), vec![settles(&due, 60), credits(&credit, 60)]);
    twin.post("payment", body).await;
    let smaller = json!({"Id": "2", "SyncToken": "1", "sparse": true, "Line": [line(json!(25))]});
    let smaller = twin.post("creditmemo", smaller).await;
    let smaller = &smaller.json["CreditMemo"];
    assert_eq!(smaller["RemainingCredit"].to_string(), "0");
    let due = twin.get("invoice/1").await.json["Invoice"].clone();
    assert_eq!(due["Balance"].to_string(), "75");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn credit_applies_itself_where_the_preferences_say_so() {
    let twin = acme(json!({"autoApplyCredit": true})).await;
    let preferences = twin.get("preferences").await.json["Preferences"].clone();
    assert_eq!(
        preferences["SalesFormsPrefs"]["AutoApplyCredit"],
        json!(true)
    );
    memo(&twin, 60).await;
    let due = twin.invoice("1", json!(100)).await;
    assert_eq!(due["Balance"].to_string(), "40");
    assert_eq!(due["SyncToken"], "1");
    let made = twin.get("payment/3").await.json["Payment"].clone();
    assert_eq!(made["TotalAmt"].to_string(), "0");
    assert_eq!(
        made["PrivateNote"],
        "Created by QB Online to link credits to charges."
    );
    let objects = twin.journal().await[3]["objects"].clone();
    assert_eq!(objects[1]["kind"], "Payment");
    assert_eq!(objects[1]["action"], "created");
    let second = memo(&twin, 50).await;
    assert_eq!(second["RemainingCredit"].to_string(), "10");
    let due = twin.get("invoice/2").await.json["Invoice"].clone();
    assert_eq!(due["Balance"].to_string(), "0");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn unapplied_money_applies_itself_where_the_preferences_say_so() {
    let twin = acme(json!({"autoApplyPayments": true})).await;
    twin.post("payment", payment("1", json!(70), Vec::new()))
        .await;
    let due = twin.invoice("1", json!(100)).await;
    assert_eq!(due["Balance"].to_string(), "30");
    let used = twin.get("payment/1").await.json["Payment"].clone();
    assert_eq!(used["UnappliedAmt"].to_string(), "0");
    assert_eq!(used["SyncToken"], "1");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn a_refund_takes_money_out_at_once() {
    let twin = acme(json!({})).await;
    let mut body = invoice("1", json!(40));
    assert_eq!(
        twin.post("refundreceipt", body.clone()).await.code(),
        "2020"
    );
    body["DepositToAccountRef"] = json!({"value": "79"});
    assert_eq!(
        twin.post("refundreceipt", body.clone()).await.code(),
        "2500"
    );
    body["DepositToAccountRef"] = json!({"value": "35"});
    body["PaymentMethodRef"] = json!({"value": "2"});
    let made = twin.post("refundreceipt", body.clone()).await;
    let made = &made.json["RefundReceipt"];
    assert_eq!(made["TotalAmt"].to_string(), "40");
    assert_eq!(made["Balance"].to_string(), "0");
    assert_eq!(made["DocNumber"], "1001");
    body.as_object_mut().unwrap().remove("CustomerRef");
    let nobody = twin.post("refundreceipt", body).await;
    assert_eq!(nobody.status, 200, "{}", nobody.text);
    let bank = twin.get("account/35").await.json["Account"]["CurrentBalance"].clone();
    assert_eq!(bank.to_string(), "-80");
    let owed = twin.get("customer/1").await.json["Customer"]["Balance"].clone();
    assert_eq!(owed.to_string(), "0");
    let link = json!({"Amount": 1, "LinkedTxn": [{"TxnId": "1", "TxnType": "RefundReceipt"}]});
    let linked = twin
        .post("payment", payment("1", json!(1), vec![link]))
        .await;
    assert_eq!(linked.code(), "620");
    assert_books_balance(&twin).await;
}

#[tokio::test]
async fn tax_and_discount_go_to_accounts_of_their_own() {
    let twin = acme(json!({"country": "GB", "homeCurrency": "GBP"})).await;
    let mut body = invoice("1", json!(200));
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = json!({"value": "2"});
    body["Line"].as_array_mut().unwrap().push(json!({
        "DetailType": "DiscountLineDetail", "Amount": 50,
        "DiscountLineDetail": {"PercentBased": false},
    }));
    let made = twin.post("invoice", body).await;
    assert_eq!(made.json["Invoice"]["TotalAmt"].to_string(), "180");
    let sheet = twin.books().await["trialBalance"][0].clone();
    let side = |account: &str, column: &str| {
        let rows = sheet["accounts"].as_array().unwrap();
        let row = rows.iter().find(|row| row["account"] == account).unwrap();
        row[column].clone()
    };
    assert_eq!(side("84", "debit"), "180");
    assert_eq!(side("86", "debit"), "50");
    assert_eq!(side("1", "credit"), "200");
    assert_eq!(side("89", "credit"), "30");
    assert_eq!(sheet["debits"], "230");
    assert_books_balance(&twin).await;
}
