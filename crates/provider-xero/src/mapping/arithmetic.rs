//! Xero's arithmetic: what a line comes to and what its tax is, each rounded once to cents.
//!
//! Amount: quantity × price less the discount; tax: of each line, rounded, then added up (Xero, "Rounding in
//! Xero", checked 2026-11-23). Half up, as the one captured tax line shows that tells it from other modes (10.45
//! at 10 per cent is 1.05); for the amounts themselves, and below zero, half away from zero is our assumption,
//! and every total that comes back is compared. Whole numbers of 128 bits: `Decimal` would round in silence.

use model::document::Discount;
use rust_decimal::Decimal;

/// Places of every amount in Xero.
pub(super) const CENTS: u32 = 2;

/// What a line comes to; none when the numbers are too large to tell exactly.
pub(super) fn amount(quantity: Decimal, price: Decimal, off: Option<Discount>) -> Option<Decimal> {
    let whole = Ratio::of(quantity)?.times(Ratio::of(price)?)?;
    let left = match off {
        None => whole,
        Some(Discount::Percent(rate)) => whole
            .times(Ratio::of(Decimal::ONE_HUNDRED.checked_sub(rate.get())?)?)?
            .over(100)?,
        Some(Discount::Amount(sum)) => whole.less(Ratio::of(sum.get())?)?,
    };
    left.cents()
}

/// A percentage of a sum.
pub(super) fn percent_of(sum: Decimal, percent: Decimal) -> Option<Decimal> {
    Ratio::of(sum)?
        .times(Ratio::of(percent)?)?
        .over(100)?
        .cents()
}

/// The tax that is inside a sum.
pub(super) fn percent_within(sum: Decimal, percent: Decimal) -> Option<Decimal> {
    let whole = Ratio::of(percent.checked_add(Decimal::ONE_HUNDRED)?)?;
    Ratio::of(sum)?
        .times(Ratio::of(percent)?)?
        .divided(whole)?
        .cents()
}

/// What one foreign unit is worth turned into what one home unit buys, with Xero's six places.
pub(super) fn inverted(rate: Decimal) -> Option<Decimal> {
    Ratio::of(Decimal::ONE)?
        .divided(Ratio::of(rate)?)?
        .rounded(6)
}

/// Parts of `whole` by weight, in cents, that add up to it exactly; the largest remainders get the odd cents.
/// Where no weight is above zero the first part gets all.
pub(super) fn shares(whole: Decimal, weights: &[Decimal]) -> Option<Vec<Decimal>> {
    let whole = cents_of(whole)?;
    let weights: Vec<i128> = weights
        .iter()
        .map(|weight| cents_of(*weight).map(|cents| cents.max(0)))
        .collect::<Option<_>>()?;
    let total: i128 = weights.iter().sum();
    let mut parts: Vec<i128> = vec![0; weights.len()];
    if total == 0 {
        *parts.first_mut()? = whole;
    } else {
        let mut remainders = Vec::with_capacity(weights.len());
        for (place, weight) in weights.iter().enumerate() {
            let product = whole.checked_mul(*weight)?;
            parts[place] = product.div_euclid(total);
            remainders.push((product.rem_euclid(total), place));
        }
        // Largest first; of equal ones the earlier.
        remainders.sort_by_key(|(rest, place)| (-*rest, *place));
        let odd = whole - parts.iter().sum::<i128>();
        for (_, place) in remainders.into_iter().take(usize::try_from(odd).ok()?) {
            parts[place] += 1;
        }
    }
    parts
        .into_iter()
        .map(|cents| Decimal::try_from_i128_with_scale(cents, CENTS).ok())
        .collect()
}

fn cents_of(amount: Decimal) -> Option<i128> {
    let bare = amount.normalize();
    let missing = CENTS.checked_sub(bare.scale())?;
    bare.mantissa().checked_mul(10_i128.checked_pow(missing)?)
}

/// A fraction in whole numbers; the lower one is above zero.
#[derive(Clone, Copy)]
struct Ratio {
    above: i128,
    below: i128,
}

impl Ratio {
    fn of(value: Decimal) -> Option<Self> {
        let bare = value.normalize();
        Some(Self {
            above: bare.mantissa(),
            below: 10_i128.checked_pow(bare.scale())?,
        })
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self {
            above: self.above.checked_mul(other.above)?,
            below: self.below.checked_mul(other.below)?,
        })
    }

    fn over(self, number: i128) -> Option<Self> {
        Some(Self {
            above: self.above,
            below: self.below.checked_mul(number)?,
        })
    }

    fn divided(self, other: Self) -> Option<Self> {
        if other.above <= 0 {
            return None;
        }
        self.times(Self {
            above: other.below,
            below: other.above,
        })
    }

    fn less(self, other: Self) -> Option<Self> {
        let mine = self.above.checked_mul(other.below)?;
        let theirs = other.above.checked_mul(self.below)?;
        Some(Self {
            above: mine.checked_sub(theirs)?,
            below: self.below.checked_mul(other.below)?,
        })
    }

    fn cents(self) -> Option<Decimal> {
        self.rounded(CENTS)
    }

    /// Rounded once, half away from zero.
    fn rounded(self, places: u32) -> Option<Decimal> {
        let scaled = self
            .above
            .checked_abs()?
            .checked_mul(10_i128.checked_pow(places)?)?;
        let doubled = scaled.checked_mul(2)?.checked_add(self.below)?;
        let units = doubled.checked_div(self.below.checked_mul(2)?)?;
        Decimal::try_from_i128_with_scale(units * self.above.signum(), places).ok()
    }
}

#[cfg(test)]
#[path = "arithmetic_tests.rs"]
mod tests;
