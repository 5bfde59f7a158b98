//! The members of each writable entity, with the lengths of fact sheet section 5.

use super::kind::Kind;
use super::shape::Field;
use super::shape::Shape::{
    Choice, Date, Flag, Group, Memo, Number, Others, ReadOnly, Reference, Rows, Text,
};

/// The members of a kind that may be written.
pub fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => PARTY,
        Kind::Item => ITEM,
        Kind::Invoice => INVOICE,
        Kind::Account
        | Kind::TaxCode
        | Kind::TaxRate
        | Kind::Term
        | Kind::CompanyInfo
        | Kind::Preferences => &[],
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

const PHONE: &[Field] = &[
    (
        "",
        Others("DeviceType CountryCode AreaCode ExchangeCode Extension Default Tag"),
    ),
    ("FreeFormNumber", Text(30)),
];
const EMAIL: &[Field] = &[("", Others("Default Tag")), ("Address", Text(100))];
const WEB: &[Field] = &[("", Others("Default Tag")), ("URI", Text(1000))];

const PARTY: &[Field] = &[
    (
        "",
        Others(
            "CustomField AttachableRef IntuitId Organization UserId OtherContactInfo \
OtherAddr ContactName AltContactName RootCustomerRef SalesRepRef \
TaxGroupCodeRef TaxRateRef CCDetail PriceLevelRef CreditLimit AcctNum \
OverDueBalance TotalRevenue TotalExpense JobInfo TDSEnabled CustomerEx \
SecondaryTaxIdentifier ARAccountRef BusinessNumber GSTIN GSTRegistrationType \
IsCISContractor ClientCompanyId Source TaxRegime",
        ),
    ),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("DisplayName", Text(500)),
    ("Title", Text(16)),
    ("GivenName", Text(100)),
    ("MiddleName", Text(100)),
    ("FamilyName", Text(100)),
    ("Suffix", Text(16)),
    ("CompanyName", Text(100)),
    ("PrintOnCheckName", Text(100)),
    ("Active", Flag),
    ("Notes", Text(1024)),
    ("PrimaryEmailAddr", Group(EMAIL)),
    ("PrimaryPhone", Group(PHONE)),
    ("AlternatePhone", Group(PHONE)),
    ("Mobile", Group(PHONE)),
    ("Fax", Group(PHONE)),
    ("WebAddr", Group(WEB)),
    ("BillAddr", Group(ADDRESS)),
    ("ShipAddr", Group(ADDRESS)),
    ("CurrencyRef", Reference),
    ("SalesTermRef", Reference),
    ("PaymentMethodRef", Reference),
    ("CustomerTypeRef", Reference),
    ("DefaultTaxCodeRef", Reference),
    ("ParentRef", Reference),
    ("Job", Flag),
    ("BillWithParent", Flag),
    (
        "PreferredDeliveryMethod",
        Choice(&["Print", "Email", "None"]),
    ),
    ("ResaleNum", Text(16)),
    ("Taxable", Flag),
    ("TaxExemptionReasonId", Text(2)),
    ("PrimaryTaxIdentifier", Text(20)),
    ("Balance", ReadOnly),
    ("BalanceWithJobs", ReadOnly),
    ("FullyQualifiedName", ReadOnly),
    ("Level", ReadOnly),
    ("IsProject", ReadOnly),
    ("ClientEntityId", ReadOnly),
    ("V4IDPseudonym", ReadOnly),
    ("OpenBalanceDate", Date),
];

const ITEM: &[Field] = &[
    (
        "",
        Others(
            "CustomField AttachableRef PercentBased RatePercent PaymentMethodRef UOMSetRef \
PurchaseTaxIncluded COGSAccountRef PrefVendorRef AvgCost QtyOnPurchaseOrder \
QtyOnSalesOrder ReorderPoint ManPartNum DepositToAccountRef PurchaseTaxCodeRef \
BuildPoint PrintGroupedItems SpecialItem SpecialItemType ItemGroupDetail \
ItemAssemblyDetail AbatementRate ReverseChargeRate ServiceType \
ItemCategoryType ItemEx TaxClassificationRef UQCDisplayText UQCId Source \
CustomExtensions",
        ),
    ),
    ("Id", ReadOnly),
    ("SyncToken", ReadOnly),
    ("sparse", ReadOnly),
    ("domain", ReadOnly),
    ("MetaData", ReadOnly),
    ("status", ReadOnly),
    ("Name", Text(100)),
    ("Sku", Text(100)),
    ("Description", Text(4000)),
    ("PurchaseDesc", Text(1000)),
    ("Active", Flag),
    (
        "Type",
        Choice(&["Service", "NonInventory", "Inventory", "Category"]),
    ),
    ("UnitPrice", Number),
    ("PurchaseCost", Number),
    ("Taxable", Flag),
    ("SalesTaxIncluded", Flag),
    ("SalesTaxCodeRef", Reference),
    ("IncomeAccountRef", Reference),
    ("ExpenseAccountRef", Reference),
    ("AssetAccountRef", Reference),
    ("InvStartDate", Date),
    ("QtyOnHand", Number),
    ("TrackQtyOnHand", Flag),
    ("SubItem", Flag),
    ("ParentRef", Reference),
    ("ClassRef", Reference),
    ("DeferredRevenue", Flag),
    ("FullyQualifiedName", ReadOnly),
    ("Level", ReadOnly),
];

