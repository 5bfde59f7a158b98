//! The exact requests: creations by PUT, changes by POST with ids, allocations, and reads.
//!
//! A creation is a PUT under our own number, so that a second one is refused instead of overwriting; a POST names
//! ids, because Xero would match numbers and names otherwise. `summarizeErrors=false` makes each element answer for
//! itself: with the default one bad element hides the ids of the good ones, which are saved all the same. The
//! idempotency key lives six minutes; it is a help and never the guarantee. The marker goes in last, after every
//! mapping rule. Bodies are written with sorted members, so the same step always gives the same bytes.
//!
//! Xero, "Idempotent requests", "Invoices", "Payments", "Credit notes" (checked 2026-11-23).

use model::{Failure, Operation};
use provider_kit::{Cost, Effect, External, Member, Method, Request};
use serde_json::{Map, Value, json};

use crate::mapping::text;
use crate::{ALLOCATION, CREDIT_NOTE, CUSTOMER, INVOICE, OVERPAYMENT, PAYMENT};
use crate::{failures, mark, wire};

/// Most elements of a write: Xero advises about 50 (checked 2026-11-23).
pub(crate) const LARGEST_BATCH: usize = 50;
/// Most objects of a read by ids: as many as an address of 2,000 characters names.
pub(crate) const LARGEST_READ: usize = 40;
/// Most objects of a page; Xero's own bound.
pub(crate) const PAGE: usize = 1_000;
/// Longest `Idempotency-Key`.
const LONGEST_KEY: usize = 128;
/// Where everything of the accounting API lives.
const BASE: &str = "/api.xro/2.0/";
/// Decimals of prices, on writes and on reads.
const PRICE_PLACES: &str = "4";

/// What we write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entity {
    Contact,
    Invoice,
    CreditNote,
    Payment,
    Overpayment,
    Allocation,
}

impl Entity {
    /// The entity of an effect; none for effects of other providers.
    pub(crate) fn of_effect(effect: &Effect) -> Option<Self> {
        match effect.kind.as_str() {
            CUSTOMER => Some(Self::Contact),
            INVOICE => Some(Self::Invoice),
            CREDIT_NOTE => Some(Self::CreditNote),
            PAYMENT => Some(Self::Payment),
            OVERPAYMENT => Some(Self::Overpayment),
            ALLOCATION => Some(Self::Allocation),
            _ => None,
        }
    }

    /// The name of its list, in paths and in envelopes. Allocations are read with their credit note.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Contact => "Contacts",
            Self::Invoice => "Invoices",
            Self::CreditNote | Self::Allocation => "CreditNotes",
            Self::Payment => "Payments",
            Self::Overpayment => "BankTransactions",
        }
    }

    /// The member that holds its id.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Contact => "ContactID",
            Self::Invoice => "InvoiceID",
            Self::CreditNote | Self::Allocation => "CreditNoteID",
            Self::Payment => "PaymentID",
            Self::Overpayment => "BankTransactionID",
        }
    }

    /// The member that carries our mark; allocations have none.
    pub(crate) const fn marked(self) -> Option<&'static str> {
        match self {
            Self::Contact => Some("ContactNumber"),
            Self::Invoice | Self::Overpayment => Some("Url"),
            Self::CreditNote | Self::Payment => Some("Reference"),
            Self::Allocation => None,
        }
    }

    /// The word in sentences for people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Invoice => "invoice",
            Self::CreditNote => "credit note",
            Self::Payment => "payment",
            Self::Overpayment => "overpayment",
            Self::Allocation => "allocation",
        }
    }

    /// Whether its prices have more than two decimals on request.
    const fn has_prices(self) -> bool {
        matches!(self, Self::Invoice | Self::CreditNote | Self::Overpayment)
    }

    /// Whether its list takes ids by name; the others are asked for with a filter.
    const fn takes_ids(self) -> bool {
        matches!(self, Self::Contact | Self::Invoice)
    }
}

/// Most members of one call.
pub(crate) fn batch_size(effect_kind: &str, operation: Operation) -> usize {
    match (effect_kind, operation) {
        (ALLOCATION, _) | (PAYMENT, Operation::Update | Operation::Void | Operation::Delete) => 1,
        (CUSTOMER | INVOICE | CREDIT_NOTE | PAYMENT | OVERPAYMENT, _) => LARGEST_BATCH,
        _ => 1,
    }
}

