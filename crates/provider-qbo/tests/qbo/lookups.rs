//! What became of an unclear call: present, absent, twice, or moved on; and replies that say nothing.

use model::failure::STALE_REVISION;
use model::{FailureKind, Lifecycle, Scope};
use provider_kit::{Judgement, LinkState, PastCall, Presence, Provider as _, Reply, Step};
use provider_qbo::Qbo;
use serde_json::{Value, json};

use super::support::*;

fn step() -> Step {
    Case::invoice(plain_invoice()).step()
}

fn there(steps: &[Step], place: usize, id: &str) -> Value {
    returned(&sent(steps, place), id, "0", "100", "0")
}

fn settled(call: &PastCall, replies: &[Reply]) -> Vec<Presence> {
    match Qbo.judge(call, replies).unwrap() {
        Judgement::Settled(presences) => presences,
        Judgement::More(requests) => panic!("wants {} more", requests.len()),
    }
}

fn presence_id(presence: &Presence) -> &str {
    match presence {
        Presence::Present(landed) => &landed.external_id,
        Presence::Absent => "absent",
        Presence::Duplicate(_) => "duplicate",
        Presence::Differs(failure) => &failure.code,
    }
}

#[test]
fn creations_are_found_by_marker_and_by_nothing_else() {
    let steps = [step(), step(), step()];
    let mut same_number = there(&steps, 1, "301");
    same_number["PrivateNote"] = json!("typed by a person");
    let mut other_generation = there(&steps, 1, "302");
    let mut mark = marker(2);
    mark.generation = 2;
    other_generation["PrivateNote"] = json!(mark.to_string());
    let mut other_installation = there(&steps, 1, "303");
    let mut mark = marker(2);
    mark.installation = "elsewhere".to_owned();
    other_installation["PrivateNote"] = json!(mark.to_string());
    let mut edited = there(&steps, 2, "304");
    edited["PrivateNote"] = json!(format!("{} see {} and more", marker(50), marker(3)));
    let objects = [
        there(&steps, 0, "300"),
        same_number,
        other_generation,
        other_installation,
        edited,
    ];
    let found = settled(&past(&steps), &looked_up("Invoice", &objects));
    let ids: Vec<&str> = found.iter().map(presence_id).collect();
    // The number of the second one is taken by others: a person decides, and nobody's document is adopted.
    assert_eq!(ids, ["300", "6140", "304"]);
}

#[test]
fn a_copy_made_by_a_person_is_a_duplicate_and_one_object_on_two_pages_is_not() {
    let steps = [step()];
    let (one, two) = (there(&steps, 0, "300"), there(&steps, 0, "301"));
    let twice = settled(&past(&steps), &looked_up("Invoice", &[one.clone(), two]));
    assert_eq!(
        twice,
        [Presence::Duplicate(vec![
            "300".to_owned(),
            "301".to_owned()
        ])]
    );
    let same = settled(&past(&steps), &looked_up("Invoice", &[one.clone(), one]));
    assert_eq!(presence_id(&same[0]), "300");
}

#[test]
fn a_creation_edited_before_it_was_found_is_recorded_as_it_was_sent() {
    let steps = [step()];
    let mut edited = there(&steps, 0, "300");
    edited["SyncToken"] = json!("1");
    edited["DueDate"] = json!("2027-01-01");
    let found = settled(&past(&steps), &looked_up("Invoice", &[edited]));
    let Presence::Present(landed) = &found[0] else {
        panic!("not present");
    };
    assert_eq!(landed.fingerprint, steps[0].fingerprint);
    assert_eq!(landed.revision, "1");
}

#[test]
fn a_full_page_asks_for_the_next_one_and_the_last_page_settles() {
    let steps = [step()];
    let call = past(&steps);
    let stranger = |n: usize| {
        let mut object = there(&steps, 0, &n.to_string());
        object["PrivateNote"] = json!("a person's");
        object["DocNumber"] = json!(format!("P-{n}"));
        object
    };
    let full: Vec<Value> = (1..=1_000).map(stranger).collect();
    let pages = looked_up("Invoice", &full);
    let Judgement::More(next) = Qbo.judge(&call, &pages).unwrap() else {
        panic!("settled on a full page");
    };
    assert_eq!(next.len(), 1);
    assert!(
        next[0].query[0]
            .1
            .ends_with("startposition 1001 maxresults 1000")
    );
    let last = query_reply("Invoice", &[there(&steps, 0, "2000")]);
    let pages = [pages[0].clone(), pages[1].clone(), last];
    assert_eq!(presence_id(&settled(&call, &pages)[0]), "2000");
    let empty = query_reply("Invoice", &[]);
    let pages = [pages[0].clone(), pages[1].clone(), empty];
    assert_eq!(settled(&call, &pages), [Presence::Absent]);
}

