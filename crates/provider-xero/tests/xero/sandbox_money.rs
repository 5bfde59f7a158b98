//! Money against the sandbox over real HTTP: payments in parts, overpayments, credit notes and their sums.

use model::document::Body;
use model::{FailureKind, Lifecycle, Operation};
use provider_kit::{Effect, ElementResult, Plan, Presence};
use provider_xero::{CREDIT_NOTE, INVOICE, PAYMENT};
use serde_json::{Value, json};

use super::support::*;
use super::world::*;

fn own_link(case: &Case, effect: &Effect) -> String {
    let document = &case.document;
    let link = case.links.get(document.kind(), &document.id, effect);
    link.unwrap().external_id.clone()
}

fn landed_id(presence: &Presence) -> &str {
    match presence {
        Presence::Present(landed) => &landed.external_id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_payment_over_two_invoices_and_a_rest_is_three_objects_that_can_be_moved_and_deleted() {
    let world = World::start().await;
    let case = Case::payment(payment("100", &[("i1", "60"), ("i2", "30")]));
    let mut case = world
        .with_invoices(case, &[("i1", "60"), ("i2", "80"), ("i3", "10")])
        .await;
    let landed = world.bring_about(&mut case, "pay").await;
    assert_eq!(landed.len(), 3);
    let invoice = |name: &str| {
        let link = case.links.get(
            model::DocumentKind::Invoice,
            &id(name),
            &Effect::main(INVOICE),
        );
        link.unwrap().external_id.clone()
    };
    let (first, second) = (invoice("i1"), invoice("i2"));
    assert_eq!(world.entity("Invoice", &first).await["Status"], "PAID");
    assert_eq!(
        world.entity("Invoice", &second).await["AmountDue"].to_string(),
        "50.00"
    );
    let credit = world
        .entity("BankTransaction", &landed[2].external_id)
        .await;
    assert_eq!(credit["Type"], "RECEIVE-OVERPAYMENT");

    // The rest is placed, and the second part moves to the third invoice.
    case.document.body = Body::Payment(payment("100", &[("i1", "60"), ("i2", "30"), ("i3", "10")]));
    world.bring_about(&mut case, "place").await;
    let gone = world
        .entity("BankTransaction", &landed[2].external_id)
        .await;
    assert_eq!(gone["Status"], "DELETED");
    assert_eq!(world.plan(&mut case).await, Plan::Steps(Vec::new()));

    let mut over = case.ending(Lifecycle::Deleted);
    world.bring_about(&mut over, "delete").await;
    assert_eq!(
        world.entity("Invoice", &first).await["AmountDue"].to_string(),
        "60.00"
    );
    assert_eq!(
        world.entity("Invoice", &second).await["AmountDue"].to_string(),
        "80.00"
    );
    assert_eq!(world.plan(&mut over).await, Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn a_payment_that_was_lost_is_found_among_those_of_its_invoice() {
    let world = World::start().await;
    let case = Case::payment(payment("60", &[("i1", "60")]));
    let mut case = world.with_invoices(case, &[("i1", "100")]).await;
    let rule = json!({"action": {"commitThenStatus": {"code": 500}}, "match": {"operation": "create"}, "times": 1});
    world.control("POST", "/faults", &rule).await;
    let step = world.steps(&mut case).await.remove(0);
    let marker = marker_of(&case, &step.effect);
    let (call, elements) = world.write(&[(step, marker)], "lost").await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.kind == FailureKind::OutcomeUnknown)
    );
    let found = world.look_up(&call).await;
    assert!(matches!(&found[0], Presence::Present(_)), "{found:?}");
    assert_eq!(
        world.entity("Payment", landed_id(&found[0])).await["Amount"].to_string(),
        "60.00"
    );
}

#[tokio::test]
async fn a_payment_of_more_than_is_open_asks_a_bookkeeper() {
    let world = World::start().await;
    let case = Case::payment(payment("60", &[("i1", "60")]));
    let mut case = world.with_invoices(case, &[("i1", "50")]).await;
    let step = world.steps(&mut case).await.remove(0);
    let (call, elements) = world.write(&[(step, marker(3))], "over").await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.code == "INVOICE_NOT_OPEN"),
        "{elements:?}"
    );
    assert_eq!(world.look_up(&call).await, [Presence::Absent]);
}