/// The one request that brings the members about.
pub(crate) fn write(members: &[Member<'_>], key: &str, tenant: &str) -> Result<Request, Failure> {
    if key.is_empty() || key.len() > LONGEST_KEY || key.bytes().any(|b| !b.is_ascii_graphic()) {
        return Err(failures::defect(
            "KEY_LENGTH",
            &"the key is empty or too long",
        ));
    }
    let Some(first) = members.first() else {
        return Err(failures::defect(
            "NO_MEMBERS",
            &"nothing that can be written",
        ));
    };
    let Some(entity) = Entity::of_effect(&first.step.effect) else {
        return Err(failures::defect("UNKNOWN_EFFECT", &first.step.effect.kind));
    };
    let operation = first.step.operation;
    let is_mixed = members.iter().any(|member| {
        member.step.effect.kind != first.step.effect.kind || member.step.operation != operation
    });
    if is_mixed {
        return Err(failures::defect("MIXED_KINDS", &"members of several kinds"));
    }
    if members.len() > batch_size(&first.step.effect.kind, operation) {
        return Err(failures::defect(
            "BATCH_TOO_BIG",
            &"more members than a call takes",
        ));
    }
    match (entity, operation) {
        (Entity::Allocation, _) => allocation(first, key, tenant),
        (Entity::Payment, Operation::Delete) => deletion(entity, first, key, tenant),
        _ => list(entity, operation, members, key, tenant),
    }
}

/// A list of elements, each answered for itself.
fn list(
    entity: Entity,
    operation: Operation,
    members: &[Member<'_>],
    key: &str,
    tenant: &str,
) -> Result<Request, Failure> {
    let elements = members
        .iter()
        .map(|member| element(entity, member))
        .collect::<Result<Vec<_>, Failure>>()?;
    let mut query = vec![("summarizeErrors".to_owned(), "false".to_owned())];
    if entity.has_prices() {
        query.push(("unitdp".to_owned(), PRICE_PLACES.to_owned()));
    }
    let method = match operation {
        Operation::Create => Method::Put,
        Operation::Update | Operation::Void | Operation::Delete => Method::Post,
    };
    let plural = entity.plural();
    let mut request = written(method, plural, key, tenant, &json!({ plural: elements }))?;
    request.query = query;
    request.cost.batch = members.len() > 1;
    Ok(request)
}

/// The end of one payment: Xero takes no list of them.
fn deletion(
    entity: Entity,
    member: &Member<'_>,
    key: &str,
    tenant: &str,
) -> Result<Request, Failure> {
    let id = target(member)?;
    let path = format!("{}/{id}", entity.plural());
    written(Method::Post, &path, key, tenant, &member.step.body)
}

/// Credit set against an invoice, or taken off it.
fn allocation(member: &Member<'_>, key: &str, tenant: &str) -> Result<Request, Failure> {
    let Some((note, _)) = member
        .step
        .target
        .as_ref()
        .and_then(|target| target.id.split_once('/'))
    else {
        return Err(failures::defect(
            "TARGET",
            &"an allocation without a credit note",
        ));
    };
    let path = format!("CreditNotes/{}/Allocations", checked(note)?);
    if !is_removal(&member.step.body) {
        let body = json!({ "Allocations": [member.step.body] });
        let mut request = written(Method::Put, &path, key, tenant, &body)?;
        request.query = vec![("summarizeErrors".to_owned(), "false".to_owned())];
        return Ok(request);
    }
    let row = member.step.body.get("AllocationID").and_then(Value::as_str);
    let row = checked(row.unwrap_or_default())?;
    Ok(Request {
        method: Method::Delete,
        path: format!("{BASE}{path}/{row}"),
        query: Vec::new(),
        headers: headers(tenant),
        body: Vec::new(),
        cost: Cost::default(),
    })
}

/// Whether an allocation's step takes a row off again.
pub(crate) fn is_removal(body: &Value) -> bool {
    body.get("AllocationID").is_some()
}

fn target<'m>(member: &'m Member<'_>) -> Result<&'m str, Failure> {
    let target = member.step.target.as_ref();
    checked(target.map_or("", |target| &target.id))
}

/// Only ids go into paths and filters.
fn checked(id: &str) -> Result<&str, Failure> {
    if wire::is_id(id) {
        Ok(id)
    } else {
        Err(failures::defect("TARGET", &"not an id of Xero"))
    }
}

/// The step's body with what is volatile: id and mark.
fn element(entity: Entity, member: &Member<'_>) -> Result<Value, Failure> {
    let step = member.step;
    let Value::Object(body) = &step.body else {
        return Err(failures::defect(
            "BODY_SHAPE",
            &"a step's body is not an object",
        ));
    };
    let mut object = body.clone();
    match (step.operation, &step.target) {
        (Operation::Create, None) => {}
        (Operation::Update | Operation::Void | Operation::Delete, Some(_)) => {
            object.insert(entity.id().to_owned(), json!(target(member)?));
        }
        _ => {
            return Err(failures::defect(
                "TARGET",
                &"a step's target does not fit it",
            ));
        }
    }
    if matches!(step.operation, Operation::Create | Operation::Update)
        && let Some(name) = entity.marked()
    {
        let text = object.get(name).and_then(Value::as_str).unwrap_or_default();
        let marked = match entity {
            Entity::Contact => mark::of(member.marker),
            Entity::Invoice | Entity::Overpayment => mark::link(member.marker),
            Entity::CreditNote | Entity::Payment | Entity::Allocation => {
                text::marked(text, member.marker)
            }
        };
        object.insert(name.to_owned(), json!(marked));
    }
    Ok(Value::Object(object))
}

fn written(
    method: Method,
    path: &str,
    key: &str,
    tenant: &str,
    body: &Value,
) -> Result<Request, Failure> {
    let mut headers = headers(tenant);
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    headers.push(("idempotency-key".to_owned(), key.to_owned()));
    let body = serde_json::to_vec(&sorted(body))
        .map_err(|error| failures::defect("UNENCODABLE", &error))?;
    Ok(Request {
        method,
        path: format!("{BASE}{path}"),
        query: Vec::new(),
        headers,
        body,
        cost: Cost::default(),
    })
}

/// A read of the present state of some objects.
pub(crate) fn read(effect: &Effect, targets: &[External], tenant: &str) -> Request {
    // Effects of other kinds are never planned, so they are never read.
    let entity = Entity::of_effect(effect).unwrap_or(Entity::Invoice);
    let ids: Vec<&str> = targets.iter().map(|target| target.id.as_str()).collect();
    by_ids(entity, &ids, tenant)
}

/// Objects by their ids, archived ones too.
pub(crate) fn by_ids(entity: Entity, ids: &[&str], tenant: &str) -> Request {
    let mut known: Vec<&str> = ids
        .iter()
        .map(|id| id.split_once('/').map_or(*id, |(note, _)| note))
        .filter(|id| wire::is_id(id))
        .collect();
    known.dedup();
    if known.is_empty() {
        // Nothing has this id; a list without any would be everything.
        known.push(wire::NO_ID);
    }
    let filter = if entity.takes_ids() {
        ("IDs".to_owned(), known.join(","))
    } else {
        let one = |id: &&str| format!("{}==guid(\"{id}\")", entity.id());
        let all: Vec<String> = known.iter().map(one).collect();
        ("where".to_owned(), all.join(" OR "))
    };
    list_of(entity, vec![filter], tenant)
}

/// A page of what fits a filter, in the order of ids: pages in the order of changes would lose what changes
/// meanwhile.
pub(crate) fn list_of(entity: Entity, filter: Vec<(String, String)>, tenant: &str) -> Request {
    let mut query = filter;
    if entity == Entity::Contact {
        query.push(("includeArchived".to_owned(), "true".to_owned()));
    }
    if entity.has_prices() {
        query.push(("unitdp".to_owned(), PRICE_PLACES.to_owned()));
    }
    query.push(("order".to_owned(), format!("{} ASC", entity.id())));
    // Without a page the lines are left out.
    query.push(("page".to_owned(), "1".to_owned()));
    query.push(("pageSize".to_owned(), PAGE.to_string()));
    get(entity.plural(), query, tenant)
}

/// A read.
pub(crate) fn get(resource: &str, query: Vec<(String, String)>, tenant: &str) -> Request {
    Request {
        method: Method::Get,
        path: format!("{BASE}{resource}"),
        query,
        headers: headers(tenant),
        body: Vec::new(),
        cost: Cost::default(),
    }
}

/// The same read for a later page, from 1.
pub(crate) fn at_page(mut request: Request, page: usize) -> Request {
    for (name, value) in &mut request.query {
        if name == "page" {
            *value = page.to_string();
        }
    }
    request
}

/// The same read for what changed since an instant (UTC, whole seconds, no zone).
pub(crate) fn since(mut request: Request, instant: &str) -> Request {
    let header = ("if-modified-since".to_owned(), instant.to_owned());
    request.headers.push(header);
    request
}

/// A text of the filter language.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn headers(tenant: &str) -> Vec<(String, String)> {
    // The tenant's id comes from our own rows; what is no header value there would not be sent at all.
    let plain: String = tenant.chars().filter(char::is_ascii_graphic).collect();
    vec![
        // Without it the answer is XML.
        ("accept".to_owned(), "application/json".to_owned()),
        ("xero-tenant-id".to_owned(), plain),
    ]
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
