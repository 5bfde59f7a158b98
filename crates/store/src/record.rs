//! S6: what a reply means is recorded by attempt, never by lease, in one transaction per call.
//!
//! An attempt's outcome is written once. Who writes it also moves the item; who comes too late with a
//! success leaves a late reply, which the next intent on that effect must read.

use chrono::{DateTime, Utc};
use model::{AccountId, AttemptId, BooksId, CallId, EffectId, Failure, IntegrationId, Operation};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

pub use crate::finding::Finding;
use crate::finding::{keep_late, name_late_twins, raise, settle_findings};
use crate::lease::{Held, lock_any, lock_as_holder, wake};
pub use crate::moving::{ItemMove, Next};
use crate::moving::{earlier, move_item};
use crate::{StoreError, unclear};

/// What is to be recorded of one call.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whose books.
    pub books: BooksId,
    /// Whose account.
    pub account: AccountId,
    /// Which integration.
    pub integration: IntegrationId,
    /// The provider's key.
    pub provider: String,
    /// The call; none when items are moved without one.
    pub call: Option<CallId>,
    /// What the outcomes rest on; none when items are moved without a call.
    pub basis: Basis,
    /// Closes the call with this reason; none leaves it open (an outcome is unknown).
    pub close: Option<&'static str>,
    /// Whether a look-up now found members absent.
    pub absent: bool,
    /// One entry per member.
    pub elements: Vec<Element>,
}

/// What outcomes rest on, which says what may be believed of them.
#[derive(Clone, Copy, Debug)]
pub enum Basis {
    /// The reply to this sending of the call. A success is believed whoever holds the lease by now; a refusal
    /// only while this is the latest sending, since a later one may have succeeded.
    Reply {
        /// Which sending, from 1.
        sending: i32,
    },
    /// A look-up, or not having sent, under this lease. Presence is believed; everything else only while the
    /// lease is held and nothing was sent since, because a later sending may have succeeded.
    Holder {
        /// The lease.
        held: Held,
        /// The latest sending when the look-up began.
        sending: i32,
    },
}

/// What is to be recorded of one member.
#[derive(Clone, Debug)]
pub struct Element {
    /// The attempt.
    pub attempt: AttemptId,
    /// The effect.
    pub effect: EffectId,
    /// The effect's kind.
    pub effect_kind: String,
    /// What was done.
    pub operation: Operation,
    /// What is known now.
    pub outcome: Outcome,
    /// Where the item goes.
    pub item: ItemMove,
    /// A difference to be named.
    pub finding: Option<Finding>,
    /// When the call was opened.
    pub started_at: DateTime<Utc>,
}

/// What is known of an attempt.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The reply said so.
    Done(Landed),
    /// A look-up found it.
    Adopted(Landed),
    /// The provider refused.
    Failed(Failure),
    /// Proven not there.
    Absent,
    /// Nothing was sent.
    NotSent(Failure),
    /// Something else is there.
    Conflict(Failure),
    /// Not known yet: the attempt stays open.
    Unknown(Failure),
}

impl Outcome {
    const fn word(&self) -> Option<&'static str> {
        match self {
            Self::Done(_) => Some("DONE"),
            Self::Adopted(_) => Some("ADOPTED"),
            Self::Failed(_) => Some("FAILED"),
            Self::Absent => Some("ABSENT"),
            Self::NotSent(_) => Some("NOT_SENT"),
            Self::Conflict(_) => Some("CONFLICT"),
            Self::Unknown(_) => None,
        }
    }

    const fn landed(&self) -> Option<&Landed> {
        match self {
            Self::Done(landed) | Self::Adopted(landed) => Some(landed),
            _ => None,
        }
    }

    const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(f) | Self::NotSent(f) | Self::Conflict(f) | Self::Unknown(f) => Some(f),
            Self::Done(_) | Self::Adopted(_) | Self::Absent => None,
        }
    }
}

/// An object in the books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Landed {
    /// The provider's id.
    pub external_id: String,
    /// The provider's revision token.
    pub revision: String,
    /// Hash of the fields we own.
    pub fingerprint: String,
    /// `ACTIVE`, or `ENDED` after a void or deletion.
    pub state: &'static str,
    /// Currency of the totals.
    pub currency: Option<String>,
    /// Tax as the provider states it.
    pub tax: Option<Decimal>,
    /// Total as the provider states it.
    pub gross: Option<Decimal>,
}

/// What became of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Attempts whose outcome was written now.
    pub written: u32,
    /// Successes that came too late.
    pub late: u32,
}

/// The raw reply, in its own commit before it is interpreted.
#[derive(Clone, Debug)]
pub struct RawReply {
    /// Which sending of the call it answers, from 1.
    pub sending: i32,
    /// Whose account.
    pub account: AccountId,
    /// Whose books.
    pub books: BooksId,
    /// The call.
    pub call: CallId,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Value,
    /// Body.
    pub body: Vec<u8>,
    /// The provider's correlation id.
    pub correlation: Option<String>,
}

