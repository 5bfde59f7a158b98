//! The members of accounts, terms and payment methods, and those of taxes that people change.

use crate::qbo::shape::Field;
use crate::qbo::shape::Shape::{Choice, Date, Flag, Number, Others, ReadOnly, Reference, Text};

pub(super) const ACCOUNT: &[Field] = &[
    (
        "",
        Others(
            "CustomField AttachableRef AccountAlias TxnLocationType AccountPurposes \
AcctNumExtn BankNum OnlineBankingEnabled FIName JournalCodeRef AccountEx",
        ),
    ),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("Name", Text(100)),
    ("AcctNum", Text(20)),
    ("Description", Text(100)),
    ("Active", Flag),
    ("SubAccount", Flag),
    ("ParentRef", Reference),
    (
        "Classification",
        Choice(&["Asset", "Equity", "Expense", "Liability", "Revenue"]),
    ),
    (
        "AccountType",
        Choice(&[
            "Bank",
            "Accounts Receivable",
            "Other Current Asset",
            "Fixed Asset",
            "Other Asset",
            "Accounts Payable",
            "Credit Card",
            "Other Current Liability",
            "Long Term Liability",
            "Equity",
            "Income",
            "Other Income",
            "Cost of Goods Sold",
            "Expense",
            "Other Expense",
        ]),
    ),
    ("AccountSubType", Text(100)),
    ("CurrencyRef", Reference),
    ("TaxCodeRef", Reference),
    ("TaxAccount", ReadOnly),
    ("OpeningBalance", Number),
    ("OpeningBalanceDate", Date),
    ("FullyQualifiedName", ReadOnly),
    ("CurrentBalance", ReadOnly),
    ("CurrentBalanceWithSubAccounts", ReadOnly),
];

pub(super) const TERM: &[Field] = &[
    ("", Others("CustomField AttachableRef SalesTermEx")),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("Name", Text(31)),
    ("Active", Flag),
    ("Type", ReadOnly),
    ("DueDays", Number),
    ("DiscountPercent", Number),
    ("DiscountDays", Number),
    ("DayOfMonthDue", Number),
    ("DueNextMonthDays", Number),
    ("DiscountDayOfMonth", Number),
];

pub(super) const PAYMENT_METHOD: &[Field] = &[
    ("", Others("CustomField AttachableRef PaymentMethodEx")),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("Name", Text(31)),
    ("Active", Flag),
    ("Type", Choice(&["CREDIT_CARD", "NON_CREDIT_CARD"])),
];

pub(super) const TAX_CODE: &[Field] = &[
    ("Id", ReadOnly),
    ("sparse", ReadOnly),
    ("Name", Text(100)),
    ("Description", Text(100)),
    ("Active", Flag),
];

pub(super) const TAX_RATE: &[Field] = &[
    ("Id", ReadOnly),
    ("sparse", ReadOnly),
    ("Name", Text(100)),
    ("Description", Text(100)),
    ("Active", Flag),
    ("RateValue", Number),
];
