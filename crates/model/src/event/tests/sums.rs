//! Tests of the sums a document must obey: rounding, discounts, and any invoice that follows the rules.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Code, INVOICE, invoice, parse_value, refusal, value};

#[test]
fn a_line_is_rounded_once_half_away_from_zero_to_the_minor_unit() {
    for (currency, quantity, price, right, wrong) in [
        ("EUR", "0.5", "0.01", "0.01", "0"),
        ("EUR", "1.5", "0.01", "0.02", "0.01"),
        ("EUR", "3", "33.333333", "100", "99.99"),
        ("EUR", "0.00001", "499.999999", "0", "0.01"),
        ("EUR", "0.00001", "500", "0.01", "0"),
        ("JPY", "1.5", "333", "500", "499"),
        ("JPY", "0.5", "0.999999", "0", "1"),
        ("KWD", "1.25", "17.3332", "21.667", "21.666"),
        ("CLF", "0.33333", "0.000150", "0", "0.0001"),
        ("CLF", "0.33334", "0.000150", "0.0001", "0"),
    ] {
        let message = |amount| invoice(currency, &[(quantity, price, amount)], amount);
        assert!(parse_value(&message(right)).is_ok(), "{quantity} x {price}");
        assert_eq!(refusal(&message(wrong)).0, Code::LineAmountMismatch);
    }
}

#[test]
fn a_negative_line_is_rounded_away_from_zero_too() {
    let message = |amount, net| invoice("EUR", &[("1", "10", "10"), ("-0.5", "0.01", amount)], net);
    assert!(parse_value(&message("-0.01", "9.99")).is_ok());
    assert_eq!(refusal(&message("0", "10")).0, Code::LineAmountMismatch);
}

#[test]
fn a_product_past_28_digits_is_not_rounded_twice() {
    // Exactly 937866922520.2849999999999999936: rounded to 28 digits first it would end in a half cent.
    let (right, wrong) = ("937866922520.28", "937866922520.29");
    let message = |amount| {
        let line = ("42443.55413", "24483848.344256", amount);
        let mut message = invoice("EUR", &[line], amount);
        message["data"]["lines"][0]["discount"] = json!({"percent": "9.749463"});
        message
    };
    assert!(parse_value(&message(right)).is_ok());
    assert_eq!(refusal(&message(wrong)).0, Code::LineAmountMismatch);
}

#[test]
fn a_discount_takes_off_all_and_no_more() {
    let with = |discount: Value, amount: &str| {
        let mut message = invoice("EUR", &[("1", "10.004", amount)], amount);
        message["data"]["lines"][0]["discount"] = discount;
        parse_value(&message).map(|_| ()).map_err(|bad| bad.code())
    };
    assert_eq!(with(json!({"percent": "100"}), "0"), Ok(()));
    assert_eq!(with(json!({"percent": "0"}), "10"), Ok(()));
    assert_eq!(
        with(json!({"percent": "100.000001"}), "0"),
        Err(Code::PercentOutOfRange)
    );
    assert_eq!(
        with(json!({"percent": "-1"}), "10"),
        Err(Code::PercentOutOfRange)
    );
    assert_eq!(with(json!({"amount": "10"}), "0"), Ok(()));
    assert_eq!(
        with(json!({"amount": "10.01"}), "0"),
        Err(Code::DiscountOutOfRange)
    );
    assert_eq!(with(json!({"amount": "-1"}), "11"), Err(Code::Negative));
    assert_eq!(with(json!({}), "10"), Err(Code::MissingField));
    assert_eq!(with(json!("10"), "10"), Err(Code::WrongType));
}

#[test]
fn nothing_can_be_taken_off_a_negative_line() {
    let mut message = invoice("EUR", &[("1", "10", "10"), ("-1", "5", "-6")], "4");
    message["data"]["lines"][1]["discount"] = json!({"amount": "1"});
    assert_eq!(
        refusal(&message),
        (Code::DiscountOutOfRange, "$.data.lines[1].discount".into())
    );
}

fn cents(value: i64) -> String {
    Decimal::new(value, 2).to_string()
}

proptest! {
    #[test]
    fn any_invoice_that_follows_the_rules_is_taken_and_one_cent_more_is_not(
        lines in prop::collection::vec((1_i64..100_000, 0_i64..10_000_000, 0_i64..3_000), 1..20),
        inclusive: bool,
        off in 0_i64..100,
    ) {
        // Quantities in hundredths, prices in cents: quantity x price is in ten-thousandths.
        let amount = |q: i64, p: i64| (q * p + 50) / 100;
        let sum: i64 = lines.iter().map(|(q, p, _)| amount(*q, *p)).sum();
        let tax: i64 = lines.iter().map(|(_, _, tax)| tax).sum();
        let discount = sum * off / 100;
        prop_assume!(!inclusive || sum - discount >= tax);
        let (net, gross) = if inclusive {
            (sum - discount - tax, sum - discount)
        } else {
            (sum - discount, sum - discount + tax)
        };
        let mut message = value(INVOICE);
        message["data"]["taxInclusive"] = json!(inclusive);
        message["data"]["discount"] = json!({"amount": cents(discount)});
        message["data"]["lines"] = lines.iter().map(|(q, p, tax)| json!({
            "description": "a line", "quantity": cents(*q), "unitPrice": cents(*p),
            "amount": cents(amount(*q, *p)),
            "tax": {"rateId": "tr", "percent": "25", "amount": cents(*tax)},
        })).collect();
        message["data"]["totals"] =
            json!({"net": cents(net), "tax": cents(tax), "gross": cents(gross)});
        prop_assert!(parse_value(&message).is_ok(), "{:?}", parse_value(&message));

        for (pointer, units) in [
            ("/data/totals/net", net), ("/data/totals/tax", tax), ("/data/totals/gross", gross),
            ("/data/lines/0/amount", amount(lines[0].0, lines[0].1)),
            ("/data/lines/0/tax/amount", lines[0].2), ("/data/discount/amount", discount),
        ] {
            let mut wrong = message.clone();
            *wrong.pointer_mut(pointer).unwrap() = json!(cents(units + 1));
            prop_assert!(parse_value(&wrong).is_err(), "{pointer}");
        }
    }
}
