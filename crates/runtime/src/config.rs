//! Settings from the environment, with every problem reported at once.
//!
//! A binary asks for all it needs, then calls [`Settings::finish`]. A missing
//! or unreadable value never stops the asking: it is noted, a stand-in is
//! returned, and `finish` refuses. So an operator fixes a deployment in one
//! round. An empty variable counts as unset, because compose files pass
//! `${NAME:-}`. Values are never repeated in a problem: any may hold a password.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::str::FromStr;
use std::time::Duration;

use crate::secret::Secret;

/// Collects the values a process needs and everything that is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, Value>,
    asked: BTreeMap<String, Need>,
    problems: Vec<Problem>,
}

/// One variable as found; undecodable ones matter only if somebody asks.
#[derive(Clone)]
enum Value {
    Text(String),
    NotUnicode,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// How badly a setting is needed; shown by `--help`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The process does not start without it.
    Required,
    /// As `Required`; may be given as a file through `NAME_FILE`.
    RequiredSecret,
    /// May be left out.
    Optional,
    /// Has a default; its text where that is known.
    Default(Option<String>),
}

/// Everything that is wrong with the configuration, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<Problem>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    name: String,
    wrong: String,
    remedy: String,
}

impl Settings {
    /// Takes a snapshot of this process's environment.
    pub fn from_env() -> Self {
        let values = std::env::vars_os().filter_map(|(name, value)| {
            let value = value.into_string().map_or(Value::NotUnicode, Value::Text);
            Some((name.into_string().ok()?, value))
        });
        Self {
            values: values.collect(),
            ..Self::default()
        }
    }

    /// Takes the given pairs instead of an environment (tests).
    pub fn from_map<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let values = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), Value::Text(value.into())));
        Self {
            values: values.collect(),
            ..Self::default()
        }
    }

    /// A text that must be set.
    pub fn required(&mut self, name: &str) -> String {
        self.asks(name, Need::Required);
        self.look_up(name).unwrap_or_else(|| {
            self.missing(name, format!("set {name}"));
            String::new()
        })
    }

    /// A text that may be left out.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.asks(name, Need::Optional);
        self.look_up(name)
    }

    /// A text with a default.
    pub fn or(&mut self, name: &str, default: &str) -> String {
        self.asks(name, Need::Default(Some(default.to_owned())));
        self.look_up(name).unwrap_or_else(|| default.to_owned())
    }

    /// A parsed value with a default; an unreadable text is a problem, never the default.
    pub fn parse_or<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.asks(name, Need::Default(None));
        self.parsed(name, short_type_name::<T>()).unwrap_or(default)
    }

    /// A duration in whole milliseconds with a default.
    pub fn millis_or(&mut self, name: &str, default_ms: u64) -> Duration {
        self.asks(name, Need::Default(Some(default_ms.to_string())));
        let parsed = self.parsed(name, "whole number of milliseconds");
        Duration::from_millis(parsed.unwrap_or(default_ms))
    }

    /// A secret that must be set, either as `NAME` or as a file named by `NAME_FILE`.
    pub fn secret(&mut self, name: &str) -> Secret {
        self.asks(name, Need::RequiredSecret);
        Secret::new(self.secret_text(name).unwrap_or_default())
    }

    /// Notes that a value was readable but not acceptable, from a rule the caller checked.
    pub fn reject(&mut self, name: &str, wrong: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem {
            name: name.to_owned(),
            wrong: wrong.into(),
            remedy: remedy.into(),
        });
    }

    /// Refuses if anything asked for was missing or unreadable, listing all of it.
    pub fn finish(&self) -> Result<(), ConfigErrors> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ConfigErrors(self.problems.clone()))
    }

    /// Every setting asked for so far, by name.
    pub fn asked(&self) -> impl Iterator<Item = (&str, &Need)> {
        self.asked.iter().map(|(name, need)| (name.as_str(), need))
    }

    fn asks(&mut self, name: &str, need: Need) {
        self.asked.insert(name.to_owned(), need);
    }

    fn look_up(&mut self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Value::Text(text) if text.is_empty() => None,
            Value::Text(text) => Some(text.clone()),
            Value::NotUnicode => {
                self.reject(name, "is not valid UTF-8", "set it to plain text");
                None
            }
        }
    }

    fn parsed<T>(&mut self, name: &str, what: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let text = self.look_up(name)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let remedy = format!("set it to a valid {what}, or unset it for the default");
                self.reject(name, format!("cannot be read ({error})"), remedy);
                None
            }
        }
    }

    fn secret_text(&mut self, name: &str) -> Option<String> {
        let file_name = format!("{name}_FILE");
        match (self.look_up(name), self.look_up(&file_name)) {
            (Some(_), Some(_)) => {
                let wrong = format!("is set together with {file_name}");
                self.reject(name, wrong, "set only one of the two");
                None
            }
            (Some(text), None) => Some(text),
            (None, Some(path)) => self.secret_file(&file_name, &path),
            (None, None) => {
                self.missing(
                    name,
                    format!("set {name}, or {file_name} to the path of a file"),
                );
                None
            }
        }
    }

    fn secret_file(&mut self, file_name: &str, path: &str) -> Option<String> {
        match fs::read_to_string(path) {
            Ok(text) if text.trim_end().is_empty() => {
                self.reject(file_name, "names an empty file", "put the secret into it");
                None
            }
            // Editors and `echo` end a file with a line break that is not part of the secret.
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                let wrong = format!("names a file that cannot be read ({error})");
                self.reject(
                    file_name,
                    wrong,
                    "set it to the path of a readable text file",
                );
                None
            }
        }
    }

    /// Notes an absence, unless the variable is already known to be unreadable.
    fn missing(&mut self, name: &str, remedy: String) {
        if !self.problems.iter().any(|known| known.name == name) {
            self.reject(name, "is not set", remedy);
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (
            index,
            Problem {
                name,
                wrong,
                remedy,
            },
        ) in self.0.iter().enumerate()
        {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{name} {wrong}: {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("required"),
            Self::RequiredSecret => f.write_str("required; or NAME_FILE with a path"),
            Self::Optional => f.write_str("optional"),
            Self::Default(None) => f.write_str("has a default"),
            Self::Default(Some(text)) => write!(f, "default {text}"),
        }
    }
}

/// The type's name without its path, as in "valid `SocketAddr`".
fn short_type_name<T>() -> &'static str {
    let full = std::any::type_name::<T>();
    full.rsplit("::").next().unwrap_or(full)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
