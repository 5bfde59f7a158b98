//! QuickBooks Online's JSON, as far as we send or read it; nobody else speaks these words.
//!
//! One type serves requests and replies, so that what we sent and what came back are compared by the same
//! code. Replies are read leniently: unknown members appear without notice. Numbers stay exact digits.

pub(crate) mod payment;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use payment::{LinkedTxn, Payment, PaymentLine};

/// `DetailType` of a line that sells something.
pub(crate) const SALES: &str = "SalesItemLineDetail";
/// `DetailType` of the line that takes a discount off the subtotal.
pub(crate) const DISCOUNT: &str = "DiscountLineDetail";
/// `DetailType` of the line QuickBooks adds by itself.
pub(crate) const SUBTOTAL: &str = "SubTotalLineDetail";
/// `DetailType` of a line of text.
pub(crate) const TEXT: &str = "DescriptionOnly";

/// A number that keeps its digits and drops trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Exact(
    #[serde(with = "rust_decimal::serde::arbitrary_precision")] pub(crate) Decimal,
);

impl Exact {
    /// A number without trailing zeros, as QuickBooks itself writes it.
    pub(crate) fn new(value: Decimal) -> Self {
        Self(value.normalize())
    }
}

/// A reference; only its value counts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ref {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

impl Ref {
    /// A reference to an id.
    pub(crate) fn to(id: &str) -> Self {
        Self {
            value: Some(id.to_owned()),
        }
    }
}

/// The value of a reference that may be missing.
pub(crate) fn value_of(reference: Option<&Ref>) -> &str {
    reference
        .and_then(|r| r.value.as_deref())
        .unwrap_or_default()
}

/// A customer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Customer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) primary_email_addr: Option<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) primary_phone: Option<Phone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bill_addr: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
    #[serde(rename = "CustomerTypeRef", skip_serializing_if = "Option::is_none")]
    pub(crate) type_ref: Option<Ref>,
}

/// An e-mail address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Email {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// A telephone number.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Phone {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) free_form_number: Option<String>,
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country_sub_division_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
}

/// An item: what lines are sold as.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) income_account_ref: Option<Ref>,
}

/// An invoice or a credit memo: QuickBooks gives both one shape.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Sale {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) doc_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exchange_rate: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) global_tax_calculation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apply_tax_after_discount: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_memo: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) private_note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn_tax_detail: Option<TaxDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<Vec<Line>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sales_term_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_amt: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) balance: Option<Exact>,
    /// What is left of a credit memo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remaining_credit: Option<Exact>,
    /// What pays or uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) linked_txn: Option<Vec<LinkedTxn>>,
}

/// Tax of a whole document.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TaxDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn_tax_code_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_tax: Option<Exact>,
}

/// A line of an invoice or credit memo.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sales_item_line_detail: Option<SalesDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discount_line_detail: Option<DiscountDetail>,
}

/// What a sales line sells.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SalesDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) qty: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit_price: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax_code_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax_inclusive_amt: Option<Exact>,
}

/// What a discount line takes off.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DiscountDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent_based: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discount_percent: Option<Exact>,
}

impl Customer {
    /// Reads one; none when a member has an impossible type.
    pub(crate) fn read(object: &Value) -> Option<Self> {
        Self::deserialize(object).ok()
    }
}

impl Item {
    /// Reads one; none when a member has an impossible type.
    pub(crate) fn read(object: &Value) -> Option<Self> {
        Self::deserialize(object).ok()
    }
}

impl Sale {
    /// Reads one; none when a member has an impossible type.
    pub(crate) fn read(object: &Value) -> Option<Self> {
        Self::deserialize(object).ok()
    }

    /// Whether it was voided.
    pub(crate) fn is_voided(&self) -> bool {
        is_void_note(self.private_note.as_deref())
            && is_zero(self.total_amt)
            && (self.balance.is_none() || is_zero(self.balance))
    }
}

/// Whether a note says that its document was voided: QuickBooks zeroes the document and puts "Voided" in front of
/// the private note. Our own notes never start with that word.
pub(crate) fn is_void_note(note: Option<&str>) -> bool {
    note.unwrap_or_default().trim_start().starts_with("Voided")
}

/// A number that is there and nothing.
pub(crate) fn is_zero(number: Option<Exact>) -> bool {
    number.is_some_and(|n| n.0.is_zero())
}
