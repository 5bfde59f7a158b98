//! S3: the holder claims what is ready and loads all that planning needs, in one transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{
    BooksId, DocumentKind, EffectId, IntegrationId, ItemId, Lane, Lifecycle, SourceId, TokenSetId,
};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::lease::{Held, lock_as_holder};
use crate::{Store, StoreError};

/// An item that this many workers stopped on is taken alone, with nothing beside it.
pub const SUSPECT: u32 = 2;

/// An item in the hands of this holder.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The item.
    pub item: ItemId,
    /// Kind of its document.
    pub kind: DocumentKind,
    /// Id of its document.
    pub source_id: SourceId,
    /// The version in hand: the newest, or the one whose call is open.
    pub version: i64,
    /// The document's body as stored.
    pub document: Value,
    /// Live, voided, deleted.
    pub lifecycle: Lifecycle,
    /// Tries so far at this version.
    pub attempts: u32,
    /// Takeovers since the last success.
    pub crash_count: u32,
    /// The number of this claim: whoever moves the item without a call, or intends one, must name the latest.
    pub claim: i64,
    /// Its lane.
    pub lane: Lane,
    /// Its rank.
    pub rank: i16,
    /// A read must come before the next change.
    pub look_first: bool,
    /// When the document was first wanted here.
    pub wanted_at: DateTime<Utc>,
    /// The trace of the event that asked.
    pub trace: Option<String>,
    /// An open write call of this item: it must be closed before anything else.
    pub open_call: Option<Uuid>,
    /// Its effects so far.
    pub effects: Vec<EffectRow>,
}

/// An effect as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EffectRow {
    /// Its id.
    pub id: EffectId,
    /// Its kind in the provider.
    pub kind: String,
    /// Its part.
    pub part: String,
    /// Its generation.
    pub generation: i32,
}

/// A link with the document and effect it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkRow {
    /// Kind of the document.
    pub kind: DocumentKind,
    /// Id of the document.
    pub source_id: SourceId,
    /// The effect.
    pub effect: EffectRow,
    /// The provider's id.
    pub external_id: String,
    /// The provider's revision token.
    pub revision: String,
    /// Fingerprint last seen there.
    pub fingerprint: String,
    /// `ACTIVE`, `INACTIVE`, `GONE` or `ENDED`.
    pub state: String,
    /// How long ago it was last written.
    pub written_ago: Duration,
}

/// The rank and lane of calls in flight: nothing of a higher rank is claimed from that lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Barrier {
    /// Their lane.
    pub lane: Lane,
    /// Their rank.
    pub rank: i16,
}

/// What a claim found.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Somebody else holds the lease now.
    Lost,
    /// The mark as read under the lease's lock, and what is ready (perhaps nothing).
    Ready {
        /// Remembered for S8.
        wake: i64,
        /// In the order to work on; only open outcomes when the integration is off.
        items: Vec<Claimed>,
        /// Whether the integration may start anything.
        is_active: bool,
    },
}

/// What the holder knows of the books and the integration.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The company's id in the provider.
    pub external_id: String,
    /// The provider's key.
    pub provider: String,
    /// `PRODUCTION` or `SANDBOX`.
    pub environment: String,
    /// Facts about the company.
    pub facts: Value,
    /// The integration's settings.
    pub settings: Value,
    /// Its consent.
    pub token_set: Option<TokenSetId>,
    /// This installation's name in markers.
    pub installation: String,
    /// Which integration.
    pub integration: IntegrationId,
}

impl Store {
    /// What the holder works with; read once per acquisition.
    pub async fn situation(&self, held: &Held) -> Result<Situation, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        let row = sqlx::query!(
            r#"select b.external_id, b.provider, b.environment, b.facts, a.sync_settings,
                 a.token_set_id, n.name
               from books b
               join accounting_integration a on a.id = $2 and a.books_id = b.id
               cross join installation n
               where b.id = $1"#,
            held.books.uuid(),
            held.integration.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        let row = row.ok_or_else(|| {
            StoreError::Missing(format!(
                "integration {} of {}",
                held.integration, held.books
            ))
        })?;
        Ok(Situation {
            external_id: row.external_id,
            provider: row.provider,
            environment: row.environment,
            facts: row.facts,
            settings: row.sync_settings,
            token_set: row.token_set_id.map(TokenSetId::from_uuid),
            installation: row.name,
            integration: held.integration,
        })
    }

