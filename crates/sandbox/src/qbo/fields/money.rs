//! The members of payments and deposits.

use crate::qbo::shape::Field;
use crate::qbo::shape::Shape::{
    Date, Flag, Group, Number, Others, ReadOnly, Reference, Rows, Text,
};

const LINKED: &[Field] = &[
    ("TxnId", Text(20)),
    ("TxnType", Text(50)),
    ("TxnLineId", Text(20)),
];

const PAYMENT_LINE: &[Field] = &[
    (
        "",
        Others("Received CustomField ProjectRef DetailType CostAmount HomeCostAmount"),
    ),
    ("Id", ReadOnly),
    ("LineNum", ReadOnly),
    ("Description", Text(4000)),
    ("Amount", Number),
    ("LinkedTxn", Rows(LINKED)),
    ("LineEx", ReadOnly),
    ("CustomExtensions", ReadOnly),
];

pub(super) const PAYMENT: &[Field] = &[
    (
        "",
        Others(
            "AttachableRef TxnSubType TxnStatus TxnSource TaxFormType TaxFormNum DocNumber \
TransactionLocationType Tag TxnApprovalInfo RecurringInfo TotalCostAmount \
HomeTotalCostAmount RemitToRef PaymentType CheckPayment CreditCardPayment \
PaymentExtendedType PaymentEx TxnTaxDetail DepartmentRef ClassRef",
        ),
    ),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("CustomerRef", Reference),
    ("TotalAmt", Number),
    ("Line", Rows(PAYMENT_LINE)),
    ("TxnDate", Date),
    ("PaymentRefNum", Text(21)),
    ("PaymentMethodRef", Reference),
    ("DepositToAccountRef", Reference),
    ("ARAccountRef", Reference),
    ("PrivateNote", Text(4000)),
    ("CurrencyRef", Reference),
    ("ExchangeRate", Number),
    ("ProcessPayment", Flag),
    ("ProjectRef", Reference),
    ("UnappliedAmt", ReadOnly),
    ("HomeTotalAmt", ReadOnly),
    ("LinkedTxn", ReadOnly),
    ("CustomField", ReadOnly),
    ("RecurDataRef", ReadOnly),
    ("CustomExtensions", ReadOnly),
];

const DEPOSIT_LINE: &[Field] = &[
    ("Amount", Number),
    ("LinkedTxn", Rows(LINKED)),
    ("DepositLineDetail", Group(DEPOSIT_DETAIL)),
    ("DetailType", Text(30)),
];

const DEPOSIT_DETAIL: &[Field] = &[("PaymentMethodRef", Reference)];

pub(super) const DEPOSIT: &[Field] = &[
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("DepositToAccountRef", Reference),
    ("Line", Rows(DEPOSIT_LINE)),
    ("TxnDate", Date),
    ("PrivateNote", Text(4000)),
    ("CurrencyRef", Reference),
    ("TotalAmt", ReadOnly),
];
