//! Checks a request body against the members the service knows.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::fault::QboFault;
use super::number;
use super::record::Members;

/// What a member may hold.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Text of at most so many characters.
    Text(usize),
    /// `{"value": text}` of at most so many characters.
    Memo(usize),
    /// A boolean.
    Flag,
    /// An exact number.
    Number,
    /// A day.
    Date,
    /// A reference to another object; only `value` counts.
    Reference,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A structure.
    Group(&'static [Field]),
    /// A list of structures.
    Rows(&'static [Field]),
    /// Known, but set by the service: taken and dropped.
    ReadOnly,
    /// Names, apart by blanks, that the service knows and the sandbox takes without effect.
    Others(&'static str),
}

impl Shape {
    fn is_other(self, name: &str) -> bool {
        match self {
            Self::Others(names) => names.split(' ').any(|known| known == name),
            _ => false,
        }
    }
}

/// A member and its shape.
pub type Field = (&'static str, Shape);

/// The members of a body in clean form: unknown ones refused, nulls and read-only ones dropped.
pub fn clean(fields: &[Field], body: &Members) -> Result<Members, QboFault> {
    let mut cleaned = Members::new();
    for (name, value) in body {
        let shape = fields
            .iter()
            .find(|(known, shape)| known == name || shape.is_other(name))
            .map(|(_, shape)| *shape)
            .ok_or_else(|| QboFault::unknown_property(name))?;
        if value.is_null() {
            continue;
        }
        if let Some(value) = clean_value(name, shape, value)? {
            cleaned.insert(name.clone(), value);
        }
    }
    Ok(cleaned)
}

fn clean_value(name: &str, shape: Shape, value: &Value) -> Result<Option<Value>, QboFault> {
    let invalid = || QboFault::unknown_property(name);
    let is_structure = matches!(shape, Shape::Group(_) | Shape::Rows(_));
    if is_blank(value) && !is_structure && !matches!(shape, Shape::ReadOnly | Shape::Others(_)) {
        // A blank clears the member, whatever its shape.
        return Ok(Some(Value::String(String::new())));
    }
    Ok(Some(match shape {
        Shape::ReadOnly | Shape::Others(_) => return Ok(None),
        Shape::Text(most) => Value::String(bounded(name, value, most)?),
        Shape::Memo(most) => {
            let inner = value.get("value").ok_or_else(invalid)?;
            json!({"value": bounded(&spaced(name), inner, most)?})
        }
        Shape::Flag => match value {
            Value::Bool(_) => value.clone(),
            Value::String(word) if word == "true" || word == "false" => Value::Bool(word == "true"),
            _ => return Err(invalid()),
        },
        Shape::Number => {
            let parsed = number::parse(value).ok_or_else(|| QboFault::number(name))?;
            if number::digits(parsed) > number::DIGITS_MAX {
                return Err(QboFault::number(name));
            }
            number::json(parsed)
        }
        Shape::Date => {
            let text = value.as_str().unwrap_or_default();
            let day = text.get(..10).unwrap_or(text);
            let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| invalid())?;
            Value::String(day.to_string())
        }
        Shape::Reference => {
            let id = match value {
                Value::Object(members) => members.get("value").cloned().unwrap_or(Value::Null),
                _ => return Err(invalid()),
            };
            match id {
                Value::Null => return Ok(None),
                Value::String(id) if id.is_empty() => return Ok(None),
                Value::String(id) => json!({"value": id}),
                Value::Number(id) => json!({"value": id.to_string()}),
                _ => return Err(invalid()),
            }
        }
        Shape::Choice(words) => {
            let word = value.as_str().ok_or_else(invalid)?;
            if !words.contains(&word) {
                return Err(QboFault::enumeration(name, word));
            }
            value.clone()
        }
        Shape::Group(fields) => {
            let inner = clean(fields, value.as_object().ok_or_else(invalid)?)?;
            let inner = without_blanks(&inner);
            if inner.is_empty() {
                return Ok(Some(Value::String(String::new())));
            }
            Value::Object(inner)
        }
        Shape::Rows(fields) => {
            let rows = value.as_array().ok_or_else(invalid)?;
            let rows = rows.iter().map(|row| {
                let row = clean(fields, row.as_object().ok_or_else(invalid)?)?;
                Ok(Value::Object(without_blanks(&row)))
            });
            Value::Array(rows.collect::<Result<_, QboFault>>()?)
        }
    }))
}

/// Whether a member is sent to be cleared.
pub fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The members that are not sent to be cleared.
pub fn without_blanks(members: &Members) -> Members {
    let full = members.iter().filter(|(_, value)| !is_blank(value));
    full.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn bounded(element: &str, value: &Value, most: usize) -> Result<String, QboFault> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => return Err(QboFault::unknown_property(element)),
    };
    let length = text.chars().count();
    if length > most {
        return Err(QboFault::length(element, most, length));
    }
    Ok(text)
}

/// `CustomerMemo` as the service prints it: `Customer Memo`.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}
