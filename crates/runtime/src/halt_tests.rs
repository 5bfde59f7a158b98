//! Tests of the stop points: the parser here, the signals on a child process in `tests/`.

use super::armed::{Action, Halt, parse};

#[test]
fn a_point_is_halted_at_its_first_passing_unless_told_otherwise() {
    let halt = |action, at_passing| Halt {
        point: "07-claimed".to_owned(),
        action,
        at_passing,
    };
    assert_eq!(parse("07-claimed:kill"), Ok(halt(Action::Kill, 1)));
    assert_eq!(parse("07-claimed:stop"), Ok(halt(Action::Stop, 1)));
    assert_eq!(parse("07-claimed:kill:3"), Ok(halt(Action::Kill, 3)));
}

#[test]
fn malformed_texts_say_what_is_wrong() {
    for (text, wrong) in [
        ("", "names no point"),
        (":kill", "names no point"),
        ("07-claimed", "names neither kill nor stop"),
        ("07-claimed:pause", "names neither kill nor stop"),
        ("07-claimed:kill:0", "has no passing of 1 or more"),
        ("07-claimed:kill:x", "has no passing of 1 or more"),
        ("07-claimed:kill:1:2", "has more than three parts"),
    ] {
        assert_eq!(parse(text), Err(wrong.to_owned()), "{text}");
    }
}

#[test]
fn an_unarmed_point_is_passed() {
    super::point("99-nobody-halts-here");
    assert_eq!(super::check("07-claimed:kill"), Ok(()));
}
