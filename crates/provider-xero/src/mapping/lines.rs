//! Lines of an invoice or credit note: exact amounts, an account or an item, discounts as Xero takes them.
//!
//! A line's amount is ProjectLedger's, to the cent. Quantity, price and discount go along only when Xero would
//! compute the same amount from them (it keeps four decimals of a price, and credit notes have no discounts);
//! otherwise the line is one of its amount, and the description says the rest. Xero has no discount of a whole
//! document: it becomes one line below zero for each tax type, so that the tax follows it.

use model::document::{Discount, Line};
use model::{Failure, FailureKind};
use provider_kit::View;
use rust_decimal::Decimal;

use super::tax::{Taxed, Treatment};
use super::{accounts, arithmetic, text};
use crate::wire::{Exact, LineItem};

/// Decimals of a price that Xero keeps (`unitdp=4`), and of a percentage that it takes.
const PRICE_PLACES: u32 = 4;
/// Most characters of a quantity.
const QUANTITY: usize = 13;

/// What lines are built from.
pub(super) struct Sheet<'a> {
    pub(super) lines: &'a [Line],
    /// Of the whole document.
    pub(super) discount: Option<Discount>,
    /// `Invoice` or `Credit note` with its number, for a summary line.
    pub(super) title: String,
    /// Whether a line may carry its discount.
    pub(super) takes_discounts: bool,
}

/// A line with the rate that Xero will apply to it.
pub(super) struct Built {
    pub(super) item: LineItem,
    pub(super) amount: Decimal,
    pub(super) percent: Decimal,
}

/// All lines in Xero's words.
pub(super) fn build(
    view: &View<'_>,
    sheet: &Sheet<'_>,
    treatment: &Treatment,
) -> Result<Vec<Built>, Failure> {
    let pairs = || sheet.lines.iter().zip(&treatment.lines);
    let mut built = if view.settings.include_line_item_details {
        pairs()
            .map(|(line, taxed)| detailed(view, sheet, line, taxed))
            .collect::<Result<Vec<_>, _>>()?
    } else {
        summarised(view, sheet, treatment)?
    };
    if let Some(discount) = sheet.discount {
        let taken_off = discount_lines(view, sheet, treatment, discount)?;
        built.extend(taken_off);
    }
    Ok(built)
}

fn detailed(
    view: &View<'_>,
    sheet: &Sheet<'_>,
    line: &Line,
    taxed: &Taxed,
) -> Result<Built, Failure> {
    let item = item_of(view, line);
    let account = accounts::of_line(view, line, item.as_deref())?;
    let amount = line.amount.get();
    let numbers = if is_computed(sheet, line) {
        Numbers {
            quantity: line.quantity.get(),
            price: line.unit_price.get(),
            discount: line.discount,
        }
    } else {
        Numbers::just(amount)
    };
    let is_whole =
        numbers.quantity == line.quantity.get() && numbers.price == line.unit_price.get();
    let description = if is_whole && numbers.discount == line.discount {
        description(&line.description, "")
    } else {
        description(&line.description, &priced(line))
    };
    Ok(Built {
        item: LineItem {
            description: Some(description),
            item_code: item,
            account_code: account,
            tax_type: taxed.code.clone(),
            ..numbers.item()
        },
        amount,
        percent: taxed.percent,
    })
}

/// Quantity, price and discount of a line.
struct Numbers {
    quantity: Decimal,
    price: Decimal,
    discount: Option<Discount>,
}

impl Numbers {
    /// One of an amount.
    const fn just(amount: Decimal) -> Self {
        Self {
            quantity: Decimal::ONE,
            price: amount,
            discount: None,
        }
    }

    fn item(&self) -> LineItem {
        let (percent, sum) = match self.discount {
            None => (None, None),
            Some(Discount::Percent(rate)) => (Some(rate.get()), None),
            Some(Discount::Amount(amount)) => (None, Some(amount.get())),
        };
        LineItem {
            quantity: Some(Exact::new(self.quantity)),
            unit_amount: Some(Exact::new(self.price)),
            discount_rate: percent.map(Exact::new),
            discount_amount: sum.map(Exact::new),
            ..LineItem::default()
        }
    }
}

