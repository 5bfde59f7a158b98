//! The company: who it is, and the preferences that change what is sent.

use model::{Currency, Failure};
use provider_kit::{BooksFacts, Reply};
use serde_json::Value;

use super::{flag, text};
use crate::books::{Preferences, TaxMode};
use crate::{failures, reply};

/// The facts, from the company's description, its preferences, payment methods and terms.
pub(super) fn facts(
    single: &[Reply],
    methods: &[Value],
    terms: &[Value],
    books: &BooksFacts,
) -> Result<BooksFacts, Failure> {
    let [info, preferences] = single else {
        return Err(failures::unreadable_answer("the company was not answered"));
    };
    let info = reply::one_named("CompanyInfo", info)?;
    let preferences = reply::objects_named("Preferences", preferences)?;
    let Some(preferences) = preferences.first() else {
        return Err(failures::unreadable_answer("a company without preferences"));
    };
    let country = text(&info, "/Country").map(|country| short_country(&country));
    let home = text(preferences, "/CurrencyPrefs/HomeCurrency/value");
    let home: Option<Currency> = home.and_then(|code| code.parse().ok());
    let is_american = country.as_deref().unwrap_or("US") == "US";
    let kept = Preferences {
        tax_mode: Some(tax_mode(preferences, is_american)),
        custom_txn_numbers: flag(preferences, "/SalesFormsPrefs/CustomTxnNumbers"),
        multicurrency: flag(preferences, "/CurrencyPrefs/MultiCurrencyEnabled"),
        book_close_date: text(preferences, "/AccountingInfoPrefs/BookCloseDate")
            .and_then(|day| day.get(..10)?.parse().ok()),
        auto_apply_credit: flag(preferences, "/SalesFormsPrefs/AutoApplyCredit"),
        auto_apply_payments: flag(preferences, "/SalesFormsPrefs/AutoApplyPayments"),
        allow_discount: flag(preferences, "/SalesFormsPrefs/AllowDiscount"),
        default_item: text(preferences, "/SalesFormsPrefs/DefaultItem/value")
            .or_else(|| text(preferences, "/SalesFormsPrefs/DefaultItem")),
        sku: named_value(&info, "OfferingSku"),
        company_name: text(&info, "/CompanyName"),
        payment_methods: ids_by_name(methods),
        terms: ids_by_name(terms),
    };
    Ok(BooksFacts {
        external_id: books.external_id.clone(),
        environment: books.environment,
        country: country.or_else(|| books.country.clone()),
        home_currency: home.or(books.home_currency),
        extra: serde_json::to_value(kept)
            .map_err(|error| failures::defect("UNENCODABLE", &error))?,
    })
}

/// The regime: `PartnerTaxEnabled` tells automated American tax, in companies since 2017-11-10.
fn tax_mode(preferences: &Value, is_american: bool) -> TaxMode {
    if flag(preferences, "/TaxPrefs/UsingSalesTax") == Some(false) {
        return TaxMode::Off;
    }
    if !is_american {
        return TaxMode::PerLine;
    }
    if flag(preferences, "/TaxPrefs/PartnerTaxEnabled") == Some(true) {
        TaxMode::Automated
    } else {
        TaxMode::Manual
    }
}

/// Countries are two letters here; since 2025 QuickBooks may answer three.
fn short_country(country: &str) -> String {
    const LONG: &[(&str, &str)] = &[
        ("USA", "US"),
        ("GBR", "GB"),
        ("CAN", "CA"),
        ("AUS", "AU"),
        ("IRL", "IE"),
        ("NZL", "NZ"),
        ("IND", "IN"),
        ("FRA", "FR"),
        ("DEU", "DE"),
        ("ESP", "ES"),
        ("ITA", "IT"),
        ("NLD", "NL"),
        ("ZAF", "ZA"),
        ("SGP", "SG"),
        ("UNITED STATES", "US"),
        ("UNITED KINGDOM", "GB"),
        ("UK", "GB"),
    ];
    let upper = country.to_uppercase();
    let known = LONG.iter().find(|(long, _)| *long == upper);
    known.map_or(upper.clone(), |(_, short)| (*short).to_owned())
}

fn named_value(info: &Value, name: &str) -> Option<String> {
    let pairs = info.get("NameValue")?.as_array()?;
    let pair = pairs
        .iter()
        .find(|pair| pair.get("Name").and_then(Value::as_str) == Some(name))?;
    text(pair, "/Value")
}

/// Ids of active list entries by their lower-case names.
fn ids_by_name(list: &[Value]) -> std::collections::BTreeMap<String, String> {
    list.iter()
        .filter(|entry| flag(entry, "/Active") != Some(false))
        .filter_map(|entry| Some((text(entry, "/Name")?.to_lowercase(), text(entry, "/Id")?)))
        .collect()
}
