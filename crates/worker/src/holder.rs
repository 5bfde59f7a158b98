//! The holder's loop: claim what is ready, keep calls in flight, release, yield or park.
//!
//! Nothing is released with a call in flight. While calls are in flight, only items of their rank or below are
//! claimed from their lane, so that an invoice never overtakes its client; live items pass a bulk barrier. Bulk
//! leaves one place free. What has stopped workers before runs with nothing beside it. An open call is closed by
//! one task at a time.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use model::Lane;
use store::StoreError;
use store::claim::{Barrier, Claim, Claimed, SUSPECT};
use store::lease::Held;
use store::record::Next;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::Inner;
use crate::calling::CallEnd;
use crate::drive::Ended;
use crate::news::span;
use crate::outcome::Halt;
use crate::prepare::{MOST_CRASHES, crash_loop};
use crate::work::{Books, Work, moved};

/// Where the loop goes after one round.
enum Round {
    Again,
    End(Ended),
}

/// Something that takes a place in flight.
enum Job {
    Close(Uuid, Vec<Claimed>),
    Call(Vec<Work>),
}

impl Job {
    fn lane(&self) -> Lane {
        match self {
            Self::Close(..) => Lane::Live,
            Self::Call(works) => works
                .iter()
                .map(|work| work.claimed.lane)
                .min()
                .unwrap_or(Lane::Bulk),
        }
    }

    fn claimed(&self) -> Vec<&Claimed> {
        match self {
            Self::Close(_, claimed) => claimed.iter().collect(),
            Self::Call(works) => works.iter().map(|work| &work.claimed).collect(),
        }
    }
}

struct Drive {
    worker: Arc<Inner>,
    books: Books,
    nudge: Arc<Notify>,
    in_flight: JoinSet<(CallEnd, Option<Uuid>)>,
    ready: VecDeque<Job>,
    closing: HashSet<Uuid>,
    barrier: Option<Barrier>,
    halt: Option<Halt>,
    until: std::time::Instant,
}

