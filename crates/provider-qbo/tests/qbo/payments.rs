//! Payments: over one or several invoices, in part, with a surplus, over none; changed, voided, deleted.

use model::{FailureKind, Lifecycle, Operation};
use provider_kit::{ElementResult, LinkState, Need, Plan, Prediction, Presence, Provider as _};
use provider_qbo::{INVOICE, PAYMENT, Qbo};
use serde_json::{Value, json};

use super::support::*;

fn whole() -> Case {
    Case::payment(payment("100", &[("i1", "100")]))
}

/// A payment that is in the books as it was sent.
fn landed(case: &Case) -> (Case, Value) {
    let step = case.step();
    let there = returned(&sent(std::slice::from_ref(&step), 0), "180", "0", "0", "0");
    let linked = case
        .clone()
        .linked("180", &step.fingerprint, LinkState::Active);
    (linked, there)
}

fn with(case: &Case, change: impl Fn(&mut model::document::Payment)) -> Case {
    let mut changed = case.clone();
    if let model::Body::Payment(payment) = &mut changed.document.body {
        change(payment);
    }
    changed
}

/// Invoices were read, with 100 open on each.
fn unpaid(case: Case, invoices: &[&str]) -> Case {
    let step = Case::invoice(plain_invoice()).step();
    invoices.iter().fold(case, |case, id| {
        let there = returned(&sent(std::slice::from_ref(&step), 0), id, "4", "100", "0");
        case.reading(&provider_kit::Effect::main(INVOICE), &there)
    })
}

fn linked_to(step: &provider_kit::Step) -> Vec<(String, String)> {
    step.body["Line"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let id = line["LinkedTxn"][0]["TxnId"].as_str().unwrap().to_owned();
            (id, line["Amount"].to_string())
        })
        .collect()
}

#[test]
fn a_payment_names_its_invoices_once_and_keeps_a_surplus_unapplied() {
    let mut case = Case::payment(payment(
        "100",
        &[("i2", "20"), ("i1", "30"), ("i2", "5.50"), ("i3", "0")],
    ));
    case.link_invoice("i2", "131", LinkState::Active);
    let step = case.step();
    assert_eq!(step.operation, Operation::Create);
    let pair = |id: &str, amount: &str| (id.to_owned(), amount.to_owned());
    assert_eq!(linked_to(&step), [pair("130", "30"), pair("131", "25.5")]);
    assert_eq!(step.body["TotalAmt"].to_string(), "100");
    assert_eq!(step.body["PaymentRefNum"], "Transfer 4711");
    assert!(
        matches!(step.prediction, Prediction::Exact { gross, .. } if gross.to_string() == "100")
    );
    let none = Case::payment(payment("100", &[])).step();
    assert_eq!(none.body["Line"], json!([]));
}

#[test]
fn a_payment_waits_for_its_customer_and_its_invoices() {
    let mut case = Case::payment(payment("100", &[("i1", "50"), ("i9", "50")]));
    case.links = provider_kit::Links::default();
    let need = |kind, source: &str| Need::Document {
        kind,
        id: id(source),
    };
    let wanted = vec![
        need(model::DocumentKind::Client, "c1"),
        need(model::DocumentKind::Invoice, "i1"),
        need(model::DocumentKind::Invoice, "i9"),
    ];
    assert_eq!(case.plan(), Plan::Needs(wanted));
}

#[test]
fn an_invoice_that_is_void_or_gone_is_a_question() {
    for (state, code) in [
        (LinkState::Ended, "INVOICE_VOID"),
        (LinkState::Gone, "INVOICE_GONE"),
    ] {
        let mut case = whole();
        case.link_invoice("i1", "130", state);
        let failure = case.refusal();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Conflict, code)
        );
    }
}

#[test]
fn amounts_that_cannot_be_are_refused_in_words() {
    let rows = [
        ("10", vec![("i1", "10.01")], "ALLOCATED_TOO_MUCH"),
        ("10.005", vec![], "AMOUNT_TOO_FINE"),
        ("10", vec![("i1", "0.001")], "AMOUNT_TOO_FINE"),
        ("-10", vec![], "PAYMENT_NEGATIVE"),
    ];
    for (amount, parts, code) in rows {
        assert_eq!(Case::payment(payment(amount, &parts)).refusal().code, code);
    }
    let nothing = Case::payment(payment("0", &[]));
    assert!(matches!(nothing.plan(), Plan::Skip(_)));
}

