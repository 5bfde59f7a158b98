//! The properties that `where` and `order` may name, and their types.

use crate::xero::kind::Kind;

/// The type of a property or literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Text, and what is compared with text.
    Text,
    /// A GUID.
    Guid,
    /// A date or instant.
    Date,
    /// A number.
    Number,
    /// True or false.
    Flag,
}

impl Sort {
    /// The name the parser gives it in its refusals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Guid => "Guid",
            Self::Date => "DateTime",
            Self::Number => "Decimal",
            Self::Flag => "Boolean",
        }
    }
}

type Table = &'static [(&'static str, Sort)];

const DOCUMENT: Table = &[
    ("Type", Sort::Text),
    ("Status", Sort::Text),
    ("Reference", Sort::Text),
    ("Date", Sort::Date),
    ("DueDate", Sort::Date),
    ("UpdatedDateUTC", Sort::Date),
    ("FullyPaidOnDate", Sort::Date),
    ("Contact.ContactID", Sort::Guid),
    ("Contact.Name", Sort::Text),
    ("Contact.ContactNumber", Sort::Text),
    ("CurrencyCode", Sort::Text),
    ("CurrencyRate", Sort::Number),
    ("LineAmountTypes", Sort::Text),
    ("SubTotal", Sort::Number),
    ("TotalTax", Sort::Number),
    ("Total", Sort::Number),
    ("Url", Sort::Text),
];
const INVOICE: Table = &[
    ("InvoiceID", Sort::Guid),
    ("InvoiceNumber", Sort::Text),
    ("AmountDue", Sort::Number),
    ("AmountPaid", Sort::Number),
    ("AmountCredited", Sort::Number),
    ("SentToContact", Sort::Flag),
    ("ExpectedPaymentDate", Sort::Date),
    ("BrandingThemeID", Sort::Guid),
];
const CREDIT_NOTE: Table = &[
    ("CreditNoteID", Sort::Guid),
    ("CreditNoteNumber", Sort::Text),
    ("RemainingCredit", Sort::Number),
];
const OVERPAYMENT: Table = &[
    ("OverpaymentID", Sort::Guid),
    ("RemainingCredit", Sort::Number),
];
const PREPAYMENT: Table = &[
    ("PrepaymentID", Sort::Guid),
    ("RemainingCredit", Sort::Number),
];
const BANK_TRANSACTION: Table = &[
    ("BankTransactionID", Sort::Guid),
    ("BankAccount.AccountID", Sort::Guid),
    ("BankAccount.Code", Sort::Text),
    ("OverpaymentID", Sort::Guid),
    ("PrepaymentID", Sort::Guid),
    ("IsReconciled", Sort::Flag),
];
const PAYMENT: Table = &[
    ("PaymentID", Sort::Guid),
    ("PaymentType", Sort::Text),
    ("Status", Sort::Text),
    ("Date", Sort::Date),
    ("Amount", Sort::Number),
    ("Reference", Sort::Text),
    ("IsReconciled", Sort::Flag),
    ("UpdatedDateUTC", Sort::Date),
    ("Invoice.InvoiceID", Sort::Guid),
    ("Invoice.InvoiceNumber", Sort::Text),
    ("Invoice.Contact.ContactID", Sort::Guid),
    ("CreditNote.CreditNoteID", Sort::Guid),
    ("Account.AccountID", Sort::Guid),
    ("Account.Code", Sort::Text),
    ("BatchPaymentID", Sort::Guid),
];
const CONTACT: Table = &[
    ("ContactID", Sort::Guid),
    ("ContactNumber", Sort::Text),
    ("ContactStatus", Sort::Text),
    ("Name", Sort::Text),
    ("FirstName", Sort::Text),
    ("LastName", Sort::Text),
    ("EmailAddress", Sort::Text),
    ("AccountNumber", Sort::Text),
    ("CompanyNumber", Sort::Text),
    ("TaxNumber", Sort::Text),
    ("IsCustomer", Sort::Flag),
    ("IsSupplier", Sort::Flag),
    ("UpdatedDateUTC", Sort::Date),
];
const ACCOUNT: Table = &[
    ("AccountID", Sort::Guid),
    ("Code", Sort::Text),
    ("Name", Sort::Text),
    ("Type", Sort::Text),
    ("Class", Sort::Text),
    ("Status", Sort::Text),
    ("TaxType", Sort::Text),
    ("SystemAccount", Sort::Text),
    ("EnablePaymentsToAccount", Sort::Flag),
    ("UpdatedDateUTC", Sort::Date),
];
const TAX_RATE: Table = &[
    ("Name", Sort::Text),
    ("TaxType", Sort::Text),
    ("Status", Sort::Text),
    ("EffectiveRate", Sort::Number),
    ("CanApplyToRevenue", Sort::Flag),
];
const ITEM: Table = &[
    ("ItemID", Sort::Guid),
    ("Code", Sort::Text),
    ("Name", Sort::Text),
    ("UpdatedDateUTC", Sort::Date),
];
const CATEGORY: Table = &[
    ("TrackingCategoryID", Sort::Guid),
    ("Name", Sort::Text),
    ("Status", Sort::Text),
];
const BATCH: Table = &[
    ("BatchPaymentID", Sort::Guid),
    ("Status", Sort::Text),
    ("Date", Sort::Date),
    ("TotalAmount", Sort::Number),
    ("UpdatedDateUTC", Sort::Date),
];
const CURRENCY: Table = &[("Code", Sort::Text)];

fn tables(kind: Kind) -> [Table; 2] {
    match kind {
        Kind::Invoice => [DOCUMENT, INVOICE],
        Kind::CreditNote => [DOCUMENT, CREDIT_NOTE],
        Kind::Overpayment => [DOCUMENT, OVERPAYMENT],
        Kind::Prepayment => [DOCUMENT, PREPAYMENT],
        Kind::BankTransaction => [DOCUMENT, BANK_TRANSACTION],
        Kind::Payment => [PAYMENT, &[]],
        Kind::Contact => [CONTACT, &[]],
        Kind::Account => [ACCOUNT, &[]],
        Kind::TaxRate => [TAX_RATE, &[]],
        Kind::Item => [ITEM, &[]],
        Kind::TrackingCategory => [CATEGORY, &[]],
        Kind::BatchPayment => [BATCH, &[]],
        Kind::Currency => [CURRENCY, &[]],
        Kind::BrandingTheme | Kind::Organisation => [&[], &[]],
    }
}

/// The property of a name, whatever its case.
pub fn property(kind: Kind, name: &str) -> Option<(&'static str, Sort)> {
    tables(kind)
        .into_iter()
        .flatten()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .copied()
}
