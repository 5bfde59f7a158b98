//! What a refusal of Xero means: kind, owner, reach, and a sentence for a bookkeeper.
//!
//! Xero refuses in English prose without codes. The meaning of a sentence is data (`table`), found by a fragment of
//! it; what no row knows is refused with Xero's own words for a person to read. Bodies come in four dialects: a
//! problem object under 401 and 403, an exception object under 400, plain text under 503, elements with their own
//! errors under 200. The status decides what a write became: 5xx leaves it unknown, 401, 403 and 429 stop the whole
//! books, other 4xx are refusals.

mod playbook;
mod status;
pub(crate) mod table;

use std::fmt::Display;

use chrono::NaiveDate;
use model::failure::STALE_REVISION;
use model::{Currency, Failure, FailureKind, ImportKind, Owner, Scope};
use provider_kit::Reply;
use serde_json::Value;

pub(crate) use self::playbook::of as playbook;
pub(crate) use self::status::of_reply;

/// Longest part of Xero's own wording that is kept.
const EXCERPT: usize = 1_000;

/// The gravest of what an element's validation errors say; none when there are no words.
pub(crate) fn of_messages(messages: &[String]) -> Option<Failure> {
    let wording = messages.join(" | ");
    messages
        .iter()
        .map(|message| of_message(message))
        .max_by_key(gravity)
        .map(|failure| failure.with_detail(cut(&wording)))
}

/// What one sentence means.
fn of_message(message: &str) -> Failure {
    let lower = message.to_lowercase();
    table::row(&lower).map_or_else(
        || {
            Failure::new(
                FailureKind::Rejected,
                "REFUSED",
                "Xero refused this for a reason that Tieout does not know. Its own words are below: correct what they \
                 name, in ProjectLedger or in Xero, then send it again.",
            )
        },
        table::Row::failure,
    )
}

fn gravity(failure: &Failure) -> u8 {
    match failure.kind {
        FailureKind::OutcomeUnknown => 9,
        FailureKind::Unauthorized => 8,
        FailureKind::Throttled => 7,
        FailureKind::Unreachable | FailureKind::AgentAbsent => 6,
        FailureKind::Conflict if failure.code == STALE_REVISION => 5,
        FailureKind::Conflict | FailureKind::DependencyMissing => 4,
        FailureKind::Rejected if failure.code != "REFUSED" => 3,
        FailureKind::Rejected | FailureKind::Unsupported => 2,
        FailureKind::Defect => 1,
    }
}

/// Every validation message anywhere in an element: they also sit on its contact, lines and addresses, and some
/// pages call their words `Description`.
pub(crate) fn messages(element: &Value) -> Vec<String> {
    let mut found = Vec::new();
    gather(element, 0, &mut found);
    found
}

/// Deeper than any element of Xero nests.
const DEEPEST: usize = 12;

fn gather(value: &Value, depth: usize, found: &mut Vec<String>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, depth + 1, found)),
        Value::Object(members) => {
            for (name, inner) in members {
                if name == "ValidationErrors" {
                    let words = inner.as_array().into_iter().flatten().filter_map(words);
                    found.extend(words);
                } else {
                    gather(inner, depth + 1, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn words(error: &Value) -> Option<String> {
    ["Message", "Description"]
        .iter()
        .find_map(|name| error.get(name)?.as_str())
        .map(str::to_owned)
}

/// A member under any spelling of its name: problem objects come in two.
fn member<'b>(body: Option<&'b Value>, name: &str) -> Option<&'b Value> {
    body?
        .as_object()?
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(EXCERPT).collect()
}

/// The beginning of a reply's own words.
fn excerpt(reply: &Reply) -> String {
    let start = &reply.body[..reply.body.len().min(4 * EXCERPT)];
    format!("{}: {}", reply.status, cut(&String::from_utf8_lossy(start)))
}

fn no_answer(status: u16, writing: bool) -> Failure {
    if writing {
        return unknown_outcome(
            "BAD_REPLY",
            "Xero's answer could not be read in full, so what became of this is not known. Tieout looks it up before \
             anything is sent again; nobody needs to act.",
        );
    }
    let code = if (200..300).contains(&status) {
        "BAD_REPLY".to_owned()
    } else {
        format!("HTTP_{status}")
    };
    Failure::new(
        FailureKind::Unreachable,
        code,
        "Xero did not answer a question in a form that can be read. Tieout asks again by itself; nobody needs to act.",
    )
}

/// A success whose content does not prove that our object is there.
pub(crate) fn unproven(detail: impl AsRef<str>) -> Failure {
    no_answer(200, true).with_detail(detail)
}

/// A look-up or read whose content cannot be trusted.
pub(crate) fn unreadable_answer(detail: impl AsRef<str>) -> Failure {
    no_answer(200, false)
        .reaching(Scope::Call)
        .with_detail(detail)
}

fn unknown_outcome(code: &str, message: &str) -> Failure {
    Failure::new(FailureKind::OutcomeUnknown, code, message)
}

/// A rule of ours was broken.
pub(crate) fn defect(code: &str, detail: &impl Display) -> Failure {
    Failure::new(
        FailureKind::Defect,
        code,
        "Tieout could not put this into Xero's form; this is a fault of Tieout. Whoever runs it must report it.",
    )
    .with_detail(detail.to_string())
}

/// A kind of document that this build keeps to itself.
pub(crate) fn not_exported(kind: &str) -> Failure {
    unsupported(
        "NOT_EXPORTED",
        &format!(
            "{kind} are not exported to Xero by this version of Tieout. Enter them in Xero by hand, or wait for a \
             version that does."
        ),
    )
}

/// Something these books cannot hold.
pub(crate) fn unsupported(code: &str, message: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, code, message)
}

/// The organisation does not use the document's currency.
pub(crate) fn currency_not_used(currency: Option<Currency>) -> Failure {
    let named = currency.map_or_else(
        || "the currency of this document".to_owned(),
        |c| c.to_string(),
    );
    Failure::new(
        FailureKind::Rejected,
        "CURRENCY_NOT_USED",
        format!(
            "The organisation in Xero does not use {named}. Add the currency in Xero (Settings, Currencies; it may need \
             a larger plan), then send this again."
        ),
    )
    .asking_import(ImportKind::Company)
}

/// The document's day lies in a locked period.
pub(crate) fn period_locked(until: Option<NaiveDate>) -> Failure {
    let named = until.map_or_else(|| "its lock date".to_owned(), |day| day.to_string());
    Failure::new(
        FailureKind::Conflict,
        "PERIOD_LOCKED",
        format!(
            "The books in Xero are locked up to {named}, and this is dated on or before that day. Move the lock date in \
             Xero (Settings, Advanced, Financial settings), or change the date in ProjectLedger; then send it again."
        ),
    )
}

/// The object changed in the books since we last saw it.
pub(crate) fn edited_in_books(thing: &str, fields: &[&str]) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "EDITED_IN_BOOKS",
        format!(
            "This {thing} was changed in Xero after Tieout sent it, and is not overwritten. Xero and ProjectLedger \
             differ {}. Make the two agree, in Xero or in ProjectLedger, then send it again.",
            named(fields)
        ),
    )
}

