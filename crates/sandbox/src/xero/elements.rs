//! The reply to a write of several elements.
//!
//! `summarizeErrors=false`: always 200, each element with its own outcome. Otherwise any failing
//! element makes it 400 with the failing ones alone, although the others were saved.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::complaints::Complaints;
use super::dates;
use super::kind::Kind;
use super::refusal;
use super::work::Written;

/// The id of what does not exist.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// What became of an element.
#[derive(Debug)]
pub enum Outcome {
    /// It was saved; how it is shown.
    Saved(Written, Value),
    /// It was not.
    Refused(Value, Complaints),
}

/// How the reply is put together.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// The kind of the elements.
    pub kind: Kind,
    /// The member they stand under.
    pub plural: &'a str,
    /// Whether one failing element makes the whole a failure.
    pub summarizes: bool,
    /// Other words for messages.
    pub wording: &'a BTreeMap<String, String>,
}

/// Puts the reply together; `envelope` holds everything but the elements.
pub fn answer(outcomes: Vec<Outcome>, form: Form<'_>, mut envelope: Value) -> Answer {
    let mut touched = Vec::new();
    let mut shown = Vec::new();
    let mut failed = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Saved(written, mut value) => {
                touched.extend(written.touched);
                let is_odd = !written.warnings.is_empty();
                if is_odd {
                    value["Warnings"] = messages(&written.warnings, form.wording);
                }
                if !form.summarizes {
                    let word = if is_odd { "WARNING" } else { "OK" };
                    value["StatusAttributeString"] = json!(word);
                }
                shown.push(value);
            }
            Outcome::Refused(body, complaints) => {
                let mut value = echo(&body, form.kind);
                value["ValidationErrors"] = messages(complaints.messages(), form.wording);
                if form.summarizes {
                    failed.push(value);
                } else {
                    value["StatusAttributeString"] = json!("ERROR");
                    shown.push(value);
                }
            }
        }
    }
    if failed.is_empty() {
        envelope[form.plural] = Value::Array(shown);
        return Answer::success(&envelope, touched);
    }
    let mut answer = refusal::validation(&failed);
    if !touched.is_empty() {
        // What was saved stays saved; the caller is not told.
        answer.execution = crate::web::journal::Execution::Executed;
        answer.touched = touched;
    }
    answer
}

fn messages(messages: &[String], wording: &BTreeMap<String, String>) -> Value {
    let reworded = messages.iter().map(|message| {
        let mut message = message.clone();
        for (from, to) in wording {
            message = message.replace(from, to);
        }
        json!({"Message": message})
    });
    reworded.collect()
}

/// A failing element as it comes back: what was sent, with ids and dates in the service's form.
fn echo(body: &Value, kind: Kind) -> Value {
    let mut shown = body.as_object().cloned().unwrap_or_default();
    redate(&mut shown);
    let id = shown.entry(kind.id_member()).or_insert(json!(NO_ID));
    if id.as_str().is_none_or(str::is_empty) {
        *id = json!(NO_ID);
    }
    if let Some(flag) = kind.error_flag() {
        shown.insert(flag.to_owned(), json!(true));
    }
    Value::Object(shown)
}

fn redate(shown: &mut Map<String, Value>) {
    for name in ["Date", "DueDate", "ExpectedPaymentDate"] {
        let day = shown
            .get(name)
            .and_then(Value::as_str)
            .and_then(dates::parse_day);
        if let Some(day) = day {
            shown.insert(name.to_owned(), json!(dates::day(day)));
        }
    }
}
