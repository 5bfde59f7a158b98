//! Credit notes and what they are set against: created, changed, taken back, and never applied twice.

use model::{FailureKind, Lifecycle, Operation};
use provider_kit::{Effect, LinkState, Need, Plan, Step};
use provider_qbo::{APPLICATION, CREDIT_NOTE, INVOICE};
use serde_json::{Value, json};

use super::support::*;

fn steps(case: &Case) -> Vec<Step> {
    match case.plan() {
        Plan::Steps(steps) => steps,
        other => panic!("expected steps, got {other:?}"),
    }
}

fn application(part: &str) -> Effect {
    Effect {
        kind: APPLICATION.to_owned(),
        part: part.to_owned(),
    }
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A credit note over 100 that is in the books as `181`, with so much left of it.
fn landed(allocations: &[(&str, &str)], left: &str) -> Case {
    let new = Case::credit_note(credit_note(&[]));
    let step = new.step();
    let mut there = returned(
        &sent(std::slice::from_ref(&step), 0),
        "181",
        "0",
        "100",
        "0",
    );
    there["RemainingCredit"] = number(left);
    let mut case = Case::credit_note(credit_note(allocations));
    case = case.linked("181", &step.fingerprint, LinkState::Active);
    case.reading(&Effect::main(CREDIT_NOTE), &there)
}

/// The invoice `130` was read, with so much open and paid by these payments.
fn invoice_open(case: Case, balance: &str, payments: &[&str]) -> Case {
    let step = Case::invoice(plain_invoice()).step();
    let mut there = returned(&sent(&[step], 0), "130", "0", "100", "0");
    there["Balance"] = number(balance);
    let linked = payments
        .iter()
        .map(|id| json!({"TxnId": id, "TxnType": "Payment"}));
    there["LinkedTxn"] = linked.collect();
    case.reading(&Effect::main(INVOICE), &there)
}

/// A payment of nothing that links credit memo `181` with invoice `130`.
fn linking(id: &str, amount: &str, note: &str) -> Value {
    let amount = number(amount);
    json!({
        "Id": id, "SyncToken": "2", "TotalAmt": 0, "UnappliedAmt": 0, "PrivateNote": note,
        "TxnDate": "2026-03-05",
        "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"},
        "Line": [
            {"Amount": amount, "LinkedTxn": [{"TxnId": "130", "TxnType": "Invoice"}]},
            {"Amount": amount, "LinkedTxn": [{"TxnId": "181", "TxnType": "CreditMemo"}]},
        ],
    })
}

/// Our own application of so much is in the books as `190`, and was read.
fn applied(mut case: Case, amount: &str) -> Case {
    let object = linking("190", amount, &marker(7).to_string());
    let effect = application("i1");
    let fingerprint = read_one(&effect, &object).landed.fingerprint;
    case.links.insert(
        case.document.kind(),
        case.document.id.clone(),
        effect.clone(),
        link("190", "0", &fingerprint, LinkState::Active),
    );
    case.reading(&effect, &object)
}

/// The code, or "steps".
fn outcome(case: &Case) -> String {
    match case.plan() {
        Plan::Refused(failure) => {
            assert_eq!(failure.kind, FailureKind::Conflict);
            failure.code
        }
        Plan::Steps(steps) => format!("{} steps", steps.len()),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_credit_note_is_created_before_it_is_set_against_anything() {
    let case = Case::credit_note(credit_note(&[("i1", "60"), ("i9", "40")]));
    let planned = steps(&case);
    let effects: Vec<&str> = planned.iter().map(|step| &*step.effect.kind).collect();
    assert_eq!(effects, [CREDIT_NOTE, APPLICATION, APPLICATION]);
    assert_eq!(planned[0].body["DocNumber"], "CN-7");
    assert_eq!(planned[0].body["CustomerMemo"]["value"], "Returned goods");
    assert_eq!(planned[0].body.get("DueDate"), None);
    // Ids that are still to come are left out, and such a step is never encoded.
    let line = &planned[1].body["Line"];
    assert_eq!(line[0]["LinkedTxn"][0]["TxnId"], "130");
    assert_eq!(line[1]["LinkedTxn"][0].get("TxnId"), None);
    let failure = encode(&planned[1..2], "k-1").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Defect);
}

#[test]
fn a_credit_is_set_against_an_invoice_by_a_payment_of_nothing() {
    let case = landed(&[("i1", "60")], "100");
    let Plan::Needs(needs) = case.plan() else {
        panic!("the invoice is read first");
    };
    assert!(matches!(&needs[..], [Need::Current { effect, .. }] if effect.kind == INVOICE));
    let planned = steps(&invoice_open(case, "100", &[]));
    assert_eq!(planned.len(), 1);
    let step = &planned[0];
    assert_eq!(
        (step.operation, &step.effect),
        (Operation::Create, &application("i1"))
    );
    assert_eq!(step.body["TotalAmt"].to_string(), "0");
    assert_eq!(step.body.get("DepositToAccountRef"), None);
    let lines: Vec<String> = step.body["Line"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let to = &line["LinkedTxn"][0];
            format!("{} {} {}", to["TxnType"], to["TxnId"], line["Amount"])
        })
        .collect();
    assert_eq!(
        lines,
        ["\"Invoice\" \"130\" 60", "\"CreditMemo\" \"181\" 60"]
    );
}

