//! Whether a body has the types the service reads: a wrong one fails the whole request at once,
//! before any element is looked at.

use serde_json::Value;

use super::dates;
use super::number;
use super::organisation::is_guid;

/// Members that are numbers.
const NUMBERS: [&str; 11] = [
    "Quantity",
    "UnitAmount",
    "LineAmount",
    "TaxAmount",
    "DiscountRate",
    "DiscountAmount",
    "CurrencyRate",
    "Amount",
    "BankAmount",
    "UnitPrice",
    "Rate",
];

/// Members that are dates.
const DATES: [&str; 4] = [
    "Date",
    "DueDate",
    "ExpectedPaymentDate",
    "PlannedPaymentDate",
];

/// Members that are GUIDs.
const GUIDS: [&str; 14] = [
    "InvoiceID",
    "ContactID",
    "CreditNoteID",
    "PaymentID",
    "AccountID",
    "LineItemID",
    "BrandingThemeID",
    "TrackingCategoryID",
    "TrackingOptionID",
    "OverpaymentID",
    "PrepaymentID",
    "BankTransactionID",
    "BatchPaymentID",
    "ItemID",
];

/// Nesting beyond which a body is refused.
const DEPTH_MAX: usize = 32;

/// Looks at every member of a body; the refusal names the first that is wrong.
pub fn check(body: &Value) -> Result<(), String> {
    look(body, 0)
}

fn look(value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("The JSON is nested too deeply".to_owned());
    }
    match value {
        Value::Array(parts) => parts.iter().try_for_each(|part| look(part, depth + 1)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if is_wrong(name, value) {
                return Err(format!(
                    "Error converting value {value} for member '{name}'"
                ));
            }
            look(value, depth + 1)
        }),
        _ => Ok(()),
    }
}

fn is_wrong(name: &str, value: &Value) -> bool {
    if value.is_null() {
        return false;
    }
    let text = value.as_str();
    if NUMBERS.contains(&name) {
        return number::parse(value).is_none();
    }
    if DATES.contains(&name) {
        return text.is_none_or(|text| dates::parse(text).is_none());
    }
    if GUIDS.contains(&name) {
        return text.is_none_or(|text| !text.is_empty() && !is_guid(text));
    }
    match name {
        "LineItems" | "Tracking" => !value.is_array(),
        "Contact" | "Account" | "BankAccount" | "Invoice" | "CreditNote" => !value.is_object(),
        _ => false,
    }
}
