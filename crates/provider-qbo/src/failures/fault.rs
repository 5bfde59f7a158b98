//! The faults in a reply, whatever shape they have: JSON of the API, JSON of the gateway, XML, or none.

use provider_kit::Reply;
use serde_json::Value;

/// Longest excerpt of a body that nobody can read.
const EXCERPT: usize = 300;

/// Longest code that we keep; Intuit's have up to six digits.
const LONGEST_CODE: usize = 40;

/// One error as the provider words it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Fault {
    /// `ValidationFault`, `SystemFault`, `AUTHENTICATION` ...
    pub(crate) kind: String,
    /// A number as text; empty when none was given.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: String,
    pub(crate) element: String,
}

impl Fault {
    /// Its words in one line, without control characters (a NUL cannot be stored).
    pub(crate) fn wording(&self) -> String {
        let parts = [&self.message, &self.detail, &self.element];
        let words: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        plain(&words.join(" | "))
    }

    /// Codes from 10000 on and system faults are failures of QuickBooks itself.
    pub(crate) fn is_severe(&self) -> bool {
        self.kind == "SystemFault" || self.code.parse::<u64>().is_ok_and(|code| code >= 10_000)
    }
}

/// All faults of a reply.
pub(crate) fn in_reply(reply: &Reply, body: Option<&Value>) -> Vec<Fault> {
    match body {
        Some(value) => in_json(value),
        None => in_xml(&String::from_utf8_lossy(&reply.body)),
    }
}

/// All faults of a JSON element: `{"Fault": {...}}` or the gateway's `{"fault": {...}}`.
pub(crate) fn in_json(value: &Value) -> Vec<Fault> {
    let Some(fault) = present(value, "Fault").or_else(|| present(value, "fault")) else {
        return Vec::new();
    };
    let text = |of: &Value, name: &str| scalar(member(of, name));
    let kind = text(fault, "type");
    let one = |error: &Value| Fault {
        kind: kind.clone(),
        code: printable(&text(error, "code")),
        message: text(error, "Message"),
        detail: text(error, "Detail"),
        element: text(error, "element"),
    };
    let faults: Vec<Fault> = match member(fault, "Error") {
        Some(Value::Array(errors)) => errors.iter().map(one).collect(),
        Some(error) => vec![one(error)],
        None => Vec::new(),
    };
    if faults.is_empty() {
        return vec![Fault {
            kind,
            ..Fault::default()
        }];
    }
    faults
}

/// Whether a JSON element carries a fault at all.
pub(crate) fn is_in(value: &Value) -> bool {
    present(value, "Fault").is_some() || present(value, "fault").is_some()
}

fn present<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|found| !found.is_null())
}

/// A member in either spelling: `Message` or `message`.
fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    present(value, name).or_else(|| present(value, &name.to_ascii_lowercase()))
}

fn scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Faults of an XML body, by its few known marks; a whole XML reader would be too much for three words.
fn in_xml(body: &str) -> Vec<Fault> {
    let Some(at) = body.find("<Fault") else {
        return Vec::new();
    };
    let inside = &body[at..];
    let kind = attribute(inside, "type");
    inside
        .split("<Error")
        .skip(1)
        .map(|error| Fault {
            kind: kind.clone(),
            code: printable(&attribute(error, "code")),
            message: element(error, "Message"),
            detail: element(error, "Detail"),
            element: attribute(error, "element"),
        })
        .collect()
}

/// An attribute of the tag that `text` starts in.
fn attribute(text: &str, name: &str) -> String {
    let tag = text.split('>').next().unwrap_or_default();
    let value = tag.split_once(&format!("{name}=")).map(|(_, rest)| rest);
    value
        .and_then(|rest| {
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            rest[1..].split(quote).next()
        })
        .unwrap_or_default()
        .to_owned()
}

fn element(text: &str, name: &str) -> String {
    text.split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once("</"))
        .map(|(inside, _)| unescape(inside))
        .unwrap_or_default()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

/// The provider's words, or the beginning of a body that has none, for operators.
pub(crate) fn excerpt(reply: &Reply, faults: &[Fault]) -> String {
    let words: Vec<String> = faults.iter().map(Fault::wording).collect();
    let words = words.join("; ");
    if !words.is_empty() {
        return format!("HTTP {}: {words}", reply.status);
    }
    let start: String = String::from_utf8_lossy(&reply.body)
        .chars()
        .take(EXCERPT)
        .collect();
    format!(
        "HTTP {}, {} bytes: {}",
        reply.status,
        reply.body.len(),
        plain(&start)
    )
}

/// A code groups failures and is stored, so it is short and printable whatever was answered.
fn printable(code: &str) -> String {
    code.trim()
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .take(LONGEST_CODE)
        .collect()
}

fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
