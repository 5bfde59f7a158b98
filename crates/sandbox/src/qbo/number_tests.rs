//! Tests of the exact arithmetic.

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

#[test]
fn a_product_is_rounded_once_half_away_from_zero() {
    assert_eq!(
        product(decimal("744.43"), decimal("2.5")),
        Some(decimal("1861.08"))
    );
    assert_eq!(
        product(decimal("-1.005"), decimal("1")),
        Some(decimal("-1.01"))
    );
    assert_eq!(
        product(decimal("1.00499999999"), decimal("1")),
        Some(decimal("1.00"))
    );
    assert_eq!(
        product(decimal("999999999.123456"), decimal("99999.99999")),
        Some(decimal("99999999902345.60"))
    );
}

#[test]
fn tax_is_found_inside_a_gross_amount() {
    assert_eq!(
        tax_inside(decimal("120"), decimal("20")),
        Some(decimal("20.00"))
    );
    assert_eq!(
        tax_inside(decimal("100"), decimal("17.5")),
        Some(decimal("14.89"))
    );
    assert_eq!(
        percentage(decimal("582.5"), decimal("8")),
        Some(decimal("46.6"))
    );
}

#[test]
fn a_share_keeps_its_proportion() {
    assert_eq!(
        share(decimal("10"), decimal("100"), decimal("300.00")),
        Some(decimal("3.33"))
    );
    assert_eq!(
        share(decimal("10"), decimal("1"), decimal("0")),
        Some(Decimal::ZERO)
    );
}

#[test]
fn numbers_are_written_without_trailing_zeros() {
    for (given, written) in [("100.00", "100"), ("262.50", "262.5"), ("-0.00", "0")] {
        assert_eq!(json(decimal(given)).to_string(), written);
    }
}

#[test]
fn numbers_are_read_from_numbers_text_and_exponents() {
    let read = |text: &str| parse(&serde_json::from_str(text).unwrap());
    assert_eq!(read("1e2"), Some(decimal("100")));
    assert_eq!(read("\"12.50\""), Some(decimal("12.5")));
    assert_eq!(read("\"NaN\""), None);
    assert_eq!(read("true"), None);
    assert_eq!(digits(decimal("123.4500")), 5);
}
