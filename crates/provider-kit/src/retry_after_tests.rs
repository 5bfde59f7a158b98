//! What `Retry-After` may hold, and what it must not lead to.

use super::*;

const NOW: Option<&str> = Some("Wed, 25 Nov 2026 03:34:28 GMT");

#[test]
fn seconds_are_taken_as_they_are_up_to_a_quarter_of_an_hour() {
    for (value, seconds) in [
        ("0", Some(0)),
        (" 30 ", Some(30)),
        ("900", Some(900)),
        ("901", Some(900)),
        ("86400", Some(900)),
        ("86401", None),
        ("1000000000", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
    ] {
        assert_eq!(
            wait(value, None),
            seconds.map(Duration::from_secs),
            "{value:?}"
        );
    }
}

#[test]
fn a_date_counts_from_the_replys_own_date() {
    for (value, seconds) in [
        ("Wed, 25 Nov 2026 03:35:58 GMT", Some(90)),
        ("Wed, 25 Nov 2026 03:34:28 GMT", Some(0)),
        ("Wed, 25 Nov 2026 03:34:27 GMT", Some(0)),
        ("Wed, 25 Nov 2026 05:00:00 GMT", Some(900)),
        ("Fri, 27 Nov 2026 03:34:28 GMT", None),
        ("Thu, 25 Nov 2026 03:35:58 GMT", None),
        ("2026-11-25T03:35:58Z", None),
    ] {
        assert_eq!(
            wait(value, NOW),
            seconds.map(Duration::from_secs),
            "{value:?}"
        );
    }
}

#[test]
fn a_date_without_the_replys_own_date_says_nothing() {
    let value = "Wed, 25 Nov 2026 03:35:58 GMT";
    assert_eq!(wait(value, None), None);
    assert_eq!(wait(value, Some("yesterday")), None);
}
