//! What an organisation is like: country, currencies, taxes, lock dates; set by the control API.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A tax rate to seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaxRateSeed {
    /// Its key, such as `OUTPUT2`.
    pub tax_type: String,
    /// Its name.
    pub name: String,
    /// The percentages it combines.
    pub rates: Vec<Decimal>,
    /// Whether it may be used on sales.
    #[serde(default = "yes")]
    pub revenue: bool,
    /// Whether it may be used on expenses.
    #[serde(default = "yes")]
    pub expenses: bool,
}

/// An account to seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountSeed {
    /// Its code; bank accounts may have none.
    #[serde(default)]
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its type, such as `REVENUE`.
    #[serde(rename = "type")]
    pub sort: String,
    /// Tax type of lines that name none.
    #[serde(default)]
    pub tax_type: String,
    /// `DEBTORS` and the like.
    #[serde(default)]
    pub system_account: String,
    /// Whether payments may be made to it.
    #[serde(default)]
    pub enable_payments: bool,
    /// Currency of a bank account; absent: the base currency.
    #[serde(default)]
    pub currency: Option<String>,
}

fn yes() -> bool {
    true
}

/// The description of an organisation.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of an organisation"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Profile {
    /// Tenant id, a GUID; empty: the sandbox makes one.
    pub tenant_id: String,
    /// Name.
    pub name: String,
    /// `GB`, `AU`, `NZ`, `US` or another country.
    pub country_code: String,
    /// Base currency; empty: that of the country.
    pub base_currency: String,
    /// Further currencies it subscribed to.
    pub currencies: Vec<String>,
    /// Units of a currency for one unit of the base currency.
    pub exchange_rates: BTreeMap<String, Decimal>,
    /// Tax rates; absent: those of the country.
    pub tax_rates: Option<Vec<TaxRateSeed>>,
    /// Accounts; absent: a usual small chart.
    pub accounts: Option<Vec<AccountSeed>>,
    /// Documents up to this day cannot be approved, except by advisers.
    pub period_lock_date: Option<NaiveDate>,
    /// Documents up to this day cannot be approved by anyone.
    pub end_of_year_lock_date: Option<NaiveDate>,
    /// Whether the person who consented is an adviser.
    pub adviser: bool,
    /// Offset of the organisation's clock from UTC.
    pub utc_offset_minutes: i32,
    /// First number of its own invoice sequence, `INV-0001` for 1.
    pub next_invoice_number: u64,
    /// Whether it answers `The Organisation is offline`.
    pub offline: bool,
    /// Whether its subscription is over: every call is 403.
    pub suspended: bool,
    /// Whether it is a demonstration company.
    pub demo: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            tenant_id: String::new(),
            name: "Sandbox Organisation".to_owned(),
            country_code: "GB".to_owned(),
            base_currency: String::new(),
            currencies: Vec::new(),
            exchange_rates: BTreeMap::new(),
            tax_rates: None,
            accounts: None,
            period_lock_date: None,
            end_of_year_lock_date: None,
            adviser: false,
            utc_offset_minutes: 0,
            next_invoice_number: 1,
            offline: false,
            suspended: false,
            demo: false,
        }
    }
}

impl Profile {
    /// The base currency.
    pub fn base(&self) -> &str {
        if !self.base_currency.is_empty() {
            return &self.base_currency;
        }
        match self.country_code.as_str() {
            "GB" => "GBP",
            "AU" => "AUD",
            "NZ" => "NZD",
            _ => "USD",
        }
    }

    /// The edition for the country.
    pub fn version(&self) -> &str {
        match self.country_code.as_str() {
            "GB" => "UK",
            known @ ("AU" | "NZ" | "US") => known,
            _ => "GLOBAL",
        }
    }

    /// Whether documents may be in a currency.
    pub fn has_currency(&self, code: &str) -> bool {
        code == self.base() || self.currencies.iter().any(|known| known == code)
    }

    /// Units of a currency for one unit of the base currency when a document does not say.
    pub fn rate(&self, currency: &str) -> Decimal {
        let rate = self.exchange_rates.get(currency).copied();
        rate.filter(|_| currency != self.base())
            .unwrap_or(Decimal::ONE)
    }

    /// The organisation's day at an instant.
    pub fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        let offset = TimeDelta::minutes(self.utc_offset_minutes.into());
        (now + offset).date_naive()
    }

    /// The refusals for a document of that day that would be approved.
    pub fn locks(&self, day: NaiveDate) -> Vec<String> {
        let mut refusals = Vec::new();
        let locked = |until: Option<NaiveDate>| until.filter(|until| day <= *until);
        if let Some(until) = locked(self.period_lock_date).filter(|_| !self.adviser) {
            refusals.push(format!(
                "The document date cannot be before the period lock date, currently set at {}",
                until.format("%d %B %Y")
            ));
        }
        if let Some(until) = locked(self.end_of_year_lock_date) {
            refusals.push(format!(
                "The document date cannot be before the end of year lock date, currently set at {}",
                until.format("%d %B %Y")
            ));
        }
        refusals
    }
}