#[test]
fn the_reference_is_shortened_and_said_in_full_in_the_note() {
    let long = "SEPA-2026-03-10-0000000000001";
    let step = with(&whole(), |payment| {
        payment.reference = Some(long.to_owned());
        payment.method = Some("Bank transfer".to_owned());
        payment.notes = Some("Thanks.".to_owned());
    })
    .step();
    let short = step.body["PaymentRefNum"].as_str().unwrap();
    assert!(
        short.len() == 21 && short.starts_with("SEPA-2026-"),
        "{short}"
    );
    let other = with(&whole(), |p| p.reference = Some(format!("{long}9"))).step();
    assert_ne!(step.body["PaymentRefNum"], other.body["PaymentRefNum"]);
    assert_eq!(
        step.body["PrivateNote"],
        format!("Thanks.\nPaid by: Bank transfer\nReference: {long}")
    );
}

#[test]
fn a_payment_method_of_the_books_is_named_and_not_said() {
    let mut case = with(&whole(), |p| p.method = Some(" Check".to_owned()));
    case.books.extra = json!({"paymentMethods": {"check": "2"}});
    let step = case.step();
    assert_eq!(step.body["PaymentMethodRef"], json!({"value": "2"}));
    assert_eq!(step.body.get("PrivateNote"), None);
}

#[test]
fn an_unchanged_payment_needs_nothing_and_a_changed_one_is_sent_whole() {
    let (case, there) = landed(&whole());
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
    let mut changed = with(&case, |payment| {
        payment.allocations = vec![allocation("i1", "40"), allocation("i2", "60")];
    });
    changed.link_invoice("i2", "131", LinkState::Active);
    assert!(matches!(changed.plan(), Plan::Needs(_)));
    let mut there = there;
    there["SyncToken"] = json!("3");
    there["DepositToAccountRef"] = json!({"value": "35"});
    there["PaymentMethodRef"] = json!({"value": "7"});
    there["ARAccountRef"] = json!({"value": "84"});
    there["PrivateNote"] = json!(format!("Ask Jo. {}", marker(1)));
    let step = unpaid(changed.seeing(&there), &["131"]).step();
    assert_eq!(step.operation, Operation::Update);
    assert_eq!(step.target, Some(target("180", "3")));
    assert_eq!(linked_to(&step).len(), 2);
    // What bookkeepers set stays, though the whole payment is sent.
    for (name, id) in [
        ("DepositToAccountRef", "35"),
        ("PaymentMethodRef", "7"),
        ("ARAccountRef", "84"),
    ] {
        assert_eq!(step.body[name], json!({"value": id}));
    }
    assert_eq!(step.body["PrivateNote"], "Ask Jo.");
}

#[test]
fn a_payment_that_gets_its_invoice_moves_from_the_unidentified_account_to_the_bank() {
    let mut unplaced = Case::payment(payment("100", &[]));
    unplaced.settings.bank_account_id = Some("35".to_owned());
    unplaced.settings.unidentified_payment_account = Some("36".to_owned());
    let (case, there) = landed(&unplaced);
    assert_eq!(there["DepositToAccountRef"]["value"], "36");
    let placed = with(&case, |p| p.allocations = vec![allocation("i1", "100")]);
    let placed = unpaid(placed, &["130"]);
    let step = placed.clone().seeing(&there).step();
    assert_eq!(step.body["DepositToAccountRef"]["value"], "35");
    // A person has put it elsewhere: there it stays.
    let mut moved = there;
    moved["DepositToAccountRef"] = json!({"value": "99"});
    let step = placed.seeing(&moved).step();
    assert_eq!(step.body["DepositToAccountRef"]["value"], "99");
}

#[test]
fn a_person_who_applied_it_elsewhere_is_asked() {
    let (case, mut there) = landed(&whole());
    there["Line"][0]["LinkedTxn"][0]["TxnId"] = json!("999");
    there["SyncToken"] = json!("1");
    let changed = with(&case, |p| p.received_on = day("2026-03-11"));
    let failure = changed.clone().seeing(&there).refusal();
    assert_eq!(failure.code, "EDITED_IN_BOOKS");
    assert!(
        failure.message.contains("invoices paid"),
        "{}",
        failure.message
    );
    let ended = changed.ending(Lifecycle::Voided).seeing(&there).refusal();
    assert_eq!(ended.code, "EDITED_IN_BOOKS");
}

