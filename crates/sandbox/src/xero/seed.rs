//! What a new organisation starts with: accounts and the tax rates of its country.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::ledger::{Account, Component, TaxRate};
use super::organisation::Organisation;
use super::profile::{AccountSeed, TaxRateSeed};

/// Code, name, type, system account, whether payments may be made to it.
const ACCOUNTS: &[(&str, &str, &str, &str, bool)] = &[
    ("090", "Business Bank Account", "BANK", "", false),
    ("", "Card Takings", "BANK", "", false),
    ("200", "Sales", "REVENUE", "", false),
    ("260", "Other Revenue", "REVENUE", "", false),
    ("270", "Interest Income", "REVENUE", "", false),
    ("310", "Cost of Goods Sold", "DIRECTCOSTS", "", false),
    ("400", "Advertising", "EXPENSE", "", false),
    ("404", "Bank Fees", "EXPENSE", "", false),
    ("610", "Accounts Receivable", "CURRENT", "DEBTORS", false),
    ("800", "Accounts Payable", "CURRLIAB", "CREDITORS", false),
    ("820", "Sales Tax", "CURRLIAB", "GST", false),
    ("850", "Undeposited Funds", "CURRENT", "", true),
    ("860", "Rounding", "EXPENSE", "ROUNDING", false),
    (
        "960",
        "Retained Earnings",
        "EQUITY",
        "RETAINEDEARNINGS",
        false,
    ),
];

/// Tax type, name, per cent as text, on revenue, on other classes (fact sheet 4.7).
type Rates = &'static [(&'static str, &'static str, &'static str, bool, bool)];

const BRITISH: Rates = &[
    ("OUTPUT2", "20% (VAT on Income)", "20", true, false),
    ("RROUTPUT", "5% (VAT on Income)", "5", true, false),
    ("ZERORATEDOUTPUT", "Zero Rated Income", "0", true, false),
    ("EXEMPTOUTPUT", "Exempt Income", "0", true, false),
    ("INPUT2", "20% (VAT on Expenses)", "20", false, true),
    ("NONE", "No VAT", "0", true, true),
];
const AUSTRALIAN: Rates = &[
    ("OUTPUT", "GST on Income", "10", true, false),
    ("EXEMPTOUTPUT", "GST Free Income", "0", true, false),
    ("INPUT", "GST on Expenses", "10", false, true),
    ("NONE", "BAS Excluded", "0", true, true),
];
const NEW_ZEALAND: Rates = &[
    ("OUTPUT2", "15% GST on Income", "15", true, false),
    ("ZERORATED", "Zero Rated", "0", true, true),
    ("INPUT2", "15% GST on Expenses", "15", false, true),
    ("NONE", "No GST", "0", true, true),
];
const ELSEWHERE: Rates = &[
    ("TAX001", "Sales Tax", "8.25", true, true),
    ("OUTPUT", "Tax on Sales", "0", true, false),
    ("INPUT", "Tax on Purchases", "0", false, true),
    ("NONE", "Tax Exempt", "0", true, true),
];

/// Fills a new organisation. Seeds count as old, so that no lag hides them.
pub fn fill(organisation: &mut Organisation, now: DateTime<Utc>) {
    let at = now - TimeDelta::days(365);
    let rates = organisation.profile.tax_rates.clone();
    let rates = rates.unwrap_or_else(|| usual_rates(&organisation.profile.country_code));
    for seed in rates {
        let rate = tax_rate(&seed);
        let key = rate.tax_type.clone();
        organisation.tax_rates.put(&key, at, rate);
    }
    let sales = usual_tax(organisation, true);
    let purchases = usual_tax(organisation, false);
    let accounts = organisation.profile.accounts.clone();
    for seed in accounts.unwrap_or_else(usual_accounts) {
        let mut account = account(organisation, seed);
        if account.tax_type.is_empty() {
            account.tax_type = match account.class() {
                "REVENUE" => sales.clone(),
                "EXPENSE" => purchases.clone(),
                _ => "NONE".to_owned(),
            };
        }
        let id = account.id.clone();
        organisation.accounts.put(&id, at, account);
    }
}

fn usual_rates(country: &str) -> Vec<TaxRateSeed> {
    let rows = match country {
        "GB" => BRITISH,
        "AU" => AUSTRALIAN,
        "NZ" => NEW_ZEALAND,
        _ => ELSEWHERE,
    };
    rows.iter()
        .map(|(tax_type, name, percent, revenue, expenses)| TaxRateSeed {
            tax_type: (*tax_type).to_owned(),
            name: (*name).to_owned(),
            rates: percent.parse::<Decimal>().into_iter().collect(),
            revenue: *revenue,
            expenses: *expenses,
        })
        .collect()
}

fn tax_rate(seed: &TaxRateSeed) -> TaxRate {
    let components = seed
        .rates
        .iter()
        .enumerate()
        .map(|(index, rate)| Component {
            name: format!("{} {}", seed.name, index + 1),
            rate: *rate,
            is_compound: false,
            is_non_recoverable: false,
        });
    TaxRate {
        tax_type: seed.tax_type.clone(),
        name: seed.name.clone(),
        status: "ACTIVE".to_owned(),
        report_tax_type: report_type(&seed.tax_type).to_owned(),
        components: components.collect(),
        on_revenue: seed.revenue,
        on_others: seed.expenses,
    }
}

/// Under which heading a rate is reported: its own name, where there is such a heading.
fn report_type(tax_type: &str) -> &str {
    match tax_type {
        "ZERORATED" => "ZERORATEDOUTPUT",
        "OUTPUT2" | "ZERORATEDOUTPUT" | "EXEMPTOUTPUT" | "INPUT" | "INPUT2" | "NONE" => tax_type,
        _ => "OUTPUT",
    }
}

/// The first rate meant for sales, or for purchases alone.
fn usual_tax(organisation: &Organisation, is_sales: bool) -> String {
    let mut rates = organisation.tax_rates.all();
    let found = rates.find(|rate| {
        if is_sales {
            rate.on_revenue
        } else {
            !rate.on_revenue && rate.on_others
        }
    });
    found.map_or_else(|| "NONE".to_owned(), |rate| rate.tax_type.clone())
}

fn usual_accounts() -> Vec<AccountSeed> {
    ACCOUNTS
        .iter()
        .map(|(code, name, sort, system_account, payments)| AccountSeed {
            code: (*code).to_owned(),
            name: (*name).to_owned(),
            sort: (*sort).to_owned(),
            tax_type: String::new(),
            system_account: (*system_account).to_owned(),
            enable_payments: *payments,
            currency: None,
        })
        .collect()
}

fn account(organisation: &mut Organisation, seed: AccountSeed) -> Account {
    let is_bank = seed.sort == "BANK";
    let base = organisation.profile.base().to_owned();
    let currency = seed.currency.unwrap_or(base);
    Account {
        id: organisation.new_id(),
        code: seed.code,
        name: seed.name,
        sort: seed.sort,
        status: "ACTIVE".to_owned(),
        tax_type: seed.tax_type,
        system: seed.system_account,
        enable_payments: seed.enable_payments,
        currency: if is_bank { currency } else { String::new() },
        bank_account_number: if is_bank {
            "0101010101".to_owned()
        } else {
            String::new()
        },
        description: String::new(),
    }
}
