//! What the scheduler does across accounts: leadership, slots, gaps, counts. It sees when, never what.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::calendar::Slot;
use model::{AccountId, BooksId, IntegrationId, JobId, RunId, SyncFrequency, SyncSettings};
use serde_json::json;
use sqlx::PgConnection;

use crate::lease::{interval, lock_any, wake};
use crate::{Store, StoreError, outbox};

/// An integration with a calendar.
#[derive(Clone, Debug)]
pub struct Scheduled {
    /// Which.
    pub integration: IntegrationId,
    /// Whose.
    pub account: AccountId,
    /// Its books.
    pub books: BooksId,
    /// Its provider.
    pub provider: String,
    /// How often.
    pub frequency: SyncFrequency,
    /// Its settings: time zone and hour.
    pub settings: SyncSettings,
    /// The last slot that ran, if any.
    pub last_slot_at: Option<DateTime<Utc>>,
}

/// How many items are in a state, and since when the oldest due one waits.
#[derive(Clone, Debug)]
pub struct StateCount {
    /// The provider.
    pub provider: String,
    /// The state.
    pub state: String,
    /// How many.
    pub count: i64,
    /// Seconds since the oldest became due; negative or zero when none is.
    pub oldest_due_seconds: f64,
    /// Seconds since the oldest was wanted.
    pub oldest_wanted_seconds: f64,
}

impl Store {
    /// The database's clock.
    pub async fn now(&self) -> Result<DateTime<Utc>, StoreError> {
        let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
            .fetch_one(&self.pool)
            .await?;
        Ok(now)
    }

