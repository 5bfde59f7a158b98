//! Which properties of a kind a query may name, and how they compare (fact sheet section 6).

use crate::qbo::kind::Kind;

/// How values of a property compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Ids: only `=` and `IN`.
    Id,
    /// Text without regard to case.
    Text,
    /// Exact numbers.
    Number,
    /// Days.
    Day,
    /// Instants.
    Instant,
    /// Booleans.
    Flag,
    /// The id inside a reference.
    Reference,
    /// The address inside an email member.
    Email,
}

const CUSTOMER: &[(&str, Sort)] = &[
    ("DisplayName", Sort::Text),
    ("GivenName", Sort::Text),
    ("FamilyName", Sort::Text),
    ("CompanyName", Sort::Text),
    ("FullyQualifiedName", Sort::Text),
    ("PrimaryEmailAddr", Sort::Email),
    ("Active", Sort::Flag),
    ("Balance", Sort::Number),
];

const ITEM: &[(&str, Sort)] = &[
    ("Name", Sort::Text),
    ("FullyQualifiedName", Sort::Text),
    ("Type", Sort::Text),
    ("Sku", Sort::Text),
    ("Active", Sort::Flag),
    ("SubItem", Sort::Flag),
];

const INVOICE: &[(&str, Sort)] = &[
    ("DocNumber", Sort::Text),
    ("TxnDate", Sort::Day),
    ("DueDate", Sort::Day),
    ("CustomerRef", Sort::Reference),
    ("SalesTermRef", Sort::Reference),
    ("ProjectRef", Sort::Reference),
    ("Balance", Sort::Number),
    ("TotalAmt", Sort::Number),
];

const CREDIT_MEMO: &[(&str, Sort)] = &[
    ("DocNumber", Sort::Text),
    ("TxnDate", Sort::Day),
    ("CustomerRef", Sort::Reference),
    ("SalesTermRef", Sort::Reference),
    ("Balance", Sort::Number),
    ("TotalAmt", Sort::Number),
];

const REFUND_RECEIPT: &[(&str, Sort)] = &[
    ("DocNumber", Sort::Text),
    ("TxnDate", Sort::Day),
    ("CustomerRef", Sort::Reference),
    ("TotalAmt", Sort::Number),
];

const PAYMENT: &[(&str, Sort)] = &[
    ("TxnDate", Sort::Day),
    ("CustomerRef", Sort::Reference),
    ("PaymentRefNum", Sort::Text),
    ("PaymentMethodRef", Sort::Reference),
    ("ProjectRef", Sort::Reference),
    ("TotalAmt", Sort::Number),
];

const DEPOSIT: &[(&str, Sort)] = &[("TxnDate", Sort::Day), ("TotalAmt", Sort::Number)];

const ACCOUNT: &[(&str, Sort)] = &[
    ("Name", Sort::Text),
    ("AccountType", Sort::Text),
    ("AccountSubType", Sort::Text),
    ("Classification", Sort::Text),
    ("Active", Sort::Flag),
];

const TAX_CODE: &[(&str, Sort)] = &[
    ("Name", Sort::Text),
    ("Description", Sort::Text),
    ("Active", Sort::Flag),
];

const TAX_RATE: &[(&str, Sort)] = &[
    ("Name", Sort::Text),
    ("Description", Sort::Text),
    ("AgencyRef", Sort::Reference),
    ("Active", Sort::Flag),
];

const TAX_AGENCY: &[(&str, Sort)] = &[("DisplayName", Sort::Text)];
const TERM: &[(&str, Sort)] = &[("Name", Sort::Text), ("Active", Sort::Flag)];
const NONE: &[(&str, Sort)] = &[];

/// The proper name of a property and how it compares, unless it cannot be queried.
pub fn find(kind: Kind, written: &str) -> Option<(&'static str, Sort)> {
    const COMMON: &[(&str, Sort)] = &[
        ("Id", Sort::Id),
        ("MetaData.CreateTime", Sort::Instant),
        ("MetaData.LastUpdatedTime", Sort::Instant),
    ];
    let own = match kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => CUSTOMER,
        Kind::Item => ITEM,
        Kind::Invoice => INVOICE,
        Kind::CreditMemo => CREDIT_MEMO,
        Kind::RefundReceipt => REFUND_RECEIPT,
        Kind::Payment => PAYMENT,
        Kind::Deposit => DEPOSIT,
        Kind::Account => ACCOUNT,
        Kind::TaxCode => TAX_CODE,
        Kind::TaxRate => TAX_RATE,
        Kind::Term | Kind::PaymentMethod => TERM,
        Kind::TaxAgency => TAX_AGENCY,
        Kind::CompanyInfo | Kind::Preferences => NONE,
    };
    COMMON
        .iter()
        .chain(own)
        .find(|(name, _)| name.eq_ignore_ascii_case(written))
        .copied()
}
