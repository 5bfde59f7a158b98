//! Tests of the arithmetic, by figures worked out by hand.

use super::*;

fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

#[test]
fn halves_go_away_from_zero() {
    assert_eq!(rounded(d("1.045"), 2), Some(d("1.05")));
    assert_eq!(rounded(d("-1.045"), 2), Some(d("-1.05")));
    assert_eq!(rounded(d("1.0449999"), 2), Some(d("1.04")));
    assert_eq!(rounded(d("2.00005"), 4), Some(d("2.0001")));
    assert_eq!(rounded(d("7"), 2), Some(d("7.00")));
}

#[test]
fn the_captured_tax_line_comes_out() {
    assert_eq!(tax_on(d("10.45"), d("10")), Some(d("1.05")));
}

#[test]
fn a_line_is_rounded_once() {
    // 3 * 0.335 = 1.005; rounding the price first would give 1.02.
    assert_eq!(line_amount(d("3"), d("0.335"), d("0")), Some(d("1.01")));
    // 7 * 12.3456 * 0.875 = 75.6168.
    assert_eq!(
        line_amount(d("7"), d("12.3456"), d("12.5")),
        Some(d("75.62"))
    );
    assert_eq!(line_amount(d("-1"), d("0.005"), d("0")), Some(d("-0.01")));
}

#[test]
fn tax_is_taken_out_of_a_gross_amount() {
    assert_eq!(tax_inside(d("115"), d("15")), Some(d("15.00")));
    // 100 * 20 / 120 = 16.666…
    assert_eq!(tax_inside(d("100"), d("20")), Some(d("16.67")));
    // 10 * 8.25 / 108.25 = 0.76212…
    assert_eq!(tax_inside(d("10"), d("8.25")), Some(d("0.76")));
}

#[test]
fn a_price_is_found_from_an_amount() {
    assert_eq!(price(d("10"), d("3"), 4), Some(d("3.3333")));
    assert_eq!(price(d("10"), d("0.5"), 2), Some(d("20.00")));
    assert_eq!(price(d("10"), d("0"), 2), None);
}

#[test]
fn numbers_are_written_with_their_scale() {
    assert_eq!(money(d("89")).to_string(), "89.00");
    assert_eq!(fixed(d("1"), RATE_PLACES).to_string(), "1.000000");
    assert_eq!(quantity(d("2.5")).to_string(), "2.5000");
    assert_eq!(quantity(d("2.12345")).to_string(), "2.12345");
    assert_eq!(plain(d("10.500")), "10.5");
    assert_eq!(plain(d("0.00")), "0");
}

#[test]
fn digits_beyond_the_type_are_refused_instead_of_rounded() {
    let many = d("79228162514264337593543950335");
    assert_eq!(tax_on(many, many), None);
    assert_eq!(line_amount(many, many, d("0")), None);
}
