//! The members of each writable entity, with the lengths of fact sheet section 5.

mod items;
mod lines;
mod lists;
mod money;
mod parties;
mod sales;

use super::kind::Kind;
use super::shape::Field;
use super::shape::Shape::{Others, ReadOnly, Text};

/// The members of a kind that may be written.
pub fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => parties::PARTY,
        Kind::Item => items::ITEM,
        Kind::Invoice => sales::INVOICE,
        Kind::CreditMemo => sales::CREDIT_MEMO,
        Kind::RefundReceipt => sales::REFUND_RECEIPT,
        Kind::Payment => money::PAYMENT,
        Kind::Deposit => money::DEPOSIT,
        Kind::Account => lists::ACCOUNT,
        Kind::Term => lists::TERM,
        Kind::PaymentMethod => lists::PAYMENT_METHOD,
        Kind::TaxCode => lists::TAX_CODE,
        Kind::TaxRate => lists::TAX_RATE,
        Kind::TaxAgency | Kind::CompanyInfo | Kind::Preferences => &[],
    }
}

const ADDRESS: &[Field] = &[
    ("", Others("County PostalCodeSuffix")),
    ("Id", ReadOnly),
    ("Lat", ReadOnly),
    ("Long", ReadOnly),
    ("Tag", ReadOnly),
    ("Note", ReadOnly),
    ("Line1", Text(500)),
    ("Line2", Text(500)),
    ("Line3", Text(500)),
    ("Line4", Text(500)),
    ("Line5", Text(500)),
    ("City", Text(255)),
    ("Country", Text(255)),
    ("CountryCode", Text(255)),
    ("CountrySubDivisionCode", Text(255)),
    ("PostalCode", Text(30)),
];

const EMAIL: &[Field] = &[("", Others("Default Tag")), ("Address", Text(100))];