    /// S3: takes up to `limit` ready items of the foremost lane and rank. A [`SUSPECT`] is taken alone, once nothing
    /// is in hand. `only_live` leaves bulk items where they are; `barrier` tells of the calls in flight.
    pub async fn claim(
        &self,
        held: &Held,
        limit: i64,
        only_live: bool,
        barrier: Option<Barrier>,
    ) -> Result<Claim, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        let Some(wake) = lock_as_holder(&mut tx, held).await? else {
            return Ok(Claim::Lost);
        };
        let is_active = sqlx::query_scalar!(
            r#"select (is_active and deleted_at is null) as "active!" from accounting_integration where id = $1"#,
            held.integration.0
        )
        .fetch_one(&mut *tx)
        .await?;
        let ids = foremost(&mut tx, held.books, limit, (only_live, !is_active), barrier).await?;
        let items = if ids.is_empty() {
            Vec::new()
        } else {
            take(&mut tx, held, &ids).await?
        };
        tx.commit().await?;
        Ok(Claim::Ready {
            wake,
            items,
            is_active,
        })
    }

    /// Links of documents in one books, of each effect the newest generation or none.
    pub async fn links(
        &self,
        held: &Held,
        wanted: &BTreeSet<(DocumentKind, SourceId)>,
    ) -> Result<Vec<LinkRow>, StoreError> {
        let kinds: Vec<String> = wanted
            .iter()
            .map(|(kind, _)| kind.as_str().to_owned())
            .collect();
        let ids: Vec<String> = wanted
            .iter()
            .map(|(_, id)| id.as_str().to_owned())
            .collect();
        let mut tx = self.begin_for(held.account).await?;
        let rows = sqlx::query!(
            r#"select i.kind, i.source_id, e.id, e.kind as effect_kind, e.part, e.generation,
                 l.external_id, l.revision, l.fingerprint, l.state,
                 greatest(0, extract(epoch from clock_timestamp() - l.updated_at) * 1000)::bigint as "written_ago!"
               from unnest($2::text[], $3::text[]) as w (kind, source_id)
               join item i on i.books_id = $1 and i.kind = w.kind and i.source_id = w.source_id
               join effect e on e.item_id = i.id
               join link l on l.effect_id = e.id
               where not exists (select from effect n
                 where n.item_id = e.item_id and n.kind = e.kind and n.part = e.part and n.generation > e.generation)"#,
            held.books.uuid(),
            &kinds,
            &ids,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(LinkRow {
                    kind: kind_of(&row.kind)?,
                    source_id: source_of(&row.source_id)?,
                    effect: EffectRow {
                        id: EffectId::from_uuid(row.id),
                        kind: row.effect_kind,
                        part: row.part,
                        generation: row.generation,
                    },
                    external_id: row.external_id,
                    revision: row.revision,
                    fingerprint: row.fingerprint,
                    state: row.state,
                    written_ago: Duration::from_millis(u64::try_from(row.written_ago).unwrap_or(0)),
                })
            })
            .collect()
    }
}

