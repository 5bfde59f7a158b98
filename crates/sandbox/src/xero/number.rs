//! Exact amounts: read from JSON, rounded half away from zero, written with a fixed scale.
//!
//! Products and quotients are formed on integer mantissas and rounded once, because the decimal
//! type rounds silently past 28 digits. One captured tax line (10.45 at 10 % is 1.05) shows that
//! the service rounds halves up; for quantity times price the same is assumed.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// Decimal places of a money amount, in every currency.
pub const CENTS: u32 = 2;
/// Decimal places of a currency rate.
pub const RATE_PLACES: u32 = 6;

/// The number in a JSON value; numbers written as text are taken too, as the service does.
pub fn parse(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let parsed = if text.contains(['e', 'E']) {
        Decimal::from_scientific(&text)
    } else {
        Decimal::from_str_exact(&text)
    };
    parsed.ok()
}

/// A JSON number with exactly two decimal places.
pub fn money(value: Decimal) -> Value {
    fixed(value, CENTS)
}

/// A JSON number with exactly that many decimal places.
pub fn fixed(value: Decimal, places: u32) -> Value {
    let value = rounded(value, places).unwrap_or(value);
    let text = format!("{value:.0$}", places as usize);
    Number::from_str(&text).map_or(Value::Null, Value::Number)
}

/// A JSON number with at least four decimal places and no rounding, as quantities are written.
pub fn quantity(value: Decimal) -> Value {
    fixed(value, value.scale().max(4))
}

/// The digits of a decimal with trailing zeros dropped.
pub fn plain(value: Decimal) -> String {
    let value = value.normalize();
    if value.is_zero() {
        return "0".to_owned();
    }
    value.to_string()
}

/// The value at that many decimal places.
pub fn rounded(value: Decimal, places: u32) -> Option<Decimal> {
    quotient(value.mantissa(), 1, value.scale(), places)
}

/// Quantity times price less a discount in per cent, in cents.
pub fn line_amount(quantity: Decimal, price: Decimal, discount: Decimal) -> Option<Decimal> {
    let kept = Decimal::ONE_HUNDRED.checked_sub(discount)?;
    let mantissa = quantity
        .mantissa()
        .checked_mul(price.mantissa())?
        .checked_mul(kept.mantissa())?;
    let scale = quantity.scale() + price.scale() + kept.scale() + 2;
    quotient(mantissa, 1, scale, CENTS)
}

/// The price at which a quantity comes to an amount.
pub fn price(amount: Decimal, quantity: Decimal, places: u32) -> Option<Decimal> {
    let numerator = amount
        .mantissa()
        .checked_mul(10_i128.checked_pow(quantity.scale())?)?;
    quotient(numerator, quantity.mantissa(), amount.scale(), places)
}

/// `rate` per cent of `base`, in cents.
pub fn tax_on(base: Decimal, rate: Decimal) -> Option<Decimal> {
    let mantissa = base.mantissa().checked_mul(rate.mantissa())?;
    quotient(mantissa, 1, base.scale() + rate.scale() + 2, CENTS)
}

/// The part of `gross` that is tax at `rate` per cent, in cents.
pub fn tax_inside(gross: Decimal, rate: Decimal) -> Option<Decimal> {
    // gross * rate / (100 + rate), both rates at the rate's own scale.
    let hundred = 10_i128.checked_pow(rate.scale() + 2)?;
    let mantissa = gross.mantissa().checked_mul(rate.mantissa())?;
    let whole = hundred.checked_add(rate.mantissa())?;
    quotient(mantissa, whole, gross.scale(), CENTS)
}

/// `numerator / denominator / 10^scale` at `places`, half away from zero.
fn quotient(numerator: i128, denominator: i128, scale: u32, places: u32) -> Option<Decimal> {
    let (numerator, denominator) = if scale >= places {
        let shift = 10_i128.checked_pow(scale - places)?;
        (numerator, denominator.checked_mul(shift)?)
    } else {
        let shift = 10_i128.checked_pow(places - scale)?;
        (numerator.checked_mul(shift)?, denominator)
    };
    let whole = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?;
    let is_up = rest.checked_abs()?.checked_mul(2)? >= denominator.checked_abs()?;
    let away = if (numerator < 0) == (denominator < 0) {
        1
    } else {
        -1
    };
    let result = if is_up {
        whole.checked_add(away)?
    } else {
        whole
    };
    Decimal::try_from_i128_with_scale(result, places).ok()
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
