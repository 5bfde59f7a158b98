//! The sentences with which Xero refuses an element, and what each means.
//!
//! Messages are prose without versions, so each row names a fragment that is stable, in lower case; the first row
//! that fits counts. Sources: Xero's API pages and `OpenAPI` file, recorded traffic, and help pages of integration
//! vendors, all checked 2026-11-23.

use model::FailureKind::{Conflict, Defect, OutcomeUnknown, Rejected, Unsupported};
use model::Owner::{Bookkeeper, Customer, Operator, System};
use model::failure::{NOT_OPEN, STALE_REVISION};
use model::{Failure, FailureKind, ImportKind, Owner};

/// What one sentence means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// All of these are in the sentence.
    fragments: &'static [&'static str],
    kind: FailureKind,
    code: &'static str,
    owner: Owner,
    message: &'static str,
    /// What we know of the books seems to be out of date.
    asks: Option<ImportKind>,
}

impl Row {
    /// The failure of this row.
    pub(crate) fn failure(&self) -> Failure {
        let failure = match self.code {
            "CURRENCY_NOT_USED" => super::currency_not_used(None),
            "PERIOD_LOCKED" => super::period_locked(None),
            code => Failure::new(self.kind, code, self.message).owned_by(self.owner),
        };
        match self.asks {
            Some(what) => failure.asking_import(what),
            None => failure,
        }
    }

    const fn asking(mut self, what: ImportKind) -> Self {
        self.asks = Some(what);
        self
    }
}

/// The code of a refusal because the same thing seems to be there already.
pub(crate) const EXISTS: &str = "EXISTS_ALREADY";
/// The code of a refusal because the contact is archived.
pub(crate) const CONTACT_ARCHIVED: &str = "CUSTOMER_ARCHIVED";

/// The first row that knows a sentence, which must be in lower case.
pub(crate) fn row(lower: &str) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.fragments.iter().all(|part| lower.contains(part)))
}

/// What a refusal with this code asks to be imported again.
pub(crate) fn asks(code: &str) -> Option<ImportKind> {
    TABLE.iter().find(|row| row.code == code)?.asks
}

const fn one(
    fragments: &'static [&'static str],
    kind: FailureKind,
    code: &'static str,
    owner: Owner,
    message: &'static str,
) -> Row {
    Row {
        fragments,
        kind,
        code,
        owner,
        message,
        asks: None,
    }
}

const IS_IT_OURS: &str = "Xero says that this is there already. Tieout looks whether it is its own before anything is \
                          sent again; nobody needs to act.";
const FAULT: &str = "Xero could not take what Tieout sent; this is a fault of Tieout. Nothing was written. Whoever runs \
                     it must report it.";
const MOVED_ON: &str = "Somebody changed this in Xero at the same time. Tieout reads it again and compares before it sends \
                        anything; nobody needs to act unless the two then differ.";
const ACCOUNT: &str = "An account of this document is archived, deleted or not usable for it in Xero. Choose another \
                       account in the integration's settings, or restore it in Xero, then send this again.";
const TAX: &str = "A tax rate of this document does not exist in Xero or cannot be used for sales. Choose another one in \
                   the integration's settings, then send this again.";

