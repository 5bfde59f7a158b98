//! Checks of what replies to writes are taken for: never more than they prove.

use model::FailureKind;
use proptest::prelude::*;
use serde_json::Value;

use super::Fixture;
use super::rehearsal::{calls, creation, linked, marker, plan, send};
use super::trials::{
    all_unknown, cut, damaged, damages, for_any, garbage, is_real_cut, is_sound, is_unknown, raw,
};
use crate::{Currents, ElementResult, Plan};

/// A faithful reply is done for every member, with the fingerprint that was planned.
pub fn a_faithful_reply_says_done_and_keeps_the_fingerprint(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let result = is_sound(fixture, &sent.call, &sent.reply(fixture));
        for ((member, at), element) in sent.call.members.iter().zip(&sent.at).zip(&result.elements)
        {
            let ElementResult::Done(landed) = element else {
                panic!("{}: {element:?}", sent.name());
            };
            assert_eq!(landed.external_id, at.id, "{}", sent.name());
            assert_eq!(landed.revision, at.revision, "{}", sent.name());
            assert_eq!(
                landed.fingerprint,
                member.step.fingerprint,
                "{}",
                sent.name()
            );
        }
    }
}

/// Planning once more after a faithful reply finds nothing to do.
pub fn what_landed_needs_nothing_more(fixture: &impl Fixture) {
    for &kind in fixture.provider().descriptor().kinds {
        let planned = creation(fixture, kind, 0);
        let document = planned.document.clone();
        let sent = send(fixture, &[planned]);
        let result = is_sound(fixture, &sent.call, &sent.reply(fixture));
        let ElementResult::Done(landed) = &result.elements[0] else {
            panic!("{}: {result:?}", sent.name());
        };
        let links = linked(fixture, &document, 0, &landed.fingerprint);
        let again = plan(fixture, &document, &links, &Currents::default());
        assert_eq!(again, Plan::Steps(Vec::new()), "{kind:?}");
    }
}

/// Answers pair by what they say, not by where they stand.
pub fn answers_in_another_order_find_their_members(fixture: &impl Fixture) {
    for sent in calls(fixture).iter().filter(|sent| sent.after.len() > 1) {
        let mut answers: Vec<(usize, Value)> = sent.after.iter().cloned().enumerate().collect();
        let straight = is_sound(fixture, &sent.call, &fixture.answer(&sent.call, &answers));
        answers.reverse();
        let reply = fixture.answer(&sent.call, &answers);
        assert_eq!(
            is_sound(fixture, &sent.call, &reply),
            straight,
            "{}",
            sent.name()
        );
    }
}

/// A member that is not answered is unknown, and does not trouble the others.
pub fn a_member_without_an_answer_is_unknown(fixture: &impl Fixture) {
    for sent in calls(fixture).iter().filter(|sent| sent.after.len() > 1) {
        for missing in 0..sent.after.len() {
            let answers: Vec<(usize, Value)> = sent
                .after
                .iter()
                .cloned()
                .enumerate()
                .filter(|(place, _)| *place != missing)
                .collect();
            let reply = fixture.answer(&sent.call, &answers);
            let result = is_sound(fixture, &sent.call, &reply);
            for (place, element) in result.elements.iter().enumerate() {
                if place == missing {
                    is_unknown(element, "a member without an answer");
                } else {
                    assert!(matches!(element, ElementResult::Done(_)), "{}", sent.name());
                }
            }
        }
    }
}

/// An answer whose object carries another's marker, or none, does not say that ours was created.
pub fn an_answer_with_somebody_elses_object_is_unknown(fixture: &impl Fixture) {
    let mut elsewhere = marker(0);
    "elsewhere".clone_into(&mut elsewhere.installation);
    let mut again = marker(0);
    again.generation += 1;
    let notes = [
        String::new(),
        "typed by a person".to_owned(),
        fixture.mark(&marker(7)),
        fixture.mark(&elsewhere),
        fixture.mark(&again),
    ];
    for sent in calls(fixture).iter().filter(|sent| sent.is_creation()) {
        for note in &notes {
            let answers: Vec<(usize, Value)> = sent
                .after
                .iter()
                .map(|object| fixture.noted(object.clone(), note))
                .enumerate()
                .collect();
            let reply = fixture.answer(&sent.call, &answers);
            all_unknown(&is_sound(fixture, &sent.call, &reply), note);
        }
    }
    for sent in calls(fixture).iter().filter(|sent| !sent.is_creation()) {
        let strange: Vec<(usize, Value)> = sent
            .after
            .iter()
            .map(|object| fixture.placed(object.clone(), &fixture.external(77)))
            .enumerate()
            .collect();
        let reply = fixture.answer(&sent.call, &strange);
        all_unknown(
            &is_sound(fixture, &sent.call, &reply),
            "another object's id",
        );
    }
}

