//! The lease of a books: touch, takeover, beat, release, yield, park and sweep (S1, S2, S7 to S9, S11).
//!
//! `free` = no run, or expired while the server has been up for a whole ttl. `open` = `not_before` has
//! passed. Both are computed from one reading of the database's clock per statement, so that `run` and
//! `fence` can never disagree.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{AccountId, BooksId, IntegrationId, RunId};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::pool::set_account;
use crate::{Store, StoreError};

/// A lease that this process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Whose books.
    pub books: BooksId,
    /// Whose account.
    pub account: AccountId,
    /// Which integration.
    pub integration: IntegrationId,
    /// This acquisition.
    pub run: RunId,
    /// Rises with every acquisition.
    pub fence: i64,
}

/// What a touch found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touched {
    /// This process holds the lease now.
    Taken(Held),
    /// Somebody else holds it, or it is parked; the mark will be seen.
    Marked,
    /// There are no such books.
    Unknown,
}

pub(crate) fn interval(duration: Duration) -> PgInterval {
    let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval {
        months: 0,
        days: 0,
        microseconds: micros,
    }
}

impl Store {
    /// S1 and S2: marks the lease and takes it when free; what a dead holder left is put right.
    pub async fn touch(
        &self,
        books: BooksId,
        ttl: Duration,
        settle: Duration,
    ) -> Result<Touched, StoreError> {
        let run = RunId::fresh();
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query!(
            r#"with clock as materialized (select clock_timestamp() as now),
               state as materialized (
                 select l.books_id, c.now, l.run is not null as was_held,
                   (l.run is null
                     or (l.expires_at < c.now and pg_postmaster_start_time() < c.now - $3::interval))
                   and (l.not_before is null or l.not_before <= c.now) as takes
                 from lease l cross join clock c
                 where l.books_id = $1
                 for update of l
               )
               update lease l set
                 wake = l.wake + 1,
                 run = case when s.takes then $2 else l.run end,
                 fence = l.fence + s.takes::int,
                 expires_at = case when s.takes then s.now + $3::interval else l.expires_at end,
                 not_before = case when s.takes then null else l.not_before end,
                 reason = case when s.takes then null else l.reason end,
                 owner = case when s.takes then null else l.owner end
               from state s
               where l.books_id = s.books_id
               returning l.run = $2 as "taken", s.was_held as "was_held!", l.fence, l.account_id, l.integration_id"#,
            books.uuid(),
            run.uuid(),
            interval(ttl) as _,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            return Ok(Touched::Unknown);
        };
        if row.taken != Some(true) {
            tx.commit().await?;
            return Ok(Touched::Marked);
        }
        let held = Held {
            books,
            account: AccountId(row.account_id),
            integration: IntegrationId(row.integration_id),
            run,
            fence: row.fence,
        };
        set_account(&mut tx, held.account).await?;
        take_over(&mut tx, &held).await?;
        // A lease that was given back has nothing in flight: only a dead holder's takeover starts a new settle.
        if row.was_held {
            settle_anew(&mut tx, &held, settle).await?;
        }
        tx.commit().await?;
        Ok(Touched::Taken(held))
    }

