//! Parses `where`: comparisons joined by AND and OR, with a few functions.
//!
//! ```text
//! any   = all (OR all)*            OR or ||
//! all   = one (AND one)*           AND or &&
//! one   = "!" one | "(" any ")" | side [op side]
//! side  = property[.Method(text)] | "text" | number | true | false | null
//!       | guid("…") | DateTime(y,m,d[,h,m,s]) | DateTime.Parse("…")
//! ```

use chrono::{NaiveDate, NaiveDateTime};
use rust_decimal::Decimal;

use super::evaluate::{Cell, Compare, Condition, Method, Side};
use super::properties::property;
use crate::xero::dates;
use crate::xero::kind::Kind;

/// Nesting beyond which a filter is refused.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(Decimal),
    Sign(&'static str),
}

/// Parses a filter over a kind; the refusal is the service's message.
pub fn parse(kind: Kind, text: &str) -> Result<Condition, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader {
        kind,
        tokens,
        at: 0,
        depth: 0,
    };
    let condition = reader.any()?;
    if reader.at < reader.tokens.len() {
        return Err("Syntax error".to_owned());
    }
    Ok(condition)
}

const SIGNS: [&str; 14] = [
    "==", "!=", "<>", ">=", "<=", "&&", "||", "=", ">", "<", "(", ")", ",", "!",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '"' {
            let (value, after) = quoted(&rest[1..])?;
            tokens.push(Token::Text(value));
            rest = after;
        } else {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if length == 0 {
                return Err(format!("Syntax error '{first}'"));
            }
            let word = &rest[..length];
            let is_number = first.is_ascii_digit() || first == '-';
            tokens.push(if is_number {
                let number = Decimal::from_str_exact(word);
                Token::Number(number.map_err(|_| format!("Syntax error '{word}'"))?)
            } else {
                Token::Word(word.to_owned())
            });
            rest = &rest[length..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A text up to its closing quote; a quote inside is written twice or behind a backslash.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '"' if rest[at + 1..].starts_with('"') => {
                chars.next();
                value.push('"');
            }
            '"' => return Ok((value, &rest[at + 1..])),
            other => value.push(other),
        }
    }
    Err("Unterminated string literal".to_owned())
}

struct Reader {
    kind: Kind,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn any(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("Expression too complex".to_owned());
        }
        let mut parts = vec![self.all()?];
        while self.takes_word("OR") || self.takes("||") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(joined(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.takes_word("AND") || self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.takes("!") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err("Expression too complex".to_owned());
            }
            let inner = self.one()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.side()?;
        let Some(compare) = self.compare() else {
            return match left {
                Side::Call { .. } | Side::Property { .. } => Ok(Condition::True(left)),
                Side::Literal(_) => Err("Expression of type 'Boolean' expected".to_owned()),
            };
        };
        let right = self.side()?;
        check(compare, &left, &right)?;
        Ok(Condition::Compare(left, compare, right))
    }

    fn compare(&mut self) -> Option<Compare> {
        let Some(Token::Sign(sign)) = self.tokens.get(self.at) else {
            return None;
        };
        let compare = match *sign {
            "==" | "=" => Compare::Equal,
            "!=" | "<>" => Compare::Unequal,
            ">=" => Compare::AtLeast,
            "<=" => Compare::AtMost,
            ">" => Compare::Above,
            "<" => Compare::Below,
            _ => return None,
        };
        self.at += 1;
        Some(compare)
    }

    fn side(&mut self) -> Result<Side, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Text(text)) => Ok(Side::Literal(Cell::Text(text))),
            Some(Token::Number(number)) => Ok(Side::Literal(Cell::Number(number))),
            Some(Token::Word(word)) => self.word(&word),
            Some(Token::Sign(_)) | None => Err("Expression expected".to_owned()),
        }
    }

    fn word(&mut self, word: &str) -> Result<Side, String> {
        let lower = word.to_ascii_lowercase();
        let literal = match lower.as_str() {
            "true" => Cell::Flag(true),
            "false" => Cell::Flag(false),
            "null" => Cell::Null,
            "guid" | "guid.parse" => {
                let text = self.text_argument()?;
                Cell::Guid(text.to_ascii_lowercase())
            }
            "datetime.parse" => {
                let text = self.text_argument()?;
                let at = dates::parse(&text);
                Cell::Date(at.ok_or("String was not recognized as a valid DateTime.")?)
            }
            "datetime" => Cell::Date(self.date()?),
            _ => return self.property(word),
        };
        Ok(Side::Literal(literal))
    }

    fn property(&mut self, word: &str) -> Result<Side, String> {
        if let Some((name, sort)) = property(self.kind, word) {
            return Ok(Side::Property { name, sort });
        }
        // `Name.ToLower()` and the like stand behind a property.
        if let Some((path, method)) = word.rsplit_once('.')
            && let Some((name, _)) = property(self.kind, path)
            && let Some(method) = Method::named(method)
        {
            let argument = match method {
                Method::ToLower | Method::ToUpper => {
                    self.expect("(")?;
                    self.expect(")")?;
                    String::new()
                }
                _ => self.text_argument()?,
            };
            return Ok(Side::Call {
                name,
                method,
                argument,
            });
        }
        Err(format!(
            "No property or field '{word}' exists in type '{}'",
            self.kind.name()
        ))
    }

    fn text_argument(&mut self) -> Result<String, String> {
        self.expect("(")?;
        let Some(Token::Text(text)) = self.tokens.get(self.at).cloned() else {
            return Err("Expression expected".to_owned());
        };
        self.at += 1;
        self.expect(")")?;
        Ok(text)
    }

    fn date(&mut self) -> Result<NaiveDateTime, String> {
        self.expect("(")?;
        let mut parts: Vec<u32> = Vec::new();
        loop {
            let Some(Token::Number(number)) = self.tokens.get(self.at) else {
                return Err("Expression expected".to_owned());
            };
            let part = u32::try_from(number.mantissa()).ok();
            parts.push(
                part.filter(|_| number.scale() == 0)
                    .ok_or("Invalid DateTime")?,
            );
            self.at += 1;
            if !self.takes(",") {
                break;
            }
        }
        self.expect(")")?;
        let &[year, month, day, ref time @ ..] = parts.as_slice() else {
            return Err("No applicable method 'DateTime' exists".to_owned());
        };
        let year = i32::try_from(year).map_err(|_| "Invalid DateTime")?;
        let at = |index: usize| time.get(index).copied().unwrap_or(0);
        NaiveDate::from_ymd_opt(year, month, day)
            .and_then(|date| date.and_hms_opt(at(0), at(1), at(2)))
            .ok_or_else(|| "Invalid DateTime".to_owned())
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.tokens.get(self.at), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(
            self.tokens.get(self.at),
            Some(Token::Word(next)) if next.eq_ignore_ascii_case(word)
        );
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        Err(format!("'{sign}' expected"))
    }
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

/// Refuses to compare what has different types; anything may be compared with null.
fn check(compare: Compare, left: &Side, right: &Side) -> Result<(), String> {
    match (left.sort(), right.sort()) {
        (Some(one), Some(other)) if one != other => Err(format!(
            "Operator '{}' incompatible with operand types '{}' and '{}'",
            compare.sign(),
            one.name(),
            other.name()
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
