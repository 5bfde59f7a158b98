//! What an invoice and a credit note have in common: lines, tax, currency, dates that are not locked.

use chrono::NaiveDate;
use model::document::{Discount, Line};
use model::money::Rate;
use model::{Amount, Currency, Failure, FailureKind, ImportKind};
use provider_kit::{Prediction, View};

use super::{arithmetic, lines, prediction, tax, text};
use crate::books::{self, Locks};
use crate::failures;
use crate::wire::{self, Bill, Exact};

/// A document of ProjectLedger as far as both kinds share it.
pub(super) struct Source<'a> {
    pub(super) number: &'a str,
    pub(super) issued_on: NaiveDate,
    pub(super) currency: Currency,
    pub(super) exchange_rate: Option<Rate>,
    pub(super) tax_inclusive: bool,
    pub(super) lines: &'a [Line],
    pub(super) discount: Option<Discount>,
    /// `Invoice` or `Credit note`.
    pub(super) word: &'static str,
    pub(super) takes_discounts: bool,
}

/// A document without its contact, its number's member and what only its kind has.
pub(super) struct Draft {
    pub(super) content: Bill,
    pub(super) number: String,
    pub(super) prediction: Prediction,
}

/// Everything that these books can be asked to hold of a document, or why they cannot.
pub(super) fn draft(view: &View<'_>, source: &Source<'_>) -> Result<Draft, Failure> {
    let number = text::number(source.number);
    if number.is_empty() {
        return Err(Failure::new(
            FailureKind::Rejected,
            "NUMBER_MISSING",
            "This document has no number. Give it one in ProjectLedger; it is then sent again.",
        ));
    }
    check_amounts(source)?;
    let rate = rate(view, source.currency, source.exchange_rate)?;
    let treatment = tax::treat(view, source.lines, source.tax_inclusive)?;
    let sheet = lines::Sheet {
        lines: source.lines,
        discount: source.discount.filter(takes_anything),
        title: format!("{} {number}", source.word),
        takes_discounts: source.takes_discounts,
    };
    let built = lines::build(view, &sheet, &treatment)?;
    let prediction = prediction::of(&built, treatment.amounts, source.currency);
    let content = Bill {
        date: Some(source.issued_on.to_string()),
        line_amount_types: Some(treatment.amounts.to_owned()),
        line_items: Some(built.into_iter().map(|line| line.item).collect()),
        currency_code: Some(source.currency.to_string()),
        currency_rate: rate,
        status: Some(wire::AUTHORISED.to_owned()),
        ..Bill::default()
    };
    Ok(Draft {
        content,
        number,
        prediction,
    })
}

fn takes_anything(discount: &Discount) -> bool {
    match discount {
        Discount::Percent(rate) => !rate.get().is_zero(),
        Discount::Amount(amount) => !amount.get().is_zero(),
    }
}

/// Xero keeps two decimal places; a currency with more, or an amount with more, cannot be said in it.
fn check_amounts(source: &Source<'_>) -> Result<(), Failure> {
    let currency = source.currency;
    if currency.minor_units() > arithmetic::CENTS {
        return Err(failures::unsupported(
            "CURRENCY_TOO_FINE",
            &format!(
                "Xero keeps two decimal places, and {currency} has {}. This document cannot be kept there to the \
                 last unit; enter it by hand or bill in another currency.",
                currency.minor_units()
            ),
        ));
    }
    let is_finer = |amount: Amount| amount.get().normalize().scale() > arithmetic::CENTS;
    if source.lines.iter().any(|line| is_finer(line.amount)) {
        return Err(Failure::new(
            FailureKind::Rejected,
            "AMOUNT_TOO_FINE",
            "A line of this document has more than two decimal places in its amount, and Xero would round it. \
             Correct the line in ProjectLedger; it is then sent again.",
        ));
    }
    Ok(())
}

/// The rate as Xero writes it: what one unit of the home currency buys. None at home and where ProjectLedger names
/// none, so that Xero takes the day's rate. A currency that the organisation does not use is refused by name.
pub(super) fn rate(
    view: &View<'_>,
    currency: Currency,
    exchange_rate: Option<Rate>,
) -> Result<Option<Exact>, Failure> {
    let home = view
        .books
        .home_currency
        .or_else(|| view.settings.currency_code.parse().ok());
    if home == Some(currency) {
        return Ok(None);
    }
    if !books::takes_currency(view.books, currency) {
        return Err(failures::currency_not_used(Some(currency)));
    }
    let Some(rate) = exchange_rate else {
        return Ok(None);
    };
    match arithmetic::inverted(rate.get()) {
        Some(inverted) if !inverted.is_zero() => Ok(Some(Exact::new(inverted))),
        _ => Err(Failure::new(
            FailureKind::Rejected,
            "RATE_OUT_OF_RANGE",
            "The exchange rate of this document cannot be written with the six decimal places that Xero keeps. \
             Correct the rate in ProjectLedger; it is then sent again.",
        )),
    }
}

/// Approved documents of a locked period are refused by Xero; what we know of the locks is asked first.
pub(super) fn check_open(view: &View<'_>, day: NaiveDate) -> Result<(), Failure> {
    match Locks::of(view.books).latest() {
        Some(locked) if day <= locked => {
            Err(failures::period_locked(Some(locked)).asking_import(ImportKind::Company))
        }
        _ => Ok(()),
    }
}
