//! What payments and credit notes need in the books: parts, allocations, and what of ours may be taken back.

use model::document::Body;
use model::{DocumentKind, Lifecycle, Operation};
use provider_kit::{Effect, Link, LinkState, Need, Plan, Step};
use provider_xero::{ALLOCATION, CREDIT_NOTE, OVERPAYMENT, PAYMENT};
use serde_json::{Value, json};

use super::support::*;

fn part(kind: &str, invoice: &str) -> Effect {
    Effect {
        kind: kind.to_owned(),
        part: invoice.to_owned(),
    }
}

fn shown(steps: &[Step]) -> Vec<(Operation, String)> {
    let named = |step: &Step| format!("{} {}", step.effect.kind, step.effect.part);
    steps
        .iter()
        .map(|step| (step.operation, named(step)))
        .collect()
}

#[test]
fn a_payment_is_one_effect_per_invoice_and_an_overpayment_for_the_rest() {
    let case = Case::payment(payment("100", &[("i1", "60"), ("i2", "30.50")]));
    let steps = case.steps();
    assert_eq!(
        shown(&steps),
        [
            (Operation::Create, "payment i1".to_owned()),
            (Operation::Create, "payment i2".to_owned()),
            (Operation::Create, "overpayment ".to_owned()),
        ]
    );
    assert_eq!(steps[0].body["Invoice"]["InvoiceID"], json!(guid(11)));
    assert_eq!(steps[1].body["Amount"].to_string(), "30.5");
    assert_eq!(
        steps[2].body["LineItems"][0]["LineAmount"].to_string(),
        "9.5"
    );
    assert_eq!(steps[2].body["Contact"], json!({"ContactID": guid(1)}));
    assert_eq!(
        Case::payment(payment("90.50", &[("i1", "60"), ("i2", "30.50")]))
            .steps()
            .len(),
        2
    );
}

#[test]
fn an_overpayment_is_booked_on_the_account_for_what_customers_owe() {
    let mut case = Case::payment(payment("10", &[]));
    assert_eq!(case.step().body["LineItems"][0].get("AccountCode"), None);
    case.books.extra = json!({"receivableCode": "610"});
    assert_eq!(case.step().body["LineItems"][0]["AccountCode"], "610");
}

#[test]
fn a_payment_waits_for_each_of_its_invoices_and_refuses_a_voided_one() {
    let mut case = Case::payment(payment("100", &[("i1", "60"), ("i9", "40")]));
    let Plan::Needs(needs) = case.plan() else {
        panic!("i9 is not in the books");
    };
    assert_eq!(
        needs,
        [Need::Document {
            kind: DocumentKind::Invoice,
            id: id("i9")
        }]
    );
    let void = link(&guid(19), "x", LinkState::Ended);
    case.links.insert(
        DocumentKind::Invoice,
        id("i9"),
        Effect::main("invoice"),
        void,
    );
    assert_eq!(case.refusal().code, "INVOICE_GONE");
}

/// A payment over two invoices with both its parts in the books.
fn paid() -> (Case, Vec<Value>) {
    let mut case = Case::payment(payment("100", &[("i1", "60"), ("i2", "40")]));
    let mut objects = Vec::new();
    for (number, step) in (50..).zip(case.steps()) {
        objects.push(standing(&step, "PaymentID", &guid(number)));
        let link = link(&guid(number), &step.fingerprint, LinkState::Active);
        case = case.with_link(step.effect, link);
    }
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
    (case, objects)
}

fn now(mut case: Case, payment: model::document::Payment) -> Case {
    case.document.body = Body::Payment(payment);
    case
}

#[test]
fn a_part_that_changed_is_deleted_and_made_again_and_the_others_stay() {
    let (case, objects) = paid();
    let changed = now(case, payment("90", &[("i1", "60"), ("i2", "30")]));
    let Plan::Needs(needs) = changed.plan() else {
        panic!("nothing is deleted unseen");
    };
    assert_eq!(
        needs,
        [Need::Current {
            effect: part(PAYMENT, "i2"),
            external: external(&guid(51))
        }]
    );
    let steps = changed.seeing(&part(PAYMENT, "i2"), &objects[1]).steps();
    assert_eq!(
        shown(&steps),
        [
            (Operation::Delete, "payment i2".to_owned()),
            (Operation::Create, "payment i2".to_owned()),
        ]
    );
    assert_eq!(steps[0].body, json!({"Status": "DELETED"}));
}

