//! Creates, updates, voids and deletes: the rules all kinds share.
//!
//! Every function here either changes the books and returns what it did, or returns a fault and
//! has changed nothing.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::fields;
use super::invoice;
use super::item;
use super::kind::Kind;
use super::numbering;
use super::party;
use super::record::{Members, Record};
use super::render::render;
use super::shape;
use crate::web::journal::Touched;

/// What a write asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Create, or update when the body has an Id.
    Save,
    /// Undo the amounts, keep the document.
    Void,
    /// Remove the document.
    Delete,
}

/// The circumstances of a write.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// `include=allowduplicatedocnum`.
    pub may_repeat_number: bool,
    /// A person's work: without revision check.
    pub is_human: bool,
}

/// A write that succeeded.
#[derive(Debug)]
pub struct Written {
    /// The entity as the reply carries it.
    pub entity: Value,
    /// For the journal.
    pub touched: Touched,
}

/// An object on its way to being stored.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Kind.
    pub kind: Kind,
    /// Its id, unless it is new.
    pub id: Option<&'a str>,
    /// The stored members, unless it is new.
    pub before: Option<&'a Members>,
    /// The members sent, clean.
    pub sent: &'a Members,
    /// Whether members not sent are kept.
    pub is_sparse: bool,
    /// The members to store; starts as the kept and the sent ones.
    pub data: Members,
    /// The company's day.
    pub today: NaiveDate,
}

/// Carries out a write.
pub fn write(
    company: &mut Company,
    kind: Kind,
    operation: Operation,
    body: &Value,
    circumstances: Circumstances,
) -> Result<Written, QboFault> {
    if !(kind.is_writable() || kind.is_party() && circumstances.is_human) {
        return Err(QboFault::unsupported_operation("save"));
    }
    let body = body
        .as_object()
        .ok_or_else(|| QboFault::unknown_property("body"))?;
    let id = match body.get("Id") {
        Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    match (operation, id) {
        (Operation::Save, None) => create(company, kind, body, circumstances),
        (Operation::Save, Some(id)) => update(company, kind, &id, body, circumstances),
        (_, None) => Err(QboFault::missing("Id")),
        (Operation::Void, Some(id)) => void(company, kind, &id, body, circumstances),
        (Operation::Delete, Some(id)) => delete(company, kind, &id, body, circumstances),
    }
}

fn create(
    company: &mut Company,
    kind: Kind,
    body: &Members,
    circumstances: Circumstances,
) -> Result<Written, QboFault> {
    let sent = shape::clean(fields::of(kind), body)?;
    let today = company.day(circumstances.now);
    let mut draft = Draft {
        kind,
        id: None,
        before: None,
        sent: &sent,
        is_sparse: false,
        data: shape::without_blanks(&sent),
        today,
    };
    complete(company, &mut draft)?;
    let mut data = draft.data;
    check_open(company, &data)?;
    numbering::settle_number(company, kind, None, &mut data, circumstances)?;
    numbering::settle_addresses(company, None, &mut data);
    let record = Record {
        id: company.next_id(kind),
        token: 0,
        created_at: circumstances.now,
        updated_at: circumstances.now,
        is_deleted: false,
        data,
    };
    Ok(store(company, kind, record, "created"))
}

fn update(
    company: &mut Company,
    kind: Kind,
    id: &str,
    body: &Members,
    circumstances: Circumstances,
) -> Result<Written, QboFault> {
    let before = current(company, kind, id, body, circumstances)?;
    let sent = shape::clean(fields::of(kind), body)?;
    let is_sparse = matches!(body.get("sparse"), Some(Value::Bool(true)));
    let mut data = if is_sparse {
        before.data.clone()
    } else {
        kept_by_full_update(kind, &before.data)
    };
    for (name, value) in &sent {
        if shape::is_blank(value) {
            data.remove(name);
        } else {
            data.insert(name.clone(), value.clone());
        }
    }
    let today = company.day(circumstances.now);
    let mut draft = Draft {
        kind,
        id: Some(id),
        before: Some(&before.data),
        sent: &sent,
        is_sparse,
        data,
        today,
    };
    complete(company, &mut draft)?;
    let mut data = draft.data;
    check_open(company, &before.data)?;
    check_open(company, &data)?;
    numbering::settle_number(company, kind, Some(&before), &mut data, circumstances)?;
    numbering::settle_addresses(company, Some(&before.data), &mut data);
    if data == before.data {
        return Ok(shown(company, kind, &before, "unchanged"));
    }
    let record = Record {
        token: before.token + 1,
        updated_at: circumstances.now,
        data,
        ..before
    };
    Ok(store(company, kind, record, "updated"))
}

fn void(
    company: &mut Company,
    kind: Kind,
    id: &str,
    body: &Members,
    circumstances: Circumstances,
) -> Result<Written, QboFault> {
    if kind != Kind::Invoice {
        return Err(QboFault::unsupported_operation("void"));
    }
    let before = current(company, kind, id, body, circumstances)?;
    check_open(company, &before.data)?;
    let data = invoice::voided(&before.data);
    if data == before.data {
        return Ok(shown(company, kind, &before, "unchanged"));
    }
    let record = Record {
        token: before.token + 1,
        updated_at: circumstances.now,
        data,
        ..before
    };
    Ok(store(company, kind, record, "voided"))
}

fn delete(
    company: &mut Company,
    kind: Kind,
    id: &str,
    body: &Members,
    circumstances: Circumstances,
) -> Result<Written, QboFault> {
    if !kind.is_transaction() {
        return Err(QboFault::unsupported_operation("delete"));
    }
    let before = current(company, kind, id, body, circumstances)?;
    check_open(company, &before.data)?;
    let record = Record {
        token: before.token + 1,
        updated_at: circumstances.now,
        is_deleted: true,
        ..before
    };
    let touched = touched(kind, &record, "deleted");
    company.put(kind, record);
    Ok(Written {
        entity: json!({"status": "Deleted", "domain": "QBO", "Id": id}),
        touched,
    })
}

/// The object to change, provided that the caller knows its present revision.
fn current(
    company: &Company,
    kind: Kind,
    id: &str,
    body: &Members,
    circumstances: Circumstances,
) -> Result<Record, QboFault> {
    if id.parse::<u64>().is_err() {
        let detail = format!("Invalid ID : {id}");
        return Err(QboFault::validation("2030", "Invalid ID", detail).on("Id"));
    }
    let record = company.latest(kind, id).ok_or_else(QboFault::not_found)?;
    if record.is_deleted {
        return Err(QboFault::deleted());
    }
    if !circumstances.is_human {
        let token = match body.get("SyncToken") {
            Some(Value::String(token)) => token.clone(),
            Some(Value::Number(token)) => token.to_string(),
            _ => return Err(QboFault::missing("SyncToken")),
        };
        if token != record.token.to_string() {
            return Err(QboFault::stale());
        }
    }
    Ok(record.clone())
}

fn complete(company: &Company, draft: &mut Draft<'_>) -> Result<(), QboFault> {
    match draft.kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => party::complete(company, draft),
        Kind::Item => item::complete(company, draft),
        Kind::Invoice => invoice::complete(company, draft),
        Kind::Account
        | Kind::TaxCode
        | Kind::TaxRate
        | Kind::Term
        | Kind::CompanyInfo
        | Kind::Preferences => Err(QboFault::unsupported_operation("save")),
    }
}

