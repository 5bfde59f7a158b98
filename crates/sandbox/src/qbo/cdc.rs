//! Change data capture: what changed since an instant, whole objects and the stubs of deleted ones.
//!
//! There is no cursor and no page: beyond a thousand objects the reply simply ends. A window that
//! overlaps an earlier one reports the same objects again. Faults for a missing or too old
//! instant are not established; they are those of a query that means nothing.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::call::Call;
use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::query;
use super::record::{Record, Shelf};
use super::render::render;

/// Objects in one reply.
const OBJECTS_MAX: usize = 1000;
/// How far one may look back.
const DAYS_MAX: i64 = 30;

/// The `CDCResponse` member, seeing only what was committed by `until`.
pub fn run(
    company: &Company,
    call: &Call,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Value, QboFault> {
    let asked = |name: &str| {
        let value = call.parameter(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| QboFault::missing(name))
    };
    let kinds = asked("entities")?.split(',').map(str::trim);
    let kinds: Vec<Kind> = kinds.map(captured).collect::<Result<_, _>>()?;
    let since = asked("changedSince")?;
    let since = query::instant(company, since).ok_or_else(|| {
        QboFault::query_meaning(format!("Invalid value {since} for changedSince"))
    })?;
    if now - since > TimeDelta::days(DAYS_MAX) {
        let detail = format!("changedSince is more than {DAYS_MAX} days ago");
        return Err(QboFault::query_meaning(detail));
    }
    let mut left = OBJECTS_MAX;
    let mut blocks = Vec::new();
    for kind in kinds {
        blocks.push(block(company, kind, since, until, &mut left));
    }
    Ok(json!([{"QueryResponse": blocks}]))
}

fn captured(name: &str) -> Result<Kind, QboFault> {
    let kind = Kind::named(name).filter(|kind| kind.is_captured());
    kind.ok_or_else(|| QboFault::unsupported_operation(&format!("change data capture of {name}")))
}

/// The changes of one kind: live objects first, each part in the order of the changes.
fn block(
    company: &Company,
    kind: Kind,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    left: &mut usize,
) -> Value {
    let shelf = company.shelf(kind).into_iter();
    let known = shelf.flat_map(|shelf: &Shelf| shelf.all_known(until));
    let mut changed: Vec<&Record> = known.filter(|record| record.updated_at >= since).collect();
    changed.sort_by_key(|record| {
        let id = (record.id.len(), record.id.clone());
        (record.is_deleted, record.updated_at, id)
    });
    changed.truncate(*left);
    *left -= changed.len();
    let has_live = changed.first().is_some_and(|record| !record.is_deleted);
    let rows: Vec<Value> = changed
        .iter()
        .map(|record| {
            if record.is_deleted {
                stub(company, record)
            } else {
                render(company, kind, record)
            }
        })
        .collect();
    if rows.is_empty() {
        return json!({});
    }
    let mut block = json!({"maxResults": rows.len(), "totalCount": rows.len()});
    if has_live {
        // Captured: a block of nothing but stubs has no start.
        block["startPosition"] = json!(1);
    }
    block[kind.name()] = Value::Array(rows);
    block
}

fn stub(company: &Company, record: &Record) -> Value {
    json!({
        "domain": "QBO",
        "status": "Deleted",
        "Id": record.id,
        "MetaData": {"LastUpdatedTime": company.stamp(record.updated_at)},
    })
}
