//! What became of unclear calls: which reads ask, and what their answers prove.

use model::Operation;
use provider_kit::{External, Judgement, PastCall, Presence, Provider as _, Request, Step};
use provider_xero::Xero;
use serde_json::{Value, json};

use super::support::*;

fn lookups(call: &PastCall) -> Vec<Request> {
    Xero.lookups(call, &books())
}

fn query<'r>(request: &'r Request, name: &str) -> &'r str {
    let mut found = request.query.iter().filter(|(own, _)| own == name);
    found.next().map_or("", |(_, value)| value)
}

/// What the look-up says when every read shows these objects.
fn judged(call: &PastCall, plural: &str, objects: &[Value]) -> Vec<Presence> {
    let replies = vec![ok(&json!({ plural: objects })); lookups(call).len()];
    match Xero.judge(call, &replies).unwrap() {
        Judgement::Settled(found) => found,
        other @ Judgement::More(_) => panic!("{other:?}"),
    }
}

fn differs(presence: &Presence) -> &str {
    match presence {
        Presence::Differs(failure) => &failure.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_created_invoice_is_asked_for_in_the_window_of_our_app_and_by_number() {
    let mut comma = plain_invoice();
    comma.number = "A,B".to_owned();
    let call = past(&[
        Case::invoice(plain_invoice()).step(),
        Case::invoice(comma).step(),
    ]);
    let requests = lookups(&call);
    assert_eq!(requests.len(), 2);
    let since = (
        "if-modified-since".to_owned(),
        "2026-03-01T11:50:00".to_owned(),
    );
    assert!(requests[0].headers.contains(&since), "ten minutes before");
    assert_eq!(query(&requests[0], "createdByMyApp"), "true");
    assert_eq!(query(&requests[0], "where"), "Type==\"ACCREC\"");
    assert_eq!(
        query(&requests[1], "InvoiceNumbers"),
        "INV-1001",
        "a comma would be two"
    );
}

#[test]
fn many_numbers_are_asked_for_in_reads_of_bounded_length() {
    let steps: Vec<Step> = (0..50)
        .map(|number| {
            let mut client = client("Acme");
            client.name = format!("Customer \"{number}\" {}", "x".repeat(100));
            Case::client(client).step()
        })
        .collect();
    let requests = lookups(&past(&steps));
    assert!(requests.len() > 2);
    let mut named = 0;
    for request in &requests {
        let filter = query(request, "where");
        assert!(filter.len() <= 1_400, "{}", filter.len());
        assert_eq!(query(request, "includeArchived"), "true");
        named += filter.matches("ContactNumber==").count();
    }
    assert_eq!(named, 50);
    assert!(query(&requests[0], "where").contains(r#"Name=="Customer \"0\" xxx"#));
}

#[test]
fn a_payment_is_asked_for_among_those_of_its_invoice() {
    let steps = [
        Case::payment(payment("60", &[("i1", "60")])).step(),
        Case::payment(payment("10", &[("i1", "10")])).step(),
        Case::payment(payment("40", &[("i2", "40")])).step(),
    ];
    let requests = lookups(&past(&steps));
    assert_eq!(requests.len(), 1);
    let wanted = format!(
        "Invoice.InvoiceID==guid(\"{}\") OR Invoice.InvoiceID==guid(\"{}\")",
        guid(11),
        guid(12)
    );
    assert_eq!(query(&requests[0], "where"), wanted);
}

#[test]
fn a_payment_is_found_by_its_mark_unless_it_was_deleted() {
    let step = Case::payment(payment("60", &[("i1", "60")])).step();
    let call = past(std::slice::from_ref(&step));
    let mut ours = standing(&step, "PaymentID", &guid(51));
    ours["Reference"] = json!(format!("Transfer {}", provider_xero::mark(&marker(1))));
    let mut theirs = standing(&step, "PaymentID", &guid(52));
    theirs["Reference"] = json!("Transfer");
    assert_eq!(
        judged(&call, "Payments", &[theirs.clone()]),
        [Presence::Absent]
    );
    let found = judged(&call, "Payments", &[theirs, ours.clone()]);
    assert!(matches!(&found[0], Presence::Present(landed) if landed.external_id == guid(51)));
    let mut twin = ours.clone();
    twin["PaymentID"] = json!(guid(53));
    let both = judged(&call, "Payments", &[ours.clone(), twin]);
    assert_eq!(both, [Presence::Duplicate(vec![guid(51), guid(53)])]);
    ours["Status"] = json!("DELETED");
    assert_eq!(judged(&call, "Payments", &[ours]), [Presence::Absent]);
}

#[test]
fn a_number_or_name_that_is_somebody_elses_is_asked_about_and_never_adopted() {
    let invoice = Case::invoice(plain_invoice()).step();
    let mut stranger = standing(&invoice, "InvoiceID", &guid(51));
    stranger["InvoiceNumber"] = json!("inv-1001");
    let call = past(std::slice::from_ref(&invoice));
    assert_eq!(
        differs(&judged(&call, "Invoices", &[stranger.clone()])[0]),
        "TAKEN_IN_BOOKS"
    );
    stranger["InvoiceNumber"] = json!("INV-1002");
    assert_eq!(judged(&call, "Invoices", &[stranger]), [Presence::Absent]);

    let contact = Case::client(client("Acme")).step();
    let call = past(std::slice::from_ref(&contact));
    let mut namesake = standing(&contact, "ContactID", &guid(51));
    namesake["ContactStatus"] = json!("ACTIVE");
    assert_eq!(
        differs(&judged(&call, "Contacts", &[namesake.clone()])[0]),
        "TAKEN_IN_BOOKS"
    );
    namesake["ContactStatus"] = json!("ARCHIVED");
    assert_eq!(
        judged(&call, "Contacts", &[namesake]),
        [Presence::Absent],
        "archived names are free"
    );
}

#[test]
fn a_contact_that_was_merged_meanwhile_is_where_it_went() {
    let contact = Case::client(client("Acme")).step();
    let call = past(std::slice::from_ref(&contact));
    let mut merged = standing(&contact, "ContactID", &guid(51));
    merged["ContactNumber"] = json!(provider_xero::mark(&marker(1)));
    merged["ContactStatus"] = json!("ARCHIVED");
    merged["MergedToContactID"] = json!(guid(52));
    let found = judged(&call, "Contacts", &[merged]);
    let Presence::Present(landed) = &found[0] else {
        panic!("{found:?}");
    };
    assert_eq!(landed.external_id, guid(52));
    assert_eq!(
        landed.fingerprint, contact.fingerprint,
        "a person's change shows at the next update"
    );
}

#[test]
fn a_question_too_wide_is_answered_by_the_window_alone() {
    let step = Case::credit_note(credit_note(&[])).step();
    let call = past(std::slice::from_ref(&step));
    assert_eq!(lookups(&call).len(), 2);
    let window = ok(&json!({"CreditNotes": []}));
    let wide = reply(
        400,
        &json!({"ErrorNumber": 16, "Message": "More than 100,000 records"}),
    );
    let judge = |replies: &[provider_kit::Reply]| Xero.judge(&call, replies);
    assert_eq!(
        judge(&[window.clone(), wide.clone()]).unwrap(),
        Judgement::Settled(vec![Presence::Absent])
    );
    assert!(
        judge(&[wide, window.clone()]).is_err(),
        "the window itself must be whole"
    );
    let odd = reply(
        400,
        &json!({"ErrorNumber": 16, "Message": "Expression expected"}),
    );
    assert!(judge(&[window, odd]).is_err());
}

fn allocation(operation: Operation, before: &str) -> Step {
    let ahead = Case::credit_note(credit_note(&[("i1", "60")])).steps();
    let mut step = ahead[1].clone();
    step.operation = operation;
    step.target = Some(External {
        id: format!("{}/{}", guid(50), guid(11)),
        revision: before.to_owned(),
    });
    if operation == Operation::Delete {
        step.body = json!({"AllocationID": guid(90)});
    }
    step
}

fn note(rows: &[(u32, u32, &str)]) -> Value {
    let row = |(row, invoice, amount): &(u32, u32, &str)| json!({"AllocationID": guid(*row), "Amount": amount, "Invoice": {"InvoiceID": guid(*invoice)}});
    json!({"CreditNoteID": guid(50), "Allocations": rows.iter().map(row).collect::<Vec<_>>()})
}

#[test]
fn an_allocation_is_the_sum_with_ours_the_sum_without_or_a_persons() {
    let call = past(&[allocation(Operation::Update, "15")]);
    let requests = lookups(&call);
    assert_eq!(requests.len(), 1);
    assert_eq!(
        query(&requests[0], "where"),
        format!("CreditNoteID==guid(\"{}\")", guid(50))
    );
    let say = |rows: &[(u32, u32, &str)]| judged(&call, "CreditNotes", &[note(rows)]).remove(0);
    assert_eq!(say(&[(89, 11, "15")]), Presence::Absent);
    assert!(matches!(
        say(&[(89, 11, "15"), (90, 11, "60.00")]),
        Presence::Present(_)
    ));
    assert!(matches!(
        say(&[(90, 11, "75"), (91, 12, "9")]),
        Presence::Present(_)
    ));
    assert_eq!(differs(&say(&[(89, 11, "14.99")])), "STALE_REVISION");
    assert_eq!(
        differs(&say(&[(90, 11, "135")])),
        "STALE_REVISION",
        "twice ours"
    );
    assert_eq!(
        differs(&judged(&call, "CreditNotes", &[])[0]),
        "STALE_REVISION"
    );
}

#[test]
fn an_allocation_that_was_taken_off_is_not_among_the_rows() {
    let call = past(&[allocation(Operation::Delete, "60")]);
    let say = |rows: &[(u32, u32, &str)]| judged(&call, "CreditNotes", &[note(rows)]).remove(0);
    assert_eq!(say(&[(90, 11, "60")]), Presence::Absent);
    assert!(matches!(say(&[(91, 11, "60")]), Presence::Present(_)));
    assert!(matches!(say(&[]), Presence::Present(_)));
}
