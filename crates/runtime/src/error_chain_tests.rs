//! Tests of the error chain.

use super::chain;

#[derive(Debug, thiserror::Error)]
#[error("connection refused")]
struct Refused;

#[derive(Debug, thiserror::Error)]
#[error("database unreachable")]
struct Unreachable(#[source] Refused);

#[derive(Debug, thiserror::Error)]
#[error("start failed: {0}")]
struct Repeating(#[source] Unreachable);

#[test]
fn the_whole_chain_is_told_in_order() {
    assert_eq!(
        chain(&Unreachable(Refused)),
        "database unreachable: connection refused"
    );
}

#[test]
fn a_source_already_in_the_text_is_not_repeated() {
    assert_eq!(
        chain(&Repeating(Unreachable(Refused))),
        "start failed: database unreachable: connection refused"
    );
}

#[test]
fn a_boxed_error_is_accepted() {
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(Unreachable(Refused));
    assert_eq!(chain(&*boxed), "database unreachable: connection refused");
}
