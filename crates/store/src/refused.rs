//! Refusals that name another object: its link is marked, one question is asked about it, and all documents that
//! need it wait for the answer.
//!
//! Without this, one customer that somebody archived would give thousands of dead letters. The question stands at
//! the item that the object belongs to; when its link is active again, or it was created again on purpose, the
//! waiters go.

use std::time::Duration;

use model::{
    DocumentKind, EffectId, Failure, FailureKind, ItemId, Owner, Reference, ReferenceState,
    SourceId,
};
use serde_json::json;
use sqlx::PgConnection;

use crate::StoreError;
use crate::claim::{kind_of, source_of};
use crate::finding::{Finding, raise};
use crate::lease::{interval, wake};
use crate::moving::{ItemMove, Next};
use crate::record::Record;
use crate::waiting::spoken;

/// What is asked about is looked at again after this long: somebody may have put it right in the books.
const RECHECK: Duration = Duration::from_hours(6);

/// The document that an object of the books belongs to.
struct Owning {
    effect: EffectId,
    item: ItemId,
    kind: DocumentKind,
    id: SourceId,
}

/// Where a refused document goes when the refusal names another object; none when it names none, or its own.
pub(crate) async fn instead(
    tx: &mut PgConnection,
    record: &Record,
    each: &ItemMove,
) -> Result<Option<Next>, StoreError> {
    let (Next::Park { failure, owner, .. } | Next::GiveUp { failure, owner }) = &each.next else {
        return Ok(None);
    };
    let Some(reference) = failure.reference.as_deref() else {
        return Ok(None);
    };
    let Some(owning) = owning(tx, record, reference).await? else {
        // It comes from a setting, such as the default item: nobody's document, so each waits by itself.
        return Ok(Some(Next::Park {
            owner: *owner,
            failure: failure.clone(),
            waits_for: None,
        }));
    };
    if owning.item == each.item {
        return Ok(None);
    }
    ask(tx, record, reference, &owning).await?;
    let waits = Failure::new(
        FailureKind::DependencyMissing,
        "WAITS_FOR_REFERENCE",
        format!(
            "waits for {} {}, which these books do not take documents for at present",
            spoken(owning.kind),
            owning.id
        ),
    );
    Ok(Some(Next::Park {
        owner: waits.owner,
        failure: waits,
        waits_for: Some((owning.kind, owning.id)),
    }))
}

async fn owning(
    tx: &mut PgConnection,
    record: &Record,
    reference: &Reference,
) -> Result<Option<Owning>, StoreError> {
    let row = sqlx::query!(
        r#"select l.effect_id, i.id, i.kind, i.source_id
           from link l join effect e on e.id = l.effect_id join item i on i.id = e.item_id
           where l.books_id = $1 and l.effect_kind = $2 and l.external_id = $3"#,
        record.books.uuid(),
        reference.effect_kind,
        reference.external_id,
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        Ok(Owning {
            effect: EffectId::from_uuid(row.effect_id),
            item: ItemId::from_uuid(row.id),
            kind: kind_of(&row.kind)?,
            id: source_of(&row.source_id)?,
        })
    })
    .transpose()
}

/// Marks the link and asks once: the finding is one while it is open, and an item that is in hand or parked already
/// is left where it is.
async fn ask(
    tx: &mut PgConnection,
    record: &Record,
    reference: &Reference,
    owning: &Owning,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update link set state = $2 where effect_id = $1 and state in ('ACTIVE', 'INACTIVE')",
        owning.effect.uuid(),
        reference.state.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let question = question(reference, owning);
    let parked = sqlx::query!(
        r#"update item set state = 'parked', owner = $2, look_first = true, reason = $3, failure = $4,
             due_at = clock_timestamp() + $5::interval, updated_at = clock_timestamp()
           where id = $1 and state in ('done', 'partial', 'skipped')
           returning due_at"#,
        owning.item.uuid(),
        question.owner.as_str(),
        question.message,
        serde_json::to_value(&question).map_err(|e| StoreError::Damaged(format!("failure: {e}")))?,
        interval(RECHECK) as _,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(parked) = parked else { return Ok(()) };
    let found = Finding {
        code: code(reference.state),
        message: question.message,
        detail: json!({ "effectKind": reference.effect_kind, "externalId": reference.external_id }),
    };
    raise(
        tx,
        record.account,
        record.books,
        owning.item,
        owning.effect,
        &found,
    )
    .await?;
    wake(tx, record.books, parked.due_at).await
}

const fn code(state: ReferenceState) -> &'static str {
    match state {
        ReferenceState::Inactive => "REFERENCE_INACTIVE",
        ReferenceState::Gone => "REFERENCE_GONE",
    }
}

fn question(reference: &Reference, owning: &Owning) -> Failure {
    let object = &reference.external_id;
    let (became, answer) = match reference.state {
        ReferenceState::Inactive => (
            "is inactive",
            "Make it active there and have it tried again, or move its documents to another one.",
        ),
        ReferenceState::Gone => (
            "was deleted or merged",
            "Have Tieout create it again, or move its documents to another one.",
        ),
    };
    Failure::new(
        FailureKind::Conflict,
        code(reference.state),
        format!(
            "The object {object} of this {} {became} in the books, and documents that need it wait. {answer}",
            spoken(owning.kind)
        ),
    )
    .owned_by(Owner::Bookkeeper)
}
