//! The arithmetic a document must obey, to the last minor unit and without tolerance.
//!
//! - A line's amount is quantity × unit price, less the line's discount, rounded **once**, half away from
//!   zero, to the currency's minor unit. A percentage is taken off the unrounded product.
//! - The lines' amounts add up; the document's discount is taken off that sum (a percentage of it rounded
//!   the same way). The result is the net total, or the gross total when the document is tax inclusive.
//! - Each line's tax is its share of the document's tax: the shares add up to the total tax.
//! - Net plus tax is gross.
//!
//! Everything is computed in whole numbers of 128 bits: the largest product (quantity of 12 digits, price of
//! 14, percentage of 9) has 35 digits and 128 bits hold 38. `rust_decimal` would round it silently at 28.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::fault::{Code, Fault};
use super::reader::Fields;
use crate::document::{Allocation, CreditNote, Discount, Line, Totals};
use crate::money::{Amount, Currency};

/// 0 per cent.
pub(super) const NOTHING: Decimal = Decimal::ZERO;
/// 100 per cent.
pub(super) const WHOLE: Decimal = Decimal::ONE_HUNDRED;

/// What the totals of an invoice or credit note follow from.
pub(super) struct Bill<'d> {
    pub(super) currency: Currency,
    pub(super) lines: &'d [Line],
    pub(super) discount: Option<Discount>,
    pub(super) tax_inclusive: bool,
    pub(super) totals: Totals,
}

/// Checks that a line's amount follows from its other numbers.
pub(super) fn check_line(
    fields: &Fields<'_>,
    line: &Line,
    currency: Currency,
) -> Result<(), Fault> {
    let product = Exact::of(line.quantity.get()).times(Exact::of(line.unit_price.get()));
    let places = currency.minor_units();
    let wanted = match line.discount {
        None => product,
        Some(Discount::Percent(percent)) => {
            product.times(Exact::of(WHOLE - percent.get())).percent()
        }
        Some(Discount::Amount(amount)) => {
            let discount = Exact::of(amount.get());
            check_discount(fields, discount, product)?;
            product.minus(discount)
        }
    }
    .round(places);
    if wanted == minor_units(line.amount, places) {
        return Ok(());
    }
    let advice = format!(
        "quantity times unit price less discount makes {} and the line says {}; rounding is once per line, \
         half up, to {places} places",
        shown(wanted, places),
        line.amount
    );
    Err(fields.fault("amount", Code::LineAmountMismatch, advice))
}

/// Checks that the totals follow from the lines.
pub(super) fn check_totals(data: &Fields<'_>, bill: &Bill<'_>) -> Result<(), Fault> {
    let places = bill.currency.minor_units();
    let units = |amount| minor_units(amount, places);
    let Totals { net, tax, gross } = bill.totals;
    if units(net) + units(tax) != units(gross) {
        let advice = format!("net {net} plus tax {tax} is not gross {gross}; correct the totals");
        return Err(total_fault(data, "gross", Code::GrossMismatch, advice));
    }

    let sum: i128 = bill.lines.iter().map(|line| units(line.amount)).sum();
    let sum = Exact {
        digits: sum,
        places,
    };
    let after_discount = match bill.discount {
        None => sum,
        Some(Discount::Percent(percent)) => sum.minus(Exact {
            digits: sum.times(Exact::of(percent.get())).percent().round(places),
            places,
        }),
        Some(Discount::Amount(amount)) => {
            let discount = Exact::of(amount.get());
            check_discount(data, discount, sum)?;
            sum.minus(discount)
        }
    }
    .round(places);
    let (name, stated) = if bill.tax_inclusive {
        ("gross", gross)
    } else {
        ("net", net)
    };
    if after_discount != units(stated) {
        let advice = format!(
            "the lines less the document's discount make {} and the {name} total says {stated}; correct one",
            shown(after_discount, places)
        );
        return Err(total_fault(data, name, Code::LinesSumMismatch, advice));
    }

    let taxes = bill.lines.iter().filter_map(|line| line.tax.as_ref());
    let tax_sum: i128 = taxes.map(|tax| units(tax.amount)).sum();
    if tax_sum != units(tax) {
        let advice = format!(
            "the lines' taxes make {} and the tax total says {tax}; give each line its share",
            shown(tax_sum, places)
        );
        return Err(total_fault(data, "tax", Code::TaxSumMismatch, advice));
    }
    Ok(())
}