#[test]
fn voiding_and_deleting_are_two_things_and_both_read_first() {
    let (case, there) = landed(&whole());
    for (lifecycle, operation) in [
        (Lifecycle::Voided, Operation::Void),
        (Lifecycle::Deleted, Operation::Delete),
    ] {
        let ending = case.clone().ending(lifecycle);
        assert!(matches!(ending.plan(), Plan::Needs(_)));
        let step = ending.clone().seeing(&there).step();
        assert_eq!((step.operation, step.body), (operation, json!({})));
        assert_eq!(
            ending.clone().seeing_nothing().plan(),
            Plan::Steps(Vec::new())
        );
        let mut void = there.clone();
        void["TotalAmt"] = json!(0);
        void["Line"] = json!([]);
        void["PrivateNote"] = json!("Voided");
        assert_eq!(ending.seeing(&void).plan(), Plan::Steps(Vec::new()));
        assert_eq!(whole().ending(lifecycle).plan(), Plan::Skip("never sent"));
    }
}

#[test]
fn books_that_apply_by_themselves_are_asked_what_is_open_first() {
    let mut case = whole();
    case.books.extra = json!({"taxMode": "AST", "autoApplyCredit": true});
    let Plan::Needs(needs) = case.plan() else {
        panic!("the invoice is read first");
    };
    let effect = provider_kit::Effect::main(INVOICE);
    assert!(matches!(&needs[..], [Need::Current { effect: e, external }]
        if *e == effect && external.id == "130"));
    let open = |balance: &str| {
        let invoice = Case::invoice(plain_invoice()).step();
        let mut object = returned(&sent(&[invoice], 0), "130", "4", "100", "0");
        object["Balance"] = serde_json::from_str(balance).unwrap();
        case.clone().reading(&effect, &object)
    };
    assert_eq!(open("100").step().operation, Operation::Create);
    assert_eq!(open("99.99").refusal().code, "INVOICE_NOT_OPEN");
    let mut gone = case.clone();
    gone.currents
        .insert(INVOICE, "130", provider_kit::CurrentState::NotThere);
    assert_eq!(gone.refusal().code, "INVOICE_GONE");
}

#[test]
fn closed_books_are_known_before_anything_is_sent() {
    let mut case = whole();
    case.books.extra = json!({"bookCloseDate": "2026-03-11"});
    assert_eq!(case.refusal().code, "6210");
    case.books.extra = json!({"bookCloseDate": "2026-03-10"});
    assert_eq!(case.step().operation, Operation::Create);
    // The day it has in the books counts as well as the one it is to have.
    let (case, there) = landed(&case);
    let mut moved = with(&case, |p| p.received_on = day("2026-04-02"));
    moved.books.extra = json!({"bookCloseDate": "2026-04-01"});
    assert_eq!(moved.seeing(&there).refusal().code, "6210");
}

fn answered(case: &Case, change: impl Fn(&mut Value)) -> ElementResult {
    let step = case.step();
    let mut object = returned(&sent(std::slice::from_ref(&step), 0), "180", "0", "0", "0");
    change(&mut object);
    let reply = json_reply(&json!({"Payment": object}));
    Qbo.classify(&past(&[step]), &reply).elements.remove(0)
}

#[test]
fn a_reply_proves_the_payment_by_marker_customer_amount_and_invoices() {
    let done =
        |change: &dyn Fn(&mut Value)| matches!(answered(&whole(), change), ElementResult::Done(_));
    assert!(done(&|_| {}));
    let lacking = |change: &dyn Fn(&mut Value)| match answered(&whole(), change) {
        ElementResult::Done(landed) => landed.lacking.map(|failure| failure.code),
        ElementResult::Failed(failure) => panic!("{failure:?}"),
    };
    assert_eq!(lacking(&|_| {}), None);
    // Less was open: the rest stays the customer's credit. The payment is there all the same, and that is said.
    let not_open = Some(model::failure::NOT_OPEN.to_owned());
    assert_eq!(lacking(&|object| object["Line"] = json!([])), not_open);
    assert_eq!(
        lacking(&|object| object["Line"][0]["Amount"] = json!(40)),
        not_open
    );
    assert!(!done(&|object| object["TotalAmt"] = json!(99)));
    assert!(!done(&|object| object["Line"][0]["Amount"] = json!(101)));
    assert!(!done(
        &|object| object["Line"][0]["LinkedTxn"][0]["TxnId"] = json!("131")
    ));
    assert!(!done(&|object| object["CustomerRef"]["value"] = json!("59")));
    assert!(!done(
        &|object| object["CurrencyRef"]["value"] = json!("EUR")
    ));
    assert!(!done(
        &|object| object["PrivateNote"] = json!("typed by a person")
    ));
    assert!(!done(&|object| object["status"] = json!("Deleted")));
}

