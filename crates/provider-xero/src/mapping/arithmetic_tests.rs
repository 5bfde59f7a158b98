//! Xero's arithmetic against captured numbers and against its own rules.

use proptest::prelude::*;

use super::*;

fn exact(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn tax_is_rounded_half_up_as_captured() {
    // The one captured line that tells half up from banker's rounding.
    assert_eq!(percent_of(exact("10.45"), exact("10")), Some(exact("1.05")));
    assert_eq!(percent_of(exact("10.44"), exact("10")), Some(exact("1.04")));
    assert_eq!(
        percent_of(exact("-10.45"), exact("10")),
        Some(exact("-1.05"))
    );
    assert_eq!(
        percent_within(exact("11.50"), exact("15")),
        Some(exact("1.50"))
    );
    assert_eq!(
        percent_within(exact("10.00"), exact("15")),
        Some(exact("1.30"))
    );
}

#[test]
fn a_line_is_rounded_once() {
    let off = |text: &str| Some(Discount::Percent(text.parse().unwrap()));
    assert_eq!(
        amount(exact("3"), exact("0.335"), None),
        Some(exact("1.01"))
    );
    assert_eq!(
        amount(exact("1"), exact("9.99"), off("33.3333")),
        Some(exact("6.66"))
    );
    let less = Some(Discount::Amount("0.01".parse().unwrap()));
    assert_eq!(
        amount(exact("2"), exact("1.0025"), less),
        Some(exact("2.00"))
    );
}

#[test]
fn what_cannot_be_told_exactly_is_not_told() {
    let large = exact("79228162514264337593543950335");
    assert_eq!(amount(large, large, None), None);
    assert_eq!(percent_within(exact("1"), exact("-100")), None);
    assert_eq!(inverted(Decimal::ZERO), None);
    assert_eq!(shares(exact("0.001"), &[Decimal::ONE]), None);
}

#[test]
fn a_rate_is_turned_round_with_six_places() {
    assert_eq!(inverted(exact("1.25")), Some(exact("0.800000")));
    assert_eq!(inverted(exact("150")), Some(exact("0.006667")));
}

proptest! {
    #[test]
    fn shares_add_up_and_follow_their_weights(
        whole in 0_i64..1_000_000,
        weights in prop::collection::vec(0_i64..100_000, 1..6),
    ) {
        let whole = Decimal::new(whole, 2);
        let cents: Vec<Decimal> = weights.iter().map(|w| Decimal::new(*w, 2)).collect();
        let parts = shares(whole, &cents).unwrap();
        prop_assert_eq!(parts.iter().sum::<Decimal>(), whole);
        let total: Decimal = cents.iter().sum();
        if !total.is_zero() {
            for (part, weight) in parts.iter().zip(&cents) {
                let fair = whole * weight / total;
                prop_assert!((part - fair).abs() < Decimal::new(1, 2));
            }
        }
    }
}
