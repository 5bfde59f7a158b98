//! The holder's loop: claim what is ready, keep calls in flight, release, yield or park.
//!
//! Nothing is released with a call in flight. While calls are in flight, only items of their rank or below are
//! claimed, so that an invoice never overtakes its client.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::FuturesUnordered;
use model::BooksId;
use store::StoreError;
use store::claim::{Claim, Claimed};
use store::lease::{Held, Touched};
use tokio::sync::Notify;

use crate::calling::CallEnd;
use crate::metrics::{LEASES, TAKEOVERS};
use crate::outcome::Halt;
use crate::work::Books;
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

/// Where the loop goes after one round.
enum Round {
    Again,
    End(Ended),
}

struct Drive {
    worker: Arc<Inner>,
    books: Books,
    nudge: Arc<Notify>,
    in_flight: FuturesUnordered<BoxFuture<'static, CallEnd>>,
    rank: Option<i16>,
    halt: Option<Halt>,
    until: std::time::Instant,
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
            // The takeover counts the crash against what was in hand; the third makes it a dead letter.
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

async fn drive(worker: Arc<Inner>, held: Held, nudge: Arc<Notify>) -> Result<Ended, StoreError> {
    let pacer = worker.pacer(&held).await?;
    let books = Books::from_situation(held, worker.store.situation(&held).await?, pacer)?;
    if !books.is_active {
        let wait = worker.policy.parked_recheck;
        worker
            .store
            .park_lease(
                &held,
                wait,
                "the integration is switched off",
                model::Owner::Customer,
            )
            .await?;
        return Ok(Ended::Parked);
    }
    let until = worker.clock.monotonic() + worker.policy.slice;
    let mut drive = Drive {
        worker,
        books,
        nudge,
        in_flight: FuturesUnordered::new(),
        rank: None,
        halt: None,
        until,
    };
    loop {
        if let Round::End(ended) = drive.round().await? {
            runtime::halt::point("13-released");
            return Ok(ended);
        }
    }
}

impl Drive {
    async fn round(&mut self) -> Result<Round, StoreError> {
        let worker = Arc::clone(&self.worker);
        let held = self.books.held;
        if worker.board.is_lost(held.run) {
            // What is in flight is still recorded, by attempt.
            while let Some(end) = self.in_flight.next().await {
                self.note(end);
            }
            return Ok(Round::End(Ended::Lost));
        }
        let is_over =
            self.halt.is_some() || worker.clock.monotonic() >= self.until || worker.is_draining();
        if is_over {
            return self.give_back().await;
        }
        let most = worker.provider.descriptor().calls_in_flight.max(1);
        let free = most.saturating_sub(self.in_flight.len());
        if free == 0 {
            self.wait_for_one().await;
            return Ok(Round::Again);
        }
        let only_live = self.in_flight.len() + 1 >= most && most > 1;
        let claim = worker
            .store
            .claim(&held, claim_limit(&worker, free), only_live, self.rank)
            .await?;
        match claim {
            Claim::Lost => {
                worker.board.lose(held.run);
                Ok(Round::Again)
            }
            Claim::Ready { wake, items } if items.is_empty() => {
                if !self.in_flight.is_empty() {
                    self.wait_for_one().await;
                    return Ok(Round::Again);
                }
                if worker.store.release_idle(&held, wake).await? {
                    return Ok(Round::End(Ended::Idle));
                }
                Ok(Round::Again)
            }
            Claim::Ready { items, .. } => {
                runtime::halt::point("07-claimed");
                self.start(items).await?;
                Ok(Round::Again)
            }
        }
    }

    /// Starts what was claimed: open calls are closed, the rest is planned and called.
    async fn start(&mut self, items: Vec<Claimed>) -> Result<(), StoreError> {
        self.rank = items.iter().map(|item| item.rank).max().or(self.rank);
        let (open, fresh): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|item| item.open_call.is_some());
        let mut by_call: std::collections::BTreeMap<uuid::Uuid, Vec<Claimed>> =
            std::collections::BTreeMap::new();
        for item in open {
            by_call
                .entry(item.open_call.unwrap_or_default())
                .or_default()
                .push(item);
        }
        let worker = Arc::clone(&self.worker);
        for (call, claimed) in by_call {
            let (worker, books) = (Arc::clone(&worker), self.books.clone());
            self.in_flight
                .push(async move { worker.close_call(&books, call, &claimed).await }.boxed());
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let prepared = worker.prepare(&self.books, fresh).await?;
        worker.move_items(&self.books, prepared.moves).await?;
        self.halt = self.halt.take().or(prepared.halt);
        for works in prepared.calls {
            let (worker, books) = (Arc::clone(&worker), self.books.clone());
            self.in_flight
                .push(async move { worker.bring_about(&books, works).await }.boxed());
        }
        Ok(())
    }

    /// Waits until a call ends or a mark says that something new is ready.
    async fn wait_for_one(&mut self) {
        tokio::select! {
            Some(end) = self.in_flight.next() => self.note(end),
            () = self.nudge.notified() => {}
        }
    }

    fn note(&mut self, end: CallEnd) {
        if end.is_lost {
            self.worker.board.lose(self.books.held.run);
        }
        let longer = match (&self.halt, &end.halt) {
            (Some(known), Some(new)) => new.wait > known.wait,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if longer {
            self.halt = end.halt;
        }
        if self.in_flight.is_empty() {
            self.rank = None;
        }
    }

    /// S9, with nothing in flight.
    async fn give_back(&mut self) -> Result<Round, StoreError> {
        while let Some(end) = self.in_flight.next().await {
            self.note(end);
        }
        let held = self.books.held;
        if self.worker.board.is_lost(held.run) {
            return Ok(Round::End(Ended::Lost));
        }
        let Some(halt) = self.halt.take() else {
            self.worker.store.yield_lease(&held).await?;
            return Ok(Round::End(Ended::Yielded));
        };
        let Halt { failure, wait } = halt;
        tracing::warn!(
            books = %held.books,
            failure.kind = failure.kind.as_str(),
            failure.code = failure.code,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "{} pause: {}", held.books, failure.message
        );
        self.worker
            .store
            .park_lease(&held, wait, &failure.message, failure.owner)
            .await?;
        Ok(Round::End(Ended::Parked))
    }
}

/// As many items as fill the free calls in the largest batches, within reason.
fn claim_limit(worker: &Inner, free: usize) -> i64 {
    let descriptor = worker.provider.descriptor();
    let largest = descriptor
        .kinds
        .iter()
        .map(|kind| (descriptor.batch_size)(*kind, model::Operation::Create))
        .max();
    i64::try_from((largest.unwrap_or(1) * free).clamp(1, 300)).unwrap_or(1)
}
