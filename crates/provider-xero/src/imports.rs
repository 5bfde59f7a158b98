//! What is read of the organisation itself: its country, currencies and lock dates, its accounts, its tax rates.
//!
//! All of it is small and unpaged. Reading the organisation proves token, tenant and scope at once and counts against
//! the minute like every call, so it is read when it is due and not before each sending.

use model::money::Rate;
use model::reference::{AccountRef, TaxBase, TaxCodeRef, TaxComponent};
use model::{Failure, ImportKind};
use provider_kit::{BooksFacts, Import, Imported, Reply, Request};
use serde_json::{Value, json};

use crate::books::Extra;
use crate::wire::{self, Exact};
use crate::{client, dates, failures, reply};

/// The reads of an import.
pub(crate) fn requests(what: ImportKind, books: &BooksFacts) -> Vec<Request> {
    let resources: &[&str] = match what {
        ImportKind::Company => &["Organisation", "Currencies"],
        ImportKind::Accounts => &["Accounts"],
        ImportKind::TaxCodes => &["TaxRates"],
    };
    resources
        .iter()
        .map(|resource| client::get(resource, Vec::new(), &books.external_id))
        .collect()
}

/// What the replies say.
pub(crate) fn take(
    what: ImportKind,
    replies: &[Reply],
    books: &BooksFacts,
) -> Result<Imported, Failure> {
    let import = match what {
        ImportKind::Company => Import {
            facts: Some(company(replies, books)?),
            ..Import::default()
        },
        ImportKind::Accounts => accounts(&list(replies, 0, "Accounts")?, books)?,
        ImportKind::TaxCodes => Import {
            tax_codes: Some(
                list(replies, 0, "TaxRates")?
                    .iter()
                    .map(tax_code)
                    .collect::<Option<_>>()
                    .ok_or_else(|| unreadable("a tax rate"))?,
            ),
            ..Import::default()
        },
    };
    Ok(Imported::Done(import))
}

/// A whole list of a reply.
fn list(replies: &[Reply], place: usize, name: &str) -> Result<Vec<Value>, Failure> {
    let Some(answer) = replies.get(place) else {
        return Err(failures::unreadable_answer("an import was not answered"));
    };
    let body = reply::json(answer);
    let is_answer = (200..300).contains(&answer.status);
    let found = body
        .as_ref()
        .filter(|body| is_answer && body.get("ErrorNumber").is_none())
        .and_then(|body| body.get(name))
        .and_then(Value::as_array);
    match found {
        Some(found) => Ok(found.clone()),
        None if is_answer => Err(unreadable(name)),
        None => Err(failures::of_reply(answer, body.as_ref(), false)),
    }
}

fn unreadable(what: &str) -> Failure {
    failures::unreadable_answer(format!("{what} cannot be read"))
}

fn company(replies: &[Reply], books: &BooksFacts) -> Result<BooksFacts, Failure> {
    let organisations = list(replies, 0, "Organisation")
        .or_else(|failure| list(replies, 0, "Organisations").map_err(|_| failure))?;
    let [organisation] = organisations.as_slice() else {
        return Err(unreadable("the organisation"));
    };
    let day = |name: &str| dates::day(text(organisation, name));
    let currencies = list(replies, 1, "Currencies")?;
    let extra = Extra {
        currencies: Some(
            currencies
                .iter()
                .map(|one| text(one, "Code").to_owned())
                .filter(|code| !code.is_empty())
                .collect(),
        ),
        period_lock_on: day("PeriodLockDate"),
        end_of_year_lock_on: day("EndOfYearLockDate"),
        ..Extra::of(books)
    };
    let country = text(organisation, "CountryCode");
    Ok(BooksFacts {
        external_id: books.external_id.clone(),
        environment: books.environment,
        country: (country.len() == 2).then(|| country.to_owned()),
        home_currency: text(organisation, "BaseCurrency").parse().ok(),
        extra: json!(extra),
    })
}

/// The chart of accounts, and of it the one that overpayments are booked on.
fn accounts(found: &[Value], books: &BooksFacts) -> Result<Import, Failure> {
    let receivable = found
        .iter()
        .find(|one| text(one, "SystemAccount") == "DEBTORS");
    let extra = Extra {
        receivable_code: receivable
            .map(|one| text(one, "Code").to_owned())
            .filter(|code| !code.is_empty()),
        ..Extra::of(books)
    };
    let accounts: Option<Vec<AccountRef>> = found.iter().map(account).collect();
    Ok(Import {
        facts: Some(BooksFacts {
            extra: json!(extra),
            ..books.clone()
        }),
        accounts: Some(accounts.ok_or_else(|| unreadable("an account"))?),
        ..Import::default()
    })
}

fn account(object: &Value) -> Option<AccountRef> {
    let id = Some(text(object, "AccountID")).filter(|id| wire::is_id(id))?;
    let kind = text(object, "Type");
    let code = text(object, "Code");
    Some(AccountRef {
        external_id: id.to_owned(),
        name: text(object, "Name").replace('\0', " "),
        account_type: kind.to_owned(),
        number: (!code.is_empty()).then(|| code.to_owned()),
        is_active: text(object, "Status") == wire::ACTIVE,
        // Bank accounts and Xero's own control accounts take no lines; payments go by type and not by this.
        can_post: kind != "BANK" && text(object, "SystemAccount").is_empty(),
    })
}

fn tax_code(object: &Value) -> Option<TaxCodeRef> {
    let key = Some(text(object, "TaxType")).filter(|key| !key.is_empty())?;
    let components = object.get("TaxComponents").and_then(Value::as_array);
    let is_sales_tax = object.get("CanApplyToRevenue") != Some(&Value::Bool(false));
    Some(TaxCodeRef {
        external_id: key.to_owned(),
        name: text(object, "Name").replace('\0', " "),
        percent: rate(object, "EffectiveRate"),
        rates: components
            .into_iter()
            .flatten()
            .filter_map(component)
            .collect(),
        is_active: text(object, "Status") == wire::ACTIVE,
        is_sales_tax,
        local_id: None,
    })
}

fn component(object: &Value) -> Option<TaxComponent> {
    let is_compound = object.get("IsCompound") == Some(&Value::Bool(true));
    Some(TaxComponent {
        external_id: None,
        name: text(object, "Name").replace('\0', " "),
        percent: rate(object, "Rate")?,
        base: if is_compound {
            TaxBase::NetAndEarlierTax
        } else {
            TaxBase::Net
        },
    })
}

fn rate(object: &Value, name: &str) -> Option<Rate> {
    Rate::new(Exact::read(object.get(name)?)?.0).ok()
}

fn text<'o>(object: &'o Value, name: &str) -> &'o str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}
