//! Where items go: one guarded update per item, its waiters, its dead letter.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{DocumentKind, EffectId, Failure, FailureKind, ItemId, ItemState, Owner, SourceId};
use serde_json::Value;
use sqlx::PgConnection;

use crate::finding::settle_questions;
use crate::lease::{Held, interval, lock_as_holder, wake};
use crate::record::{Basis, Landed, Record};
use crate::waiting::{recheck_dependency, release_waiters};
use crate::{StoreError, dead, import, outbox, refused};

/// Creating again what a person deleted is a person's decision: nothing does it by itself.
const DELETED_IN_BOOKS: &str = "DELETED_IN_BOOKS";
/// What waits for a person is looked at again after this long: they may have put it right in the books.
const PARKED_RECHECK: Duration = Duration::from_hours(6);
/// What waits for another document is looked at again after this long; its arrival releases it at once.
const WAITING_RECHECK: Duration = Duration::from_hours(24);

/// Where an item goes.
#[derive(Clone, Debug)]
pub struct ItemMove {
    /// The item.
    pub item: ItemId,
    /// Kind of its document.
    pub kind: DocumentKind,
    /// Id of its document.
    pub source_id: SourceId,
    /// Version in hand.
    pub version: i64,
    /// The trace of the event that asked.
    pub trace: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// The claim under which its holder has it in hand; none for who recorded an attempt without claiming it.
    pub claim: Option<i64>,
    /// When the document was wanted here.
    pub wanted_at: DateTime<Utc>,
    /// The present state of its objects that were just read, when nothing has to be sent.
    pub seen: Vec<(EffectId, Landed)>,
    /// What became of its objects that were just read, when the plan was refused.
    pub states: Vec<(EffectId, &'static str)>,
    /// Its other effects are in the books as wanted: given up, it is there in part.
    pub rest_is_done: bool,
    /// Where to.
    pub next: Next,
}

/// Where an item goes.
#[derive(Clone, Debug)]
pub enum Next {
    /// Finished, unless a newer version waits.
    Finished {
        /// Done, partial or skipped.
        state: ItemState,
        /// Why, where it is not plain.
        reason: Option<String>,
    },
    /// More steps follow at once.
    More,
    /// Later, after a failure.
    Later {
        /// In how long.
        after: Duration,
        /// Why.
        failure: Failure,
    },
    /// Read first, then plan again at once.
    LookFirst(Failure),
    /// An outcome must be found out.
    Verify {
        /// In how long.
        after: Duration,
        /// Why.
        reason: String,
        /// It counts as a try: the look-up itself failed.
        counts: bool,
    },
    /// Waits for somebody or something.
    Park {
        /// Who must act.
        owner: Owner,
        /// Why.
        failure: Failure,
        /// `KIND/id` of the document it waits for.
        waits_for: Option<(DocumentKind, SourceId)>,
    },
    /// Given up.
    GiveUp {
        /// Who must act.
        owner: Owner,
        /// Why.
        failure: Failure,
    },
}

/// The columns of an item after a move.
struct Columns<'a> {
    state: ItemState,
    after: Option<Duration>,
    owner: Owner,
    looks_first: bool,
    reason: Option<&'a str>,
    failure: Option<&'a Failure>,
}

/// The columns of an item that did not succeed.
const fn failed(
    state: ItemState,
    after: Option<Duration>,
    owner: Owner,
    failure: &Failure,
) -> Columns<'_> {
    Columns {
        state,
        after,
        owner,
        looks_first: false,
        reason: Some(failure.message.as_str()),
        failure: Some(failure),
    }
}

