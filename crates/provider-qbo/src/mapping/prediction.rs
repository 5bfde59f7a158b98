//! The totals that QuickBooks will state for a document, by its own rounding, or why nobody can know them.
//!
//! Assumptions, checked against what comes back on every document: a percentage discount is rounded half up to
//! cents; tax is computed per tax code on the sum of its lines, each rate of the code rounded half up to cents by
//! itself; with tax inside the amounts, the tax share of each code's sum is rounded the same way.

use model::document::Discount;
use model::reference::{TaxBase, TaxComponent};
use model::{Amount, Currency, Rounding};
use provider_kit::Prediction;
use rust_decimal::Decimal;

use super::sale::Sale;
use super::tax::{TAXABLE, Treatment};
use crate::books::TaxMode;

/// Why a total cannot be predicted, as shown to people.
type Reason = &'static str;

const TOO_LARGE: Reason = "the totals are larger than Tieout can hold exactly";
const AUTOMATED: Reason = "QuickBooks computes sales tax itself (automated sales tax)";
const SEVERAL_RATES: Reason =
    "one tax code of QuickBooks stands for several rates of ProjectLedger";
const SPREAD_DISCOUNT: Reason =
    "QuickBooks spreads the discount over lines that are taxed differently";
const INCLUSIVE_DISCOUNT: Reason = "the discount applies to amounts that include tax";
const INCLUSIVE_COMPOUND: Reason =
    "the amounts include tax of a code whose rates are charged on each other";

/// Net, tax and gross.
#[derive(Clone, Copy)]
struct Sums {
    net: Decimal,
    tax: Decimal,
    gross: Decimal,
}

/// What the whole document will amount to.
pub(super) fn of(sale: &Sale<'_>, treatment: &Treatment) -> Prediction {
    let currency = sale.currency;
    let exact = sums(sale, treatment).and_then(|sums| {
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

/// What a voided document amounts to.
pub(super) fn nothing(currency: Currency) -> Prediction {
    of_money(currency, Amount::ZERO)
}

/// What a payment amounts to: no tax is on it.
pub(super) fn of_money(currency: Currency, amount: Amount) -> Prediction {
    Prediction::Exact {
        currency,
        net: amount,
        tax: Amount::ZERO,
        gross: amount,
    }
}

/// Lines that QuickBooks taxes alike.
struct Group<'t> {
    code: String,
    percent: Decimal,
    sum: Decimal,
    /// The code's own rates, where they are known.
    parts: &'t [TaxComponent],
}

impl Group<'_> {
    fn is_compound(&self) -> bool {
        self.parts.iter().any(|part| part.base != TaxBase::Net)
    }

    /// Tax on top of the sum.
    fn added(&self) -> Option<Decimal> {
        if self.parts.is_empty() {
            return share(product(self.sum, self.percent)?, Decimal::ONE_HUNDRED);
        }
        let mut earlier = Decimal::ZERO;
        for part in self.parts {
            let base = match part.base {
                TaxBase::Net => self.sum,
                TaxBase::NetAndEarlierTax => self.sum.checked_add(earlier)?,
                TaxBase::EarlierTax => earlier,
            };
            let tax = share(product(base, part.percent.get())?, Decimal::ONE_HUNDRED)?;
            earlier = earlier.checked_add(tax)?;
        }
        Some(earlier)
    }

    /// Tax inside the sum.
    fn contained(&self) -> Option<Decimal> {
        share(
            product(self.sum, self.percent)?,
            self.percent.checked_add(Decimal::ONE_HUNDRED)?,
        )
    }
}

fn sums(sale: &Sale<'_>, treatment: &Treatment) -> Result<Sums, Reason> {
    let groups = groups(sale, treatment)?;
    let total = groups
        .iter()
        .try_fold(Decimal::ZERO, |all, group| all.checked_add(group.sum))
        .ok_or(TOO_LARGE)?;
    let discount = discount(sale, total)?;
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
        if groups.iter().any(Group::is_compound) {
            return Err(INCLUSIVE_COMPOUND);
        }
        let tax = tax(&groups, Group::contained)?;
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
            parts: only.parts,
        }],
        (false, _) => return Err(SPREAD_DISCOUNT),
    };
    let tax = tax(&groups, Group::added)?;
    Ok(Sums {
        net: kept,
        tax,
        gross: kept.checked_add(tax).ok_or(TOO_LARGE)?,
    })
}

fn tax<'t>(
    groups: &[Group<'t>],
    rule: impl Fn(&Group<'t>) -> Option<Decimal>,
) -> Result<Decimal, Reason> {
    groups
        .iter()
        .try_fold(Decimal::ZERO, |all, group| all.checked_add(rule(group)?))
        .ok_or(TOO_LARGE)
}

/// Sums by what QuickBooks taxes alike; a code that stands for two rates cannot be predicted.
fn groups<'t>(sale: &Sale<'_>, treatment: &'t Treatment) -> Result<Vec<Group<'t>>, Reason> {
    let mut groups: Vec<Group<'t>> = Vec::new();
    for (line, code) in sale.lines.iter().zip(&treatment.codes) {
        let code = code.clone().unwrap_or_default();
        if treatment.mode == TaxMode::Automated && code == TAXABLE {
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
                parts: parts(treatment, &code),
                code,
                percent,
                sum: line.amount.get(),
            }),
        }
    }
    Ok(groups)
}

/// The known rates of a line's code; in American books the document's code stands behind `TAX`.
fn parts<'t>(treatment: &'t Treatment, code: &str) -> &'t [TaxComponent] {
    let behind = match &treatment.document_code {
        Some(document_code) if code == TAXABLE => document_code.as_str(),
        _ => code,
    };
    treatment.parts.get(behind).map_or(&[], Vec::as_slice)
}

fn discount(sale: &Sale<'_>, total: Decimal) -> Result<Decimal, Reason> {
    match sale.discount() {
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
