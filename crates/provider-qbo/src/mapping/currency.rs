//! Currencies: which one is the books' own, and which ones they can hold.

use model::document::ClientSnapshot;
use model::money::Rate;
use model::{Amount, Currency, Failure, FailureKind, Owner};
use provider_kit::View;

use crate::books::Preferences;
use crate::failures;
use crate::wire::{Exact, Ref};

/// How a document's currency is said to QuickBooks.
pub(super) struct Said {
    /// The currency, where it is not the books' own.
    pub(super) reference: Option<Ref>,
    /// Home units for one unit, where both are known.
    pub(super) rate: Option<Exact>,
}

/// The home currency of the books: as imported, else as set by hand.
pub(super) fn home(view: &View<'_>) -> Option<Currency> {
    view.books
        .home_currency
        .or_else(|| view.settings.currency_code.parse().ok())
}

/// The currency of a document in these books, or why they cannot hold it.
pub(super) fn say(
    view: &View<'_>,
    client: &ClientSnapshot,
    currency: Currency,
    rate: Option<Rate>,
) -> Result<Said, Failure> {
    if currency.minor_units() > 2 {
        return Err(too_fine(currency));
    }
    if let Some(fixed) = client.client.currency.filter(|fixed| *fixed != currency) {
        return Err(other_currency(fixed, currency));
    }
    let foreign = (home(view) != Some(currency)).then_some(currency);
    if foreign.is_some() {
        check_multicurrency(view, currency)?;
    }
    Ok(Said {
        reference: foreign.map(|currency| Ref::to(currency.as_str())),
        rate: foreign.and(rate).map(|rate| Exact::new(rate.get())),
    })
}

/// Refuses a foreign currency in books that are known to have only one.
pub(super) fn check_multicurrency(view: &View<'_>, currency: Currency) -> Result<(), Failure> {
    if Preferences::of(view.books).multicurrency != Some(false) {
        return Ok(());
    }
    Err(failures::unsupported(
        "MULTICURRENCY_OFF",
        &format!(
            "This is in {currency}, and this company's QuickBooks has only its own currency. Switch multicurrency \
             on in QuickBooks (Account and settings, Advanced; it cannot be switched off again) and refresh the \
             connection, or bill in the home currency; then send it again."
        ),
    ))
}

/// QuickBooks keeps two decimal places; an amount with more cannot be said in it.
pub(super) fn is_finer_than_cents(amount: Amount) -> bool {
    amount.get().normalize().scale() > 2
}

fn too_fine(currency: Currency) -> Failure {
    failures::unsupported(
        "CURRENCY_TOO_FINE",
        &format!(
            "QuickBooks Online keeps two decimal places, and {currency} has {}. This document cannot be kept there \
             to the last unit; enter it by hand or bill in another currency.",
            currency.minor_units()
        ),
    )
}

fn other_currency(fixed: Currency, currency: Currency) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "CUSTOMER_CURRENCY",
        format!(
            "QuickBooks keeps each customer in one currency for ever. This client is billed in {fixed} and this \
             document is in {currency}. Use a client of its own for {currency} in ProjectLedger, then send it again."
        ),
    )
    .owned_by(Owner::Bookkeeper)
}
