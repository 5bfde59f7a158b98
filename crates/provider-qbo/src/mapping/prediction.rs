//! The totals that QuickBooks will state for an invoice, by its own rounding, or why nobody can know them.
//!
//! Assumptions, checked against what comes back on every invoice: a percentage discount is rounded half up to
//! cents; tax is computed per tax code on the sum of its lines and rounded half up to cents; with tax inside
//! the amounts, the tax share of each code's sum is rounded the same way.

use model::document::{Discount, Invoice};
use model::{Amount, Currency, Rounding};
use provider_kit::Prediction;
use rust_decimal::Decimal;

use super::lines;
use super::tax::{Regime, TAXABLE, Treatment};

/// Why a total cannot be predicted, as shown to people.
type Reason = &'static str;

const TOO_LARGE: Reason = "the totals are larger than Tieout can hold exactly";
const AUTOMATED: Reason = "QuickBooks computes sales tax itself (automated sales tax)";
const SEVERAL_RATES: Reason =
    "one tax code of QuickBooks stands for several rates of ProjectLedger";
const SPREAD_DISCOUNT: Reason =
    "QuickBooks spreads the discount over lines that are taxed differently";
const INCLUSIVE_DISCOUNT: Reason = "the discount applies to amounts that include tax";

/// Net, tax and gross.
#[derive(Clone, Copy)]
struct Sums {
    net: Decimal,
    tax: Decimal,
    gross: Decimal,
}

/// What the whole invoice will amount to.
pub(super) fn of(invoice: &Invoice, treatment: &Treatment) -> Prediction {
    let currency = invoice.currency;
    let exact = sums(invoice, treatment).and_then(|sums| {
        let held = |value| Amount::new(value).map_err(|_| TOO_LARGE);
        Ok(Prediction::Exact {
            currency,
            net: held(sums.net)?,
            tax: held(sums.tax)?,
            gross: held(sums.gross)?,
        })
    });
    exact.unwrap_or_else(|reason| Prediction::Unpredictable {
        reason: reason.to_owned(),
    })
}

/// What a voided invoice amounts to.
pub(super) fn nothing(currency: Currency) -> Prediction {
    Prediction::Exact {
        currency,
        net: Amount::ZERO,
        tax: Amount::ZERO,
        gross: Amount::ZERO,
    }
}

/// Lines that QuickBooks taxes alike.
struct Group {
    code: String,
    percent: Decimal,
    sum: Decimal,
}

fn sums(invoice: &Invoice, treatment: &Treatment) -> Result<Sums, Reason> {
    let groups = groups(invoice, treatment)?;
    let total = groups
        .iter()
        .try_fold(Decimal::ZERO, |all, group| all.checked_add(group.sum))
        .ok_or(TOO_LARGE)?;
    let discount = discount(invoice, total)?;
    let kept = total.checked_sub(discount).ok_or(TOO_LARGE)?;
    let untaxed = Sums {
        net: kept,
        tax: Decimal::ZERO,
        gross: kept,
    };
    if groups.iter().all(|group| group.percent.is_zero()) {
        return Ok(untaxed);
    }
    if treatment.is_inclusive {
        if !discount.is_zero() {
            return Err(INCLUSIVE_DISCOUNT);
        }
        let tax = tax(&groups, |sum, percent| {
            share(
                product(sum, percent)?,
                percent.checked_add(Decimal::ONE_HUNDRED)?,
            )
        })?;
        return Ok(Sums {
            net: total.checked_sub(tax).ok_or(TOO_LARGE)?,
            tax,
            gross: total,
        });
    }
    let groups = match (discount.is_zero(), groups.as_slice()) {
        (true, _) => groups,
        (false, [only]) => vec![Group {
            code: only.code.clone(),
            percent: only.percent,
            sum: kept,
        }],
        (false, _) => return Err(SPREAD_DISCOUNT),
    };
    let tax = tax(&groups, |sum, percent| {
        share(product(sum, percent)?, Decimal::ONE_HUNDRED)
    })?;
    Ok(Sums {
        net: kept,
        tax,
        gross: kept.checked_add(tax).ok_or(TOO_LARGE)?,
    })
}

fn tax(
    groups: &[Group],
    rule: impl Fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Decimal, Reason> {
    groups
        .iter()
        .try_fold(Decimal::ZERO, |all, group| {
            all.checked_add(rule(group.sum, group.percent)?)
        })
        .ok_or(TOO_LARGE)
}

/// Sums by what QuickBooks taxes alike; a code that stands for two rates cannot be predicted.
fn groups(invoice: &Invoice, treatment: &Treatment) -> Result<Vec<Group>, Reason> {
    let mut groups: Vec<Group> = Vec::new();
    for (line, code) in invoice.lines.iter().zip(&treatment.codes) {
        let code = code.clone().unwrap_or_default();
        if treatment.regime == Regime::Automated && code == TAXABLE {
            return Err(AUTOMATED);
        }
        let percent = line
            .tax
            .as_ref()
            .map_or(Decimal::ZERO, |tax| tax.percent.get());
        match groups.iter_mut().find(|group| group.code == code) {
            Some(group) if group.percent != percent => return Err(SEVERAL_RATES),
            Some(group) => {
                group.sum = group.sum.checked_add(line.amount.get()).ok_or(TOO_LARGE)?;
            }
            None => groups.push(Group {
                code,
                percent,
                sum: line.amount.get(),
            }),
        }
    }
    Ok(groups)
}

fn discount(invoice: &Invoice, total: Decimal) -> Result<Decimal, Reason> {
    match lines::discount(invoice) {
        None => Ok(Decimal::ZERO),
        Some(Discount::Amount(amount)) => Ok(amount.get()),
        Some(Discount::Percent(rate)) => product(total, rate.get())
            .and_then(|product| share(product, Decimal::ONE_HUNDRED))
            .ok_or(TOO_LARGE),
    }
}

/// A product with all its digits; none when they are too many to hold (`Decimal` would round in silence).
fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let digits = a.mantissa().checked_mul(b.mantissa())?;
    Decimal::try_from_i128_with_scale(digits, a.scale() + b.scale()).ok()
}

/// A quotient, computed exactly and rounded half up to cents once; none when it has too many digits.
fn share(of: Decimal, by: Decimal) -> Option<Decimal> {
    let (of, by) = (of.normalize(), by.normalize());
    if by == Decimal::ONE_HUNDRED {
        let mut hundredth = of;
        hundredth.set_scale(of.scale() + 2).ok()?;
        return Some(Rounding::HalfUp.apply(hundredth, 2));
    }
    // In whole cents: of × 10^(2 + scale of by) over by × 10^(scale of of), both whole numbers.
    let scaled = |mantissa: i128, places: u32| mantissa.checked_mul(10_i128.checked_pow(places)?);
    let above = scaled(of.mantissa(), by.scale() + 2)?;
    let below = scaled(by.mantissa(), of.scale())?;
    if below <= 0 {
        return None;
    }
    let doubled = above.checked_abs()?.checked_mul(2)?.checked_add(below)?;
    let cents = doubled.checked_div(below.checked_mul(2)?)?;
    Decimal::try_from_i128_with_scale(cents * above.signum(), 2).ok()
}

#[cfg(test)]
#[path = "prediction_tests.rs"]
mod tests;
