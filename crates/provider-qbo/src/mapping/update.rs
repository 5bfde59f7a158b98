//! Whether a linked object may be changed: only when the books hold what we last saw there.

use model::Failure;
use provider_kit::{Current, CurrentState, Effect, External, Link, Need, View};

use super::owned::Owned;
use super::{Planned, Stop, text};
use crate::failures;

/// The object of a link as it is now, none where it is gone; a need while it was not read.
pub(super) fn look<'v>(
    view: &View<'v>,
    effect: &Effect,
    link: &Link,
) -> Planned<Option<&'v Current>> {
    match view.currents.get(&effect.kind, &link.external_id) {
        None => Err(Stop::Needs(vec![need(effect, link)])),
        Some(CurrentState::NotThere) => Ok(None),
        Some(CurrentState::There(current)) => Ok(Some(current)),
    }
}

/// The read of a link's object.
pub(super) fn need(effect: &Effect, link: &Link) -> Need {
    Need::Current {
        effect: effect.clone(),
        external: External {
            id: link.external_id.clone(),
            revision: link.revision.clone(),
        },
    }
}

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
    if is_as_seen(link, current, there) {
        return Ok(true);
    }
    Err(failures::edited_in_books(thing, &wanted.differing(there)))
}

/// Whether the object is as we last saw it.
pub(super) fn is_as_seen(link: &Link, current: &Current, there: &Owned) -> bool {
    there.fingerprint() == link.fingerprint || current.landed.fingerprint == link.fingerprint
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