#[test]
fn a_deletion_is_proved_by_the_word_and_the_id() {
    let (case, there) = landed(&whole());
    let step = case.ending(Lifecycle::Deleted).seeing(&there).step();
    let call = past(&[step]);
    let result = |object: Value| {
        let reply = json_reply(&json!({"Payment": object}));
        Qbo.classify(&call, &reply).elements.remove(0)
    };
    let gone = json!({"status": "Deleted", "domain": "QBO", "Id": "180"});
    let ElementResult::Done(landed) = result(gone) else {
        panic!("it is deleted");
    };
    assert_eq!(landed.external_id, "180");
    for odd in [
        json!({"status": "Deleted", "domain": "QBO", "Id": "181"}),
        json!({"status": "Deleted", "domain": "QBO"}),
        json!({"domain": "QBO", "Id": "180", "SyncToken": "1"}),
    ] {
        assert!(matches!(result(odd), ElementResult::Failed(failure)
            if failure.kind == FailureKind::OutcomeUnknown));
    }
    let judged = |objects: &[Value]| match Qbo.judge(&call, &[query_reply("Payment", objects)]) {
        Ok(provider_kit::Judgement::Settled(mut found)) => found.remove(0),
        other => panic!("{other:?}"),
    };
    // Missing from one answer proves nothing; planning again reads once more.
    assert!(matches!(judged(&[]), Presence::Differs(failure)
        if failure.code == model::failure::STALE_REVISION));
    assert_eq!(judged(std::slice::from_ref(&there)), Presence::Absent);
}

#[test]
fn an_unclear_payment_is_found_by_its_marker_and_not_by_its_reference() {
    let step = whole().step();
    let ours = returned(&sent(std::slice::from_ref(&step), 0), "180", "0", "0", "0");
    let mut typed = ours.clone();
    typed["Id"] = json!("181");
    typed["PrivateNote"] = json!("typed by a person");
    let call = past(&[step]);
    assert_eq!(Qbo.lookups(&call, &books()).len(), 1);
    let judged = |objects: &[Value]| match Qbo.judge(&call, &[query_reply("Payment", objects)]) {
        Ok(provider_kit::Judgement::Settled(mut found)) => found.remove(0),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(judged(&[typed.clone(), ours]), Presence::Present(landed)
        if landed.external_id == "180")
    );
    assert_eq!(judged(&[typed]), Presence::Absent);
    let step = whole().step();
    let mut short = returned(&sent(std::slice::from_ref(&step), 0), "180", "0", "0", "0");
    short["Line"] = json!([]);
    assert!(matches!(judged(&[short]), Presence::Present(landed) if landed.lacking.is_some()));
}

#[test]
fn a_zero_payment_that_links_a_credit_is_no_voided_payment() {
    let effect = provider_kit::Effect::main(PAYMENT);
    let object = |note: &str| {
        json!({
            "Id": "74", "SyncToken": "0", "TotalAmt": 0, "UnappliedAmt": 0, "PrivateNote": note,
            "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"},
            "Line": [
                {"Amount": 100, "LinkedTxn": [{"TxnId": "71", "TxnType": "Invoice"}]},
                {"Amount": 100, "LinkedTxn": [{"TxnId": "73", "TxnType": "CreditMemo"}]},
            ],
        })
    };
    let link = "Created by QB Online to link credits to charges.";
    assert_eq!(read_one(&effect, &object(link)).state, LinkState::Active);
    assert_eq!(read_one(&effect, &object("Voided")).state, LinkState::Ended);
}
