//! The members of invoices, credit memos and refund receipts.

use super::lines::{LINE, TAX_DETAIL};
use super::{ADDRESS, EMAIL};
use crate::qbo::shape::Field;
use crate::qbo::shape::Shape::{
    Choice, Date, Flag, Group, Memo, Number, Others, ReadOnly, Reference, Rows, Text,
};

const CUSTOM_FIELD: &[Field] = &[
    ("", Others("BooleanValue DateValue NumberValue")),
    ("DefinitionId", Text(20)),
    ("Name", Text(30)),
    ("Type", Choice(&["StringType"])),
    ("StringValue", Text(31)),
];

pub(super) const INVOICE: &[Field] = &[
    (
        "",
        Others(
            "AttachableRef TxnSubType TxnStatus TxnSource TaxFormType TaxFormNum \
TransactionLocationType Tag TxnApprovalInfo RecurringInfo TotalCostAmount \
HomeTotalCostAmount RemitToRef SalesRepRef PONumber FOB \
ShippingTaxIncludedInTotalTax TemplateRef ARAccountRef FinanceCharge \
PaymentType CheckPayment CreditCardPayment \
DiscountRate DiscountAmt GovtTxnRefIdentifier TaxExemptionRef PaymentMethodRef PaymentRefNum ECloudStatusTimeStamp GlobalInfo \
invoiceStatus callToAction invoiceStatusLog InvoiceEx LessCIS PaymentDetailsMessage \
ConvenienceFeeDetail EnabledSurchargeInfo InvoiceLinkSecurityCode InvoiceLinkExpiryDate \
AutoPayEligible SchedulePayEligible ScheduledPaymentId GratuityEnabled \
FinancingProductType SubscriptionPaymentsSetting TxnRetainageDetail",
        ),
    ),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("CustomerRef", Reference),
    ("Line", Rows(LINE)),
    ("DocNumber", Text(21)),
    ("AutoDocNumber", Flag),
    ("TxnDate", Date),
    ("DueDate", Date),
    ("CustomerMemo", Memo(1000)),
    ("PrivateNote", Text(4000)),
    ("BillEmail", Group(EMAIL)),
    ("BillEmailCc", Group(EMAIL)),
    ("BillEmailBcc", Group(EMAIL)),
    (
        "EmailStatus",
        Choice(&["NotSet", "NeedToSend", "EmailSent"]),
    ),
    (
        "PrintStatus",
        Choice(&["NotSet", "NeedToPrint", "PrintComplete"]),
    ),
    ("AllowOnlineCreditCardPayment", Flag),
    ("AllowOnlineACHPayment", Flag),
    ("AllowOnlinePayment", ReadOnly),
    ("AllowIPNPayment", ReadOnly),
    ("AllowOnlinePayPalPayment", Flag),
    ("AllowOnlineAffirmPayment", Flag),
    ("CurrencyRef", Reference),
    ("ExchangeRate", Number),
    (
        "GlobalTaxCalculation",
        Choice(&["TaxExcluded", "TaxInclusive", "NotApplicable"]),
    ),
    ("TxnTaxDetail", Group(TAX_DETAIL)),
    ("ApplyTaxAfterDiscount", Flag),
    ("SalesTermRef", Reference),
    ("ClassRef", Reference),
    ("DepartmentRef", Reference),
    ("ProjectRef", Reference),
    ("ShipMethodRef", Reference),
    ("ShipDate", Date),
    ("TrackingNum", Text(31)),
    ("BillAddr", Group(ADDRESS)),
    ("ShipAddr", Group(ADDRESS)),
    ("ShipFromAddr", Group(ADDRESS)),
    ("CustomField", Rows(CUSTOM_FIELD)),
    ("Deposit", Number),
    ("DepositToAccountRef", Reference),
    ("TotalAmt", ReadOnly),
    ("Balance", ReadOnly),
    ("HomeTotalAmt", ReadOnly),
    ("HomeBalance", ReadOnly),
    ("LinkedTxn", ReadOnly),
    ("DeliveryInfo", ReadOnly),
    ("InvoiceLink", ReadOnly),
    ("RecurDataRef", ReadOnly),
    ("FreeFormAddress", ReadOnly),
    ("EInvoiceStatus", ReadOnly),
    ("V4IDPseudonym", ReadOnly),
    ("CustomExtensions", ReadOnly),
];