/// Payments stand against it, and Xero lets only a few fields change.
pub(crate) fn paid_in_books(fields: &[&str]) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "PAID_IN_BOOKS",
        format!(
            "This invoice was changed in ProjectLedger {}, and in Xero payments or credits are set against it, so that \
             Xero takes only a new number, due date, reference or text. Take the payments off it in Xero, or correct it \
             by a credit note; then send it again.",
            named(fields)
        ),
    )
}

/// Credit was set against invoices, and Xero lets nothing of the note change.
pub(crate) fn allocated_in_books() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "ALLOCATED_IN_BOOKS",
        "This credit note was changed in ProjectLedger, and in Xero it is set against invoices already, so that nothing \
         of it can change. Take it off the invoices in Xero, or void it and issue a new one; then send it again.",
    )
}

fn named(fields: &[&str]) -> String {
    if fields.is_empty() {
        "in fields that Tieout keeps".to_owned()
    } else {
        format!("in: {}", fields.join(", "))
    }
}

/// The object to be ended changed in the books since we last saw it.
pub(crate) fn edited_before_void(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "EDITED_IN_BOOKS",
        format!(
            "This {thing} is to be ended by ProjectLedger, but it was changed in Xero after Tieout sent it, so Tieout does \
             not end it unseen. Void or delete it in Xero if you agree, then send it again."
        ),
    )
}

/// Money or credit stands against what is to be voided.
pub(crate) fn paid_before_void(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "PAID_IN_BOOKS",
        format!(
            "This {thing} was voided in ProjectLedger, and in Xero money or credit that Tieout did not enter is set against \
             it. Take that off in Xero, then send it again."
        ),
    )
}

/// The object was deleted in the books.
pub(crate) fn deleted_in_books(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "DELETED_IN_BOOKS",
        format!(
            "This {thing} was deleted in Xero after Tieout sent it, and is not created again by itself. Decide whether it \
             should exist: ask Tieout to create it again, or delete it in ProjectLedger too."
        ),
    )
}

/// It was voided in the books, and voiding cannot be undone.
pub(crate) fn voided_in_books(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "VOIDED_IN_BOOKS",
        format!(
            "This {thing} stands in ProjectLedger but is void in Xero, where voiding cannot be undone. Void it in \
             ProjectLedger too, or issue a new one there."
        ),
    )
}

/// Something of ours has another object's number or name.
pub(crate) fn taken(thing: &str, what: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "TAKEN_IN_BOOKS",
        format!(
            "Xero already has another {thing} with this {what}, which Tieout did not make. Decide which of the two counts: \
             link the existing one, or change one {what}, then send it again."
        ),
    )
    .owned_by(Owner::Bookkeeper)
}

/// It moved on while our change was unclear: read and compared field by field when it is planned again.
pub(crate) fn moved_on(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        STALE_REVISION,
        format!(
            "This {thing} changed in Xero while Tieout's own change was under way, and does not hold that change. Nothing \
             was overwritten. Look at it in Xero, then send it again: Tieout compares the two before it changes anything."
        ),
    )
}

/// An object in the books that does not have an object's shape.
pub(crate) fn unreadable(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "BAD_REPLY",
        format!(
            "Xero's answer about this {thing} could not be read. Tieout asks again by itself; nobody needs to act."
        ),
    )
}

#[cfg(test)]
#[path = "failures/failures_tests.rs"]
mod tests;
