//! The provider against the sandbox over real HTTP: created, changed, paid, credited, ended, looked up, to the cent.

use model::document::{Body, Discount};
use model::{FailureKind, Lifecycle};
use provider_kit::{Effect, ElementResult, Landed, Plan, Prediction, Presence, Step};
use provider_xero::INVOICE;
use serde_json::json;

use super::support::*;
use super::world::*;

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

fn change(case: &mut Case, edit: impl FnOnce(&mut model::document::Invoice)) {
    match &mut case.document.body {
        Body::Invoice(invoice) => edit(invoice),
        other => panic!("{other:?}"),
    }
}

fn plain_case() -> Case {
    Case::invoice(plain_invoice())
}

#[tokio::test]
async fn an_invoice_lives_its_whole_life_in_the_books() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let step = world.steps(&mut case).await.remove(0);
    let landed = world.bring_about(&mut case, "create").await.remove(0);
    assert_as_predicted(&step, &landed);
    assert_eq!(world.plan(&mut case).await, Plan::Steps(Vec::new()));

    change(&mut case, |invoice| {
        invoice.lines.push(line("1", "20.50", "20.50"));
        invoice.totals = totals("120.50", "0", "120.50");
        invoice.reference = None;
    });
    let updated = world.bring_about(&mut case, "update").await.remove(0);
    assert_eq!(updated.external_id, landed.external_id);
    assert_eq!(updated.totals.unwrap().gross, "120.50".parse().unwrap());
    let entity = world.entity("Invoice", &landed.external_id).await;
    assert_eq!(entity["LineItems"].as_array().unwrap().len(), 2);

    let mut ended = case.ending(Lifecycle::Voided);
    world.bring_about(&mut ended, "void").await;
    let entity = world.entity("Invoice", &landed.external_id).await;
    assert_eq!(entity["Status"], "VOIDED");
    assert_eq!(world.plan(&mut ended).await, Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn taxed_discounted_foreign_and_inclusive_invoices_come_out_as_predicted() {
    let world = World::start().await;
    let mut off = line("3", "9.99", "26.97");
    off.discount = Some(Discount::Percent("10".parse().unwrap()));
    let lines = vec![
        taxed(line("2.5", "19.9999", "50.00"), "r1", "20", "10.00"),
        taxed(off, "r2", "5", "1.35"),
        line("1", "12.34567", "12.35"),
    ];
    let mut own = invoice(lines, totals("89.32", "11.35", "100.67"));
    own.discount = Some(Discount::Percent("3".parse().unwrap()));
    for (number, currency, is_inclusive) in [(1, "GBP", false), (2, "EUR", false), (3, "GBP", true)]
    {
        own.number = format!("T-{number}");
        own.currency = currency.parse().unwrap();
        own.exchange_rate = (currency == "EUR").then(|| "0.85".parse().unwrap());
        own.tax_inclusive = is_inclusive;
        let mut case = world.with_invoices(Case::invoice(own.clone()), &[]).await;
        let step = world.steps(&mut case).await.remove(0);
        let landed = world.bring_about(&mut case, &own.number).await.remove(0);
        assert_as_predicted(&step, &landed);
        assert_eq!(world.plan(&mut case).await, Plan::Steps(Vec::new()));
    }
}

#[tokio::test]
async fn two_lines_of_different_rates_find_their_tax_types_in_what_was_imported() {
    let world = World::start().await;
    let lines = vec![
        taxed(line("1", "100", "100"), "r1", "20", "20"),
        line("1", "50", "50"),
    ];
    let own = invoice(lines, totals("150", "20", "170"));
    let mut case = world.with_invoices(Case::invoice(own), &[]).await;
    let landed = world.bring_about(&mut case, "taxed").await.remove(0);
    let entity = world.entity("Invoice", &landed.external_id).await;
    assert_eq!(entity["LineItems"][0]["TaxType"], "OUTPUT2");
    assert_eq!(entity["LineItems"][1]["TaxType"], "NONE");
    assert_eq!(landed.totals.unwrap().tax, "20".parse().unwrap());
}

#[tokio::test]
async fn a_batch_is_created_changed_and_voided_at_once() {
    let world = World::start().await;
    let mut cases = Vec::new();
    for number in 0..3 {
        let mut own = plain_invoice();
        own.number = format!("B-{number}");
        let case = Case::new(&format!("b{number}"), Body::Invoice(own));
        cases.push(world.with_invoices(case, &[]).await);
    }
    let mut batch = Vec::new();
    for case in &mut cases {
        let step = world.steps(case).await.remove(0);
        let marker = marker_of(case, &step.effect);
        batch.push((step, marker));
    }
    let (call, elements) = world.write(&batch, "create").await;
    let landed: Vec<Landed> = elements
        .into_iter()
        .map(|element| match element {
            ElementResult::Done(landed) => landed,
            ElementResult::Failed(failure) => panic!("{failure:?}"),
        })
        .collect();
    let found = world.look_up(&call).await;
    let present: Vec<Presence> = landed.iter().cloned().map(Presence::Present).collect();
    assert_eq!(found, present);
    let mut voids = Vec::new();
    for (case, landed) in cases.into_iter().zip(&landed) {
        let mut known = link(
            &landed.external_id,
            &landed.fingerprint,
            provider_kit::LinkState::Active,
        );
        known.revision.clone_from(&landed.revision);
        let mut ended = case
            .with_link(Effect::main(INVOICE), known)
            .ending(Lifecycle::Deleted);
        let step = world.steps(&mut ended).await.remove(0);
        let marker = marker_of(&ended, &step.effect);
        voids.push((step, marker));
    }
    let (call, elements) = world.write(&voids, "void").await;
    assert!(
        elements
            .iter()
            .all(|one| matches!(one, ElementResult::Done(_))),
        "{elements:?}"
    );
    let found = world.look_up(&call).await;
    assert!(
        found.iter().all(|one| matches!(one, Presence::Present(_))),
        "{found:?}"
    );
}

#[tokio::test]
async fn one_bad_element_leaves_the_others_of_its_batch_saved_and_known() {
    let world = World::start().await;
    let mut batch = Vec::new();
    for number in 0..3 {
        let mut own = plain_invoice();
        own.number = format!("B-{number}");
        let case = Case::new(&format!("b{number}"), Body::Invoice(own));
        let mut case = world.with_invoices(case, &[]).await;
        if number == 1 {
            case.references = provider_kit::References::default();
            case.settings.invoice_account_id = Some("999".to_owned());
        }
        let step = world.steps(&mut case).await.remove(0);
        let marker = marker_of(&case, &step.effect);
        batch.push((step, marker));
    }
    let (call, elements) = world.write(&batch, "create").await;
    let is_done = |place: usize| matches!(elements[place], ElementResult::Done(_));
    assert!(is_done(0) && is_done(2), "{elements:?}");
    assert!(
        matches!(&elements[1], ElementResult::Failed(failure) if failure.code == "ACCOUNT_UNUSABLE"),
        "{elements:?}"
    );
    let found = world.look_up(&call).await;
    assert_eq!(found[1], Presence::Absent);
}

#[tokio::test]
async fn a_reply_that_was_lost_or_spoiled_is_looked_up_and_adopted() {
    let world = World::start().await;
    let spoiled = [
        json!({"commitThenStatus": {"code": 503}}),
        json!({"truncate": {"lengthMatches": true}}),
        json!({"wrongBody": {"body": "<html/>"}}),
        json!("commitThenDrop"),
    ];
    for (number, action) in spoiled.iter().enumerate() {
        let mut own = plain_invoice();
        own.number = format!("L-{number}");
        let case = Case::new(&format!("l{number}"), Body::Invoice(own));
        let mut case = world.with_invoices(case, &[]).await;
        let rule = json!({"action": action, "match": {"operation": "create"}, "times": 1});
        world.control("POST", "/faults", &rule).await;
        let step = world.steps(&mut case).await.remove(0);
        let marker = marker_of(&case, &step.effect);
        let batch = [(step.clone(), marker)];
        let (mut call, mut elements) = world.write(&batch, &format!("lost-{number}")).await;
        let ElementResult::Failed(failure) = elements.remove(0) else {
            panic!("{action}");
        };
        assert_eq!(failure.kind, FailureKind::OutcomeUnknown, "{action}");
        // The window reaches back from when the call was opened.
        call.opened_at = call.opened_at.min(instant("2026-01-01T00:00:00Z"));
        let found = world.look_up(&call).await;
        let Presence::Present(landed) = &found[0] else {
            panic!("{action}: {found:?}");
        };
        assert_as_predicted(&step, landed);
    }
}

#[tokio::test]
async fn a_second_creation_is_refused_looked_up_and_adopted() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let step = world.steps(&mut case).await.remove(0);
    let marker = marker_of(&case, &step.effect);
    let first = world.landed(&step, &marker, "first").await;
    let again = [(step.clone(), marker)];
    let (call, mut elements) = world.write(&again, "second").await;
    let ElementResult::Failed(failure) = elements.remove(0) else {
        panic!("two invoices under one number");
    };
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::OutcomeUnknown, "EXISTS_ALREADY")
    );
    let found = world.look_up(&call).await;
    assert!(
        matches!(&found[0], Presence::Present(landed) if landed.external_id == first.external_id)
    );

    // The same number under another's mark is a person's question.
    let theirs = [(step, super::support::marker(99))];
    let (call, _) = world.write(&theirs, "third").await;
    let found = world.look_up(&call).await;
    assert!(
        matches!(&found[0], Presence::Differs(failure) if failure.code == "TAKEN_IN_BOOKS"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_contact_is_adopted_by_its_number_and_never_by_its_name() {
    let world = World::start().await;
    let mut case = world.knowing(Case::client(client("Acme \"Quoted\" \\ Ltd")));
    let step = world.steps(&mut case).await.remove(0);
    let marker = marker_of(&case, &step.effect);
    let first = world.landed(&step, &marker, "first").await;
    let (call, elements) = world.write(&[(step.clone(), marker)], "second").await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.code == "EXISTS_ALREADY")
    );
    let found = world.look_up(&call).await;
    assert!(
        matches!(&found[0], Presence::Present(landed) if landed.external_id == first.external_id)
    );
    let (call, elements) = world
        .write(&[(step, super::support::marker(9))], "third")
        .await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.code == "EXISTS_ALREADY")
    );
    let found = world.look_up(&call).await;
    assert!(matches!(&found[0], Presence::Differs(failure) if failure.code == "TAKEN_IN_BOOKS"));
}