/// Stores a raw reply once.
pub(crate) async fn store_reply(tx: &mut PgConnection, reply: &RawReply) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update call set status = $2, reply_headers = $3, reply = $4, correlation = $5, answered_at = clock_timestamp()
           where id = $1 and sends = $6 and answered_at is null and closed_at is null"#,
        reply.call.uuid(),
        i32::from(reply.status),
        reply.headers,
        reply.body,
        reply.correlation,
        reply.sending,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// S6 on a transaction of the account.
pub(crate) async fn record(tx: &mut PgConnection, record: &Record) -> Result<Recorded, StoreError> {
    let mut done = Recorded::default();
    lock_any(tx, record.books).await?;
    let is_current = is_current(tx, record).await?;
    let mut ours = Vec::with_capacity(record.elements.len());
    for element in &record.elements {
        if !is_current && element.outcome.landed().is_none() {
            continue;
        }
        let written = write_outcome(tx, record, element).await?;
        if written {
            done.written += 1;
            ours.push(element);
        } else if element.outcome.landed().is_some() {
            done.late += 1;
        }
    }
    if let Some(call) = record.call {
        close_call(tx, call, record, is_current).await?;
    }
    let mut due = None;
    for element in &ours {
        due = earlier(due, move_item(tx, record, &element.item).await?);
    }
    // Whoever records may have lost the lease: the mark and `next_at` tell whoever holds it now.
    if due.is_some() {
        wake(tx, record.books, due).await?;
    }
    health(tx, record, &ours).await?;
    Ok(done)
}

/// Whether everything these outcomes say may be believed, or presence only.
async fn is_current(tx: &mut PgConnection, record: &Record) -> Result<bool, StoreError> {
    let sending = match record.basis {
        Basis::Reply { sending } => sending,
        Basis::Holder { held, sending } => {
            if lock_as_holder(tx, &held).await?.is_none() {
                return Ok(false);
            }
            sending
        }
    };
    let Some(call) = record.call else {
        return Ok(true);
    };
    let latest = sqlx::query_scalar!(
        "select sends from call where id = $1 for update",
        call.uuid()
    )
    .fetch_optional(tx)
    .await?;
    Ok(latest == Some(sending))
}

