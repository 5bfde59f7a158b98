//! From what a reply or look-up says of a member to what is recorded of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{Decision, Failure, FailureKind, ItemState, Operation, Scope, decide};
use provider_kit::{ElementResult, Landed, Prediction, Presence};
use serde_json::json;
use store::record as stored;
use store::record::{Element, Finding, ItemMove, Next, Outcome};

use crate::config::Policy;
use crate::metrics::{ATTEMPTS, End};
use crate::pace::PACED;
use crate::work::{Planned, Stated};

/// A member of a call, whichever way it was loaded.
pub(crate) struct Member<'a> {
    pub(crate) attempt: model::AttemptId,
    pub(crate) effect: model::EffectId,
    pub(crate) planned: &'a Planned,
    pub(crate) item: ItemMove,
    pub(crate) started_at: DateTime<Utc>,
}

/// What the whole books should do after a call.
#[derive(Clone, Debug)]
pub(crate) struct Halt {
    pub(crate) failure: Failure,
    pub(crate) wait: Duration,
}

impl Member<'_> {
    fn element(&self, outcome: Outcome, next: Next, finding: Option<Finding>) -> Element {
        let end = match &outcome {
            Outcome::Done(_) => End::Done,
            Outcome::Adopted(_) => End::Adopted,
            Outcome::Failed(_) => End::Refused,
            Outcome::Absent => End::Absent,
            Outcome::NotSent(_) => End::NotSent,
            Outcome::Conflict(_) => End::Conflict,
            Outcome::Unknown(_) => End::Unknown,
        };
        ATTEMPTS.increment(end);
        Element {
            attempt: self.attempt,
            effect: self.effect,
            effect_kind: self.planned.step.effect.kind.clone(),
            operation: self.planned.step.operation,
            outcome,
            item: ItemMove {
                next,
                ..self.item.clone()
            },
            finding,
            started_at: self.started_at,
        }
    }

    /// What a reply says.
    pub(crate) fn replied(
        &self,
        result: ElementResult,
        policy: &Policy,
    ) -> (Element, Option<Halt>) {
        match result {
            ElementResult::Done(landed) => (self.landed(&landed, Outcome::Done, policy), None),
            ElementResult::Failed(failure) => self.failed(failure, policy),
        }
    }

    /// A failure of a sent call.
    fn failed(&self, failure: Failure, policy: &Policy) -> (Element, Option<Halt>) {
        let (next, halt) = self.after(&failure, policy);
        let outcome = if matches!(next, Next::Verify { .. }) {
            Outcome::Unknown(failure)
        } else {
            Outcome::Failed(failure)
        };
        (self.element(outcome, next, None), halt)
    }

    /// Provably nothing was sent.
    pub(crate) fn not_sent(&self, failure: Failure, policy: &Policy) -> (Element, Option<Halt>) {
        let (next, halt) = self.after(&failure, policy);
        (self.element(Outcome::NotSent(failure), next, None), halt)
    }

    fn after(&self, failure: &Failure, policy: &Policy) -> (Next, Option<Halt>) {
        next_after(failure, self.item.attempts, policy, seed(&self.item))
    }

    fn landed(
        &self,
        landed: &Landed,
        outcome: fn(stored::Landed) -> Outcome,
        policy: &Policy,
    ) -> Element {
        let finding = self.difference(landed);
        let next = if let Some(lacking) = &landed.lacking {
            self.after(lacking, policy).0
        } else if self.planned.is_last {
            Next::Finished {
                state: ItemState::Done,
                reason: None,
            }
        } else {
            Next::More
        };
        self.element(
            outcome(stored_landed(landed, self.planned.step.operation)),
            next,
            finding,
        )
    }

    /// What a look-up says. `is_proven`: absence may be believed.
    pub(crate) fn looked_up(
        &self,
        presence: Presence,
        is_proven: bool,
        look_again: Duration,
        policy: &Policy,
    ) -> Element {
        match presence {
            Presence::Present(landed) => self.landed(&landed, Outcome::Adopted, policy),
            Presence::Absent if is_proven => self.element(Outcome::Absent, Next::More, None),
            Presence::Absent => {
                let failure =
                    unclear("not seen in the books yet; looked up again before anything is sent");
                let reason = failure.message.clone();
                self.element(
                    Outcome::Unknown(failure),
                    Next::Verify {
                        after: look_again,
                        reason,
                        counts: false,
                    },
                    None,
                )
            }
            // The attempt stays open: whoever looks again, after a person deleted one, adopts the other.
            Presence::Duplicate(ids) => {
                let message = format!(
                    "The books hold this document {} times, as {}. Delete all but one of them in the books; it is \
                     then taken up by itself.",
                    ids.len(),
                    ids.join(" and ")
                );
                let finding = Finding {
                    code: "DUPLICATE_IN_BOOKS",
                    message: message.clone(),
                    detail: json!({ "externalIds": ids }),
                };
                let failure = Failure::new(FailureKind::Conflict, "DUPLICATE_IN_BOOKS", message);
                let next = Next::Park {
                    owner: failure.owner,
                    failure: failure.clone(),
                    waits_for: None,
                };
                self.element(Outcome::Unknown(failure), next, Some(finding))
            }
            // A stale revision is read and planned again; everything else waits for a person.
            Presence::Differs(failure) => {
                let (next, _) = self.after(&failure, policy);
                self.element(Outcome::Conflict(failure), next, None)
            }
        }
    }

    /// The look-up itself failed: the attempt stays open.
    pub(crate) fn lookup_failed(
        &self,
        failure: &Failure,
        after: Duration,
        counts: bool,
    ) -> Element {
        let reason = format!(
            "its outcome could not be looked up yet: {}",
            failure.message
        );
        self.element(
            Outcome::Unknown(failure.clone()),
            Next::Verify {
                after,
                reason,
                counts,
            },
            None,
        )
    }

    /// The provider's total against the document's own, and against our prediction of it.
    fn difference(&self, landed: &Landed) -> Option<Finding> {
        let totals = landed
            .totals
            .filter(|_| !is_ending(self.planned.step.operation))?;
        let books = Stated {
            currency: totals.currency,
            tax: totals.tax,
            gross: totals.gross,
        };
        if let Some(stated) = self.planned.stated.filter(|stated| *stated != books) {
            return Some(compared(
                "TOTAL_DIFFERS",
                "ProjectLedger's document comes to",
                "Compare the lines and the tax setup of the books.",
                books,
                stated,
            ));
        }
        let Prediction::Exact {
            currency,
            tax,
            gross,
            ..
        } = self.planned.step.prediction
        else {
            return None;
        };
        let predicted = Stated {
            currency,
            tax,
            gross,
        };
        (predicted != books).then(|| {
            compared(
                "PREDICTION_MISSED",
                "we expected",
                "An operator should look at the provider's rounding.",
                books,
                predicted,
            )
        })
    }
}