const SALES_DETAIL: &[Field] = &[
    (
        "",
        Others(
            "UnitCostPrice RatePercent PriceLevelRef MarkupInfo UOMRef InventorySiteRef \
DeferredRevenue RetainageAmount SalesItemLineDetailEx",
        ),
    ),
    ("ItemRef", Reference),
    ("UnitPrice", Number),
    ("Qty", Number),
    ("ServiceDate", Date),
    ("TaxCodeRef", Reference),
    ("ClassRef", Reference),
    ("TaxInclusiveAmt", Number),
    ("DiscountRate", Number),
    ("DiscountAmt", Number),
    ("ItemAccountRef", ReadOnly),
    ("TaxClassificationRef", ReadOnly),
];

const DISCOUNT_DETAIL: &[Field] = &[
    ("", Others("DiscountRef ServiceDate DiscountLineDetailEx")),
    ("PercentBased", Flag),
    ("DiscountPercent", Number),
    ("DiscountAccountRef", Reference),
    ("TaxCodeRef", Reference),
    ("ClassRef", Reference),
];

const DESCRIPTION_DETAIL: &[Field] = &[
    ("", Others("DescriptionLineDetailEx")),
    ("ServiceDate", Date),
    ("TaxCodeRef", Reference),
];

const LINE: &[Field] = &[
    (
        "",
        Others("Received CustomField ProjectRef CostAmount HomeCostAmount"),
    ),
    ("Id", Text(20)),
    ("LineNum", Number),
    ("Description", Text(4000)),
    ("Amount", Number),
    (
        "DetailType",
        Choice(&[
            "SalesItemLineDetail",
            "DescriptionOnly",
            "DiscountLineDetail",
            "SubTotalLineDetail",
            "GroupLineDetail",
        ]),
    ),
    ("SalesItemLineDetail", Group(SALES_DETAIL)),
    ("DiscountLineDetail", Group(DISCOUNT_DETAIL)),
    ("DescriptionLineDetail", Group(DESCRIPTION_DETAIL)),
    ("SubTotalLineDetail", ReadOnly),
    ("GroupLineDetail", ReadOnly),
    ("LinkedTxn", ReadOnly),
    ("CustomExtensions", ReadOnly),
    ("LineEx", ReadOnly),
];

const TAX_LINE_DETAIL: &[Field] = &[
    ("", Others("ServiceDate TaxLineDetailEx")),
    ("TaxRateRef", Reference),
    ("PercentBased", Flag),
    ("TaxPercent", Number),
    ("NetAmountTaxable", Number),
    ("TaxInclusiveAmount", Number),
    ("OverrideDeltaAmount", Number),
];

const TAX_LINE: &[Field] = &[
    ("Amount", Number),
    ("DetailType", Choice(&["TaxLineDetail"])),
    ("TaxLineDetail", Group(TAX_LINE_DETAIL)),
];

const TAX_DETAIL: &[Field] = &[
    ("", Others("DefaultTaxCodeRef")),
    ("TxnTaxCodeRef", Reference),
    ("TotalTax", Number),
    ("TaxLine", Rows(TAX_LINE)),
    ("TaxReviewStatus", ReadOnly),
    ("UseAutomatedSalesTax", ReadOnly),
];

const CUSTOM_FIELD: &[Field] = &[
    ("", Others("BooleanValue DateValue NumberValue")),
    ("DefinitionId", Text(20)),
    ("Name", Text(30)),
    ("Type", Choice(&["StringType"])),
    ("StringValue", Text(31)),
];

const INVOICE: &[Field] = &[
    (
        "",
        Others(
            "AttachableRef TxnSubType TxnStatus TxnSource TaxFormType TaxFormNum \
TransactionLocationType Tag TxnApprovalInfo RecurringInfo TotalCostAmount \
HomeTotalCostAmount RemitToRef SalesRepRef PONumber FOB \
ShippingTaxIncludedInTotalTax TemplateRef ARAccountRef FinanceCharge \
PaymentMethodRef PaymentRefNum PaymentType CheckPayment CreditCardPayment \
DiscountRate DiscountAmt GovtTxnRefIdentifier TaxExemptionRef \
ECloudStatusTimeStamp GlobalInfo invoiceStatus callToAction invoiceStatusLog \
InvoiceEx LessCIS PaymentDetailsMessage ConvenienceFeeDetail \
EnabledSurchargeInfo InvoiceLinkSecurityCode InvoiceLinkExpiryDate \
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
