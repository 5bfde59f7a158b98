//! Reads: committed as calls like everything else, closed when answered or lost.

use model::{CallId, Failure, FailureKind, Lane, Scope};
use provider_kit::http;
use provider_kit::{Current, Effect, External, Reply, Request};
use store::intent::{Intended, Intent, Purpose};
use store::units::{Unit, Unitary};

use crate::Inner;
use crate::calling::Sent;
use crate::parts::read_intent;
use crate::work::Books;

impl Inner {
    /// Makes one read. A lost lease, token trouble and a lost answer are failures alike: nothing was changed.
    pub(crate) async fn perform(
        &self,
        books: &Books,
        request: Request,
        purpose: Purpose,
        closes: Option<CallId>,
        lane: Lane,
    ) -> Result<Reply, Failure> {
        let bearer = self.bearer(books).await?;
        let permit = self.permit(books, request.cost, lane).await?;
        let Some(send_before) = self
            .send_before(books)
            .map(|until| until.min(permit.send_before()))
        else {
            self.hand_back(books, permit, None);
            return Err(lost());
        };
        let call = CallId::fresh();
        let intent = Intent {
            purpose,
            closes,
            ..read_intent(books, call, &request, self.policy.settle)
        };
        let intended = self.recorder.commit(Unit::Intent(Box::new(intent))).await;
        match intended {
            Ok(Unitary::Intended(Intended::Committed { .. })) => {}
            Ok(Unitary::Intended(_) | Unitary::Kept | Unitary::Recorded(_) | Unitary::Moved(_)) => {
                self.hand_back(books, permit, None);
                self.board.lose(books.held.run);
                return Err(lost());
            }
            Err(error) => {
                self.hand_back(books, permit, None);
                return Err(unreachable(&runtime::chain(&error)));
            }
        }
        let label = if purpose == Purpose::Lookup {
            http::Purpose::LookUp
        } else {
            http::Purpose::Read
        };
        let sent = self
            .send(&request, bearer.as_ref(), send_before, label)
            .await;
        self.hand_back(books, permit, Some(&sent));
        let (reason, result) = match sent {
            Sent::Replied(reply) => ("answered", Ok(reply)),
            Sent::NotAtAll(failure) => ("not sent", Err(failure)),
            Sent::Unclear(failure) => (
                "answer lost",
                Err(unreachable(failure.detail.as_deref().unwrap_or(""))),
            ),
        };
        if let Err(error) = self.store.close_read(&books.held, call, reason).await {
            tracing::warn!("a read could not be closed: {}", runtime::chain(&error));
        }
        if let (Ok(reply), Some(bearer), Some(id)) = (&result, &bearer, books.token_set)
            && reply.status == 401
            && let Err(failure) = self
                .tokens
                .refused(books.held.account, id, bearer.generation)
                .await
        {
            tracing::warn!(
                code = failure.code,
                "the connection's token was refused: {}",
                failure.message
            );
        }
        result
    }

    /// The present state of some objects of one effect kind.
    pub(crate) async fn read_current(
        &self,
        books: &Books,
        effect_kind: &str,
        targets: &[External],
    ) -> Result<Vec<Current>, Failure> {
        let effect = Effect::main(effect_kind);
        let request = self.provider.read(&effect, targets, &books.facts);
        let reply = self
            .perform(books, request, Purpose::Read, None, Lane::Live)
            .await?;
        self.provider.parse_read(&effect, &reply)
    }
}

/// A read that failed can be made again: nothing was changed.
fn unreachable(detail: &str) -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "NOT_READ",
        "The books could not be read just now; it is tried again by itself.",
    )
    .with_detail(detail)
}

pub(crate) fn lost() -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "LEASE_LOST",
        "Another worker has taken over these books.",
    )
    .reaching(Scope::Call)
}