#[tokio::test]
async fn a_credit_note_is_set_against_invoices_topped_up_and_taken_back() {
    let world = World::start().await;
    let case = Case::credit_note(credit_note(&[("i1", "60"), ("i2", "10")]));
    let mut case = world
        .with_invoices(case, &[("i1", "60"), ("i2", "80")])
        .await;
    world.bring_about(&mut case, "credit").await;
    let note = own_link(&case, &Effect::main(CREDIT_NOTE));
    let remaining = |entity: &Value| entity["RemainingCredit"].to_string();
    assert_eq!(remaining(&world.entity("CreditNote", &note).await), "30.00");
    let invoice = case
        .links
        .get(
            model::DocumentKind::Invoice,
            &id("i2"),
            &Effect::main(INVOICE),
        )
        .unwrap()
        .external_id
        .clone();

    // A person adds 5 of their own, and ProjectLedger wants 25 in all: 10 are missing.
    let more = json!({"Amount": 5, "Invoice": {"InvoiceID": invoice}});
    world.by_hand("allocate", "CreditNote", &note, &more).await;
    case.document.body = Body::CreditNote(credit_note(&[("i1", "60"), ("i2", "25")]));
    world.bring_about(&mut case, "top up").await;
    assert_eq!(remaining(&world.entity("CreditNote", &note).await), "15.00");
    assert_eq!(world.plan(&mut case).await, Plan::Steps(Vec::new()));

    // Less than what stands there as ours: taken back and set anew.
    case.document.body = Body::CreditNote(credit_note(&[("i2", "20")]));
    world.bring_about(&mut case, "take back").await;
    assert_eq!(remaining(&world.entity("CreditNote", &note).await), "80.00");
    assert_eq!(
        world.entity("Invoice", &invoice).await["AmountCredited"].to_string(),
        "20.00"
    );

    let mut over = case.ending(Lifecycle::Voided);
    world.bring_about(&mut over, "void").await;
    assert_eq!(world.entity("CreditNote", &note).await["Status"], "VOIDED");
    assert_eq!(
        world.entity("Invoice", &invoice).await["AmountDue"].to_string(),
        "80.00"
    );
}

#[tokio::test]
async fn an_allocation_whose_answer_was_lost_is_told_by_the_sum() {
    let world = World::start().await;
    let case = Case::credit_note(credit_note(&[("i1", "60")]));
    let mut case = world.with_invoices(case, &[("i1", "80")]).await;
    let mut steps = world.steps(&mut case).await;
    let created = world.landed(&steps.remove(0), &marker(4), "note").await;
    let mut known = link(
        &created.external_id,
        &created.fingerprint,
        provider_kit::LinkState::Active,
    );
    known.revision.clone_from(&created.revision);
    case = case.with_link(Effect::main(CREDIT_NOTE), known);
    let step = world.steps(&mut case).await.remove(0);
    assert_eq!(step.operation, Operation::Update);
    let absent = json!({"action": {"status": {"code": 500}}, "match": {"operation": "allocate"}, "times": 1});
    world.control("POST", "/faults", &absent).await;
    let (call, _) = world
        .write(&[(step.clone(), marker(5))], "never-came")
        .await;
    assert_eq!(world.look_up(&call).await, [Presence::Absent]);
    let lost = json!({"action": {"commitThenStatus": {"code": 500}}, "match": {"operation": "allocate"}, "times": 1});
    world.control("POST", "/faults", &lost).await;
    let (call, elements) = world.write(&[(step, marker(5))], "lost").await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.kind == FailureKind::OutcomeUnknown)
    );
    let found = world.look_up(&call).await;
    assert!(matches!(&found[0], Presence::Present(_)), "{found:?}");
}

#[tokio::test]
async fn a_payment_made_twice_would_be_seen_as_two() {
    let world = World::start().await;
    let case = Case::payment(payment("10", &[("i1", "10")]));
    let mut case = world.with_invoices(case, &[("i1", "100")]).await;
    let step = world.steps(&mut case).await.remove(0);
    assert_eq!(step.effect.kind, PAYMENT);
    let member = [(step, marker(3))];
    world.write(&member, "once").await;
    let (call, _) = world.write(&member, "twice").await;
    assert!(matches!(&world.look_up(&call).await[0], Presence::Duplicate(ids) if ids.len() == 2));
}
