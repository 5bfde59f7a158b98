//! Why a credit cannot be set against an invoice, in sentences for a bookkeeper.

use model::{Failure, FailureKind};

/// More is set against invoices than the credit note comes to.
pub(super) fn allocated_too_much() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "ALLOCATED_TOO_MUCH",
        "More of this credit note is set against invoices than it credits. Correct the allocations in ProjectLedger; \
         it is then sent again.",
    )
}

/// The books have more of it set against an invoice than ProjectLedger.
pub(super) fn applied_more() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "APPLIED_MORE",
        "QuickBooks, or somebody there, has set more of this credit note against an invoice than ProjectLedger says. \
         Nothing was changed. Take the surplus off in QuickBooks, or correct the allocation in ProjectLedger; then \
         send it again.",
    )
}

/// Not enough of the credit is left.
pub(super) fn credit_used() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "CREDIT_USED",
        "QuickBooks, or somebody there, has already used this credit for something else, so not enough is left for \
         the invoice that ProjectLedger names. Free it in QuickBooks, or change the allocation in ProjectLedger; then \
         send it again.",
    )
}

/// A person took it off.
pub(super) fn removed_in_books() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "APPLICATION_REMOVED",
        "This credit was set against its invoice, and somebody took it off in QuickBooks. It is not set against it \
         again by itself. Decide which is right: correct the allocation in ProjectLedger, or ask Tieout to create it \
         again.",
    )
}

/// Its invoices never come.
pub(super) fn invoices_not_sent() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "INVOICES_NOT_SENT",
        "This credit note is for invoices that are not in QuickBooks, because invoices are switched off for this \
         integration. Its credit stands open there. Use it in QuickBooks by hand, or switch invoices on and send it \
         again.",
    )
}
