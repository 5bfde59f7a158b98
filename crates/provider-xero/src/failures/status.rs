//! What a whole reply says that answers no element: by its status first, then by its own words.
//!
//! 401 has three meanings: an expired token and a refused one are renewed once, a missing scope is not helped by any
//! token. 429 has four: the organisation's minute and day and the app's minute stop the books for as long as Xero
//! says; too many calls at once only means to send this one again shortly.

use std::time::Duration;

use model::{Failure, FailureKind, Owner, Scope};
use provider_kit::Reply;
use serde_json::Value;

use super::{excerpt, member, no_answer, of_messages, table, unknown_outcome};

/// Longest wait that Xero may ask for: a day's limit opens at midnight somewhere.
const LONGEST_WAIT: u64 = 24 * 60 * 60;
/// How long an organisation that is offline is left alone (Xero, "HTTP response codes", checked 2026-11-23).
const OFFLINE: Duration = Duration::from_mins(5);

/// What a whole reply says that is not an answer to the request. `writing` tells whether anything could have been
/// written.
pub(crate) fn of_reply(reply: &Reply, body: Option<&Value>, writing: bool) -> Failure {
    let failure = match reply.status {
        400 => refused(body),
        401 => unauthorised(reply, body),
        403 => forbidden(body),
        404 => not_found(),
        408 => server_trouble(408, writing),
        412 | 413 | 415 => malformed(reply.status),
        429 => throttled(reply),
        501 if error_number(body) == Some(20) => malformed(501),
        503 => offline(reply, writing),
        500..=599 => server_trouble(reply.status, writing),
        402..=499 => unexplained(reply.status),
        _ => no_answer(reply.status, writing),
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
    let detail = failure.detail.clone().unwrap_or_else(|| excerpt(reply));
    failure.reaching(scope).with_detail(detail)
}

/// An exception object: the number tells what could not be read, the words what was refused.
fn refused(body: Option<&Value>) -> Failure {
    let said = member(body, "Message").and_then(Value::as_str);
    let known = said.and_then(|words| table::row(&words.to_lowercase()));
    if let Some(row) = known {
        return row.failure();
    }
    match error_number(body) {
        Some(14 | 16 | 17 | 20) => malformed(400),
        _ => body
            .and_then(|body| of_messages(&super::messages(body)))
            .unwrap_or_else(|| unexplained(400)),
    }
}

fn error_number(body: Option<&Value>) -> Option<u64> {
    member(body, "ErrorNumber").and_then(Value::as_u64)
}

fn unauthorised(reply: &Reply, body: Option<&Value>) -> Failure {
    let detail = member(body, "Detail")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let challenge = reply.header("www-authenticate").unwrap_or_default();
    // Xero itself spells it both ways.
    let is_scope = detail.contains("AuthorizationUnsuccessful")
        || challenge.contains("insufficient_scope")
        || challenge.contains("insufficent_scope");
    if is_scope {
        // Not `Unauthorized`: a fresh token would carry the same scopes, and asking for one would go on for ever.
        return Failure::new(
            FailureKind::Unsupported,
            "SCOPE_MISSING",
            "The consent to Xero does not cover what Tieout has to do there. Whoever owns the organisation must connect \
             it again and agree to all that is asked; everything waiting is then sent by itself.",
        )
        .owned_by(Owner::Customer)
        .reaching(Scope::Books);
    }
    let code = if detail.starts_with("TokenExpired") {
        "TOKEN_EXPIRED"
    } else {
        "TOKEN_REFUSED"
    };
    Failure::new(
        FailureKind::Unauthorized,
        code,
        "Xero did not accept the connection's access. Tieout renews it once by itself; if this stays, whoever owns the \
         organisation must connect it again.",
    )
    .reaching(Scope::Books)
}

/// The token is good and the organisation is not its own any more.
fn forbidden(body: Option<&Value>) -> Failure {
    let detail = member(body, "Detail")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (code, message) = if detail.contains("AuthenticationUnsuccessful") {
        (
            "ORGANISATION_DISCONNECTED",
            "Xero does not let Tieout into this organisation: it was disconnected, deleted, or its trial is over. Whoever \
             owns it must connect it again; everything waiting is then sent by itself.",
        )
    } else {
        (
            "PERMISSION_MISSING",
            "Whoever connected this organisation may not do this in Xero, or its plan does not allow it. Let an \
             administrator connect it, or change the plan; everything waiting is then sent by itself.",
        )
    };
    Failure::new(FailureKind::Conflict, code, message)
        .owned_by(Owner::Customer)
        .reaching(Scope::Books)
}

fn not_found() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "HTTP_404",
        "Xero knows nothing at the address that Tieout used. Whoever runs Tieout must check the address that is \
         configured, then send this again.",
    )
    .owned_by(Owner::Operator)
}

