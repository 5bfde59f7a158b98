//! What an integration is set to do: provider, environment, frequency and sync settings.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::document::DocumentKind;

/// A provider's key: text with a shape, so that a fifth provider needs no migration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct ProviderKey(String);

/// A text that is not a provider key.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a provider key: use 2 to 40 capitals, digits or underscores, such as QUICKBOOKS_ONLINE"
)]
pub struct BadProviderKey(String);

impl ProviderKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderKey {
    type Err = BadProviderKey;

    fn from_str(text: &str) -> Result<Self, BadProviderKey> {
        let fits = (2..=40).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadProviderKey(text.chars().take(60).collect()))
        }
    }
}

impl fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProviderKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Which of a provider's worlds a books lives in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Environment {
    /// Real companies.
    Production,
    /// The provider's, or our own, sandbox.
    Sandbox,
}

impl Environment {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "PRODUCTION",
            Self::Sandbox => "SANDBOX",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Production, Self::Sandbox]
            .into_iter()
            .find(|e| e.as_str() == text)
    }
}

/// When documents are sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SyncFrequency {
    /// As soon as they are issued.
    #[default]
    RealTime,
    /// Every hour.
    Hourly,
    /// Once a day.
    Daily,
    /// Once a week.
    Weekly,
    /// Only when a person asks.
    Manual,
}

impl SyncFrequency {
    /// All frequencies.
    pub const ALL: [Self; 5] = [
        Self::RealTime,
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Manual,
    ];

    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RealTime => "REAL_TIME",
            Self::Hourly => "HOURLY",
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Manual => "MANUAL",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == text)
    }
}

/// The specification's `syncSettings`, with what the providers need besides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the specification names these switches"
)]
pub struct SyncSettings {
    /// Send invoices.
    pub sync_invoices: bool,
    /// Send payments.
    pub sync_payments: bool,
    /// Send clients that no document needs yet; clients of sent documents always go.
    pub sync_clients: bool,
    /// Send credit notes; they follow invoices unless switched off by themselves.
    pub sync_credit_notes: bool,
    /// Read tax codes.
    pub sync_tax_codes: bool,
    /// Make an item of the books for every product code that is not in `item_ids`.
    pub create_items: bool,
    /// Revenue account.
    pub invoice_account_id: Option<String>,
    /// Invoice template in the books.
    pub invoice_template: Option<String>,
    /// Payment terms in the books.
    pub invoice_terms: Option<String>,
    /// Bank account for payments.
    pub bank_account_id: Option<String>,
    /// Account for payments nobody can place.
    pub unidentified_payment_account: Option<String>,
    /// How client names are written: `{name}`, `{company}` and `{id}` are replaced.
    pub client_name_format: String,
    /// Customer type in the books.
    pub client_account_type: String,
    /// Tax code for lines without a mapped rate.
    pub default_tax_code: Option<String>,
    /// Line amounts include tax, where the document does not say.
    pub tax_inclusive: bool,
    /// Date format for files.
    pub date_format: String,
    /// Home currency of the books.
    pub currency_code: String,
    /// Every line, or one summary line.
    pub include_line_item_details: bool,
    /// Item of the books for lines without a mapped product.
    pub default_item_id: Option<String>,
    /// Items of the books by product code.
    pub item_ids: BTreeMap<String, String>,
    /// Revenue accounts of the books by billing category, before `invoice_account_id`.
    pub account_ids: BTreeMap<String, String>,
    /// Tax codes of the books by `ProjectLedger`'s tax rate id.
    pub tax_codes: BTreeMap<String, String>,
    /// Documents dated before this are never sent.
    pub start_on: Option<NaiveDate>,
    /// Time zone of the calendars, an IANA name.
    pub time_zone: String,
    /// Local hour (0–23) of the daily and weekly slot.
    pub slot_hour: u8,
}

impl SyncSettings {
    /// Why documents of this kind are not sent, where a switch says so. Clients have none: those of sent documents
    /// always go.
    pub const fn switched_off(&self, kind: DocumentKind) -> Option<&'static str> {
        match kind {
            DocumentKind::Invoice | DocumentKind::WriteOff if !self.sync_invoices => {
                Some("invoices are switched off for this integration")
            }
            DocumentKind::CreditNote if !self.sync_invoices || !self.sync_credit_notes => {
                Some("credit notes are switched off for this integration")
            }
            DocumentKind::Payment | DocumentKind::Refund if !self.sync_payments => {
                Some("payments are switched off for this integration")
            }
            DocumentKind::TaxRate if !self.sync_tax_codes => {
                Some("tax codes are switched off for this integration")
            }
            DocumentKind::Product if !self.create_items => {
                Some("items are not made of product codes in this integration")
            }
            DocumentKind::Invoice
            | DocumentKind::WriteOff
            | DocumentKind::CreditNote
            | DocumentKind::Payment
            | DocumentKind::Refund
            | DocumentKind::TaxRate
            | DocumentKind::Product
            | DocumentKind::Client => None,
        }
    }
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            sync_invoices: true,
            sync_payments: true,
            sync_clients: true,
            sync_credit_notes: true,
            sync_tax_codes: true,
            create_items: false,
            invoice_account_id: None,
            invoice_template: None,
            invoice_terms: None,
            bank_account_id: None,
            unidentified_payment_account: None,
            client_name_format: "{name}".to_owned(),
            client_account_type: "Customer".to_owned(),
            default_tax_code: None,
            tax_inclusive: false,
            date_format: "YYYY-MM-DD".to_owned(),
            currency_code: "USD".to_owned(),
            include_line_item_details: true,
            default_item_id: None,
            item_ids: BTreeMap::new(),
            account_ids: BTreeMap::new(),
            tax_codes: BTreeMap::new(),
            start_on: None,
            time_zone: "UTC".to_owned(),
            slot_hour: 2,
        }
    }
}
