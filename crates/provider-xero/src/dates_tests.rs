//! Every form in which Xero writes a date, and some that are none.

use super::*;

#[test]
fn every_form_of_a_day_is_read() {
    for text in [
        "/Date(1563753600000+0000)/",
        "/Date(1563753600000)/",
        "/Date(1563710400000+1200)/",
        "2019-07-22T00:00:00",
        "2019-07-22T00:00:00Z",
        "2019-07-22 00:00:00",
        "2019-07-22 22:08:55+00:00",
        "2019-07-22T23:59:59.9999999",
        "2019-07-22",
    ] {
        assert_eq!(day(text), "2019-07-22".parse().ok(), "{text}");
    }
    assert_eq!(day("/Date(-86400000+0000)/"), "1969-12-31".parse().ok());
}

#[test]
fn instants_are_milliseconds() {
    assert_eq!(
        milliseconds("/Date(1573755038314+0000)/"),
        Some(1_573_755_038_314)
    );
    // The offset says where it was, not when.
    assert_eq!(
        milliseconds("/Date(1573755038314+1300)/"),
        Some(1_573_755_038_314)
    );
    assert_eq!(milliseconds("1970-01-01T00:00:01.5"), Some(1_500));
}

#[test]
fn what_is_no_date_is_none() {
    for text in [
        "",
        "/Date()/",
        "/Date(x)/",
        "/Date(1+25)/",
        "/Date(1+0000)",
        "22.07.2019",
        "/Date(99999999999999999999)/",
    ] {
        assert_eq!(day(text), None, "{text}");
        assert_eq!(milliseconds(text), None, "{text}");
    }
}
