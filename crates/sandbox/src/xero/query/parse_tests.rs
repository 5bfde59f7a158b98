//! Tests of the `where` language.

use serde_json::{Value, json};

use super::*;

fn invoice() -> Value {
    json!({
        "InvoiceID": "8694c9c5-7097-4449-a708-b8c1982921a4",
        "Type": "ACCREC", "Status": "AUTHORISED", "InvoiceNumber": "TIE-7",
        "Reference": "say \"hi\"", "Date": "/Date(1767225600000+0000)/",
        "AmountDue": 10.5, "Contact": {"Name": "Acme"}, "SentToContact": true,
    })
}

fn holds(text: &str) -> bool {
    parse(Kind::Invoice, text).unwrap().holds(&invoice())
}

#[test]
fn what_is_true_of_an_invoice_holds() {
    for text in [
        r#"Status=="AUTHORISED""#,
        r#"Status = "AUTHORISED" AND Type=="ACCREC""#,
        r#"Status=="DRAFT" OR InvoiceNumber=="TIE-7""#,
        r#"(Status=="DRAFT"||Type=="ACCREC")&&AmountDue>=10.5"#,
        r#"InvoiceID==guid("8694C9C5-7097-4449-A708-B8C1982921A4")"#,
        r#"InvoiceId == Guid("8694c9c5-7097-4449-a708-b8c1982921a4")"#,
        "Date >= DateTime(2026,01,01) && Date < DateTime(2026, 1, 2)",
        "Date==DateTime.Parse(\"2026-01-01\")",
        r#"Contact.Name.ToLower()=="acme""#,
        r#"InvoiceNumber.StartsWith("TIE") and Reference.Contains("hi")"#,
        r#"InvoiceNumber.EndsWith("7")"#,
        r#"Reference=="say \"hi\"""#,
        "Reference==\"say \"\"hi\"\"\"",
        "DueDate==null AND Reference!=null",
        "SentToContact",
        "SentToContact==true",
        r#"!(Status=="DRAFT")"#,
        "AmountDue<>0",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn what_is_false_does_not_hold() {
    for text in [
        r#"Status=="AUTHORISED" AND Type=="ACCPAY""#,
        r#"Status=="DRAFT" OR Type=="ACCPAY""#,
        "AmountDue>10.5",
        "AmountDue<10.5",
        "Date<DateTime(2026,1,1)",
        r#"Contact.ContactNumber=="1""#,
        r#"Contact.ContactNumber.Contains("1")"#,
        "!SentToContact",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn faults_have_their_texts() {
    let fault = |text: &str| parse(Kind::Invoice, text).unwrap_err();
    assert_eq!(
        fault("Nope==1"),
        "No property or field 'Nope' exists in type 'Invoice'"
    );
    assert_eq!(fault("Status=="), "Expression expected");
    assert_eq!(fault(""), "Expression expected");
    assert_eq!(
        fault(r#"InvoiceID=="8694c9c5-7097-4449-a708-b8c1982921a4""#),
        "Operator '==' incompatible with operand types 'Guid' and 'String'"
    );
    assert_eq!(fault("Status==\"x"), "Unterminated string literal");
    assert_eq!(fault("Status==\"x\" Type"), "Syntax error");
    assert_eq!(fault("(SentToContact"), "')' expected");
    assert_eq!(fault("Date>=DateTime(2026,13,1)"), "Invalid DateTime");
    assert_eq!(fault(&"!".repeat(100)), "Expression too complex");
    assert_eq!(fault(&"(".repeat(100)), "Expression too complex");
    assert_eq!(fault("Status ; 1"), "Syntax error ';'");
}

#[test]
fn an_equality_that_must_hold_can_be_looked_up() {
    let pinned = |text: &str| {
        let condition = parse(Kind::Payment, text).unwrap();
        condition.pinned("Invoice.InvoiceID").map(str::to_owned)
    };
    let one = r#"Invoice.InvoiceID==guid("A") AND Status=="AUTHORISED""#;
    assert_eq!(pinned(one).as_deref(), Some("a"));
    assert_eq!(
        pinned(r#"Invoice.InvoiceID==guid("A") OR Status=="x""#),
        None
    );
    assert_eq!(pinned(r#"!(Invoice.InvoiceID==guid("A"))"#), None);
    assert_eq!(pinned(r#"Invoice.InvoiceID!=guid("A")"#), None);
}
