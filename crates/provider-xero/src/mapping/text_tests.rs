//! The wrong side of each border of a text.

use super::*;

#[test]
fn texts_are_cut_at_their_bound_and_not_before() {
    let exact = "x".repeat(NAME);
    assert_eq!(name(&exact), exact);
    assert_eq!(name(&format!("{exact}y")), exact);
    assert_eq!(cut("über", 1), "ü");
    assert_eq!(cut("ab  c", 4), "ab");
    assert_eq!(short(Some(" \n\t "), 10), None);
}

#[test]
fn names_have_no_brackets_and_no_doubled_blanks() {
    assert_eq!(name("  Acme \t <b>Ltd</b>\u{0} "), "Acme (b)Ltd(/b)");
}

#[test]
fn a_number_that_is_no_ascii_stays_its_own() {
    assert_eq!(number("INV-1"), "INV-1");
    let (one, other) = (number("Ä-1"), number("Ö-1"));
    assert_ne!(one, other);
    assert!(one.is_ascii() && one.starts_with("--1-"), "{one}");
    assert_eq!(number(&"7".repeat(NUMBER)).len(), NUMBER);
    assert_eq!(number(&"7".repeat(NUMBER + 1)).len(), NUMBER);
    assert_ne!(
        number(&"7".repeat(NUMBER + 1)),
        number(&"7".repeat(NUMBER + 2))
    );
}

#[test]
fn a_country_is_letters() {
    assert_eq!(country(Some("U.S.A.")).as_deref(), Some("U S A"));
    assert_eq!(country(Some("4711")), None);
}

#[test]
fn filled_places_do_not_open_others() {
    let values = [("name", "{id}"), ("id", "7")];
    assert_eq!(fill("{name} {id} {x} {", &values), "{id} 7 {x} {");
}
