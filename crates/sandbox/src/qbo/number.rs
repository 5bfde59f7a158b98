//! Exact decimals: from and to JSON numbers, rounded half away from zero as the service does.
//!
//! Products and quotients are formed on integer mantissas and rounded once, because the decimal
//! type itself rounds silently past 28 digits.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// Decimal places of a money amount, in every currency.
const CENTS: u32 = 2;
/// The most digits the service takes in a number (fact sheet 5.3).
pub const DIGITS_MAX: u32 = 15;

/// The number in a JSON value; numbers written as text are taken too, as the service does.
pub fn parse(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let scientific = text.contains(['e', 'E']);
    let parsed = if scientific {
        Decimal::from_scientific(&text)
    } else {
        Decimal::from_str_exact(&text)
    };
    parsed.ok()
}

/// A JSON number with trailing zeros dropped.
pub fn json(value: Decimal) -> Value {
    Number::from_str(&plain(value)).map_or(Value::Null, Value::Number)
}

/// The digits of a decimal with trailing zeros dropped.
pub fn plain(value: Decimal) -> String {
    let value = value.normalize();
    if value.is_zero() {
        return "0".to_owned();
    }
    value.to_string()
}

/// Digits before and after the point, without leading and trailing zeros.
pub fn digits(value: Decimal) -> u32 {
    let mut mantissa = value.normalize().mantissa().unsigned_abs();
    let mut count = 0;
    while mantissa > 0 {
        mantissa /= 10;
        count += 1;
    }
    count
}

/// The value in whole cents.
pub fn cents(value: Decimal) -> Option<Decimal> {
    scaled_quotient(value.mantissa(), 1, value.scale())
}

/// `a` times `b` in whole cents.
pub fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let mantissa = a.mantissa().checked_mul(b.mantissa())?;
    scaled_quotient(mantissa, 1, a.scale() + b.scale())
}

/// `rate` per cent of `base` in whole cents.
pub fn percentage(base: Decimal, rate: Decimal) -> Option<Decimal> {
    let mantissa = base.mantissa().checked_mul(rate.mantissa())?;
    scaled_quotient(mantissa, 1, base.scale() + rate.scale() + 2)
}

/// The part of `gross` that is tax at `rate` per cent, in whole cents.
pub fn tax_inside(gross: Decimal, rate: Decimal) -> Option<Decimal> {
    // gross * rate / (100 + rate), both rates at the rate's own scale.
    let hundred = 10_i128.checked_pow(rate.scale() + 2)?;
    let mantissa = gross.mantissa().checked_mul(rate.mantissa())?;
    scaled_quotient(
        mantissa,
        hundred.checked_add(rate.mantissa())?,
        gross.scale(),
    )
}

/// The part of `whole` that belongs to `share` of `total`, in whole cents.
pub fn share(whole: Decimal, share: Decimal, total: Decimal) -> Option<Decimal> {
    if total.is_zero() {
        return Some(Decimal::ZERO);
    }
    let mantissa = whole.mantissa().checked_mul(share.mantissa())?;
    // share/total: their scales differ, so the quotient is brought to the common one.
    let numerator = mantissa.checked_mul(10_i128.checked_pow(total.scale())?)?;
    scaled_quotient(numerator, total.mantissa(), whole.scale() + share.scale())
}

/// `numerator / denominator / 10^scale` in whole cents, half away from zero.
fn scaled_quotient(numerator: i128, denominator: i128, scale: u32) -> Option<Decimal> {
    let (numerator, denominator) = if scale >= CENTS {
        let shift = 10_i128.checked_pow(scale - CENTS)?;
        (numerator, denominator.checked_mul(shift)?)
    } else {
        let shift = 10_i128.checked_pow(CENTS - scale)?;
        (numerator.checked_mul(shift)?, denominator)
    };
    let whole = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?;
    let up = rest.checked_abs()?.checked_mul(2)? >= denominator.checked_abs()?;
    let sign = if (numerator < 0) == (denominator < 0) {
        1
    } else {
        -1
    };
    let rounded = if up { whole.checked_add(sign)? } else { whole };
    Decimal::try_from_i128_with_scale(rounded, CENTS).ok()
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
