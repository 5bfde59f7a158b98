//! Lists of objects: filters, order and pages.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::evaluate::{Condition, cell, order};
use super::parse::parse;
use super::properties::{Sort, property};
use crate::xero::answer::Answer;
use crate::xero::billing;
use crate::xero::call::Call;
use crate::xero::contact_record::ContactStatus;
use crate::xero::dates;
use crate::xero::kind::Kind;
use crate::xero::organisation::Organisation;
use crate::xero::refusal;
use crate::xero::render::{self, Depth, View};
use crate::xero::render_lists as lists;
use crate::xero::shelf::Shelf;

/// Rows on a page when the caller does not say, and the most there can be.
const PAGE_SIZE: usize = 100;
const PAGE_SIZE_MAX: usize = 1000;

/// A list as it is answered.
#[derive(Debug)]
pub struct Listed {
    /// The rows.
    pub rows: Vec<Value>,
    /// `pagination`, on pages.
    pub pagination: Option<Value>,
}

/// One candidate.
struct Row {
    at: DateTime<Utc>,
    id: String,
    /// How it looks, when filter or order need it.
    head: Value,
}

/// What readers see, and how much there may be.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Commits after this are not seen.
    pub until: DateTime<Utc>,
    /// Longest list.
    pub list_max: usize,
}

/// Answers a list.
pub fn list(
    organisation: &Organisation,
    kind: Kind,
    call: &Call,
    app: &str,
    sight: Sight,
) -> Result<Listed, Answer> {
    let condition = call.parameter("where").map(|text| parse(kind, text));
    let condition = condition
        .transpose()
        .map_err(|message| refusal::query_parse(&message))?;
    let keys = order_keys(kind, call)?;
    let since = since(call);
    let needs_head = condition.is_some() || !keys.is_empty();
    let mut rows = Vec::new();
    for id in candidates(organisation, kind, condition.as_ref(), sight) {
        let Some(at) = stamp(organisation, kind, &id, sight.until) else {
            continue;
        };
        let is_old = since.is_some_and(|since| at < since);
        if is_old || !passes(organisation, kind, &id, call, app, sight) {
            continue;
        }
        let head = if needs_head {
            let view = View {
                depth: Depth::Summary,
                unit_places: 2,
            };
            show(organisation, kind, &id, sight.until, view).unwrap_or(Value::Null)
        } else {
            Value::Null
        };
        if condition.as_ref().is_none_or(|it| it.holds(&head)) {
            rows.push(Row { at, id, head });
        }
    }
    if rows.len() > sight.list_max {
        return Err(refusal::too_many_records());
    }
    rows.sort_by(|one, other| compared(one, other, &keys));
    Ok(paged(organisation, kind, call, &rows, sight))
}

fn since(call: &Call) -> Option<DateTime<Utc>> {
    // Whether the header is inclusive is not established; here it is, in whole seconds.
    dates::parse_since(&call.modified_since)
}

type Key = (&'static str, Sort, bool);

fn order_keys(kind: Kind, call: &Call) -> Result<Vec<Key>, Answer> {
    let mut keys = Vec::new();
    let text = call.parameter("order").unwrap_or_default();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let mut words = part.split_whitespace();
        let name = words.next().unwrap_or_default();
        let is_down = match words.next().map(str::to_ascii_uppercase).as_deref() {
            None | Some("ASC") => false,
            Some("DESC") => true,
            Some(_) => return Err(refusal::query_parse("Syntax error")),
        };
        let Some((name, sort)) = property(kind, name) else {
            let message = format!(
                "No property or field '{name}' exists in type '{}'",
                kind.name()
            );
            return Err(refusal::query_parse(&message));
        };
        keys.push((name, sort, is_down));
    }
    Ok(keys)
}

