//! Dead letters: what the fleet gave up on by itself. The row is the truth; the queue a signal.

use chrono::{DateTime, Utc};
use model::{AccountId, BooksId, DeadLetterId, Failure, ItemId, Owner};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::intake::follow;
use crate::lease::{lock_any, wake};
use crate::pool::set_account;
use crate::record::{ItemMove, Record};
use crate::{Store, StoreError, outbox};

/// A dead letter as people see it.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// Whose account, where known.
    pub account: Option<AccountId>,
    /// What it is about.
    pub subject: String,
    /// `WORK` or `MESSAGE`.
    pub source: String,
    /// The provider, for work.
    pub provider: Option<String>,
    /// The item, for work.
    pub item: Option<ItemId>,
    /// Kind and code of the failure, or why the message was refused.
    pub cause: String,
    /// In plain words.
    pub message: String,
    /// Who must act.
    pub owner: String,
    /// What groups alike ones.
    pub fingerprint: String,
    /// The message's bytes.
    pub raw: Option<Vec<u8>>,
    /// Where a message came from.
    pub origin: serde_json::Value,
    /// How often.
    pub times: i32,
    /// `OPEN`, `REPLAYED`, `RESOLVED`, `DISCARDED`.
    pub state: String,
    /// First seen.
    pub first_at: DateTime<Utc>,
    /// Last seen.
    pub last_at: DateTime<Utc>,
}

/// Which dead letters are asked for; an empty filter means all.
#[derive(Clone, Copy, Default, Debug)]
pub struct DeadFilter<'a> {
    /// Only those in this state.
    pub state: Option<&'a str>,
    /// Only those of this cause.
    pub fingerprint: Option<&'a str>,
    /// Only those listed after this one.
    pub after: Option<DeadLetterId>,
}

/// A message that could not be taken in.
#[derive(Clone, Debug)]
pub struct DeadMessage<'a> {
    /// Unique while open: exchange, key and hash of the bytes.
    pub subject: &'a str,
    /// The account, where the message named one.
    pub account: Option<AccountId>,
    /// Its number in the account's stream: refused is seen, not missing.
    pub sequence: Option<i64>,
    /// Code of the refusal.
    pub cause: &'a str,
    /// What is wrong and what to do.
    pub message: &'a str,
    /// The bytes, cut to a limit.
    pub raw: &'a [u8],
    /// Exchange, routing key, headers.
    pub origin: serde_json::Value,
}

/// Writes the dead letter of work given up, in the transaction that gives it up, with its mirror.
pub(crate) async fn give_up(
    tx: &mut PgConnection,
    record: &Record,
    each: &ItemMove,
    owner: Owner,
    failure: &Failure,
) -> Result<(), StoreError> {
    let subject = each.item.to_string();
    let id = sqlx::query_scalar!(
        r#"insert into dead_letter (id, account_id, subject, source, provider, item_id, version, cause, message, owner,
             fingerprint)
           values ($1, $2, $3, 'WORK', $4, $5, $6, $7, $8, $9, $7)
           on conflict (subject) where state in ('OPEN', 'REPLAYED') do update set
             times = dead_letter.times + 1, state = 'OPEN', version = excluded.version, cause = excluded.cause,
             message = excluded.message, owner = excluded.owner, fingerprint = excluded.fingerprint,
             last_at = clock_timestamp()
           returning id"#,
        DeadLetterId::fresh().uuid(),
        record.account.0,
        subject,
        record.provider,
        each.item.uuid(),
        each.version,
        failure.fingerprint(),
        failure.message,
        owner.as_str(),
    )
    .fetch_one(&mut *tx)
    .await?;
    let body = json!({
        "deadLetter": DeadLetterId::from_uuid(id), "item": each.item, "cause": failure.fingerprint(),
        "owner": owner.as_str(),
    });
    outbox::put(tx, "tieout.dead", "work", &body, each.trace.as_deref()).await
}

