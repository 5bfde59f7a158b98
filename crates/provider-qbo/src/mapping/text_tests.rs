//! Tests of texts: cutting, names, places, markers.

use model::EffectId;

use super::*;

fn marker() -> Marker {
    Marker {
        installation: "eu1".to_owned(),
        effect: EffectId::from_uuid(uuid::Uuid::from_u128(5)),
        generation: 3,
    }
}

#[test]
fn a_cut_counts_like_the_strictest_provider_and_never_splits_a_character() {
    assert_eq!(cut("abc", 3), "abc");
    assert_eq!(cut("abcd", 3), "abc");
    assert_eq!(cut("a🧾b", 2), "a");
    assert_eq!(cut("a🧾b", 3), "a🧾");
    assert_eq!(cut("ab   cd", 4), "ab");
    assert_eq!(cut("x", 0), "");
}

#[test]
fn a_value_cannot_open_another_place() {
    let filled = fill("{name}-{id}-{other}", &[("name", "{id}"), ("id", "7")]);
    assert_eq!(filled, "{id}-7-{other}");
}

#[test]
fn a_note_that_is_too_long_for_its_marker_keeps_the_marker() {
    let mark = marker().to_string();
    assert_eq!(marked("", &marker(), (10, "\n")), mark);
    assert_eq!(
        marked("hello", &marker(), (mark.len() + 3, "\n")),
        format!("he\n{mark}")
    );
    assert_eq!(marked("hello", &marker(), (mark.len(), "\n")), mark);
    assert_eq!(
        marked("hello", &marker(), (100, " ")),
        format!("hello {mark}")
    );
}

#[test]
fn all_markers_are_found_and_only_markers_are_taken_out() {
    let mark = marker().to_string();
    let text = format!("a {mark} b [tieout broken] c {mark}");
    assert_eq!(markers(&text), vec![marker(), marker()]);
    assert_eq!(unmarked(&text), "a  b (tieout broken] c");
    assert_eq!(unmarked("[tieout "), "(tieout");
}

#[test]
fn base32_letters_are_ten_and_tell_numbers_apart() {
    let one = base32("A-1");
    assert_eq!(one.len(), 10);
    assert!(
        one.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    );
    assert_ne!(one, base32("A-2"));
}
