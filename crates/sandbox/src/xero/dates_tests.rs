//! Tests of the date forms.

use super::*;

fn ymd(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

#[test]
fn a_day_is_read_in_its_three_forms() {
    let wanted = Some(ymd(2019, 7, 22));
    for text in [
        "2019-07-22",
        "2019-07-22T00:00:00",
        "2019-07-22T10:30:00.123",
        "2019-07-22T10:30:00Z",
        "/Date(1563753600000)/",
        "/Date(1563753600000+0000)/",
        "/Date(1563753600000+1300)/",
    ] {
        assert_eq!(parse_day(text), wanted, "{text}");
    }
    assert_eq!(parse_day("/Date(-86400000+0000)/"), Some(ymd(1969, 12, 31)));
    for text in ["22/07/2019", "/Date()/", "/Date(x)/", "", "/Date(1"] {
        assert_eq!(parse_day(text), None, "{text}");
    }
}

#[test]
fn a_day_is_written_as_midnight() {
    assert_eq!(day(ymd(2019, 7, 22)), "/Date(1563753600000+0000)/");
    assert_eq!(day_string(ymd(2019, 7, 22)), "2019-07-22T00:00:00");
}

#[test]
fn connections_have_seven_decimals() {
    let at = DateTime::from_timestamp(1_575_744_379, 516_540_000).unwrap();
    assert_eq!(long(at), "2019-12-07T18:46:19.5165400");
}

#[test]
fn fractions_of_a_second_are_not_honoured() {
    let at = parse_since("2026-01-02T03:04:05.900").unwrap();
    assert_eq!(instant_string(at), "2026-01-02T03:04:05");
    assert!(parse_since("Fri, 02 Jan 2026 03:04:05 GMT").is_some());
    assert!(parse_since("yesterday").is_none());
}
