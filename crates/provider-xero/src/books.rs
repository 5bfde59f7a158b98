//! What we remember of an organisation: its currencies, its lock dates and one of its accounts, as the imports wrote
//! them.

use chrono::NaiveDate;
use model::Currency;
use provider_kit::BooksFacts;
use serde::{Deserialize, Serialize};

/// The members of `BooksFacts::extra`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Extra {
    /// Currencies that the organisation uses; none where they were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currencies: Option<Vec<String>>,
    /// Nobody but advisers changes documents of this day or before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) period_lock_on: Option<NaiveDate>,
    /// Nobody changes documents of this day or before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_of_year_lock_on: Option<NaiveDate>,
    /// Code of the account for what customers owe, on which overpayments are booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receivable_code: Option<String>,
}

impl Extra {
    /// What is remembered; nothing where it cannot be read.
    pub(crate) fn of(books: &BooksFacts) -> Self {
        Self::deserialize(&books.extra).unwrap_or_default()
    }
}

/// Whether the organisation uses a currency, as far as we know.
pub(crate) fn takes_currency(books: &BooksFacts, currency: Currency) -> bool {
    Extra::of(books)
        .currencies
        .is_none_or(|all| all.iter().any(|code| code == currency.as_str()))
}

/// The two lock dates. Xero spares advisers the first and nobody the second; whoever consented for us decides, and
/// we do not know, so both count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Locks {
    period_on: Option<NaiveDate>,
    end_of_year_on: Option<NaiveDate>,
}

impl Locks {
    /// The locks of some books.
    pub(crate) fn of(books: &BooksFacts) -> Self {
        let extra = Extra::of(books);
        Self {
            period_on: extra.period_lock_on,
            end_of_year_on: extra.end_of_year_lock_on,
        }
    }

    /// The last day that is locked.
    pub(crate) fn latest(self) -> Option<NaiveDate> {
        self.period_on.max(self.end_of_year_on)
    }
}
