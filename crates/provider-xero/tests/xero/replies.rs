//! What replies to writes are taken for: a table of envelopes, and the wrong side of each border.

use model::{FailureKind, ReferenceState};
use provider_kit::{ElementResult, Landed, LinkState, PastCall, Provider as _, Reply, Step};
use provider_xero::Xero;
use serde_json::{Value, json};

use super::support::*;

/// The invoice of a step as Xero answers it.
fn answered(step: &Step, number: u128, id: &str) -> Value {
    let mut object = standing(step, "InvoiceID", id);
    object["Url"] = json!(format!(
        "https://tieout.invalid/{}",
        provider_xero::mark(&marker(number))
    ));
    object["HasErrors"] = json!(false);
    object["StatusAttributeString"] = json!("OK");
    object["Total"] = json!(100);
    object["TotalTax"] = json!(0);
    object
}

/// An element that was refused with these words.
fn refused(step: &Step, number: u128, words: &[&str]) -> Value {
    let mut object = answered(step, number, "00000000-0000-0000-0000-000000000000");
    object["HasErrors"] = json!(true);
    object["StatusAttributeString"] = json!("ERROR");
    let errors: Vec<Value> = words.iter().map(|word| json!({"Message": word})).collect();
    object["ValidationErrors"] = json!(errors);
    object
}

fn step() -> Step {
    Case::invoice(plain_invoice()).step()
}

fn classify(call: &PastCall, reply: &Reply) -> Vec<ElementResult> {
    Xero.classify(call, reply).elements
}

fn code(element: &ElementResult) -> String {
    match element {
        ElementResult::Done(landed) => format!("done {}", landed.external_id),
        ElementResult::Failed(failure) => failure.code.clone(),
    }
}

fn codes(call: &PastCall, reply: &Reply) -> Vec<String> {
    classify(call, reply).iter().map(code).collect()
}