/// Checks a credit note: its sums as an invoice's, no line below zero, more than nothing in all.
pub(super) fn check_credit(data: &Fields<'_>, note: &CreditNote) -> Result<(), Fault> {
    if let Some(index) = note
        .lines
        .iter()
        .position(|line| line.amount < Amount::ZERO)
    {
        let path = format!("{}[{index}].amount", data.path_of("lines"));
        let advice = "a credit note's lines are positive; send the amount without a sign";
        return Err(Fault::new(Code::Negative, path, advice));
    }
    if note.totals.gross == Amount::ZERO {
        let advice = "a credit note over nothing changes no books; send one above zero";
        return Err(total_fault(
            data,
            "gross",
            Code::NotPositive,
            advice.to_owned(),
        ));
    }
    check_totals(
        data,
        &Bill {
            currency: note.currency,
            lines: &note.lines,
            discount: None,
            tax_inclusive: note.tax_inclusive,
            totals: note.totals,
        },
    )
}

/// Checks that allocations name each invoice once and do not exceed what there is.
pub(super) fn check_allocations(
    data: &Fields<'_>,
    allocations: &[Allocation],
    most: Amount,
) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for (index, allocation) in allocations.iter().enumerate() {
        if !seen.insert(&allocation.invoice_id) {
            let path = format!("{}[{index}].invoiceId", data.path_of("allocations"));
            let advice = "the invoice is named twice; add the two amounts up";
            return Err(Fault::new(Code::DuplicateEntry, path, advice));
        }
    }
    let sum = crate::money::sum(allocations.iter().map(|allocation| allocation.amount))
        .map_err(|error| data.money_fault("allocations", &error))?;
    if sum <= most {
        return Ok(());
    }
    let advice = format!("the allocations make {sum} and there is {most}; allocate less");
    Err(data.fault("allocations", Code::OverAllocated, advice))
}

fn check_discount(fields: &Fields<'_>, discount: Exact, off: Exact) -> Result<(), Fault> {
    if off.minus(discount).digits >= 0 || discount.digits == 0 {
        return Ok(());
    }
    let advice = "the discount is more than what it is taken off; send a smaller one";
    Err(fields.fault("discount", Code::DiscountOutOfRange, advice))
}

fn total_fault(data: &Fields<'_>, name: &str, code: Code, advice: String) -> Fault {
    Fault::new(code, format!("{}.{name}", data.path_of("totals")), advice)
}

/// An amount in minor units; amounts are already known to have no smaller part.
fn minor_units(amount: Amount, places: u32) -> i128 {
    Exact::of(amount.get()).round(places)
}

fn shown(units: i128, places: u32) -> String {
    Decimal::try_from_i128_with_scale(units, places)
        .map_or_else(|_| "too much".to_owned(), |amount| amount.to_string())
}

/// A decimal of any length that 128 bits hold: `digits` × 10^-`places`.
#[derive(Clone, Copy)]
struct Exact {
    digits: i128,
    places: u32,
}

impl Exact {
    fn of(value: Decimal) -> Self {
        let value = value.normalize();
        Self {
            digits: value.mantissa(),
            places: value.scale(),
        }
    }

    const fn times(self, other: Self) -> Self {
        Self {
            digits: self.digits * other.digits,
            places: self.places + other.places,
        }
    }

    const fn percent(self) -> Self {
        Self {
            digits: self.digits,
            places: self.places + 2,
        }
    }

    fn minus(self, other: Self) -> Self {
        let places = self.places.max(other.places);
        Self {
            digits: self.widened(places) - other.widened(places),
            places,
        }
    }

    const fn widened(self, places: u32) -> i128 {
        self.digits * 10_i128.pow(places - self.places)
    }

    /// Rounds once, half away from zero, and gives the whole number of units of that place.
    fn round(self, places: u32) -> i128 {
        if self.places <= places {
            return self.widened(places);
        }
        let unit = 10_i128.pow(self.places - places);
        let (whole, rest) = (self.digits / unit, self.digits % unit);
        let up = i128::from(rest.abs() * 2 >= unit);
        whole + up * rest.signum()
    }
}
