//! Checks of requests: the same bytes each time, marked, keyed, whole, and no larger than allowed.

use model::FailureKind;
use serde_json::Value;

use super::rehearsal::{self, KEY, Planned, Stage, calls, creation, creation_of, encode, marker};
use super::trials::{count, for_any, is_marked, is_well_formed, speaks_plainly};
use super::{Fixture, samples};

/// The same members make the same bytes, also after a step was stored as JSON and taken back.
pub fn the_same_members_make_the_same_bytes(fixture: &impl Fixture) {
    for &kind in fixture.provider().descriptor().kinds {
        let planned = creation(fixture, kind, 0);
        let first = encode(fixture, std::slice::from_ref(&planned), KEY);
        let again = encode(fixture, std::slice::from_ref(&planned), KEY);
        assert_eq!(first, again, "{kind:?}");
        let stored = serde_json::to_value(&planned.step).expect("a step is JSON");
        let step = serde_json::from_value(stored).expect("a step comes back");
        let restored = Planned { step, ..planned };
        assert_eq!(first, encode(fixture, &[restored], KEY), "{kind:?}");
    }
}

/// Every object carries its marker exactly once, even if people wrote that very marker everywhere.
pub fn every_object_carries_its_marker_once_whatever_people_wrote(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        for member in &sent.call.members {
            let times = count(&sent.request.body, &fixture.mark(&member.marker));
            let is_right = if is_marked(member.step.operation) {
                times == 1
            } else {
                times <= 1
            };
            assert!(is_right, "{}: {times} times", sent.name());
        }
    }
    let own = marker(0);
    let fake = own.to_string();
    let hostile = [
        fake.clone(),
        format!(" {fake}{fake}\n{fake}"),
        format!("[tieout {fake}"),
        format!("[tieout\u{0} {fake}[\u{0}tieout [\r\ntieout "),
        fake.repeat(200),
        "\u{1f9fe}x".repeat(5_000),
    ];
    for &kind in fixture.provider().descriptor().kinds {
        let check = |text: &str| {
            let planned = creation_of(fixture, 0, samples::document(kind, 0, text));
            let request = encode(fixture, &[planned], KEY).expect("a planned step encodes");
            let times = count(&request.body, &fixture.mark(&own));
            assert_eq!(times, 1, "{kind:?} with {text:?}");
        };
        for text in &hostile {
            check(text);
        }
        for_any(
            &"(\\[tieout |suite|/|1|\\]|\\[|[a-z\\x00-\\x1f]){0,30}",
            |text: String| check(&text),
        );
    }
}

/// The key stands where the provider looks for it, as it was given; one that is too long is refused.
pub fn the_key_goes_along_whole_or_not_at_all(fixture: &impl Fixture) {
    let longest = fixture.longest_key();
    assert!(
        longest >= KEY.len(),
        "the worker's keys have {} characters",
        KEY.len()
    );
    for sent in calls(fixture) {
        let key = fixture.key_of(&sent.request);
        assert_eq!(key.as_deref(), Some(KEY), "{}", sent.name());
    }
    for &kind in fixture.provider().descriptor().kinds {
        let planned = [creation(fixture, kind, 0)];
        let key = "k".repeat(longest);
        let request = encode(fixture, &planned, &key).expect("the longest key fits");
        assert_eq!(fixture.key_of(&request), Some(key));
        for odd in [String::new(), "k".repeat(longest + 1)] {
            let failure = encode(fixture, &planned, &odd).expect_err("a key that does not fit");
            assert_eq!(failure.kind, FailureKind::Defect);
            speaks_plainly(&failure);
        }
    }
}

/// One member and a full batch encode; none, and one more than a batch, are refused.
pub fn calls_keep_to_the_batch_sizes_of_the_descriptor(fixture: &impl Fixture) {
    let descriptor = fixture.provider().descriptor();
    assert!(encode(fixture, &[], KEY).is_err(), "a call without members");
    for &kind in descriptor.kinds {
        for stage in Stage::ALL {
            let Some(first) = stage.plan(fixture, kind, 0) else {
                continue;
            };
            let most = (descriptor.batch_size)(&first.step.effect.kind, first.step.operation);
            let mut planned: Vec<Planned> = vec![first];
            planned.extend((1..=most).filter_map(|number| stage.plan(fixture, kind, number)));
            assert_eq!(planned.len(), most + 1);
            let alone = rehearsal::send(fixture, &planned[..1]);
            assert!(
                !alone.request.cost.batch || most == 1,
                "one member is no batch"
            );
            let full = rehearsal::send(fixture, &planned[..most]);
            assert_eq!(full.call.members.len(), most);
            let failure = encode(fixture, &planned, KEY).expect_err("one more than a batch");
            assert_eq!(failure.kind, FailureKind::Defect);
            speaks_plainly(&failure);
        }
    }
    let firsts: Vec<Planned> = descriptor
        .kinds
        .iter()
        .map(|kind| creation(fixture, *kind, 0))
        .collect();
    if firsts.len() > 1 {
        assert!(
            encode(fixture, &firsts, KEY).is_err(),
            "members of several kinds"
        );
    }
}

/// Authorisation is the worker's; a path is a path.
pub fn a_write_carries_no_authorisation(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        is_well_formed(&sent.request);
    }
}

/// Everything that the step shows is in the element, unchanged; only a text may give way to the marker.
pub fn what_was_previewed_is_what_is_sent(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let elements = fixture.elements(&sent.request, sent.call.members.len());
        for (member, element) in sent.call.members.iter().zip(&elements) {
            let Value::Object(shown) = &member.step.body else {
                panic!("{}: a step shows an object", sent.name());
            };
            let mark = fixture.mark(&member.marker);
            for (name, value) in shown {
                let there = element.get(name);
                let is_same = there == Some(value) || is_marked_text(there, value, &mark);
                assert!(is_same, "{}: {name} is {there:?}, not {value}", sent.name());
            }
        }
    }
}

/// A text that was shown, or its beginning, with the marker behind it.
fn is_marked_text(there: Option<&Value>, shown: &Value, mark: &str) -> bool {
    let (Some(there), Some(shown)) = (there.and_then(Value::as_str), shown.as_str()) else {
        return false;
    };
    there
        .strip_suffix(mark)
        .is_some_and(|rest| shown.starts_with(rest.trim_end()))
}