/// A newer success closes the row.
pub(crate) async fn resolve(tx: &mut PgConnection, item: ItemId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update dead_letter set state = 'RESOLVED', closed_at = clock_timestamp(), closed_by = 'a newer success'
           where item_id = $1 and state in ('OPEN', 'REPLAYED')"#,
        item.uuid()
    )
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// The keeper and the producer: an undecodable or refused message becomes a row, once per content.
    pub async fn keep_message(&self, dead: &DeadMessage<'_>) -> Result<DeadLetterId, StoreError> {
        let mut tx = self.pool.begin().await?;
        // A message without an account belongs to none: 0 is no account of ProjectLedger's.
        set_account(&mut tx, dead.account.unwrap_or(AccountId(0))).await?;
        let id = sqlx::query_scalar!(
            r#"insert into dead_letter (id, account_id, subject, source, cause, message, owner, fingerprint, raw, origin)
               values ($1, $2, $3, 'MESSAGE', $4, $5, 'OPERATOR', $4, $6, $7)
               on conflict (subject) where state in ('OPEN', 'REPLAYED') do update set
                 times = dead_letter.times + 1, state = 'OPEN', last_at = clock_timestamp()
               returning id"#,
            DeadLetterId::fresh().uuid(),
            dead.account.map(|a| a.0),
            dead.subject,
            dead.cause,
            dead.message,
            dead.raw,
            dead.origin,
        )
        .fetch_one(&mut *tx)
        .await?;
        if let (Some(account), Some(sequence)) = (dead.account, dead.sequence) {
            follow(&mut tx, account, sequence).await?;
        }
        tx.commit().await?;
        Ok(DeadLetterId::from_uuid(id))
    }

    /// Dead letters without their bytes, newest first; the next page begins after the last one of this.
    pub async fn dead_letters(
        &self,
        which: &DeadFilter<'_>,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select id, account_id, subject, source, provider, item_id, cause, message, owner, fingerprint,
                 null::bytea as raw, origin, times, state, first_at, last_at
               from dead_letter
               where ($1::text is null or state = $1) and ($2::text is null or fingerprint = $2)
                 and ($3::uuid is null or (last_at, id) < (select d.last_at, d.id from dead_letter d where d.id = $3))
               order by last_at desc, id desc
               limit $4"#,
            which.state,
            which.fingerprint,
            which.after.map(DeadLetterId::uuid),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(DeadLetter::from).collect())
    }

    /// One dead letter with its bytes.
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, StoreError> {
        let row = sqlx::query_as!(
            Row,
            r#"select id, account_id, subject, source, provider, item_id, cause, message, owner, fingerprint, raw, origin,
                 times, state, first_at, last_at
               from dead_letter where id = $1"#,
            id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(DeadLetter::from)
            .ok_or_else(|| StoreError::Missing(format!("there is no dead letter {id}")))
    }

    /// Replay of work: the item is due with the newest version of its document; open attempts stay open, so
    /// that an unclear one is looked up first.
    pub async fn replay_work(&self, id: DeadLetterId, actor: &str) -> Result<BooksId, StoreError> {
        let letter = self.dead_letter(id).await?;
        let (Some(item), Some(account)) = (letter.item, letter.account) else {
            return Err(StoreError::Missing(format!(
                "{id} is a message: correct it and submit it again"
            )));
        };
        if letter.state == "DISCARDED" || letter.state == "RESOLVED" {
            return Err(StoreError::Missing(format!(
                "{id} is {}: nothing to replay",
                letter.state.to_lowercase()
            )));
        }
        let mut tx = self.begin_for(account).await?;
        let books: Uuid =
            sqlx::query_scalar!("select books_id from item where id = $1", item.uuid())
                .fetch_one(&mut *tx)
                .await?;
        let books = BooksId::from_uuid(books);
        lock_any(&mut tx, books).await?;
        // What is being found out is only asked about at once: nothing else may be done with it.
        sqlx::query!(
            r#"update item set state = case when state = 'verifying' then state else 'queued' end,
                 due_at = clock_timestamp(), attempts = 0, crash_count = 0, lane = 1,
                 owner = 'SYSTEM', reason = 'replayed', waits_for = null, updated_at = clock_timestamp()
               where id = $1 and state in ('failed', 'partial', 'parked', 'verifying')"#,
            item.uuid()
        )
        .execute(&mut *tx)
        .await?;
        wake(&mut tx, books, None).await?;
        set_state(&mut tx, id, "REPLAYED", actor).await?;
        act(&mut tx, actor, "replay", &id.to_string(), None).await?;
        tx.commit().await?;
        Ok(books)
    }

    /// A message was submitted again and taken in.
    pub async fn close_message(
        &self,
        id: DeadLetterId,
        account: Option<AccountId>,
        actor: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account.unwrap_or(AccountId(0))).await?;
        set_state(&mut tx, id, "RESOLVED", actor).await?;
        act(&mut tx, actor, "resubmit", &id.to_string(), None).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Discards with a reason; the item, if any, stays failed.
    pub async fn discard(
        &self,
        id: DeadLetterId,
        actor: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let letter = self.dead_letter(id).await?;
        let mut tx = self
            .begin_for(letter.account.unwrap_or(AccountId(0)))
            .await?;
        set_state(&mut tx, id, "DISCARDED", actor).await?;
        act(&mut tx, actor, "discard", &id.to_string(), Some(reason)).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn set_state(
    tx: &mut PgConnection,
    id: DeadLetterId,
    state: &str,
    actor: &str,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        r#"update dead_letter set state = $2, closed_by = $3,
             closed_at = case when $2 = 'REPLAYED' then null else clock_timestamp() end
           where id = $1 and state in ('OPEN', 'REPLAYED')"#,
        id.uuid(),
        state,
        actor,
    )
    .execute(tx)
    .await?
    .rows_affected();
    if done == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing(format!("{id} is not open")))
    }
}

/// Notes what a person did.
pub(crate) async fn act(
    tx: &mut PgConnection,
    actor: &str,
    action: &str,
    subject: &str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into operator_action (actor, action, subject, reason) values ($1, $2, $3, $4)",
        actor,
        action,
        subject,
        reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A dead letter as stored.
struct Row {
    id: Uuid,
    account_id: Option<i64>,
    subject: String,
    source: String,
    provider: Option<String>,
    item_id: Option<Uuid>,
    cause: String,
    message: String,
    owner: String,
    fingerprint: String,
    raw: Option<Vec<u8>>,
    origin: serde_json::Value,
    times: i32,
    state: String,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        Self {
            id: DeadLetterId::from_uuid(row.id),
            account: row.account_id.map(AccountId),
            subject: row.subject,
            source: row.source,
            provider: row.provider,
            item: row.item_id.map(ItemId::from_uuid),
            cause: row.cause,
            message: row.message,
            owner: row.owner,
            fingerprint: row.fingerprint,
            raw: row.raw,
            origin: row.origin,
            times: row.times,
            state: row.state,
            first_at: row.first_at,
            last_at: row.last_at,
        }
    }
}