/// The ids to claim: one lane, one rank. A suspect goes alone: while anything is in hand (there is a barrier then)
/// nothing is taken any more, or its next crash would be counted against what was beside it.
async fn foremost(
    tx: &mut Transaction<'static, Postgres>,
    books: BooksId,
    limit: i64,
    (only_live, only_open): (bool, bool),
    barrier: Option<Barrier>,
) -> Result<Vec<Uuid>, StoreError> {
    let rows = sqlx::query!(
        r#"select id, lane, rank, crash_count from item
           where books_id = $1 and state in ('queued', 'waiting', 'verifying', 'parked')
             and due_at is not null and due_at <= clock_timestamp()
             and (not $3 or lane = 0) and ($4::smallint is null or rank <= $4 or lane < $5)
             and (not $6 or exists (select from attempt a where a.item_id = item.id and a.outcome is null))
           order by lane, rank, due_at, id
           limit $2
           for update"#,
        books.uuid(),
        limit,
        only_live,
        barrier.map(|b| b.rank),
        barrier.map_or(0, |b| b.lane.stored()),
        only_open,
    )
    .fetch_all(&mut **tx)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let is_suspect = |count: i32| u32::try_from(count).unwrap_or(0) >= SUSPECT;
    if is_suspect(first.crash_count) {
        return Ok(if barrier.is_none() {
            vec![first.id]
        } else {
            Vec::new()
        });
    }
    let (lane, rank) = (first.lane, first.rank);
    Ok(rows
        .iter()
        .take_while(|row| row.lane == lane && row.rank == rank && !is_suspect(row.crash_count))
        .map(|row| row.id)
        .collect())
}

/// Marks the items as running under this fence and loads them.
async fn take(
    tx: &mut Transaction<'static, Postgres>,
    held: &Held,
    ids: &[Uuid],
) -> Result<Vec<Claimed>, StoreError> {
    sqlx::query!(
        r#"update item i set
             attempts = case when i.version is distinct from i.wanted_version and not o.open then 0 else i.attempts end,
             version = case when o.open then i.version else i.wanted_version end,
             state = 'running', fence = $2, claims = i.claims + 1, waits_for = null, updated_at = clock_timestamp()
           from (select c.id, exists (select from attempt a where a.item_id = c.id and a.outcome is null) as open
                 from unnest($1::uuid[]) as c (id)) o
           where i.id = o.id"#,
        ids,
        held.fence,
    )
    .execute(&mut **tx)
    .await?;
    let rows = sqlx::query!(
        r#"select i.id, i.kind, i.source_id, i.version as "version!", i.attempts, i.crash_count, i.claims, i.lane, i.rank, i.look_first,
             i.wanted_at, i.trace, d.body, d.lifecycle,
             (select a.call_id from attempt a where a.item_id = i.id and a.outcome is null limit 1) as open_call,
             coalesce((select jsonb_agg(jsonb_build_array(e.id, e.kind, e.part, e.generation) order by e.generation)
               from effect e where e.item_id = i.id), '[]') as "effects!"
           from item i
           join document d on d.account_id = i.account_id and d.kind = i.kind and d.source_id = i.source_id
             and d.version = i.version
           where i.id = any($1)
           order by i.due_at, i.id"#,
        ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Claimed {
                item: ItemId::from_uuid(row.id),
                kind: kind_of(&row.kind)?,
                source_id: source_of(&row.source_id)?,
                version: row.version,
                document: row.body,
                lifecycle: Lifecycle::from_stored(&row.lifecycle)
                    .ok_or_else(|| StoreError::Damaged(format!("lifecycle {}", row.lifecycle)))?,
                attempts: u32::try_from(row.attempts).unwrap_or(0),
                crash_count: u32::try_from(row.crash_count).unwrap_or(0),
                claim: row.claims,
                lane: Lane::from_stored(row.lane),
                rank: row.rank,
                look_first: row.look_first,
                wanted_at: row.wanted_at,
                trace: row.trace,
                open_call: row.open_call,
                effects: effects_of(row.effects)?,
            })
        })
        .collect()
}

fn effects_of(stored: Value) -> Result<Vec<EffectRow>, StoreError> {
    let rows: Vec<(Uuid, String, String, i32)> =
        serde_json::from_value(stored).map_err(|e| StoreError::Damaged(format!("effects: {e}")))?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, part, generation)| EffectRow {
            id: EffectId::from_uuid(id),
            kind,
            part,
            generation,
        })
        .collect())
}

/// Takes a stored document kind back.
pub(crate) fn kind_of(text: &str) -> Result<DocumentKind, StoreError> {
    DocumentKind::from_stored(text)
        .ok_or_else(|| StoreError::Damaged(format!("document kind {text}")))
}

/// Takes a stored document id back.
pub(crate) fn source_of(text: &str) -> Result<SourceId, StoreError> {
    text.parse()
        .map_err(|e| StoreError::Damaged(format!("{e}")))
}
