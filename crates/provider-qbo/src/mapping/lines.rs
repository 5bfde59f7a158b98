//! Lines of an invoice: exact amounts, always an item, a discount line at the end.
//!
//! A line's amount is ProjectLedger's, to the cent. Quantity and price go along only when QuickBooks would
//! compute the same amount from them (it refuses others with code 6070); otherwise the description says them.
//! A line without an item would be booked on the company's default item, in silence, so it is never sent.

use model::document::{Discount, Line, Product};
use model::{DocumentKind, Failure, FailureKind, Owner, Rounding};
use provider_kit::{Effect, LinkState, Need, View};
use rust_decimal::Decimal;

use super::sale::Sale;
use super::tax::Treatment;
use super::text;
use crate::ITEM;
use crate::entity::Entity;
use crate::wire::{self, DiscountDetail, Exact, Ref, SalesDetail};

/// All lines in QuickBooks' words; `items` has the item of each.
pub(super) fn build(
    view: &View<'_>,
    sale: &Sale<'_>,
    items: &[String],
    treatment: &Treatment,
) -> Result<Vec<wire::Line>, Failure> {
    let mut built = if view.settings.include_line_item_details {
        sale.lines
            .iter()
            .zip(items)
            .zip(&treatment.codes)
            .map(|((line, item), code)| {
                detailed(line, item, code.as_deref(), treatment.is_inclusive)
            })
            .collect()
    } else {
        summarised(view, sale, items, treatment)?
    };
    built.extend(sale.discount().map(discount_line));
    Ok(built)
}

/// The item of each line, and the products that must be in the books first (their lines have an empty item).
pub(super) fn items(view: &View<'_>, sale: &Sale<'_>) -> Result<(Vec<String>, Vec<Need>), Failure> {
    let mut items = Vec::with_capacity(sale.lines.len());
    let mut needs: Vec<Need> = Vec::new();
    for line in sale.lines {
        match item_of(view, line)? {
            Ok(item) => items.push(item),
            Err(need) => {
                items.push(String::new());
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
    }
    Ok((items, needs))
}

/// The item of the books for a line: as mapped, as made for its product, else the integration's default.
fn item_of(view: &View<'_>, line: &Line) -> Result<Result<String, Need>, Failure> {
    let settings = view.settings;
    let given = |id: Option<&String>| {
        id.map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
    };
    if let Some(code) = line.product_code.as_ref() {
        if let Some(item) = given(settings.item_ids.get(code)) {
            return Ok(Ok(item));
        }
        let id = Product::id_of(code);
        let product = view
            .links
            .get(DocumentKind::Product, &id, &Effect::main(ITEM));
        match product.map(|product| (product, product.state)) {
            Some((product, LinkState::Active)) => return Ok(Ok(product.external_id.clone())),
            Some((_, LinkState::Inactive | LinkState::Ended | LinkState::Gone)) => {
                return Err(item_unusable());
            }
            None if settings.create_items => {
                return Ok(Err(Need::Document {
                    kind: DocumentKind::Product,
                    id,
                }));
            }
            None => {}
        }
    }
    given(settings.default_item_id.as_ref())
        .map(Ok)
        .ok_or_else(item_not_mapped)
}

fn item_unusable() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "ITEM_INACTIVE",
        "The item that stands for a product on this document is inactive or gone in QuickBooks. Make it active \
         there, or choose another item for the product code in the integration's settings; then send it again.",
    )
    .owned_by(Owner::Bookkeeper)
}

fn item_not_mapped() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "ITEM_NOT_MAPPED",
        "A line of this document has no product or service in QuickBooks to be booked on. Choose a default \
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
    sale: &Sale<'_>,
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
    for (line, code) in sale.lines.iter().zip(&treatment.codes) {
        let code = code.as_deref();
        let amount = line.amount.get();
        if let Some(group) = groups.iter_mut().find(|(of, _, _)| *of == code) {
            group.1 = group.1.checked_add(amount).ok_or_else(too_large)?;
            group.2 += 1;
        } else {
            groups.push((code, amount, 1));
        }
    }
    let number = text::one_line(sale.number);
    let number = text::cut(&number, 200);
    let kind = match sale.entity {
        Entity::CreditMemo => "Credit note",
        Entity::Customer | Entity::Item | Entity::Invoice | Entity::Payment => "Invoice",
    };
    Ok(groups
        .into_iter()
        .map(|(code, amount, count)| {
            let unit = if count == 1 { "line" } else { "lines" };
            sales_line(
                amount,
                format!("{kind} {number} ({count} {unit})"),
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
        "The lines of this document add up to more than QuickBooks can hold. Split it in ProjectLedger.",
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