/// Writes an attempt's outcome where there is none, with link, effect, finding and log. False: too late.
async fn write_outcome(
    tx: &mut PgConnection,
    record: &Record,
    element: &Element,
) -> Result<bool, StoreError> {
    let landed = element.outcome.landed();
    let Some(word) = element.outcome.word() else {
        // Still unknown: the item is moved only while the attempt is open.
        let open = sqlx::query_scalar!(
            r#"select exists (select from attempt where id = $1 and outcome is null) as "open!""#,
            element.attempt.uuid()
        )
        .fetch_one(&mut *tx)
        .await?;
        if let (true, Some(found)) = (open, &element.finding) {
            raise(
                tx,
                record.account,
                record.books,
                element.item.item,
                element.effect,
                found,
            )
            .await?;
        }
        if open && matches!(element.item.next, Next::Verify { .. }) {
            unclear::name(tx, record, element).await?;
        }
        return Ok(open);
    };
    let failure = element
        .outcome
        .failure()
        .map(|f| serde_json::to_value(f).unwrap_or_default());
    let written = sqlx::query!(
        r#"update attempt set outcome = $2, outcome_at = clock_timestamp(), failure = $3, landed = $4
           where id = $1 and outcome is null"#,
        element.attempt.uuid(),
        word,
        failure,
        landed.map(landed_json),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected()
        == 1;
    if !written {
        if let Some(landed) = landed {
            keep_late(tx, record, element, landed).await?;
        }
        return Ok(false);
    }
    unclear::settle(tx, element).await?;
    if let Some(landed) = landed {
        link(tx, record, element, landed).await?;
        settle_findings(tx, element).await?;
        name_late_twins(tx, record, element, landed).await?;
    }
    if let Some(found) = &element.finding {
        raise(
            tx,
            record.account,
            record.books,
            element.item.item,
            element.effect,
            found,
        )
        .await?;
    }
    log(tx, record, element, landed).await?;
    Ok(true)
}

pub(crate) fn landed_json(landed: &Landed) -> Value {
    json!({
        "externalId": landed.external_id, "revision": landed.revision, "fingerprint": landed.fingerprint,
        "state": landed.state, "currency": landed.currency, "tax": landed.tax.map(|d| d.to_string()),
        "gross": landed.gross.map(|d| d.to_string()),
    })
}

async fn link(
    tx: &mut PgConnection,
    record: &Record,
    element: &Element,
    landed: &Landed,
) -> Result<(), StoreError> {
    let taken = sqlx::query_scalar!(
        "select effect_id from link where books_id = $1 and effect_kind = $2 and external_id = $3 and effect_id <> $4",
        record.books.uuid(),
        element.effect_kind,
        landed.external_id,
        element.effect.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if taken.is_some() {
        let found = Finding {
            code: "OBJECT_OF_ANOTHER_DOCUMENT",
            message: format!(
                "The provider answered with {}, which belongs to another document.",
                landed.external_id
            ),
            detail: json!({ "externalId": landed.external_id }),
        };
        return raise(
            tx,
            record.account,
            record.books,
            element.item.item,
            element.effect,
            &found,
        )
        .await;
    }
    sqlx::query!(
        r#"insert into link (effect_id, account_id, books_id, effect_kind, external_id, revision, fingerprint, state,
             version, currency, tax, gross)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict (effect_id) do update set external_id = excluded.external_id, revision = excluded.revision,
             fingerprint = excluded.fingerprint, state = excluded.state, version = excluded.version,
             currency = excluded.currency, tax = excluded.tax, gross = excluded.gross, updated_at = clock_timestamp()"#,
        element.effect.uuid(),
        record.account.0,
        record.books.uuid(),
        element.effect_kind,
        landed.external_id,
        landed.revision,
        landed.fingerprint,
        landed.state,
        element.item.version,
        landed.currency,
        landed.tax,
        landed.gross,
    )
    .execute(&mut *tx)
    .await?;
    let effect_state = if landed.state == "ENDED" {
        "ENDED"
    } else {
        "DONE"
    };
    sqlx::query!(
        "update effect set state = $2 where id = $1",
        element.effect.uuid(),
        effect_state
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn log(
    tx: &mut PgConnection,
    record: &Record,
    element: &Element,
    landed: Option<&Landed>,
) -> Result<(), StoreError> {
    let failure = element.outcome.failure();
    let status = if landed.is_some() {
        "SUCCESS"
    } else {
        "FAILED"
    };
    sqlx::query!(
        r#"insert into accounting_sync_log (account_id, integration_id, sync_type, entity_type, entity_id, external_id,
             status, operation, call_id, error_message, error_code, retry_count, started_at, completed_at, duration)
           values ($1, $2, 'EXPORT', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp(),
             (extract(epoch from clock_timestamp() - $12) * 1000)::int)"#,
        record.account.0,
        record.integration.0,
        element.item.kind.entity_type(),
        element.item.source_id.as_str(),
        landed.map(|l| l.external_id.as_str()),
        status,
        element.operation.sync_operation(),
        record.call.map(CallId::uuid),
        failure.map(|f| f.message.as_str()),
        failure.map(|f| f.code.as_str()),
        i32::try_from(element.item.attempts).unwrap_or(i32::MAX),
        element.started_at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Closes the call, or leaves it open while an outcome is unknown.
/// A call is closed by whoever may say so, and by anybody once the outcomes of all its attempts are written:
/// nobody would come back to it.
async fn close_call(
    tx: &mut PgConnection,
    call: CallId,
    record: &Record,
    is_current: bool,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update call c set
             closed_at = case when n.reason is null then null else clock_timestamp() end,
             close_reason = n.reason,
             absent_since = case when $3 then coalesce(c.absent_since, clock_timestamp()) else c.absent_since end
           from (select coalesce($2::text, case when not exists (
               select from attempt a where a.call_id = $1 and a.outcome is null) then 'all outcomes known' end) as reason) n
           where c.id = $1 and c.closed_at is null"#,
        call.uuid(),
        record.close.filter(|_| is_current),
        record.absent && is_current,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// `isHealthy`, `errorCount`, `lastError`, `lastSyncAt`: the last word of this record.
async fn health(
    tx: &mut PgConnection,
    record: &Record,
    ours: &[&Element],
) -> Result<(), StoreError> {
    let succeeded = ours.iter().any(|e| e.outcome.landed().is_some());
    let failed = ours.iter().rev().find_map(|e| match &e.item.next {
        Next::GiveUp { failure, .. } | Next::Park { failure, .. } => Some(failure.message.as_str()),
        _ => None,
    });
    if !succeeded && failed.is_none() {
        return Ok(());
    }
    sqlx::query!(
        r#"update accounting_integration set
             last_sync_at = case when $2 then clock_timestamp() else last_sync_at end,
             error_count = case when $3::text is not null then error_count + 1 when $2 then 0 else error_count end,
             last_error = case when $3::text is not null then $3 when $2 then null else last_error end,
             is_healthy = $3::text is null
           where id = $1"#,
        record.integration.0,
        succeeded,
        failed,
    )
    .execute(tx)
    .await?;
    Ok(())
}
