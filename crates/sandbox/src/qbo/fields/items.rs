//! The members of products and services.

use crate::qbo::shape::Field;
use crate::qbo::shape::Shape::{Choice, Date, Flag, Number, Others, ReadOnly, Reference, Text};

pub(super) const ITEM: &[Field] = &[
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
