//! Thousands of invoices whose predicted totals must be those that the sandbox computes by itself.
//!
//! The sandbox shares no code with this crate, so an agreement is one of two arithmetics. Every invoice is sent over
//! HTTP; what cannot be predicted is left out and does not count.

use std::collections::BTreeMap;

use model::document::{Discount, Invoice, Line};
use model::{DocumentKind, ImportKind, Rounding};
use provider_kit::{
    Effect, ElementResult, Imported, LinkState, Prediction, Provider as _, References, Step,
};
use provider_qbo::{CUSTOMER, Qbo};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::support::*;
use super::world::*;

/// At least this many must be predicted to the cent and come out so.
const WANTED: usize = 2_000;

/// Repeatable choices (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn number(&mut self, most: u64, most_places: u64) -> Decimal {
        let digits = i64::try_from(1 + self.below(most)).unwrap();
        let places = u32::try_from(self.below(most_places + 1)).unwrap();
        Decimal::new(digits, places).normalize()
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// Rates of ProjectLedger by the percentages that the books combine for them.
const RATES: &[(&str, &str, &[&str])] = &[
    ("standard", "20", &["20"]),
    ("reduced", "5.5", &["5.5"]),
    ("combined", "14.975", &["5", "9.975"]),
    ("zero", "0", &["0"]),
];

fn a_line(dice: &mut Dice, rate: usize) -> Line {
    let (quantity, price) = (dice.number(90_000, 4), dice.number(300_000, 4));
    let mut product = quantity * price;
    let off = dice.one_in(5).then(|| dice.number(60, 1));
    if let Some(percent) = off {
        product = product * (Decimal::ONE_HUNDRED - percent) / Decimal::ONE_HUNDRED;
    }
    let amount = Rounding::HalfUp.apply(product, 2);
    let (name, percent, _) = RATES[rate];
    let text = |number: Decimal| number.normalize().to_string();
    let mut line = taxed(
        line(&text(quantity), &text(price), &text(amount)),
        name,
        percent,
        "0",
    );
    line.discount = off.map(|percent| Discount::Percent(percent.to_string().parse().unwrap()));
    line
}

/// An invoice with what makes totals hard: many places, discounts, tax inside, several rates.
fn an_invoice(dice: &mut Dice, number: usize, is_american: bool) -> Invoice {
    let has_several = !is_american && dice.one_in(2);
    let only = usize::try_from(dice.below(3)).unwrap();
    let count = 1 + dice.below(6);
    let lines: Vec<Line> = (0..count)
        .map(|_| {
            let any = usize::try_from(dice.below(4)).unwrap();
            a_line(dice, if has_several { any } else { only })
        })
        .collect();
    let sum: Decimal = lines.iter().map(|line| line.amount.get()).sum();
    let mut built = invoice(lines, totals("0", "0", "0"));
    built.number = format!("T-{number}");
    built.tax_inclusive = !is_american && dice.one_in(3);
    built.discount = match dice.below(4) {
        0 if !has_several => Some(Discount::Percent(
            dice.number(999, 1)
                .min(Decimal::from(90))
                .to_string()
                .parse()
                .unwrap(),
        )),
        1 if !has_several => {
            let most = dice.number(99_999, 2).min(sum);
            let amount = Rounding::HalfUp.apply(most, 2).normalize();
            Some(Discount::Amount(amount.to_string().parse().unwrap()))
        }
        _ => None,
    };
    built
}

struct Company {
    world: World,
    case: Case,
}