#[test]
fn an_application_waits_for_its_invoice_after_the_credit_note_is_there() {
    let mut case = landed(&[("i9", "60")], "100");
    assert!(matches!(case.plan(), Plan::Needs(needs)
        if matches!(&needs[..], [Need::Document { .. }])));
    case.settings.sync_invoices = false;
    assert_eq!(outcome(&case), "INVOICES_NOT_SENT");
}

#[test]
fn what_is_settled_is_left_alone_without_a_read() {
    let mut case = applied(landed(&[("i1", "60")], "40"), "60");
    case.currents = provider_kit::Currents::default();
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
}

#[test]
fn a_changed_allocation_updates_its_link_and_a_dropped_one_deletes_it() {
    let grown = invoice_open(applied(landed(&[("i1", "80")], "40"), "60"), "40", &["190"]);
    let planned = steps(&grown);
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].operation, Operation::Update);
    assert_eq!(planned[0].target, Some(target("190", "2")));
    assert_eq!(planned[0].body["Line"][0]["Amount"].to_string(), "80");
    let dropped = applied(landed(&[], "40"), "60");
    let planned = steps(&dropped);
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].operation, Operation::Delete);
    assert_eq!(planned[0].target, Some(target("190", "2")));
}

#[test]
fn what_quickbooks_applied_by_itself_counts_and_only_the_remainder_is_sent() {
    // QuickBooks set 45 of 60 against this very invoice, unasked.
    let case = invoice_open(landed(&[("i1", "60")], "55"), "55", &["74"]);
    let Plan::Needs(needs) = case.plan() else {
        panic!("the foreign link is read");
    };
    assert!(matches!(&needs[..], [Need::Current { effect, external }]
        if effect.kind == APPLICATION && external.id == "74"));
    let foreign = linking(
        "74",
        "45",
        "Created by QB Online to link credits to charges.",
    );
    let read = |case: Case, amount: &str| {
        let foreign = linking("74", amount, "Created by QB Online");
        case.reading(&Effect::main(APPLICATION), &foreign)
    };
    let planned = steps(&case.clone().reading(&Effect::main(APPLICATION), &foreign));
    assert_eq!(planned[0].body["Line"][0]["Amount"].to_string(), "15");
    // All of it: nothing is left to do. More than ours: a person decides.
    let all = invoice_open(landed(&[("i1", "60")], "40"), "40", &["74"]);
    assert_eq!(outcome(&read(all, "60")), "0 steps");
    let more = invoice_open(landed(&[("i1", "60")], "30"), "30", &["74"]);
    assert_eq!(outcome(&read(more, "70")), "APPLIED_MORE");
}

#[test]
fn credit_used_elsewhere_and_invoices_paid_elsewhere_are_questions() {
    // 70 of the credit went to something else; 30 are left and 60 are wanted.
    let used = invoice_open(landed(&[("i1", "60")], "30"), "100", &[]);
    assert_eq!(outcome(&used), "CREDIT_USED");
    let paid = invoice_open(landed(&[("i1", "60")], "100"), "59.99", &[]);
    assert_eq!(outcome(&paid), "INVOICE_NOT_OPEN");
    let exact = invoice_open(landed(&[("i1", "60")], "60"), "60", &[]);
    assert_eq!(outcome(&exact), "1 steps");
}

