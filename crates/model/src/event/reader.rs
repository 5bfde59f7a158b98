//! Typed reading of an object's fields, each refusal with the field's path.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use super::fault::{Code, Fault};
use super::json::Node;
use crate::id::SourceId;
use crate::money::{Amount, Currency, MoneyError};

/// The first and the last day a document may be dated: wide enough for old books, too narrow for a slip
/// such as 0226 or 20226.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1980, 1, 1).expect("a date");
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2099, 12, 31).expect("a date");

/// What a text may be like: its bound in characters, whether it must say something, whether it may have lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextRule {
    most: usize,
    kind: TextKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TextKind {
    Name,
    Line,
    Prose,
}

impl TextRule {
    /// One line that must say something.
    pub(super) const fn name(most: usize) -> Self {
        Self {
            most,
            kind: TextKind::Name,
        }
    }

    /// One line that may be empty.
    pub(super) const fn line(most: usize) -> Self {
        Self {
            most,
            kind: TextKind::Line,
        }
    }

    /// Any number of lines, tabs included.
    pub(super) const fn prose(most: usize) -> Self {
        Self {
            most,
            kind: TextKind::Prose,
        }
    }

    fn check(self, text: &str, path: &str) -> Result<(), Fault> {
        let most = self.most;
        if text.chars().count() > most {
            return Err(Fault::new(
                Code::TooLong,
                path,
                format!("the text may have {most} characters; shorten it"),
            ));
        }
        let breaks = self.kind == TextKind::Prose;
        let banned = |c: char| c.is_control() && !(breaks && matches!(c, '\t' | '\n' | '\r'));
        if let Some(found) = text.chars().find(|c| banned(*c)) {
            let number = u32::from(found);
            return Err(Fault::new(
                Code::ControlCharacter,
                path,
                format!("the text contains the control character U+{number:04X}; remove it"),
            ));
        }
        if self.kind == TextKind::Name && text.trim().is_empty() {
            return Err(Fault::new(
                Code::Blank,
                path,
                "the text is blank; fill it in",
            ));
        }
        Ok(())
    }
}

/// An object of the message and where it stands. A field that is null counts as absent.
#[derive(Clone, Debug)]
pub(super) struct Fields<'n> {
    path: String,
    fields: &'n BTreeMap<String, Node>,
}

impl<'n> Fields<'n> {
    /// Takes a value that must be an object.
    pub(super) fn of(node: &'n Node, path: String) -> Result<Self, Fault> {
        match node {
            Node::Object(fields) => Ok(Self { path, fields }),
            other => Err(wrong_type(&path, "an object", other)),
        }
    }

