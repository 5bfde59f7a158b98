//! Which integrations want a document, and its item in their books.

use chrono::{DateTime, Utc};
use model::calendar::Calendar;
use model::{
    AccountId, BooksId, DocumentKind, EffectId, ItemId, Lane, Lifecycle, SyncFrequency,
    SyncSettings,
};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::StoreError;
use crate::intake::{Announce, IncomingDocument, Intake, Origin};
use crate::lease::wake;
use crate::waiting::release_waiters;

/// An integration that may want it.
pub(crate) struct Target {
    integration: i64,
    books: Uuid,
    provider: String,
    due: Due,
    pub(crate) settings: SyncSettings,
}

#[derive(Clone, Copy)]
enum Due {
    Now,
    At(DateTime<Utc>),
    WhenAsked,
}

/// The account's active integrations, with their leases locked in key order.
pub(crate) async fn targets(
    tx: &mut Transaction<'static, Postgres>,
    account: AccountId,
) -> Result<Vec<Target>, StoreError> {
    let rows = sqlx::query!(
        r#"select a.id, a.books_id, a.provider, a.sync_frequency, a.sync_settings, clock_timestamp() as "now!"
           from accounting_integration a join lease l on l.books_id = a.books_id
           where a.account_id = $1 and a.is_active and a.deleted_at is null
           order by a.books_id
           for update of l"#,
        account.0
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let settings: SyncSettings =
                serde_json::from_value(row.sync_settings).map_err(|e| {
                    StoreError::Damaged(format!("settings of integration {}: {e}", row.id))
                })?;
            let frequency = SyncFrequency::from_stored(&row.sync_frequency)
                .ok_or_else(|| StoreError::Damaged(format!("frequency {}", row.sync_frequency)))?;
            let due = match frequency {
                SyncFrequency::RealTime => Due::Now,
                SyncFrequency::Manual => Due::WhenAsked,
                SyncFrequency::Hourly | SyncFrequency::Daily | SyncFrequency::Weekly => {
                    let calendar = Calendar::new(frequency, &settings).map_err(|e| {
                        StoreError::Damaged(format!("calendar of integration {}: {e}", row.id))
                    })?;
                    calendar.map_or(Due::Now, |calendar| Due::At(calendar.next_slot(row.now).at))
                }
            };
            Ok(Target {
                integration: row.id,
                books: row.books_id,
                provider: row.provider,
                due,
                settings,
            })
        })
        .collect()
}

/// Wants every document of the event in one integration's books.
pub(crate) async fn want(
    tx: &mut PgConnection,
    intake: &Intake,
    target: &Target,
) -> Result<Option<Announce>, StoreError> {
    let books = BooksId::from_uuid(target.books);
    let mut changed = false;
    for document in &intake.documents {
        let echo = intake
            .origin
            .as_ref()
            .filter(|o| o.integration.0 == target.integration && !document.is_embedded);
        changed |= match echo {
            Some(origin) => link_echo(tx, intake, target, document, origin).await?,
            None => match wish(&target.settings, document) {
                Wish::Send => want_item(tx, intake, target, document).await?,
                Wish::Skip(why) => skip_item(tx, intake, target, document, why).await?,
                Wish::Leave => false,
            },
        };
    }
    if !changed {
        return Ok(None);
    }
    let due_at = match target.due {
        Due::Now => None,
        Due::At(at) => Some(at),
        Due::WhenAsked => return Ok(None),
    };
    wake(tx, books, due_at).await?;
    Ok(matches!(target.due, Due::Now).then(|| Announce {
        books,
        provider: target.provider.clone(),
        lane: Lane::Live,
    }))
}

/// What an integration wants of a document.
enum Wish {
    /// It is to be in the books.
    Send,
    /// It is not sent, and says so.
    Skip(&'static str),
    /// It is none of this integration's.
    Leave,
}

/// Clients go when documents need them, or when they are wanted by themselves. Products go where items are made of
/// product codes, but for those that a person mapped.
fn wish(settings: &SyncSettings, document: &IncomingDocument) -> Wish {
    let is_wanted = match document.kind {
        DocumentKind::Client => settings.sync_clients || document.is_embedded,
        DocumentKind::Product => {
            let code = document.body.pointer("/body/data/code");
            let mapped = code
                .and_then(Value::as_str)
                .map(|code| settings.item_ids.contains_key(code));
            settings.create_items && mapped == Some(false)
        }
        DocumentKind::Invoice
        | DocumentKind::CreditNote
        | DocumentKind::WriteOff
        | DocumentKind::Payment
        | DocumentKind::Refund
        | DocumentKind::TaxRate => true,
    };
    match settings.switched_off(document.kind) {
        _ if !is_wanted => Wish::Leave,
        Some(why) => Wish::Skip(why),
        None => Wish::Send,
    }
}

/// A document that a switch keeps out has its item like any other: it is skipped, with the reason. Nothing wakes.
async fn skip_item(
    tx: &mut PgConnection,
    intake: &Intake,
    target: &Target,
    document: &IncomingDocument,
    why: &str,
) -> Result<bool, StoreError> {
    sqlx::query!(
        r#"insert into item as i (id, account_id, books_id, integration_id, kind, source_id, wanted_version, state, lane,
             rank, reason, trace)
           values ($1, $2, $3, $4, $5, $6, $7, 'skipped', 1, $8, $9, $10)
           on conflict on constraint item_one_per_document do update set
             wanted_version = excluded.wanted_version, integration_id = excluded.integration_id,
             state = case when i.state in ('running', 'verifying') then i.state else 'skipped' end,
             due_at = case when i.state in ('running', 'verifying') then i.due_at end,
             reason = case when i.state in ('running', 'verifying') then i.reason else excluded.reason end,
             waits_for = case when i.state in ('running', 'verifying') then i.waits_for end,
             failure = case when i.state in ('running', 'verifying') then i.failure end,
             owner = 'SYSTEM', trace = excluded.trace, wanted_at = clock_timestamp(), updated_at = clock_timestamp()
           where i.wanted_version < excluded.wanted_version"#,
        ItemId::fresh().uuid(),
        intake.account.0,
        target.books,
        target.integration,
        document.kind.as_str(),
        document.source_id.as_str(),
        document.version,
        rank_of(document),
        why,
        intake.trace,
    )
    .execute(tx)
    .await?;
    Ok(false)
}