    /// S7: one statement for all leases of this process; answers those that are still its own, with `wake`.
    /// They are locked in key order, as the recorder's groups lock them, or the two could wait for each other.
    pub async fn beat(
        &self,
        held: &[Held],
        ttl: Duration,
    ) -> Result<Vec<(RunId, i64)>, StoreError> {
        let books: Vec<Uuid> = held.iter().map(|h| h.books.uuid()).collect();
        let runs: Vec<Uuid> = held.iter().map(|h| h.run.uuid()).collect();
        let fences: Vec<i64> = held.iter().map(|h| h.fence).collect();
        let rows = sqlx::query!(
            r#"with held as materialized (
                 select l.books_id, h.run, h.fence
                 from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as h (books_id, run, fence)
                 join lease l on l.books_id = h.books_id and l.run = h.run and l.fence = h.fence
                 order by l.books_id
                 for update of l
               )
               update lease l set expires_at = clock_timestamp() + $4::interval
               from held h
               where l.books_id = h.books_id and l.run = h.run and l.fence = h.fence
               returning h.run as "run!", l.wake"#,
            &books,
            &runs,
            &fences,
            interval(ttl) as _,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (RunId::from_uuid(row.run), row.wake))
            .collect())
    }

    /// S8: releases an idle lease, until an item or an import is due, unless somebody marked it since `wake` was read. False: look again.
    pub async fn release_idle(&self, held: &Held, wake: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        let done = sqlx::query!(
            r#"update lease set run = null, expires_at = null,
                 next_at = least(
                   (select min(due_at) from item
                     where books_id = $1 and state in ('queued', 'waiting', 'verifying', 'parked') and due_at is not null),
                   (select min(due_at) from books_import where books_id = $1))
               where books_id = $1 and run = $2 and fence = $3 and wake = $4"#,
            held.books.uuid(),
            held.run.uuid(),
            held.fence,
            wake,
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// S9: gives the lease back so that others have their turn; it is due at once.
    pub async fn yield_lease(&self, held: &Held) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            r#"update lease set run = null, expires_at = null, next_at = clock_timestamp()
               where books_id = $1 and run = $2 and fence = $3"#,
            held.books.uuid(),
            held.run.uuid(),
            held.fence,
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        Ok(done == 1)
    }

    /// S9: gives the lease back and keeps everybody off it for a while, with a reason people see.
    pub async fn park_lease(
        &self,
        held: &Held,
        wait: Duration,
        reason: &str,
        owner: model::Owner,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            r#"update lease set run = null, expires_at = null, reason = $4, owner = $6,
                 not_before = clock_timestamp() + $5::interval, next_at = clock_timestamp() + $5::interval
               where books_id = $1 and run = $2 and fence = $3"#,
            held.books.uuid(),
            held.run.uuid(),
            held.fence,
            reason,
            interval(wait) as _,
            owner.as_str(),
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        Ok(done == 1)
    }

    /// S11: books of one provider that are due and free, longest due first.
    pub async fn sweep(
        &self,
        provider: &str,
        ttl: Duration,
        limit: i64,
    ) -> Result<Vec<BooksId>, StoreError> {
        let rows = sqlx::query_scalar!(
            r#"select books_id from lease
               where provider = $1 and next_at <= clock_timestamp()
                 and (run is null or (expires_at < clock_timestamp()
                   and pg_postmaster_start_time() < clock_timestamp() - $2::interval))
                 and (not_before is null or not_before <= clock_timestamp())
               order by next_at
               limit $3"#,
            provider,
            interval(ttl) as _,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(BooksId::from_uuid).collect())
    }
}

/// S2: items left running go back to the queue, or to verifying when a call of theirs is open. A database that
/// restarted since they were claimed explains the lapse: then no document is blamed for it.
async fn take_over(tx: &mut Transaction<'static, Postgres>, held: &Held) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update item i set
             state = case when exists (select from attempt a where a.item_id = i.id and a.outcome is null)
               then 'verifying' else 'queued' end,
             due_at = clock_timestamp(), fence = null,
             crash_count = i.crash_count + (i.updated_at > pg_postmaster_start_time())::int,
             reason = 'its worker stopped in the middle', updated_at = clock_timestamp()
           where i.books_id = $1 and i.state = 'running' and i.fence < $2"#,
        held.books.uuid(),
        held.fence,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Absence proves nothing before a whole settle has passed since this takeover.
async fn settle_anew(
    tx: &mut Transaction<'static, Postgres>,
    held: &Held,
    settle: Duration,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update call set settle_at = greatest(settle_at, clock_timestamp() + $2::interval)
           where books_id = $1 and closed_at is null and purpose = 'WRITE' and fence < $3"#,
        held.books.uuid(),
        interval(settle) as _,
        held.fence,
    )
    .execute(&mut **tx)
    .await?;
    // Reads of a dead holder have no effect to find out about.
    sqlx::query!(
        r#"update call set closed_at = clock_timestamp(), close_reason = 'its worker stopped in the middle'
           where books_id = $1 and closed_at is null and purpose <> 'WRITE' and fence < $2"#,
        held.books.uuid(),
        held.fence,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Locks the lease of a books and answers whether `held` still holds it, with `wake`.
pub(crate) async fn lock_as_holder(
    connection: &mut PgConnection,
    held: &Held,
) -> Result<Option<i64>, StoreError> {
    let wake = sqlx::query_scalar!(
        "select wake from lease where books_id = $1 and run = $2 and fence = $3 for update",
        held.books.uuid(),
        held.run.uuid(),
        held.fence,
    )
    .fetch_optional(connection)
    .await?;
    Ok(wake)
}

/// Locks the lease of a books whoever holds it.
pub(crate) async fn lock_any(
    connection: &mut PgConnection,
    books: BooksId,
) -> Result<(), StoreError> {
    sqlx::query_scalar!(
        "select fence from lease where books_id = $1 for update",
        books.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// S10: every writer of item states raises the mark in its own transaction.
pub(crate) async fn wake(
    connection: &mut PgConnection,
    books: BooksId,
    due_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update lease set wake = wake + 1,
             next_at = least(coalesce(next_at, 'infinity'), coalesce($2, clock_timestamp()))
           where books_id = $1"#,
        books.uuid(),
        due_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}