    /// Becomes or stays the leader of `role` for `ttl`; false while another run is.
    pub async fn lead(&self, role: &str, run: RunId, ttl: Duration) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            r#"update leader set fence = fence + (run is distinct from $2)::int, run = $2,
                 expires_at = clock_timestamp() + $3::interval
               where role = $1 and (run = $2 or run is null or expires_at < clock_timestamp())"#,
            role,
            run.uuid(),
            interval(ttl) as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Steps down, so that another may lead at once.
    pub async fn step_down(&self, role: &str, run: RunId) -> Result<(), StoreError> {
        sqlx::query!(
            "update leader set run = null, expires_at = null where role = $1 and run = $2",
            role,
            run.uuid()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Active integrations with a calendar.
    pub async fn scheduled(&self) -> Result<Vec<Scheduled>, StoreError> {
        let rows = sqlx::query!(
            r#"select a.id, a.account_id, a.books_id, a.provider, a.sync_frequency, a.sync_settings,
                 (select max(s.at) from slot s where s.integration_id = a.id) as last_slot_at
               from accounting_integration a
               where a.is_active and a.deleted_at is null and a.sync_frequency in ('HOURLY', 'DAILY', 'WEEKLY')"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Scheduled {
                    integration: IntegrationId(row.id),
                    account: AccountId(row.account_id),
                    books: BooksId::from_uuid(row.books_id),
                    provider: row.provider,
                    frequency: SyncFrequency::from_stored(&row.sync_frequency).ok_or_else(
                        || StoreError::Damaged(format!("frequency {}", row.sync_frequency)),
                    )?,
                    settings: serde_json::from_value(row.sync_settings).map_err(|e| {
                        StoreError::Damaged(format!("settings of integration {}: {e}", row.id))
                    })?,
                    last_slot_at: row.last_slot_at,
                })
            })
            .collect()
    }

    /// Runs a slot exactly once: ledger row, job, the items that waited for it, wake mark and announcement in
    /// one transaction. None: it ran before.
    pub async fn run_slot(&self, of: &Scheduled, slot: &Slot) -> Result<Option<u64>, StoreError> {
        let mut tx = self.begin_for(of.account).await?;
        let job = JobId::fresh();
        let new = sqlx::query!(
            r#"insert into slot (integration_id, key, at, job_id) values ($1, $2, $3, $4)
               on conflict on constraint slot_once do nothing"#,
            of.integration.0,
            slot.key,
            slot.at,
            job.uuid(),
        )
        .execute(&mut *tx)
        .await?;
        if new.rows_affected() == 0 {
            return Ok(None);
        }
        lock_any(&mut tx, of.books).await?;
        let items = release_slot_items(&mut tx, of, slot, job).await?;
        if items > 0 {
            wake(&mut tx, of.books, None).await?;
            let ticket = json!({ "v": model::ticket::TICKET_VERSION, "books": of.books });
            outbox::put(
                &mut tx,
                "tieout.sync",
                &format!("{}.bulk", of.provider),
                &ticket,
                None,
            )
            .await?;
        }
        tx.commit().await?;
        Ok(Some(items))
    }

    /// Accounts whose events have had a gap for `patience`, marked as asked about; one message each goes out.
    pub async fn ask_about_gaps(&self, patience: Duration) -> Result<u64, StoreError> {
        let gaps = sqlx::query!(
            r#"select account_id, contiguous, highest from account_feed
               where gap_since < clock_timestamp() - $1::interval
                 and (gap_asked_at is null or gap_asked_at < clock_timestamp() - interval '1 hour')
               limit 100"#,
            interval(patience) as _
        )
        .fetch_all(&self.pool)
        .await?;
        for gap in &gaps {
            let mut tx = self.begin_for(AccountId(gap.account_id)).await?;
            sqlx::query!(
                "update account_feed set gap_asked_at = clock_timestamp() where account_id = $1",
                gap.account_id
            )
            .execute(&mut *tx)
            .await?;
            let body = json!({
                "type": "tieout.resync.requested", "accountId": gap.account_id, "afterSequence": gap.contiguous,
                "upToSequence": gap.highest,
            });
            outbox::put(&mut tx, "tieout.events", "resync.requested", &body, None).await?;
            tx.commit().await?;
        }
        Ok(gaps.len() as u64)
    }

    /// Open items by provider and state.
    pub async fn state_counts(&self) -> Result<Vec<StateCount>, StoreError> {
        let rows = sqlx::query!(
            r#"select b.provider, i.state, count(*) as "count!",
                 coalesce(extract(epoch from clock_timestamp() - min(i.due_at)), 0)::float8 as "oldest!",
                 extract(epoch from clock_timestamp() - min(i.wanted_at))::float8 as "wanted!"
               from item i join books b on b.id = i.books_id
               where i.state in ('queued', 'running', 'verifying', 'waiting', 'parked')
               group by b.provider, i.state"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| StateCount {
                provider: r.provider,
                state: r.state,
                count: r.count,
                oldest_due_seconds: r.oldest,
                oldest_wanted_seconds: r.wanted,
            })
            .collect())
    }

    /// Unpublished outbox rows and the age of the oldest in seconds; open dead letters.
    pub async fn backlog(&self) -> Result<(i64, f64, i64), StoreError> {
        let outbox = sqlx::query!(
            r#"select count(*) as "count!", coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as "age!"
               from outbox where published_at is null"#
        )
        .fetch_one(&self.pool)
        .await?;
        let dead = sqlx::query_scalar!(
            r#"select count(*) as "count!" from dead_letter where state = 'OPEN'"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok((outbox.count, outbox.age, dead))
    }
}

async fn release_slot_items(
    tx: &mut PgConnection,
    of: &Scheduled,
    slot: &Slot,
    job: JobId,
) -> Result<u64, StoreError> {
    sqlx::query!(
        "insert into job (id, account_id, integration_id, cause, requested_by) values ($1, $2, $3, 'SLOT', $4)",
        job.uuid(),
        of.account.0,
        of.integration.0,
        slot.key,
    )
    .execute(&mut *tx)
    .await?;
    let items = sqlx::query!(
        r#"update item set job_id = $3, due_at = least(due_at, clock_timestamp()), state = 'queued', reason = null
           where books_id = $1 and integration_id = $2 and state = 'waiting' and reason = 'waits for its slot'
             and due_at <= $4"#,
        of.books.uuid(),
        of.integration.0,
        job.uuid(),
        slot.at,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    sqlx::query!(
        "update slot set items = $3 where integration_id = $1 and key = $2",
        of.integration.0,
        slot.key,
        i32::try_from(items).unwrap_or(i32::MAX),
    )
    .execute(tx)
    .await?;
    Ok(items)
}
