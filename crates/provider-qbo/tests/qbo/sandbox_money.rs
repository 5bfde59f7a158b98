//! Payments, credit notes, items and imports against the sandbox over real HTTP, to the cent.

use model::document::Allocation;
use model::{DocumentKind, FailureKind, ImportKind, Lifecycle};
use provider_kit::{
    Effect, ElementResult, Import, Imported, LinkState, Plan, Presence, Provider as _, References,
};
use provider_qbo::{APPLICATION, CREDIT_NOTE, INVOICE, ITEM, PAYMENT, Qbo};
use serde_json::{Value, json};

use super::support::*;
use super::world::*;

fn american() -> Value {
    json!({"country": "US", "homeCurrency": "USD", "taxMode": "usManual"})
}

fn main_of(kind: &str) -> Effect {
    Effect::main(kind)
}

/// A world with a customer and invoices `i1`, `i2` … of 100 each; answers a case that knows their links.
async fn with_invoices(world: &World, count: usize, case: Case) -> Case {
    let mut case = world.with_customer(case).await;
    let customer = case
        .links
        .get(DocumentKind::Client, &id("c1"), &main_of("customer"))
        .cloned()
        .unwrap();
    for number in 1..=count {
        let mut own = plain_invoice();
        own.number = format!("INV-{number}");
        let mut invoice = Case::invoice(own);
        invoice.document.id = id(&format!("i{number}"));
        invoice.links.insert(
            DocumentKind::Client,
            id("c1"),
            main_of("customer"),
            customer.clone(),
        );
        let done = world.brought_about(invoice).await;
        let link = done
            .links
            .get(DocumentKind::Invoice, &done.document.id, &main_of(INVOICE))
            .cloned()
            .unwrap();
        let source = done.document.id.clone();
        case.links
            .insert(DocumentKind::Invoice, source, main_of(INVOICE), link);
    }
    case
}

fn external(case: &Case, kind: DocumentKind, source: &str, effect: &Effect) -> String {
    let link = case.links.get(kind, &id(source), effect).unwrap();
    link.external_id.clone()
}

/// What is open of an invoice, or left of a credit memo.
async fn open(world: &World, case: &Case, source: &str) -> String {
    let id = external(case, DocumentKind::Invoice, source, &main_of(INVOICE));
    let object = world.object(&main_of(INVOICE), &id).await.unwrap();
    object["Balance"].to_string()
}

fn next_version(mut case: Case, allocations: &[(&str, &str)]) -> Case {
    case.document.version += 1;
    let parts: Vec<Allocation> = allocations
        .iter()
        .map(|(invoice, amount)| allocation(invoice, amount))
        .collect();
    match &mut case.document.body {
        model::Body::Payment(payment) => payment.allocations = parts,
        model::Body::CreditNote(note) => note.allocations = parts,
        other => panic!("{other:?} has no allocations"),
    }
    case
}

fn ended(mut case: Case, lifecycle: Lifecycle) -> Case {
    case.document.version += 1;
    case.ending(lifecycle)
}

