//! What a new company starts with: accounts, tax codes, terms, item 1 and its own description.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::kind::Kind;
use super::number;
use super::profile::{TaxCodeSeed, TaxMode};
use super::record::{Members, Record};

/// Id, name, classification, type, subtype: the default United States sandbox (fact sheet 5.7).
const ACCOUNTS: &[(&str, &str, &str, &str, &str)] = &[
    ("1", "Services", "Revenue", "Income", "ServiceFeeIncome"),
    (
        "4",
        "Undeposited Funds",
        "Asset",
        "Other Current Asset",
        "UndepositedFunds",
    ),
    (
        "33",
        "Accounts Payable (A/P)",
        "Liability",
        "Accounts Payable",
        "AccountsPayable",
    ),
    ("35", "Checking", "Asset", "Bank", "Checking"),
    (
        "79",
        "Sales of Product Income",
        "Revenue",
        "Income",
        "SalesOfProductIncome",
    ),
    (
        "80",
        "Cost of Goods Sold",
        "Expense",
        "Cost of Goods Sold",
        "SuppliesMaterialsCogs",
    ),
    (
        "81",
        "Inventory Asset",
        "Asset",
        "Other Current Asset",
        "Inventory",
    ),
    (
        "84",
        "Accounts Receivable (A/R)",
        "Asset",
        "Accounts Receivable",
        "AccountsReceivable",
    ),
    (
        "86",
        "Discounts given",
        "Revenue",
        "Income",
        "DiscountsRefundsGiven",
    ),
    (
        "89",
        "Sales Tax Payable",
        "Liability",
        "Other Current Liability",
        "SalesTaxPayable",
    ),
];

/// Id, name and days of the default terms.
const TERMS: &[(&str, &str, u32)] = &[
    ("1", "Due on receipt", 0),
    ("2", "Net 15", 15),
    ("3", "Net 30", 30),
    ("4", "Net 60", 60),
];

/// Id, name and type of the default payment methods.
const PAYMENT_METHODS: &[(&str, &str, &str)] = &[
    ("1", "Cash", "NON_CREDIT_CARD"),
    ("2", "Check", "NON_CREDIT_CARD"),
    ("3", "Credit Card", "CREDIT_CARD"),
];

/// Fills a new company. Seeds count as old, so that no lag hides them.
pub fn fill(company: &mut Company, now: DateTime<Utc>) {
    let at = now - TimeDelta::days(365);
    for (id, name, classification, sort, subtype) in ACCOUNTS {
        let account = json!({
            "Name": name, "FullyQualifiedName": name, "Active": true, "SubAccount": false,
            "Classification": classification, "AccountType": sort, "AccountSubType": subtype,
            "CurrentBalance": 0, "CurrentBalanceWithSubAccounts": 0,
            "CurrencyRef": {"value": company.profile.home_currency},
        });
        put(company, Kind::Account, id, account, at);
    }
    for (id, name, days) in TERMS {
        let term = json!({"Name": name, "Active": true, "Type": "STANDARD", "DueDays": days});
        put(company, Kind::Term, id, term, at);
    }
    for (id, name, sort) in PAYMENT_METHODS {
        let method = json!({"Name": name, "Active": true, "Type": sort});
        put(company, Kind::PaymentMethod, id, method, at);
    }
    let agency = json!({
        "DisplayName": "Tax agency", "TaxTrackedOnSales": true, "TaxTrackedOnPurchases": false,
        "TaxAgencyConfig": "USER_DEFINED",
    });
    put(company, Kind::TaxAgency, "1", agency, at);
    let item = json!({
        "Name": "Services", "FullyQualifiedName": "Services", "Active": true,
        "Type": "Service", "Taxable": false, "UnitPrice": 0, "PurchaseCost": 0,
        "TrackQtyOnHand": false, "DeferredRevenue": false, "IncomeAccountRef": {"value": "1"},
    });
    put(company, Kind::Item, "1", item, at);
    tax_codes(company, at);
    let info = company_info(company);
    put(company, Kind::CompanyInfo, "1", info, at);
    put(company, Kind::Preferences, "1", json!({}), at);
}

