//! What replies say: proofs, doubts, faults of every shape, hostile bodies.

use model::failure::STALE_REVISION;
use model::{Failure, FailureKind, Lifecycle, Owner, Scope};
use provider_kit::{ElementResult, LinkState, Provider as _, Reply, Step};
use provider_qbo::Qbo;
use serde_json::{Value, json};

use super::support::*;

fn step() -> Step {
    Case::invoice(plain_invoice()).step()
}

fn there(steps: &[Step], place: usize, id: &str) -> Value {
    returned(&sent(steps, place), id, "0", "100", "0")
}

fn results(steps: &[Step], reply: &Reply) -> Vec<ElementResult> {
    let result = Qbo.classify(&past(steps), reply);
    assert_eq!(result.elements.len(), steps.len());
    assert_eq!(result.correlation.as_deref(), Some("1-abc-def"));
    result.elements
}

fn failure(result: &ElementResult) -> &Failure {
    match result {
        ElementResult::Failed(failure) => failure,
        ElementResult::Done(landed) => panic!("expected a failure, got {landed:?}"),
    }
}

fn alone(reply: &Reply) -> Failure {
    failure(&results(&[step()], reply)[0]).clone()
}

fn fault(code: &str, message: &str, detail: &str) -> Value {
    json!({"Fault": {
        "Error": [{"Message": message, "Detail": detail, "code": code, "element": ""}],
        "type": "ValidationFault",
    }, "time": "2026-03-01T04:00:00.000-08:00"})
}

#[test]
fn a_creation_is_done_when_the_reply_proves_it() {
    let steps = [step()];
    let reply = json_reply(&json!({"Invoice": there(&steps, 0, "155"), "time": "x"}));
    let ElementResult::Done(landed) = &results(&steps, &reply)[0] else {
        panic!("not done");
    };
    assert_eq!(
        (landed.external_id.as_str(), landed.revision.as_str()),
        ("155", "0")
    );
    assert_eq!(landed.fingerprint, steps[0].fingerprint);
    let totals = landed.totals.unwrap();
    assert_eq!(totals.gross.to_string(), "100");
    assert_eq!(totals.tax.to_string(), "0");
    assert_eq!(totals.currency.as_str(), "USD");
}

#[test]
fn a_success_that_proves_nothing_is_an_unknown_outcome() {
    let steps = [step()];
    let good = there(&steps, 0, "155");
    let with = |name: &str, value: Value| {
        let mut odd = good.clone();
        odd[name] = value;
        json!({"Invoice": odd}).to_string()
    };
    let without = |name: &str| {
        let mut odd = good.clone();
        odd.as_object_mut().unwrap().remove(name);
        json!({"Invoice": odd}).to_string()
    };
    let whole = json!({"Invoice": good}).to_string();
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "true".to_owned(),
        "{}".to_owned(),
        "<html>Bad gateway</html>".to_owned(),
        whole[..whole.len() / 2].to_owned(),
        whole[..whole.len() - 1].to_owned(),
        format!("{whole}x"),
        json!({"Customer": good}).to_string(),
        json!({"Invoice": null}).to_string(),
        json!({"Invoice": []}).to_string(),
        json!({"Invoice": "155"}).to_string(),
        json!({"Invoice": {"status": "Deleted", "domain": "QBO", "Id": "155"}}).to_string(),
        good.to_string(),
        without("Id"),
        without("SyncToken"),
        without("PrivateNote"),
        without("CustomerRef"),
        without("TotalAmt"),
        with("Id", json!("")),
        with("Id", json!(155)),
        with("Id", json!("1\u{0}55")),
        with("Id", json!("9".repeat(65))),
        with("SyncToken", json!(null)),
        with("status", json!("Deleted")),
        with("PrivateNote", json!("no marker")),
        with("PrivateNote", json!(marker(2).to_string())),
        with("PrivateNote", json!("[tieout test/")),
        with("CustomerRef", json!({"value": "59"})),
        with("CurrencyRef", json!({"value": "EUR"})),
        with("CurrencyRef", json!({"value": "???"})),
        with("TotalAmt", json!("a lot")),
        with("Line", json!("none")),
        json!({"Invoice": good, "Fault": {"Error": []}}).to_string(),
        json!({"Fault": {"Error": []}}).to_string(),
        json!({"fault": {"type": "SERVICE"}}).to_string(),
        json!({"Invoice": good, "Fault": {"Error": [{"code": "6000"}]}}).to_string(),
    ];
    for body in bodies {
        let unclear = alone(&reply(200, body.clone()));
        assert_eq!(unclear.kind, FailureKind::OutcomeUnknown, "{body}");
        assert_eq!(unclear.owner, Owner::System);
    }
}