pub(super) const CREDIT_MEMO: &[Field] = &[
    (
        "",
        Others(
            "AttachableRef TxnSubType TxnStatus TxnSource TaxFormType TaxFormNum \
TransactionLocationType Tag TxnApprovalInfo RecurringInfo TotalCostAmount \
HomeTotalCostAmount RemitToRef SalesRepRef PONumber FOB \
ShippingTaxIncludedInTotalTax TemplateRef ARAccountRef FinanceCharge \
PaymentType CheckPayment CreditCardPayment \
DiscountRate DiscountAmt GovtTxnRefIdentifier TaxExemptionRef PaymentMethodRef PaymentRefNum InvoiceRef CreditMemoEx",
        ),
    ),
    ("RemainingCredit", ReadOnly),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("CustomerRef", Reference),
    ("Line", Rows(LINE)),
    ("DocNumber", Text(21)),
    ("AutoDocNumber", Flag),
    ("TxnDate", Date),
    ("DueDate", Date),
    ("CustomerMemo", Memo(1000)),
    ("PrivateNote", Text(4000)),
    ("BillEmail", Group(EMAIL)),
    ("BillEmailCc", Group(EMAIL)),
    ("BillEmailBcc", Group(EMAIL)),
    (
        "EmailStatus",
        Choice(&["NotSet", "NeedToSend", "EmailSent"]),
    ),
    (
        "PrintStatus",
        Choice(&["NotSet", "NeedToPrint", "PrintComplete"]),
    ),
    ("CurrencyRef", Reference),
    ("ExchangeRate", Number),
    (
        "GlobalTaxCalculation",
        Choice(&["TaxExcluded", "TaxInclusive", "NotApplicable"]),
    ),
    ("TxnTaxDetail", Group(TAX_DETAIL)),
    ("ApplyTaxAfterDiscount", Flag),
    ("SalesTermRef", Reference),
    ("ClassRef", Reference),
    ("DepartmentRef", Reference),
    ("ProjectRef", Reference),
    ("ShipMethodRef", Reference),
    ("ShipDate", Date),
    ("TrackingNum", Text(31)),
    ("BillAddr", Group(ADDRESS)),
    ("ShipAddr", Group(ADDRESS)),
    ("ShipFromAddr", Group(ADDRESS)),
    ("CustomField", Rows(CUSTOM_FIELD)),
    ("DepositToAccountRef", Reference),
    ("TotalAmt", ReadOnly),
    ("Balance", ReadOnly),
    ("HomeTotalAmt", ReadOnly),
    ("HomeBalance", ReadOnly),
    ("LinkedTxn", ReadOnly),
    ("DeliveryInfo", ReadOnly),
    ("RecurDataRef", ReadOnly),
    ("FreeFormAddress", ReadOnly),
    ("V4IDPseudonym", ReadOnly),
    ("CustomExtensions", ReadOnly),
];

pub(super) const REFUND_RECEIPT: &[Field] = &[
    (
        "",
        Others(
            "AttachableRef TxnSubType TxnStatus TxnSource TaxFormType TaxFormNum \
TransactionLocationType Tag TxnApprovalInfo RecurringInfo TotalCostAmount \
HomeTotalCostAmount RemitToRef SalesRepRef PONumber FOB \
ShippingTaxIncludedInTotalTax TemplateRef ARAccountRef FinanceCharge \
PaymentType CheckPayment CreditCardPayment \
DiscountRate DiscountAmt GovtTxnRefIdentifier TaxExemptionRef RefundReceiptEx",
        ),
    ),
    ("PaymentMethodRef", Reference),
    ("PaymentRefNum", Text(21)),
    ("RemainingCredit", ReadOnly),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("CustomerRef", Reference),
    ("Line", Rows(LINE)),
    ("DocNumber", Text(21)),
    ("AutoDocNumber", Flag),
    ("TxnDate", Date),
    ("CustomerMemo", Memo(1000)),
    ("PrivateNote", Text(4000)),
    ("BillEmail", Group(EMAIL)),
    ("BillEmailCc", Group(EMAIL)),
    ("BillEmailBcc", Group(EMAIL)),
    (
        "EmailStatus",
        Choice(&["NotSet", "NeedToSend", "EmailSent"]),
    ),
    (
        "PrintStatus",
        Choice(&["NotSet", "NeedToPrint", "PrintComplete"]),
    ),
    ("CurrencyRef", Reference),
    ("ExchangeRate", Number),
    (
        "GlobalTaxCalculation",
        Choice(&["TaxExcluded", "TaxInclusive", "NotApplicable"]),
    ),
    ("TxnTaxDetail", Group(TAX_DETAIL)),
    ("ApplyTaxAfterDiscount", Flag),
    ("SalesTermRef", Reference),
    ("ClassRef", Reference),
    ("DepartmentRef", Reference),
    ("ProjectRef", Reference),
    ("ShipMethodRef", Reference),
    ("ShipDate", Date),
    ("TrackingNum", Text(31)),
    ("BillAddr", Group(ADDRESS)),
    ("ShipAddr", Group(ADDRESS)),
    ("ShipFromAddr", Group(ADDRESS)),
    ("CustomField", Rows(CUSTOM_FIELD)),
    ("DepositToAccountRef", Reference),
    ("TotalAmt", ReadOnly),
    ("Balance", ReadOnly),
    ("HomeTotalAmt", ReadOnly),
    ("HomeBalance", ReadOnly),
    ("LinkedTxn", ReadOnly),
    ("DeliveryInfo", ReadOnly),
    ("RecurDataRef", ReadOnly),
    ("FreeFormAddress", ReadOnly),
    ("V4IDPseudonym", ReadOnly),
    ("CustomExtensions", ReadOnly),
];