fn done(element: ElementResult) -> Landed {
    match element {
        ElementResult::Done(landed) => landed,
        ElementResult::Failed(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn a_mixed_batch_answers_for_each_element() {
    let steps = vec![step(); 4];
    let call = past(&steps);
    let mut warned = answered(&steps[3], 4, &guid(54));
    warned["StatusAttributeString"] = json!("WARNING");
    warned["Warnings"] = json!([{"Message": "The rate is odd."}]);
    let list = json!({"Invoices": [
        answered(&steps[0], 1, &guid(51)),
        refused(&steps[1], 2, &["Account code '200' is not a valid code for this document."]),
        refused(&steps[2], 3, &["Invoice # must be unique."]),
        warned,
    ]});
    assert_eq!(
        codes(&call, &ok(&list)),
        [
            format!("done {}", guid(51)),
            "ACCOUNT_UNUSABLE".to_owned(),
            "EXISTS_ALREADY".to_owned(),
            format!("done {}", guid(54)),
        ]
    );
}

#[test]
fn a_success_proves_itself() {
    let step = step();
    let call = past(std::slice::from_ref(&step));
    let whole = answered(&step, 1, &guid(51));
    let landed = done(classify(&call, &ok(&json!({"Invoices": [whole]}))).remove(0));
    assert_eq!(landed.fingerprint, step.fingerprint);
    assert_eq!(landed.totals.unwrap().gross, "100".parse().unwrap());
    for (member, odd) in [
        ("InvoiceID", json!("00000000-0000-0000-0000-000000000000")),
        ("InvoiceID", json!("7")),
        ("UpdatedDateUTC", Value::Null),
        ("Url", json!("https://tieout.invalid/")),
        ("Contact", json!({"ContactID": guid(2)})),
        ("CurrencyCode", json!("USD")),
        ("Status", json!("VOIDED")),
        ("Total", Value::Null),
        ("Total", json!("a lot")),
        ("LineItems", json!("none")),
    ] {
        let mut object = whole.clone();
        object[member] = odd.clone();
        let elements = codes(&call, &ok(&json!({"Invoices": [object]})));
        assert_eq!(elements, ["BAD_REPLY"], "{member} {odd}");
    }
    for flag in ["HasErrors", "HasValidationErrors"] {
        let mut object = whole.clone();
        object[flag] = json!(true);
        assert_eq!(
            codes(&call, &ok(&json!({"Invoices": [object]}))),
            ["BAD_REPLY"],
            "{flag}"
        );
    }
    let twice = json!({"Invoices": [whole, whole]});
    assert_eq!(codes(&call, &ok(&twice)), ["BAD_REPLY"]);
    assert_eq!(
        codes(&call, &ok(&json!({"Contacts": [whole]}))),
        ["BAD_REPLY"]
    );
}

#[test]
fn an_id_is_no_proof_of_success() {
    let step = step();
    let call = past(std::slice::from_ref(&step));
    let mut object = refused(&step, 1, &["Tax rate must be valid."]);
    object["InvoiceID"] = json!(guid(51));
    assert_eq!(
        codes(&call, &ok(&json!({"Invoices": [object]}))),
        ["TAX_UNUSABLE"]
    );
}

#[test]
fn a_summarised_refusal_says_nothing_of_the_others() {
    let steps = vec![step(); 3];
    let call = past(&steps);
    let body = json!({
        "ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
        "Elements": [refused(&steps[1], 2, &["One or more line items must be specified"])],
    });
    let elements = classify(&call, &reply(400, &body));
    assert_eq!(code(&elements[1]), "LINES_MISSING");
    for other in [0, 2] {
        let ElementResult::Failed(failure) = &elements[other] else {
            panic!("{:?}", elements[other]);
        };
        assert_eq!(
            failure.kind,
            FailureKind::OutcomeUnknown,
            "it may have been saved"
        );
    }
}

#[test]
fn a_refusal_without_a_name_is_paired_by_its_place_alone() {
    let steps = vec![step(); 2];
    let call = past(&steps);
    let bare = json!({"HasErrors": true, "ValidationErrors": [{"Message": "Email address must be valid."}]});
    let both = json!({"Invoices": [answered(&steps[0], 1, &guid(51)), bare]});
    assert_eq!(
        codes(&call, &ok(&both)),
        [format!("done {}", guid(51)), "EMAIL_INVALID".to_owned()]
    );
    let alone = json!({"Invoices": [bare]});
    assert_eq!(codes(&call, &ok(&alone)), ["BAD_REPLY", "BAD_REPLY"]);
    // A stranger's element in its place is not its answer.
    let strange =
        json!({"Invoices": [answered(&steps[0], 1, &guid(51)), answered(&steps[0], 9, &guid(59))]});
    assert_eq!(codes(&call, &ok(&strange))[1], "BAD_REPLY");
}

#[test]
fn an_archived_contact_is_named_so_that_its_documents_wait_together() {
    let step = step();
    let call = past(std::slice::from_ref(&step));
    let words = "The contact with the specified contact details has been archived. The contact must be un-archived \
                 before creating new invoices or credit notes.";
    let mut object = refused(&step, 1, &[]);
    object["Contact"]["ValidationErrors"] = json!([{"Message": words}]);
    let elements = classify(&call, &ok(&json!({"Invoices": [object]})));
    let ElementResult::Failed(failure) = &elements[0] else {
        panic!("{elements:?}");
    };
    let named = failure.reference.as_ref().unwrap();
    assert_eq!(
        (
            named.effect_kind.as_str(),
            named.external_id.as_str(),
            named.state
        ),
        ("customer", guid(1).as_str(), ReferenceState::Inactive)
    );
}

fn at(mut reply: Reply, instant: &str) -> Reply {
    reply.headers.push(("date".to_owned(), instant.to_owned()));
    reply
}

#[test]
fn a_refusal_that_may_be_our_own_success_is_looked_up_for_an_hour() {
    // The call was opened at 12:00:00.
    let invoice = step();
    let call = past(std::slice::from_ref(&invoice));
    let taken = ok(&json!({"Invoices": [refused(&invoice, 1, &["Invoice # must be unique."])]}));
    for (when, expected) in [
        ("Sun, 01 Mar 2026 12:00:01 GMT", "EXISTS_ALREADY"),
        ("Sun, 01 Mar 2026 13:00:00 GMT", "EXISTS_ALREADY"),
        ("Sun, 01 Mar 2026 13:00:01 GMT", "TAKEN_IN_BOOKS"),
        ("yesterday", "EXISTS_ALREADY"),
    ] {
        assert_eq!(codes(&call, &at(taken.clone(), when)), [expected], "{when}");
    }
    let payment = Case::payment(payment("60", &[("i1", "60")])).step();
    let call = past(std::slice::from_ref(&payment));
    let words = "Payment amount exceeds the amount outstanding on this document";
    let over = json!({"Reference": provider_xero::mark(&marker(1)), "HasValidationErrors": true,
        "ValidationErrors": [{"Message": words}]});
    let over = ok(&json!({"Payments": [over]}));
    for (when, expected) in [
        ("Sun, 01 Mar 2026 12:01:00 GMT", "INVOICE_NOT_OPEN"),
        ("Sun, 01 Mar 2026 12:01:01 GMT", "BAD_REPLY"),
        ("Sun, 01 Mar 2026 13:00:00 GMT", "BAD_REPLY"),
        ("Sun, 01 Mar 2026 13:00:01 GMT", "INVOICE_NOT_OPEN"),
        ("", "INVOICE_NOT_OPEN"),
    ] {
        assert_eq!(codes(&call, &at(over.clone(), when)), [expected], "{when}");
    }
}

#[test]
fn xeros_own_clock_in_the_envelope_counts_before_the_header() {
    let invoice = step();
    let call = past(std::slice::from_ref(&invoice));
    let body = json!({
        "DateTimeUTC": "/Date(1772370001000)/",
        "Invoices": [refused(&invoice, 1, &["Invoice # must be unique."])],
    });
    let late = at(ok(&body), "Sun, 01 Mar 2026 12:00:01 GMT");
    assert_eq!(codes(&call, &late), ["TAKEN_IN_BOOKS"]);
}

#[test]
fn a_payment_is_the_one_that_was_sent() {
    let step = Case::payment(payment("60", &[("i1", "60")])).step();
    let call = past(std::slice::from_ref(&step));
    let mut whole = standing(&step, "PaymentID", &guid(51));
    whole["Reference"] = json!(format!("Transfer {}", provider_xero::mark(&marker(1))));
    whole["Status"] = json!("AUTHORISED");
    assert_eq!(
        codes(&call, &ok(&json!({"Payments": [whole]}))),
        [format!("done {}", guid(51))]
    );
    for (member, odd) in [
        ("Amount", json!("60.01")),
        ("Invoice", json!({"InvoiceID": guid(12)})),
        ("Status", json!("DELETED")),
        ("Reference", json!("Transfer")),
    ] {
        let mut object = whole.clone();
        object[member] = odd;
        assert_eq!(
            codes(&call, &ok(&json!({"Payments": [object]}))),
            ["BAD_REPLY"],
            "{member}"
        );
    }
}

/// The step that deletes a payment as it stands.
fn deletion() -> (Step, Value) {
    let case = Case::payment(payment("60", &[("i1", "60")]));
    let created = case.step();
    let object = standing(&created, "PaymentID", &guid(51));
    let step = case
        .with_link(
            created.effect.clone(),
            link(&guid(51), &created.fingerprint, LinkState::Active),
        )
        .ending(model::Lifecycle::Deleted)
        .seeing(&created.effect, &object)
        .step();
    (step, object)
}

#[test]
fn a_deleted_payment_says_so_and_one_that_is_gone_is_planned_again() {
    let (step, mut object) = deletion();
    let call = past(std::slice::from_ref(&step));
    assert_eq!(
        codes(&call, &ok(&json!({"Payments": [object]}))),
        ["BAD_REPLY"],
        "it still stands"
    );
    object["Status"] = json!("DELETED");
    assert_eq!(
        codes(&call, &ok(&json!({"Payments": [object]}))),
        [format!("done {}", guid(51))]
    );
    object["PaymentID"] = json!(guid(52));
    assert_eq!(
        codes(&call, &ok(&json!({"Payments": [object]}))),
        ["BAD_REPLY"],
        "another one"
    );
    let gone = reply(
        404,
        &json!("The resource you're looking for cannot be found"),
    );
    assert_eq!(codes(&call, &gone), ["STALE_REVISION"]);
    let creation = past(&[Case::payment(payment("60", &[("i1", "60")])).step()]);
    assert_eq!(
        codes(&creation, &gone),
        ["HTTP_404"],
        "a list is never gone"
    );
}

/// A step that sets a credit note against an invoice, and one that takes it off again.
fn allocation_steps() -> (Step, Step) {
    let ahead = Case::credit_note(credit_note(&[("i1", "60")])).steps();
    let on = provider_kit::External {
        id: format!("{}/{}", guid(50), guid(11)),
        revision: "0".to_owned(),
    };
    let set = Step {
        target: Some(on.clone()),
        ..ahead[1].clone()
    };
    let off = Step {
        operation: model::Operation::Delete,
        body: json!({"AllocationID": guid(90)}),
        ..set.clone()
    };
    (set, off)
}

#[test]
fn an_allocation_is_answered_with_its_sum_and_its_end_with_a_flag() {
    let (set, off) = allocation_steps();
    let call = past(std::slice::from_ref(&set));
    let row = |amount: Value, invoice: u32| {
        ok(&json!({"Allocations": [{"Amount": amount, "Invoice": {"InvoiceID": guid(invoice)}}]}))
    };
    let landed = done(classify(&call, &row(json!("60.00"), 11)).remove(0));
    assert_eq!(landed.external_id, format!("{}/{}", guid(50), guid(11)));
    assert_eq!(landed.fingerprint, set.fingerprint);
    assert_eq!(codes(&call, &row(json!(59), 11)), ["BAD_REPLY"]);
    assert_eq!(codes(&call, &row(json!(60), 12)), ["BAD_REPLY"]);
    let words = "Credit Note cannot be allocated as amount is greater than amount outstanding";
    let refusal =
        json!({"Elements": [{"ValidationErrors": [{"Message": words}]}], "ErrorNumber": 10});
    assert_eq!(codes(&call, &reply(400, &refusal)), ["INVOICE_NOT_OPEN"]);

    let call = past(std::slice::from_ref(&off));
    let end = |row: u32, is_deleted: bool| {
        ok(&json!({"AllocationID": guid(row), "IsDeleted": is_deleted}))
    };
    assert!(codes(&call, &end(90, true))[0].starts_with("done"));
    assert_eq!(codes(&call, &end(90, false)), ["BAD_REPLY"]);
    assert_eq!(codes(&call, &end(91, true)), ["BAD_REPLY"]);
    assert_eq!(codes(&call, &reply(404, &json!({}))), ["STALE_REVISION"]);
}

#[test]
fn the_correlation_id_is_kept_short_and_printable() {
    let call = past(&[step()]);
    let mut reply = ok(&json!({}));
    reply.headers = vec![(
        "xero-correlation-id".to_owned(),
        format!("a\nb{}", "c".repeat(200)),
    )];
    let kept = Xero.classify(&call, &reply).correlation.unwrap();
    assert_eq!((kept.len(), &kept[..3]), (100, "abc"));
}
