//! Evaluates a parsed `where` on an object as it is shown.

use std::cmp::Ordering;

use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use serde_json::Value;

use super::properties::Sort;
use crate::xero::dates;
use crate::xero::number;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Text.
    Text(String),
    /// A GUID in lower case.
    Guid(String),
    /// A date or instant.
    Date(NaiveDateTime),
    /// A number.
    Number(Decimal),
    /// True or false.
    Flag(bool),
}

impl Cell {
    fn sort(&self) -> Option<Sort> {
        match self {
            Self::Null => None,
            Self::Text(_) => Some(Sort::Text),
            Self::Guid(_) => Some(Sort::Guid),
            Self::Date(_) => Some(Sort::Date),
            Self::Number(_) => Some(Sort::Number),
            Self::Flag(_) => Some(Sort::Flag),
        }
    }
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `==`.
    Equal,
    /// `!=`.
    Unequal,
    /// `>=`.
    AtLeast,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `<`.
    Below,
}

impl Compare {
    /// How it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        }
    }
}

/// A function of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Whether it contains another.
    Contains,
    /// Whether it begins with another.
    StartsWith,
    /// Whether it ends with another.
    EndsWith,
    /// It in lower case.
    ToLower,
    /// It in upper case.
    ToUpper,
}

impl Method {
    /// The method of a name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "contains" => Self::Contains,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            _ => return None,
        })
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Side {
    /// A literal.
    Literal(Cell),
    /// A property.
    Property {
        /// Its path.
        name: &'static str,
        /// Its type.
        sort: Sort,
    },
    /// A function of a property.
    Call {
        /// Its path.
        name: &'static str,
        /// The function.
        method: Method,
        /// Its argument.
        argument: String,
    },
}

impl Side {
    /// Its type; none for null.
    pub fn sort(&self) -> Option<Sort> {
        match self {
            Self::Literal(cell) => cell.sort(),
            Self::Property { sort, .. } => Some(*sort),
            Self::Call { method, .. } => Some(match method {
                Method::ToLower | Method::ToUpper => Sort::Text,
                Method::Contains | Method::StartsWith | Method::EndsWith => Sort::Flag,
            }),
        }
    }

    fn of(&self, shown: &Value) -> Cell {
        match self {
            Self::Literal(cell) => cell.clone(),
            Self::Property { name, sort } => cell(shown, name, *sort),
            Self::Call {
                name,
                method,
                argument,
            } => {
                let Cell::Text(text) = cell(shown, name, Sort::Text) else {
                    return Cell::Null;
                };
                let (lower, wanted) = (text.to_lowercase(), argument.to_lowercase());
                match method {
                    Method::Contains => Cell::Flag(lower.contains(&wanted)),
                    Method::StartsWith => Cell::Flag(lower.starts_with(&wanted)),
                    Method::EndsWith => Cell::Flag(lower.ends_with(&wanted)),
                    Method::ToLower => Cell::Text(lower),
                    Method::ToUpper => Cell::Text(text.to_uppercase()),
                }
            }
        }
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All hold.
    All(Vec<Condition>),
    /// One holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison.
    Compare(Side, Compare, Side),
    /// A flag that is set.
    True(Side),
}

impl Condition {
    /// Whether it holds for an object.
    pub fn holds(&self, shown: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(shown)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(shown)),
            Self::Not(inner) => !inner.holds(shown),
            Self::True(side) => side.of(shown) == Cell::Flag(true),
            Self::Compare(left, compare, right) => {
                compared(&left.of(shown), *compare, &right.of(shown))
            }
        }
    }

    /// The value that a property must equal for the condition to hold, if that is plain.
    pub fn pinned(&self, wanted: &str) -> Option<&str> {
        match self {
            Self::All(parts) => parts.iter().find_map(|part| part.pinned(wanted)),
            Self::Compare(
                Side::Property { name, .. },
                Compare::Equal,
                Side::Literal(Cell::Text(text) | Cell::Guid(text)),
            ) if *name == wanted => Some(text),
            _ => None,
        }
    }
}

fn compared(left: &Cell, compare: Compare, right: &Cell) -> bool {
    let ordering = order(left, right);
    match compare {
        Compare::Equal => ordering == Some(Ordering::Equal),
        Compare::Unequal => ordering != Some(Ordering::Equal),
        Compare::AtLeast => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        Compare::AtMost => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        Compare::Above => ordering == Some(Ordering::Greater),
        Compare::Below => ordering == Some(Ordering::Less),
    }
}

/// The order of two values of one type; null equals null alone. Texts are compared without regard
/// to case, which is established for contacts and assumed for the rest.
pub fn order(left: &Cell, right: &Cell) -> Option<Ordering> {
    match (left, right) {
        (Cell::Null, Cell::Null) => Some(Ordering::Equal),
        (Cell::Text(one), Cell::Text(other)) => Some(one.to_lowercase().cmp(&other.to_lowercase())),
        (Cell::Guid(one), Cell::Guid(other)) => Some(one.cmp(other)),
        (Cell::Date(one), Cell::Date(other)) => Some(one.cmp(other)),
        (Cell::Number(one), Cell::Number(other)) => Some(one.cmp(other)),
        (Cell::Flag(one), Cell::Flag(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// The value of a property of an object.
pub fn cell(shown: &Value, name: &str, sort: Sort) -> Cell {
    let mut value = shown;
    for part in name.split('.') {
        value = &value[part];
    }
    match (sort, value) {
        (_, Value::Null) => Cell::Null,
        (Sort::Text, Value::String(text)) => Cell::Text(text.clone()),
        (Sort::Guid, Value::String(text)) => Cell::Guid(text.to_ascii_lowercase()),
        (Sort::Date, Value::String(text)) => dates::parse(text).map_or(Cell::Null, Cell::Date),
        (Sort::Flag, Value::Bool(flag)) => Cell::Flag(*flag),
        (Sort::Number, value) => number::parse(value).map_or(Cell::Null, Cell::Number),
        _ => Cell::Null,
    }
}