/// Whether Xero computes the line's amount from its numbers.
fn is_computed(sheet: &Sheet<'_>, line: &Line) -> bool {
    let places = |number: Decimal| number.normalize().scale();
    let (quantity, price) = (line.quantity.get(), line.unit_price.get());
    let discount_fits = match line.discount {
        None => true,
        Some(Discount::Percent(rate)) => {
            sheet.takes_discounts && places(rate.get()) <= PRICE_PLACES
        }
        Some(Discount::Amount(_)) => sheet.takes_discounts,
    };
    discount_fits
        && places(price) <= PRICE_PLACES
        && quantity.normalize().to_string().len() <= QUANTITY
        && arithmetic::amount(quantity, price, line.discount) == Some(line.amount.get())
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

/// What was sold and how; Xero wants at least one character.
fn description(what: &str, how: &str) -> String {
    let tidy = text::lines(what);
    let room = text::DESCRIPTION.saturating_sub(how.chars().count() + 1);
    let whole = format!("{} {how}", text::cut(&tidy, room));
    match whole.trim() {
        "" => "-".to_owned(),
        some => some.to_owned(),
    }
}

/// The item of the books for a line: its product's, else the default.
fn item_of(view: &View<'_>, line: &Line) -> Option<String> {
    let settings = view.settings;
    line.product_code
        .as_ref()
        .and_then(|code| settings.item_ids.get(code))
        .or(settings.default_item_id.as_ref())
        .filter(|code| !code.is_empty())
        .cloned()
}

/// Lines of one tax type.
struct Group<'a> {
    taxed: &'a Taxed,
    sum: Decimal,
    count: usize,
}

fn groups<'a>(lines: &[Line], treatment: &'a Treatment) -> Result<Vec<Group<'a>>, Failure> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (line, taxed) in lines.iter().zip(&treatment.lines) {
        let amount = line.amount.get();
        match groups.iter_mut().find(|group| group.taxed == taxed) {
            Some(group) => {
                group.sum = group.sum.checked_add(amount).ok_or_else(too_large)?;
                group.count += 1;
            }
            None => groups.push(Group {
                taxed,
                sum: amount,
                count: 1,
            }),
        }
    }
    Ok(groups)
}

/// One line for each tax type, for integrations that want no details.
fn summarised(
    view: &View<'_>,
    sheet: &Sheet<'_>,
    treatment: &Treatment,
) -> Result<Vec<Built>, Failure> {
    let account = shared_account(view, sheet)?;
    Ok(groups(sheet.lines, treatment)?
        .into_iter()
        .map(|group| {
            let unit = if group.count == 1 { "line" } else { "lines" };
            let title = format!("{} ({} {unit})", sheet.title, group.count);
            one_of(group.sum, title, account.clone(), group.taxed)
        })
        .collect())
}

/// The document's discount, shared out over the tax types.
fn discount_lines(
    view: &View<'_>,
    sheet: &Sheet<'_>,
    treatment: &Treatment,
    discount: Discount,
) -> Result<Vec<Built>, Failure> {
    let groups = groups(sheet.lines, treatment)?;
    let sums: Vec<Decimal> = groups.iter().map(|group| group.sum).collect();
    let (whole, title) = match discount {
        Discount::Amount(amount) => (amount.get(), "Discount".to_owned()),
        Discount::Percent(rate) => {
            let total = sums
                .iter()
                .try_fold(Decimal::ZERO, |all, sum| all.checked_add(*sum))
                .ok_or_else(too_large)?;
            let whole = arithmetic::percent_of(total, rate.get()).ok_or_else(too_large)?;
            (whole, format!("Discount {}%", rate.get().normalize()))
        }
    };
    let account = shared_account(view, sheet)?;
    let parts = arithmetic::shares(whole, &sums).ok_or_else(too_large)?;
    Ok(groups
        .iter()
        .zip(parts)
        .filter(|(_, part)| !part.is_zero())
        .map(|(group, part)| one_of(-part, title.clone(), account.clone(), group.taxed))
        .collect())
}

fn one_of(amount: Decimal, title: String, account: Option<String>, taxed: &Taxed) -> Built {
    Built {
        item: LineItem {
            description: Some(title),
            account_code: account,
            tax_type: taxed.code.clone(),
            ..Numbers::just(amount).item()
        },
        amount,
        percent: taxed.percent,
    }
}

/// The account of a line that stands for several: the general one, else the one that they share.
fn shared_account(view: &View<'_>, sheet: &Sheet<'_>) -> Result<Option<String>, Failure> {
    if let Some(account) = accounts::of_document(view)? {
        return Ok(Some(account));
    }
    let all = sheet
        .lines
        .iter()
        .map(|line| accounts::of_line(view, line, None))
        .collect::<Result<Vec<_>, _>>()?;
    let first = all.first().cloned().flatten();
    if first.is_some() && all.iter().all(|account| *account == first) {
        Ok(first)
    } else {
        Err(accounts::not_mapped())
    }
}

pub(super) fn too_large() -> Failure {
    Failure::new(
        FailureKind::Rejected,
        "TOTAL_TOO_LARGE",
        "The lines of this document add up to more than Xero can hold. Split the document in ProjectLedger.",
    )
}
