//! A tax rate: found among the tax codes of the books, never made there.
//!
//! QuickBooks can make tax codes outside automated American tax, but only under a tax agency that a person must
//! choose, and without any field that could carry our marker: an unclear creation could then only be found by its
//! name, and names do not adopt. So a rate that no code stands for is a decision for a person.

use model::document::TaxRate;
use model::{Failure, Owner};
use model::{FailureKind, Lifecycle};
use provider_kit::Step;
use provider_kit::View;

use super::tax::{self, Choice};
use super::{Planned, Stop};
use crate::books::{Preferences, TaxMode};

/// What a tax rate needs in these books: nothing, or a person.
pub(super) fn plan(view: &View<'_>, rate: &TaxRate) -> Planned<Vec<Step>> {
    let skip = |why| Err(Stop::Skip(why));
    if view.document.lifecycle != Lifecycle::Live {
        return skip(super::NEVER_SENT);
    }
    if !view.settings.sync_tax_codes {
        return skip("tax codes are switched off for this integration");
    }
    if !rate.is_active {
        return skip("no longer used");
    }
    match Preferences::of(view.books).tax_mode {
        Some(TaxMode::Automated) => {
            return skip("QuickBooks computes American sales tax by itself");
        }
        Some(TaxMode::Off) => return skip("sales tax is switched off in QuickBooks"),
        Some(TaxMode::Manual | TaxMode::PerLine) | None => {}
    }
    match tax::choose(view, Some(&view.document.id), rate.percent.get()) {
        Choice::Mapped(_) => skip("mapped to a tax code of the books"),
        Choice::Alike(_) => skip("the books have a tax code of this percentage"),
        Choice::Differs(_) | Choice::Default(_) | Choice::None => Err(undecided(rate).into()),
    }
}

fn undecided(rate: &TaxRate) -> Failure {
    Failure::new(
        FailureKind::Unsupported,
        "TAX_RATE_UNMATCHED",
        format!(
            "QuickBooks has no tax code, or several, for this rate of {} %, and Tieout does not make tax codes: they \
             belong to a tax agency that only you can choose. Make the code in QuickBooks (Taxes) if it is missing, \
             and choose it for this rate in the integration's settings; then send it again.",
            rate.percent.get().normalize()
        ),
    )
    .owned_by(Owner::Bookkeeper)
}
