//! What is remembered of a company beside country and currency, by the names it is kept under.
//!
//! An import writes these (`imports`), planning reads them. What was not imported yet is not known: it neither
//! forbids nor allows anything, and QuickBooks has the last word.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use provider_kit::BooksFacts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the books do about sales tax.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum TaxMode {
    /// Sales tax is switched off.
    #[serde(rename = "OFF")]
    Off,
    /// American, computed by QuickBooks.
    #[serde(rename = "AST")]
    Automated,
    /// American, one code for the document.
    #[serde(rename = "MANUAL_US")]
    Manual,
    /// A tax code on each line.
    #[serde(rename = "PER_LINE")]
    PerLine,
}

/// A company's preferences, as far as they matter to what is sent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preferences {
    /// What it does about sales tax.
    pub(crate) tax_mode: Option<TaxMode>,
    /// Whether people choose document numbers, which QuickBooks then keeps unique.
    pub(crate) custom_txn_numbers: Option<bool>,
    /// Whether it takes currencies other than its own.
    pub(crate) multicurrency: Option<bool>,
    /// Books are closed up to this day.
    pub(crate) book_close_date: Option<NaiveDate>,
    /// Whether QuickBooks applies credits to invoices by itself.
    pub(crate) auto_apply_credit: Option<bool>,
    /// Whether QuickBooks applies payments to invoices by itself.
    pub(crate) auto_apply_payments: Option<bool>,
    /// Whether invoices may have a discount line.
    pub(crate) allow_discount: Option<bool>,
    /// The item that a line without one falls to; never used, remembered to warn of.
    pub(crate) default_item: Option<String>,
    /// The plan it subscribes to.
    pub(crate) sku: Option<String>,
    /// Its name.
    pub(crate) company_name: Option<String>,
    /// Ids of payment methods by their lower-case names.
    pub(crate) payment_methods: BTreeMap<String, String>,
    /// Ids of payment terms by their lower-case names.
    pub(crate) terms: BTreeMap<String, String>,
}

impl Preferences {
    /// The preferences in the facts of the books. Each member is read by itself: one that cannot be read is not
    /// known, and spoils no other.
    pub(crate) fn of(books: &BooksFacts) -> Self {
        let extra = &books.extra;
        Self {
            tax_mode: member(extra, "taxMode"),
            custom_txn_numbers: member(extra, "customTxnNumbers"),
            multicurrency: member(extra, "multicurrency"),
            book_close_date: member(extra, "bookCloseDate"),
            auto_apply_credit: member(extra, "autoApplyCredit"),
            auto_apply_payments: member(extra, "autoApplyPayments"),
            allow_discount: member(extra, "allowDiscount"),
            default_item: member(extra, "defaultItem"),
            sku: member(extra, "sku"),
            company_name: member(extra, "companyName"),
            payment_methods: member(extra, "paymentMethods").unwrap_or_default(),
            terms: member(extra, "terms").unwrap_or_default(),
        }
    }

    /// Whether QuickBooks moves credits or payments to invoices unasked.
    pub(crate) fn applies_by_itself(&self) -> bool {
        self.auto_apply_credit == Some(true) || self.auto_apply_payments == Some(true)
    }
}

fn member<'v, T: Deserialize<'v>>(extra: &'v Value, name: &str) -> Option<T> {
    T::deserialize(extra.get(name)?).ok()
}

/// Whether these books are American; books of an unknown country are taken for it, as QuickBooks' own default.
pub(crate) fn is_american(books: &BooksFacts) -> bool {
    books
        .country
        .as_deref()
        .is_none_or(|country| country == "US")
}
