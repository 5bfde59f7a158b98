//! One acquisition of a books: touch, work, off the board.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::future::FutureExt as _;

use model::BooksId;
use store::StoreError;
use store::lease::{Held, Touched};

use crate::holder::drive;
use crate::metrics::{LEASES, TAKEOVERS};
use crate::{Inner, Worker};

/// How an acquisition ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Somebody else holds the lease, it is parked, or there are no such books.
    NotTaken,
    /// Nothing was left to do.
    Idle,
    /// Others have their turn; more is left.
    Yielded,
    /// The books pause, with a reason people see.
    Parked,
    /// The lease went to another worker.
    Lost,
}

impl Worker {
    /// One acquisition of one books, from touch to release: what a ticket leads to, and what tests drive.
    pub async fn process_one(&self, books: BooksId) -> Result<Ended, StoreError> {
        match self.touch(books).await? {
            Some((held, before)) => Ok(self.work_on(held, before).await),
            None => Ok(Ended::NotTaken),
        }
    }

    /// S1 and S2; answers the lease and the instant before the statement.
    pub(crate) async fn touch(
        &self,
        books: BooksId,
    ) -> Result<Option<(Held, std::time::Instant)>, StoreError> {
        let inner = &self.inner;
        let before = inner.clock.monotonic();
        let touched = inner
            .store
            .touch(books, inner.policy.ttl, inner.policy.settle)
            .await?;
        runtime::halt::point("06-touched");
        match touched {
            Touched::Taken(held) => Ok(Some((held, before))),
            Touched::Marked => {
                inner.board.nudge(books);
                Ok(None)
            }
            Touched::Unknown => {
                tracing::warn!(%books, "a ticket names {books}, which do not exist");
                Ok(None)
            }
        }
    }

    /// Works on books this process holds until the lease is given back or lost.
    pub(crate) async fn work_on(&self, held: Held, before: std::time::Instant) -> Ended {
        let inner = &self.inner;
        let nudge = inner.board.add(held, before);
        // Off the board however this ends: a lease that nobody drives must run out, not be kept by the beat.
        let _on_board = OnBoard {
            worker: inner,
            run: held.run,
        };
        TAKEOVERS.increment(());
        LEASES.set_count((), inner.board.count());
        let ended = AssertUnwindSafe(drive(Arc::clone(inner), held, nudge))
            .catch_unwind()
            .await;
        match ended {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => {
                tracing::error!(books = %held.books, "work on {} stopped: {}", held.books, runtime::chain(&error));
                Ended::Lost
            }
            // The takeover counts the crash against what was in hand; the last makes it a dead letter.
            Err(panic) => {
                let text = runtime::telemetry::panic_text(&*panic);
                tracing::error!(books = %held.books, "work on {} broke a rule of ours: {text}", held.books);
                Ended::Lost
            }
        }
    }
}

struct OnBoard<'a> {
    worker: &'a Inner,
    run: model::RunId,
}

impl Drop for OnBoard<'_> {
    fn drop(&mut self) {
        self.worker.board.remove(self.run);
        LEASES.set_count((), self.worker.board.count());
    }
}
