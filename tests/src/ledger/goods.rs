//! What an invoice bills: lines, discounts and totals, computed as the contract's "Sums" say.
//!
//! Written apart from the parser that checks them, so that the two can disagree.

use chrono::{Days, NaiveDate};
use rand::Rng;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::{Business, Tax, words};

/// Most lines of a made-up invoice.
const MOST_LINES: usize = 8;

/// All that can change about an issued invoice.
#[derive(Clone, Debug)]
pub(super) struct Goods {
    lines: Vec<Line>,
    discount: Option<Discount>,
    places: u32,
    net: Decimal,
    tax: Decimal,
    due_after: Option<u64>,
    terms: Option<&'static str>,
    reference: Option<String>,
    notes: Option<&'static str>,
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

impl Goods {
    pub(super) fn random(random: &mut impl Rng, business: &Business) -> Self {
        let places = business.currency.minor_units();
        let count = random.random_range(1..=MOST_LINES);
        let mut lines: Vec<Line> = (0..count).map(|_| Line::random(random, places)).collect();
        let sum: Decimal = lines.iter().map(|line| line.amount).sum();
        let discount = Discount::random(random, 6, sum, places);
        let net = match discount {
            None => sum,
            Some(Discount::Amount(amount)) => sum - amount,
            Some(Discount::Percent(percent)) => {
                sum - rounded(sum * percent / Decimal::ONE_HUNDRED, places)
            }
        };
        let tax = share_tax(&mut lines, business.tax.as_ref(), net, places);
        Self {
            lines,
            discount,
            places,
            net,
            tax,
            due_after: random
                .random_ratio(3, 4)
                .then(|| random.random_range(0..60)),
            terms: words::terms(random),
            reference: words::reference(random),
            notes: words::notes(random),
        }
    }

    pub(super) fn gross(&self) -> Decimal {
        self.net + self.tax
    }

    pub(super) fn to_json(&self, issued_on: NaiveDate) -> Value {
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
        if let Some(days) = self.due_after {
            data["dueOn"] = json!(issued_on + Days::new(days));
        }
        if let Some(terms) = self.terms {
            data["terms"] = json!(terms);
        }
        if let Some(reference) = &self.reference {
            data["reference"] = json!(reference);
        }
        if let Some(notes) = self.notes {
            data["notes"] = json!(notes);
        }
        data
    }
}

impl Line {
    fn random(random: &mut impl Rng, places: u32) -> Self {
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
        Self {
            what: words::goods(random),
            quantity,
            unit_price,
            discount,
            amount: rounded(kept, places),
            tax: None,
            is_service: random.random_ratio(1, 3),
        }
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

/// The document's tax, shared out over its lines; the last line takes what is left.
fn share_tax(lines: &mut [Line], tax: Option<&Tax>, net: Decimal, places: u32) -> Decimal {
    let Some(tax) = tax else {
        return Decimal::ZERO;
    };
    let whole = rounded(net * tax.percent / Decimal::ONE_HUNDRED, places);
    let sum: Decimal = lines.iter().map(|line| line.amount).sum();
    let mut left = whole;
    let last = lines.len().saturating_sub(1);
    for (index, line) in lines.iter_mut().enumerate() {
        let part = whole * line.amount / sum.max(Decimal::ONE);
        let part = if index == last {
            left
        } else {
            part.trunc_with_scale(places)
        };
        left -= part;
        line.tax = Some((tax.clone(), part));
    }
    whole
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
fn shown(amount: Decimal, places: u32) -> String {
    let mut amount = amount;
    amount.rescale(places);
    amount.to_string()
}
