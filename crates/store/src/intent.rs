//! S4: what is about to be sent is committed first: the call with its exact bytes, its attempts, its charge.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{AttemptId, BooksId, CallId, EffectId, ItemId, Operation};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;
use crate::lease::{Held, interval, lock_as_holder};

/// Why a call is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To bring effects about.
    Write,
    /// To find out what became of a write.
    Lookup,
    /// To read what is in the books.
    Read,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "WRITE",
            Self::Lookup => "LOOKUP",
            Self::Read => "READ",
        }
    }
}

/// A call about to be sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Under which lease.
    pub held: Held,
    /// The call's id, made by whoever wants it.
    pub call: CallId,
    /// Why.
    pub purpose: Purpose,
    /// The unclear call it closes, for look-ups.
    pub closes: Option<CallId>,
    /// The provider's idempotency key.
    pub key: String,
    /// Method, path, query and headers.
    pub request: Value,
    /// The exact body.
    pub body: Vec<u8>,
    /// What it is charged for, such as `REQUESTS`.
    pub charges: Vec<&'static str>,
    /// How long after now absence begins to prove something.
    pub settle: Duration,
    /// Its members; none for reads.
    pub members: Vec<IntentMember>,
}

/// One attempt of a call about to be sent.
#[derive(Clone, Debug)]
pub struct IntentMember {
    /// The attempt.
    pub attempt: AttemptId,
    /// The item.
    pub item: ItemId,
    /// The claim under which the item is in hand.
    pub claim: i64,
    /// The effect.
    pub effect: EffectId,
    /// The effect's kind.
    pub effect_kind: String,
    /// The effect's part.
    pub effect_part: String,
    /// The effect's generation.
    pub generation: i32,
    /// Place in the call.
    pub ordinal: i16,
    /// What is done.
    pub operation: Operation,
    /// Version of the document.
    pub version: i64,
    /// Hash of the plan.
    pub plan_hash: String,
    /// The step, to take back later.
    pub step: Value,
    /// The marker, to take back later.
    pub marker: Value,
}

/// What became of an intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Intended {
    /// It is committed; the call may be sent. `opened_at` is the database's time.
    Committed {
        /// When.
        opened_at: DateTime<Utc>,
    },
    /// The lease is somebody else's: nothing may be sent.
    LeaseLost,
    /// These items have an attempt without outcome, an unread late reply, or are not in hand any more; nothing was
    /// written.
    Refused(Vec<Refusal>),
}

/// Why an item may not be attempted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// An attempt of the effect has no outcome yet.
    OpenAttempt(ItemId),
    /// A late success of the effect has not been read.
    LateReply(ItemId),
    /// It was moved since it was claimed: what was planned for it may be done by now.
    NotInHand(ItemId),
}

/// S4 on a transaction of the account.
pub(crate) async fn intend(tx: &mut PgConnection, intent: &Intent) -> Result<Intended, StoreError> {
    if lock_as_holder(tx, &intent.held).await?.is_none() {
        return Ok(Intended::LeaseLost);
    }
    let refusals = refusals(tx, &intent.members).await?;
    if !refusals.is_empty() {
        return Ok(Intended::Refused(refusals));
    }
    let books = intent.held.books;
    let opened_at = sqlx::query_scalar!(
        r#"insert into call (id, account_id, books_id, integration_id, fence, purpose, closes, key, request, body,
             opened_at, settle_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp(), clock_timestamp() + $11::interval)
           returning opened_at"#,
        intent.call.uuid(),
        intent.held.account.0,
        books.uuid(),
        intent.held.integration.0,
        intent.held.fence,
        intent.purpose.as_str(),
        intent.closes.map(CallId::uuid),
        intent.key,
        intent.request,
        intent.body,
        interval(intent.settle) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    if !intent.members.is_empty() {
        insert_members(tx, intent).await?;
    }
    charge(tx, books, &intent.charges).await?;
    Ok(Intended::Committed { opened_at })
}