impl Company {
    async fn open(country: &str, currency: &str, tax_mode: &str) -> Self {
        let codes: Vec<Value> = RATES
            .iter()
            .map(|(name, _, rates)| json!({"name": name, "rates": rates}))
            .collect();
        let world = World::start(json!({
            "country": country, "homeCurrency": currency, "taxMode": tax_mode, "taxCodes": codes,
        }))
        .await;
        let mut case = world.with_customer(Case::invoice(plain_invoice())).await;
        case.books.country = Some(country.to_owned());
        case.books.home_currency = Some(currency.parse().unwrap());
        case.books.extra = match country {
            "US" => json!({"taxMode": "MANUAL_US"}),
            _ => json!({"taxMode": "PER_LINE"}),
        };
        let replies = {
            let mut replies = Vec::new();
            for request in Qbo.imports(ImportKind::TaxCodes, &books()) {
                replies.push(world.send(&request).await);
            }
            replies
        };
        let Imported::Done(import) = Qbo
            .take_import(ImportKind::TaxCodes, &replies, &books())
            .unwrap()
        else {
            panic!("four codes are one page");
        };
        case.references = References::new([], import.tax_codes.unwrap());
        let customer = case
            .links
            .get(DocumentKind::Client, &id("c1"), &Effect::main(CUSTOMER))
            .cloned()
            .unwrap();
        assert_eq!(customer.state, LinkState::Active);
        Self { world, case }
    }

    /// The step of an invoice, if its totals can be predicted.
    fn step(&self, invoice: Invoice) -> Option<Step> {
        let mut case = self.case.clone();
        case.document.body = model::Body::Invoice(Invoice {
            currency: case.books.home_currency.unwrap(),
            ..invoice
        });
        let step = case.step();
        matches!(step.prediction, Prediction::Exact { .. }).then_some(step)
    }

    async fn send(&self, steps: &[Step], key: &str) {
        let (_, elements) = self.world.write(steps, key).await;
        for (step, element) in steps.iter().zip(elements) {
            let ElementResult::Done(landed) = element else {
                panic!("{element:?} for {}", step.body);
            };
            let Prediction::Exact {
                currency,
                net,
                tax,
                gross,
            } = step.prediction
            else {
                panic!("only exact ones are sent");
            };
            let stated = landed.totals.unwrap();
            assert_eq!(
                (stated.currency, stated.tax, stated.gross),
                (currency, tax, gross),
                "{}",
                step.body
            );
            assert_eq!(net.get() + tax.get(), gross.get());
            assert_eq!(landed.fingerprint, step.fingerprint, "{}", step.body);
        }
    }
}

#[tokio::test]
async fn thousands_of_predicted_totals_are_those_that_the_books_compute() {
    let british = Company::open("GB", "GBP", "perLine").await;
    let american = Company::open("US", "USD", "usManual").await;
    let mut dice = Dice(20_261_125);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut waiting: [Vec<Step>; 2] = [Vec::new(), Vec::new()];
    let mut sent = 0;
    let mut number = 0;
    while sent < WANTED + 200 {
        number += 1;
        let is_american = dice.one_in(3);
        let company = if is_american { &american } else { &british };
        let built = an_invoice(&mut dice, number, is_american);
        let traits = [
            ("inclusive", built.tax_inclusive),
            ("discount", built.discount.is_some()),
            ("American", is_american),
            ("several rates", {
                let mut rates: Vec<_> = built.lines.iter().map(|l| &l.tax).collect();
                rates.dedup_by_key(|tax| tax.as_ref().map(|tax| tax.rate_id.clone()));
                rates.len() > 1
            }),
            (
                "combined rate",
                built.lines.iter().any(|line| {
                    let rate = line.tax.as_ref().map(|tax| tax.rate_id.as_str());
                    rate == Some("combined")
                }),
            ),
        ];
        let Some(step) = company.step(built) else {
            *seen.entry("unpredictable").or_default() += 1;
            continue;
        };
        for (name, _) in traits.into_iter().filter(|(_, is_so)| *is_so) {
            *seen.entry(name).or_default() += 1;
        }
        let batch = &mut waiting[usize::from(is_american)];
        batch.push(step);
        if batch.len() == 30 {
            let batch = std::mem::take(batch);
            company.send(&batch, &format!("k-{number}")).await;
            sent += batch.len();
        }
    }
    assert!(sent >= WANTED, "{sent}");
    for name in [
        "inclusive",
        "discount",
        "American",
        "several rates",
        "combined rate",
    ] {
        assert!(
            seen.get(name).is_some_and(|count| *count > 250),
            "{name}: {seen:?}"
        );
    }
    // What is not predicted is a small part, or the prediction would be worth little.
    assert!(
        seen.get("unpredictable")
            .is_none_or(|count| *count < sent / 5),
        "{seen:?}"
    );
}