#[tokio::test]
async fn a_contact_is_changed_archived_and_restored() {
    let world = World::start().await;
    let mut case = world.knowing(Case::client(client("Acme")));
    let landed = world.bring_about(&mut case, "create").await.remove(0);
    if let Body::Client(client) = &mut case.document.body {
        client.email = None;
        client.address = None;
        client.phone = Some("+44 1".to_owned());
    }
    world.bring_about(&mut case, "update").await;
    assert_eq!(world.plan(&mut case).await, Plan::Steps(Vec::new()));
    let entity = world.entity("Contact", &landed.external_id).await;
    assert_eq!(entity["EmailAddress"], "");
    let mut over = case.ending(Lifecycle::Deleted);
    world.bring_about(&mut over, "archive").await;
    let entity = world.entity("Contact", &landed.external_id).await;
    assert_eq!(entity["ContactStatus"], "ARCHIVED");
    let mut back = over.ending(Lifecycle::Live);
    world.bring_about(&mut back, "restore").await;
    let entity = world.entity("Contact", &landed.external_id).await;
    assert_eq!(entity["ContactStatus"], "ACTIVE");
}

#[tokio::test]
async fn an_archived_contact_refuses_and_a_merged_one_is_followed() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let customer = Effect::main(provider_xero::CUSTOMER);
    let own = |case: &Case| {
        let link = case
            .links
            .get(model::DocumentKind::Client, &id("c1"), &customer);
        link.unwrap().clone()
    };
    let contact = own(&case).external_id;
    let step = world.steps(&mut case).await.remove(0);
    world
        .by_hand("archive", "Contact", &contact, &json!({}))
        .await;
    let (_, elements) = world.write(&[(step, marker(5))], "archived").await;
    let ElementResult::Failed(failure) = &elements[0] else {
        panic!("an archived contact takes no invoices");
    };
    assert_eq!(failure.code, "CUSTOMER_ARCHIVED");
    assert_eq!(failure.reference.as_ref().unwrap().external_id, contact);

    let mut other = world.knowing(Case::new("c2", Body::Client(client("Acme & Sons"))));
    let survivor = world
        .bring_about(&mut other, "other")
        .await
        .remove(0)
        .external_id;
    let work = json!({"tenantId": TENANT, "entity": "Contact", "id": contact, "action": "merge", "into": survivor});
    world.control("POST", "/human", &work).await;
    let mut inactive = own(&case);
    inactive.state = provider_kit::LinkState::Inactive;
    case.links.insert(
        model::DocumentKind::Client,
        id("c1"),
        customer.clone(),
        inactive,
    );
    let landed = world.bring_about(&mut case, "merged").await.remove(0);
    let entity = world.entity("Invoice", &landed.external_id).await;
    assert_eq!(entity["Contact"]["ContactID"], json!(survivor));
}

