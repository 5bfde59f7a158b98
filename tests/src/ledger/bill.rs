//! What an invoice or a credit note bills: lines, discounts, tax and totals, computed as the contract's "Sums" say.
//!
//! Written apart from the parser that checks them, so that the two can disagree. How tax follows from lines is
//! `ProjectLedger`'s own business: it rounds once per rate, after spreading the document's discount over the
//! rates by their sums.

use rand::Rng;
use rand::seq::IndexedRandom as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::business::{Business, Tax};
use super::words;

/// Most lines of a made-up invoice, and of a credit note.
const MOST_LINES: usize = 8;
const MOST_CREDIT_LINES: usize = 2;

/// What is billed.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    lines: Vec<Line>,
    discount: Option<Discount>,
    is_inclusive: bool,
    places: u32,
    net: Decimal,
    tax: Decimal,
}

#[derive(Clone, Debug)]
struct Line {
    what: &'static str,
    quantity: Decimal,
    unit_price: Decimal,
    discount: Option<Discount>,
    amount: Decimal,
    tax: Option<(Tax, Decimal)>,
    is_service: bool,
}

#[derive(Clone, Copy, Debug)]
enum Discount {
    Percent(Decimal),
    Amount(Decimal),
}

impl Bill {
    /// An invoice's.
    pub(super) fn of_invoice(random: &mut impl Rng, business: &Business, places: u32) -> Self {
        let is_inclusive = business.states_gross && random.random_ratio(1, 3);
        let lines = lines(random, business, places, MOST_LINES);
        let sum: Decimal = lines.iter().map(|line| line.amount).sum();
        // Off amounts that include tax, no two books agree on what is taken off the tax.
        let discount = if is_inclusive {
            None
        } else {
            Discount::random(random, 6, sum, places)
        };
        Self::adding_up(lines, discount, is_inclusive, places)
    }

    /// A credit note's: worth something, and nothing taken off.
    pub(super) fn of_credit_note(random: &mut impl Rng, business: &Business, places: u32) -> Self {
        let is_inclusive = business.states_gross && random.random_ratio(1, 3);
        loop {
            let lines = lines(random, business, places, MOST_CREDIT_LINES);
            let bill = Self::adding_up(lines, None, is_inclusive, places);
            if bill.gross() > Decimal::ZERO {
                return bill;
            }
        }
    }

    fn adding_up(
        mut lines: Vec<Line>,
        discount: Option<Discount>,
        is_inclusive: bool,
        places: u32,
    ) -> Self {
        let sum: Decimal = lines.iter().map(|line| line.amount).sum();
        let off = match discount {
            None => Decimal::ZERO,
            Some(Discount::Amount(amount)) => amount,
            Some(Discount::Percent(percent)) => {
                rounded(sum * percent / Decimal::ONE_HUNDRED, places)
            }
        };
        let tax = charge(&mut lines, off, is_inclusive, places);
        let stated = sum - off;
        Self {
            lines,
            discount,
            is_inclusive,
            places,
            net: if is_inclusive { stated - tax } else { stated },
            tax,
        }
    }

    pub(super) fn gross(&self) -> Decimal {
        self.net + self.tax
    }

    /// Lines, totals and what belongs to them.
    pub(super) fn to_json(&self) -> Value {
        let money = |amount| shown(amount, self.places);
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| line.to_json(self.places))
            .collect();
        let mut data = json!({
            "lines": lines,
            "totals": {"net": money(self.net), "tax": money(self.tax), "gross": money(self.gross())},
        });
        if let Some(discount) = self.discount {
            data["discount"] = discount.to_json(self.places);
        }
        if self.is_inclusive {
            data["taxInclusive"] = json!(true);
        }
        data
    }
}

fn lines(random: &mut impl Rng, business: &Business, places: u32, most: usize) -> Vec<Line> {
    let count = random.random_range(1..=most);
    (0..count)
        .map(|_| Line::random(random, business, places))
        .collect()
}

impl Line {
    fn random(random: &mut impl Rng, business: &Business, places: u32) -> Self {
        let quantity_places = [0, 0, 0, 1, 2, 3, 5][random.random_range(0..7)];
        let price_places = [0, places, places, 4, 6][random.random_range(0..5)];
        let quantity = decimal(random, 60, quantity_places);
        let unit_price = decimal(random, 900, price_places);
        let product = quantity * unit_price;
        let discount = Discount::random(random, 5, product, places);
        let kept = match discount {
            None => product,
            Some(Discount::Amount(amount)) => product - amount,
            Some(Discount::Percent(percent)) => {
                product * (Decimal::ONE_HUNDRED - percent) / Decimal::ONE_HUNDRED
            }
        };
        let is_untaxed = business.has_untaxed_lines && random.random_ratio(1, 3);
        let tax = business.taxes.choose(random).filter(|_| !is_untaxed);
        Self {
            what: words::goods(random),
            quantity,
            unit_price,
            discount,
            amount: rounded(kept, places),
            tax: tax.map(|tax| (tax.clone(), Decimal::ZERO)),
            is_service: random.random_ratio(1, 3),
        }
    }

