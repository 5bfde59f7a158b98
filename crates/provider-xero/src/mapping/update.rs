//! Whether a linked object may be changed: only when the books hold what we last saw there.
//!
//! Xero has no revisions to send a change against: between our read and our change a person can still change the
//! same object, and the later change wins field by field. What we do not own is never sent.

use model::Failure;
use provider_kit::{Current, External, Link};

use super::owned::Owned;
use crate::failures;

/// Compares what is wanted with what is there: nothing to do, a change, or a conflict for a person.
pub(super) fn is_needed(
    link: &Link,
    current: &Current,
    wanted: &Owned,
    there: &Owned,
    thing: &str,
) -> Result<bool, Failure> {
    if there == wanted {
        return Ok(false);
    }
    if is_as_seen(link, current, there) {
        return Ok(true);
    }
    Err(failures::edited_in_books(thing, &wanted.differing(there)))
}

/// Whether the books hold what we last saw.
pub(super) fn is_as_seen(link: &Link, current: &Current, there: &Owned) -> bool {
    there.fingerprint() == link.fingerprint || current.landed.fingerprint == link.fingerprint
}

/// The object as it is now.
pub(super) fn target(link: &Link, current: &Current) -> External {
    External {
        id: link.external_id.clone(),
        revision: current.landed.revision.clone(),
    }
}