#[tokio::test]
async fn people_in_the_books_are_noticed_and_never_overwritten() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let landed = world.bring_about(&mut case, "create").await.remove(0);
    let invoice = landed.external_id;
    world
        .by_hand(
            "edit",
            "Invoice",
            &invoice,
            &json!({"DueDate": "2026-12-31"}),
        )
        .await;
    change(&mut case, |own| own.reference = Some("PO 8".to_owned()));
    match world.plan(&mut case).await {
        Plan::Refused(failure) => assert_eq!(failure.code, "EDITED_IN_BOOKS"),
        other => panic!("{other:?}"),
    }
    let mut ending = case.clone().ending(Lifecycle::Voided);
    assert!(
        matches!(world.plan(&mut ending).await, Plan::Refused(failure) if failure.code == "EDITED_IN_BOOKS")
    );
    world.by_hand("void", "Invoice", &invoice, &json!({})).await;
    ending.currents = provider_kit::Currents::default();
    assert_eq!(world.plan(&mut ending).await, Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn a_paid_invoice_takes_a_new_due_date_and_no_new_amount() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let landed = world.bring_about(&mut case, "create").await.remove(0);
    let pay = json!({"Amount": 40, "Date": "2026-03-05", "Account": {"Code": "090"}});
    world
        .by_hand("pay", "Invoice", &landed.external_id, &pay)
        .await;
    change(&mut case, |own| own.due_on = Some(day("2026-05-31")));
    world.bring_about(&mut case, "due").await;
    let entity = world.entity("Invoice", &landed.external_id).await;
    assert!(
        entity["DueDateString"]
            .as_str()
            .unwrap()
            .starts_with("2026-05-31")
    );
    change(&mut case, |own| {
        own.lines[0] = line("2", "60", "120");
        own.totals = totals("120", "0", "120");
    });
    case.currents = provider_kit::Currents::default();
    match world.plan(&mut case).await {
        Plan::Refused(failure) => assert_eq!(failure.code, "PAID_IN_BOOKS"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_locked_period_is_refused_in_the_sandboxs_words_and_in_ours() {
    let mut world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let step = world.steps(&mut case).await.remove(0);
    let lock = json!({"periodLockDate": "2026-03-31", "endOfYearLockDate": "2025-12-31"});
    world
        .control("PATCH", &format!("/organisations/{TENANT}"), &lock)
        .await;
    let (_, elements) = world.write(&[(step, marker(3))], "late").await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.code == "PERIOD_LOCKED"),
        "{elements:?}"
    );
    world.import().await;
    let case = world.knowing(case);
    assert_eq!(case.refusal().code, "PERIOD_LOCKED");
}

#[tokio::test]
async fn every_way_the_service_refuses_as_a_whole_is_known() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let step = world.steps(&mut case).await.remove(0);
    for (name, code) in [
        ("minute", "LIMIT_MINUTE"),
        ("day", "LIMIT_DAY"),
        ("concurrent", "LIMIT_CONCURRENT"),
        ("appminute", "LIMIT_APP_MINUTE"),
        ("tokenExpired", "TOKEN_EXPIRED"),
        ("authenticationUnsuccessful", "TOKEN_REFUSED"),
        ("insufficientScope", "SCOPE_MISSING"),
        ("forbidden", "ORGANISATION_DISCONNECTED"),
        ("maintenance", "XERO_OFFLINE"),
        ("unavailable", "XERO_OFFLINE"),
        ("organisationOffline", "ORGANISATION_OFFLINE"),
    ] {
        let rule = json!({"action": {"refuse": {"name": name}}, "match": {"operation": "create"}, "times": 1});
        world.control("POST", "/faults", &rule).await;
        let (_, elements) = world.write(&[(step.clone(), marker(3))], name).await;
        assert!(
            matches!(&elements[0], ElementResult::Failed(failure) if failure.code == code),
            "{name}: {elements:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_met_other_bytes_is_looked_up() {
    let world = World::start().await;
    let mut case = world.with_invoices(plain_case(), &[]).await;
    let step = world.steps(&mut case).await.remove(0);
    world.landed(&step, &marker(3), "one-key").await;
    let (_, elements) = world.write(&[(step, marker(4))], "one-key").await;
    assert!(
        matches!(&elements[0], ElementResult::Failed(failure) if failure.code == "KEY_REUSED"),
        "{elements:?}"
    );
}
