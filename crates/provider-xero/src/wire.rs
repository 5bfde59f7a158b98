//! Xero's JSON, as far as we send or read it; nobody else speaks these words.
//!
//! One type serves requests and replies, so that what we sent and what came back are compared by the same code;
//! invoices, credit notes and bank transactions share theirs, since they are the same sheet of paper under three
//! names. Replies are read leniently: unknown members appear without notice, and amounts come as numbers or as
//! texts. Numbers stay exact digits.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// `Type` of a sales invoice.
pub(crate) const SALES_INVOICE: &str = "ACCREC";
/// `Type` of a credit note for a customer.
pub(crate) const SALES_CREDIT: &str = "ACCRECCREDIT";
/// `Type` of the bank transaction that keeps money nobody can place yet.
pub(crate) const RECEIVED_OVERPAYMENT: &str = "RECEIVE-OVERPAYMENT";
/// Approved: it counts.
pub(crate) const AUTHORISED: &str = "AUTHORISED";
/// Paid in full; Xero sets it.
pub(crate) const PAID: &str = "PAID";
/// Ended after it was approved.
pub(crate) const VOIDED: &str = "VOIDED";
/// Ended before it was approved; also the end of payments.
pub(crate) const DELETED: &str = "DELETED";
/// A contact that takes no new documents.
pub(crate) const ARCHIVED: &str = "ARCHIVED";
/// A contact in use.
pub(crate) const ACTIVE: &str = "ACTIVE";
/// Line amounts are before tax.
pub(crate) const EXCLUSIVE: &str = "Exclusive";
/// Line amounts include tax.
pub(crate) const INCLUSIVE: &str = "Inclusive";
/// There is no tax on the lines.
pub(crate) const NO_TAX: &str = "NoTax";
/// The id of what has none.
pub(crate) const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// A number that keeps its digits and drops trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exact(pub(crate) Decimal);

impl Exact {
    /// A number without trailing zeros.
    pub(crate) fn new(value: Decimal) -> Self {
        Self(value.normalize())
    }

    /// Reads a number or a text that is one.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        text.parse()
            .or_else(|_| Decimal::from_scientific(&text))
            .ok()
            .map(Self)
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: Number = self
            .0
            .to_string()
            .parse()
            .map_err(serde::ser::Error::custom)?;
        digits.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value).ok_or_else(|| serde::de::Error::custom("not an exact number"))
    }
}

/// A customer or supplier. On a document only its id is sent: anything more would change the contact itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are Xero's")]
pub(crate) struct Contact {
    #[serde(rename = "ContactID", skip_serializing_if = "Option::is_none")]
    pub(crate) contact_id: Option<String>,
    #[serde(rename = "MergedToContactID", skip_serializing_if = "Option::is_none")]
    pub(crate) merged_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) addresses: Option<Vec<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phones: Option<Vec<Phone>>,
}

/// A postal address; `POBOX` is the one that Xero prints on invoices.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are Xero's")]
pub(crate) struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address_line1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address_line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
}

/// `AddressType` of the address that we own.
pub(crate) const BILLED_AT: &str = "POBOX";
/// `PhoneType` of the number that we own.
pub(crate) const MAIN_PHONE: &str = "DEFAULT";

/// A telephone number.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are Xero's")]
pub(crate) struct Phone {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_area_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_country_code: Option<String>,
}

/// An invoice, a credit note, or the bank transaction of an overpayment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Bill {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) r#type: Option<String>,
    #[serde(rename = "InvoiceID", skip_serializing_if = "Option::is_none")]
    pub(crate) invoice_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invoice_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credit_note_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bank_account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_date_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line_amount_types: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line_items: Option<Vec<LineItem>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency_rate: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(rename = "BrandingThemeID", skip_serializing_if = "Option::is_none")]
    pub(crate) branding_theme_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_tax: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount_paid: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount_credited: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remaining_credit: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocations: Option<Vec<Allocation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payments: Option<Vec<Value>>,
}

/// A line.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct LineItem {
    #[serde(rename = "LineItemID", skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit_amount: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line_amount: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discount_rate: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) discount_amount: Option<Exact>,
}

/// An account, by its id or by its code: bank accounts may have no code.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Account {
    #[serde(rename = "AccountID", skip_serializing_if = "Option::is_none")]
    pub(crate) account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
}

/// Money received for one invoice.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Payment {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invoice: Option<InvoiceRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency_rate: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_reconciled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
}

/// An invoice, named by its id.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct InvoiceRef {
    #[serde(rename = "InvoiceID", skip_serializing_if = "Option::is_none")]
    pub(crate) invoice_id: Option<String>,
}

/// Credit set against an invoice.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Allocation {
    #[serde(rename = "AllocationID", skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) invoice: Option<InvoiceRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Exact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_deleted: Option<bool>,
}

/// Reads an object; none when a member has an impossible type.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(object: &Value) -> Option<T> {
    T::deserialize(object).ok()
}

/// A text that may be missing.
pub(crate) fn text(member: Option<&String>) -> &str {
    member.map(String::as_str).unwrap_or_default()
}

/// An id as Xero writes them: 36 characters, and not the one of what has none.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 36
        && text != NO_ID
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

impl Contact {
    /// Where the contact was merged into, if it was.
    pub(crate) fn merged_into(&self) -> Option<&str> {
        self.merged_to.as_deref().filter(|id| is_id(id))
    }
}

impl Bill {
    /// Whether it was voided or deleted.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.status.as_deref(), Some(VOIDED | DELETED))
    }

    /// Whether payments or credits are set against it, so that Xero lets little of it change.
    pub(crate) fn is_settled_in_part(&self) -> bool {
        let some = |sum: Option<Exact>| sum.is_some_and(|sum| !sum.0.is_zero());
        some(self.amount_paid)
            || some(self.amount_credited)
            || self.status.as_deref() == Some(PAID)
            || self.allocations.as_ref().is_some_and(|all| !all.is_empty())
            || self.payments.as_ref().is_some_and(|all| !all.is_empty())
    }

    /// What is set against one invoice.
    pub(crate) fn allocated_to(&self, invoice: &str) -> Option<Decimal> {
        self.allocations_to(invoice)
            .try_fold(Decimal::ZERO, |sum, one| sum.checked_add(one.amount?.0))
    }

    /// The allocations to one invoice.
    pub(crate) fn allocations_to(&self, invoice: &str) -> impl Iterator<Item = &Allocation> {
        let is_it = move |one: &&Allocation| {
            one.is_deleted != Some(true)
                && one
                    .invoice
                    .as_ref()
                    .is_some_and(|named| text(named.invoice_id.as_ref()) == invoice)
        };
        self.allocations.iter().flatten().filter(is_it)
    }
}
