//! Golden bytes of payments, credit memos, applications, items and imports.

use model::{FailureKind, ImportKind, Lifecycle, Operation};
use provider_kit::{Effect, LinkState, Provider as _, Step};
use provider_qbo::{APPLICATION, CREDIT_NOTE, INVOICE, Qbo};
use serde_json::json;

use super::encoding::matches_golden;
use super::support::*;

fn rich_payment() -> Case {
    let mut of = payment("250.50", &[("i1", "200"), ("i2", "30.25")]);
    of.method = Some("Check".to_owned());
    of.notes = Some("Thank you.".to_owned());
    of.reference = Some("CHQ/2026/0000000000000001".to_owned());
    of.currency = "EUR".parse().unwrap();
    of.exchange_rate = Some("1.0825".parse().unwrap());
    let mut case = Case::payment(of);
    case.link_invoice("i2", "131", LinkState::Active);
    case.settings.bank_account_id = Some("35".to_owned());
    case.books.extra = json!({"multicurrency": true, "paymentMethods": {"check": "2"}});
    case
}

fn ending(lifecycle: Lifecycle) -> Step {
    let case = Case::payment(payment("100", &[("i1", "100")]));
    let step = case.step();
    let there = returned(&sent(std::slice::from_ref(&step), 0), "180", "3", "0", "0");
    case.linked("180", &step.fingerprint, LinkState::Active)
        .ending(lifecycle)
        .seeing(&there)
        .step()
}

fn application() -> Step {
    let new = Case::credit_note(credit_note(&[]));
    let step = new.step();
    let memo = returned(
        &sent(std::slice::from_ref(&step), 0),
        "181",
        "0",
        "100",
        "0",
    );
    let mut invoice = returned(
        &sent(&[Case::invoice(plain_invoice()).step()], 0),
        "130",
        "0",
        "100",
        "0",
    );
    invoice["Balance"] = json!(100);
    let mut memo = memo;
    memo["RemainingCredit"] = json!(100);
    Case::credit_note(credit_note(&[("i1", "60")]))
        .linked("181", &step.fingerprint, LinkState::Active)
        .reading(&Effect::main(CREDIT_NOTE), &memo)
        .reading(&Effect::main(INVOICE), &invoice)
        .step()
}

#[test]
fn payments_are_created_voided_and_deleted_with_these_bytes() {
    matches_golden(
        "payment_create",
        &encode(&[rich_payment().step()], "k-create").unwrap(),
    );
    let void = ending(Lifecycle::Voided);
    matches_golden(
        "payment_void",
        &encode(std::slice::from_ref(&void), "k-void").unwrap(),
    );
    let delete = ending(Lifecycle::Deleted);
    matches_golden(
        "payment_delete",
        &encode(std::slice::from_ref(&delete), "k-delete").unwrap(),
    );
    let plain = Case::payment(payment("100", &[("i1", "100")])).step();
    matches_golden(
        "payment_batch",
        &encode(&[plain.clone(), plain, delete.clone()], "k-batch").unwrap(),
    );
    // How a payment is voided in a batch is not documented, so two of them are two calls.
    let failure = encode(&[void.clone(), void], "k").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Defect);
    assert_eq!(delete.operation, Operation::Delete);
}

#[test]
fn a_credit_memo_and_its_application_are_created_with_these_bytes() {
    let memo = Case::credit_note(credit_note(&[])).step();
    matches_golden("creditmemo_create", &encode(&[memo], "k-memo").unwrap());
    matches_golden(
        "application_create",
        &encode(&[application()], "k-apply").unwrap(),
    );
}

#[test]
fn an_item_is_created_and_changed_with_these_bytes() {
    let case = Case::product("HOURS: \"senior\"");
    let step = case.step();
    matches_golden(
        "item_create",
        &encode(std::slice::from_ref(&step), "k-item").unwrap(),
    );
    let mut there = returned(&sent(std::slice::from_ref(&step), 0), "23", "1", "0", "0");
    there["Active"] = json!(false);
    there["Name"] = json!("HOURS- 'senior' (deleted)");
    let inactive = read_one(&case.effect(), &there).landed.fingerprint;
    let back = case
        .linked("23", &inactive, LinkState::Inactive)
        .seeing(&there)
        .step();
    matches_golden("item_update", &encode(&[back], "k-back").unwrap());
}

#[test]
fn money_is_looked_up_and_read_with_these_bytes() {
    let steps = [rich_payment().step()];
    let lookups = Qbo.lookups(&past(&steps), &books());
    assert_eq!(lookups.len(), 1);
    matches_golden("lookup_created_payments", &lookups[0]);
    let lookups = Qbo.lookups(&past(&[application()]), &books());
    assert_eq!(lookups.len(), 1, "an application has no number");
    let memos = Qbo.lookups(
        &past(&[Case::credit_note(credit_note(&[])).step()]),
        &books(),
    );
    matches_golden("lookup_creditmemos_by_number", &memos[1]);
    let ids = [target("190", "0"), target("191", "1")];
    let read = Qbo.read(&Effect::main(APPLICATION), &ids, &books());
    matches_golden("read_applications", &read);
}

#[test]
fn imports_ask_with_these_bytes() {
    for what in ImportKind::ALL {
        let requests = Qbo.imports(what, &books());
        for (place, request) in requests.iter().enumerate() {
            let name = what.as_str().to_lowercase();
            matches_golden(&format!("import_{name}_{place}"), request);
        }
    }
}
