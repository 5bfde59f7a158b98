//! Checks of plans: pure, in words, and never a panic.

use model::{DocumentKind, FailureKind, Lifecycle};
use proptest::prelude::*;

use super::rehearsal::{add_link, creation, dependencies, linked, plan};
use super::trials::{for_any, speaks_plainly};
use super::{Fixture, samples};
use crate::{Currents, Links, Need, Plan};

/// The same view plans the same, and strangers' links, whenever added, play no part.
pub fn the_same_view_plans_the_same_whatever_the_order_of_its_links(fixture: &impl Fixture) {
    for &kind in fixture.provider().descriptor().kinds {
        let document = samples::document(kind, 0, "");
        let links = dependencies(fixture, &document);
        let first = plan(fixture, &document, &links, &Currents::default());
        assert_eq!(
            first,
            plan(fixture, &document, &links, &Currents::default()),
            "{kind:?}"
        );
        let strangers: Vec<usize> = (100..160).collect();
        let with = |order: &mut dyn Iterator<Item = &usize>| {
            let mut links = Links::default();
            let mut own = samples::named_by(&document);
            for (turn, number) in order.enumerate() {
                let id = samples::document(kind, *number, "").id;
                add_link(fixture, &mut links, kind, id, *number, "seen");
                if turn % 2 == 0
                    && let Some((kind, id)) = own.pop()
                {
                    add_link(fixture, &mut links, kind, id, 900 + own.len(), "seen");
                }
            }
            plan(fixture, &document, &links, &Currents::default())
        };
        assert_eq!(first, with(&mut strangers.iter()), "{kind:?}");
        assert_eq!(first, with(&mut strangers.iter().rev()), "{kind:?}");
    }
}

/// What was voided or deleted before it was sent is skipped, even when its dependencies are missing.
pub fn what_was_never_sent_is_not_ended(fixture: &impl Fixture) {
    for &kind in fixture.provider().descriptor().kinds {
        for lifecycle in [Lifecycle::Voided, Lifecycle::Deleted] {
            let mut document = samples::document(kind, 0, "");
            document.lifecycle = lifecycle;
            for links in [Links::default(), dependencies(fixture, &document)] {
                let planned = plan(fixture, &document, &links, &Currents::default());
                assert!(matches!(planned, Plan::Skip(_)), "{kind:?}: {planned:?}");
            }
        }
    }
}

/// Kinds that the descriptor leaves out are refused as unsupported.
pub fn a_kind_that_the_descriptor_does_not_name_is_refused_in_words(fixture: &impl Fixture) {
    for kind in DocumentKind::ALL {
        if fixture.provider().descriptor().kinds.contains(&kind) {
            continue;
        }
        let document = samples::document(kind, 0, "");
        let planned = plan(
            fixture,
            &document,
            &dependencies(fixture, &document),
            &Currents::default(),
        );
        let Plan::Refused(failure) = planned else {
            panic!("{kind:?} is not in the descriptor, and yet: {planned:?}");
        };
        assert_eq!(failure.kind, FailureKind::Unsupported, "{failure:?}");
        speaks_plainly(&failure);
    }
}

/// A document that names others waits for them by name.
pub fn a_missing_dependency_is_named(fixture: &impl Fixture) {
    for &kind in fixture.provider().descriptor().kinds {
        let document = samples::document(kind, 0, "");
        let named = samples::named_by(&document);
        match plan(fixture, &document, &Links::default(), &Currents::default()) {
            Plan::Needs(needs) => {
                assert!(!needs.is_empty(), "{kind:?} waits for nothing");
                for need in needs {
                    let Need::Document { kind, id } = need else {
                        panic!("what has no link cannot be read: {need:?}");
                    };
                    assert!(
                        named.contains(&(kind, id.clone())),
                        "{id} is not named by it"
                    );
                }
            }
            Plan::Steps(_) => assert!(named.is_empty(), "{kind:?} went without {named:?}"),
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

/// A link with the wanted fingerprint needs nothing more.
pub fn what_the_books_already_hold_needs_nothing(fixture: &impl Fixture) {
    for &kind in fixture.provider().descriptor().kinds {
        let created = creation(fixture, kind, 0);
        let links = linked(fixture, &created.document, 0, &created.step.fingerprint);
        let planned = plan(fixture, &created.document, &links, &Currents::default());
        assert_eq!(planned, Plan::Steps(Vec::new()), "{kind:?}");
    }
}

/// Whatever people write, a plan is made or refused in words, and twice the same.
pub fn any_text_is_planned_or_refused_in_words(fixture: &impl Fixture) {
    let text = prop_oneof![
        any::<String>(),
        ".{0,20}".prop_map(|some| some.repeat(400)),
        Just("\0\u{7}\u{202e}\u{feff}[tieout {name}{id}:\t\r\n".to_owned()),
    ];
    for &kind in fixture.provider().descriptor().kinds {
        for_any(&text, |text| {
            let document = samples::document(kind, 0, &text);
            let links = dependencies(fixture, &document);
            let planned = plan(fixture, &document, &links, &Currents::default());
            assert_eq!(
                planned,
                plan(fixture, &document, &links, &Currents::default())
            );
            match planned {
                Plan::Steps(steps) => assert!(!steps.is_empty(), "it is new"),
                Plan::Refused(failure) => speaks_plainly(&failure),
                other => panic!("{kind:?}: {other:?}"),
            }
        });
    }
}