/// A creation, an update and a void in one call, and the invoice the changes are for.
fn mixed() -> (Vec<Step>, Value) {
    let created = step();
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
    let mut void = Case::invoice(plain_invoice())
        .linked("130", &created.fingerprint, LinkState::Active)
        .seeing(&there)
        .ending(Lifecycle::Voided)
        .step();
    void.target = Some(target("131", "4"));
    (vec![created, update, void], there)
}

#[test]
fn changes_are_present_absent_or_moved_on() {
    let (steps, before) = mixed();
    let call = past(&steps);
    let none = query_reply("Invoice", &[]);
    let with_id = |mut object: Value, id: &str| {
        object["Id"] = json!(id);
        object
    };
    let updated = returned(&sent(&steps, 1), "130", "5", "100", "0");
    let judged = |objects: &[Value]| {
        let found = settled(
            &call,
            &[none.clone(), none.clone(), query_reply("Invoice", objects)],
        );
        [
            presence_id(&found[1]).to_owned(),
            presence_id(&found[2]).to_owned(),
        ]
    };
    let done = [updated, with_id(voided(before.clone(), "5"), "131")];
    assert_eq!(judged(&done), ["130", "131"]);
    let untouched = [before.clone(), with_id(before.clone(), "131")];
    assert_eq!(judged(&untouched), ["absent", "absent"]);
    let mut moved = before;
    moved["SyncToken"] = json!("6");
    let both = [moved.clone(), with_id(moved, "131")];
    assert_eq!(judged(&both), [STALE_REVISION, STALE_REVISION]);
    // Deleted by a person: a conflict for the update; for the void, planning again ends it.
    assert_eq!(judged(&[]), ["DELETED_IN_BOOKS", STALE_REVISION]);
}

#[test]
fn look_ups_that_cannot_be_trusted_conclude_nothing() {
    let steps = [step()];
    let call = past(&steps);
    let good = there(&steps, 0, "300");
    let answer = |body: Value| json_reply(&json!({"QueryResponse": body}));
    let whole = query_reply("Invoice", std::slice::from_ref(&good));
    let mut truncated = whole.clone();
    truncated.body.truncate(whole.body.len() / 2);
    let garbage = [
        reply(200, ""),
        reply(200, "<html/>"),
        reply(200, "{}"),
        json_reply(&json!({"QueryResponse": null})),
        answer(json!({"Invoice": {}})),
        answer(json!({"Customer": [good]})),
        answer(json!({"Invoice": [{"SyncToken": "0"}], "maxResults": 1})),
        answer(json!({"Invoice": [], "maxResults": 5})),
        answer(json!({"maxResults": 5})),
        reply(500, ""),
        reply(503, "<html/>"),
        truncated,
    ];
    for bad in garbage {
        let failure = Qbo.judge(&call, &[bad.clone(), whole.clone()]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure:?}");
        let failure = Qbo.judge(&call, &[whole.clone(), bad]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure:?}");
    }
    assert!(Qbo.judge(&call, &[]).is_err());
    assert!(Qbo.judge(&call, std::slice::from_ref(&whole)).is_err());
    let slow = Qbo
        .judge(&call, &[reply(429, ""), whole.clone()])
        .unwrap_err();
    assert_eq!(
        (slow.kind, slow.scope),
        (FailureKind::Throttled, Scope::Books)
    );
    let locked = Qbo
        .judge(&call, &[reply(401, ""), whole.clone()])
        .unwrap_err();
    assert_eq!(
        (locked.kind, locked.scope),
        (FailureKind::Unauthorized, Scope::Books)
    );
    let fault = json!({"Fault": {"Error": [{"code": "4001"}], "type": "ValidationFault"}});
    let wrong = Qbo
        .judge(&call, &[reply(400, fault.to_string()), whole])
        .unwrap_err();
    assert_eq!(wrong.kind, FailureKind::Defect);
}

#[test]
fn customers_are_looked_for_by_marker_too() {
    let steps = [Case::client(client("Acme")).step()];
    let call = past(&steps);
    let ours = returned(&sent(&steps, 0), "58", "0", "0", "0");
    let mut namesake = ours.clone();
    namesake["Id"] = json!("59");
    namesake["Notes"] = json!("typed by a person");
    let found = settled(&call, &[query_reply("Customer", &[namesake.clone(), ours])]);
    assert_eq!(presence_id(&found[0]), "58");
    let found = settled(&call, &[query_reply("Customer", &[namesake])]);
    assert_eq!(found, [Presence::Absent]);
}
