//! The suite is run for the made-up provider, and each mistake it could make is caught by a check.

use std::panic::{AssertUnwindSafe, catch_unwind};

use model::{DocumentKind, SyncSettings};
use serde_json::{Value, json};

use super::made_up::{CardIndex, LONGEST_KEY, Mistake, PAGE, books, effect_of};
use super::{Fixture, answering, data, encoding, finding, planning};
use crate::{BooksFacts, Effect, External, PastCall, PastMember, Provider, Reply, Request};

crate::conformance_tests!(Drawer(CardIndex(Mistake::None)));

struct Drawer(CardIndex);

impl Fixture for Drawer {
    fn provider(&self) -> &dyn Provider {
        &self.0
    }

    fn settings(&self) -> SyncSettings {
        SyncSettings::default()
    }

    fn books(&self) -> BooksFacts {
        books()
    }

    fn effect(&self, kind: DocumentKind) -> Effect {
        effect_of(kind)
    }

    fn external(&self, number: usize) -> External {
        External {
            id: format!("card-{number}"),
            revision: "a".to_owned(),
        }
    }

    fn revised(&self, external: &External) -> External {
        External {
            id: external.id.clone(),
            revision: format!("{}a", external.revision),
        }
    }

    fn longest_key(&self) -> usize {
        LONGEST_KEY
    }

    fn key_of(&self, request: &Request) -> Option<String> {
        let found = request.query.iter().find(|(name, _)| name == "key");
        found.map(|(_, key)| key.clone())
    }

    fn elements(&self, request: &Request, _count: usize) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        body["cards"].as_array().unwrap().clone()
    }

    fn object(&self, _member: &PastMember, element: &Value, _before: Option<&Value>) -> Value {
        element.clone()
    }

    fn placed(&self, mut object: Value, at: &External) -> Value {
        object["id"] = json!(at.id);
        object["revision"] = json!(at.revision);
        object
    }

    fn noted(&self, mut object: Value, text: &str) -> Value {
        object["mark"] = json!(text);
        object
    }

    fn answer(&self, _call: &PastCall, objects: &[(usize, Value)]) -> Reply {
        let cards: Vec<&Value> = objects.iter().map(|(_, object)| object).collect();
        reply(200, &json!({ "cards": cards }))
    }

    fn refusal(&self, code: &str, words: &str) -> Reply {
        reply(400, &json!({ "code": code, "words": words }))
    }

    fn found(&self, _request: &Request, _effect: &Effect, objects: &[Value]) -> Reply {
        reply(200, &json!({ "cards": objects }))
    }

    fn full_page(&self, _effect: &Effect) -> Option<Reply> {
        let strangers = vec![json!({ "id": "stranger", "revision": "a" }); PAGE];
        Some(reply(200, &json!({ "cards": strangers })))
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

type Check = fn(&Drawer);

/// Each mistake and the check that must catch it.
const CAUGHT_BY: &[(Mistake, Check)] = &[
    (
        Mistake::BelievesEverySuccess,
        answering::an_answer_with_somebody_elses_object_is_unknown,
    ),
    (
        Mistake::CallsAServerErrorARefusal,
        answering::a_server_error_or_an_unreadable_success_leaves_the_outcome_unknown,
    ),
    (
        Mistake::PairsByPlace,
        answering::answers_in_another_order_find_their_members,
    ),
    (
        Mistake::ForgetsMissingAnswers,
        answering::a_member_without_an_answer_is_unknown,
    ),
    (
        Mistake::AdoptsByName,
        finding::a_number_or_a_strangers_marker_never_adopts,
    ),
    (
        Mistake::TakesGarbageForAbsence,
        finding::a_look_up_that_cannot_be_trusted_concludes_nothing,
    ),
    (
        Mistake::TakesTheFirstOfTwo,
        finding::what_is_there_twice_is_a_duplicate,
    ),
    (
        Mistake::CutsLongKeys,
        encoding::the_key_goes_along_whole_or_not_at_all,
    ),
    (
        Mistake::SendsLargerBatches,
        encoding::calls_keep_to_the_batch_sizes_of_the_descriptor,
    ),
    (
        Mistake::LetsPeopleForgeMarkers,
        encoding::every_object_carries_its_marker_once_whatever_people_wrote,
    ),
    (
        Mistake::SendsMoreThanItShowed,
        encoding::what_was_previewed_is_what_is_sent,
    ),
    (
        Mistake::SendsWithoutWaiting,
        planning::a_missing_dependency_is_named,
    ),
    (
        Mistake::DropsUnknownKinds,
        planning::a_kind_that_the_descriptor_does_not_name_is_refused_in_words,
    ),
    (
        Mistake::RepeatsTheProvidersWords,
        answering::a_refusal_is_put_in_our_own_words,
    ),
    (Mistake::NeverStopsPaging, finding::pages_come_to_an_end),
    (
        Mistake::LooksUpWithTheKey,
        finding::every_call_has_look_ups_that_only_read,
    ),
    (Mistake::GivesUpTooEarly, data::the_descriptor_is_sane),
];

#[test]
fn every_mistake_is_caught_by_its_check() {
    for (mistake, check) in CAUGHT_BY {
        let drawer = Drawer(CardIndex(*mistake));
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&drawer)));
        assert!(outcome.is_err(), "{mistake:?} went unseen");
    }
}