fn compared(
    code: &'static str,
    other: &str,
    advice: &str,
    books: Stated,
    expected: Stated,
) -> Finding {
    Finding {
        code,
        message: format!(
            "The books show {} {} (tax {}), {other} {} {} (tax {}). {advice}",
            books.gross, books.currency, books.tax, expected.gross, expected.currency, expected.tax
        ),
        detail: json!({ "books": books, "expected": expected }),
    }
}

/// Where an item goes after a failure. A failure that reaches the whole books never fails the item: it waits.
pub(crate) fn next_after(
    failure: &Failure,
    attempts: u32,
    policy: &Policy,
    seed: u64,
) -> (Next, Option<Halt>) {
    if failure.code == PACED {
        let wait = failure.retry_after.unwrap_or(policy.longest_hold_wait);
        return (
            Next::More,
            Some(Halt {
                failure: failure.clone(),
                wait,
            }),
        );
    }
    let decision = decide(failure, attempts + 1, &policy.retry, seed);
    if failure.scope == Scope::Books {
        let wait = match decision {
            Decision::Retry { after } => after,
            Decision::Verify { after } => {
                return (
                    Next::Verify {
                        after,
                        reason: failure.message.clone(),
                        counts: false,
                    },
                    None,
                );
            }
            Decision::LookFirst | Decision::Park { .. } | Decision::GiveUp { .. } => {
                policy.parked_recheck
            }
        };
        let halt = Halt {
            failure: failure.clone(),
            wait,
        };
        return (
            Next::Later {
                after: wait,
                failure: failure.clone(),
            },
            Some(halt),
        );
    }
    let next = match decision {
        Decision::Retry { after } => Next::Later {
            after,
            failure: failure.clone(),
        },
        Decision::LookFirst => Next::LookFirst(failure.clone()),
        Decision::Verify { after } => Next::Verify {
            after,
            reason: failure.message.clone(),
            counts: false,
        },
        Decision::Park { owner } => Next::Park {
            owner,
            failure: failure.clone(),
            waits_for: None,
        },
        Decision::GiveUp { owner } => Next::GiveUp {
            owner,
            failure: failure.clone(),
        },
    };
    (next, None)
}

/// Pins the jitter to the item, so that neighbours spread.
pub(crate) fn seed(item: &ItemMove) -> u64 {
    item.item.uuid().as_u64_pair().1
}

/// An outcome nobody knows yet.
pub(crate) fn unclear(message: &str) -> Failure {
    Failure::new(FailureKind::OutcomeUnknown, "OUTCOME_UNKNOWN", message)
}

pub(crate) fn stored_landed(landed: &Landed, operation: Operation) -> stored::Landed {
    stored::Landed {
        external_id: landed.external_id.clone(),
        revision: landed.revision.clone(),
        fingerprint: landed.fingerprint.clone(),
        state: if is_ending(operation) {
            "ENDED"
        } else {
            "ACTIVE"
        },
        currency: landed.totals.map(|t| t.currency.to_string()),
        tax: landed.totals.map(|t| t.tax.get()),
        gross: landed.totals.map(|t| t.gross.get()),
    }
}

/// Afterwards the object does not count any more, whatever totals it still states.
const fn is_ending(operation: Operation) -> bool {
    matches!(operation, Operation::Void | Operation::Delete)
}