impl Next {
    fn columns(&self) -> Columns<'_> {
        let plain = |state, after, reason| Columns {
            state,
            after,
            owner: Owner::System,
            looks_first: false,
            reason,
            failure: None,
        };
        match self {
            Self::Finished { state, reason } => plain(*state, None, reason.as_deref()),
            Self::More => plain(ItemState::Queued, Some(Duration::ZERO), None),
            Self::Verify { after, reason, .. } => {
                plain(ItemState::Verifying, Some(*after), Some(reason))
            }
            Self::Later { after, failure } => {
                failed(ItemState::Waiting, Some(*after), Owner::System, failure)
            }
            Self::LookFirst(failure) => Columns {
                looks_first: true,
                ..failed(
                    ItemState::Queued,
                    Some(Duration::ZERO),
                    Owner::System,
                    failure,
                )
            },
            Self::Park {
                owner,
                failure,
                waits_for,
            } => {
                let recheck = if failure.code == DELETED_IN_BOOKS {
                    None
                } else if waits_for.is_some() {
                    Some(WAITING_RECHECK)
                } else {
                    Some(PARKED_RECHECK)
                };
                failed(ItemState::Parked, recheck, *owner, failure)
            }
            Self::GiveUp { owner, failure } => failed(ItemState::Failed, None, *owner, failure),
        }
    }

    /// A newer version that came meanwhile goes on at once, but for an open outcome or a retry in progress: while
    /// an attempt is open only its own version can be worked on, and would be given up again and again.
    const fn lets_newer_win(&self) -> bool {
        matches!(
            self,
            Self::Finished { .. } | Self::Park { .. } | Self::GiveUp { .. } | Self::Later { .. }
        )
    }

    fn waits_for(&self) -> Option<String> {
        match self {
            Self::Park {
                waits_for: Some((kind, id)),
                ..
            } => Some(format!("{}/{id}", kind.as_str())),
            _ => None,
        }
    }
}

/// Items moved by their holder without a call: planned, found waiting, refused. False: the lease is lost.
pub(crate) async fn move_items(
    tx: &mut PgConnection,
    held: &Held,
    provider: &str,
    moves: &[ItemMove],
) -> Result<bool, StoreError> {
    if lock_as_holder(tx, held).await?.is_none() {
        return Ok(false);
    }
    let record = Record {
        books: held.books,
        account: held.account,
        integration: held.integration,
        provider: provider.to_owned(),
        call: None,
        basis: Basis::Holder {
            held: *held,
            sending: 0,
        },
        close: None,
        absent: false,
        elements: Vec::new(),
    };
    let mut due = None;
    for each in moves {
        due = earlier(due, move_item(tx, &record, each).await?);
    }
    if due.is_some() {
        wake(tx, held.books, due).await?;
    }
    Ok(true)
}

