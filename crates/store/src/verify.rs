//! Finding out what became of open calls, sending the same bytes again, and reading late replies.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{AttemptId, CallId, DocumentKind, EffectId, ItemId, SourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::claim::{kind_of, source_of};
use crate::finding::{duplicate, raise};
use crate::lease::{Held, interval, lock_as_holder};
use crate::{Store, StoreError};

/// A write call without an end.
#[derive(Clone, Debug)]
pub struct OpenCall {
    /// Its id.
    pub id: CallId,
    /// Its idempotency key.
    pub key: String,
    /// Method, path, query and headers.
    pub request: Value,
    /// The exact body.
    pub body: Vec<u8>,
    /// When it was committed.
    pub opened_at: DateTime<Utc>,
    /// Whether a whole settle has passed since it was sent or taken over.
    pub settled: bool,
    /// How long until then.
    pub settles_in: Duration,
    /// Whether an earlier look-up found members absent.
    pub absent_before: bool,
    /// How often it was sent.
    pub sends: i32,
    /// Status, headers and body of a reply that was stored and not yet recorded.
    pub reply: Option<(u16, Value, Vec<u8>)>,
    /// Its members in order, closed ones too.
    pub members: Vec<OpenMember>,
}

/// A member of an open call.
#[derive(Clone, Debug)]
pub struct OpenMember {
    /// The attempt.
    pub attempt: AttemptId,
    /// The item.
    pub item: ItemId,
    /// Kind of its document.
    pub kind: DocumentKind,
    /// Id of its document.
    pub source_id: SourceId,
    /// The version it sends.
    pub version: i64,
    /// The effect.
    pub effect: EffectId,
    /// Place in the call.
    pub ordinal: i16,
    /// The step as stored.
    pub step: Value,
    /// The marker as stored.
    pub marker: Value,
    /// Its outcome is still open.
    pub is_open: bool,
    /// Tries so far.
    pub attempts: u32,
    /// The trace of the event that asked.
    pub trace: Option<String>,
    /// When the document was wanted here.
    pub wanted_at: DateTime<Utc>,
}

/// A call of the last minutes.
#[derive(Clone, Copy, Debug)]
pub struct RecentCall {
    /// How long ago it was committed.
    pub opened_ago: Duration,
    /// How long ago it was answered or closed.
    pub ended_ago: Option<Duration>,
    /// It counts as a batch.
    pub is_batch: bool,
    /// It counts as a metered read.
    pub is_metered_read: bool,
}

/// What reading a late reply led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LateReply {
    /// There was none.
    None,
    /// The object is linked; the item is planned again.
    Adopted,
    /// A second object is in the books; a finding names both.
    Duplicate,
}

