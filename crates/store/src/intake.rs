//! Intake: an event's documents, their items and the wake marks, in one transaction (S10).

use chrono::{DateTime, NaiveDate, Utc};
use model::calendar::Calendar;
use model::{
    AccountId, BooksId, DocumentKind, EffectId, IntegrationId, ItemId, Lane, Lifecycle, SourceId,
    SyncFrequency, SyncSettings,
};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::lease::wake;
use crate::moving::release_waiters;
use crate::{Store, StoreError};

/// What an event brings in.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The tenant.
    pub account: AccountId,
    /// The event's id.
    pub event_id: String,
    /// Hash of its bytes' meaning: the same id with another hash is refused.
    pub event_hash: String,
    /// Its number in the account's stream, where it has one.
    pub sequence: Option<i64>,
    /// Its trace.
    pub trace: Option<String>,
    /// The documents, embedded ones first.
    pub documents: Vec<IncomingDocument>,
    /// Set when the document came from the books.
    pub origin: Option<Origin>,
    /// Daily totals.
    pub control_totals: Vec<ControlTotal>,
}

/// One document version.
#[derive(Clone, Debug)]
pub struct IncomingDocument {
    /// Kind.
    pub kind: DocumentKind,
    /// Id.
    pub source_id: SourceId,
    /// Version.
    pub version: i64,
    /// Live, voided, deleted.
    pub lifecycle: Lifecycle,
    /// The whole document as stored.
    pub body: Value,
    /// Hash of it.
    pub body_hash: String,
    /// Currency of its total.
    pub currency: Option<String>,
    /// Its total.
    pub total: Option<Decimal>,
    /// Came inside another document: an older or equal version changes nothing.
    pub is_embedded: bool,
}

/// Where an imported document came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Through which integration.
    pub integration: IntegrationId,
    /// The provider's id.
    pub external_id: String,
    /// The effect's kind, such as `invoice`.
    pub effect_kind: String,
}

/// Count and sum that `ProjectLedger` states for a day.
#[derive(Clone, Debug)]
pub struct ControlTotal {
    /// The day.
    pub day: NaiveDate,
    /// Document kind.
    pub kind: DocumentKind,
    /// Currency.
    pub currency: String,
    /// How many.
    pub count: i64,
    /// Their sum.
    pub sum: Decimal,
}

/// A books that should be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// Which.
    pub books: BooksId,
    /// Its provider.
    pub provider: String,
    /// On which queue.
    pub lane: Lane,
}

/// What became of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TakenIn {
    /// Its rows are committed; these books should be looked at.
    Accepted(Vec<Announce>),
    /// It had been taken in before; nothing changed.
    Duplicate,
    /// The same event id, or the same document version, came before with another content.
    Conflict(String),
}

struct Target {
    integration: i64,
    books: Uuid,
    provider: String,
    due: Due,
    settings: SyncSettings,
}

#[derive(Clone, Copy)]
enum Due {
    Now,
    At(DateTime<Utc>),
    WhenAsked,
}

impl Store {
    /// Steps 2 of "one invoice, end to end": document versions, items and wake marks in one transaction.
    pub async fn take_in(&self, intake: &Intake) -> Result<TakenIn, StoreError> {
        let mut tx = self.begin_for(intake.account).await?;
        match note_event(&mut tx, intake).await? {
            Noted::New => {}
            Noted::Seen => return Ok(TakenIn::Duplicate),
            Noted::Differs => {
                return Ok(TakenIn::Conflict(format!(
                    "event {} came before with another content; give changed events a new id",
                    intake.event_id
                )));
            }
        }
        if let Some(sequence) = intake.sequence {
            follow(&mut tx, intake.account, sequence).await?;
        }
        for document in &intake.documents {
            if !store_document(&mut tx, intake, document).await? {
                return Ok(TakenIn::Conflict(format!(
                    "{} {} version {} came before with another content; raise the version with every change",
                    document.kind.as_str(),
                    document.source_id,
                    document.version
                )));
            }
        }
        for total in &intake.control_totals {
            store_control_total(&mut tx, intake.account, total).await?;
        }
        let targets = targets(&mut tx, intake.account).await?;
        let mut announces = Vec::new();
        for target in &targets {
            if let Some(announce) = want(&mut tx, intake, target).await? {
                announces.push(announce);
            }
        }
        tx.commit().await?;
        Ok(TakenIn::Accepted(announces))
    }
}

enum Noted {
    New,
    Seen,
    Differs,
}