    fn rate_id(&self) -> Option<&str> {
        self.tax.as_ref().map(|(tax, _)| tax.rate_id.as_str())
    }

    fn to_json(&self, places: u32) -> Value {
        let mut line = json!({
            "description": self.what,
            "quantity": self.quantity.to_string(),
            "unitPrice": self.unit_price.to_string(),
            "amount": shown(self.amount, places),
        });
        if let Some(discount) = self.discount {
            line["discount"] = discount.to_json(places);
        }
        if let Some((tax, amount)) = &self.tax {
            line["tax"] = json!({
                "rateId": tax.rate_id,
                "percent": tax.percent.to_string(),
                "amount": shown(*amount, places),
            });
        }
        if self.is_service {
            line["category"] = json!("services");
        }
        line
    }
}

impl Discount {
    /// One time in `rarity` a discount on `off`.
    fn random(random: &mut impl Rng, rarity: u32, off: Decimal, places: u32) -> Option<Self> {
        if !random.random_ratio(1, rarity) {
            return None;
        }
        if random.random_ratio(1, 2) {
            return Some(Self::Percent(decimal(random, 30, 2)));
        }
        let part = off / Decimal::from(random.random_range(3..30));
        Some(Self::Amount(part.trunc_with_scale(places)))
    }

    fn to_json(self, places: u32) -> Value {
        match self {
            Self::Percent(percent) => json!({"percent": percent.to_string()}),
            Self::Amount(amount) => json!({"amount": shown(amount, places)}),
        }
    }
}

/// Charges each rate once on what its lines come to after their share of `off`; answers the whole tax.
///
/// Taxed lines come first: when the discount cannot be spread evenly, the untaxed ones take the odd cent.
fn charge(lines: &mut [Line], off: Decimal, is_inclusive: bool, places: u32) -> Decimal {
    let mut rates: Vec<Option<String>> = Vec::new();
    for line in lines.iter() {
        let rate = line.rate_id().map(str::to_owned);
        if !rates.contains(&rate) {
            rates.push(rate);
        }
    }
    rates.sort_by_key(Option::is_none);
    let all: Decimal = lines.iter().map(|line| line.amount).sum();
    let last = rates.len().saturating_sub(1);
    let mut off_left = off;
    let mut whole = Decimal::ZERO;
    for (index, rate) in rates.iter().enumerate() {
        let mut alike: Vec<&mut Line> = lines
            .iter_mut()
            .filter(|line| line.rate_id() == rate.as_deref())
            .collect();
        let sum: Decimal = alike.iter().map(|line| line.amount).sum();
        let share = if index == last {
            off_left
        } else {
            rounded(part_of(off, sum, all), places)
        };
        off_left -= share;
        whole += charge_alike(&mut alike, sum - share, is_inclusive, places);
    }
    whole
}

/// The tax on `base`, shared out over the lines; the last one takes what is left.
fn charge_alike(
    alike: &mut [&mut Line],
    base: Decimal,
    is_inclusive: bool,
    places: u32,
) -> Decimal {
    let Some(percent) = alike[0].tax.as_ref().map(|(tax, _)| tax.percent) else {
        return Decimal::ZERO;
    };
    let of = if is_inclusive {
        Decimal::ONE_HUNDRED + percent
    } else {
        Decimal::ONE_HUNDRED
    };
    let whole = rounded(base * percent / of, places);
    let sum: Decimal = alike.iter().map(|line| line.amount).sum();
    let last = alike.len() - 1;
    let mut left = whole;
    for (index, line) in alike.iter_mut().enumerate() {
        let part = if index == last {
            left
        } else {
            part_of(whole, line.amount, sum).trunc_with_scale(places)
        };
        left -= part;
        if let Some((_, amount)) = &mut line.tax {
            *amount = part;
        }
    }
    whole
}

/// The part of `whole` that belongs to `share` of `all`.
fn part_of(whole: Decimal, share: Decimal, all: Decimal) -> Decimal {
    if all.is_zero() {
        return Decimal::ZERO;
    }
    whole * share / all
}

/// Above zero, up to about `most`, with so many decimal places.
fn decimal(random: &mut impl Rng, most: i64, places: u32) -> Decimal {
    let units = random.random_range(1..=most * 10_i64.pow(places));
    Decimal::new(units, places)
}

fn rounded(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// An amount with all the places of its currency.
pub(super) fn shown(amount: Decimal, places: u32) -> String {
    let mut amount = amount;
    amount.rescale(places);
    amount.to_string()
}
