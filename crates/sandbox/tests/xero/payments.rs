//! Payments: made, refused, deleted; batches of them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Twin, digits, id, payment};

const TOO_MUCH: &str = "Payment amount exceeds the amount outstanding on this document";
const NOT_AUTHORISED: &str = "Payments can only be made against Authorised documents";

async fn with_invoice() -> (Twin, Value) {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let invoice = twin.invoice(&contact, "I-1", json!(10)).await;
    (twin, invoice)
}

#[tokio::test]
async fn payments_settle_an_invoice_and_their_deletion_opens_it() {
    let (twin, invoice) = with_invoice().await;
    let first = twin.pay(&invoice, json!(4)).await.only("Payments");
    assert_eq!(first["PaymentType"], "ACCRECPAYMENT");
    assert_eq!(first["Status"], "AUTHORISED");
    assert_eq!(first["Invoice"]["InvoiceNumber"], "I-1");
    let open = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(open["Status"], "AUTHORISED");
    assert_eq!(digits(&open, "AmountPaid"), "4.00");
    assert_eq!(digits(&open, "AmountDue"), "6.00");
    twin.pay(&invoice, json!(6)).await.only("Payments");
    let paid = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(paid["Status"], "PAID");
    assert_eq!(paid["FullyPaidOnDate"], "/Date(1773100800000+0000)/");
    assert_eq!(paid["Payments"].as_array().unwrap().len(), 2);
    let path = format!("Payments/{}", id(&first, "PaymentID"));
    let deleted = twin.post(&path, json!({"Status": "DELETED"})).await;
    assert_eq!(deleted.only("Payments")["Status"], "DELETED");
    let open = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(open["Status"], "AUTHORISED");
    assert_eq!(digits(&open, "AmountDue"), "4.00");
    // The wrapped form is taken too; a second deletion is refused.
    let again = twin.post(&path, json!({"Payments": [{"Status": "DELETED"}]}));
    assert_eq!(again.await.status, 400);
    let kept = twin.get(&path).await.only("Payments");
    assert_eq!(kept["Status"], "DELETED");
    assert_eq!(twin.total("Payment", "GBP").await, json!([2, 1, "6", "0"]));
}

#[tokio::test]
async fn what_cannot_be_paid_is_refused() {
    let (twin, invoice) = with_invoice().await;
    let over = twin.pay(&invoice, json!(10.01)).await;
    assert_eq!(over.messages(), [TOO_MUCH]);
    for amount in [json!(0), json!(-1), json!(1.001)] {
        assert_eq!(twin.pay(&invoice, amount).await.status, 400);
    }
    twin.pay(&invoice, json!(10)).await.only("Payments");
    let again = twin.pay(&invoice, json!(10)).await;
    assert_eq!(again.messages(), [NOT_AUTHORISED, TOO_MUCH]);
    let contact = id(&invoice["Contact"], "ContactID");
    let mut draft = crate::harness::invoice(&contact, "I-2", json!(5));
    draft["Status"] = json!("DRAFT");
    let draft = twin.put("Invoices", draft).await.only("Invoices");
    assert_eq!(
        twin.pay(&draft, json!(5)).await.messages(),
        [NOT_AUTHORISED]
    );
    let open = twin.invoice(&contact, "I-3", json!(5)).await;
    for (account, message) in [
        (json!({"Code": "999"}), "Account could not be found"),
        (
            json!({"Code": "200"}),
            "Account type is invalid for making a payment to/from",
        ),
    ] {
        let mut body = payment(&open, json!(5));
        body["Account"] = account;
        assert_eq!(twin.put("Payments", body).await.messages(), [message]);
    }
    let mut both = payment(&open, json!(5));
    both["CreditNote"] = json!({"CreditNoteNumber": "x"});
    assert_eq!(twin.put("Payments", both).await.status, 400);
    twin.profile(json!({"endOfYearLockDate": "2026-03-10"}))
        .await;
    assert_eq!(twin.pay(&open, json!(5)).await.status, 400);
}

