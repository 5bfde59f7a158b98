//! `tieout explain`: one sentence per books on where a document stands, why, who must act, since when, what next.

use chrono::{DateTime, Utc};
use model::{AccountId, DocumentKind, ItemState, Owner, SourceId};
use serde_json::{Value, json};
use store::admin::Standing;

use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};
use crate::plain::{clause, due, line, span};

/// The document that is asked about.
pub(crate) struct Question {
    pub(crate) kind: DocumentKind,
    pub(crate) id: SourceId,
    pub(crate) account: AccountId,
}

pub(crate) async fn run(context: &Context, question: &Question) -> Result<(), Failed> {
    let store = context.store()?;
    let standings = store
        .standings(question.account, question.kind, &question.id)
        .await?;
    let now = store.now().await?;
    store.close().await;
    if standings.is_empty() {
        return Err(Failed::NotPossible(format!(
            "nothing is known of {} {} of account {}: no event with it was taken in, or no integration wants it",
            question.kind.as_str(),
            question.id,
            question.account
        )));
    }
    if context.is_json {
        let told: Vec<Value> = standings
            .iter()
            .map(|standing| to_json(question, standing, now))
            .collect();
        return say_json(&told);
    }
    for standing in &standings {
        say(sentence(question, standing, now))?;
    }
    Ok(())
}

/// Where the document stands in one books, as one sentence.
pub(crate) fn sentence(question: &Question, standing: &Standing, now: DateTime<Utc>) -> String {
    let what = format!(
        "{} {} of account {} in {} {}",
        question.kind.as_str(),
        question.id,
        question.account,
        line(&standing.provider),
        line(&standing.company)
    );
    let Some(state) = ItemState::from_stored(&standing.state) else {
        return format!(
            "{what} is in the state {:?}, which this build of the command line does not know; upgrade it.",
            standing.state
        );
    };
    let mut clauses = vec![format!("{what} {}", verdict(state, standing, now))];
    if let Some(reason) = &standing.reason {
        clauses.push(format!("because: \"{}\"", clause(reason)));
    }
    clauses.push(age(state, standing, now));
    if let Some(pause) = pause(state, standing, now) {
        clauses.push(pause);
    }
    if !standing.findings.is_empty() {
        let findings: Vec<String> = standing
            .findings
            .iter()
            .map(|finding| format!("\"{}\"", clause(finding)))
            .collect();
        let known = if state == ItemState::Verifying {
            "an operator was told"
        } else {
            "the books differ"
        };
        clauses.push(format!("{known}: {}", findings.join(", ")));
    }
    if let Some(playbook) = playbook(state, standing) {
        clauses.push(format!(
            "by itself Tieout {} (playbook {})",
            playbook.what, playbook.name
        ));
    }
    clauses.push(who(state, standing).to_owned());
    clauses.push(next_step(question, state, standing, now));
    format!("{}.", clauses.join("; "))
}

fn verdict(state: ItemState, standing: &Standing, now: DateTime<Utc>) -> String {
    let version = standing.version.unwrap_or(standing.wanted_version);
    let object = standing
        .external_id
        .as_ref()
        .map(|id| format!(" as object {}", line(id)))
        .unwrap_or_default();
    match state {
        ItemState::Queued => format!(
            "is queued: version {} is ready to be sent",
            standing.wanted_version
        ),
        ItemState::Running => format!("is being sent: a worker has version {version} in hand"),
        ItemState::Verifying => format!(
            "is being verified: what became of an earlier call for version {version} is not known yet"
        ),
        ItemState::Waiting => match standing.due_at {
            Some(at) => format!("waits and is due {}", due(at, now)),
            None => "waits".to_owned(),
        },
        ItemState::Parked => match &standing.waits_for {
            Some(other) => format!("is parked until {} is in the books", line(other)),
            None => "is parked".to_owned(),
        },
        ItemState::Done => format!("is done: version {version} is in the books{object}"),
        ItemState::Partial => {
            let missing: Vec<String> = standing.missing.iter().map(|part| line(part)).collect();
            let without = if missing.is_empty() {
                String::new()
            } else {
                format!(", without {}", missing.join(" and "))
            };
            format!("is partly done: some of version {version} is in the books{object}{without}")
        }
        ItemState::Skipped => format!("was skipped on purpose with version {version}"),
        ItemState::Failed => {
            format!(
                "has failed: version {version} was given up after {}",
                tries(standing.attempts)
            )
        }
    }
}

fn tries(attempts: i32) -> String {
    match attempts {
        1 => "1 try".to_owned(),
        several => format!("{several} tries"),
    }
}

