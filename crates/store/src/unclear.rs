//! Outcomes that stay unknown: named after a day, and settled as soon as they are known.
//!
//! The item goes on being looked up and nothing of it is sent, which is the rule. What changes is that a person
//! sees it: a finding says what is not known, a dead letter that the fleet cannot find it out by itself.

use std::time::Duration;

use model::{DeadLetterId, FailureKind, Owner};
use serde_json::json;
use sqlx::PgConnection;

use crate::finding::{Finding, raise};
use crate::lease::interval;
use crate::record::{Element, Record};
use crate::{StoreError, outbox};

/// Look-ups settle an outcome within minutes; what they have not settled for this long they will not settle alone.
const LIMIT: Duration = Duration::from_hours(24);

/// Code of the finding.
const CODE: &str = "OUTCOME_UNCLEAR";

const MESSAGE: &str = "What became of a call has not been found out for a day. Nothing is sent again before it is \
                       known. Look for the document in the books, and at why look-ups fail.";

fn cause() -> String {
    format!("{}/{CODE}", FailureKind::OutcomeUnknown.as_str())
}

/// Names an outcome that look-ups have not found out for [`LIMIT`]: the item goes on being looked up and
/// nothing is sent, but a person sees it. A row that is open already says so.
pub(crate) async fn name(
    tx: &mut PgConnection,
    record: &Record,
    element: &Element,
) -> Result<(), StoreError> {
    let item = element.item.item;
    let is_old = sqlx::query_scalar!(
        r#"select exists (select from attempt a join call c on c.id = a.call_id
             where a.id = $1 and c.opened_at < clock_timestamp() - $2::interval) as "is_old!""#,
        element.attempt.uuid(),
        interval(LIMIT) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    if !is_old {
        return Ok(());
    }
    let found = Finding {
        code: CODE,
        message: MESSAGE.to_owned(),
        detail: json!({ "call": record.call }),
    };
    raise(
        tx,
        record.account,
        record.books,
        item,
        element.effect,
        &found,
    )
    .await?;
    let id = sqlx::query_scalar!(
        r#"insert into dead_letter (id, account_id, subject, source, provider, item_id, version, cause, message, owner,
             fingerprint)
           values ($1, $2, $3, 'WORK', $4, $5, $6, $7, $8, 'OPERATOR', $7)
           on conflict (subject) where state in ('OPEN', 'REPLAYED') do update set
             times = dead_letter.times + 1, state = 'OPEN', version = excluded.version, cause = excluded.cause,
             message = excluded.message, owner = excluded.owner, fingerprint = excluded.fingerprint,
             last_at = clock_timestamp()
             where dead_letter.state = 'REPLAYED'
           returning id"#,
        DeadLetterId::fresh().uuid(),
        record.account.0,
        item.to_string(),
        record.provider,
        item.uuid(),
        element.item.version,
        cause(),
        MESSAGE,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = id else { return Ok(()) };
    let body = json!({
        "deadLetter": DeadLetterId::from_uuid(id), "item": item, "cause": cause(),
        "owner": Owner::Operator.as_str(),
    });
    let trace = element.item.trace.as_deref();
    outbox::put(tx, "tieout.dead", "work", &body, trace).await
}

/// The outcome is known now, whatever it is.
pub(crate) async fn settle(tx: &mut PgConnection, element: &Element) -> Result<(), StoreError> {
    sqlx::query!(
        r#"with settled as (
             update finding set closed_at = clock_timestamp()
             where item_id = $1 and effect_id = $2 and code = $3 and closed_at is null
             returning item_id
           )
           update dead_letter d set state = 'RESOLVED', closed_at = clock_timestamp(), closed_by = 'its outcome is known'
           from settled s
           where d.item_id = s.item_id and d.cause = $4 and d.state in ('OPEN', 'REPLAYED')"#,
        element.item.item.uuid(),
        element.effect.uuid(),
        CODE,
        cause(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