async fn note_event(tx: &mut PgConnection, intake: &Intake) -> Result<Noted, StoreError> {
    let new = sqlx::query!(
        r#"insert into event (account_id, event_id, sequence, body_hash) values ($1, $2, $3, $4)
           on conflict on constraint event_once do nothing"#,
        intake.account.0,
        intake.event_id,
        intake.sequence,
        intake.event_hash,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if new == 1 {
        return Ok(Noted::New);
    }
    let hash = sqlx::query_scalar!(
        "select body_hash from event where account_id = $1 and event_id = $2",
        intake.account.0,
        intake.event_id
    )
    .fetch_one(tx)
    .await?;
    Ok(if hash == intake.event_hash {
        Noted::Seen
    } else {
        Noted::Differs
    })
}

/// Most numbers kept past a gap; more than this and the gap is simply open.
const AHEAD_LIMIT: usize = 10_000;

/// Follows the account's sequence: what is complete, what is ahead of a gap, since when.
pub(crate) async fn follow(
    tx: &mut PgConnection,
    account: AccountId,
    sequence: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into account_feed (account_id) values ($1) on conflict do nothing",
        account.0
    )
    .execute(&mut *tx)
    .await?;
    let feed = sqlx::query!(
        "select contiguous, highest, ahead from account_feed where account_id = $1 for update",
        account.0
    )
    .fetch_one(&mut *tx)
    .await?;
    let mut ahead = feed.ahead;
    let mut contiguous = feed.contiguous;
    if sequence > contiguous && !ahead.contains(&sequence) && ahead.len() < AHEAD_LIMIT {
        ahead.push(sequence);
    }
    ahead.sort_unstable();
    while ahead.first() == Some(&(contiguous + 1)) {
        contiguous += 1;
        ahead.remove(0);
    }
    sqlx::query!(
        r#"update account_feed set contiguous = $2, highest = greatest(highest, $3), ahead = $4,
             gap_since = case when $5 then null else coalesce(gap_since, clock_timestamp()) end,
             gap_asked_at = case when $5 then null else gap_asked_at end
           where account_id = $1"#,
        account.0,
        contiguous,
        sequence,
        &ahead,
        ahead.is_empty(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores a version once. False: the same version is there with another content.
async fn store_document(
    tx: &mut PgConnection,
    intake: &Intake,
    document: &IncomingDocument,
) -> Result<bool, StoreError> {
    let new = sqlx::query!(
        r#"insert into document (account_id, kind, source_id, version, lifecycle, body, body_hash, currency, total,
             event_id, trace)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           on conflict on constraint document_once do nothing"#,
        intake.account.0,
        document.kind.as_str(),
        document.source_id.as_str(),
        document.version,
        document.lifecycle.as_str(),
        document.body,
        document.body_hash,
        document.currency,
        document.total,
        intake.event_id,
        intake.trace,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if new == 1 || document.is_embedded {
        return Ok(true);
    }
    let stored = sqlx::query!(
        r#"select d.body_hash, d.event_id from document d
           where d.account_id = $1 and d.kind = $2 and d.source_id = $3 and d.version = $4"#,
        intake.account.0,
        document.kind.as_str(),
        document.source_id.as_str(),
        document.version,
    )
    .fetch_one(tx)
    .await?;
    Ok(stored.body_hash == document.body_hash)
}

async fn store_control_total(
    tx: &mut PgConnection,
    account: AccountId,
    total: &ControlTotal,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"insert into control_total (account_id, day, kind, currency, document_count, document_sum)
           values ($1, $2, $3, $4, $5, $6)
           on conflict on constraint control_total_once
           do update set document_count = excluded.document_count, document_sum = excluded.document_sum"#,
        account.0,
        total.day,
        total.kind.as_str(),
        total.currency,
        total.count,
        total.sum,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The account's active integrations, with their leases locked in key order.
async fn targets(
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
async fn want(
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
            None if is_wanted(&target.settings, document) => {
                want_item(tx, intake, target, document).await?
            }
            None => false,
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

/// Clients always go: documents need them. Tax rates are read from the books, not written.
const fn is_wanted(settings: &SyncSettings, document: &IncomingDocument) -> bool {
    match document.kind {
        DocumentKind::Client => settings.sync_clients || document.is_embedded,
        DocumentKind::Invoice | DocumentKind::WriteOff => settings.sync_invoices,
        DocumentKind::CreditNote => settings.sync_credit_notes,
        DocumentKind::Product => settings.create_items,
        DocumentKind::Payment | DocumentKind::Refund => settings.sync_payments,
        DocumentKind::TaxRate => settings.sync_tax_codes,
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
    let up = document.kind.rank();
    let rank = if document.lifecycle == Lifecycle::Live {
        up
    } else {
        200 - up
    };
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
