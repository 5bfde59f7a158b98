//! Closed books: what is dated before the closing date is not sent at all.
//!
//! Whether the closing date itself is still open differs between Intuit's own pages, so only days before it are
//! decided here; for the day itself QuickBooks answers with its code 6210, which says the same to people.

use chrono::NaiveDate;
use model::Failure;
use provider_kit::View;

use crate::books::Preferences;
use crate::failures;

/// Refuses what would change a closed period: a document's new day or the one it has in the books.
pub(super) fn check(
    view: &View<'_>,
    wanted: NaiveDate,
    there: Option<&str>,
) -> Result<(), Failure> {
    let Some(closed) = Preferences::of(view.books).book_close_date else {
        return Ok(());
    };
    let there = there.and_then(|day| day.parse().ok());
    if [Some(wanted), there]
        .into_iter()
        .flatten()
        .any(|day| day < closed)
    {
        return Err(failures::closed_books());
    }
    Ok(())
}
