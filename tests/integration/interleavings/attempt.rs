//! One attempt in few words: its intent, what is recorded of it, and what can be said of its outcome.

use std::time::Duration;

use model::{
    AttemptId, BooksId, CallId, EffectId, Failure, FailureKind, IntegrationId, ItemState,
    Operation, Owner,
};
use serde_json::json;
use store::claim::Claimed;
use store::intent::{Intent, IntentMember, Purpose};
use store::lease::Held;
use store::record::{Basis, Element, ItemMove, Landed, Next, Outcome, Record};
use store::units::Unit;
use tests::scripted::KEY;

use super::rig::{ACCOUNT, SETTLE};

/// One attempt of one call, with what is needed to record it.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) call: CallId,
    pub(crate) id: AttemptId,
    pub(crate) effect: EffectId,
    pub(crate) books: BooksId,
    pub(crate) item: ItemMove,
}

impl Attempt {
    pub(crate) fn new(books: BooksId, claimed: &Claimed) -> Self {
        Self {
            books,
            call: CallId::fresh(),
            id: AttemptId::fresh(),
            effect: claimed
                .effects
                .last()
                .map_or_else(EffectId::fresh, |effect| effect.id),
            item: ItemMove {
                item: claimed.item,
                kind: claimed.kind,
                source_id: claimed.source_id.clone(),
                version: claimed.version,
                trace: None,
                attempts: claimed.attempts,
                claim: Some(claimed.claim),
                wanted_at: claimed.wanted_at,
                seen: Vec::new(),
                states: Vec::new(),
                rest_is_done: false,
                next: Next::More,
            },
        }
    }

    pub(crate) fn intent(&self, held: Held, claimed: &Claimed) -> Unit {
        let member = IntentMember {
            attempt: self.id,
            item: claimed.item,
            claim: claimed.claim,
            effect: self.effect,
            effect_kind: claimed.kind.as_str().to_owned(),
            effect_part: String::new(),
            generation: 1,
            ordinal: 0,
            operation: Operation::Create,
            version: claimed.version,
            plan_hash: String::new(),
            step: json!({}),
            marker: json!({}),
        };
        Unit::Intent(Box::new(Intent {
            held,
            call: self.call,
            purpose: Purpose::Write,
            closes: None,
            key: self.call.uuid().simple().to_string(),
            request: json!({}),
            body: b"exact bytes".to_vec(),
            charges: vec!["REQUESTS"],
            settle: SETTLE,
            members: vec![member],
        }))
    }

    /// The item goes somewhere without a call.
    pub(crate) fn moves(&self, held: Held, next: Next) -> Unit {
        Unit::Moves {
            held,
            provider: KEY.to_owned(),
            moves: vec![ItemMove {
                next,
                ..self.item.clone()
            }],
        }
    }

    /// S6 as a unit.
    pub(crate) fn record(
        &self,
        integration: IntegrationId,
        basis: Basis,
        outcome: Outcome,
        next: Next,
    ) -> Unit {
        let close = (!matches!(outcome, Outcome::Unknown(_))).then_some("a test");
        let absent = matches!(outcome, Outcome::Absent);
        Unit::Record(Box::new(Record {
            books: self.books,
            account: ACCOUNT,
            integration,
            provider: KEY.to_owned(),
            call: Some(self.call),
            basis,
            close,
            absent,
            elements: vec![self.element(outcome, next)],
        }))
    }

    pub(crate) fn element(&self, outcome: Outcome, next: Next) -> Element {
        Element {
            attempt: self.id,
            effect: self.effect,
            effect_kind: self.item.kind.as_str().to_owned(),
            operation: Operation::Create,
            outcome,
            item: ItemMove {
                next,
                ..self.item.clone()
            },
            finding: None,
            started_at: self.item.wanted_at,
        }
    }
}

/// The object `id` in the books.
pub(crate) fn landed(id: &str) -> Landed {
    Landed {
        external_id: id.to_owned(),
        revision: "0".to_owned(),
        fingerprint: "same".to_owned(),
        state: "ACTIVE",
        currency: None,
        tax: None,
        gross: None,
    }
}

pub(crate) const fn done() -> Next {
    Next::Finished {
        state: ItemState::Done,
        reason: None,
    }
}

pub(crate) fn unclear() -> Outcome {
    Outcome::Unknown(Failure::new(
        FailureKind::OutcomeUnknown,
        "OUTCOME_UNKNOWN",
        "not known",
    ))
}

pub(crate) fn refused() -> Outcome {
    Outcome::Failed(Failure::new(
        FailureKind::Rejected,
        "REFUSED",
        "refused by a test",
    ))
}

pub(crate) fn give_up() -> Next {
    Next::GiveUp {
        owner: Owner::Operator,
        failure: Failure::new(FailureKind::Rejected, "REFUSED", "refused by a test"),
    }
}

pub(crate) fn verify() -> Next {
    Next::Verify {
        after: Duration::ZERO,
        reason: "not known".to_owned(),
        counts: false,
    }
}
