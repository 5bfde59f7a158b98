//! Checks of what is data: the descriptor, and the marker itself.

use std::collections::HashSet;
use std::time::Duration;

use model::{DocumentKind, ImportKind, Operation, ProviderKey};
use proptest::prelude::*;

use super::Fixture;
use super::rehearsal::marker;
use super::trials::for_any;
use crate::{AuthStyle, Marker, Transport};

/// Largest reply that a worker can hold for each call in flight.
const LARGEST_REPLY: usize = 128 * 1024 * 1024;

/// Longest that anybody waits for one reply.
const LONGEST_CALL: Duration = Duration::from_mins(15);

/// Keys are keys, limits are limits, and our deadline outlasts the provider's own.
pub fn the_descriptor_is_sane(fixture: &impl Fixture) {
    let descriptor = fixture.provider().descriptor();
    assert!(
        descriptor.key.parse::<ProviderKey>().is_ok(),
        "{:?} is no key",
        descriptor.key
    );
    let short = descriptor.short;
    assert!(
        (1..=16).contains(&short.len()) && short.bytes().all(|b| b.is_ascii_lowercase()),
        "{short:?} names queues and binaries"
    );
    let kinds: HashSet<DocumentKind> = descriptor.kinds.iter().copied().collect();
    assert!(!kinds.is_empty() && kinds.len() == descriptor.kinds.len());
    let effects: HashSet<&str> = descriptor.effect_kinds.iter().copied().collect();
    assert!(!effects.is_empty() && effects.len() == descriptor.effect_kinds.len());
    for kind in descriptor.kinds {
        let main = fixture.effect(*kind).kind;
        assert!(effects.contains(main.as_str()), "{main} is no effect kind");
    }
    for effect in descriptor.effect_kinds {
        for operation in [
            Operation::Create,
            Operation::Update,
            Operation::Void,
            Operation::Delete,
        ] {
            let size = (descriptor.batch_size)(effect, operation);
            assert!((1..=1_000).contains(&size), "a batch of {size} {effect}");
        }
    }
    assert!((1..=1_000).contains(&descriptor.read_size));
    for what in ImportKind::ALL {
        let requests = fixture.provider().imports(what, &fixture.books());
        let is_named = descriptor.imports.contains(&what);
        assert_eq!(
            is_named,
            !requests.is_empty(),
            "{what:?} is named and asked for, or neither"
        );
    }
    assert!((1..=100).contains(&descriptor.calls_in_flight));
    for limit in descriptor.limits {
        assert!(
            limit.count > 0 && !limit.window.is_zero(),
            "{limit:?} lets nothing through"
        );
    }
    assert!(!descriptor.processing_limit.is_zero());
    assert!(
        (descriptor.processing_limit..=LONGEST_CALL).contains(&descriptor.call_deadline),
        "a deadline before the provider's own makes outcomes unknown for nothing"
    );
    assert!(descriptor.lookup_lag <= LONGEST_CALL);
    assert!((1024..=LARGEST_REPLY).contains(&descriptor.reply_limit));
    if descriptor.transport == Transport::Http {
        assert!(is_base(descriptor.production_url) && is_base(descriptor.sandbox_url));
    }
    match descriptor.auth {
        AuthStyle::OAuth2Basic { token_url } => assert!(is_base(token_url)),
        AuthStyle::None => {}
    }
}

/// An address that a path can be put behind.
fn is_base(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| {
        !rest.is_empty() && !rest.ends_with('/') && !rest.contains(['?', '#', ' '])
    })
}

/// A marker survives whatever stands around it; and a text without a whole one has none.
pub fn a_marker_is_found_again_and_nothing_else_passes_for_one(fixture: &impl Fixture) {
    let own = marker(0);
    assert_ne!(
        fixture.mark(&own),
        fixture.mark(&marker(1)),
        "markers tell effects apart"
    );
    let mut again = own.clone();
    again.generation += 1;
    assert_ne!(
        fixture.mark(&own),
        fixture.mark(&again),
        "markers tell generations apart"
    );
    let text = own.to_string();
    for_any(&(any::<String>(), any::<String>()), |(before, after)| {
        let whole = format!("{}{text}{after}", before.replace("[tieout ", ""));
        assert_eq!(Marker::find(&whole), Some(own.clone()), "{whole:?}");
    });
    // Only the bracket is not asked for by `find`: whether a cut marker adopts is asked of each provider, in
    // `a_number_or_a_strangers_marker_never_adopts`.
    for length in 0..text.len() - 1 {
        assert_eq!(Marker::find(&text[..length]), None, "a cut marker");
    }
    // Damage may make another marker of it; it must never make a panic or, by itself, the same one.
    for_any(&(0..text.len(), "[^\\x00-\\x1f]"), |(at, odd)| {
        let damaged = format!("{}{odd}{}", &text[..at], &text[at + 1..]);
        let same = damaged.eq_ignore_ascii_case(&text);
        assert!(
            same || Marker::find(&damaged) != Some(own.clone()),
            "{damaged:?}"
        );
    });
}
