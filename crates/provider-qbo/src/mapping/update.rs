//! Whether a linked object may be changed: only when the books hold what we last saw there.

use model::Failure;
use provider_kit::{Current, External, Link};

use super::owned::Owned;
use super::text;
use crate::failures;

/// Compares what is wanted with what is there: nothing to do, a change, or a conflict for a person.
pub(super) fn is_needed(
    link: &Link,
    current: &Current,
    wanted: &Owned,
    there: &Owned,
    thing: &str,
) -> Result<bool, Failure> {
    let seen = there.fingerprint();
    if seen == wanted.fingerprint() {
        return Ok(false);
    }
    if seen == link.fingerprint || current.landed.fingerprint == link.fingerprint {
        return Ok(true);
    }
    Err(failures::edited_in_books(thing, &wanted.differing(there)))
}

/// The object as it is now, to change it against its present revision.
pub(super) fn target(link: &Link, current: &Current) -> External {
    External {
        id: link.external_id.clone(),
        revision: current.landed.revision.clone(),
    }
}

/// People's own words in a note that carries our marker; they stay when we change the object.
pub(super) fn kept_note(note: Option<&str>) -> Option<String> {
    let kept = text::unmarked(note?);
    (!kept.is_empty()).then_some(kept)
}
