//! Properties over many documents: predicted totals, and one fingerprint for what was sent and what came back.

use model::document::{Discount, Invoice, Line};
use model::{Amount, Rounding};
use proptest::prelude::*;
use provider_kit::{LinkState, Plan, Prediction};
use rust_decimal::Decimal;
use serde_json::Value;

use super::support::*;

fn cents(range: std::ops::Range<i64>) -> impl Strategy<Value = Decimal> {
    range.prop_map(|n| Decimal::new(n, 2))
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let one = (
        1_i64..2_000_000,
        1_i64..10_000_000,
        any::<bool>(),
        prop_oneof![Just(None), (0_usize..3).prop_map(Some)],
        "[a-zA-Z0-9 :\\t\u{e9}\u{1f9fe}\"'\\[\\]]{0,40}",
    )
        .prop_map(|(quantity, price, is_exact, rate, description)| {
            let quantity = Decimal::new(quantity, 5);
            let price = Decimal::new(price, 4);
            let product = Rounding::HalfUp.apply(quantity * price, 2);
            let amount = if is_exact {
                product
            } else {
                product + Decimal::new(1, 2)
            };
            let mut line = line(
                &quantity.normalize().to_string(),
                &price.normalize().to_string(),
                &amount.to_string(),
            );
            line.description = description;
            match rate {
                None => line,
                Some(rate) => {
                    let (name, percent) = [("r1", "20"), ("r2", "5.5"), ("r3", "0")][rate];
                    taxed(line, name, percent, "0")
                }
            }
        });
    prop::collection::vec(one, 1..12)
}

fn invoices() -> impl Strategy<Value = Invoice> {
    (
        lines(),
        prop_oneof![
            Just(None),
            cents(1..5_000)
                .prop_map(|d| Some(Discount::Percent(model::money::Rate::new(d).unwrap()))),
            cents(1..1_000).prop_map(|d| Some(Discount::Amount(Amount::new(d).unwrap()))),
        ],
        proptest::option::of("[a-z \\n\\r\\t]{0,30}"),
        "[A-Za-z0-9/-]{1,40}",
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, discount, notes, number, is_inclusive, has_due)| {
            let mut built = invoice(lines, totals("0", "0", "0"));
            built.discount = discount;
            built.notes = notes;
            built.number = number;
            built.tax_inclusive = is_inclusive;
            built.due_on = has_due.then(|| day("2026-04-01"));
            built
        })
}

fn british(invoice: Invoice) -> Case {
    let mut case = Case::invoice(invoice).in_country("GB", &Value::Null);
    case.books.home_currency = Some("USD".parse().unwrap());
    case.settings.tax_codes = [("r1", "5"), ("r2", "6"), ("r3", "7")]
        .map(|(rate, code)| (rate.to_owned(), code.to_owned()))
        .into();
    case.settings.default_tax_code = Some("8".to_owned());
    case
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_comes_back_has_the_fingerprint_of_what_was_sent(
        invoice in invoices(),
        is_american in any::<bool>(),
        has_details in any::<bool>(),
    ) {
        let mut case = if is_american {
            let mut invoice = invoice;
            invoice.tax_inclusive = false;
            Case::invoice(invoice)
        } else {
            british(invoice)
        };
        case.settings.include_line_item_details = has_details;
        let step = case.step();
        let element = sent(std::slice::from_ref(&step), 0);
        let there = returned(&element, "130", "0", "10", "1");
        let read = read_one(&case.effect(), &there);
        prop_assert_eq!(&read.landed.fingerprint, &step.fingerprint);
        prop_assert_eq!(read.landed.fingerprint.len(), 32);
        // The same version planned again needs nothing, with and without a look.
        let linked = case.linked("130", &step.fingerprint, LinkState::Active);
        prop_assert_eq!(linked.plan(), Plan::Steps(Vec::new()));
    }

    #[test]
    fn customers_keep_their_fingerprint_too(
        name in "[^\\p{C}\\s]{1,20}",
        company in proptest::option::of("[a-zA-Z \\t]{0,130}"),
        email in proptest::option::of("[a-z]{1,8}@[a-z]{1,8}\\.example"),
        phone in proptest::option::of("[0-9 +]{0,40}"),
        city in proptest::option::of("[\\PC]{0,300}"),
    ) {
        let mut person = client(&name);
        person.company = company;
        person.email = email;
        person.phone = phone;
        if let Some(address) = &mut person.address {
            address.city = city;
        }
        let case = Case::client(person);
        let step = case.step();
        let there = returned(&sent(std::slice::from_ref(&step), 0), "58", "0", "0", "0");
        let read = read_one(&case.effect(), &there);
        prop_assert_eq!(read.landed.fingerprint, step.fingerprint);
    }

    #[test]
    fn predictions_add_up_and_agree_with_an_independent_sum(invoice in invoices()) {
        let case = british(invoice.clone());
        let Prediction::Exact { net, tax, gross, .. } = case.step().prediction else {
            return Ok(());
        };
        let (net, tax, gross) = (net.get(), tax.get(), gross.get());
        prop_assert_eq!(net + tax, gross);
        // Integers of a millionth of a cent, summed by code, as an independent second opinion.
        let mut sums: std::collections::BTreeMap<String, i128> = std::collections::BTreeMap::new();
        let mut all = 0_i128;
        for line in &invoice.lines {
            let cents = (line.amount.get() * Decimal::ONE_HUNDRED).normalize().mantissa();
            let scale = (line.amount.get() * Decimal::ONE_HUNDRED).normalize().scale();
            prop_assert_eq!(scale, 0);
            let code = line.tax.as_ref().map_or("0".to_owned(), |tax| tax.percent.to_string());
            *sums.entry(code).or_default() += cents;
            all += cents;
        }
        if invoice.discount.is_none() {
            let mut expected = 0_i128;
            for (percent, cents) in &sums {
                // Thousandths of a per cent are enough for the rates used here.
                let percent: Decimal = percent.parse().unwrap();
                let thousandths = (percent * Decimal::from(1_000)).normalize().mantissa();
                let (above, below) = if invoice.tax_inclusive {
                    (cents * thousandths, 100_000 + thousandths)
                } else {
                    (cents * thousandths, 100_000)
                };
                expected += (2 * above + below) / (2 * below);
            }
            let total = if invoice.tax_inclusive { all } else { all + expected };
            prop_assert_eq!(tax * Decimal::ONE_HUNDRED, Decimal::from_i128_with_scale(expected, 0));
            prop_assert_eq!(gross * Decimal::ONE_HUNDRED, Decimal::from_i128_with_scale(total, 0));
        }
    }

    #[test]
    fn every_line_keeps_its_amount_and_has_an_item(invoice in invoices()) {
        let body = british(invoice.clone()).step().body;
        let lines = body["Line"].as_array().unwrap();
        for (ours, theirs) in invoice.lines.iter().zip(lines) {
            prop_assert_eq!(theirs["Amount"].to_string(), ours.amount.get().normalize().to_string());
            let detail = &theirs["SalesItemLineDetail"];
            prop_assert!(detail["ItemRef"]["value"].as_str().is_some_and(|id| !id.is_empty()));
            if let (Some(quantity), Some(price)) = (detail.get("Qty"), detail.get("UnitPrice")) {
                let quantity: Decimal = quantity.to_string().parse().unwrap();
                let price: Decimal = price.to_string().parse().unwrap();
                let product = Rounding::HalfUp.apply(quantity * price, 2);
                prop_assert_eq!(product, ours.amount.get());
            }
        }
    }
}
