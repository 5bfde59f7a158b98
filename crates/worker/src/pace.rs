//! Keeping under the provider's limits: a permit before every intent, handed back when the call is over.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use model::{Failure, FailureKind, Lane, Scope};
use provider_kit::Cost;
use provider_kit::pacing::{Pacer, PastCharge, Permit};
use store::StoreError;
use store::lease::Held;

use crate::Inner;
use crate::calling::Sent;
use crate::work::Books;

/// How often a call that waits for another's end asks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The code of a pause we impose on ourselves.
pub(crate) const PACED: &str = "PACED";

impl Inner {
    /// A pacer that knows what earlier holders of these books sent.
    pub(crate) async fn pacer(&self, held: &Held) -> Result<Pacer, StoreError> {
        let recent = self.store.recent_calls(held).await?;
        let charges: Vec<PastCharge> = recent
            .into_iter()
            .map(|call| PastCharge {
                opened_ago: call.opened_ago,
                ended_ago: call.ended_ago,
                cost: Cost {
                    batch: call.is_batch,
                    metered_read: call.is_metered_read,
                },
            })
            .collect();
        let mut pacer = Pacer::new(self.provider.descriptor());
        pacer.restore(self.clock.monotonic(), &charges);
        Ok(pacer)
    }

    /// A permit now or soon; a longer wait is not spent holding the lease.
    pub(crate) async fn permit(
        &self,
        books: &Books,
        cost: Cost,
        lane: Lane,
    ) -> Result<Permit, Failure> {
        let patience = self.clock.monotonic() + self.policy.longest_hold_wait;
        loop {
            let now = self.clock.monotonic();
            let (wait, in_flight) = {
                let mut pacer = lock(books);
                match pacer.try_acquire(now, cost, lane) {
                    Ok(permit) => return Ok(permit),
                    Err(wait) => (wait, pacer.in_flight()),
                }
            };
            // The wait is counted to the deadlines of calls in flight: they end earlier, and nothing may be
            // released before they do.
            if in_flight == 0 && now + wait > patience {
                return Err(paced(wait));
            }
            if self.board.is_lost(books.held.run) {
                return Err(paced(wait));
            }
            tokio::time::sleep(wait.clamp(Duration::from_millis(1), LOOK_AGAIN)).await;
        }
    }

    /// Hands a permit back once nothing of the call can leave any more.
    pub(crate) fn hand_back(&self, books: &Books, permit: Permit, sent: Option<&Sent>) {
        match sent {
            Some(Sent::Replied(_) | Sent::Unclear(_)) => {
                lock(books).finish(permit, self.clock.monotonic());
            }
            Some(Sent::NotAtAll(_)) | None => lock(books).unsent(permit),
        }
    }
}

fn lock(books: &Books) -> MutexGuard<'_, Pacer> {
    books.pacer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn paced(wait: Duration) -> Failure {
    Failure::new(
        FailureKind::Throttled,
        PACED,
        "The provider's limit for these books is used up for now; it goes on by itself.",
    )
    .reaching(Scope::Books)
    .with_retry_after(Some(wait))
}
