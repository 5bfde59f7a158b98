//! What the books hold that documents refer to: accounts and tax codes, as imported from them.

use serde::{Deserialize, Serialize};

use crate::id::SourceId;
use crate::money::Rate;

/// What is imported from the books.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImportKind {
    /// Facts about the company and its preferences.
    Company,
    /// The chart of accounts.
    Accounts,
    /// Tax codes with their rates.
    TaxCodes,
}

impl ImportKind {
    /// All, in the order they are made: what comes later may be read with the facts of what came before.
    pub const ALL: [Self; 3] = [Self::Company, Self::Accounts, Self::TaxCodes];

    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Company => "COMPANY",
            Self::Accounts => "ACCOUNTS",
            Self::TaxCodes => "TAX_CODES",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == text)
    }
}

/// An account of the books.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRef {
    /// The provider's id, as documents name it.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// The provider's word for its type.
    pub account_type: String,
    /// Its number in the chart, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Usable.
    pub is_active: bool,
    /// Documents may be posted to it.
    pub can_post: bool,
}

/// A tax code of the books.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxCodeRef {
    /// The provider's id, as lines name it.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// What it adds to a net sum on a sale, in per cent; none where the provider does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Rate>,
    /// The rates it is made of, in order.
    #[serde(default)]
    pub rates: Vec<TaxComponent>,
    /// Usable.
    pub is_active: bool,
    /// Usable on sales.
    pub is_sales_tax: bool,
    /// The tax rate in `ProjectLedger` that a person mapped to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_id: Option<SourceId>,
}

/// One rate of a tax code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxComponent {
    /// The provider's id of the rate, where rates are objects of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Per cent; may be negative.
    pub percent: Rate,
    /// What the percentage is taken of.
    pub base: TaxBase,
}

/// What a component's percentage is taken of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaxBase {
    /// The net sum.
    #[default]
    Net,
    /// The net sum and the tax of the components before it (compound).
    NetAndEarlierTax,
    /// The tax of the components before it.
    EarlierTax,
}
