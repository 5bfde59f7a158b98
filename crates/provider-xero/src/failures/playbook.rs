//! What begins by itself at a failure, by its code; everything else is a person's.

use model::ImportKind;
use model::failure::{NOT_OPEN, STALE_REVISION};
use provider_kit::Playbook;

use super::table;

/// The playbook of a code; none where a person acts.
pub(crate) fn of(code: &str) -> Option<Playbook> {
    let (name, what) = match code {
        table::EXISTS => (
            "ADOPT_BY_NUMBER",
            "reads what has the number or name, and takes it up if it carries its own mark",
        ),
        table::CONTACT_ARCHIVED => (
            "ASK_ONCE",
            "marks the contact that was refused, so that all documents that need it wait on one question",
        ),
        STALE_REVISION => (
            "READ_AGAIN",
            "reads the object again, compares it, and sends the change only over what it knows",
        ),
        NOT_OPEN | "LIMIT_CONCURRENT" => ("TRY_AGAIN", "sends it again, with growing waits"),
        "LIMIT_MINUTE"
        | "LIMIT_DAY"
        | "LIMIT_APP_MINUTE"
        | "XERO_OFFLINE"
        | "ORGANISATION_OFFLINE" => (
            "WAIT",
            "pauses everything for this organisation, then goes on",
        ),
        "TOKEN_EXPIRED" | "TOKEN_REFUSED" => (
            "RENEW_CONSENT",
            "renews the access token once, before the connection waits for its owner",
        ),
        "KEY_REUSED" | "BAD_REPLY" => (
            "LOOK_UP",
            "looks in the books for its own mark before anything is sent again",
        ),
        _ => return table::asks(code).map(import),
    };
    Some(Playbook { name, what })
}

const fn import(what: ImportKind) -> Playbook {
    let (name, what) = match what {
        ImportKind::Company => (
            "IMPORT_COMPANY",
            "reads the organisation's currencies and lock dates again",
        ),
        ImportKind::Accounts => ("IMPORT_ACCOUNTS", "reads the chart of accounts again"),
        ImportKind::TaxCodes => ("IMPORT_TAX_CODES", "reads the tax rates again"),
    };
    Playbook { name, what }
}