/// Wherever a reply is cut, what was cut off is unknown.
pub fn a_cut_reply_says_done_only_for_what_it_still_holds(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let whole = sent.reply(fixture);
        let lengths = 0..whole.body.len();
        for length in lengths.filter(|length| is_real_cut(&whole, *length)) {
            let result = is_sound(fixture, &sent.call, &cut(&whole, length));
            let last = result.elements.last().expect("a call has members");
            is_unknown(last, "the last member of a cut reply");
            for element in result
                .elements
                .iter()
                .filter(|e| !matches!(e, ElementResult::Done(_)))
            {
                is_unknown(element, "a member of a cut reply");
            }
        }
    }
}

/// Bytes that changed on the way never turn into a success that the reply does not name.
pub fn a_damaged_reply_says_done_only_for_what_it_names(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let whole = sent.reply(fixture);
        for_any(&damages(), |damages| {
            is_sound(fixture, &sent.call, &damaged(&whole, &damages));
        });
    }
}

/// Any bytes under any status give one result for each member, and garbage is never done.
pub fn any_bytes_give_one_result_for_each_member(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        for_any(&(garbage(), 100_u16..600), |(body, status)| {
            let result = is_sound(fixture, &sent.call, &raw(status, body));
            assert!(!has_success(&result.elements), "{}", sent.name());
        });
    }
}

/// The faithful body under another status is no success.
pub fn only_a_success_says_done(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let mut reply = sent.reply(fixture);
        let success = reply.status;
        for status in (100..600).filter(|status| !(200..300).contains(status)) {
            reply.status = status;
            let result = is_sound(fixture, &sent.call, &reply);
            assert!(!has_success(&result.elements), "{}: {status}", sent.name());
        }
        assert!((200..300).contains(&success), "a faithful reply succeeds");
    }
}

/// A write whose outcome nobody told is looked up, never called a refusal.
pub fn a_server_error_or_an_unreadable_success_leaves_the_outcome_unknown(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let whole = sent.reply(fixture).body;
        let refusal = fixture.refusal("9", "no").body;
        for status in 500..600 {
            for body in [
                Vec::new(),
                whole.clone(),
                refusal.clone(),
                b"<html/>".to_vec(),
            ] {
                let result = is_sound(fixture, &sent.call, &raw(status, body));
                all_unknown(&result, &format!("{}: {status}", sent.name()));
            }
        }
        for_any(&(garbage(), 200_u16..300), |(body, status)| {
            let result = is_sound(fixture, &sent.call, &raw(status, body));
            all_unknown(&result, &format!("{}: {status}", sent.name()));
        });
    }
}

/// A refusal keeps the provider's words for operators; people read ours.
pub fn a_refusal_is_put_in_our_own_words(fixture: &impl Fixture) {
    let words = "Bearer s3cret of Jane Doe\0\u{7} owes 12,000";
    let codes = ["", "9", "not a number", "\0\n", "9 9", "\u{1f9fe}"].map(str::to_owned);
    let long = "9".repeat(10_000);
    for sent in calls(fixture) {
        let check = |code: &str, words: &str| {
            let mut reply = fixture.refusal(code, words);
            for status in [200, 400, 401, 403, 404, 409, 413, 422, 429, 500] {
                reply.status = status;
                let result = is_sound(fixture, &sent.call, &reply);
                for element in &result.elements {
                    let ElementResult::Failed(failure) = element else {
                        panic!("{}: a refusal is no success", sent.name());
                    };
                    assert!(!failure.message.contains("s3cret"), "{failure:?}");
                    assert!(!failure.message.contains("Jane"), "{failure:?}");
                    if status == 429 {
                        assert_eq!(failure.kind, FailureKind::Throttled);
                    }
                }
            }
        };
        for code in codes.iter().chain([&long]) {
            check(code, words);
        }
        for_any(&(any::<String>(), any::<String>()), |(code, words)| {
            check(&code, &words);
        });
    }
}

fn has_success(elements: &[ElementResult]) -> bool {
    elements
        .iter()
        .any(|element| matches!(element, ElementResult::Done(_)))
}
