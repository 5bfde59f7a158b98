//! Credit notes, overpayments and prepayments, and their allocations.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Twin, digits, id, line};

const ALLOCATED: &str = "Credit note not of valid status for modification This document cannot be \
                         edited as it has a payment or credit note allocated to it.";

async fn with_invoice() -> (Twin, String, Value) {
    let twin = Twin::usual().await;
    let contact = twin.contact("Acme").await;
    let invoice = twin.invoice(&contact, "I-1", json!(10)).await;
    (twin, contact, invoice)
}

fn credit_note(contact: &str, number: &str, amount: Value) -> Value {
    json!({
        "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": contact},
        "CreditNoteNumber": number, "Date": "2026-03-05", "LineAmountTypes": "NoTax",
        "LineItems": [line(amount)],
    })
}

fn to(invoice: &Value, amount: Value) -> Value {
    json!({
        "Amount": amount, "Date": "2026-01-01",
        "Invoice": {"InvoiceID": invoice["InvoiceID"]},
    })
}

#[tokio::test]
async fn an_allocation_settles_both_sides_and_its_deletion_opens_them() {
    let (twin, contact, invoice) = with_invoice().await;
    let note = twin.put("CreditNotes", credit_note(&contact, "C-1", json!(6)));
    let note = note.await.only("CreditNotes");
    assert_eq!(digits(&note, "RemainingCredit"), "6.00");
    let path = "CreditNotes/C-1/Allocations";
    let made = twin
        .put(path, to(&invoice, json!(6)))
        .await
        .only("Allocations");
    assert_eq!(digits(&made, "Amount"), "6.00");
    assert_eq!(
        made["Date"], "/Date(1772668800000+0000)/",
        "the later of both days"
    );
    let note = twin.get("CreditNotes/C-1").await.only("CreditNotes");
    assert_eq!(note["Status"], "PAID");
    assert_eq!(note["Allocations"][0]["AllocationID"], made["AllocationID"]);
    let read = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(digits(&read, "AmountCredited"), "6.00");
    assert_eq!(digits(&read, "AmountDue"), "4.00");
    assert_eq!(read["CreditNotes"][0]["CreditNoteNumber"], "C-1");
    let edit = json!({"CreditNoteNumber": "C-1", "Date": "2026-03-06"});
    assert_eq!(twin.post("CreditNotes", edit).await.messages(), [ALLOCATED]);
    let one = format!("{path}/{}", id(&made, "AllocationID"));
    let deleted = twin.call(Method::DELETE, &one, &Value::Null).await;
    assert_eq!(
        (deleted.status, &deleted.json["IsDeleted"]),
        (200, &json!(true))
    );
    let gone = twin.call(Method::DELETE, &one, &Value::Null).await;
    assert_eq!(gone.status, 404);
    let read = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(digits(&read, "AmountDue"), "10.00");
    assert_eq!(
        twin.total("CreditNote", "GBP").await,
        json!([1, 0, "6", "6"])
    );
}

#[tokio::test]
async fn an_allocation_fits_the_credit_the_invoice_and_the_contact() {
    let (twin, contact, invoice) = with_invoice().await;
    let put = |number: &str, amount: u32| {
        twin.put("CreditNotes", credit_note(&contact, number, json!(amount)))
    };
    put("C-1", 20).await.only("CreditNotes");
    let too_much = "Credit Note cannot be allocated as amount is greater than amount outstanding";
    let path = "CreditNotes/C-1/Allocations";
    let refused = twin.put(path, to(&invoice, json!(10.01))).await;
    assert_eq!(refused.messages(), [too_much]);
    put("C-2", 3).await.only("CreditNotes");
    let refused = twin.put("CreditNotes/C-2/Allocations", to(&invoice, json!(4)));
    assert_eq!(refused.await.messages(), [too_much]);
    twin.put(path, json!({"Allocations": [to(&invoice, json!(10))]}))
        .await
        .only("Allocations");
    let paid = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(paid["Status"], "PAID");
    let again = twin.put(path, to(&invoice, json!(10))).await;
    assert_eq!(
        again.messages(),
        [
            "The invoice you are trying to allocate to has already been paid off",
            too_much,
        ]
    );
    let other = twin.contact("Other").await;
    let foreign = twin.invoice(&other, "I-2", json!(5)).await;
    assert_eq!(twin.put(path, to(&foreign, json!(5))).await.status, 400);
    let mut bill = crate::harness::invoice(&contact, "B-1", json!(5));
    bill["Type"] = json!("ACCPAY");
    bill["LineItems"][0]["AccountCode"] = json!("400");
    let bill = twin.put("Invoices", bill).await.only("Invoices");
    let refused = twin.put(path, to(&bill, json!(5))).await;
    assert!(refused.messages()[0].starts_with("Credit Note cannot be allocated to an incorrect"));
    let nowhere = twin.put("CreditNotes/C-9/Allocations", to(&invoice, json!(1)));
    assert_eq!(nowhere.await.status, 404);
}