/// A request that Xero cannot read.
fn malformed(status: u16) -> Failure {
    Failure::new(
        FailureKind::Defect,
        format!("HTTP_{status}"),
        "Xero could not read what Tieout sent; this is a fault of Tieout. Nothing was written. Whoever runs it must \
         report it.",
    )
}

fn unexplained(status: u16) -> Failure {
    Failure::new(
        FailureKind::Rejected,
        format!("HTTP_{status}"),
        "Xero refused this request without an explanation that can be read. Nothing was written. Whoever runs Tieout \
         must look at the stored reply, then send it again.",
    )
    .owned_by(Owner::Operator)
}

fn throttled(reply: &Reply) -> Failure {
    let problem = reply
        .header("x-rate-limit-problem")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .replace('-', "");
    let (code, message) = match problem.as_str() {
        "concurrent" => {
            // Nothing was done and no window has to pass.
            return Failure::new(
                FailureKind::Unreachable,
                "LIMIT_CONCURRENT",
                "Xero is busy with other calls of this organisation. Tieout sends this again by itself in a moment; \
                 nobody needs to act.",
            )
            .reaching(Scope::Call);
        }
        "day" => (
            "LIMIT_DAY",
            "Xero's calls of today are used up for this organisation. Tieout goes on by itself when Xero opens the next \
             day; nobody needs to act.",
        ),
        "appminute" => (
            "LIMIT_APP_MINUTE",
            "Xero's calls of this minute are used up for all organisations together. Tieout goes on by itself; nobody \
             needs to act.",
        ),
        _ => (
            "LIMIT_MINUTE",
            "Xero's calls of this minute are used up for this organisation. Tieout goes on by itself; nobody needs to act.",
        ),
    };
    Failure::new(FailureKind::Throttled, code, message)
        .with_retry_after(wait(reply))
        .reaching(Scope::Books)
}

/// What Xero asks to wait: for a day's limit it may be hours, which `Reply::retry_after` would cut.
fn wait(reply: &Reply) -> Option<Duration> {
    let seconds: u64 = reply.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// Plain text, for all of Xero or for one organisation.
fn offline(reply: &Reply, writing: bool) -> Failure {
    let words = String::from_utf8_lossy(&reply.body).to_lowercase();
    let (code, message) = if words.contains("the organisation is offline") {
        (
            "ORGANISATION_OFFLINE",
            "Xero has taken this organisation offline for a while. Tieout goes on by itself and first looks up what became \
             of what it had sent; nobody needs to act.",
        )
    } else if words.contains("offline for maintenance") || words.contains("temporarily unavailable")
    {
        (
            "XERO_OFFLINE",
            "Xero is offline for a while. Tieout goes on by itself and first looks up what became of what it had sent; \
             nobody needs to act.",
        )
    } else {
        return server_trouble(503, writing);
    };
    unknown_outcome(code, message)
        .with_retry_after(Some(wait(reply).unwrap_or(OFFLINE)))
        .reaching(Scope::Books)
}

fn server_trouble(status: u16, writing: bool) -> Failure {
    if writing {
        unknown_outcome(
            &format!("HTTP_{status}"),
            "Xero had trouble while it worked on this, and did not say what became of it. Tieout looks it up before \
             anything is sent again; nobody needs to act.",
        )
    } else {
        no_answer(status, false)
    }
}
