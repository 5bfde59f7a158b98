//! Findings: named differences between `ProjectLedger` and the books, and the successes that came too late.

use model::{AccountId, BooksId, EffectId, ItemId};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::StoreError;
use crate::lease::wake;
use crate::record::{Element, Landed, Record, landed_json};

/// A named difference.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its name.
    pub code: &'static str,
    /// In plain words.
    pub message: String,
    /// Both sides.
    pub detail: Value,
}

/// Two objects of one effect.
pub(crate) fn duplicate(first: &str, second: &str) -> Finding {
    Finding {
        code: "DUPLICATE_IN_BOOKS",
        message: format!(
            "The books hold this document twice, as {first} and as {second}. Delete one of them in the books."
        ),
        detail: json!({ "externalIds": [first, second] }),
    }
}

/// Names a difference once while it is open.
pub(crate) async fn raise(
    tx: &mut PgConnection,
    account: AccountId,
    books: BooksId,
    item: ItemId,
    effect: EffectId,
    found: &Finding,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"insert into finding (account_id, books_id, item_id, effect_id, code, message, detail)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (item_id, code) where closed_at is null
           do update set message = excluded.message, detail = excluded.detail"#,
        account.0,
        books.uuid(),
        item.uuid(),
        effect.uuid(),
        found.code,
        found.message,
        found.detail,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What an earlier version or look-up differed in is settled by this success.
pub(crate) async fn settle_findings(
    tx: &mut PgConnection,
    element: &Element,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update finding set closed_at = clock_timestamp()
           where item_id = $1 and effect_id = $2 and closed_at is null
             and code in ('TOTAL_DIFFERS', 'PREDICTION_MISSED', 'DUPLICATE_IN_BOOKS')"#,
        element.item.item.uuid(),
        element.effect.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    settle_questions(tx, element.item.item).await
}

/// The object of this item is usable again, perhaps as a new one: the question about it is answered.
pub(crate) async fn settle_questions(
    tx: &mut PgConnection,
    item: ItemId,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"update finding set closed_at = clock_timestamp()
           where item_id = $1 and closed_at is null and code in ('REFERENCE_INACTIVE', 'REFERENCE_GONE')"#,
        item.uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A success that came late for an earlier attempt, while this one was under way: a second object.
pub(crate) async fn name_late_twins(
    tx: &mut PgConnection,
    record: &Record,
    element: &Element,
    landed: &Landed,
) -> Result<(), StoreError> {
    let late = sqlx::query!(
        r#"update late_reply set read_at = clock_timestamp() where effect_id = $1 and read_at is null
           returning landed"#,
        element.effect.uuid()
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in late {
        let other = row.landed["externalId"].as_str().unwrap_or_default();
        if other != landed.external_id {
            let found = duplicate(&landed.external_id, other);
            raise(
                tx,
                record.account,
                record.books,
                element.item.item,
                element.effect,
                &found,
            )
            .await?;
        }
    }
    Ok(())
}

/// A success after its attempt was closed: kept, and named at once when it is a second object.
pub(crate) async fn keep_late(
    tx: &mut PgConnection,
    record: &Record,
    element: &Element,
    landed: &Landed,
) -> Result<(), StoreError> {
    let outcome = sqlx::query!(
        r#"select a.outcome, l.external_id as "external_id?" from attempt a
           left join link l on l.effect_id = a.effect_id where a.id = $1"#,
        element.attempt.uuid()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(known) = outcome else { return Ok(()) };
    // The same object, already adopted: nothing new.
    if known.external_id.as_deref() == Some(landed.external_id.as_str()) {
        return Ok(());
    }
    sqlx::query!(
        "insert into late_reply (account_id, books_id, attempt_id, effect_id, landed) values ($1, $2, $3, $4, $5)",
        record.account.0,
        record.books.uuid(),
        element.attempt.uuid(),
        element.effect.uuid(),
        landed_json(landed),
    )
    .execute(&mut *tx)
    .await?;
    // Whoever plans this item next reads it, also when the item had been given up.
    sqlx::query!(
        r#"update item set state = 'queued', due_at = clock_timestamp(), updated_at = clock_timestamp()
           where id = $1 and state not in ('running', 'verifying')"#,
        element.item.item.uuid()
    )
    .execute(&mut *tx)
    .await?;
    wake(tx, record.books, None).await?;
    if let Some(other) = known.external_id {
        let found = duplicate(&other, &landed.external_id);
        raise(
            tx,
            record.account,
            record.books,
            element.item.item,
            element.effect,
            &found,
        )
        .await?;
    }
    Ok(())
}