#[tokio::test]
async fn credit_notes_have_no_discounts_and_unique_numbers() {
    let (twin, contact, _) = with_invoice().await;
    let mut body = credit_note(&contact, "C-1", json!(6));
    body["LineItems"][0]["DiscountRate"] = json!(10);
    assert_eq!(twin.put("CreditNotes", body).await.status, 400);
    let body = credit_note(&contact, "C-1", json!(6));
    twin.put("CreditNotes", body.clone())
        .await
        .only("CreditNotes");
    assert_eq!(twin.put("CreditNotes", body).await.status, 400);
    let mut unnumbered = credit_note(&contact, "", json!(6));
    unnumbered["CreditNoteNumber"] = Value::Null;
    let numbered = twin
        .put("CreditNotes", unnumbered)
        .await
        .only("CreditNotes");
    assert_eq!(numbered["CreditNoteNumber"], "CN-0001");
    let void = json!({"Status": "VOIDED"});
    let voided = twin.post("CreditNotes/C-1", void).await.only("CreditNotes");
    assert_eq!(digits(&voided, "RemainingCredit"), "0.00");
}

#[tokio::test]
async fn a_credit_note_is_refunded_by_a_payment() {
    let (twin, contact, _) = with_invoice().await;
    let body = credit_note(&contact, "C-1", json!(6));
    twin.put("CreditNotes", body).await.only("CreditNotes");
    let refund = json!({
        "CreditNote": {"CreditNoteNumber": "C-1"}, "Account": {"Code": "090"},
        "Date": "2026-03-10", "Amount": 6,
    });
    let refund = twin.put("Payments", refund).await.only("Payments");
    assert_eq!(refund["PaymentType"], "ARCREDITPAYMENT");
    let note = twin.get("CreditNotes/C-1").await.only("CreditNotes");
    assert_eq!(note["Status"], "PAID");
    assert_eq!(digits(&note, "RemainingCredit"), "0.00");
    twin.books().await;
}

#[tokio::test]
async fn money_beyond_an_invoice_comes_as_a_bank_transaction() {
    let (twin, contact, invoice) = with_invoice().await;
    for (sort, code, kind) in [
        ("RECEIVE-OVERPAYMENT", "610", "Overpayment"),
        ("RECEIVE-PREPAYMENT", "200", "Prepayment"),
    ] {
        let body = json!({
            "Type": sort, "Contact": {"ContactID": contact}, "Date": "2026-03-10",
            "BankAccount": {"Code": "090"}, "Reference": sort, "LineAmountTypes": "NoTax",
            "LineItems": [{"Description": "x", "LineAmount": 7, "AccountCode": code}],
        });
        let made = twin
            .put("BankTransactions", body)
            .await
            .only("BankTransactions");
        let member = format!("{kind}ID");
        let path = format!("{kind}s/{}", id(&made, &member));
        let credit = twin.get(&path).await.only(&format!("{kind}s"));
        assert_eq!(digits(&credit, "RemainingCredit"), "7.00");
        assert_eq!(credit["Type"], sort);
        let allocations = format!("{path}/Allocations");
        twin.put(&allocations, to(&invoice, json!(3)))
            .await
            .only("Allocations");
        let delete = json!({"Status": "DELETED"});
        let bank = format!("BankTransactions/{}", id(&made, "BankTransactionID"));
        assert_eq!(twin.post(&bank, delete).await.status, 400);
        let over = twin.put(&allocations, to(&invoice, json!(5))).await;
        assert!(over.messages()[0].starts_with(kind));
        let refund = json!({
            kind: {&member: credit[&member]}, "Account": {"Code": "090"},
            "Date": "2026-03-10", "Amount": 4,
        });
        let refund = twin.put("Payments", refund).await.only("Payments");
        let sort = format!("AR{}PAYMENT", kind.to_uppercase());
        assert_eq!(refund["PaymentType"], sort);
    }
    let read = twin.get("Invoices/I-1").await.only("Invoices");
    assert_eq!(digits(&read, "AmountDue"), "4.00");
    assert_eq!(read["Overpayments"].as_array().unwrap().len(), 1);
    assert_eq!(read["Prepayments"].as_array().unwrap().len(), 1);
    let found = twin
        .get("BankTransactions?where=Reference==\"RECEIVE-OVERPAYMENT\"")
        .await;
    found.only("BankTransactions");
    let found = twin
        .get("Overpayments?References=RECEIVE-OVERPAYMENT")
        .await;
    found.only("Overpayments");
    twin.books().await;
}

#[tokio::test]
async fn an_unused_overpayment_goes_with_its_bank_transaction() {
    let (twin, contact, _) = with_invoice().await;
    let body = json!({
        "Type": "RECEIVE-OVERPAYMENT", "Contact": {"ContactID": contact},
        "BankAccount": {"Code": "090"},
        "LineItems": [{"Description": "x", "LineAmount": 7, "AccountCode": "610"}],
    });
    let made = twin
        .put("BankTransactions", body.clone())
        .await
        .only("BankTransactions");
    let bank = json!({"BankTransactionID": made["BankTransactionID"], "Status": "DELETED"});
    let deleted = twin.post("BankTransactions", bank).await;
    assert_eq!(deleted.only("BankTransactions")["Status"], "DELETED");
    let path = format!("Overpayments/{}", id(&made, "OverpaymentID"));
    let credit = twin.get(&path).await.only("Overpayments");
    assert_eq!(credit["Status"], "VOIDED");
    assert_eq!(
        twin.total("Overpayment", "GBP").await,
        json!([1, 1, "0", "0"])
    );
    let mut wrong = body;
    wrong["LineItems"][0]["AccountCode"] = json!("200");
    assert_eq!(twin.put("BankTransactions", wrong).await.status, 400);
    assert_eq!(
        twin.put("Overpayments", json!({"Type": "x"})).await.status,
        501
    );
}
