//! Tests of the three sides.

use super::*;

fn object(amount: &str, is_void: bool) -> Value {
    json!({"id": "7", "currency": "GBP", "amount": amount, "isVoid": is_void, "isActive": true})
}

fn customer(id: &str, currency: &str, balance: &Value) -> Value {
    json!({"id": id, "currency": currency, "amount": "0", "entity": {"Balance": balance}})
}

fn export() -> Value {
    let row = |payment: &str, document: &str, id: &str, amount: &str| {
        json!({
            "payment": payment, "document": document, "id": id, "currency": "GBP", "amount": amount,
        })
    };
    json!({
        "objects": {
            "Customer": [
                customer("1", "GBP", &json!(12.5)), customer("2", "GBP", &json!(-2.5)),
                customer("3", "EUR", &json!(0)),
            ],
            "Employee": [object("0", false)],
            "Invoice": [object("100.00", false), object("0", true), object("30.10", false)],
            "CreditMemo": [object("25", false)],
            "Payment": [object("80", false), object("0", false), object("0", true)],
        },
        "applications": [
            row("10", "Invoice", "5", "60"), row("10", "Invoice", "6", "20"),
            row("11", "CreditMemo", "8", "25"), row("11", "Invoice", "5", "25"),
        ],
        "trialBalance": [
            {"currency": "GBP", "debits": "10", "credits": "10.00"},
            {"currency": "EUR", "debits": "10", "credits": "9"},
        ],
    })
}

#[test]
fn the_books_count_what_lives_and_what_is_applied_and_owed() {
    let line = |kind: &str, currency: &str, count: u64, sum: &str| json!({"kind": kind, "currency": currency, "count": count, "sum": sum});
    assert_eq!(
        held(&export()),
        json!([
            line("CLIENT", "", 3, "0"),
            line("CREDIT_NOTE", "GBP", 1, "25"),
            line("INVOICE", "GBP", 2, "130.10"),
            line("PAYMENT", "GBP", 1, "80"),
            line("CREDIT_NOTE_APPLIED", "GBP", 1, "25"),
            line("PAYMENT_APPLIED", "GBP", 2, "80"),
            line("RECEIVABLE", "GBP", 2, "10.0"),
        ])
    );
}

#[test]
fn what_was_published_is_put_in_the_same_words() {
    let published = Published {
        events: 3,
        totals: json!([{"kind": "INVOICE", "currency": "GBP", "count": 1, "sum": "5"}]),
        applied: json!([{"kind": "PAYMENT", "currency": "GBP", "count": 1, "sum": "4"}]),
        balances: vec![owed("a", "1"), owed("b", "0")],
    };
    assert_eq!(
        sent(&published),
        json!([
            {"kind": "INVOICE", "currency": "GBP", "count": 1, "sum": "5"},
            {"kind": "PAYMENT_APPLIED", "currency": "GBP", "count": 1, "sum": "4"},
            {"kind": "RECEIVABLE", "currency": "GBP", "count": 1, "sum": "1"},
        ])
    );
}

fn owed(client: &str, balance: &str) -> Balance {
    Balance {
        client: client.to_owned(),
        currency: "GBP".to_owned(),
        owed: balance.parse().unwrap(),
    }
}

#[test]
fn a_client_who_owes_another_amount_is_named_although_the_sum_agrees() {
    let customers = BTreeMap::from([
        ("a".to_owned(), "1".to_owned()),
        ("b".to_owned(), "2".to_owned()),
    ]);
    let good = [owed("a", "12.50"), owed("b", "-2.5"), owed("c", "0")];
    assert!(balances_astray(&good, &customers, &export()).is_empty());
    let swapped = [owed("a", "-2.5"), owed("b", "12.50")];
    assert_eq!(balances_astray(&swapped, &customers, &export()).len(), 2);
    let unknown = [owed("nobody", "1")];
    assert_eq!(
        balances_astray(&unknown, &customers, &export()),
        ["client nobody owes 1 GBP, and 0 in the books"]
    );
}

#[test]
fn a_sheet_whose_sides_differ_is_named() {
    let uneven = uneven_sheets(&export());
    assert_eq!(uneven.len(), 1);
    assert!(uneven[0].contains("EUR"), "{uneven:?}");
}