#[test]
fn a_part_that_is_not_wanted_any_more_is_deleted() {
    let (case, objects) = paid();
    let moved = now(case.clone(), payment("100", &[("i2", "40"), ("i3", "60")]));
    let steps = moved.seeing(&part(PAYMENT, "i1"), &objects[0]).steps();
    assert_eq!(
        shown(&steps),
        [
            (Operation::Delete, "payment i1".to_owned()),
            (Operation::Create, "payment i3".to_owned()),
        ]
    );
    // Once it is deleted only the new part is left, and a part that was deleted can come back.
    let ended = case.with_link(part(PAYMENT, "i1"), link(&guid(50), "x", LinkState::Ended));
    let moved = now(ended.clone(), payment("100", &[("i2", "40"), ("i3", "60")]));
    assert_eq!(
        shown(&moved.steps()),
        [(Operation::Create, "payment i3".to_owned())]
    );
    let back = now(ended, payment("100", &[("i1", "60"), ("i2", "40")]));
    assert_eq!(
        shown(&back.steps()),
        [(Operation::Create, "payment i1".to_owned())]
    );
}

#[test]
fn a_deleted_payment_deletes_all_of_its_parts_that_are_still_there() {
    let (case, objects) = paid();
    let ending = case.ending(Lifecycle::Deleted);
    assert!(matches!(ending.plan(), Plan::Needs(needs) if needs.len() == 2));
    let steps = ending
        .clone()
        .seeing(&part(PAYMENT, "i1"), &objects[0])
        .seeing(&part(PAYMENT, "i2"), &objects[1])
        .steps();
    assert_eq!(steps.len(), 2);
    let mut deleted = objects[0].clone();
    deleted["Status"] = json!("DELETED");
    let rest = ending
        .seeing(&part(PAYMENT, "i1"), &deleted)
        .missing(&part(PAYMENT, "i2"), &guid(51));
    assert_eq!(rest.plan(), Plan::Steps(Vec::new()), "a person did it");
}

#[test]
fn a_payment_that_people_touched_is_left_to_them() {
    let (case, objects) = paid();
    let ending = case.clone().ending(Lifecycle::Voided);
    for (member, value, code) in [
        ("IsReconciled", json!(true), "PAYMENT_RECONCILED"),
        ("Amount", json!("59.99"), "EDITED_IN_BOOKS"),
    ] {
        let mut object = objects[0].clone();
        object[member] = value;
        let seen = ending
            .clone()
            .seeing(&part(PAYMENT, "i1"), &object)
            .seeing(&part(PAYMENT, "i2"), &objects[1]);
        assert_eq!(seen.refusal().code, code);
    }
    // Deleted by a person, and changed in ProjectLedger: not made again unasked.
    let changed = now(case, payment("90", &[("i1", "50"), ("i2", "40")]));
    let gone = changed.missing(&part(PAYMENT, "i1"), &guid(50));
    assert_eq!(gone.refusal().code, "DELETED_IN_BOOKS");
}

#[test]
fn a_payment_from_these_books_is_there_already() {
    let echo = link(&guid(80), "", LinkState::Active);
    let case =
        Case::payment(payment("100", &[("i1", "100")])).with_link(Effect::main(PAYMENT), echo);
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
}

#[test]
fn an_overpayment_that_is_placed_later_is_deleted_first() {
    let mut case = Case::payment(payment("100", &[]));
    let step = case.step();
    let object = standing(&step, "BankTransactionID", &guid(50));
    case = case.with_link(
        Effect::main(OVERPAYMENT),
        link(&guid(50), &step.fingerprint, LinkState::Active),
    );
    let placed = now(case, payment("100", &[("i1", "100")]));
    let steps = placed.seeing(&Effect::main(OVERPAYMENT), &object).steps();
    assert_eq!(
        shown(&steps),
        [
            (Operation::Delete, "overpayment ".to_owned()),
            (Operation::Create, "payment i1".to_owned()),
        ]
    );
}

/// A credit note that stands, with these allocations by us (linked) and these rows in the books.
fn noted(wanted: &[(&str, &str)], ours: &[(&str, &str)], rows: &[(u32, u32, &str)]) -> Case {
    let plain = Case::credit_note(credit_note(&[]));
    let step = plain.step();
    let mut object = standing(&step, "CreditNoteID", &guid(50));
    let row = |(row, invoice, amount): &(u32, u32, &str)| {
        json!({
            "AllocationID": guid(*row), "Amount": amount, "Invoice": {"InvoiceID": guid(*invoice)},
        })
    };
    object["Allocations"] = rows.iter().map(row).collect();
    let mut case = Case::credit_note(credit_note(wanted)).linked(
        &guid(50),
        &step.fingerprint,
        LinkState::Active,
    );
    for (invoice, amount) in ours {
        let (external_id, fingerprint) = left(invoice, amount);
        let link = Link {
            external_id,
            ..link("", &fingerprint, LinkState::Active)
        };
        case = case.with_link(part(ALLOCATION, invoice), link);
    }
    case.seeing(&Effect::main(CREDIT_NOTE), &object)
}

/// The link that an allocation of this sum leaves.
fn left(invoice: &str, amount: &str) -> (String, String) {
    let step = noted(&[(invoice, amount)], &[], &[]).step();
    (step.target.unwrap().id, step.fingerprint)
}

fn unseen(mut case: Case) -> Case {
    case.currents = provider_kit::Currents::default();
    case
}