pub(crate) fn earlier(
    one: Option<DateTime<Utc>>,
    other: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Moves one item that is in hand: of this claim, or of an attempt whose outcome was just written. Answers when it,
/// or what waited for it, is due.
pub(crate) async fn move_item(
    tx: &mut PgConnection,
    record: &Record,
    each: &ItemMove,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let asked = asked_import(tx, record, &each.next).await?;
    let due = match refused::instead(tx, record, each).await? {
        Some(next) => {
            let each = ItemMove {
                next,
                ..each.clone()
            };
            put(tx, record, &each).await?
        }
        None => put(tx, record, each).await?,
    };
    Ok(earlier(due, asked))
}

/// A refusal may suggest that what was imported is out of date. Answers when the import is due.
async fn asked_import(
    tx: &mut PgConnection,
    record: &Record,
    next: &Next,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let what = match next {
        Next::Park { failure, .. } | Next::GiveUp { failure, .. } | Next::Later { failure, .. } => {
            failure.asks_import
        }
        Next::Finished { .. } | Next::More | Next::LookFirst(_) | Next::Verify { .. } => None,
    };
    match what {
        Some(what) => import::ask(tx, record.books, what).await,
        None => Ok(None),
    }
}

/// The guarded update, and what it brings with it.
async fn put(
    tx: &mut PgConnection,
    record: &Record,
    each: &ItemMove,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let columns = each.next.columns();
    let is_finished = matches!(each.next, Next::Finished { .. });
    let counts = columns
        .failure
        .is_some_and(|f| f.kind != FailureKind::Throttled)
        || matches!(each.next, Next::Verify { counts: true, .. });
    let row = sqlx::query!(
        r#"update item i set
             state = case when n.newer_wins then 'queued' when n.is_partial then 'partial' else $3 end,
             due_at = case when n.newer_wins then clock_timestamp() else clock_timestamp() + $4::interval end,
             owner = case when n.newer_wins then 'SYSTEM' else $5 end,
             look_first = $6 or (i.look_first and $3 = 'waiting'), reason = $7, failure = $8, waits_for = $10,
             attempts = case when $11 then 0 when $12 then i.attempts + 1 else i.attempts end,
             crash_count = case when $11 then 0 else i.crash_count end,
             done_at = case when $11 then clock_timestamp() else i.done_at end,
             fence = null, updated_at = clock_timestamp()
           from (select w.id, $9 and w.wanted_version > w.version and not exists (
               select from attempt a where a.item_id = w.id and a.outcome is null) as newer_wins,
               $3 = 'failed' and ($14 or exists (select from effect e join link l on l.effect_id = e.id
                 where e.item_id = w.id and l.state = 'ACTIVE' and l.version = w.version
                   and (w.done_at is null or l.updated_at > w.done_at))) as is_partial
             from item w where w.id = $1 for update of w) n
           where i.id = n.id and i.version = $2 and i.state in ('running', 'verifying', 'queued')
             and ($13::bigint is null or i.claims = $13)
           returning i.state, i.due_at, clock_timestamp() as "now!""#,
        each.item.uuid(),
        each.version,
        columns.state.as_str(),
        columns.after.map(interval) as _,
        columns.owner.as_str(),
        columns.looks_first,
        columns.reason,
        columns
            .failure
            .map(serde_json::to_value)
            .transpose()
            .unwrap_or(None::<Value>),
        each.next.lets_newer_win(),
        each.next.waits_for(),
        is_finished,
        counts,
        each.claim.filter(|_| record.call.is_none()),
        each.rest_is_done,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    for (effect, landed) in &each.seen {
        see(tx, each, *effect, landed).await?;
    }
    for (effect, state) in &each.states {
        // `updated_at` stays: it tells since when reads may lag behind a change of ours.
        sqlx::query!(
            "update link set state = $2 where effect_id = $1",
            effect.uuid(),
            *state
        )
        .execute(&mut *tx)
        .await?;
    }
    let is_due_now = follow(tx, record, each, &row.state).await?;
    Ok(if is_due_now {
        Some(row.now)
    } else {
        row.due_at
    })
}

/// What was read is what the link says from now on.
async fn see(
    tx: &mut PgConnection,
    each: &ItemMove,
    effect: EffectId,
    landed: &Landed,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update link set revision = $2, fingerprint = $3, state = $4, version = $5, currency = $6, tax = $7, gross = $8,
             updated_at = clock_timestamp()
           where effect_id = $1"#,
        effect.uuid(),
        landed.revision,
        landed.fingerprint,
        landed.state,
        each.version,
        landed.currency,
        landed.tax,
        landed.gross,
    )
    .execute(&mut *tx)
    .await?;
    if landed.state == "ACTIVE" {
        settle_questions(tx, each.item).await?;
    }
    Ok(())
}

/// What a move brings with it. True: something else became due.
async fn follow(
    tx: &mut PgConnection,
    record: &Record,
    each: &ItemMove,
    state: &str,
) -> Result<bool, StoreError> {
    match &each.next {
        Next::Finished { .. } => {
            dead::resolve(tx, each.item).await?;
            outbox::announce_finished(tx, record, each).await?;
            release_waiters(tx, record.books, each.kind, &each.source_id).await
        }
        Next::Park {
            waits_for: Some((kind, id)),
            ..
        } => recheck_dependency(tx, each.item, *kind, id).await,
        Next::GiveUp { failure, owner } if state == "failed" || state == "partial" => {
            dead::give_up(tx, record, each, *owner, failure).await?;
            // What others need of it may be there.
            if state == "partial" {
                return release_waiters(tx, record.books, each.kind, &each.source_id).await;
            }
            Ok(false)
        }
        Next::Park { .. }
        | Next::GiveUp { .. }
        | Next::More
        | Next::Later { .. }
        | Next::LookFirst(_)
        | Next::Verify { .. } => Ok(false),
    }
}
