//! The exact requests: writes to one entity or to the batch endpoint, and queries.
//!
//! A write carries `requestid`, which makes QuickBooks repeat its first answer instead of writing twice; that
//! is a help and never the guarantee. The marker goes in last, after every mapping rule, and texts give way to
//! it. Bodies are written with sorted members, so the same step always gives the same bytes. What is particular
//! about an entity stands in `entity`.

use model::{Failure, Operation};
use provider_kit::{Cost, Effect, External, Member, Method, Request};
use serde_json::{Map, Value, json};

use crate::entity::Entity;
use crate::failures;
use crate::mapping::text;

/// Most objects of a query's page, from the same page.
pub(crate) const PAGE: usize = 1_000;
/// Longest `requestid` of a batch; single calls would take 50.
const LONGEST_KEY: usize = 36;
/// The only version of the API that is still served.
const MINOR_VERSION: &str = "75";

/// The one request that brings the members about.
pub(crate) fn write(members: &[Member<'_>], key: &str, realm: &str) -> Result<Request, Failure> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(failures::defect(
            "KEY_LENGTH",
            &"the request id is empty or too long",
        ));
    }
    let entity = members
        .first()
        .and_then(|first| Entity::of_effect(&first.step.effect))
        .ok_or_else(|| failures::defect("NO_MEMBERS", &"nothing that can be written"))?;
    let is_mixed = members
        .iter()
        .any(|member| Entity::of_effect(&member.step.effect) != Some(entity));
    if is_mixed {
        return Err(failures::defect("MIXED_KINDS", &"members of several kinds"));
    }
    let most = members
        .iter()
        .map(|member| entity.batch(member.step.operation))
        .min();
    if most.is_some_and(|most| members.len() > most) {
        return Err(failures::defect("BATCH_TOO_BIG", &"more members than fit"));
    }
    match members {
        [only] => single(entity, only, key, realm),
        _ => batch(entity, members, key, realm),
    }
}

fn single(entity: Entity, member: &Member<'_>, key: &str, realm: &str) -> Result<Request, Failure> {
    let mut query = written_with(key);
    let mut with = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
    match (member.step.operation, entity) {
        (Operation::Create | Operation::Update, _) => {}
        (Operation::Delete, _) => with("operation", "delete"),
        // The form that was captured; `operation=void` stands in one copy of the documents only.
        (Operation::Void, Entity::Payment) => {
            with("operation", "update");
            with("include", "void");
        }
        (Operation::Void, _) => with("operation", "void"),
    }
    Ok(Request {
        method: Method::Post,
        path: company_path(realm, entity.path()),
        query,
        headers: headers(true),
        body: bytes(&element(entity, member)?)?,
        cost: Cost::default(),
    })
}

