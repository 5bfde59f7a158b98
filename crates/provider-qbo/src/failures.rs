//! What a refusal of QuickBooks means: kind, owner, reach, and a sentence for a bookkeeper.
//!
//! The meaning of a code is data (`table`), chosen by code and wording together, because one code means
//! different things. Bodies come in four shapes (`fault`). The HTTP status decides what a write became:
//! 5xx leaves it unknown, 429 and 401 stop the whole books, other 4xx are refusals.

pub(crate) mod fault;
pub(crate) mod table;

pub(crate) use self::table::playbook;

use std::fmt::Display;
use std::time::Duration;

use model::failure::{NOT_OPEN, STALE_REVISION};
use model::{Failure, FailureKind, Owner, Scope};
use provider_kit::Reply;
use serde_json::Value;

use self::fault::Fault;

/// What a whole reply says that is not an answer to the request. `writing` tells whether anything could
/// have been written.
pub(crate) fn of_reply(reply: &Reply, body: Option<&Value>, writing: bool) -> Failure {
    let faults = fault::in_reply(reply, body);
    let failure = match reply.status {
        401 => of_faults(&faults)
            .filter(|failure| failure.kind == FailureKind::Unauthorized)
            .unwrap_or_else(|| of_code("3200")),
        429 => of_code("3001"),
        403 => of_faults(&faults).unwrap_or_else(forbidden),
        404 => not_found(),
        408 | 500..=599 => server_trouble(reply.status, writing),
        400..=499 => of_faults(&faults).unwrap_or_else(|| unexplained(reply.status)),
        _ => of_faults(&faults).unwrap_or_else(|| no_answer(reply.status, writing)),
    };
    let failure = match (failure.kind, writing) {
        // A read that went wrong may simply be read again.
        (FailureKind::OutcomeUnknown, false) => Failure {
            kind: FailureKind::Unreachable,
            ..failure
        },
        _ => failure,
    };
    let scope = match failure.scope {
        Scope::Element => Scope::Call,
        wider => wider,
    };
    let wait = longer(failure.retry_after, reply.retry_after());
    let detail = failure
        .detail
        .clone()
        .unwrap_or_else(|| fault::excerpt(reply, &faults));
    failure
        .reaching(scope)
        .with_retry_after(wait)
        .with_detail(detail)
}

/// The gravest of several faults of one element; none when no fault says what it is.
pub(crate) fn of_faults(faults: &[Fault]) -> Option<Failure> {
    faults
        .iter()
        .filter(|fault| !fault.code.is_empty())
        .map(of_fault)
        .max_by_key(gravity)
}

/// What one fault means.
pub(crate) fn of_fault(fault: &Fault) -> Failure {
    let wording = fault.wording();
    let failure = match table::row(&fault.code, &wording) {
        Some(row) => row.failure(),
        None if fault.is_severe() => unknown_outcome(
            &fault.code,
            "QuickBooks reported a failure of its own while it worked on this. Tieout looks up what became \
             of it before anything is sent again; nobody needs to act.",
        ),
        None => Failure::new(
            FailureKind::Rejected,
            fault.code.clone(),
            "QuickBooks refused this for a reason that Tieout does not know. Its own words are below: correct \
             what they name, in ProjectLedger or in QuickBooks, then send it again.",
        ),
    };
    failure.with_detail(wording)
}

/// The row for a bare code.
fn of_code(code: &str) -> Failure {
    table::row(code, "").map_or_else(|| unexplained(400), table::Row::failure)
}

/// The books are closed for a day that is known to be in a closed period.
pub(crate) fn closed_books() -> Failure {
    of_code("6210")
}

/// The number is taken by a document that is not ours.
pub(crate) fn number_taken() -> Failure {
    of_code("6140")
}

fn gravity(failure: &Failure) -> u8 {
    match failure.kind {
        FailureKind::OutcomeUnknown => 9,
        FailureKind::Unauthorized => 8,
        FailureKind::Throttled => 7,
        FailureKind::Unreachable | FailureKind::AgentAbsent => 6,
        FailureKind::Rejected => 5,
        FailureKind::Defect => 4,
        FailureKind::Unsupported => 3,
        FailureKind::Conflict if failure.code == STALE_REVISION => 1,
        FailureKind::Conflict | FailureKind::DependencyMissing => 2,
    }
}

fn longer(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.max(b)
}

/// The edge refuses without an explanation: not written, and not this document's fault alone.
fn forbidden() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "HTTP_403",
        "QuickBooks' gateway refused this request without saying why. Nothing was written. Whoever runs Tieout \
         must look at the stored reply, then send it again.",
    )
    .owned_by(Owner::Operator)
}

/// A missing object is code 610; a 404 means that the address or the company is wrong.
fn not_found() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "HTTP_404",
        "QuickBooks does not know this company at the address that is configured, so nothing is sent to it. \
         Whoever runs Tieout must check the company's id and whether it is a real or a sandbox company.",
    )
    .owned_by(Owner::Operator)
    .reaching(Scope::Books)
}

fn unexplained(status: u16) -> Failure {
    Failure::new(
        FailureKind::Rejected,
        format!("HTTP_{status}"),
        "QuickBooks refused this request without an explanation that can be read. Nothing was written. Whoever \
         runs Tieout must look at the stored reply, then send it again.",
    )
    .owned_by(Owner::Operator)
}

fn server_trouble(status: u16, writing: bool) -> Failure {
    if writing {
        unknown_outcome(
            &format!("HTTP_{status}"),
            "QuickBooks had trouble while it worked on this, and did not say what became of it. Tieout looks \
             it up before anything is sent again; nobody needs to act.",
        )
    } else {
        no_answer(status, false)
    }
}