    /// The path of a field of this object.
    pub(super) fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }

    fn get(&self, name: &str) -> Option<&'n Node> {
        self.fields.get(name).filter(|node| **node != Node::Null)
    }

    fn need(&self, name: &str) -> Result<&'n Node, Fault> {
        self.get(name).ok_or_else(|| {
            Fault::new(
                Code::MissingField,
                self.path_of(name),
                "the field is missing; send it",
            )
        })
    }

    /// A fault at a field of this object.
    pub(super) fn fault(&self, name: &str, code: Code, advice: impl Into<String>) -> Fault {
        Fault::new(code, self.path_of(name), advice)
    }

    /// Whether the field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An object that must be there.
    pub(super) fn object(&self, name: &str) -> Result<Self, Fault> {
        Self::of(self.need(name)?, self.path_of(name))
    }

    /// An object that may be absent.
    pub(super) fn maybe_object(&self, name: &str) -> Result<Option<Self>, Fault> {
        self.get(name)
            .map(|node| Self::of(node, self.path_of(name)))
            .transpose()
    }

    /// A list of objects; empty when absent. More than `most` is refused before any is read.
    pub(super) fn list(&self, name: &str, most: usize, code: Code) -> Result<Vec<Self>, Fault> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Node::List(items)) => items,
            Some(other) => return Err(wrong_type(&self.path_of(name), "a list", other)),
        };
        if items.len() > most {
            let advice = format!(
                "the list has {} entries and may have {most}; split the document",
                items.len()
            );
            return Err(self.fault(name, code, advice));
        }
        let path = self.path_of(name);
        items
            .iter()
            .enumerate()
            .map(|(index, item)| Self::of(item, format!("{path}[{index}]")))
            .collect()
    }

    /// A list of objects that must be there, empty or not.
    pub(super) fn need_list(&self, name: &str, most: usize) -> Result<Vec<Self>, Fault> {
        self.need(name)?;
        self.list(name, most, Code::TooLong)
    }

    fn bare_text(&self, name: &str) -> Result<&'n str, Fault> {
        match self.need(name)? {
            Node::Text(text) => Ok(text),
            number @ Node::Number(_) => Err(self.fault(
                name,
                Code::NumberNotString,
                format!(
                    "{} stands where a string is wanted; put it in quotes, as \"12.50\"",
                    number.type_name()
                ),
            )),
            other => Err(wrong_type(&self.path_of(name), "a string", other)),
        }
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str, rule: TextRule) -> Result<String, Fault> {
        let text = self.bare_text(name)?;
        rule.check(text, &self.path_of(name))?;
        Ok(text.to_owned())
    }

    /// A text that may be absent; an empty one counts as absent.
    pub(super) fn maybe_text(&self, name: &str, rule: TextRule) -> Result<Option<String>, Fault> {
        let text = self.maybe(name, |fields| fields.text(name, rule))?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A document's id.
    pub(super) fn source_id(&self, name: &str) -> Result<SourceId, Fault> {
        let text = self.bare_text(name)?;
        SourceId::from_str(text).map_err(|_| {
            self.fault(
                name,
                Code::BadId,
                "this is not an id; use 1 to 64 letters, digits, '.', '_' or '-'",
            )
        })
    }

    /// A truth value, `otherwise` when absent.
    pub(super) fn flag(&self, name: &str, otherwise: bool) -> Result<bool, Fault> {
        match self.get(name) {
            None => Ok(otherwise),
            Some(Node::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong_type(&self.path_of(name), "true or false", other)),
        }
    }

    /// A whole number from `least`, as a JSON number without point or exponent.
    pub(super) fn integer(&self, name: &str, least: i64) -> Result<i64, Fault> {
        match self.need(name)? {
            Node::Number(text) => self.whole(name, text, least),
            other => Err(wrong_type(&self.path_of(name), "a whole number", other)),
        }
    }

    /// A whole number above zero, in digits in a string or as a JSON number.
    pub(super) fn serial(&self, name: &str) -> Result<i64, Fault> {
        match self.need(name)? {
            Node::Number(text) | Node::Text(text) => self.whole(name, text, 1),
            other => Err(wrong_type(&self.path_of(name), "digits in a string", other)),
        }
    }

    fn whole(&self, name: &str, text: &str, least: i64) -> Result<i64, Fault> {
        let plain = text == "0" || !text.starts_with(['0', '+']);
        text.parse()
            .ok()
            .filter(|number| plain && *number >= least)
            .ok_or_else(|| {
                let advice =
                    format!("a whole number from {least} is wanted, in plain digits; correct it");
                self.fault(name, Code::BadNumber, advice)
            })
    }

    /// A number with bounds of its own, in a string.
    pub(super) fn decimal<T: FromStr<Err = MoneyError>>(&self, name: &str) -> Result<T, Fault> {
        self.bare_text(name)?
            .parse()
            .map_err(|error| self.money_fault(name, &error))
    }

    /// Such a number, if present.
    pub(super) fn maybe_decimal<T: FromStr<Err = MoneyError>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Fault> {
        self.maybe(name, |fields| fields.decimal(name))
    }

    /// An amount that the currency can express.
    pub(super) fn amount(&self, name: &str, currency: Currency) -> Result<Amount, Fault> {
        let amount: Amount = self.decimal(name)?;
        let places = currency.minor_units();
        if amount.get().normalize().scale() <= places {
            return Ok(amount);
        }
        let advice =
            format!("{amount} has more than the {places} decimal places of {currency}; round it");
        Err(self.fault(name, Code::BelowMinorUnit, advice))
    }

    /// An amount above zero that the currency can express.
    pub(super) fn positive_amount(&self, name: &str, currency: Currency) -> Result<Amount, Fault> {
        let amount = self.amount(name, currency)?;
        if amount > Amount::ZERO {
            return Ok(amount);
        }
        let advice = format!("{amount} is not above zero; send the sum without a sign");
        Err(self.fault(name, Code::NotPositive, advice))
    }

    /// An amount of zero or more that the currency can express.
    pub(super) fn unsigned_amount(&self, name: &str, currency: Currency) -> Result<Amount, Fault> {
        let amount = self.amount(name, currency)?;
        if amount >= Amount::ZERO {
            return Ok(amount);
        }
        let advice =
            format!("{amount} is below zero; money given back is a credit note with positive sums");
        Err(self.fault(name, Code::Negative, advice))
    }

    /// A currency.
    pub(super) fn currency(&self, name: &str) -> Result<Currency, Fault> {
        self.bare_text(name)?
            .parse()
            .map_err(|error| self.money_fault(name, &error))
    }

    /// A currency, if present.
    pub(super) fn maybe_currency(&self, name: &str) -> Result<Option<Currency>, Fault> {
        self.maybe(name, |fields| fields.currency(name))
    }

    /// A fault of a number or currency.
    pub(super) fn money_fault(&self, name: &str, error: &MoneyError) -> Fault {
        let (code, remedy) = match error {
            MoneyError::NotDecimal(_) => (Code::NotDecimal, "correct it"),
            MoneyError::TooManyDigits { .. } => (Code::TooManyDigits, "send fewer digits"),
            MoneyError::TooManyPlaces { .. } => (Code::TooManyPlaces, "round it"),
            MoneyError::UnknownCurrency(_) => (
                Code::UnknownCurrency,
                "use three capitals of a currency in use",
            ),
            MoneyError::Inexact => (Code::TooManyDigits, "split the document"),
        };
        self.fault(name, code, format!("{error}; {remedy}"))
    }

    /// A date as `2026-03-29`.
    pub(super) fn date(&self, name: &str) -> Result<NaiveDate, Fault> {
        let text = self.bare_text(name)?;
        let shaped = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = text.parse().ok().filter(|_| shaped).ok_or_else(|| {
            self.fault(
                name,
                Code::BadDate,
                "this is not a date; write year, month and day as 2026-03-29",
            )
        })?;
        if (FIRST_DAY..=LAST_DAY).contains(&date) {
            return Ok(date);
        }
        let advice = format!("{date} lies outside {FIRST_DAY} to {LAST_DAY}; correct it");
        Err(self.fault(name, Code::DateOutOfRange, advice))
    }

    /// A date, if present.
    pub(super) fn maybe_date(&self, name: &str) -> Result<Option<NaiveDate>, Fault> {
        self.maybe(name, |fields| fields.date(name))
    }

    /// An instant as RFC 3339 writes it, with its offset.
    pub(super) fn instant(&self, name: &str) -> Result<DateTime<Utc>, Fault> {
        let text = self.bare_text(name)?;
        let instant = DateTime::parse_from_rfc3339(text)
            .ok()
            .filter(|_| text.as_bytes().get(10) == Some(&b'T'))
            .ok_or_else(|| {
                let advice = "this is not an instant; write it as 2026-03-29T01:00:00Z";
                self.fault(name, Code::BadTime, advice)
            })?
            .with_timezone(&Utc);
        if (FIRST_DAY..=LAST_DAY).contains(&instant.date_naive()) {
            return Ok(instant);
        }
        let advice = format!("the instant lies outside {FIRST_DAY} to {LAST_DAY}; correct it");
        Err(self.fault(name, Code::DateOutOfRange, advice))
    }

    fn maybe<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.has(name).then(|| read(self)).transpose()
    }
}

fn wrong_type(path: &str, wanted: &str, found: &Node) -> Fault {
    Fault::new(
        Code::WrongType,
        path,
        format!(
            "{} stands where {wanted} is wanted; correct the type",
            found.type_name()
        ),
    )
}

/// The path of a key: with a dot when it is a plain word, else in brackets and quotes.
pub(super) fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain {
        format!("{path}.{key}")
    } else {
        format!("{path}[{key:?}]")
    }
}
