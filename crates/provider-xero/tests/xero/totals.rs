//! Two thousand generated invoices: the totals that are predicted are those that the sandbox computes by itself.
//!
//! The sandbox shares no arithmetic with the provider. Every invoice also lands with the fingerprint that was planned.

use model::document::{Body, Discount, Invoice, Line};
use provider_kit::{ElementResult, Marker, Prediction, Step};
use rust_decimal::Decimal;

use super::support::*;
use super::world::World;

/// How many, and how many of them to a call.
const INVOICES: u32 = 2_000;
const BATCH: usize = 50;

/// Numbers that look random and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % most
    }

    /// A number of at most so many units of so many places.
    fn decimal(&mut self, units: u64, places: u32) -> Decimal {
        let digits = i64::try_from(self.below(units) + 1).unwrap();
        Decimal::new(digits, places)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// A line whose amount follows from its numbers, rounded once, as every accepted event's does.
fn random_line(chance: &mut Chance, is_taxed: bool) -> Line {
    let quantity_places = u32::try_from(chance.below(6)).unwrap();
    let price_places = u32::try_from(chance.below(7)).unwrap();
    let quantity = chance.decimal(50_000, quantity_places);
    let price = chance.decimal(5_000_000, price_places);
    let product = quantity * price;
    let discount = match chance.below(4) {
        0 => Some(Discount::Percent(parsed(chance.decimal(9_900, 2)))),
        1 => {
            let most = (product * Decimal::ONE_HUNDRED).trunc();
            let off = Decimal::from(chance.below(40)) / Decimal::ONE_HUNDRED;
            Some(Discount::Amount(parsed(
                off.min(most / Decimal::ONE_HUNDRED),
            )))
        }
        _ => None,
    };
    let left = match discount {
        None => product,
        Some(Discount::Percent(rate)) => {
            product * (Decimal::ONE_HUNDRED - rate.get()) / Decimal::ONE_HUNDRED
        }
        Some(Discount::Amount(amount)) => product - amount.get(),
    };
    let amount =
        left.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
    let mut line = line("1", "1", &amount.to_string());
    line.quantity = parsed(quantity);
    line.unit_price = parsed(price);
    line.discount = discount;
    if is_taxed {
        let percent = ["20", "5", "0"][usize::try_from(chance.below(3)).unwrap()];
        line = taxed(line, &format!("r{percent}"), percent, "0");
    }
    line
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(number: Decimal) -> T {
    number.normalize().to_string().parse().unwrap()
}

fn random_invoice(chance: &mut Chance, number: u32) -> Invoice {
    let is_taxed = !chance.one_in(5);
    let count = 1 + chance.below(8);
    let lines: Vec<Line> = (0..count)
        .map(|_| {
            let is_plain = chance.one_in(6);
            random_line(chance, is_taxed && !is_plain)
        })
        .collect();
    let mut own = invoice(lines, totals("0", "0", "0"));
    own.number = format!("R-{number}");
    own.tax_inclusive = chance.one_in(2);
    own.discount = match chance.below(6) {
        0 => Some(Discount::Percent(parsed(chance.decimal(5_000, 2)))),
        1 => {
            let least = own
                .lines
                .iter()
                .map(|line| line.amount.get())
                .min()
                .unwrap();
            Some(Discount::Amount(parsed(least.min(Decimal::ONE))))
        }
        _ => None,
    };
    if chance.one_in(4) {
        own.currency = "EUR".parse().unwrap();
    }
    own
}

#[tokio::test]
async fn two_thousand_invoices_come_to_what_was_predicted() {
    let world = World::start().await;
    let base = world
        .with_invoices(Case::invoice(plain_invoice()), &[])
        .await;
    let mut base = base;
    for (rate, code) in [
        ("r20", "OUTPUT2"),
        ("r5", "RROUTPUT"),
        ("r0", "ZERORATEDOUTPUT"),
    ] {
        base.settings
            .tax_codes
            .insert(rate.to_owned(), code.to_owned());
    }
    let mut chance = Chance(20_261_125);
    let mut checked = 0;
    let mut batch: Vec<(Step, Marker)> = Vec::new();
    for number in 1..=INVOICES {
        let mut case = base.clone();
        case.document.body = Body::Invoice(random_invoice(&mut chance, number));
        batch.push((case.step(), marker(u128::from(number) + 1_000)));
        if batch.len() == BATCH || number == INVOICES {
            checked += check(&world, &batch, number).await;
            batch.clear();
        }
    }
    assert_eq!(checked, INVOICES);
}

/// Sends a batch and compares what comes back with what was predicted.
async fn check(world: &World, batch: &[(Step, Marker)], number: u32) -> u32 {
    let (_, elements) = world.write(batch, &format!("batch-{number}")).await;
    let mut checked = 0;
    for ((step, _), element) in batch.iter().zip(elements) {
        let ElementResult::Done(landed) = element else {
            panic!("{element:?} of {}", step.body);
        };
        let Prediction::Exact { tax, gross, .. } = step.prediction else {
            panic!("{:?} of {}", step.prediction, step.body);
        };
        let totals = landed.totals.unwrap();
        assert_eq!((totals.tax, totals.gross), (tax, gross), "{}", step.body);
        assert_eq!(landed.fingerprint, step.fingerprint, "{}", step.body);
        checked += 1;
    }
    checked
}
