//! The totals that Xero will state, line by line by its own rounding.

use model::{Amount, Currency};
use provider_kit::Prediction;
use rust_decimal::Decimal;

use super::arithmetic;
use super::lines::Built;
use crate::wire;

/// What the whole document will amount to.
pub(super) fn of(built: &[Built], amounts: &str, currency: Currency) -> Prediction {
    exact(built, amounts, currency).unwrap_or_else(|| Prediction::Unpredictable {
        reason: "the totals are larger than Tieout can hold exactly".to_owned(),
    })
}

fn exact(built: &[Built], amounts: &str, currency: Currency) -> Option<Prediction> {
    let mut sum = Decimal::ZERO;
    let mut tax = Decimal::ZERO;
    for line in built {
        sum = sum.checked_add(line.amount)?;
        tax = tax.checked_add(match amounts {
            wire::EXCLUSIVE => arithmetic::percent_of(line.amount, line.percent)?,
            wire::INCLUSIVE => arithmetic::percent_within(line.amount, line.percent)?,
            _ => Decimal::ZERO,
        })?;
    }
    let (net, gross) = if amounts == wire::INCLUSIVE {
        (sum.checked_sub(tax)?, sum)
    } else {
        (sum, sum.checked_add(tax)?)
    };
    Some(Prediction::Exact {
        currency,
        net: Amount::new(net).ok()?,
        tax: Amount::new(tax).ok()?,
        gross: Amount::new(gross).ok()?,
    })
}
