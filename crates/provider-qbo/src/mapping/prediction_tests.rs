//! Tests of exact products and quotients.

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_quotient_is_rounded_once_and_half_up() {
    let rows = [
        ("100", "100", "1.00"),
        ("0.5", "100", "0.01"),
        ("0.4", "100", "0.00"),
        ("-0.5", "100", "-0.01"),
        ("2000", "120", "16.67"),
        ("1", "3", "0.33"),
        ("2", "3", "0.67"),
        ("-2", "3", "-0.67"),
        ("0.0249999999999999999999", "2.5", "0.01"),
        ("1", "8", "0.13"),
    ];
    for (of, by, expected) in rows {
        assert_eq!(
            share(decimal(of), decimal(by)),
            Some(decimal(expected)),
            "{of} / {by}"
        );
    }
}

#[test]
fn what_cannot_be_held_exactly_is_not_rounded_in_silence() {
    let wide = decimal("123456789012345.67");
    assert!(product(wide, decimal("12.345678")).is_some());
    let wider = decimal("9999999999999999999.99");
    assert_eq!(product(wider, decimal("99999.999999")), None);
    assert_eq!(share(decimal("1"), decimal("-3")), None);
    assert_eq!(share(decimal("1"), decimal("0")), None);
}