#[test]
fn numbers_beyond_all_bounds_do_not_pass_for_totals() {
    let steps = [step()];
    let text = json!({"Invoice": there(&steps, 0, "155")}).to_string();
    for huge in [
        "1e400",
        "99999999999999999999999999999999",
        "0.00001",
        "1e-40",
    ] {
        let odd = text.replace("\"TotalAmt\":100", &format!("\"TotalAmt\":{huge}"));
        assert_ne!(odd, text);
        assert_eq!(
            alone(&reply(200, odd)).kind,
            FailureKind::OutcomeUnknown,
            "{huge}"
        );
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(alone(&reply(200, deep)).kind, FailureKind::OutcomeUnknown);
}

#[test]
fn batch_answers_are_matched_by_their_ids_and_never_by_order() {
    let steps = [step(), step(), step(), step()];
    let item =
        |n: usize, id: &str| json!({"bId": format!("m{n}"), "Invoice": there(&steps, n, id)});
    let reply = json_reply(&json!({"BatchItemResponse": [
        item(2, "203"),
        {"bId": "m1", "Fault": fault("6140", "Duplicate Document Number Error", "d")["Fault"]},
        {"bId": "m9", "Invoice": there(&steps, 0, "999")},
        item(0, "201"),
    ]}));
    let answers = results(&steps, &reply);
    let id = |n: usize| match &answers[n] {
        ElementResult::Done(landed) => landed.external_id.clone(),
        ElementResult::Failed(failure) => failure.code.clone(),
    };
    assert_eq!([id(0), id(1), id(2)], ["201", "6140", "203"]);
    assert_eq!(failure(&answers[3]).kind, FailureKind::OutcomeUnknown);
}

#[test]
fn swapped_or_repeated_batch_answers_are_unknown() {
    let steps = [step(), step()];
    let swapped = json_reply(&json!({"BatchItemResponse": [
        {"bId": "m0", "Invoice": there(&steps, 1, "201")},
        {"bId": "m1", "Invoice": there(&steps, 0, "202")},
    ]}));
    let repeated = json_reply(&json!({"BatchItemResponse": [
        {"bId": "m0", "Invoice": there(&steps, 0, "201")},
        {"bId": "m0", "Invoice": there(&steps, 0, "202")},
        {"bId": "m1"},
    ]}));
    let shapeless = [
        json_reply(&json!({"BatchItemResponse": {}})),
        json_reply(&json!({"BatchItemResponse": [null, 1, {"bId": 0}]})),
        json_reply(&json!({"Invoice": there(&steps, 0, "201")})),
    ];
    for reply in [swapped, repeated].iter().chain(&shapeless) {
        for answer in results(&steps, reply) {
            assert_eq!(failure(&answer).kind, FailureKind::OutcomeUnknown);
        }
    }
}

#[test]
fn http_status_decides_what_a_write_became() {
    use FailureKind::{Conflict, OutcomeUnknown, Rejected, Throttled, Unauthorized};
    let html = "<html><body>no</body></html>";
    let rows = [
        (500, OutcomeUnknown, Scope::Call),
        (502, OutcomeUnknown, Scope::Call),
        (503, OutcomeUnknown, Scope::Call),
        (504, OutcomeUnknown, Scope::Call),
        (408, OutcomeUnknown, Scope::Call),
        (302, OutcomeUnknown, Scope::Call),
        (204, OutcomeUnknown, Scope::Call),
        (429, Throttled, Scope::Books),
        (401, Unauthorized, Scope::Books),
        (403, Rejected, Scope::Call),
        (404, Conflict, Scope::Books),
        (400, Rejected, Scope::Call),
        (413, Rejected, Scope::Call),
        (418, Rejected, Scope::Call),
    ];
    for (status, kind, scope) in rows {
        for body in ["", html] {
            let failure = alone(&reply(status, body));
            assert_eq!((failure.kind, failure.scope), (kind, scope), "{status}");
            assert!(failure.detail.is_some());
        }
    }
}

#[test]
fn a_server_error_stays_unknown_even_when_its_body_looks_definite() {
    let body = fault("6000", "A business validation error", "x").to_string();
    assert_eq!(alone(&reply(500, body)).kind, FailureKind::OutcomeUnknown);
    let steps = [step()];
    let body = json!({"Invoice": there(&steps, 0, "155")}).to_string();
    assert_eq!(alone(&reply(503, body)).kind, FailureKind::OutcomeUnknown);
}

#[test]
fn throttling_stops_the_books_and_keeps_the_wish_to_wait() {
    let mut slow = reply(429, "");
    slow.headers
        .push(("retry-after".to_owned(), "90".to_owned()));
    let failure = alone(&slow);
    assert_eq!(
        failure.retry_after,
        Some(std::time::Duration::from_secs(90))
    );
    let old = fault(
        "3001",
        "message=ThrottleExceeded; errorCode=003001",
        "Try again later",
    );
    let failure = alone(&reply(403, old.to_string()));
    assert_eq!(
        (failure.kind, failure.scope),
        (FailureKind::Throttled, Scope::Books)
    );
}

#[test]
fn all_four_shapes_of_a_fault_are_understood() {
    let gateway = json!({
        "warnings": null, "intuitObject": null,
        "fault": {"error": [{
            "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
            "detail": "Token expired: x", "code": "3200", "element": null,
        }], "type": "AUTHENTICATION"},
        "batchItemResponse": [], "time": 1_772_000_000_000_u64,
    });
    let xml = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <IntuitResponse time="2026-03-01T04:00:00-08:00" xmlns="http://schema.intuit.com/finance/v3">
        <Fault type="AuthorizationFault"><Error code="3100"><Message>message=ApplicationAuthorizationFailed</Message>
        <Detail>a &lt;b&gt; &amp; c</Detail></Error></Fault></IntuitResponse>"#;
    let cases = [
        (401, gateway.to_string(), FailureKind::Unauthorized, "3200"),
        (403, xml.to_owned(), FailureKind::Unauthorized, "3100"),
        (401, String::new(), FailureKind::Unauthorized, "3200"),
        (
            400,
            fault("6190", "Invalid Company Status", "").to_string(),
            FailureKind::Conflict,
            "6190",
        ),
    ];
    for (status, body, kind, code) in cases {
        let failure = alone(&reply(status, body));
        assert_eq!((failure.kind, failure.code.as_str()), (kind, code));
        assert_eq!(failure.scope, Scope::Books);
    }
    let failure = alone(&reply(403, xml));
    assert!(failure.detail.unwrap().contains("a <b> & c"));
}

#[test]
fn a_success_that_carries_a_fault_is_the_fault() {
    let body = fault(
        "6240",
        "Duplicate Name Exists Error",
        "The name supplied already exists.",
    );
    let failure = alone(&json_reply(&body));
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Conflict, "6240")
    );
    assert_eq!(failure.owner, Owner::Bookkeeper);
}

