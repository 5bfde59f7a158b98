//! The members of customers, vendors and employees.

use super::{ADDRESS, EMAIL};
use crate::qbo::shape::Field;
use crate::qbo::shape::Shape::{Choice, Date, Flag, Group, Others, ReadOnly, Reference, Text};

const PHONE: &[Field] = &[
    (
        "",
        Others("DeviceType CountryCode AreaCode ExchangeCode Extension Default Tag"),
    ),
    ("FreeFormNumber", Text(30)),
];
const WEB: &[Field] = &[("", Others("Default Tag")), ("URI", Text(1000))];

pub(super) const PARTY: &[Field] = &[
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