impl Store {
    /// An open write call with its members.
    pub async fn open_call(&self, held: &Held, call: Uuid) -> Result<Option<OpenCall>, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        let row = sqlx::query!(
            r#"select id, key, request, body, opened_at, sends, status, reply_headers, reply,
                 settle_at <= clock_timestamp() as "settled!", absent_since is not null as "absent_before!",
                 greatest(0, extract(epoch from settle_at - clock_timestamp()) * 1000)::bigint as "settles_in!"
               from call where id = $1 and closed_at is null"#,
            call
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let members = sqlx::query!(
            r#"select a.id, a.item_id, i.kind, i.source_id, a.version, a.effect_id, a.ordinal, a.step, a.marker,
                 a.outcome is null as "is_open!", i.attempts, i.trace, i.wanted_at
               from attempt a join item i on i.id = a.item_id where a.call_id = $1 order by a.ordinal"#,
            call
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let members = members
            .into_iter()
            .map(|m| {
                Ok(OpenMember {
                    attempt: AttemptId::from_uuid(m.id),
                    item: ItemId::from_uuid(m.item_id),
                    kind: kind_of(&m.kind)?,
                    source_id: source_of(&m.source_id)?,
                    version: m.version,
                    effect: EffectId::from_uuid(m.effect_id),
                    ordinal: m.ordinal,
                    step: m.step,
                    marker: m.marker,
                    is_open: m.is_open,
                    attempts: u32::try_from(m.attempts).unwrap_or(0),
                    trace: m.trace,
                    wanted_at: m.wanted_at,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let reply = match (row.status, row.reply) {
            (Some(status), Some(body)) => Some((
                u16::try_from(status).unwrap_or(0),
                row.reply_headers.unwrap_or_default(),
                body,
            )),
            _ => None,
        };
        Ok(Some(OpenCall {
            id: CallId::from_uuid(row.id),
            key: row.key,
            request: row.request,
            body: row.body,
            opened_at: row.opened_at,
            settled: row.settled,
            settles_in: Duration::from_millis(u64::try_from(row.settles_in).unwrap_or(0)),
            absent_before: row.absent_before,
            sends: row.sends,
            reply,
            members,
        }))
    }

    /// The same bytes under the same key once more, after all members were proven absent. Answers the
    /// number of this sending; none: the lease is lost, the call is closed, the outcome of a member is known by now, or
    /// somebody has sent it since `sent_before`, and nothing may be sent.
    pub async fn resend(
        &self,
        held: &Held,
        call: CallId,
        sent_before: i32,
        settle: Duration,
    ) -> Result<Option<i32>, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        if lock_as_holder(&mut tx, held).await?.is_none() {
            return Ok(None);
        }
        let sending = sqlx::query_scalar!(
            r#"update call set sends = sends + 1, fence = $2, settle_at = clock_timestamp() + $3::interval,
                 absent_since = null, status = null, reply = null, reply_headers = null, answered_at = null
               where id = $1 and closed_at is null and sends = $4
                 and not exists (select from attempt where call_id = $1 and outcome is not null)
               returning sends"#,
            call.uuid(),
            held.fence,
            interval(settle) as _,
            sent_before,
        )
        .fetch_optional(&mut *tx)
        .await?;
        crate::intent::charge(&mut tx, held.books, &["REQUESTS"]).await?;
        tx.commit().await?;
        Ok(sending)
    }

    /// Closes a look-up or read call that was answered or lost.
    pub async fn close_read(
        &self,
        held: &Held,
        call: CallId,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        sqlx::query!(
            r#"update call set closed_at = clock_timestamp(), close_reason = $2
               where id = $1 and closed_at is null and purpose <> 'WRITE'"#,
            call.uuid(),
            reason
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Calls that may still count against a limit, for the pacing of a new holder.
    pub async fn recent_calls(&self, held: &Held) -> Result<Vec<RecentCall>, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        let rows = sqlx::query!(
            r#"select (extract(epoch from clock_timestamp() - opened_at) * 1000)::bigint as "opened_ago!",
                 (extract(epoch from clock_timestamp() - coalesce(answered_at, closed_at)) * 1000)::bigint as ended_ago,
                 coalesce((request #>> '{cost,batch}')::boolean, false) as "batch!",
                 coalesce((request #>> '{cost,metered_read}')::boolean, false) as "metered!"
               from call where books_id = $1 and opened_at > clock_timestamp() - interval '5 minutes'"#,
            held.books.uuid()
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let ago = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        Ok(rows
            .into_iter()
            .map(|row| RecentCall {
                opened_ago: ago(row.opened_ago),
                ended_ago: row.ended_ago.map(ago),
                is_batch: row.batch,
                is_metered_read: row.metered,
            })
            .collect())
    }

    /// Reads what came late for an item's effects: adopts it where there is no link, else names both objects.
    pub async fn read_late_replies(
        &self,
        held: &Held,
        item: ItemId,
    ) -> Result<LateReply, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        if lock_as_holder(&mut tx, held).await?.is_none() {
            return Ok(LateReply::None);
        }
        let rows = sqlx::query!(
            r#"select r.id, r.effect_id, r.landed, e.kind, a.version, l.external_id as "external_id?"
               from late_reply r join effect e on e.id = r.effect_id join attempt a on a.id = r.attempt_id
               left join link l on l.effect_id = r.effect_id
               where e.item_id = $1 and r.read_at is null order by r.id"#,
            item.uuid()
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut result = LateReply::None;
        let mut linked: HashMap<Uuid, String> = HashMap::new();
        for row in rows {
            let external = row.landed["externalId"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            match row
                .external_id
                .or_else(|| linked.get(&row.effect_id).cloned())
            {
                Some(known) if known != external => {
                    let found = duplicate(&known, &external);
                    raise(
                        &mut tx,
                        held.account,
                        held.books,
                        item,
                        EffectId::from_uuid(row.effect_id),
                        &found,
                    )
                    .await?;
                    result = LateReply::Duplicate;
                }
                Some(_) if result == LateReply::None => result = LateReply::Adopted,
                Some(_) => {}
                None => {
                    link_late(
                        &mut tx,
                        held,
                        row.effect_id,
                        &row.kind,
                        row.version,
                        &row.landed,
                    )
                    .await?;
                    linked.insert(row.effect_id, external);
                    if result == LateReply::None {
                        result = LateReply::Adopted;
                    }
                }
            }
            sqlx::query!(
                "update late_reply set read_at = clock_timestamp() where id = $1",
                row.id
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(result)
    }
}

async fn link_late(
    tx: &mut sqlx::PgConnection,
    held: &Held,
    effect: Uuid,
    kind: &str,
    version: i64,
    landed: &Value,
) -> Result<(), StoreError> {
    let text = |name: &str| landed[name].as_str().unwrap_or_default().to_owned();
    sqlx::query!(
        r#"insert into link (effect_id, account_id, books_id, effect_kind, external_id, revision, fingerprint, state,
             version, currency, tax, gross)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ($11::jsonb ->> 'tax')::numeric, ($11::jsonb ->> 'gross')::numeric)"#,
        effect,
        held.account.0,
        held.books.uuid(),
        kind,
        text("externalId"),
        text("revision"),
        text("fingerprint"),
        text("state"),
        version,
        landed["currency"].as_str(),
        landed,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("update effect set state = 'DONE' where id = $1", effect)
        .execute(tx)
        .await?;
    Ok(())
}