#[test]
fn a_new_credit_note_shows_its_allocations_ahead() {
    let steps = Case::credit_note(credit_note(&[("i1", "60"), ("i2", "40")])).steps();
    assert_eq!(
        shown(&steps),
        [
            (Operation::Create, "credit_note ".to_owned()),
            (Operation::Update, "allocation i1".to_owned()),
            (Operation::Update, "allocation i2".to_owned()),
        ]
    );
    assert_eq!(steps[1].target, None, "the note has no id yet");
}

#[test]
fn what_is_missing_of_a_sum_is_sent_whoever_allocated_the_rest() {
    let step = noted(&[("i1", "60")], &[], &[(90, 11, "25.5")]).step();
    assert_eq!(step.body["Amount"].to_string(), "34.5");
    let target = step.target.unwrap();
    assert_eq!(target.id, format!("{}/{}", guid(50), guid(11)));
    assert_eq!(target.revision, "25.5", "the sum that stood before");
    assert_eq!(
        noted(&[("i1", "60")], &[], &[(90, 11, "60.00")]).plan(),
        Plan::Steps(Vec::new())
    );
}

#[test]
fn more_than_ours_is_a_persons_and_left_alone() {
    let over = noted(&[("i1", "60")], &[], &[(90, 11, "70")]);
    assert_eq!(over.refusal().code, "MORE_ALLOCATED");
    let mixed = noted(
        &[("i1", "50")],
        &[("i1", "60")],
        &[(90, 11, "60"), (91, 11, "10")],
    );
    assert_eq!(mixed.refusal().code, "MORE_ALLOCATED");
}

#[test]
fn what_we_left_is_taken_back_row_by_row_when_the_sum_shrinks() {
    let steps = noted(
        &[("i1", "50")],
        &[("i1", "60")],
        &[(90, 11, "25"), (91, 11, "35")],
    )
    .steps();
    assert_eq!(
        shown(&steps),
        [
            (Operation::Update, "allocation i1".to_owned()),
            (Operation::Delete, "allocation i1".to_owned()),
            (Operation::Update, "allocation i1".to_owned()),
        ]
    );
    // What is left after the first row is still known as ours.
    let rest = noted(&[("i1", "50")], &[("i1", "35")], &[(91, 11, "35")]);
    assert_eq!(steps[0].fingerprint, left("i1", "35").1);
    assert_eq!(rest.steps()[0].body["Amount"].to_string(), "15");
    assert_eq!(steps[0].body, json!({"AllocationID": guid(90)}));
    assert_eq!(steps[2].body["Amount"].to_string(), "50");
}

#[test]
fn settled_allocations_are_not_read_again() {
    let settled = unseen(noted(&[("i1", "60")], &[("i1", "60")], &[(90, 11, "60")]));
    assert_eq!(settled.plan(), Plan::Steps(Vec::new()));
    for open in [
        noted(&[("i1", "60")], &[], &[]),
        noted(&[("i1", "60")], &[("i1", "50")], &[]),
        noted(&[], &[("i1", "60")], &[]),
    ] {
        assert!(matches!(unseen(open).plan(), Plan::Needs(_)));
    }
}

#[test]
fn a_dropped_allocation_is_taken_back() {
    let step = noted(&[], &[("i1", "60")], &[(90, 11, "60")]).step();
    assert_eq!(
        (step.operation, step.effect),
        (Operation::Delete, part(ALLOCATION, "i1"))
    );
    let gone = noted(&[], &[("i1", "60")], &[]);
    assert_eq!(gone.plan(), Plan::Steps(Vec::new()), "a person took it off");
}

#[test]
fn voiding_takes_ours_back_first_and_stops_at_a_persons() {
    let ours = noted(&[("i1", "60")], &[("i1", "60")], &[(90, 11, "60")]).ending(Lifecycle::Voided);
    assert_eq!(
        shown(&ours.steps()),
        [
            (Operation::Delete, "allocation i1".to_owned()),
            (Operation::Void, "credit_note ".to_owned()),
        ]
    );
    let theirs = noted(&[], &[], &[(90, 12, "5")]).ending(Lifecycle::Voided);
    assert_eq!(theirs.refusal().code, "PAID_IN_BOOKS");
    let free = noted(&[], &[], &[]).ending(Lifecycle::Voided);
    assert_eq!(
        shown(&free.steps()),
        [(Operation::Void, "credit_note ".to_owned())]
    );
}

#[test]
fn an_allocated_credit_note_does_not_change() {
    let mut case = noted(&[("i1", "60")], &[("i1", "60")], &[(90, 11, "60")]);
    if let Body::CreditNote(note) = &mut case.document.body {
        note.issued_on = day("2026-03-11");
    }
    assert_eq!(case.refusal().code, "ALLOCATED_IN_BOOKS");
    let mut free = noted(&[], &[], &[]);
    if let Body::CreditNote(note) = &mut free.document.body {
        note.issued_on = day("2026-03-11");
    }
    assert_eq!(free.step().operation, Operation::Update);
}