#[tokio::test]
async fn a_payment_lives_its_whole_life_in_the_books() {
    let world = World::start(american()).await;
    let paid = Case::payment(payment("150", &[("i1", "100"), ("i2", "30")]));
    let case = with_invoices(&world, 2, paid).await;
    let case = world.brought_about(case).await;
    let own = external(&case, DocumentKind::Payment, "p1", &main_of(PAYMENT));
    assert_eq!(open(&world, &case, "i1").await, "0");
    assert_eq!(open(&world, &case, "i2").await, "70");
    let there = world.object(&main_of(PAYMENT), &own).await.unwrap();
    assert_eq!(there["UnappliedAmt"].to_string(), "20");

    let case = next_version(case, &[("i2", "100")]);
    let case = world.brought_about(case).await;
    assert_eq!(open(&world, &case, "i1").await, "100");
    assert_eq!(open(&world, &case, "i2").await, "0");
    let case = next_version(case, &[]);
    let case = world.brought_about(case).await;
    assert_eq!(open(&world, &case, "i2").await, "100");

    let case = world.brought_about(ended(case, Lifecycle::Voided)).await;
    let there = world.object(&main_of(PAYMENT), &own).await.unwrap();
    assert_eq!(there["TotalAmt"].to_string(), "0");
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn a_deleted_payment_is_gone_from_the_books() {
    let world = World::start(american()).await;
    let paid = Case::payment(payment("100", &[("i1", "100")]));
    let case = with_invoices(&world, 1, paid).await;
    let case = world.brought_about(case).await;
    let own = external(&case, DocumentKind::Payment, "p1", &main_of(PAYMENT));
    let case = world.brought_about(ended(case, Lifecycle::Deleted)).await;
    assert_eq!(world.object(&main_of(PAYMENT), &own).await, None);
    assert_eq!(open(&world, &case, "i1").await, "100");
}

#[tokio::test]
async fn a_deposited_payment_is_a_question() {
    let world = World::start(american()).await;
    let paid = Case::payment(payment("100", &[("i1", "100")]));
    let case = with_invoices(&world, 1, paid).await;
    let case = world.brought_about(case).await;
    let own = external(&case, DocumentKind::Payment, "p1", &main_of(PAYMENT));
    let deposit = json!({
        "DepositToAccountRef": {"value": "35"},
        "Line": [{"Amount": 100, "LinkedTxn": [{"TxnId": own, "TxnType": "Payment", "TxnLineId": "0"}]}],
    });
    world.by_hand("create", "Deposit", "", &deposit).await;
    let (case, plan) = world.planned(ended(case, Lifecycle::Voided)).await;
    let Plan::Steps(steps) = plan else {
        panic!("{plan:?}");
    };
    let refused = world.write(&steps, "k-void").await.1.remove(0);
    assert!(matches!(refused, ElementResult::Failed(failure)
        if failure.code == "6540" && failure.kind == FailureKind::Conflict));
    assert_eq!(open(&world, &case, "i1").await, "0");
}

#[tokio::test]
async fn a_payment_whose_reply_was_lost_is_found_and_not_sent_twice() {
    let world = World::start(american()).await;
    let paid = Case::payment(payment("40", &[("i1", "40")]));
    let case = with_invoices(&world, 1, paid).await;
    let rule = json!({
        "action": {"commitThenStatus": {"code": 503}}, "times": 1,
        "match": {"operation": "create", "entity": "Payment"},
    });
    world.control("POST", "/faults", &rule).await;
    let step = case.step();
    let (call, unclear) = world.write(std::slice::from_ref(&step), "k-1").await;
    assert!(matches!(&unclear[0], ElementResult::Failed(failure)
        if failure.kind == FailureKind::OutcomeUnknown));
    let found = world.look_up(&call).await;
    let Presence::Present(landed) = &found[0] else {
        panic!("{found:?}");
    };
    assert_eq!(landed.fingerprint, step.fingerprint);
    // QuickBooks would take a second one: nothing but the marker tells that the first is there.
    assert_eq!(open(&world, &case, "i1").await, "60");
}

#[tokio::test]
async fn an_invoice_voided_by_a_person_frees_its_payment_and_our_next_version_finds_it_so() {
    let world = World::start(american()).await;
    let paid = Case::payment(payment("100", &[("i1", "100")]));
    let case = with_invoices(&world, 1, paid).await;
    let case = world.brought_about(case).await;
    let invoice = external(&case, DocumentKind::Invoice, "i1", &main_of(INVOICE));
    world.by_hand("void", "Invoice", &invoice, &json!({})).await;
    // ProjectLedger follows: the money is on the account. The books hold it so already.
    let case = next_version(case, &[]);
    let (_, plan) = world.planned(case).await;
    assert_eq!(plan, Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn a_credit_note_lives_its_whole_life_in_the_books() {
    let world = World::start(american()).await;
    let note = Case::credit_note(credit_note(&[("i1", "60"), ("i2", "30")]));
    let case = with_invoices(&world, 3, note).await;
    let case = world.brought_about(case).await;
    let memo = external(&case, DocumentKind::CreditNote, "n1", &main_of(CREDIT_NOTE));
    assert_eq!(open(&world, &case, "i1").await, "40");
    assert_eq!(open(&world, &case, "i2").await, "70");
    let there = world.object(&main_of(CREDIT_NOTE), &memo).await.unwrap();
    assert_eq!(there["RemainingCredit"].to_string(), "10");

    // One grows, one is dropped, one comes.
    let case = next_version(case, &[("i1", "75"), ("i3", "25")]);
    let case = world.brought_about(case).await;
    assert_eq!(open(&world, &case, "i1").await, "25");
    assert_eq!(open(&world, &case, "i2").await, "100");
    assert_eq!(open(&world, &case, "i3").await, "75");
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));

    let case = world.brought_about(ended(case, Lifecycle::Voided)).await;
    for invoice in ["i1", "i2", "i3"] {
        assert_eq!(open(&world, &case, invoice).await, "100");
    }
    assert_eq!(world.object(&main_of(CREDIT_NOTE), &memo).await, None);
}

#[tokio::test]
async fn books_that_apply_credit_by_themselves_are_never_credited_twice() {
    let mut profile = american();
    profile["autoApplyCredit"] = json!(true);
    let world = World::start(profile).await;
    // QuickBooks takes the oldest invoice: i1, all of it. ProjectLedger meant 60 for i1 and 40 for i2.
    let note = Case::credit_note(credit_note(&[("i1", "60"), ("i2", "40")]));
    let case = with_invoices(&world, 2, note).await;
    let create = case.clone();
    let (mut case, plan) = world.planned(create).await;
    let Plan::Steps(steps) = plan else {
        panic!("{plan:?}");
    };
    let landed = world.landed(&steps[0], "k-memo").await;
    let own = link(
        &landed.external_id,
        "0",
        &landed.fingerprint,
        LinkState::Active,
    );
    case.links.insert(
        DocumentKind::CreditNote,
        id("n1"),
        main_of(CREDIT_NOTE),
        own,
    );
    assert_eq!(open(&world, &case, "i1").await, "0", "applied unasked");
    let (case, plan) = world.planned(case).await;
    assert!(matches!(plan, Plan::Refused(failure) if failure.code == "APPLIED_MORE"));
    assert_eq!(open(&world, &case, "i2").await, "100", "nothing was sent");

    // Where QuickBooks did just what ProjectLedger says, nothing is left to do.
    let case = next_version(case, &[("i1", "100")]);
    let (_, plan) = world.planned(case).await;
    assert_eq!(plan, Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn a_credit_that_is_applied_in_part_by_quickbooks_gets_the_remainder() {
    let world = World::start(american()).await;
    let note = Case::credit_note(credit_note(&[]));
    let case = with_invoices(&world, 1, note).await;
    let case = world.brought_about(case).await;
    let memo = external(&case, DocumentKind::CreditNote, "n1", &main_of(CREDIT_NOTE));
    let invoice = external(&case, DocumentKind::Invoice, "i1", &main_of(INVOICE));
    let customer = external(&case, DocumentKind::Client, "c1", &main_of("customer"));
    let by_hand = json!({
        "CustomerRef": {"value": customer}, "TotalAmt": 0,
        "Line": [
            {"Amount": 45, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]},
            {"Amount": 45, "LinkedTxn": [{"TxnId": memo, "TxnType": "CreditMemo"}]},
        ],
    });
    world.by_hand("create", "Payment", "", &by_hand).await;
    let case = next_version(case, &[("i1", "60")]);
    let case = world.brought_about(case).await;
    assert_eq!(open(&world, &case, "i1").await, "40", "45 and 15");
    let own = Effect {
        kind: APPLICATION.to_owned(),
        part: "i1".to_owned(),
    };
    let own = external(&case, DocumentKind::CreditNote, "n1", &own);
    let there = world.object(&main_of(PAYMENT), &own).await.unwrap();
    assert_eq!(there["Line"][0]["Amount"].to_string(), "15");
}

#[tokio::test]
async fn a_number_that_is_our_own_is_adopted_and_a_strangers_is_asked_about() {
    let mut profile = american();
    profile["customTxnNumbers"] = json!(true);
    let world = World::start(profile).await;
    let case = world.with_customer(Case::invoice(plain_invoice())).await;
    let step = case.step();
    let first = world.landed(&step, "k-1").await;
    // As after a restore: nobody remembers the first call, and its key is another one.
    let (call, again) = world.write(std::slice::from_ref(&step), "k-2").await;
    assert!(
        matches!(&again[0], ElementResult::Failed(failure)
        if failure.code == "6140" && failure.kind == FailureKind::OutcomeUnknown),
        "{again:?}"
    );
    let found = world.look_up(&call).await;
    assert!(matches!(&found[0], Presence::Present(landed)
        if landed.external_id == first.external_id));
    // A person took the marker's words away, so nothing proves it ours any more.
    let changes = json!({"PrivateNote": "ours, says Jo"});
    world
        .by_hand("edit", "Invoice", &first.external_id, &changes)
        .await;
    let found = world.look_up(&call).await;
    assert!(
        matches!(&found[0], Presence::Differs(failure) if failure.code == "6140"
        && failure.kind == FailureKind::Conflict),
        "{found:?}"
    );
}

async fn imported(world: &World, what: ImportKind) -> Import {
    let mut replies = Vec::new();
    let mut wanted = Qbo.imports(what, &books());
    for _ in 0..10 {
        for request in &wanted {
            replies.push(world.send(request).await);
        }
        match Qbo.take_import(what, &replies, &books()).unwrap() {
            Imported::Done(import) => return import,
            Imported::More(more) => wanted = more,
        }
    }
    panic!("the import has no end");
}

#[tokio::test]
async fn british_books_are_imported_and_their_codes_found_by_percentage() {
    let world = World::start(json!({
        "country": "GB", "homeCurrency": "GBP", "multicurrency": true, "bookCloseDate": "2025-12-31",
        "customTxnNumbers": true,
    }))
    .await;
    let facts = imported(&world, ImportKind::Company).await.facts.unwrap();
    assert_eq!(facts.country.as_deref(), Some("GB"));
    assert_eq!(facts.home_currency.unwrap().as_str(), "GBP");
    assert_eq!(facts.extra["taxMode"], "PER_LINE");
    assert_eq!(facts.extra["multicurrency"], json!(true));
    assert_eq!(facts.extra["customTxnNumbers"], json!(true));
    assert_eq!(facts.extra["bookCloseDate"], "2025-12-31");
    let accounts = imported(&world, ImportKind::Accounts).await;
    let accounts = accounts.accounts.unwrap();
    assert!(
        accounts
            .iter()
            .any(|account| account.account_type == "Income")
    );
    let codes = imported(&world, ImportKind::TaxCodes).await;
    let codes = codes.tax_codes.unwrap();
    let standard = world.tax_code("20.0% S").await;
    let found = codes
        .iter()
        .find(|code| code.external_id == standard)
        .unwrap();
    assert_eq!(found.percent.unwrap().to_string(), "20");
    assert_eq!(found.rates.len(), 1);

    let invoice = invoice(
        vec![taxed(line("1", "100", "100"), "r1", "20", "20")],
        totals("100", "20", "120"),
    );
    let mut case = Case::invoice(invoice);
    case.books = facts;
    if let model::Body::Invoice(own) = &mut case.document.body {
        own.currency = "GBP".parse().unwrap();
    }
    case.references = References::new(accounts, codes);
    let body = case.step().body;
    let code = &body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"]["value"];
    assert_eq!(*code, json!(standard));
    assert_eq!(body.get("CurrencyRef"), None);
}

#[tokio::test]
async fn american_books_say_what_they_do_by_themselves() {
    let world = World::start(json!({
        "country": "US", "homeCurrency": "USD", "taxMode": "usAutomated", "autoApplyCredit": true,
        "autoApplyPayments": true, "allowDiscount": false,
    }))
    .await;
    let facts = imported(&world, ImportKind::Company).await.facts.unwrap();
    assert_eq!(facts.country.as_deref(), Some("US"));
    for (name, value) in [
        ("taxMode", json!("AST")),
        ("autoApplyCredit", json!(true)),
        ("autoApplyPayments", json!(true)),
        ("allowDiscount", json!(false)),
        ("multicurrency", json!(false)),
    ] {
        assert_eq!(facts.extra[name], value, "{name}");
    }
    let codes = imported(&world, ImportKind::TaxCodes).await.tax_codes;
    for pseudo in ["TAX", "NON"] {
        let codes = codes.as_deref().unwrap();
        let found = codes.iter().find(|code| code.external_id == pseudo);
        assert!(found.is_some_and(|code| !code.is_sales_tax), "{pseudo}");
    }
}

#[tokio::test]
async fn an_item_is_made_deactivated_and_brought_back() {
    let world = World::start(american()).await;
    let case = world.brought_about(Case::product("HOURS: senior")).await;
    let source = case.document.id.to_string();
    let own = external(&case, DocumentKind::Product, &source, &main_of(ITEM));
    let there = world.object(&main_of(ITEM), &own).await.unwrap();
    assert_eq!(there["Name"], "HOURS- senior");
    assert_eq!(there["IncomeAccountRef"]["value"], "79");
    let case = world.brought_about(ended(case, Lifecycle::Deleted)).await;
    let there = world.object(&main_of(ITEM), &own).await.unwrap();
    assert_eq!(there["Active"], json!(false));
    let case = world.brought_about(ended(case, Lifecycle::Live)).await;
    let there = world.object(&main_of(ITEM), &own).await.unwrap();
    assert_eq!(
        (&there["Active"], &there["Name"]),
        (&json!(true), &json!("HOURS- senior"))
    );
    assert_eq!(case.plan(), Plan::Steps(Vec::new()));
}

#[tokio::test]
async fn books_that_closed_meanwhile_say_so_and_are_read_again() {
    let mut profile = american();
    profile["bookCloseDate"] = json!("2026-12-31");
    let world = World::start(profile).await;
    let case = world.with_customer(Case::payment(payment("10", &[]))).await;
    // Planned with facts from before the closing.
    let refused = world.write(&[case.step()], "k-1").await.1.remove(0);
    let ElementResult::Failed(failure) = refused else {
        panic!("the books are closed");
    };
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Conflict, "6210")
    );
    assert_eq!(failure.asks_import, Some(ImportKind::Company));
}