fn batch(
    entity: Entity,
    members: &[Member<'_>],
    key: &str,
    realm: &str,
) -> Result<Request, Failure> {
    let items = members
        .iter()
        .map(|member| {
            let mut item = Map::new();
            item.insert("bId".to_owned(), json!(batch_id(member.ordinal)));
            let operation = match member.step.operation {
                Operation::Create => "create",
                Operation::Update | Operation::Void => "update",
                Operation::Delete => "delete",
            };
            item.insert("operation".to_owned(), json!(operation));
            if member.step.operation == Operation::Void {
                item.insert("optionsData".to_owned(), json!("void"));
            }
            item.insert(entity.name().to_owned(), element(entity, member)?);
            Ok(Value::Object(item))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(Request {
        method: Method::Post,
        path: company_path(realm, "batch"),
        query: written_with(key),
        headers: headers(true),
        body: bytes(&json!({ "BatchItemRequest": items }))?,
        cost: Cost {
            batch: true,
            metered_read: false,
        },
    })
}

/// The id of a member inside a batch: at most 10 characters.
pub(crate) fn batch_id(ordinal: usize) -> String {
    format!("m{ordinal}")
}

/// The step's body with what is volatile: id, revision, marker.
fn element(entity: Entity, member: &Member<'_>) -> Result<Value, Failure> {
    let step = member.step;
    if step.operation == Operation::Delete && !entity.is_deletable() {
        return Err(failures::defect("NO_DELETE", &entity.name()));
    }
    let is_ending = matches!(step.operation, Operation::Void | Operation::Delete);
    let mut object = match &step.body {
        _ if is_ending => Map::new(),
        Value::Object(body) => body.clone(),
        _ => {
            return Err(failures::defect(
                "BODY_SHAPE",
                &"a step's body is not an object",
            ));
        }
    };
    match (&step.operation, &step.target) {
        (Operation::Create, None) => {}
        (Operation::Update | Operation::Void | Operation::Delete, Some(target)) => {
            object.insert("Id".to_owned(), json!(target.id));
            object.insert("SyncToken".to_owned(), json!(target.revision));
        }
        _ => {
            return Err(failures::defect(
                "TARGET",
                &"a step's target does not fit it",
            ));
        }
    }
    let is_sparse = match step.operation {
        Operation::Update => Some(entity.is_sparse()),
        Operation::Void if entity == Entity::Payment => Some(true),
        Operation::Create | Operation::Void | Operation::Delete => None,
    };
    if let Some(is_sparse) = is_sparse {
        object.insert("sparse".to_owned(), json!(is_sparse));
    }
    if let Some(to_come) = object.get("Line").filter(|lines| has_unknown_link(lines)) {
        return Err(failures::defect("ID_TO_COME", to_come));
    }
    if !is_ending {
        let text = object
            .get(entity.note())
            .and_then(Value::as_str)
            .unwrap_or_default();
        let note = text::marked(text, member.marker, entity.note_shape());
        object.insert(entity.note().to_owned(), json!(note));
    }
    Ok(Value::Object(object))
}

/// Whether a line links a document whose id is still to come: a preview shows such a step, nobody sends it.
fn has_unknown_link(lines: &Value) -> bool {
    let lines = lines.as_array().map(Vec::as_slice).unwrap_or_default();
    lines
        .iter()
        .filter_map(|line| line.get("LinkedTxn")?.as_array())
        .flatten()
        .any(|link| link.get("TxnId").is_none())
}

/// A read of the present state of some objects.
pub(crate) fn read(effect: &Effect, targets: &[External], realm: &str) -> Request {
    // Effects of other kinds are never planned, so they are never read.
    let entity = Entity::of_effect(effect).unwrap_or(Entity::Invoice);
    let ids: Vec<&str> = targets.iter().map(|target| target.id.as_str()).collect();
    query(realm, &by_ids(entity, &ids))
}

/// The statement that reads objects by their ids, inactive ones too.
pub(crate) fn by_ids(entity: Entity, ids: &[&str]) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    format!(
        "select * from {} where Id in ({}){} orderby Id startposition 1 maxresults {PAGE}",
        entity.name(),
        quoted.join(","),
        with_inactive(entity)
    )
}

/// The statement that reads documents by their numbers.
pub(crate) fn by_numbers(entity: Entity, numbers: &[&str]) -> String {
    let quoted: Vec<String> = numbers.iter().map(|number| quoted(number)).collect();
    format!(
        "select * from {} where DocNumber in ({}) orderby Id startposition 1 maxresults {PAGE}",
        entity.name(),
        quoted.join(",")
    )
}

/// The statement that reads one page of everything of an entity, inactive ones too.
pub(crate) fn whole_list(name: &str, page: usize) -> String {
    format!(
        "select * from {name} where Active in (true,false) orderby Id startposition {} maxresults {PAGE}",
        page * PAGE + 1
    )
}

/// Name lists hide inactive objects unless asked.
const fn with_inactive(entity: Entity) -> &'static str {
    if entity.is_name() {
        " and Active in (true,false)"
    } else {
        ""
    }
}

/// The statement that reads one page of what was created since an instant, inactive ones too.
pub(crate) fn created_since(entity: Entity, since: &str, page: usize) -> String {
    format!(
        "select * from {} where MetaData.CreateTime >= {}{} orderby Id startposition {} maxresults {PAGE}",
        entity.name(),
        quoted(since),
        with_inactive(entity),
        page * PAGE + 1
    )
}

/// A query request.
pub(crate) fn query(realm: &str, statement: &str) -> Request {
    reading(
        company_path(realm, "query"),
        Some(("query".to_owned(), statement.to_owned())),
    )
}

/// A read of the company's own description.
pub(crate) fn company_info(realm: &str) -> Request {
    let resource = format!("companyinfo/{}", segment(realm));
    reading(company_path(realm, &resource), None)
}

fn reading(path: String, first: Option<(String, String)>) -> Request {
    let version = ("minorversion".to_owned(), MINOR_VERSION.to_owned());
    Request {
        method: Method::Get,
        path,
        query: first.into_iter().chain([version]).collect(),
        headers: headers(false),
        body: Vec::new(),
        cost: Cost {
            batch: false,
            metered_read: true,
        },
    }
}

/// A literal of the query language.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn written_with(key: &str) -> Vec<(String, String)> {
    vec![
        ("minorversion".to_owned(), MINOR_VERSION.to_owned()),
        ("requestid".to_owned(), key.to_owned()),
    ]
}

fn headers(has_body: bool) -> Vec<(String, String)> {
    // Without Accept, errors come as XML.
    let accept = ("accept".to_owned(), "application/json".to_owned());
    let content = ("content-type".to_owned(), "application/json".to_owned());
    if has_body {
        vec![accept, content]
    } else {
        vec![accept]
    }
}

/// A path of the company.
fn company_path(realm: &str, resource: &str) -> String {
    format!("/v3/company/{}/{resource}", segment(realm))
}

/// A company's id in a path; it is opaque, so everything unusual in it is percent-encoded.
fn segment(realm: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
    let encoded: Vec<String> = realm
        .bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    encoded.concat()
}

/// Bytes with members in alphabetical order, whatever order the step was stored in.
fn bytes(value: &Value) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(&sorted(value)).map_err(|error| failures::defect("UNENCODABLE", &error))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut pairs: Vec<(&String, &Value)> = members.iter().collect();
            pairs.sort_by_key(|(name, _)| name.as_str());
            pairs
                .into_iter()
                .map(|(name, inner)| (name.clone(), sorted(inner)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
