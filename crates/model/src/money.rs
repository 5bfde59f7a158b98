//! Exact money: bounded decimals, ISO 4217 currencies, named rounding rules.
//!
//! `rust_decimal` rounds silently past 28 digits, so what enters is bounded (amounts 15 significant
//! digits, quantities 12, prices 14) such that every product formed here is exact before its one rounding.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// Why a number or currency was not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MoneyError {
    /// Not a plain decimal such as `-12.50`.
    #[error(
        "{0:?} is not a plain decimal number; write digits with an optional sign and point, such as \"12.50\""
    )]
    NotDecimal(String),
    /// More digits than the bound for this kind of number.
    #[error("{given} has more than {digits} significant digits")]
    TooManyDigits {
        /// The number as given.
        given: String,
        /// The bound.
        digits: u32,
    },
    /// More decimal places than the bound for this kind of number.
    #[error("{given} has more than {places} decimal places")]
    TooManyPlaces {
        /// The number as given.
        given: String,
        /// The bound.
        places: u32,
    },
    /// Not a currency of ISO 4217.
    #[error("{0:?} is not an ISO 4217 currency code")]
    UnknownCurrency(String),
    /// A result outside what can be held exactly.
    #[error("the result has too many digits to be exact")]
    Inexact,
}

/// Parses a plain decimal within bounds, without the zeros at its end. Exponents, blanks, separators, plus
/// signs and needless zeros in front are refused.
pub fn parse_decimal(text: &str, digits: u32, places: u32) -> Result<Decimal, MoneyError> {
    let shown = || text.chars().take(60).collect::<String>();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let plain = !whole.is_empty()
        && (whole == "0" || !whole.starts_with('0'))
        && whole
            .bytes()
            .chain(part.bytes())
            .all(|b| b.is_ascii_digit())
        && !(unsigned.contains('.') && part.is_empty());
    if !plain || text.len() > 64 {
        return Err(MoneyError::NotDecimal(shown()));
    }
    let part = part.trim_end_matches('0');
    if part.len() > places as usize {
        return Err(MoneyError::TooManyPlaces {
            given: shown(),
            places,
        });
    }
    let all = format!("{whole}{part}");
    if all.trim_start_matches('0').len() > digits as usize {
        return Err(MoneyError::TooManyDigits {
            given: shown(),
            digits,
        });
    }
    // One spelling per number: two amounts that are equal also look equal and hash alike.
    let sign = if unsigned.len() < text.len() { "-" } else { "" };
    Decimal::from_str_exact(&format!("{sign}{whole}.{part}0"))
        .map(|value| value.normalize())
        .map_err(|_| MoneyError::NotDecimal(shown()))
}

macro_rules! bounded {
    ($($(#[$doc:meta])* $name:ident, $digits:literal, $places:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name(Decimal);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// Takes a decimal that keeps the bounds.
            pub fn new(value: Decimal) -> Result<Self, MoneyError> {
                value.normalize().to_string().parse()
            }

            /// The bare decimal.
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = MoneyError;

            fn from_str(text: &str) -> Result<Self, MoneyError> {
                parse_decimal(text, $digits, $places).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

bounded! {
    /// A sum of money in some currency: at most 15 significant digits and 4 decimal places.
    Amount, 15, 4;
    /// A quantity on a line: at most 12 significant digits and 5 decimal places.
    Quantity, 12, 5;
    /// A price per unit: at most 14 significant digits and 6 decimal places.
    UnitPrice, 14, 6;
    /// A percentage or exchange rate: at most 12 significant digits and 6 decimal places.
    Rate, 12, 6;
}

impl Amount {
    /// The sum, or an error when it leaves the bounds.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_add(other.0)
            .ok_or(MoneyError::Inexact)
            .and_then(Self::new)
    }

    /// The difference, or an error when it leaves the bounds.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_sub(other.0)
            .ok_or(MoneyError::Inexact)
            .and_then(Self::new)
    }
}

/// Adds many amounts exactly.
pub fn sum(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, MoneyError> {
    amounts.into_iter().try_fold(Amount::ZERO, Amount::plus)
}

/// A named rule for the one rounding that a product or quotient gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// Half away from zero, as QuickBooks Online rounds `UnitPrice` × `Qty` (provider error 6070).
    HalfUp,
    /// Half to the even neighbour.
    HalfEven,
}

impl Rounding {
    /// Rounds to a number of decimal places.
    pub fn apply(self, value: Decimal, places: u32) -> Decimal {
        let strategy = match self {
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
        };
        value.round_dp_with_strategy(places, strategy)
    }
}

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Codes in use whose minor unit is not a hundredth, from ISO 4217 (list of 2024-06-25).
const ODD_MINOR_UNITS: &[(&str, u32)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// The other codes in use, each with two decimal places.
const HUNDREDTHS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD \
    BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP \
    GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR \
    LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN \
    PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS \
    TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

impl Currency {
    /// The code, such as `EUR`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Decimal places of the smallest unit.
    pub fn minor_units(&self) -> u32 {
        ODD_MINOR_UNITS
            .iter()
            .find(|(code, _)| *code == self.as_str())
            .map_or(2, |(_, places)| *places)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let known = text.len() == 3
            && (HUNDREDTHS.split_ascii_whitespace().any(|code| code == text)
                || ODD_MINOR_UNITS.iter().any(|(code, _)| *code == text));
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if known => Ok(Self(code)),
            _ => Err(MoneyError::UnknownCurrency(text.chars().take(20).collect())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[path = "money_tests.rs"]
mod tests;
