//! Creates, updates, voids and deletes: the rules all kinds share.
//!
//! Every function here either changes the books and returns what it did, or returns a fault and
//! has changed nothing.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::auto_apply;
use super::company::Company;
use super::deposit;
use super::fault::QboFault;
use super::fields;
use super::item;
use super::kind::Kind;
use super::links;
use super::lists;
use super::number;
use super::numbering;
use super::party;
use super::payment;
use super::record::{Members, Record};
use super::render::render;
use super::sales;
use super::shape;
use super::tax_service;
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
    /// For the journal: the object itself, then what else changed with it.
    pub touched: Vec<Touched>,
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
    let may_write = if circumstances.is_human {
        kind.is_writable_by_people()
    } else {
        kind.is_writable()
    };
    if !may_write {
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
    Ok(store(company, kind, record, None, "created"))
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
    check_not_deposited(kind, &before)?;
    Ok(store_next(
        company,
        kind,
        before,
        data,
        circumstances,
        "updated",
    ))
}

fn void(
    company: &mut Company,
    kind: Kind,
    id: &str,
    body: &Members,
    circumstances: Circumstances,
) -> Result<Written, QboFault> {
    if !matches!(kind, Kind::Invoice | Kind::Payment) {
        return Err(QboFault::unsupported_operation("void"));
    }
    let before = current(company, kind, id, body, circumstances)?;
    check_open(company, &before.data)?;
    let data = if kind == Kind::Payment {
        payment::voided(&before.data)
    } else {
        sales::voided(&before.data)
    };
    if data == before.data {
        return Ok(shown(company, kind, &before, "unchanged"));
    }
    check_not_deposited(kind, &before)?;
    Ok(store_next(
        company,
        kind,
        before,
        data,
        circumstances,
        "voided",
    ))
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
    check_not_deposited(kind, &before)?;
    let target = (kind, id.to_owned());
    let mut changed = Vec::new();
    if !company.applied(kind, id).is_zero() {
        // The application cannot delete what payments hang on; a person is asked and may.
        if !circumstances.is_human {
            return Err(QboFault::business(
                "This transaction cannot be deleted because it is linked to other transactions.",
            ));
        }
        changed = links::release(company, &target, Decimal::ZERO, circumstances.now);
    }
    let before = company.live(kind, id).cloned().unwrap_or(before);
    let record = Record {
        token: before.token + 1,
        updated_at: circumstances.now,
        is_deleted: true,
        ..before
    };
    let mut all = vec![touched(kind, &record, "deleted")];
    let far = far_ends(kind, Some(&record.data));
    company.put(kind, record);
    changed.extend(links::refresh(company, far, circumstances.now));
    if kind == Kind::Deposit {
        changed.extend(deposit::undone(company, id, circumstances.now));
    }
    all.extend(last_of_each(changed, kind, id));
    Ok(Written {
        entity: json!({"status": "Deleted", "domain": "QBO", "Id": id}),
        touched: all,
    })
}

/// A deposited payment stands in the bank's books: it is taken off its deposit first.
fn check_not_deposited(kind: Kind, before: &Record) -> Result<(), QboFault> {
    if kind == Kind::Payment && payment::is_deposited(&before.data) {
        return Err(QboFault::deposited());
    }
    Ok(())
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
        Kind::Invoice | Kind::CreditMemo | Kind::RefundReceipt => sales::complete(company, draft),
        Kind::Payment => payment::complete(company, draft),
        Kind::Deposit => deposit::complete(company, draft),
        Kind::Account | Kind::Term | Kind::PaymentMethod => lists::complete(company, draft),
        Kind::TaxCode | Kind::TaxRate => tax_service::complete(draft),
        Kind::TaxAgency | Kind::CompanyInfo | Kind::Preferences => {
            Err(QboFault::unsupported_operation("save"))
        }
    }
}

/// A full update clears what it does not mention, save what is fixed for good.
fn kept_by_full_update(kind: Kind, before: &Members) -> Members {
    let fixed: &[&str] = match kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => &["CurrencyRef", "Active"],
        Kind::Item => &["Type", "Active"],
        Kind::Account => &["AccountType", "Classification", "Active"],
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

/// Stores the next revision of a document.
fn store_next(
    company: &mut Company,
    kind: Kind,
    before: Record,
    data: Members,
    circumstances: Circumstances,
    action: &'static str,
) -> Written {
    let earlier = before.data.clone();
    let record = Record {
        token: before.token + 1,
        updated_at: circumstances.now,
        data,
        ..before
    };
    store(company, kind, record, Some(&earlier), action)
}

/// Stores a revision and lets everything that hangs on it follow.
fn store(
    company: &mut Company,
    kind: Kind,
    record: Record,
    earlier: Option<&Members>,
    action: &'static str,
) -> Written {
    let (id, now) = (record.id.clone(), record.updated_at);
    let mut far = far_ends(kind, earlier);
    far.extend(far_ends(kind, Some(&record.data)));
    company.put(kind, record);
    let mut changed = links::refresh(company, far, now);
    let target = (kind, id.clone());
    let total = |record: &Record| record.data.get("TotalAmt").and_then(number::parse);
    let total = company.live(kind, &id).and_then(total).unwrap_or_default();
    if company.applied(kind, &id) > total {
        changed.extend(links::release(company, &target, total, now));
    }
    if kind == Kind::Deposit && action == "created" {
        changed.extend(deposit::done(company, &id, now));
    }
    if action == "created" {
        changed.extend(auto_apply::after_creating(company, kind, &id, now));
    }
    let mut written = match company.latest(kind, &id) {
        Some(record) => shown(company, kind, record, action),
        None => Written {
            entity: Value::Null,
            touched: Vec::new(),
        },
    };
    written.touched.extend(last_of_each(changed, kind, &id));
    written
}

/// The last state of everything that changed besides the object written.
fn last_of_each(changed: Vec<Touched>, kind: Kind, id: &str) -> Vec<Touched> {
    let mut last: Vec<Touched> = Vec::new();
    for next in changed {
        if next.kind == kind.name() && next.id == id {
            continue;
        }
        let known = |known: &Touched| known.kind == next.kind && known.id == next.id;
        match last.iter().position(known) {
            // A payment made by this very write stays "created".
            Some(at) => last[at].sync_token = next.sync_token,
            None => last.push(next),
        }
    }
    last
}

/// The documents that a payment settles some of.
fn far_ends(kind: Kind, data: Option<&Members>) -> Vec<links::Target> {
    match (kind, data) {
        (Kind::Payment, Some(data)) => {
            let links = links::of(data);
            links.into_iter().map(|link| link.target).collect()
        }
        _ => Vec::new(),
    }
}

fn shown(company: &Company, kind: Kind, record: &Record, action: &'static str) -> Written {
    Written {
        entity: render(company, kind, record),
        touched: vec![touched(kind, record, action)],
    }
}

/// The journal's word for a changed object.
pub fn touched(kind: Kind, record: &Record, action: &'static str) -> Touched {
    Touched {
        kind: kind.name().to_owned(),
        id: record.id.clone(),
        action,
        sync_token: record.token.to_string(),
        merged_into: None,
    }
}