/// Works on books under a lease until it is given back or lost.
pub(crate) async fn drive(
    worker: Arc<Inner>,
    held: Held,
    nudge: Arc<Notify>,
) -> Result<Ended, StoreError> {
    let pacer = worker.pacer(&held).await?;
    let situation = worker.store.situation(&held).await?;
    let references = worker.store.references(&held).await?;
    let mut books = Books::from_situation(held, situation, references, pacer)?;
    let until = worker.clock.monotonic() + worker.policy.slice;
    let halt = worker.import_what_is_due(&mut books).await?;
    let mut drive = Drive {
        worker,
        books,
        nudge,
        in_flight: JoinSet::new(),
        ready: VecDeque::new(),
        closing: HashSet::new(),
        barrier: None,
        halt,
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
        let held = self.books.held;
        if self.worker.board.is_lost(held.run) {
            // What is in flight is still recorded, by attempt.
            self.wait_for_all().await;
            return Ok(Round::End(Ended::Lost));
        }
        let is_over = self.halt.is_some()
            || self.worker.clock.monotonic() >= self.until
            || self.worker.is_draining();
        if is_over {
            return self.give_back().await;
        }
        self.launch();
        let most = self.places();
        if self.in_flight.len() >= most {
            self.wait_for_one().await;
            return Ok(Round::Again);
        }
        if self.in_flight.is_empty() && self.ready.is_empty() {
            self.barrier = None;
        }
        let only_live = !self.ready.is_empty() || (most > 1 && self.in_flight.len() + 1 >= most);
        let limit = claim_limit(&self.worker, most - self.in_flight.len());
        match self
            .worker
            .store
            .claim(&held, limit, only_live, self.barrier)
            .await?
        {
            Claim::Lost => self.worker.board.lose(held.run),
            Claim::Ready {
                wake,
                items,
                is_active,
            } if items.is_empty() => {
                if !self.in_flight.is_empty() || !self.ready.is_empty() {
                    self.wait_for_one().await;
                } else if !is_active {
                    let wait = self.worker.policy.parked_recheck;
                    let reason = "the integration is switched off";
                    self.worker
                        .store
                        .park_lease(&held, wait, reason, model::Owner::Customer)
                        .await?;
                    return Ok(Round::End(Ended::Parked));
                } else if self.worker.store.release_idle(&held, wake).await? {
                    return Ok(Round::End(Ended::Idle));
                }
            }
            Claim::Ready { items, .. } => {
                runtime::halt::point("07-claimed");
                self.start(items).await?;
            }
        }
        Ok(Round::Again)
    }

    fn places(&self) -> usize {
        self.worker.provider.descriptor().calls_in_flight.max(1)
    }

    /// Makes jobs of what was claimed: open calls are closed, the rest is planned and called.
    async fn start(&mut self, items: Vec<Claimed>) -> Result<(), StoreError> {
        // Claimed alone, and with nothing in hand.
        let is_suspect = items.iter().any(|item| item.crash_count >= SUSPECT);
        self.raise_barrier(&items);
        let mut moves = Vec::new();
        let mut open: BTreeMap<Uuid, Vec<Claimed>> = BTreeMap::new();
        let mut fresh = Vec::new();
        for item in items {
            match item.open_call {
                // Its attempt stays open: a replay looks it up first.
                _ if item.crash_count >= MOST_CRASHES => moves.push(moved(&item, crash_loop())),
                Some(call) if self.closing.contains(&call) => {
                    moves.push(moved(&item, self.wait_for_closing()));
                }
                Some(call) => open.entry(call).or_default().push(item),
                None => fresh.push(item),
            }
        }
        for (call, claimed) in open {
            self.closing.insert(call);
            self.ready.push_back(Job::Close(call, claimed));
        }
        if !fresh.is_empty() {
            let prepared = self.worker.prepare(&self.books, fresh).await?;
            moves.extend(prepared.moves);
            self.halt = self.halt.take().or(prepared.halt);
            self.ready.extend(prepared.calls.into_iter().map(Job::Call));
        }
        self.worker.move_items(&self.books, moves).await?;
        if is_suspect {
            self.launch();
            self.wait_for_all().await;
        }
        Ok(())
    }

    fn raise_barrier(&mut self, items: &[Claimed]) {
        let rank = items.iter().map(|item| item.rank).max().unwrap_or(0);
        let lane = items
            .iter()
            .map(|item| item.lane)
            .max()
            .unwrap_or(Lane::Bulk);
        self.barrier = Some(match self.barrier {
            Some(known) if known.lane > lane => known,
            Some(known) => Barrier {
                lane: known.lane,
                rank: known.rank.min(rank),
            },
            None => Barrier { lane, rank },
        });
    }

    fn wait_for_closing(&self) -> Next {
        Next::Verify {
            after: self.worker.policy.retry.first_lookup_delay,
            reason: "an earlier call's outcome is being found out".to_owned(),
            counts: false,
        }
    }

    /// Starts jobs while there are places; bulk leaves one free.
    fn launch(&mut self) {
        let most = self.places();
        while let Some(job) = self.ready.front() {
            let places = if job.lane() == Lane::Bulk {
                most.saturating_sub(1).max(1)
            } else {
                most
            };
            if self.in_flight.len() >= places {
                return;
            }
            let Some(job) = self.ready.pop_front() else {
                return;
            };
            let (worker, books) = (Arc::clone(&self.worker), self.books.clone());
            let span = span(&job.claimed());
            // A task each, so that calls go on while the holder claims and plans.
            let work = async move {
                match job {
                    Job::Close(call, claimed) => {
                        (worker.close_call(&books, call, &claimed).await, Some(call))
                    }
                    Job::Call(works) => (worker.bring_about(&books, works).await, None),
                }
            };
            self.in_flight.spawn(work.instrument(span));
        }
    }

    /// Waits until a call ends or a mark says that something new is ready.
    async fn wait_for_one(&mut self) {
        tokio::select! {
            Some(joined) = self.in_flight.join_next() => self.note(joined),
            () = self.nudge.notified() => {}
        }
    }

    async fn wait_for_all(&mut self) {
        while let Some(joined) = self.in_flight.join_next().await {
            self.note(joined);
        }
    }

    fn note(&mut self, joined: Result<(CallEnd, Option<Uuid>), tokio::task::JoinError>) {
        let end = match joined {
            Ok((end, closed)) => {
                if let Some(call) = closed {
                    self.closing.remove(&call);
                }
                end
            }
            // The takeover counts the crash against what was in hand; the last makes it a dead letter.
            Err(error) => {
                tracing::error!(books = %self.books.held.books, "a call broke a rule of ours: {error}");
                CallEnd::lost()
            }
        };
        if end.is_lost {
            self.worker.board.lose(self.books.held.run);
        }
        let known = self.halt.as_ref().map(|halt| halt.wait);
        if end
            .halt
            .as_ref()
            .is_some_and(|halt| known.is_none_or(|wait| halt.wait > wait))
        {
            self.halt = end.halt;
        }
    }

    /// S9, with nothing in flight; what was claimed and not started goes back.
    async fn give_back(&mut self) -> Result<Round, StoreError> {
        let unstarted: Vec<Job> = self.ready.drain(..).collect();
        let moves = unstarted
            .iter()
            .flat_map(Job::claimed)
            .map(|claimed| moved(claimed, Next::More))
            .collect();
        self.worker.move_items(&self.books, moves).await?;
        self.wait_for_all().await;
        let held = self.books.held;
        if self.worker.board.is_lost(held.run) {
            return Ok(Round::End(Ended::Lost));
        }
        let Some(Halt { failure, wait }) = self.halt.take() else {
            self.worker.store.yield_lease(&held).await?;
            return Ok(Round::End(Ended::Yielded));
        };
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
        .effect_kinds
        .iter()
        .map(|kind| (descriptor.batch_size)(kind, model::Operation::Create))
        .max();
    i64::try_from((largest.unwrap_or(1) * free).clamp(1, 300)).unwrap_or(1)
}