#[test]
fn unknown_codes_are_refusals_below_500_and_unknown_outcomes_above() {
    let body = fault("7777", "A new rule", "Value\u{0} of X is odd").to_string();
    let refused = alone(&reply(400, body.clone()));
    assert_eq!(
        (refused.kind, refused.owner),
        (FailureKind::Rejected, Owner::Bookkeeper)
    );
    assert_eq!(refused.code, "7777");
    assert!(refused.detail.unwrap().contains("Value  of X is odd"));
    assert_eq!(alone(&reply(500, body)).kind, FailureKind::OutcomeUnknown);
    let severe = fault("12345", "System", "").to_string();
    assert_eq!(alone(&reply(200, severe)).kind, FailureKind::OutcomeUnknown);
}

#[test]
fn several_errors_count_as_their_gravest() {
    let body = json!({"Fault": {"type": "ValidationFault", "Error": [
        {"Message": "Stale", "code": "5010"},
        {"Message": "Duplicate request", "code": "600"},
        {"Message": "Business", "code": "6000"},
    ]}});
    assert_eq!(
        alone(&reply(400, body.to_string())).kind,
        FailureKind::OutcomeUnknown
    );
    let body = json!({"Fault": {"Error": [{"code": "5010"}, {"code": "6000"}]}});
    assert_eq!(alone(&reply(400, body.to_string())).code, "6000");
    let body = json!({"Fault": {"Error": {"code": 5010}}});
    assert_eq!(alone(&reply(400, body.to_string())).code, STALE_REVISION);
}

