//! Intake: an event's documents, their items and the wake marks, in one transaction (S10).

use chrono::NaiveDate;
use model::{AccountId, BooksId, DocumentKind, IntegrationId, Lane, Lifecycle, SourceId};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;

use crate::wanting::{targets, want};
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
        let (products, documents): (Vec<_>, Vec<_>) = intake
            .documents
            .iter()
            .partition(|document| document.kind == DocumentKind::Product);
        for document in documents {
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
        if targets.iter().any(|target| target.settings.create_items) {
            for product in products {
                store_document(&mut tx, intake, product).await?;
            }
        }
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