#[test]
fn a_link_that_a_person_changed_or_removed_is_a_question() {
    let mut edited = applied(landed(&[("i1", "80")], "50"), "60");
    edited = invoice_open(edited, "50", &["190"]);
    edited = edited.reading(&application("i1"), &linking("190", "50", "x"));
    assert_eq!(outcome(&edited), "EDITED_IN_BOOKS");
    let mut removed = invoice_open(landed(&[("i1", "60")], "100"), "100", &[]);
    let own = link("190", "0", "seen", LinkState::Gone);
    removed.links.insert(
        removed.document.kind(),
        removed.document.id.clone(),
        application("i1"),
        own,
    );
    assert_eq!(outcome(&removed), "APPLICATION_REMOVED");
}

#[test]
fn taking_a_credit_note_back_takes_it_off_its_invoices_first() {
    for lifecycle in [Lifecycle::Voided, Lifecycle::Deleted] {
        let case = applied(landed(&[("i1", "60")], "40"), "60").ending(lifecycle);
        let planned = steps(&case);
        let done: Vec<(Operation, &str)> = planned
            .iter()
            .map(|step| (step.operation, &*step.effect.kind))
            .collect();
        assert_eq!(
            done,
            [
                (Operation::Delete, APPLICATION),
                (Operation::Delete, CREDIT_NOTE)
            ]
        );
        let new = Case::credit_note(credit_note(&[])).ending(lifecycle);
        assert_eq!(new.plan(), Plan::Skip("never sent"));
    }
}

#[test]
fn a_credit_note_that_a_person_voided_or_deleted_needs_nothing_more() {
    let case = landed(&[], "100").ending(Lifecycle::Voided);
    let step = Case::credit_note(credit_note(&[])).step();
    let there = returned(&sent(&[step], 0), "181", "0", "100", "0");
    assert_eq!(outcome(&case), "1 steps");
    assert_eq!(
        outcome(&case.clone().seeing(&voided(there, "1"))),
        "0 steps"
    );
    assert_eq!(outcome(&case.clone().seeing_nothing()), "0 steps");
    let live = case.ending(Lifecycle::Live);
    assert_eq!(live.plan(), Plan::Steps(Vec::new()));
}

#[test]
fn a_shrinking_credit_note_frees_its_credit_before_it_shrinks() {
    let mut case = applied(landed(&[("i1", "30")], "40"), "60");
    case = invoice_open(case, "40", &["190"]);
    if let model::Body::CreditNote(note) = &mut case.document.body {
        note.lines = vec![line("1", "30.00", "30.00")];
        note.totals = totals("30", "0", "30");
    }
    let planned = steps(&case);
    let kinds: Vec<&str> = planned.iter().map(|step| &*step.effect.kind).collect();
    assert_eq!(kinds, [APPLICATION, CREDIT_NOTE]);
    // A growing one has to be there before it is used.
    let mut grown = applied(landed(&[("i1", "120")], "0"), "100");
    grown = invoice_open(grown, "20", &["190"]);
    if let model::Body::CreditNote(note) = &mut grown.document.body {
        note.lines = vec![line("1", "120.00", "120.00")];
        note.totals = totals("120", "0", "120");
    }
    let planned = steps(&grown);
    let kinds: Vec<&str> = planned.iter().map(|step| &*step.effect.kind).collect();
    assert_eq!(kinds, [CREDIT_NOTE, APPLICATION]);
}

#[test]
fn more_than_the_credit_note_comes_to_is_refused() {
    let case = Case::credit_note(credit_note(&[("i1", "60"), ("i2", "40.01")]));
    assert_eq!(case.refusal().code, "ALLOCATED_TOO_MUCH");
}

#[test]
fn closed_books_do_not_keep_a_credit_from_its_invoice() {
    let mut case = invoice_open(landed(&[("i1", "60")], "100"), "100", &[]);
    case.books.extra = json!({"bookCloseDate": "2026-03-31"});
    assert_eq!(steps(&case)[0].body["TxnDate"], "2026-04-01");
    let mut new = Case::credit_note(credit_note(&[]));
    new.books.extra = json!({"bookCloseDate": "2026-03-31"});
    assert_eq!(new.refusal().code, "6210");
}