async fn refusals(
    tx: &mut PgConnection,
    members: &[IntentMember],
) -> Result<Vec<Refusal>, StoreError> {
    let effects: Vec<Uuid> = members.iter().map(|m| m.effect.uuid()).collect();
    let open = sqlx::query_scalar!(
        "select effect_id from attempt where effect_id = any($1) and outcome is null",
        &effects
    )
    .fetch_all(&mut *tx)
    .await?;
    let late = sqlx::query_scalar!(
        "select effect_id from late_reply where effect_id = any($1) and read_at is null",
        &effects
    )
    .fetch_all(&mut *tx)
    .await?;
    let items: Vec<Uuid> = members.iter().map(|m| m.item.uuid()).collect();
    let claims: Vec<i64> = members.iter().map(|m| m.claim).collect();
    let in_hand = sqlx::query_scalar!(
        r#"select i.id from unnest($1::uuid[], $2::bigint[]) as m (item, claim)
           join item i on i.id = m.item and i.claims = m.claim and i.state = 'running'"#,
        &items,
        &claims,
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(members
        .iter()
        .filter_map(|m| {
            if open.contains(&m.effect.uuid()) {
                Some(Refusal::OpenAttempt(m.item))
            } else if late.contains(&m.effect.uuid()) {
                Some(Refusal::LateReply(m.item))
            } else if !in_hand.contains(&m.item.uuid()) {
                Some(Refusal::NotInHand(m.item))
            } else {
                None
            }
        })
        .collect())
}

async fn insert_members(tx: &mut PgConnection, intent: &Intent) -> Result<(), StoreError> {
    let members = &intent.members;
    let effects: Vec<Uuid> = members.iter().map(|m| m.effect.uuid()).collect();
    let items: Vec<Uuid> = members.iter().map(|m| m.item.uuid()).collect();
    let kinds: Vec<String> = members.iter().map(|m| m.effect_kind.clone()).collect();
    let parts: Vec<String> = members.iter().map(|m| m.effect_part.clone()).collect();
    let generations: Vec<i32> = members.iter().map(|m| m.generation).collect();
    sqlx::query!(
        r#"insert into effect (id, account_id, books_id, item_id, kind, part, generation)
           select m.id, $1, $2, m.item, m.kind, m.part, m.generation
           from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::int[]) as m (id, item, kind, part, generation)
           on conflict (id) do nothing"#,
        intent.held.account.0,
        intent.held.books.uuid(),
        &effects,
        &items,
        &kinds,
        &parts,
        &generations,
    )
    .execute(&mut *tx)
    .await?;
    let ids: Vec<Uuid> = members.iter().map(|m| m.attempt.uuid()).collect();
    let ordinals: Vec<i16> = members.iter().map(|m| m.ordinal).collect();
    let operations: Vec<String> = members
        .iter()
        .map(|m| m.operation.as_str().to_owned())
        .collect();
    let versions: Vec<i64> = members.iter().map(|m| m.version).collect();
    let hashes: Vec<String> = members.iter().map(|m| m.plan_hash.clone()).collect();
    let steps: Vec<Value> = members.iter().map(|m| m.step.clone()).collect();
    let markers: Vec<Value> = members.iter().map(|m| m.marker.clone()).collect();
    sqlx::query!(
        r#"insert into attempt (id, account_id, books_id, call_id, item_id, effect_id, ordinal, operation, version,
             plan_hash, step, marker)
           select m.id, $1, $2, $3, m.item, m.effect, m.ordinal, m.operation, m.version, m.hash, m.step, m.marker
           from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[], $8::text[], $9::bigint[], $10::text[],
             $11::jsonb[], $12::jsonb[]) as m (id, item, effect, ordinal, operation, version, hash, step, marker)"#,
        intent.held.account.0,
        intent.held.books.uuid(),
        intent.call.uuid(),
        &ids,
        &items,
        &effects,
        &ordinals,
        &operations,
        &versions,
        &hashes,
        &steps,
        &markers,
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Debits the quota, per minute.
pub(crate) async fn charge(
    tx: &mut PgConnection,
    books: BooksId,
    charges: &[&'static str],
) -> Result<(), StoreError> {
    for scope in charges {
        sqlx::query!(
            r#"insert into quota (books_id, scope, window_start, used)
               values ($1, $2, date_trunc('minute', clock_timestamp()), 1)
               on conflict (books_id, scope, window_start) do update set used = quota.used + 1"#,
            books.uuid(),
            *scope,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