fn age(state: ItemState, standing: &Standing, now: DateTime<Utc>) -> String {
    match standing.done_at.filter(|_| state.is_final()) {
        Some(at) => format!("that was {} ago", span(now - at)),
        None => format!("it was wanted {} ago", span(now - standing.wanted_at)),
    }
}

/// A pause of the whole books, where it holds this item up.
fn pause(state: ItemState, standing: &Standing, now: DateTime<Utc>) -> Option<String> {
    let until = standing.books_not_before.filter(|until| *until > now)?;
    if state.is_final() {
        return None;
    }
    let reason = standing
        .books_reason
        .as_deref()
        .unwrap_or("no reason is given");
    Some(format!(
        "all work on these books pauses and resumes {} because: \"{}\"",
        due(until, now),
        clause(reason)
    ))
}

/// What begins by itself at the failure behind this, where the provider has a playbook for it.
fn playbook(state: ItemState, standing: &Standing) -> Option<catalog::Playbook> {
    let code = standing.failure_code.as_deref()?;
    if state.is_final() {
        return None;
    }
    (catalog::by_key(&standing.provider)?.playbook)(code)
}

fn who(state: ItemState, standing: &Standing) -> &'static str {
    match Owner::from_stored(&standing.owner) {
        // The item is finished; its difference is not.
        Some(Owner::System) if state.is_final() && !standing.findings.is_empty() => {
            "the bookkeeper must act"
        }
        // Look-ups go on, and have not settled it for a day.
        Some(Owner::System) if state == ItemState::Verifying && !standing.findings.is_empty() => {
            "an operator must act"
        }
        Some(Owner::System) => "nobody has to act",
        Some(Owner::Bookkeeper) => "the bookkeeper must act",
        Some(Owner::Customer) => "the customer must act",
        Some(Owner::Operator) => "an operator must act",
        None => "who must act is not known to this build",
    }
}

fn next_step(
    question: &Question,
    state: ItemState,
    standing: &Standing,
    now: DateTime<Utc>,
) -> String {
    let try_again = format!(
        "`tieout try-again {} {} --account {}`",
        question.kind.as_str(),
        question.id,
        question.account
    );
    let is_paused = pause(state, standing, now).is_some();
    match state {
        ItemState::Queued | ItemState::Waiting | ItemState::Verifying if is_paused => {
            "next: it goes on when the books do".to_owned()
        }
        ItemState::Queued => "next: a worker takes it".to_owned(),
        ItemState::Running => "next: its outcome is recorded".to_owned(),
        ItemState::Verifying => match standing.due_at {
            Some(at) => format!(
                "next: the books are asked {}, before anything is sent again",
                due(at, now)
            ),
            None => "next: the books are asked before anything is sent again".to_owned(),
        },
        ItemState::Waiting => {
            format!("next: it is sent when it is due, or earlier with {try_again}")
        }
        ItemState::Parked => match (&standing.waits_for, standing.due_at) {
            (Some(other), _) => format!("next: it goes on when {} arrives", line(other)),
            (None, Some(at)) => {
                format!(
                    "next: it is looked at again {}, or now with {try_again}",
                    due(at, now)
                )
            }
            (None, None) => format!("next: a person asks for it with {try_again}"),
        },
        ItemState::Done | ItemState::Skipped
            if standing
                .version
                .is_some_and(|version| version < standing.wanted_version) =>
        {
            format!("next: version {} follows", standing.wanted_version)
        }
        ItemState::Done if standing.findings.is_empty() => "nothing is left to do".to_owned(),
        ItemState::Done => "next: look at the difference in the books".to_owned(),
        ItemState::Skipped => "next: nothing, until a newer version comes".to_owned(),
        ItemState::Partial => {
            "next: once the cause is mended, replay its dead letter (`tieout dead list`), which goes on with what \
             is missing"
                .to_owned()
        }
        ItemState::Failed => {
            "next: once the cause is mended, replay its dead letter (`tieout dead list`)".to_owned()
        }
    }
}

fn to_json(question: &Question, standing: &Standing, now: DateTime<Utc>) -> Value {
    json!({
        "sentence": sentence(question, standing, now),
        "provider": standing.provider, "company": standing.company, "state": standing.state,
        "version": standing.version, "wantedVersion": standing.wanted_version,
        "reason": standing.reason, "failureCode": standing.failure_code,
        "playbook": ItemState::from_stored(&standing.state)
            .and_then(|state| playbook(state, standing))
            .map(|playbook| playbook.name),
        "owner": standing.owner, "dueAt": standing.due_at,
        "wantedAt": standing.wanted_at, "doneAt": standing.done_at, "waitsFor": standing.waits_for,
        "externalId": standing.external_id, "attempts": standing.attempts,
        "booksReason": standing.books_reason, "booksNotBefore": standing.books_not_before,
        "findings": standing.findings, "missing": standing.missing,
    })
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
