//! What is read of an organisation, its accounts and its tax rates.

use model::reference::TaxBase;
use model::{Failure, ImportKind};
use provider_kit::{Import, Imported, Provider as _, Reply};
use provider_xero::Xero;
use serde_json::{Value, json};

use super::support::*;

fn take(what: ImportKind, replies: &[Reply]) -> Result<Import, Failure> {
    match Xero.take_import(what, replies, &books())? {
        Imported::Done(import) => Ok(import),
        other @ Imported::More(_) => panic!("{other:?}"),
    }
}

fn organisation(more: &Value) -> Reply {
    let mut own = json!({
        "OrganisationID": TENANT, "Name": "Demo", "BaseCurrency": "NZD", "CountryCode": "NZ", "Version": "NZ",
    });
    for (name, value) in more.as_object().unwrap() {
        own[name] = value.clone();
    }
    ok(&json!({"Organisations": [own]}))
}

fn currencies() -> Reply {
    ok(
        &json!({"Currencies": [{"Code": "NZD", "Description": "New Zealand Dollar"}, {"Code": "USD"}]}),
    )
}

#[test]
fn an_organisation_brings_country_currencies_and_locks() {
    let locked = organisation(&json!({
        "PeriodLockDate": "/Date(1769817600000+0000)/", "EndOfYearLockDate": "/Date(1743379200000+0000)/",
    }));
    let facts = take(ImportKind::Company, &[locked, currencies()])
        .unwrap()
        .facts
        .unwrap();
    assert_eq!(facts.external_id, TENANT);
    assert_eq!(facts.country.as_deref(), Some("NZ"));
    assert_eq!(facts.home_currency, "NZD".parse().ok());
    assert_eq!(
        facts.extra,
        json!({"currencies": ["NZD", "USD"], "periodLockOn": "2026-01-31", "endOfYearLockOn": "2025-03-31"})
    );
    let open = take(
        ImportKind::Company,
        &[organisation(&json!({})), currencies()],
    )
    .unwrap();
    assert_eq!(
        open.facts.unwrap().extra,
        json!({"currencies": ["NZD", "USD"]})
    );
}

#[test]
fn accounts_tell_what_can_be_booked_on_and_where_overpayments_go() {
    let account = |number: u32, more: Value| {
        let mut own =
            json!({"AccountID": guid(number), "Name": "N", "Status": "ACTIVE", "Type": "REVENUE"});
        for (name, value) in more.as_object().unwrap() {
            own[name] = value.clone();
        }
        own
    };
    let reply = ok(&json!({"Accounts": [
        account(1, json!({"Code": "200", "SystemAccount": ""})),
        account(2, json!({"Type": "BANK"})),
        account(3, json!({"Code": "610", "Type": "CURRENT", "SystemAccount": "DEBTORS"})),
        account(4, json!({"Code": "201", "Status": "ARCHIVED", "SystemAccount": null})),
    ]}));
    let import = take(ImportKind::Accounts, &[reply]).unwrap();
    let told: Vec<_> = import
        .accounts
        .unwrap()
        .into_iter()
        .map(|one| (one.number, one.is_active, one.can_post))
        .collect();
    assert_eq!(
        told,
        [
            (Some("200".to_owned()), true, true),
            (None, true, false),
            (Some("610".to_owned()), true, false),
            (Some("201".to_owned()), false, true),
        ]
    );
    assert_eq!(import.facts.unwrap().extra["receivableCode"], "610");
}

#[test]
fn tax_rates_keep_their_components_and_where_they_apply() {
    let reply = ok(&json!({"TaxRates": [
        {"Name": "20% (VAT on Income)", "TaxType": "OUTPUT2", "Status": "ACTIVE", "CanApplyToRevenue": true,
         "EffectiveRate": "20.0000", "TaxComponents": [{"Name": "VAT", "Rate": 20, "IsCompound": false}]},
        {"Name": "On expenses", "TaxType": "INPUT2", "Status": "ACTIVE", "CanApplyToRevenue": false,
         "EffectiveRate": 20},
        {"Name": "Two", "TaxType": "TAX001", "Status": "DELETED", "EffectiveRate": 14.975,
         "TaxComponents": [{"Name": "A", "Rate": 5}, {"Name": "B", "Rate": 9.5, "IsCompound": true}]},
    ]}));
    let codes = take(ImportKind::TaxCodes, &[reply])
        .unwrap()
        .tax_codes
        .unwrap();
    assert_eq!(codes[0].percent, "20".parse().ok());
    assert!(codes[0].is_active && codes[0].is_sales_tax && !codes[1].is_sales_tax);
    assert!(!codes[2].is_active && codes[2].is_sales_tax);
    let bases: Vec<TaxBase> = codes[2].rates.iter().map(|rate| rate.base).collect();
    assert_eq!(bases, [TaxBase::Net, TaxBase::NetAndEarlierTax]);
}

#[test]
fn an_import_that_is_not_whole_replaces_nothing() {
    let whole = [organisation(&json!({})), currencies()];
    assert!(take(ImportKind::Company, &whole[..1]).is_err());
    assert!(take(ImportKind::Company, &[]).is_err());
    let two = ok(&json!({"Organisations": [{}, {}]}));
    assert!(take(ImportKind::Company, &[two, currencies()]).is_err());
    for reply in [
        ok(&json!({})),
        ok(&json!({"Accounts": [{"Name": "without an id"}]})),
        ok(&json!({"Accounts": "none"})),
        reply(503, &json!("x")),
        reply(404, &json!({"Accounts": []})),
    ] {
        assert!(take(ImportKind::Accounts, &[reply]).is_err());
    }
    let scope = reply(401, &json!({"Detail": "AuthorizationUnsuccessful"}));
    assert_eq!(
        take(ImportKind::TaxCodes, &[scope]).unwrap_err().code,
        "SCOPE_MISSING"
    );
}