/// Every row, the more special before the more general.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row] = &[
    one(&["is used with a different request"], OutcomeUnknown, "KEY_REUSED", System,
        "Xero has seen this call's key with another content. Tieout looks up what is there before anything is sent again; \
         nobody needs to act."),
    one(&["100k"], Defect, "READ_TOO_WIDE", Operator,
        "Xero does not answer a question over so many records. Whoever runs Tieout must report it."),
    one(&["100,000 records"], Defect, "READ_TOO_WIDE", Operator,
        "Xero does not answer a question over so many records. Whoever runs Tieout must report it."),
    one(&["invoice # must be unique"], OutcomeUnknown, EXISTS, System, IS_IT_OURS),
    one(&["credit note", "must be unique"], OutcomeUnknown, EXISTS, System, IS_IT_OURS),
    one(&["contact name", "already assigned to another contact"], OutcomeUnknown, EXISTS, System, IS_IT_OURS),
    one(&["contact number", "already assigned to another contact"], OutcomeUnknown, EXISTS, System, IS_IT_OURS),
    one(&["another contact has this contact number"], OutcomeUnknown, EXISTS, System, IS_IT_OURS),
    one(&["please enter a unique name"], OutcomeUnknown, EXISTS, System, IS_IT_OURS),
    one(&["order number must be unique"], Defect, "UNEXPECTED_ORDER", Operator, FAULT),
    one(&["price list item with code", "already exists"], Conflict, "ITEM_EXISTS", Bookkeeper,
        "Xero already has an item with this code. Choose it for the product in the integration's settings, then send this \
         again."),
    one(&["has been archived", "un-archived"], Conflict, CONTACT_ARCHIVED, Bookkeeper,
        "The contact of this document is archived in Xero, which takes no new documents for it. Restore the contact there, \
         or move the document to another client in ProjectLedger; then send it again."),
    one(&["the contact must contain at least 1 of the following elements"], Defect, "CONTACT_MISSING", Operator, FAULT),
    one(&["a contact must be specified for this type of transaction"], Defect, "CONTACT_MISSING", Operator, FAULT),
    one(&["email address must be valid"], Rejected, "EMAIL_INVALID", Bookkeeper,
        "Xero does not accept the client's e-mail address. Correct it in ProjectLedger; the client is then sent again."),
    one(&["has been archived, or has been deleted"], Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, ACCOUNT)
        .asking(ImportKind::Accounts),
    one(&["account code", "is not a valid code for this document"], Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, ACCOUNT)
        .asking(ImportKind::Accounts),
    one(&["account must be valid"], Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, ACCOUNT).asking(ImportKind::Accounts),
    one(&["account could not be found"], Rejected, "ACCOUNT_UNUSABLE", Bookkeeper, ACCOUNT).asking(ImportKind::Accounts),
    one(&["taxtype code", "cannot be used with account code"], Rejected, "TAX_NOT_FOR_ACCOUNT", Bookkeeper,
        "A tax rate of this document cannot be used with its account in Xero. Choose another tax rate or another account in \
         the integration's settings, then send this again.").asking(ImportKind::TaxCodes),
    one(&["taxtype code", "does not exist or cannot be used"], Rejected, "TAX_UNUSABLE", Bookkeeper, TAX)
        .asking(ImportKind::TaxCodes),
    one(&["tax rate must be valid"], Rejected, "TAX_UNUSABLE", Bookkeeper, TAX).asking(ImportKind::TaxCodes),
    one(&["is not subscribed to currency"], Rejected, "CURRENCY_NOT_USED", Bookkeeper, "")
        .asking(ImportKind::Company),
    one(&["period lock date"], Conflict, "PERIOD_LOCKED", Bookkeeper, "").asking(ImportKind::Company),
    one(&["end of year lock date"], Conflict, "PERIOD_LOCKED", Bookkeeper, "").asking(ImportKind::Company),
    one(&["not of valid status for modification"], Conflict, STALE_REVISION, System, MOVED_ON),
    one(&["cannot be edited as it has a payment or credit note allocated"], Conflict, STALE_REVISION, System, MOVED_ON),
    one(&["cannot be applied to the invoice because it has payments or credit notes allocated"], Conflict, STALE_REVISION,
        System, MOVED_ON),
    one(&["not of valid status for creation"], Defect, "STATUS_AT_CREATION", Operator, FAULT),
    one(&["one or more line items must be specified"], Defect, "LINES_MISSING", Operator, FAULT),
    one(&["payment amount exceeds the amount outstanding"], Conflict, NOT_OPEN, Bookkeeper,
        "This payment is more than what is still open on the invoice in Xero: somebody entered it there already, or credit \
         was set against the invoice. Take one of the two off in Xero, or correct the payment in ProjectLedger; then send it \
         again."),
    one(&["payments can only be made against authorised documents"], Conflict, NOT_OPEN, Bookkeeper,
        "The invoice of this payment takes no payment in Xero: it is paid already, voided, or a draft. Correct the invoice \
         there, or the payment in ProjectLedger; then send it again."),
    one(&["account type is invalid for making a payment"], Rejected, "BANK_ACCOUNT_UNUSABLE", Bookkeeper,
        "The account chosen for money that comes in takes no payments in Xero. Choose a bank account, or one that is enabled \
         for payments, in the integration's settings; then send this payment again.").asking(ImportKind::Accounts),
    one(&["payments within a batch cannot be deleted"], Conflict, "PAYMENT_IN_BATCH", Bookkeeper,
        "This payment is part of a batch in Xero and cannot be deleted by itself. Delete the batch in Xero, then send the \
         payment again."),
    one(&["has already been paid off"], Conflict, NOT_OPEN, Bookkeeper,
        "The invoice that this credit is for is paid already in Xero. Take the payment off it there, or set the credit \
         against another invoice in ProjectLedger; then send it again."),
    one(&["cannot be allocated as amount is greater than amount outstanding"], Conflict, NOT_OPEN, Bookkeeper,
        "This credit is more than what is still open on the invoice, or than what is left of the credit, in Xero. Correct the \
         two there, or the sum in ProjectLedger; then send it again."),
    one(&["cannot be allocated to an incorrect invoice"], Defect, "ALLOCATION_KIND", Operator, FAULT),
    one(&["with the specified creditnoteid could not be found"], Conflict, STALE_REVISION, System, MOVED_ON),
    one(&["item code", "is not valid"], Rejected, "ITEM_UNKNOWN", Bookkeeper,
        "An item of this document is not in Xero. Choose another item for the product in the integration's settings, or make \
         it in Xero; then send this again."),
    one(&["only authorised and billed purchase orders may have senttocontact updated"], Defect, "UNEXPECTED_ORDER", Operator,
        FAULT),
    one(&["does not match the expected line total"], Defect, "LINE_TOTAL", Operator, FAULT),
    one(&["you have reached the limit of invoices you can approve"], Unsupported, "PLAN_LIMIT", Customer,
        "This organisation's plan in Xero approves no more invoices this month. Whoever owns it must change the plan; the \
         invoice can then be sent again."),
];