/// The preferences as they follow from the profile; read afresh, since the profile may change.
pub fn preferences(company: &Company) -> Members {
    let profile = &company.profile;
    let mut tax = Members::new();
    tax.insert(
        "UsingSalesTax".to_owned(),
        json!(profile.tax() != TaxMode::Off),
    );
    match profile.tax() {
        TaxMode::UsAutomated => {
            tax.insert("PartnerTaxEnabled".to_owned(), json!(true));
            tax.insert("TaxGroupCodeRef".to_owned(), json!({"value": "2"}));
        }
        TaxMode::UsManual => {
            tax.insert("TaxGroupCodeRef".to_owned(), json!({"value": "2"}));
        }
        TaxMode::Off | TaxMode::PerLine => {}
    }
    let mut accounting = Members::new();
    accounting.insert("UseAccountNumbers".to_owned(), json!(false));
    accounting.insert("TrackDepartments".to_owned(), json!(false));
    accounting.insert("ClassTrackingPerTxn".to_owned(), json!(false));
    accounting.insert("ClassTrackingPerTxnLine".to_owned(), json!(false));
    if let Some(day) = profile.book_close_date {
        accounting.insert("BookCloseDate".to_owned(), json!(day.to_string()));
    }
    let value = json!({
        "AccountingInfoPrefs": accounting,
        "ProductAndServicesPrefs": {"ForSales": true, "ForPurchase": true},
        "SalesFormsPrefs": {
            "CustomTxnNumbers": profile.custom_txn_numbers,
            "AllowDiscount": profile.allow_discount,
            "DefaultDiscountAccount": "86",
            "AllowDeposit": false,
            "AllowShipping": false,
            "AllowServiceDate": true,
            "DefaultTerms": {"value": "3"},
            "DefaultItem": {"value": profile.default_item},
            "AutoApplyCredit": profile.auto_apply_credit,
            "AutoApplyPayments": profile.auto_apply_payments,
            "ETransactionPaymentEnabled": false,
        },
        "TaxPrefs": tax,
        "CurrencyPrefs": {
            "MultiCurrencyEnabled": profile.multicurrency,
            "HomeCurrency": {"value": profile.home_currency},
        },
        "OtherPrefs": {"NameValue": []},
    });
    members(value)
}

fn company_info(company: &Company) -> Value {
    let profile = &company.profile;
    json!({
        "CompanyName": profile.name, "LegalName": profile.name, "Country": profile.country,
        "CompanyAddr": {"Id": "1", "Country": profile.country},
        "Email": {"Address": "owner@example.com"},
        "FiscalYearStartMonth": "January", "SupportedLanguages": "en",
        "DefaultTimeZone": "America/Los_Angeles",
        "NameValue": [
            {"Name": "SubscriptionStatus", "Value": "PAID"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
        ],
    })
}

fn tax_codes(company: &mut Company, at: DateTime<Utc>) {
    let is_us = company.profile.is_us();
    if is_us {
        for (id, name, taxable) in [("TAX", "Taxable", true), ("NON", "Non-taxable", false)] {
            let code = json!({
                "Name": name, "Description": name, "Active": true, "Hidden": false,
                "Taxable": taxable, "TaxGroup": false,
            });
            put(company, Kind::TaxCode, id, code, at);
        }
    }
    let usual = |rates: &[(&str, &[i64])]| {
        rates
            .iter()
            .map(|(name, rates)| TaxCodeSeed {
                name: (*name).to_owned(),
                rates: rates.iter().copied().map(Decimal::from).collect(),
            })
            .collect()
    };
    let seeds: Vec<TaxCodeSeed> = company.profile.tax_codes.clone().unwrap_or_else(|| {
        if is_us {
            usual(&[("California", &[8]), ("City and county", &[6, 2])])
        } else {
            usual(&[
                ("20.0% S", &[20]),
                ("5.0% R", &[5]),
                ("0.0% Z", &[0]),
                ("Exempt", &[]),
                ("GST/PST", &[5, 7]),
            ])
        }
    });
    let mut rate_id = 2_u64;
    for (index, seed) in seeds.iter().enumerate() {
        let mut details = Vec::new();
        for (order, rate) in seed.rates.iter().enumerate() {
            rate_id += 1;
            let id = rate_id.to_string();
            let name = format!("{} {}%", seed.name, number::plain(*rate));
            let row = json!({
                "Name": name, "Description": name, "Active": true, "SpecialTaxType": "NONE",
                "RateValue": number::json(*rate), "DisplayType": "ReadOnly",
                "AgencyRef": {"value": "1"},
                "EffectiveTaxRate": [{
                    "RateValue": number::json(*rate),
                    "EffectiveDate": "2010-01-01T00:00:00-08:00",
                }],
            });
            put(company, Kind::TaxRate, &id, row, at);
            details.push(json!({
                "TaxRateRef": {"value": id}, "TaxTypeApplicable": "TaxOnAmount",
                "TaxOrder": order,
            }));
        }
        let code = json!({
            "Name": seed.name, "Description": seed.name, "Active": true, "Hidden": false,
            "Taxable": true, "TaxGroup": true, "TaxCodeConfigType": "USER_DEFINED",
            "SalesTaxRateList": {"TaxRateDetail": details},
            "PurchaseTaxRateList": {"TaxRateDetail": []},
        });
        put(company, Kind::TaxCode, &(index + 2).to_string(), code, at);
    }
}

fn put(company: &mut Company, kind: Kind, id: &str, data: Value, at: DateTime<Utc>) {
    let record = Record {
        id: id.to_owned(),
        token: 0,
        created_at: at,
        updated_at: at,
        is_deleted: false,
        data: members(data),
    };
    company.put(kind, record);
}

fn members(value: Value) -> Members {
    match value {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}
