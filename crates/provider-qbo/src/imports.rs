//! What is read of the books beside documents: the company with its preferences, accounts, tax codes.
//!
//! Lists are read whole, a page of a thousand at a time, with what is inactive, because documents may still name it.
//! A tax code says no percentage: it names rates, which are read beside it and have a history of their own; the rate
//! of the day of the answer counts. The replies of an import stand in the order of `requests`, further pages after
//! them in the order they were asked for.
//!
//! Checked 2026-11-23: API reference of `companyinfo`, `preferences`, `account`, `taxcode`, `taxrate`.

mod company;
mod tax;

use model::reference::AccountRef;
use model::{Failure, ImportKind};
use provider_kit::{BooksFacts, Import, Imported, Reply, Request};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{self, PAGE};
use crate::{failures, reply};

/// Most pages of one list: forty thousand accounts or tax codes are more than any company has.
const MOST_PAGES: usize = 40;

/// The first reads of an import.
pub(crate) fn requests(what: ImportKind, realm: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    if what == ImportKind::Company {
        requests.push(client::company_info(realm));
        requests.push(client::query(realm, "select * from Preferences"));
    }
    requests.extend(lists(what).iter().map(|name| page(realm, name, 0)));
    requests
}

/// The lists that an import reads whole.
const fn lists(what: ImportKind) -> &'static [&'static str] {
    match what {
        ImportKind::Company => &["PaymentMethod", "Term"],
        ImportKind::Accounts => &["Account"],
        ImportKind::TaxCodes => &["TaxCode", "TaxRate"],
    }
}

fn page(realm: &str, name: &str, page: usize) -> Request {
    client::query(realm, &client::whole_list(name, page))
}

/// What the replies say, or which pages are missing.
pub(crate) fn take(
    what: ImportKind,
    replies: &[Reply],
    books: &BooksFacts,
) -> Result<Imported, Failure> {
    let names = lists(what);
    let before = requests(what, &books.external_id).len() - names.len();
    let Some((single, pages)) = replies.split_at_checked(before) else {
        return Err(failures::unreadable_answer("an import was not answered"));
    };
    let whole = match gather(&books.external_id, names, pages)? {
        Gathered::More(requests) => return Ok(Imported::More(requests)),
        Gathered::All(whole) => whole,
    };
    let list = |at: usize| whole.get(at).map(Vec::as_slice).unwrap_or_default();
    let import = match what {
        ImportKind::Company => Import {
            facts: Some(company::facts(single, list(0), list(1), books)?),
            ..Import::default()
        },
        ImportKind::Accounts => Import {
            accounts: Some(list(0).iter().filter_map(account).collect()),
            ..Import::default()
        },
        ImportKind::TaxCodes => Import {
            tax_codes: Some(tax::codes(list(0), list(1), today(replies))),
            ..Import::default()
        },
    };
    Ok(Imported::Done(import))
}

enum Gathered {
    More(Vec<Request>),
    All(Vec<Vec<Value>>),
}

/// Sorts pages to their lists: the first of each, then the further ones round by round, as they were asked for.
fn gather(realm: &str, names: &[&str], pages: &[Reply]) -> Result<Gathered, Failure> {
    let mut lists: Vec<Vec<Value>> = vec![Vec::new(); names.len()];
    let mut open: Vec<usize> = (0..names.len()).collect();
    let mut rest = pages;
    for round in 0..MOST_PAGES {
        if rest.is_empty() && round > 0 {
            let wanted = open.iter().map(|at| page(realm, names[*at], round));
            return Ok(Gathered::More(wanted.collect()));
        }
        let Some((these, further)) = rest.split_at_checked(open.len()) else {
            return Err(failures::unreadable_answer("an import was not answered"));
        };
        rest = further;
        let mut still = Vec::new();
        for (at, reply) in open.iter().zip(these) {
            let found = reply::objects_named(names[*at], reply)?;
            if found.len() >= PAGE {
                still.push(*at);
            }
            lists[*at].extend(found);
        }
        open = still;
        if open.is_empty() {
            return Ok(Gathered::All(lists));
        }
    }
    Err(failures::unreadable_answer(
        "an import has more pages than any company",
    ))
}

/// The day of the answer, by QuickBooks' own clock.
fn today(replies: &[Reply]) -> Option<chrono::NaiveDate> {
    let body = reply::json(replies.first()?)?;
    let time = body.get("time")?.as_str()?;
    time.get(..10)?.parse().ok()
}

/// A text member, when it is one.
fn text(object: &Value, pointer: &str) -> Option<String> {
    let found = object.pointer(pointer)?.as_str()?.trim();
    (!found.is_empty()).then(|| found.replace('\0', " "))
}

/// A boolean member; some old answers write it as text.
fn flag(object: &Value, pointer: &str) -> Option<bool> {
    match object.pointer(pointer)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.to_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number member, with all its digits.
fn number(object: &Value, name: &str) -> Option<rust_decimal::Decimal> {
    let found = object.get(name)?;
    crate::wire::Exact::deserialize(found)
        .ok()
        .map(|exact| exact.0)
}

fn account(object: &Value) -> Option<AccountRef> {
    let is_active = flag(object, "/Active").unwrap_or(true);
    let account_type = text(object, "/AccountType").unwrap_or_default();
    Some(AccountRef {
        external_id: text(object, "/Id")?,
        name: text(object, "/FullyQualifiedName").or_else(|| text(object, "/Name"))?,
        number: text(object, "/AcctNum"),
        // These two are posted to by the documents themselves.
        can_post: is_active
            && !matches!(
                account_type.as_str(),
                "Accounts Receivable" | "Accounts Payable"
            ),
        account_type,
        is_active,
    })
}
