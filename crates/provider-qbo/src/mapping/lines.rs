//! Lines of an invoice: exact amounts, always an item, a discount line at the end.
//!
//! A line's amount is ProjectLedger's, to the cent. Quantity and price go along only when QuickBooks would
//! compute the same amount from them (it refuses others with code 6070); otherwise the description says them.
//! A line without an item would be booked on the company's default item, in silence, so it is never sent.

use model::document::{Discount, Invoice, Line};
use model::{Failure, FailureKind, Rounding};
use provider_kit::View;
use rust_decimal::Decimal;

use super::tax::Treatment;
use super::text;
use crate::wire::{self, DiscountDetail, Exact, Ref, SalesDetail};

/// All lines in QuickBooks' words.
pub(super) fn build(
    view: &View<'_>,
    invoice: &Invoice,
    treatment: &Treatment,
) -> Result<Vec<wire::Line>, Failure> {
    let items = invoice
        .lines
        .iter()
        .map(|line| item_of(view, line))
        .collect::<Result<Vec<_>, _>>()?;
    let mut built = if view.settings.include_line_item_details {
        invoice
            .lines
            .iter()
            .zip(&items)
            .zip(&treatment.codes)
            .map(|((line, item), code)| {
                detailed(line, item, code.as_deref(), treatment.is_inclusive)
            })
            .collect()
    } else {
        summarised(view, invoice, &items, treatment)?
    };
    built.extend(discount(invoice).map(discount_line));
    Ok(built)
}

/// The document's discount, when it takes anything off.
pub(super) fn discount(invoice: &Invoice) -> Option<Discount> {
    invoice.discount.filter(|discount| match discount {
        Discount::Percent(rate) => !rate.get().is_zero(),
        Discount::Amount(amount) => !amount.get().is_zero(),
    })
}

/// The item of the books for a line: its product's, else the integration's default.
fn item_of(view: &View<'_>, line: &Line) -> Result<String, Failure> {
    let settings = view.settings;
    line.product_code
        .as_ref()
        .and_then(|code| settings.item_ids.get(code))
        .or(settings.default_item_id.as_ref())
        .filter(|id| !id.is_empty())
        .cloned()
        .ok_or_else(item_not_mapped)
}

fn item_not_mapped() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "ITEM_NOT_MAPPED",
        "A line of this invoice has no product or service in QuickBooks to be booked on. Choose a default \
         item, or an item for its product code, in the integration's settings, then send it again.",
    )
}

fn detailed(line: &Line, item: &str, code: Option<&str>, is_inclusive: bool) -> wire::Line {
    let amount = line.amount.get();
    let (quantity, price) = (line.quantity.get(), line.unit_price.get());
    let is_product = line.discount.is_none()
        && quantity
            .checked_mul(price)
            .is_some_and(|product| Rounding::HalfUp.apply(product, 2) == amount);
    let what = text::lines(&line.description);
    let description = if is_product {
        text::cut(&what, text::DESCRIPTION).to_owned()
    } else {
        let how = priced(line);
        let room = text::DESCRIPTION.saturating_sub(how.len() + 1);
        let what = text::cut(&what, room);
        format!("{what} {how}").trim_start().to_owned()
    };
    sales_line(
        amount,
        description,
        SalesDetail {
            item_ref: Some(Ref::to(item)),
            qty: is_product.then(|| Exact::new(quantity)),
            unit_price: is_product.then(|| Exact::new(price)),
            tax_code_ref: code.map(Ref::to),
            tax_inclusive_amt: is_inclusive.then(|| Exact::new(amount)),
        },
    )
}

/// Quantity, price and discount in words, where they cannot be sent as numbers.
fn priced(line: &Line) -> String {
    let taken_off = match line.discount {
        Some(Discount::Percent(rate)) => format!(" less {}%", rate.get().normalize()),
        Some(Discount::Amount(amount)) => format!(" less {}", amount.get().normalize()),
        None => String::new(),
    };
    format!(
        "({} x {}{taken_off})",
        line.quantity.get().normalize(),
        line.unit_price.get().normalize()
    )
}

/// One line for each tax code, for integrations that want no details.
fn summarised(
    view: &View<'_>,
    invoice: &Invoice,
    items: &[String],
    treatment: &Treatment,
) -> Result<Vec<wire::Line>, Failure> {
    let is_one_item = items.windows(2).all(|pair| pair[0] == pair[1]);
    let shared = items.first().filter(|_| is_one_item);
    let item = view
        .settings
        .default_item_id
        .as_ref()
        .filter(|id| !id.is_empty())
        .or(shared)
        .ok_or_else(item_not_mapped)?;
    let mut groups: Vec<(Option<&str>, Decimal, usize)> = Vec::new();
    for (line, code) in invoice.lines.iter().zip(&treatment.codes) {
        let code = code.as_deref();
        let amount = line.amount.get();
        if let Some(group) = groups.iter_mut().find(|(of, _, _)| *of == code) {
            group.1 = group.1.checked_add(amount).ok_or_else(too_large)?;
            group.2 += 1;
        } else {
            groups.push((code, amount, 1));
        }
    }
    let number = text::one_line(&invoice.number);
    let number = text::cut(&number, 200);
    Ok(groups
        .into_iter()
        .map(|(code, amount, count)| {
            let unit = if count == 1 { "line" } else { "lines" };
            sales_line(
                amount,
                format!("Invoice {number} ({count} {unit})"),
                SalesDetail {
                    item_ref: Some(Ref::to(item)),
                    tax_code_ref: code.map(Ref::to),
                    tax_inclusive_amt: treatment.is_inclusive.then(|| Exact::new(amount)),
                    ..SalesDetail::default()
                },
            )
        })
        .collect())
}

fn too_large() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TOTAL_TOO_LARGE",
        "The lines of this invoice add up to more than QuickBooks can hold. Split the invoice in ProjectLedger.",
    )
}

fn sales_line(amount: Decimal, description: String, detail: SalesDetail) -> wire::Line {
    wire::Line {
        description: (!description.is_empty()).then_some(description),
        amount: Some(Exact::new(amount)),
        detail_type: Some(wire::SALES.to_owned()),
        sales_item_line_detail: Some(detail),
        ..wire::Line::default()
    }
}

fn discount_line(discount: Discount) -> wire::Line {
    let (amount, percent) = match discount {
        Discount::Percent(rate) => (None, Some(Exact::new(rate.get()))),
        Discount::Amount(amount) => (Some(Exact::new(amount.get())), None),
    };
    wire::Line {
        amount,
        detail_type: Some(wire::DISCOUNT.to_owned()),
        discount_line_detail: Some(DiscountDetail {
            percent_based: Some(percent.is_some()),
            discount_percent: percent,
        }),
        ..wire::Line::default()
    }
}