fn no_answer(status: u16, writing: bool) -> Failure {
    if writing {
        return unknown_outcome(
            "BAD_REPLY",
            "QuickBooks' answer could not be read in full, so what became of this is not known. Tieout looks \
             it up before anything is sent again; nobody needs to act.",
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
        "QuickBooks did not answer a question in a form that can be read. Tieout asks again by itself; nobody \
         needs to act.",
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
        "Tieout could not put this into QuickBooks' form; this is a fault of Tieout. Whoever runs it must \
         report it.",
    )
    .with_detail(detail.to_string())
}

/// A kind of document that this build keeps to itself.
pub(crate) fn not_exported(kind: &str) -> Failure {
    unsupported(
        "NOT_EXPORTED",
        &format!(
            "{kind} are not exported to QuickBooks Online yet by this version of Tieout. Enter them in \
             QuickBooks by hand, or wait for a version that does."
        ),
    )
}

/// Something these books cannot hold.
pub(crate) fn unsupported(code: &str, message: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, code, message)
}

/// The object changed in the books since we last saw it.
pub(crate) fn edited_in_books(thing: &str, fields: &[&str]) -> Failure {
    let named = if fields.is_empty() {
        "in fields that Tieout keeps".to_owned()
    } else {
        format!("in: {}", fields.join(", "))
    };
    Failure::new(
        FailureKind::Conflict,
        "EDITED_IN_BOOKS",
        format!(
            "This {thing} was changed in QuickBooks after Tieout sent it, and is not overwritten. QuickBooks \
             and ProjectLedger differ {named}. Make the two agree, in QuickBooks or in ProjectLedger, then \
             send it again."
        ),
    )
}

/// The object to be voided or deleted changed in the books since we last saw it.
pub(crate) fn edited_before_end(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "EDITED_IN_BOOKS",
        format!(
            "This {thing} was taken back in ProjectLedger, but it was changed in QuickBooks after Tieout sent it, so \
             Tieout does not take it back unseen. Void or delete it in QuickBooks if you agree, then send it again."
        ),
    )
}

/// The object was deleted in the books.
pub(crate) fn deleted_in_books(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "DELETED_IN_BOOKS",
        format!(
            "This {thing} was deleted in QuickBooks after Tieout sent it, and is not created again by itself. \
             Decide whether it should exist: ask Tieout to create it again, or delete it in ProjectLedger too."
        ),
    )
}

/// The object was voided in the books, and voiding cannot be undone.
pub(crate) fn voided_in_books(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "VOIDED_IN_BOOKS",
        format!(
            "This {thing} stands in ProjectLedger but is void in QuickBooks, where voiding cannot be undone. Void it in \
             ProjectLedger too, or issue a new {thing} there."
        ),
    )
}

/// An invoice that is paid or credited was deleted in the books.
pub(crate) fn invoice_gone(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "INVOICE_GONE",
        format!(
            "An invoice that this {thing} is for was deleted in QuickBooks. Let Tieout create the invoice again, or \
             set the {thing} against another invoice in ProjectLedger; then send it again."
        ),
    )
}

/// An invoice that is paid or credited is void in the books.
pub(crate) fn invoice_void(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "INVOICE_VOID",
        format!(
            "An invoice that this {thing} is for is void in QuickBooks and takes nothing. Set the {thing} against \
             another invoice in ProjectLedger, or take it off there; then send it again."
        ),
    )
}

/// Less is open on an invoice in the books than is to be set against it.
pub(crate) fn invoice_already_paid(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        NOT_OPEN,
        format!(
            "QuickBooks has less open on an invoice than this {thing} is to settle: somebody, or QuickBooks by itself, \
             has set something else against it already. Tieout tries again for a while, since another document may be \
             about to free it. If it stays so, take that off in QuickBooks, or change what this {thing} is for in \
             ProjectLedger; then send it again."
        ),
    )
}

/// An invoice is to come to less than is set against it, or to nothing. QuickBooks would take the surplus off its
/// payments in silence.
pub(crate) fn invoice_paid_for_more() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        NOT_OPEN,
        "More is set against this invoice in QuickBooks than it is to come to, and QuickBooks would take payments or \
         credits off it in silence. Tieout tries again for a while, since these may be about to change. If it stays so, \
         take off in QuickBooks what is set against the invoice, then send it again.",
    )
}

/// The payment is there, and not all of it could be set against its invoices.
pub(crate) fn applied_less() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        NOT_OPEN,
        "QuickBooks took this payment and set less of it against an invoice than ProjectLedger says, because less was \
         open there; the rest is the customer's credit. Tieout tries again for a while. If it stays so, take off in \
         QuickBooks what settles the invoice already, or change what this payment is for in ProjectLedger; then send \
         it again.",
    )
}

/// It moved on while our change was unclear: read and compared field by field when it is planned again. The
/// sentence also fits where that waits for a person.
pub(crate) fn moved_on(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        STALE_REVISION,
        format!(
            "This {thing} changed in QuickBooks while Tieout's own change was under way, and does not hold that \
             change. Nothing was overwritten. Look at it in QuickBooks, then send it again: Tieout compares the \
             two before it changes anything."
        ),
    )
}

/// An object in the books that does not have an object's shape.
pub(crate) fn unreadable(thing: &str) -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "BAD_REPLY",
        format!(
            "QuickBooks' answer about this {thing} could not be read. Tieout asks again by itself; nobody needs \
             to act."
        ),
    )
}

#[cfg(test)]
#[path = "failures/failures_tests.rs"]
mod tests;
