//! Documents that wait for others: released by the arrival, ahead in the queue when live, and never waiting for
//! what will not come without a person seeing it.

use std::time::Duration;

use model::{BooksId, DocumentKind, Failure, FailureKind, ItemId, Owner, SourceId};
use sqlx::PgConnection;

use crate::StoreError;
use crate::lease::interval;

/// `ProjectLedger` sends what belongs together within minutes; what has not come for this long is asked about.
const OVERDUE: Duration = Duration::from_hours(24);

/// Documents that waited for this one are ready.
pub(crate) async fn release_waiters(
    tx: &mut PgConnection,
    books: BooksId,
    kind: DocumentKind,
    id: &SourceId,
) -> Result<bool, StoreError> {
    let released = sqlx::query!(
        r#"update item set state = 'queued', due_at = clock_timestamp(), waits_for = null, reason = null, failure = null,
             owner = 'SYSTEM', updated_at = clock_timestamp()
           where books_id = $1 and waits_for = $2 and state = 'parked'"#,
        books.uuid(),
        format!("{}/{id}", kind.as_str()),
    )
    .execute(tx)
    .await?
    .rows_affected();
    Ok(released > 0)
}

/// Under the lease's lock: the arrival may have been recorded since the plan was made. Else a live item lends
/// its priority to all that it waits for, and a person is told of what will not come. True: it is ready.
pub(crate) async fn recheck_dependency(
    tx: &mut PgConnection,
    item: ItemId,
    kind: DocumentKind,
    id: &SourceId,
) -> Result<bool, StoreError> {
    let arrived = sqlx::query!(
        r#"update item w set state = 'queued', due_at = clock_timestamp(), waits_for = null, reason = null,
             failure = null, owner = 'SYSTEM'
           where w.id = $1 and w.state = 'parked' and exists (
             select from item i join effect e on e.item_id = i.id join link l on l.effect_id = e.id
             where i.books_id = w.books_id and i.kind = $2 and i.source_id = $3 and e.part = '' and l.state = 'ACTIVE'
               and not exists (select from effect n where n.item_id = e.item_id and n.kind = e.kind and n.part = e.part
                 and n.generation > e.generation))"#,
        item.uuid(),
        kind.as_str(),
        id.as_str(),
    )
    .execute(&mut *tx)
    .await?
    .rows_affected()
        > 0;
    lend_priority(tx, item).await?;
    if !arrived {
        name_what_will_not_come(tx, item, kind, id).await?;
    }
    Ok(arrived)
}

/// A payment that waits for its invoice, which waits for its client: both go ahead. What only waits for its slot or
/// for a person's wish goes now.
async fn lend_priority(tx: &mut PgConnection, item: ItemId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"with recursive ahead as (
             select id, books_id, waits_for from item where id = $1
             union
             select i.id, i.books_id, i.waits_for
             from ahead a join item i on i.books_id = a.books_id and i.kind = split_part(a.waits_for, '/', 1)
               and i.source_id = split_part(a.waits_for, '/', 2)
           )
           update item i set lane = least(i.lane, w.lane),
             state = case when i.reason in ('waits for its slot', 'is sent only when a person asks') then 'queued'
               else i.state end,
             due_at = case when i.reason in ('waits for its slot', 'is sent only when a person asks')
               then clock_timestamp() else i.due_at end
           from ahead a, item w
           where i.id = a.id and w.id = $1 and i.id <> w.id and i.state in ('queued', 'waiting', 'parked')"#,
        item.uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// It waits on, since a newer version or a person may still bring it; but somebody is told and knows why.
async fn name_what_will_not_come(
    tx: &mut PgConnection,
    item: ItemId,
    kind: DocumentKind,
    id: &SourceId,
) -> Result<(), StoreError> {
    let row = sqlx::query!(
        r#"select i.state as "state?", i.reason as "reason?",
             exists (select from document d
               where d.account_id = w.account_id and d.kind = $2 and d.source_id = $3) as "is_known!",
             w.wanted_at < clock_timestamp() - $4::interval as "is_overdue!"
           from item w left join item i on i.books_id = w.books_id and i.kind = $2 and i.source_id = $3
           where w.id = $1"#,
        item.uuid(),
        kind.as_str(),
        id.as_str(),
        interval(OVERDUE) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    let what = format!("{} {id}", spoken(kind));
    let failure = match row.state.as_deref() {
        Some("skipped") => excluded(&format!(
            "This document needs {what}, which is not sent to these books: {}. Exclude this document too, or have \
             the other one sent.",
            row.reason.as_deref().unwrap_or("no reason is given")
        )),
        None if row.is_known => excluded(&format!(
            "This document needs {what}, which came before these books wanted such documents. Have it sent again \
             from ProjectLedger, or exclude this document.",
        )),
        None if row.is_overdue => Failure::new(
            FailureKind::DependencyMissing,
            "DEPENDENCY_NOT_SENT",
            format!(
                "This document needs {what}, which ProjectLedger has not sent for a day. It goes on by itself as soon \
                 as that comes."
            ),
        )
        .owned_by(Owner::Operator),
        // It is on its way, or given up with a dead letter of its own.
        Some(_) | None => return Ok(()),
    };
    tell(tx, item, &failure).await
}

/// The kind in plain words.
pub(crate) fn spoken(kind: DocumentKind) -> String {
    kind.as_str().to_lowercase().replace('_', " ")
}

fn excluded(message: &str) -> Failure {
    Failure::new(
        FailureKind::DependencyMissing,
        "DEPENDENCY_EXCLUDED",
        message,
    )
    .owned_by(Owner::Bookkeeper)
}

async fn tell(tx: &mut PgConnection, item: ItemId, failure: &Failure) -> Result<(), StoreError> {
    let stored =
        serde_json::to_value(failure).map_err(|e| StoreError::Damaged(format!("failure: {e}")))?;
    sqlx::query!(
        "update item set owner = $2, reason = $3, failure = $4 where id = $1 and state = 'parked'",
        item.uuid(),
        failure.owner.as_str(),
        failure.message,
        stored,
    )
    .execute(tx)
    .await?;
    Ok(())
}
