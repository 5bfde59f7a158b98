//! What many checks ask: whether a failure speaks plainly, whether a success is proved, and damaged replies.

use model::{Failure, FailureKind, Operation, Owner};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::Fixture;
use crate::{CallResult, ElementResult, Landed, PastCall, PastMember, Reply, Request};

/// Cases of each property; the replies are small and there are several calls.
const CASES: u32 = 96;

/// Longest code of a failure: it groups failures and stands in tables.
const LONGEST_CODE: usize = 64;

/// Longest message for people.
const LONGEST_MESSAGE: usize = 600;

/// Runs a property over generated values.
pub(super) fn for_any<S: Strategy>(strategy: &S, check: impl Fn(S::Value)) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(strategy, |value| {
        check(value);
        Ok(())
    });
    if let Err(why) = outcome {
        panic!("{why}");
    }
}

/// A failure has a code, a sentence for people, and the right owner.
pub(super) fn speaks_plainly(failure: &Failure) {
    let code = &failure.code;
    assert!(
        (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic()),
        "a failure needs a short printable code: {failure:?}"
    );
    let message = &failure.message;
    assert!(
        message.ends_with(['.', '!', '?']) && message.starts_with(char::is_uppercase),
        "a failure speaks in sentences: {failure:?}"
    );
    assert!(
        message.chars().count() <= LONGEST_MESSAGE && !message.chars().any(char::is_control),
        "a failure's message is short and printable: {failure:?}"
    );
    let detail = failure.detail.as_deref().unwrap_or_default();
    assert!(
        !detail.contains('\0') && detail.chars().count() <= 2_000,
        "a failure's detail can be stored: {failure:?}"
    );
    if failure.kind == FailureKind::OutcomeUnknown {
        assert_eq!(failure.owner, Owner::System, "a look-up is nobody's work");
    }
}

/// One result for each member, each failure in words and each success proved by the reply itself.
pub(super) fn is_sound(fixture: &impl Fixture, call: &PastCall, reply: &Reply) -> CallResult {
    let result = fixture.provider().classify(call, reply);
    assert_eq!(
        result.elements.len(),
        call.members.len(),
        "one result for each member"
    );
    for (member, element) in call.members.iter().zip(&result.elements) {
        match element {
            ElementResult::Failed(failure) => speaks_plainly(failure),
            ElementResult::Done(landed) => is_proved(fixture, member, landed, &reply.body),
        }
    }
    result
}

/// What is taken for ours is named in the bytes: its id and, for a creation, its marker.
pub(super) fn is_proved(
    fixture: &impl Fixture,
    member: &PastMember,
    landed: &Landed,
    bytes: &[u8],
) {
    assert!(
        !landed.external_id.is_empty() && holds(bytes, &landed.external_id),
        "an id that the reply does not name: {landed:?}"
    );
    assert!(!landed.revision.contains('\0') && !landed.external_id.contains('\0'));
    match &member.step.target {
        Some(target) => assert_eq!(landed.external_id, target.id, "a change of another object"),
        // Hexadecimal digits may change their case on the way; it is the same marker.
        None => assert!(
            holds(
                &bytes.to_ascii_lowercase(),
                &fixture.mark(&member.marker).to_ascii_lowercase()
            ),
            "a success without the marker: {landed:?}"
        ),
    }
}

/// Whether bytes hold a text.
pub(super) fn holds(bytes: &[u8], text: &str) -> bool {
    count(bytes, text) > 0
}

/// How often bytes hold a text.
pub(super) fn count(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .filter(|window| *window == text.as_bytes())
        .count()
}

/// All members are unknown.
pub(super) fn all_unknown(result: &CallResult, what: &str) {
    for element in &result.elements {
        is_unknown(element, what);
    }
}

/// One member is unknown.
pub(super) fn is_unknown(element: &ElementResult, what: &str) {
    let ElementResult::Failed(failure) = element else {
        panic!("{what}: {element:?}");
    };
    assert_eq!(
        failure.kind,
        FailureKind::OutcomeUnknown,
        "{what}: {failure:?}"
    );
}

/// The reply cut after so many bytes.
pub(super) fn cut(reply: &Reply, length: usize) -> Reply {
    Reply {
        body: reply.body[..length].to_vec(),
        ..reply.clone()
    }
}

/// Whether a cut took away more than white space.
pub(super) fn is_real_cut(reply: &Reply, length: usize) -> bool {
    !reply.body[length..].iter().all(u8::is_ascii_whitespace)
}

/// A reply with these bytes and no headers.
pub(super) fn raw(status: u16, body: Vec<u8>) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body,
    }
}

/// A few bytes of a reply changed at places that are found by remainder.
pub(super) fn damages() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)
}

/// The reply with that damage.
pub(super) fn damaged(reply: &Reply, damages: &[(usize, u8)]) -> Reply {
    let mut bad = reply.clone();
    let length = bad.body.len();
    for (at, byte) in damages {
        bad.body[at % length] = *byte;
    }
    bad
}

/// Bytes that no provider sends.
pub(super) fn garbage() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\":,a-zA-Z0-9<>/ ]{0,80}".prop_map(String::into_bytes),
        Just(b"null".to_vec()),
        Just(b"{}".to_vec()),
        Just(b"[]".to_vec()),
        Just(b"<html><body>Bad gateway</body></html>".to_vec()),
        (1_usize..20_000).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]
}

/// A request that is a read, in shape and in what it is charged for.
pub(super) fn only_reads(request: &Request, key: &str) {
    assert!(!request.cost.batch, "a read is no batch of writes");
    is_well_formed(request);
    let places = request.query.iter().chain(&request.headers);
    let has_key = places.into_iter().any(|(_, value)| value.contains(key))
        || request.path.contains(key)
        || holds(&request.body, key);
    assert!(!has_key, "a read carries the key of a write: {request:?}");
}

/// A path below the base, lower-case headers, no authorisation.
pub(super) fn is_well_formed(request: &Request) {
    let path = &request.path;
    assert!(
        path.starts_with('/')
            && path.bytes().all(|b| b.is_ascii_graphic())
            && !path.contains(['?', '#']),
        "a path below the base, encoded: {path}"
    );
    for (name, value) in &request.headers {
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "a header in lower case: {name}"
        );
        assert!(
            !value.chars().any(char::is_control),
            "a header on one line: {name}"
        );
        let secret = ["authorization", "cookie", "proxy-authorization"];
        assert!(
            !secret.contains(&name.as_str()),
            "authorisation is the worker's"
        );
    }
}

/// Whether an operation puts our marker into what it sends.
pub(super) const fn is_marked(operation: Operation) -> bool {
    matches!(operation, Operation::Create | Operation::Update)
}