#[test]
fn one_member_of_a_batch_does_not_speak_for_the_others() {
    let steps = [step(), step()];
    let wrong = fault("2010", "Request has invalid property", "x")["Fault"].clone();
    let reply = json_reply(&json!({"BatchItemResponse": [
        {"bId": "m0", "Fault": wrong},
        {"bId": "m1", "Fault": fault("6190", "Invalid Company Status", "")["Fault"]},
    ]}));
    let answers = results(&steps, &reply);
    assert_eq!(failure(&answers[0]).scope, Scope::Element);
    assert_eq!(failure(&answers[1]).scope, Scope::Books);
}

fn update_and_void() -> (Step, Step, Value) {
    let case = Case::invoice(plain_invoice());
    let created = case.step();
    let there = returned(
        &sent(std::slice::from_ref(&created), 0),
        "130",
        "4",
        "100",
        "0",
    );
    let mut changed = plain_invoice();
    changed.due_on = Some(day("2026-05-01"));
    let update = Case::invoice(changed)
        .linked("130", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .step();
    let void = case
        .linked("130", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .ending(Lifecycle::Voided)
        .step();
    (update, void, there)
}

#[test]
fn a_change_must_answer_for_the_same_object_and_not_an_older_revision() {
    let (update, _, _) = update_and_void();
    let steps = [update];
    let answered = |id: &str, revision: &str| {
        let object = returned(&sent(&steps, 0), id, revision, "100", "0");
        results(&steps, &json_reply(&json!({"Invoice": object}))).remove(0)
    };
    assert!(matches!(answered("130", "5"), ElementResult::Done(_)));
    // A change that changes nothing keeps the revision.
    assert!(matches!(answered("130", "4"), ElementResult::Done(_)));
    for odd in [answered("131", "5"), answered("130", "3")] {
        assert_eq!(failure(&odd).kind, FailureKind::OutcomeUnknown);
    }
}

#[test]
fn a_void_is_done_only_when_the_answer_is_void() {
    let (_, void, there) = update_and_void();
    let fingerprint = void.fingerprint.clone();
    let steps = [void];
    let answer =
        |object: &Value| results(&steps, &json_reply(&json!({"Invoice": object}))).remove(0);
    let ElementResult::Done(landed) = answer(&voided(there.clone(), "5")) else {
        panic!("not done");
    };
    assert_eq!(landed.fingerprint, fingerprint);
    assert_eq!(landed.totals.unwrap().gross.to_string(), "0");
    assert_eq!(failure(&answer(&there)).kind, FailureKind::OutcomeUnknown);
    let mut others = voided(there, "5");
    others["PrivateNote"] = json!(format!("Voided - {}", marker(77)));
    assert_eq!(failure(&answer(&others)).kind, FailureKind::OutcomeUnknown);
    // A person may have taken our marker out; the id and the voided state still prove it.
    others["PrivateNote"] = json!("Voided");
    assert!(matches!(answer(&others), ElementResult::Done(_)));
}

#[test]
fn an_object_that_is_read_can_be_stored_whatever_it_holds() {
    let steps = [step()];
    let mut object = there(&steps, 0, "155");
    object["Odd\u{0}"] = json!(["a\u{0}b", {"c": "\u{0}"}]);
    let current = read_one(&steps[0].effect, &object);
    assert!(!current.body.to_string().contains("\\u0000"));
    assert_eq!(current.landed.fingerprint, steps[0].fingerprint);
}