/// A full update clears what it does not mention, save what is fixed for good.
fn kept_by_full_update(kind: Kind, before: &Members) -> Members {
    let fixed: &[&str] = match kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => &["CurrencyRef", "Active"],
        Kind::Item => &["Type", "Active"],
        _ => &[],
    };
    let keep = |name: &str| {
        before
            .get(name)
            .map(|value| (name.to_owned(), value.clone()))
    };
    fixed.iter().filter_map(|name| keep(name)).collect()
}

/// Refuses a document dated in the closed period.
fn check_open(company: &Company, data: &Members) -> Result<(), QboFault> {
    let day = data.get("TxnDate").and_then(Value::as_str);
    let day = day.and_then(|day| day.parse::<NaiveDate>().ok());
    match (day, company.profile.book_close_date) {
        (Some(day), Some(closed)) if day <= closed => Err(QboFault::closed_books()),
        _ => Ok(()),
    }
}

fn store(company: &mut Company, kind: Kind, record: Record, action: &'static str) -> Written {
    let written = shown(company, kind, &record, action);
    company.put(kind, record);
    written
}

fn shown(company: &Company, kind: Kind, record: &Record, action: &'static str) -> Written {
    Written {
        entity: render(company, kind, record),
        touched: touched(kind, record, action),
    }
}

fn touched(kind: Kind, record: &Record, action: &'static str) -> Touched {
    Touched {
        kind: kind.name().to_owned(),
        id: record.id.clone(),
        action,
        sync_token: record.token.to_string(),
    }
}