/// Creations go up the ranks, voids and deletions down, after them.
const fn rank_of(document: &IncomingDocument) -> i16 {
    let up = document.kind.rank();
    match document.lifecycle {
        Lifecycle::Live => up,
        Lifecycle::Voided | Lifecycle::Deleted => 200 - up,
    }
}

/// One item per document and books; a newer version of one in hand waits and then wins. True: something changed.
async fn want_item(
    tx: &mut PgConnection,
    intake: &Intake,
    target: &Target,
    document: &IncomingDocument,
) -> Result<bool, StoreError> {
    let (state, due_at, reason) = match target.due {
        Due::Now => ("queued", None, None),
        Due::At(at) => ("waiting", Some(at), Some("waits for its slot")),
        Due::WhenAsked => ("parked", None, Some("is sent only when a person asks")),
    };
    let rank = rank_of(document);
    let lane = if matches!(target.due, Due::Now) {
        Lane::Live
    } else {
        Lane::Bulk
    };
    let done = sqlx::query!(
        r#"insert into item as i (id, account_id, books_id, integration_id, kind, source_id, wanted_version, state, lane,
             rank, due_at, reason, trace)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
             case when $8 = 'parked' then null else coalesce($11, clock_timestamp()) end, $12, $13)
           on conflict on constraint item_one_per_document do update set
             wanted_version = excluded.wanted_version,
             integration_id = excluded.integration_id,
             state = case when i.state in ('running', 'verifying') then i.state else excluded.state end,
             due_at = case when i.state in ('running', 'verifying') then i.due_at else excluded.due_at end,
             reason = case when i.state in ('running', 'verifying') then i.reason else excluded.reason end,
             waits_for = case when i.state in ('running', 'verifying') then i.waits_for else null end,
             failure = case when i.state in ('running', 'verifying') then i.failure else null end,
             owner = 'SYSTEM',
             attempts = case when i.state in ('running', 'verifying') then i.attempts else 0 end,
             lane = least(i.lane, excluded.lane), rank = excluded.rank, trace = excluded.trace,
             wanted_at = clock_timestamp(), updated_at = clock_timestamp()
           where i.wanted_version < excluded.wanted_version"#,
        ItemId::fresh().uuid(),
        intake.account.0,
        target.books,
        target.integration,
        document.kind.as_str(),
        document.source_id.as_str(),
        document.version,
        state,
        lane.stored(),
        rank,
        due_at,
        reason,
        intake.trace,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An echo of our own import becomes a link, never an effect to bring about.
async fn link_echo(
    tx: &mut PgConnection,
    intake: &Intake,
    target: &Target,
    document: &IncomingDocument,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let item = sqlx::query_scalar!(
        r#"insert into item (id, account_id, books_id, integration_id, kind, source_id, wanted_version, version, state,
             lane, rank, done_at, reason, trace)
           values ($1, $2, $3, $4, $5, $6, $7, $7, 'done', 1, $8, clock_timestamp(), 'came from these books', $9)
           on conflict on constraint item_one_per_document do nothing
           returning id"#,
        ItemId::fresh().uuid(),
        intake.account.0,
        target.books,
        target.integration,
        document.kind.as_str(),
        document.source_id.as_str(),
        document.version,
        document.kind.rank(),
        intake.trace,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(item) = item else { return Ok(false) };
    let effect = EffectId::fresh().uuid();
    sqlx::query!(
        "insert into effect (id, account_id, books_id, item_id, kind, state) values ($1, $2, $3, $4, $5, 'DONE')",
        effect,
        intake.account.0,
        target.books,
        item,
        origin.effect_kind,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"insert into link (effect_id, account_id, books_id, effect_kind, external_id, revision, fingerprint, state,
             version, currency, gross)
           values ($1, $2, $3, $4, $5, '', '', 'ACTIVE', $6, $7, $8)"#,
        effect,
        intake.account.0,
        target.books,
        origin.effect_kind,
        origin.external_id,
        document.version,
        document.currency,
        document.total,
    )
    .execute(&mut *tx)
    .await?;
    // What waited for this document can go on.
    release_waiters(
        tx,
        BooksId::from_uuid(target.books),
        document.kind,
        &document.source_id,
    )
    .await
}
