//! The batch resource: up to 30 elements, each succeeding or failing by itself.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::query;
use super::record::Members;
use super::replies::{BATCH_MAX, ELEMENT_MAX, Key};
use super::service::Conditions;
use super::writing::{Circumstances, Operation, write};
use crate::web::journal::{Execution, Touched};

/// Elements in one batch.
const ELEMENTS_MAX: usize = 30;

/// Carries out a batch. Only a malformed one fails as a whole.
pub fn execute(
    company: &mut Company,
    call: &Call,
    conditions: Conditions<'_>,
    time: &str,
) -> Result<Answer, QboFault> {
    let elements = call
        .elements()
        .ok_or_else(|| QboFault::missing("BatchItemRequest"))?;
    if elements.len() > ELEMENTS_MAX {
        let detail = format!("Batch has {} items, at most {ELEMENTS_MAX}", elements.len());
        return Err(QboFault::validation("1040", "Batch size too large", detail));
    }
    let request_id = call.request_id();
    if let Some(id) = request_id {
        let length = id.chars().count();
        if length > BATCH_MAX {
            return Err(QboFault::length("requestid", BATCH_MAX, length));
        }
    }
    let mut replies = Vec::new();
    let mut touched = Vec::new();
    let mut executions = Vec::new();
    for element in elements {
        let reply = one(company, element, request_id, conditions);
        replies.push(reply.text);
        touched.extend(reply.touched);
        executions.push(reply.execution);
    }
    // Elements go in as text: a replayed one must keep its very bytes.
    let body = format!(
        "{{\"BatchItemResponse\":[{}],\"time\":\"{time}\"}}",
        replies.join(",")
    );
    let all = |wanted| executions.iter().all(|execution| *execution == wanted);
    let execution = if all(Execution::Replayed) {
        Execution::Replayed
    } else if all(Execution::Refused) {
        Execution::Refused
    } else {
        Execution::Executed
    };
    Ok(Answer {
        touched,
        ..Answer::plain(200, "application/json", body, execution)
    })
}

struct Reply {
    text: String,
    touched: Vec<Touched>,
    execution: Execution,
}

fn one(
    company: &mut Company,
    element: &Value,
    request_id: Option<&str>,
    conditions: Conditions<'_>,
) -> Reply {
    let b_id = element.get("bId").and_then(Value::as_str);
    let is_query = element.get("Query").is_some();
    let key: Option<Key> = match (request_id, b_id) {
        (Some(request), Some(b_id)) if !is_query => {
            Some((request.to_owned(), Some(b_id.to_owned())))
        }
        _ => None,
    };
    if let Some(key) = &key {
        let life = conditions.settings.request_id_life_ms;
        if let Some(stored) = company.replies.find(key, life, conditions.now) {
            return Reply {
                text: stored.body.clone(),
                touched: Vec::new(),
                execution: Execution::Replayed,
            };
        }
    }
    let outcome = attempt(company, element, request_id.is_some(), conditions);
    let (mut members, touched, execution) = match outcome {
        Ok((members, touched)) => (members, touched, Execution::Executed),
        Err(fault) => {
            let mut members = Members::new();
            members.insert("Fault".to_owned(), fault.member());
            (members, Vec::new(), Execution::Refused)
        }
    };
    members.insert("bId".to_owned(), json!(b_id.unwrap_or_default()));
    let text = Value::Object(members).to_string();
    let is_kept = execution == Execution::Executed || conditions.settings.store_faults;
    if let Some(key) = key
        && is_kept
    {
        company.replies.keep(key, 200, text.clone(), conditions.now);
    }
    Reply {
        text,
        touched,
        execution,
    }
}

fn attempt(
    company: &mut Company,
    element: &Value,
    has_request_id: bool,
    conditions: Conditions<'_>,
) -> Result<(Members, Vec<Touched>), QboFault> {
    let element = element
        .as_object()
        .ok_or_else(|| QboFault::unknown_property("BatchItemRequest"))?;
    let b_id = element.get("bId").and_then(Value::as_str);
    let b_id = b_id.ok_or_else(|| QboFault::missing("bId"))?;
    let length = b_id.chars().count();
    if has_request_id && length > ELEMENT_MAX {
        return Err(QboFault::length("bId", ELEMENT_MAX, length));
    }
    let mut reply = Members::new();
    if let Some(statement) = element.get("Query") {
        let statement = statement.as_str().unwrap_or_default();
        let found = query::run(company, statement, conditions.lookup_until)?;
        reply.insert("QueryResponse".to_owned(), found);
        return Ok((reply, Vec::new()));
    }
    let (kind, body) = payload(element)?;
    let options = element.get("optionsData").and_then(Value::as_str);
    let word = element.get("operation").and_then(Value::as_str);
    let operation = match (word, options) {
        (Some("update"), Some("void")) => Operation::Void,
        (Some("create" | "update"), _) => Operation::Save,
        (Some("delete"), _) => Operation::Delete,
        (Some(other), _) => return Err(QboFault::unsupported_operation(other)),
        (None, _) => return Err(QboFault::missing("operation")),
    };
    if word == Some("update") && body.get("Id").is_none() {
        return Err(QboFault::missing("Id"));
    }
    let circumstances = Circumstances {
        now: conditions.now,
        may_repeat_number: options == Some("allowduplicatedocnum"),
        is_human: false,
    };
    let written = write(company, kind, operation, body, circumstances)?;
    reply.insert(kind.name().to_owned(), written.entity);
    Ok((reply, written.touched))
}

fn payload(element: &Members) -> Result<(Kind, &Value), QboFault> {
    const OTHERS: [&str; 3] = ["bId", "operation", "optionsData"];
    let mut found = None;
    for (name, value) in element {
        if OTHERS.contains(&name.as_str()) {
            continue;
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let kind = kind.filter(|kind| kind.is_writable());
        found = Some((kind.ok_or_else(|| QboFault::unknown_property(name))?, value));
    }
    found.ok_or_else(|| QboFault::missing("entity"))
}