#[tokio::test]
async fn accounts_are_named_by_code_or_id_and_need_not_be_banks() {
    let (twin, invoice) = with_invoice().await;
    let takings = twin.get("Accounts?where=Name==\"Card Takings\"").await;
    let takings = takings.only("Accounts");
    assert_eq!(
        takings["Code"],
        Value::Null,
        "a bank account may have no code"
    );
    let mut body = payment(&invoice, json!(3));
    body["Account"] = json!({"AccountID": takings["AccountID"]});
    twin.put("Payments", body.clone()).await.only("Payments");
    body["Account"] = json!({"Code": "850"});
    body["Invoice"] = json!({"InvoiceNumber": "I-1"});
    twin.put("Payments", json!({"Payments": [body]}))
        .await
        .only("Payments");
    let read = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(digits(&read, "AmountPaid"), "6.00");
}

#[tokio::test]
async fn payments_are_found_by_invoice_and_reference() {
    let (twin, invoice) = with_invoice().await;
    twin.pay(&invoice, json!(3)).await;
    let mut second = payment(&invoice, json!(4));
    second["Reference"] = json!("pay-2");
    let second = twin.put("Payments", second).await.only("Payments");
    let other = id(&invoice["Contact"], "ContactID");
    let other = twin.invoice(&other, "I-2", json!(5)).await;
    twin.pay(&other, json!(5)).await;
    let by_invoice = format!(
        "Payments?where=Invoice.InvoiceID==guid(\"{}\")",
        id(&invoice, "InvoiceID")
    );
    let found = twin.get(&by_invoice).await;
    assert_eq!(found.json["Payments"].as_array().unwrap().len(), 2);
    let both = format!("{by_invoice}%20AND%20Reference==\"pay-2\"");
    let found = twin.get(&both).await.only("Payments");
    assert_eq!(found["PaymentID"], second["PaymentID"]);
    let by_reference = twin.get("Payments?where=Reference==\"pay-2\"&page=1").await;
    assert_eq!(
        by_reference.only("Payments")["PaymentID"],
        second["PaymentID"]
    );
}

#[tokio::test]
async fn foreign_payments_have_a_rate_and_a_bank_amount() {
    let profile = json!({"currencies": ["USD"], "exchangeRates": {"USD": "1.25"}});
    let twin = Twin::start(profile).await;
    let contact = twin.contact("Acme").await;
    let mut body = crate::harness::invoice(&contact, "I-1", json!(10));
    body["CurrencyCode"] = json!("USD");
    let invoice = twin.put("Invoices", body).await.only("Invoices");
    let paid = twin.pay(&invoice, json!(5)).await.only("Payments");
    assert_eq!(digits(&paid, "CurrencyRate"), "1.250000");
    assert_eq!(digits(&paid, "BankAmount"), "4.00");
    let mut body = payment(&invoice, json!(5));
    body["CurrencyRate"] = json!(2);
    let paid = twin.put("Payments", body).await.only("Payments");
    assert_eq!(digits(&paid, "BankAmount"), "2.50");
}

#[tokio::test]
async fn a_batch_is_made_and_deleted_as_one() {
    let (twin, invoice) = with_invoice().await;
    let contact = id(&invoice["Contact"], "ContactID");
    let other = twin.invoice(&contact, "I-2", json!(5)).await;
    let part = |invoice: &Value, amount: u32| json!({"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": amount});
    let mut body = json!({
        "Account": {"Code": "090"}, "Date": "2026-03-10", "Reference": "b",
        "Payments": [part(&invoice, 10), part(&other, 6)],
    });
    assert_eq!(
        twin.put("BatchPayments", body.clone()).await.messages(),
        [TOO_MUCH]
    );
    assert_eq!(
        twin.total("Payment", "GBP").await[0],
        Value::Null,
        "all or none"
    );
    body["Payments"] = json!([part(&invoice, 10), part(&other, 5)]);
    let made = twin.put("BatchPayments", body).await.only("BatchPayments");
    assert_eq!(digits(&made, "TotalAmount"), "15.00");
    let member = format!("Payments/{}", id(&made["Payments"][0], "PaymentID"));
    let refused = twin.post(&member, json!({"Status": "DELETED"})).await;
    assert_eq!(
        refused.messages(),
        ["Payments within a batch cannot be deleted."]
    );
    let path = format!("BatchPayments/{}", id(&made, "BatchPaymentID"));
    let deleted = twin.post(&path, json!({"Status": "DELETED"})).await;
    assert_eq!(deleted.only("BatchPayments")["Status"], "DELETED");
    assert_eq!(
        twin.total("Invoice", "GBP").await,
        json!([2, 0, "15", "15"])
    );
    let gone = twin.call(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(gone.status, 501);
}
