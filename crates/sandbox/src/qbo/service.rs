//! The service itself: carries out a request that has passed the gateway.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::Answer;
use super::batch;
use super::call::{Call, Target};
use super::cdc;
use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::query;
use super::render::render;
use super::replies::{Key, SINGLE_MAX};
use super::settings::Settings;
use super::tax_service;
use super::writing::{Circumstances, Operation, write};
use crate::web::journal::Execution;

/// What the service needs to know beside the books.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// Settings of the sandbox.
    pub settings: &'a Settings,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Queries see commits up to here.
    pub lookup_until: DateTime<Utc>,
}

/// Carries out a request on a company's books.
pub fn execute(company: &mut Company, call: &Call, conditions: Conditions<'_>) -> Answer {
    let time = company.envelope_time(conditions.now);
    match attempt(company, call, conditions, &time) {
        Ok(answer) => answer,
        Err(fault) => Answer::fault(&fault, &time),
    }
}

fn attempt(
    company: &mut Company,
    call: &Call,
    conditions: Conditions<'_>,
    time: &str,
) -> Result<Answer, QboFault> {
    if company.profile.suspended {
        return Err(QboFault::suspended());
    }
    if call.body.is_none() {
        let what = "with MalformedByteSequenceException: Invalid UTF-8";
        return Err(QboFault::unsupported_operation(what));
    }
    match (&call.target, call.method.as_str()) {
        (Target::Query, "GET" | "POST") => {
            let found = query::run(company, call.statement(), conditions.lookup_until)?;
            let body = json!({"QueryResponse": found, "time": time});
            Ok(Answer::success(&body, Vec::new()))
        }
        (Target::Changes, "GET") => {
            let changes = cdc::run(company, call, conditions.now, conditions.lookup_until)?;
            let body = json!({"CDCResponse": changes, "time": time});
            Ok(Answer::success(&body, Vec::new()))
        }
        (Target::Batch, "POST") => {
            check_json(call)?;
            batch::execute(company, call, conditions, time)
        }
        (Target::Entity(kind, id), "GET") => read(company, *kind, id.as_deref(), conditions, time),
        (Target::Entity(kind, None), "POST") => {
            check_json(call)?;
            save(company, *kind, call, conditions, time)
        }
        (Target::TaxService, "POST") => {
            check_json(call)?;
            let body = call.json.as_ref().unwrap_or(&Value::Null);
            let (reply, created) = tax_service::create(company, body, conditions.now)?;
            Ok(Answer::success(&reply, created))
        }
        _ => Err(no_such_path(&call.path)),
    }
}

fn no_such_path(path: &str) -> QboFault {
    let detail = format!("Could not find resource for relative : {path}");
    QboFault {
        status: 404,
        ..QboFault::system(&detail)
    }
}

fn check_json(call: &Call) -> Result<(), QboFault> {
    if !call.content_type.contains("json") {
        let detail = format!("Content type {} is not supported", call.content_type);
        return Err(QboFault::validation("1050", "Invalid content type", detail));
    }
    if call.json.is_none() {
        return Err(QboFault::unknown_property("request body, not JSON,"));
    }
    Ok(())
}

fn read(
    company: &Company,
    kind: Kind,
    id: Option<&str>,
    conditions: Conditions<'_>,
    time: &str,
) -> Result<Answer, QboFault> {
    let id = match (kind, id) {
        (Kind::CompanyInfo, Some(realm)) if realm == company.profile.realm => "1",
        (Kind::Preferences, None) => "1",
        (Kind::CompanyInfo | Kind::Preferences, _) => return Err(QboFault::not_found()),
        (_, Some(id)) => id,
        (_, None) => return Err(QboFault::unsupported_operation("read without an id")),
    };
    let shelf = company.shelf(kind).ok_or_else(QboFault::not_found)?;
    let record = if conditions.settings.lag_gets {
        shelf.seen(id, conditions.lookup_until)
    } else {
        shelf.live(id)
    };
    let record = record.ok_or_else(QboFault::not_found)?;
    let body = json!({kind.name(): render(company, kind, record), "time": time});
    Ok(Answer::success(&body, Vec::new()))
}

fn save(
    company: &mut Company,
    kind: Kind,
    call: &Call,
    conditions: Conditions<'_>,
    time: &str,
) -> Result<Answer, QboFault> {
    let key: Option<Key> = call.request_id().map(|id| (id.to_owned(), None));
    if let Some((id, _)) = &key {
        let length = id.chars().count();
        if length > SINGLE_MAX {
            return Err(QboFault::length("requestid", SINGLE_MAX, length));
        }
    }
    if let Some(key) = &key {
        let life = conditions.settings.request_id_life_ms;
        if let Some(stored) = company.replies.find(key, life, conditions.now) {
            return Ok(Answer::plain(
                stored.status,
                "application/json",
                stored.body.clone(),
                Execution::Replayed,
            ));
        }
    }
    let answer = match save_now(company, kind, call, conditions, time) {
        Ok(answer) => answer,
        Err(fault) => Answer::fault(&fault, time),
    };
    let is_success = answer.execution == Execution::Executed;
    if let Some(key) = key
        && (is_success || conditions.settings.store_faults)
    {
        let body = answer.body.clone();
        company
            .replies
            .keep(key, answer.status, body, conditions.now);
    }
    Ok(answer)
}

fn save_now(
    company: &mut Company,
    kind: Kind,
    call: &Call,
    conditions: Conditions<'_>,
    time: &str,
) -> Result<Answer, QboFault> {
    let operation = match call.parameter("operation") {
        _ if call.is_void() => Operation::Void,
        None | Some("create" | "update") => Operation::Save,
        Some("delete") => Operation::Delete,
        Some(other) => return Err(QboFault::unsupported_operation(other)),
    };
    let includes = call.parameter("include").unwrap_or_default();
    let circumstances = Circumstances {
        now: conditions.now,
        may_repeat_number: includes
            .split(',')
            .any(|word| word == "allowduplicatedocnum"),
        is_human: false,
    };
    let body = call.json.as_ref().unwrap_or(&Value::Null);
    let written = write(company, kind, operation, body, circumstances)?;
    let body = json!({kind.name(): written.entity, "time": time});
    Ok(Answer::success(&body, written.touched))
}
