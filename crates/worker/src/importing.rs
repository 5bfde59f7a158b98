//! Imports under the lease: what is due is read before documents are planned, page by page, and stored at once.

use std::collections::VecDeque;
use std::time::Duration;

use model::{Failure, FailureKind, ImportKind, Lane};
use provider_kit::{Import, Imported};
use serde_json::json;
use store::StoreError;
use store::import::{Begun, Brought};
use store::intent::Purpose;
use store::record::Next;

use crate::Inner;
use crate::outcome::{Halt, next_after};
use crate::work::Books;

/// Most pages of one import: at the usual 1,000 objects on each, more than any chart of accounts holds.
const MOST_PAGES: usize = 50;

/// What was imported is imported again after this long.
const EVERY: Duration = Duration::from_hours(24);

/// An import that failed, or that stopped its worker, is made again after this long.
const AFTER_FAILURE: Duration = Duration::from_hours(1);

impl Inner {
    /// Makes the imports that are due, one after the other, and takes what they brought into `books`. One that
    /// fails is made again later and holds nothing up, unless its failure reaches the whole books.
    pub(crate) async fn import_what_is_due(
        &self,
        books: &mut Books,
    ) -> Result<Option<Halt>, StoreError> {
        let mut halt = None;
        while halt.is_none() && !self.is_draining() && !self.board.is_lost(books.held.run) {
            let Some(begun) = self.store.begin_import(&books.held, AFTER_FAILURE).await? else {
                break;
            };
            match self.import(books, begun.what).await {
                Ok(import) => self.keep_import(books, begun.what, import).await?,
                Err(failure) => halt = self.note_failure(books, begun, &failure).await?,
            }
        }
        Ok(halt)
    }

    /// All pages of one import.
    async fn import(&self, books: &Books, what: ImportKind) -> Result<Import, Failure> {
        let mut replies = Vec::new();
        let mut wanted: VecDeque<_> = self.provider.imports(what, &books.facts).into();
        if wanted.is_empty() {
            return Ok(Import::default());
        }
        loop {
            while let Some(request) = wanted.pop_front() {
                if replies.len() >= MOST_PAGES {
                    return Err(Failure::new(
                        FailureKind::Defect,
                        "IMPORT_TOO_LONG",
                        "An import from the books needs more pages than it may read; an operator must look.",
                    ));
                }
                let reply = self
                    .perform(books, request, Purpose::Read, None, Lane::Bulk)
                    .await?;
                replies.push(reply);
            }
            match self.provider.take_import(what, &replies, &books.facts)? {
                Imported::Done(import) => return Ok(import),
                Imported::More(pages) if pages.is_empty() => {
                    return Err(Failure::new(
                        FailureKind::Defect,
                        "IMPORT_GOES_NOWHERE",
                        "An import from the books wants more and does not say what; an operator must look.",
                    ));
                }
                Imported::More(pages) => wanted.extend(pages),
            }
        }
    }

    /// Stores it, and takes it into `books`: what follows is read and planned with it.
    async fn keep_import(
        &self,
        books: &mut Books,
        what: ImportKind,
        import: Import,
    ) -> Result<(), StoreError> {
        let again = self
            .provider
            .descriptor()
            .imports
            .contains(&what)
            .then_some(EVERY);
        let brought = Brought {
            facts: import.facts.map(|facts| {
                json!({
                    "country": facts.country, "homeCurrency": facts.home_currency, "extra": facts.extra,
                })
            }),
            accounts: import.accounts,
            tax_codes: import.tax_codes,
        };
        let kept = self
            .store
            .finish_import(&books.held, what, &brought, again)
            .await;
        match kept {
            Ok(true) => {
                let situation = self.store.situation(&books.held).await?;
                let references = self.store.references(&books.held).await?;
                books.refresh(&situation, references)
            }
            Ok(false) => {
                self.board.lose(books.held.run);
                Ok(())
            }
            Err(error) if error.is_connection() => Err(error),
            // One that cannot be stored holds no documents up; it is due again by itself.
            Err(error) => {
                let why = runtime::chain(&error);
                tracing::error!(books = %books.held.books, "an import could not be stored: {why}");
                self.store
                    .fail_import(&books.held, what, &why, AFTER_FAILURE)
                    .await
            }
        }
    }

    async fn note_failure(
        &self,
        books: &Books,
        begun: Begun,
        failure: &Failure,
    ) -> Result<Option<Halt>, StoreError> {
        let seed = books.held.books.uuid().as_u64_pair().1;
        let (next, halt) = next_after(failure, begun.failures, &self.policy, seed);
        let after = match (&halt, next) {
            (Some(halt), _) => halt.wait,
            (None, Next::Later { after, .. }) => after,
            (None, _) => AFTER_FAILURE,
        };
        tracing::warn!(
            books = %books.held.books,
            failure.kind = failure.kind.as_str(),
            failure.code = failure.code,
            "an import from {} did not come about: {}", books.held.books, failure.message
        );
        self.store
            .fail_import(&books.held, begun.what, &failure.message, after)
            .await?;
        Ok(halt)
    }
}
