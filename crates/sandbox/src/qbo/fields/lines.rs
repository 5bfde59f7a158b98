//! The lines of sales documents, and the tax of the whole document.

use crate::qbo::shape::Field;
use crate::qbo::shape::Shape::{
    Choice, Date, Flag, Group, Number, Others, ReadOnly, Reference, Rows, Text,
};

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

pub(super) const LINE: &[Field] = &[
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

pub(super) const TAX_DETAIL: &[Field] = &[
    ("", Others("DefaultTaxCodeRef")),
    ("TxnTaxCodeRef", Reference),
    ("TotalTax", Number),
    ("TaxLine", Rows(TAX_LINE)),
    ("TaxReviewStatus", ReadOnly),
    ("UseAutomatedSalesTax", ReadOnly),
];
