//! Which account a line is booked on and which bank account takes a payment.
//!
//! Settings name accounts by Xero's id, or by the code that people know them under. Where the chart of accounts was
//! imported, an account that is archived or takes no postings is refused before anything is sent.

use model::document::Line;
use model::reference::AccountRef;
use model::{Failure, FailureKind, ImportKind};
use provider_kit::View;

use crate::wire;

/// Longest code of an account.
const LONGEST_CODE: usize = 10;

/// The code that a line is booked under; none where its item decides.
pub(super) fn of_line(
    view: &View<'_>,
    line: &Line,
    item: Option<&str>,
) -> Result<Option<String>, Failure> {
    let by_category = line
        .category
        .as_ref()
        .and_then(|category| view.settings.account_ids.get(category));
    let wanted = by_category
        .or(view.settings.invoice_account_id.as_ref())
        .filter(|account| !account.is_empty());
    match wanted {
        Some(account) => code(view, account).map(Some),
        None if item.is_some() => Ok(None),
        None => Err(not_mapped()),
    }
}

/// The code of the account for whole documents: summary and discount lines.
pub(super) fn of_document(view: &View<'_>) -> Result<Option<String>, Failure> {
    view.settings
        .invoice_account_id
        .as_ref()
        .filter(|account| !account.is_empty())
        .map(|account| code(view, account))
        .transpose()
}

/// The account that money comes into.
pub(super) fn of_payments(view: &View<'_>) -> Result<wire::Account, Failure> {
    let wanted = view
        .settings
        .bank_account_id
        .as_deref()
        .filter(|account| !account.is_empty())
        .ok_or_else(no_bank_account)?;
    if known(view, wanted).is_some_and(|account| !account.is_active) {
        return Err(unusable());
    }
    // Bank accounts may have no code, so an id is sent as one.
    let is_id = wire::is_id(wanted);
    Ok(wire::Account {
        account_id: is_id.then(|| wanted.to_owned()),
        code: (!is_id).then(|| wanted.to_owned()),
    })
}

fn code(view: &View<'_>, wanted: &str) -> Result<String, Failure> {
    let Some(account) = known(view, wanted) else {
        return if wanted.chars().count() <= LONGEST_CODE {
            Ok(wanted.to_owned())
        } else {
            Err(unusable())
        };
    };
    if !account.is_active || !account.can_post {
        return Err(unusable());
    }
    account
        .number
        .clone()
        .filter(|code| !code.is_empty())
        .ok_or_else(unusable)
}

fn known<'v>(view: &View<'v>, wanted: &str) -> Option<&'v AccountRef> {
    view.references.account(wanted).or_else(|| {
        view.references
            .accounts()
            .find(|account| account.number.as_deref() == Some(wanted))
    })
}

pub(super) fn not_mapped() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "ACCOUNT_NOT_MAPPED",
        "A line of this document has no account in Xero to be booked on. Choose a revenue account, or one for the \
         line's category, in the integration's settings, then send it again.",
    )
}

fn no_bank_account() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "BANK_ACCOUNT_NOT_MAPPED",
        "No account in Xero is chosen for money that comes in. Choose a bank account in the integration's settings, \
         then send this payment again.",
    )
}

fn unusable() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "ACCOUNT_UNUSABLE",
        "An account that the integration's settings name is archived in Xero, takes no postings or is not there. \
         Choose another account in the settings, or restore it in Xero, then send this again.",
    )
    .asking_import(ImportKind::Accounts)
}
