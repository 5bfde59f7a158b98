//! The provider against the sandbox over real HTTP: created, changed, voided, looked up, to the cent.

use model::document::Discount;
use model::failure::STALE_REVISION;
use model::{FailureKind, Lifecycle};
use provider_kit::{
    ElementResult, Landed, LinkState, PastCall, Plan, Prediction, Presence, Provider as _, Step,
};
use provider_qbo::Qbo;
use serde_json::{Value, json};

use super::support::*;
use super::world::*;

fn american() -> Value {
    json!({"country": "US", "homeCurrency": "USD", "taxMode": "usManual"})
}

fn assert_as_predicted(step: &Step, landed: &Landed) {
    let totals = landed.totals.unwrap();
    let Prediction::Exact {
        currency,
        tax,
        gross,
        ..
    } = step.prediction
    else {
        panic!("nothing was predicted: {:?}", step.prediction);
    };
    assert_eq!(
        (totals.currency, totals.tax, totals.gross),
        (currency, tax, gross)
    );
    assert_eq!(landed.fingerprint, step.fingerprint);
}

#[tokio::test]
async fn an_invoice_lives_its_whole_life_in_the_books() {
    let world = World::start(american()).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let created = case.step();
    let landed = world.landed(&created, "k-1").await;
    assert_as_predicted(&created, &landed);
    assert_eq!(
        world.landed(&created, "k-1").await,
        landed,
        "the key replays"
    );

    let mut changed = case.clone();
    if let model::Body::Invoice(invoice) = &mut changed.document.body {
        invoice.lines.push(line("1", "20.50", "20.50"));
        invoice.totals = totals("120.50", "0", "120.50");
        invoice.notes = Some("Now with travel.".to_owned());
    }
    let external = landed.external_id;
    let changed = changed.linked(&external, &landed.fingerprint, LinkState::Active);
    assert!(matches!(changed.plan(), Plan::Needs(_)));
    let changed = world.seen(changed, &external).await;
    let update = changed.step();
    let updated = world.landed(&update, "k-2").await;
    assert_as_predicted(&update, &updated);
    assert_eq!(updated.revision, "1");

    let ended = changed
        .linked(&external, &updated.fingerprint, LinkState::Active)
        .ending(Lifecycle::Voided);
    let ended = world.seen(ended, &external).await;
    let void = ended.step();
    let voided = world.landed(&void, "k-3").await;
    assert_as_predicted(&void, &voided);
    let again = world.seen(ended, &external).await;
    assert_eq!(again.plan(), Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn a_batch_creates_changes_and_voids_at_once() {
    let world = World::start(american()).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let steps = [case.step(), case.step(), case.step()];
    let (call, elements) = world.write(&steps, "k-1").await;
    let ids: Vec<Landed> = elements
        .into_iter()
        .map(|element| match element {
            ElementResult::Done(landed) => landed,
            ElementResult::Failed(failure) => panic!("{failure:?}"),
        })
        .collect();
    let found = world.look_up(&call).await;
    let present: Vec<Presence> = ids.iter().cloned().map(Presence::Present).collect();
    assert_eq!(found, present);

    let mut changed = case.clone();
    if let model::Body::Invoice(invoice) = &mut changed.document.body {
        invoice.due_on = Some(day("2026-06-30"));
    }
    let changed = changed.linked(&ids[0].external_id, &ids[0].fingerprint, LinkState::Active);
    let update = world.seen(changed, &ids[0].external_id).await.step();
    let ended = case
        .clone()
        .linked(&ids[1].external_id, &ids[1].fingerprint, LinkState::Active)
        .ending(Lifecycle::Voided);
    let void = world.seen(ended, &ids[1].external_id).await.step();
    // The new one is last, so that each member has a marker of its own in the books.
    let mixed = [update, void, case.step(), case.step()];
    let (call, elements) = world.write(&mixed, "k-2").await;
    for (step, element) in mixed.iter().zip(&elements) {
        let ElementResult::Done(landed) = element else {
            panic!("{element:?}");
        };
        assert_as_predicted(step, landed);
    }
    let found = world.look_up(&call).await;
    let is_present = |presence: &Presence| matches!(presence, Presence::Present(_));
    assert!(is_present(&found[0]) && is_present(&found[1]), "{found:?}");
    // The third marker is on an invoice of the first batch too: two copies, both named.
    assert!(matches!(&found[2], Presence::Duplicate(ids) if ids.len() == 2));
    assert!(is_present(&found[3]));
}

#[tokio::test]
async fn a_reply_that_was_lost_spoiled_or_another_documents_is_looked_up_and_adopted() {
    let world = World::start(american()).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let spoiled = [
        json!({"commitThenStatus": {"code": 503}}),
        json!({"truncate": {"lengthMatches": true}}),
        json!({"wrongBody": {"body": "<html/>"}}),
        json!({"okWithFault": {"executed": true}}),
        json!("replyForOther"),
    ];
    let first = world.landed(&case.step(), "k-first").await;
    for (number, action) in spoiled.iter().enumerate() {
        let rule = json!({"action": action, "match": {"operation": "create"}, "times": 1});
        world.control("POST", "/faults", &rule).await;
        // A marker of its own: the member takes the second, third ... place of a longer call.
        let place = number + 1;
        let steps = vec![case.step(); place + 1];
        let call = now(past(&steps));
        let member = &call.members[place];
        let request = Qbo
            .encode(
                &[provider_kit::Member {
                    ordinal: 0,
                    kind: member.kind,
                    step: &member.step,
                    marker: &member.marker,
                }],
                &format!("k-{number}"),
                &books(),
            )
            .unwrap();
        let reply = world.send(&request).await;
        let call = PastCall {
            members: vec![member.clone()],
            ..call
        };
        let unclear = Qbo.classify(&call, &reply).elements.remove(0);
        let ElementResult::Failed(failure) = unclear else {
            panic!("{action}: {unclear:?}");
        };
        assert_eq!(failure.kind, FailureKind::OutcomeUnknown, "{action}");
        let found = world.look_up(&call).await;
        let Presence::Present(landed) = &found[0] else {
            panic!("{action}: {found:?}");
        };
        assert_as_predicted(&member.step, landed);
        assert_ne!(landed.external_id, first.external_id);
    }
}

#[tokio::test]
async fn a_call_that_never_arrived_is_absent() {
    let world = World::start(american()).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let rule = json!({"action": {"status": {"code": 500}}, "match": {"operation": "create"}});
    world.control("POST", "/faults", &rule).await;
    let (call, elements) = world.write(&[case.step()], "k-1").await;
    assert!(matches!(
        &elements[0],
        ElementResult::Failed(failure) if failure.kind == FailureKind::OutcomeUnknown
    ));
    assert_eq!(world.look_up(&call).await, [Presence::Absent]);
}

#[tokio::test]
async fn people_in_the_books_are_noticed_and_never_overwritten() {
    let world = World::start(american()).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let landed = world.landed(&case.step(), "k-1").await;
    let mut changed = case.linked(&landed.external_id, &landed.fingerprint, LinkState::Active);
    if let model::Body::Invoice(invoice) = &mut changed.document.body {
        invoice.notes = Some("Changed.".to_owned());
    }
    let read = world.seen(changed, &landed.external_id).await;
    let stale = read.step();
    let edit = json!({"DueDate": "2026-12-31"});
    world
        .by_hand("edit", "Invoice", &landed.external_id, &edit)
        .await;
    let (call, elements) = world.write(std::slice::from_ref(&stale), "k-2").await;
    assert!(matches!(
        &elements[0],
        ElementResult::Failed(failure) if failure.code == STALE_REVISION
    ));
    let found = world.look_up(&call).await;
    assert!(matches!(&found[0], Presence::Differs(failure) if failure.code == STALE_REVISION));
    let read = world.seen(read, &landed.external_id).await;
    assert_eq!(read.refusal().code, "EDITED_IN_BOOKS");
    world
        .by_hand("delete", "Invoice", &landed.external_id, &json!({}))
        .await;
    let read = world.seen(read, &landed.external_id).await;
    assert_eq!(read.refusal().code, "DELETED_IN_BOOKS");
}

#[tokio::test]
async fn a_customer_is_changed_deactivated_and_brought_back() {
    let world = World::start(american()).await;
    let case = Case::client(client("Acme: Widgets"));
    let created = case.step();
    let landed = world.landed(&created, "k-1").await;
    assert_eq!(landed.fingerprint, created.fingerprint);
    let external = landed.external_id.clone();
    let taken = world.write(&[created], "k-2").await.1.remove(0);
    assert!(matches!(
        taken,
        ElementResult::Failed(failure) if failure.code == "6240" && failure.kind == FailureKind::Conflict
    ));

    // A bookkeeper's own field on the customer survives our change.
    let terms = json!({"SalesTermRef": {"value": "3"}, "Notes": format!("VIP {}", marker(1))});
    world.by_hand("edit", "Customer", &external, &terms).await;
    let mut changed = case.clone();
    if let model::Body::Client(person) = &mut changed.document.body {
        person.phone = None;
        person.address = None;
        person.email = Some("new@acme.example".to_owned());
    }
    let changed = changed.linked(&external, &landed.fingerprint, LinkState::Active);
    let changed = world.seen(changed, &external).await;
    let update = changed.step();
    let updated = world.landed(&update, "k-3").await;
    assert_eq!(updated.fingerprint, update.fingerprint);
    let read = world.seen(changed, &external).await;
    let Some(provider_kit::CurrentState::There(current)) =
        read.currents.get(provider_qbo::CUSTOMER, &external)
    else {
        panic!("gone");
    };
    assert_eq!(current.body["SalesTermRef"]["value"], "3");
    let notes = current.body["Notes"].as_str().unwrap();
    assert_eq!(notes, format!("VIP\n{}", marker(1)));

    let ended = read
        .linked(&external, &updated.fingerprint, LinkState::Active)
        .ending(Lifecycle::Deleted);
    let deactivation = ended.step();
    let inactive = world.landed(&deactivation, "k-4").await;
    assert_eq!(inactive.fingerprint, deactivation.fingerprint);
    let back = ended
        .linked(&external, &inactive.fingerprint, LinkState::Inactive)
        .ending(Lifecycle::Live);
    let back = world.seen(back, &external).await;
    let activation = back.step();
    let active = world.landed(&activation, "k-5").await;
    assert_eq!(active.fingerprint, activation.fingerprint);
}

#[tokio::test]
async fn predicted_totals_are_the_ones_the_books_state() {
    let profile = json!({
        "country": "GB", "homeCurrency": "GBP", "multicurrency": true,
        "exchangeRates": {"EUR": "0.85"},
    });
    let world = World::start(profile).await;
    let codes = [
        ("full", world.tax_code("20.0% S").await),
        ("reduced", world.tax_code("5.0% R").await),
        ("zero", world.tax_code("0.0% Z").await),
    ];
    let lines = || {
        vec![
            taxed(line("3", "0.335", "1.01"), "full", "20", "0.20"),
            taxed(line("7", "0.11", "0.77"), "full", "20", "0.15"),
            taxed(line("1", "10.49", "10.49"), "reduced", "5", "0.52"),
            taxed(line("1", "99.99", "99.99"), "zero", "0", "0"),
        ]
    };
    let mut customer = client("Acme");
    customer.currency = Some("GBP".parse().unwrap());
    let mut customer = Case::client(customer);
    customer.books.home_currency = Some("GBP".parse().unwrap());
    let landed = world.landed(&customer.step(), "customer").await;
    let build = |is_inclusive: bool, discount: Option<Discount>, count: usize| {
        let mut invoice = invoice(lines(), totals("1", "1", "1"));
        invoice.lines.truncate(count);
        invoice.currency = "GBP".parse().unwrap();
        invoice.tax_inclusive = is_inclusive;
        invoice.discount = discount;
        let mut case = Case::invoice(invoice).in_country("GB", &Value::Null);
        case.books.home_currency = Some("GBP".parse().unwrap());
        case.links.insert(
            model::DocumentKind::Client,
            id("c1"),
            provider_kit::Effect::main(provider_qbo::CUSTOMER),
            link(&landed.external_id, "0", "", LinkState::Active),
        );
        case.settings.tax_codes = codes
            .iter()
            .map(|(rate, code)| ((*rate).to_owned(), code.clone()))
            .collect();
        case
    };
    let percent = Discount::Percent("12.5".parse().unwrap());
    let amount = Discount::Amount("0.33".parse().unwrap());
    let cases = [
        build(false, None, 4),
        build(true, None, 4),
        build(false, Some(percent), 2),
        build(false, Some(amount), 1),
    ];
    for (number, case) in cases.iter().enumerate() {
        let step = case.step();
        let landed = world.landed(&step, &format!("k-{number}")).await;
        assert_as_predicted(&step, &landed);
    }
}

#[tokio::test]
async fn american_manual_tax_and_discounts_come_out_as_predicted() {
    let world = World::start(american()).await;
    let code = world.tax_code("California").await;
    let mut discounted = invoice(
        vec![
            taxed(line("3", "33.33", "99.99"), "r1", "8", "8"),
            taxed(line("1", "0.07", "0.07"), "r1", "8", "0.01"),
        ],
        totals("100.06", "8", "108.06"),
    );
    discounted.discount = Some(Discount::Percent("10".parse().unwrap()));
    let case = Case::invoice(discounted).in_country("US", &json!("MANUAL_US"));
    let mut case = world.with_customer(case).await;
    case.settings.default_tax_code = Some(code);
    let step = case.step();
    let landed = world.landed(&step, "k-1").await;
    assert_as_predicted(&step, &landed);
}

#[tokio::test]
async fn an_ended_consent_and_a_throttle_stop_the_books() {
    let world = World::start(american()).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let rule = json!({"action": {"status": {"code": 429}}, "times": 1});
    world.control("POST", "/faults", &rule).await;
    let kind = |elements: &[ElementResult]| match &elements[0] {
        ElementResult::Failed(failure) => (failure.kind, failure.scope),
        ElementResult::Done(landed) => panic!("{landed:?}"),
    };
    let (_, slow) = world.write(&[case.step()], "k-1").await;
    assert_eq!(kind(&slow), (FailureKind::Throttled, model::Scope::Books));
    world
        .control("POST", &format!("/disconnect/{REALM}"), &json!({}))
        .await;
    let (_, locked) = world.write(&[case.step()], "k-1").await;
    assert_eq!(
        kind(&locked),
        (FailureKind::Unauthorized, model::Scope::Books)
    );
}
