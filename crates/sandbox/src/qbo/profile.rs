//! What a company is like: its country, taxes and preferences, set through the control API.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How a company taxes its sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaxMode {
    /// Sales tax is not used.
    Off,
    /// United States, one tax code for the whole document.
    UsManual,
    /// United States, computed by the service from the address.
    UsAutomated,
    /// Elsewhere: a tax code on every line.
    PerLine,
}

/// A tax code to seed: its name and the percentages it combines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaxCodeSeed {
    /// Name of the code.
    pub name: String,
    /// Percentages, each of which becomes a tax rate.
    pub rates: Vec<Decimal>,
}

/// The description of a company.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of a company, named as its users name it"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Profile {
    /// Company id.
    pub realm: String,
    /// Company name.
    pub name: String,
    /// Two-letter country.
    pub country: String,
    /// Home currency.
    pub home_currency: String,
    /// Whether documents may be in other currencies.
    pub multicurrency: bool,
    /// Tax regime; absent: `usManual` in the United States, `perLine` elsewhere.
    pub tax_mode: Option<TaxMode>,
    /// Whether a tax amount sent with a document is kept; absent: yes, except under `usAutomated`.
    pub honours_tax_override: Option<bool>,
    /// Percentage that `usAutomated` finds for any address.
    pub automated_tax_percent: Decimal,
    /// Tax codes to create; absent: a usual set for the country.
    pub tax_codes: Option<Vec<TaxCodeSeed>>,
    /// Whether document numbers are the user's business.
    pub custom_txn_numbers: bool,
    /// First number of the company's own sequence.
    pub next_doc_number: u64,
    /// Last day of the closed period.
    pub book_close_date: Option<NaiveDate>,
    /// Whether the subscription is over.
    pub suspended: bool,
    /// Whether discount lines are allowed.
    pub allow_discount: bool,
    /// Whether the service applies open credit memos to new invoices by itself, and new credit
    /// memos to open invoices.
    pub auto_apply_credit: bool,
    /// Whether the service applies unapplied payments to new invoices by itself.
    pub auto_apply_payments: bool,
    /// Item that lines without one are booked to.
    pub default_item: String,
    /// Home units for one unit of a currency.
    pub exchange_rates: BTreeMap<String, Decimal>,
    /// Offset of the company's clock from UTC.
    pub utc_offset_minutes: i32,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            realm: String::new(),
            name: "Sandbox Company".to_owned(),
            country: "US".to_owned(),
            home_currency: "USD".to_owned(),
            multicurrency: false,
            tax_mode: None,
            honours_tax_override: None,
            automated_tax_percent: Decimal::from(8),
            tax_codes: None,
            custom_txn_numbers: false,
            next_doc_number: 1001,
            book_close_date: None,
            suspended: false,
            allow_discount: true,
            auto_apply_credit: false,
            auto_apply_payments: false,
            default_item: "1".to_owned(),
            exchange_rates: BTreeMap::new(),
            utc_offset_minutes: -480,
        }
    }
}

impl Profile {
    /// Whether the company is in the United States.
    pub fn is_us(&self) -> bool {
        self.country.eq_ignore_ascii_case("US")
    }

    /// The tax regime in force.
    pub fn tax(&self) -> TaxMode {
        let usual = if self.is_us() {
            TaxMode::UsManual
        } else {
            TaxMode::PerLine
        };
        self.tax_mode.unwrap_or(usual)
    }

    /// Whether tax sent with a document is kept.
    pub fn keeps_tax_sent(&self) -> bool {
        self.honours_tax_override
            .unwrap_or(self.tax() != TaxMode::UsAutomated)
    }

    /// Home units for one unit of a currency when the document does not say.
    pub fn exchange_rate(&self, currency: &str) -> Decimal {
        let rate = self.exchange_rates.get(currency).copied();
        rate.unwrap_or(Decimal::ONE)
    }
}
