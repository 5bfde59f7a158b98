//! Group commit: what the lanes of a process hand in is committed together, and one by one when that fails.

use model::{AccountId, BooksId, CallId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::intent::{Intended, Intent};
use crate::lease::Held;
use crate::pool::set_account;
use crate::record::{ItemMove, RawReply, Record, Recorded};
use crate::{Store, StoreError, intent, moving, record};

/// One piece of work for the recorder.
#[derive(Clone, Debug)]
pub enum Unit {
    /// S4.
    Intent(Box<Intent>),
    /// The raw reply, before it is interpreted.
    Reply(Box<RawReply>),
    /// S6.
    Record(Box<Record>),
    /// Items moved by their holder without a call.
    Moves {
        /// Under which lease.
        held: Held,
        /// The provider's key.
        provider: String,
        /// Where the items go.
        moves: Vec<ItemMove>,
    },
}

/// What became of a unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unitary {
    /// Of an intent.
    Intended(Intended),
    /// Of a raw reply.
    Kept,
    /// Of a record.
    Recorded(Recorded),
    /// Of moves; false when the lease was lost.
    Moved(bool),
}

impl Unit {
    const fn account(&self) -> AccountId {
        match self {
            Self::Intent(intent) => intent.held.account,
            Self::Reply(reply) => reply.account,
            Self::Record(record) => record.account,
            Self::Moves { held, .. } => held.account,
        }
    }

    /// Units are committed in this order, so that leases are locked in key order.
    pub const fn books(&self) -> BooksId {
        match self {
            Self::Intent(intent) => intent.held.books,
            Self::Reply(reply) => reply.books,
            Self::Record(record) => record.books,
            Self::Moves { held, .. } => held.books,
        }
    }

    async fn apply(&self, tx: &mut PgConnection) -> Result<Unitary, StoreError> {
        set_account(tx, self.account()).await?;
        match self {
            Self::Intent(each) => intent::intend(tx, each).await.map(Unitary::Intended),
            Self::Reply(reply) => record::store_reply(tx, reply).await.map(|()| Unitary::Kept),
            Self::Record(each) => record::record(tx, each).await.map(Unitary::Recorded),
            Self::Moves {
                held,
                provider,
                moves,
            } => moving::move_items(tx, held, provider, moves)
                .await
                .map(Unitary::Moved),
        }
    }
}

impl Store {
    /// Commits all units in one transaction. An error means that none is committed, or (a lost connection at
    /// the commit) that it is not known.
    pub async fn commit_units(&self, units: &[Unit]) -> Result<Vec<Unitary>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let mut outcomes = Vec::with_capacity(units.len());
        for unit in units {
            outcomes.push(unit.apply(&mut tx).await?);
        }
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Reads a call back by the id its maker chose: whether its intent is committed, after a commit whose
    /// answer was lost.
    pub async fn call_is_committed(
        &self,
        account: AccountId,
        call: CallId,
    ) -> Result<Option<chrono::DateTime<chrono::Utc>>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let id: Uuid = call.uuid();
        let opened = sqlx::query_scalar!("select opened_at from call where id = $1", id)
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(opened)
    }
}