fn compared(one: &Row, other: &Row, keys: &[Key]) -> Ordering {
    for (name, sort, is_down) in keys {
        let (left, right) = (cell(&one.head, name, *sort), cell(&other.head, name, *sort));
        let ordering = order(&left, &right).unwrap_or(Ordering::Equal);
        let ordering = if *is_down {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    (one.at, &one.id).cmp(&(other.at, &other.id))
}

fn paged(
    organisation: &Organisation,
    kind: Kind,
    call: &Call,
    rows: &[Row],
    sight: Sight,
) -> Listed {
    let number = |name: &str| call.parameter(name).and_then(|text| text.parse().ok());
    let is_summary = call.switch("summaryonly") == Some(true);
    let asked = call.parameter("page").is_some() || call.parameter("pagesize").is_some();
    let is_forced = is_summary || call.parameter("statuses").is_some();
    let is_page = kind.is_paged() && (asked || is_forced);
    let depth = if is_summary {
        Depth::Summary
    } else if kind.is_paged() && !is_page {
        Depth::List
    } else {
        Depth::Full
    };
    let view = View {
        depth,
        unit_places: call.unit_places(),
    };
    let size = number("pagesize")
        .unwrap_or(PAGE_SIZE)
        .clamp(1, PAGE_SIZE_MAX);
    let page = number("page").unwrap_or(1).max(1);
    let shown: Vec<&Row> = if is_page {
        rows.iter()
            .skip((page - 1).saturating_mul(size))
            .take(size)
            .collect()
    } else {
        rows.iter().collect()
    };
    let show = |row: &&Row| show(organisation, kind, &row.id, sight.until, view);
    Listed {
        rows: shown.iter().filter_map(show).collect(),
        pagination: is_page.then(|| {
            json!({
                "page": page, "pageSize": size,
                "pageCount": rows.len().div_ceil(size), "itemCount": rows.len(),
            })
        }),
    }
}

/// The ids a list is taken from: all, or the few that a filter pins down.
fn candidates(
    organisation: &Organisation,
    kind: Kind,
    condition: Option<&Condition>,
    sight: Sight,
) -> Vec<String> {
    let pinned = |name: &str| condition.and_then(|condition| condition.pinned(name));
    if kind == Kind::Payment
        && let Some(invoice) = pinned("Invoice.InvoiceID")
    {
        return organisation.payments_of(invoice).to_vec();
    }
    let until = sight.until;
    let ids = |shelf: Option<&Shelf<_>>| -> Vec<String> {
        let all = shelf.into_iter().flat_map(|shelf| shelf.all_seen(until));
        all.map(
            |revision: &crate::xero::shelf::Revision<crate::xero::document::Document>| {
                revision.value.id.clone()
            },
        )
        .collect()
    };
    match kind {
        Kind::Account => organisation
            .accounts
            .all()
            .map(|it| it.id.clone())
            .collect(),
        Kind::TaxRate => organisation
            .tax_rates
            .all()
            .map(|it| it.tax_type.clone())
            .collect(),
        Kind::Item => organisation.items.all().map(|it| it.id.clone()).collect(),
        Kind::TrackingCategory => organisation
            .categories
            .all()
            .map(|it| it.id.clone())
            .collect(),
        Kind::Contact => organisation
            .contacts
            .all()
            .map(|it| it.id.clone())
            .collect(),
        Kind::Payment => organisation
            .payments
            .all()
            .map(|it| it.id.clone())
            .collect(),
        Kind::BatchPayment => organisation.batches.all().map(|it| it.id.clone()).collect(),
        Kind::Currency => lists::currencies(organisation)
            .iter()
            .filter_map(|currency| currency["Code"].as_str().map(str::to_owned))
            .collect(),
        Kind::BrandingTheme => vec![organisation.branding_theme_id.clone()],
        Kind::Organisation => vec![organisation.profile.tenant_id.clone()],
        Kind::BankTransaction
        | Kind::CreditNote
        | Kind::Invoice
        | Kind::Overpayment
        | Kind::Prepayment => ids(organisation.shelf(kind)),
    }
}

/// When an object was last changed, as far as the reader knows of it.
fn stamp(
    organisation: &Organisation,
    kind: Kind,
    id: &str,
    until: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match kind {
        Kind::Account => organisation.accounts.seen(id, until).map(|it| it.at),
        Kind::TaxRate => organisation.tax_rates.seen(id, until).map(|it| it.at),
        Kind::Item => organisation.items.seen(id, until).map(|it| it.at),
        Kind::TrackingCategory => organisation.categories.seen(id, until).map(|it| it.at),
        Kind::Contact => organisation.contacts.seen(id, until).map(|it| it.at),
        Kind::Payment => organisation.payments.seen(id, until).map(|it| it.at),
        Kind::BatchPayment => organisation.batches.seen(id, until).map(|it| it.at),
        Kind::Currency | Kind::BrandingTheme | Kind::Organisation => Some(organisation.founded_at),
        Kind::BankTransaction
        | Kind::CreditNote
        | Kind::Invoice
        | Kind::Overpayment
        | Kind::Prepayment => organisation.shelf(kind)?.seen(id, until).map(|it| it.at),
    }
}

/// An object as it is shown to a reader.
pub fn show(
    organisation: &Organisation,
    kind: Kind,
    id: &str,
    until: DateTime<Utc>,
    view: View,
) -> Option<Value> {
    Some(match kind {
        Kind::Account => lists::account(organisation.accounts.seen(id, until)?),
        Kind::TaxRate => lists::tax_rate(&organisation.tax_rates.seen(id, until)?.value),
        Kind::Item => lists::item(organisation.items.seen(id, until)?, view.unit_places),
        Kind::TrackingCategory => lists::category(&organisation.categories.seen(id, until)?.value),
        Kind::Contact => render::contact(organisation.contacts.seen(id, until)?, view),
        Kind::Payment => lists::payment(organisation, organisation.payments.seen(id, until)?),
        Kind::BatchPayment => lists::batch(organisation, organisation.batches.seen(id, until)?),
        Kind::Currency => {
            let all = lists::currencies(organisation);
            all.into_iter().find(|currency| currency["Code"] == id)?
        }
        Kind::BrandingTheme => {
            (organisation.branding_theme_id == id).then(|| lists::branding_theme(organisation))?
        }
        Kind::Organisation => lists::organisation(organisation),
        Kind::BankTransaction
        | Kind::CreditNote
        | Kind::Invoice
        | Kind::Overpayment
        | Kind::Prepayment => {
            let revision = organisation.shelf(kind)?.seen(id, until)?;
            render::document(organisation, revision, view)
        }
    })
}

/// The filters beside `where`.
fn passes(
    organisation: &Organisation,
    kind: Kind,
    id: &str,
    call: &Call,
    app: &str,
    sight: Sight,
) -> bool {
    if let Some(wanted) = call.parameter("ids")
        && !named(wanted, id)
    {
        return false;
    }
    match kind {
        Kind::Contact => {
            let Some(revision) = organisation.contacts.seen(id, sight.until) else {
                return false;
            };
            let contact = &revision.value;
            let is_hidden = contact.status == ContactStatus::Archived
                && call.switch("includearchived") != Some(true)
                && call.parameter("ids").is_none();
            let email = contact.text("EmailAddress");
            let company = contact.text("CompanyNumber");
            let texts = [&contact.name, &contact.number, email, company];
            !is_hidden && searched(call, &texts)
        }
        Kind::Invoice | Kind::CreditNote | Kind::Overpayment | Kind::Prepayment => {
            let Some(revision) = organisation
                .shelf(kind)
                .and_then(|it| it.seen(id, sight.until))
            else {
                return false;
            };
            let document = &revision.value;
            let within = |name: &str, value: &str| {
                call.parameter(name)
                    .is_none_or(|wanted| named(wanted, value))
            };
            let is_own = call.switch("createdbymyapp") != Some(true) || document.made_by == app;
            is_own
                && within("invoicenumbers", &document.number)
                && within("contactids", &document.contact_id)
                && within("statuses", document.status.name())
                && within("references", &document.reference)
                && searched(call, &[&document.number, &document.reference])
        }
        _ => true,
    }
}

/// Whether a list joined by commas names a value.
fn named(wanted: &str, value: &str) -> bool {
    wanted
        .split(',')
        .any(|one| one.trim().eq_ignore_ascii_case(value))
}

fn searched(call: &Call, texts: &[&str]) -> bool {
    call.parameter("searchterm").is_none_or(|term| {
        let term = term.to_lowercase();
        texts.iter().any(|text| text.to_lowercase().contains(&term))
    })
}

/// The id of an object that a path names by id, number, code or tax type.
pub fn resolve(organisation: &Organisation, kind: Kind, key: &str) -> Option<String> {
    match kind {
        Kind::Invoice | Kind::CreditNote => {
            billing::find(organisation, kind, key).map(|it| it.id.clone())
        }
        Kind::Contact => {
            let by_id = organisation.contacts.get(key);
            let found = by_id.or_else(|| organisation.contact_by_number(key));
            found.map(|it| it.id.clone())
        }
        Kind::Item => {
            let by_id = organisation.items.get(key);
            let found = by_id.or_else(|| organisation.item_by_code(key));
            found.map(|it| it.id.clone())
        }
        _ => Some(key.to_owned()),
    }
}
