//! The outbox: what must be published is written with its cause; anyone publishes it, at least once.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::record::{ItemMove, Record};
use crate::{Store, StoreError};

/// A message waiting to be published; its id is the message's id.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its id.
    pub id: Uuid,
    /// To which exchange.
    pub exchange: String,
    /// With which routing key.
    pub routing_key: String,
    /// What it says.
    pub body: Value,
    /// The trace it belongs to.
    pub trace: Option<String>,
    /// Since when it waits.
    pub created_at: DateTime<Utc>,
}

/// Puts a message into the outbox, in the transaction of its cause.
pub(crate) async fn put(
    tx: &mut PgConnection,
    exchange: &str,
    routing_key: &str,
    body: &Value,
    trace: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into outbox (id, exchange, routing_key, body, trace) values ($1, $2, $3, $4, $5)",
        model::CallId::fresh().uuid(),
        exchange,
        routing_key,
        body,
        trace,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells the world that an item is finished.
pub(crate) async fn announce_finished(
    tx: &mut PgConnection,
    record: &Record,
    each: &ItemMove,
) -> Result<(), StoreError> {
    let body = json!({
        "type": "tieout.document.synced", "accountId": record.account, "integrationId": record.integration,
        "provider": record.provider, "kind": each.kind, "documentId": each.source_id, "version": each.version,
        "item": each.item,
        "status": match &each.next {
            crate::record::Next::Finished { state, .. } => state.sync_status(),
            _ => "PENDING",
        },
    });
    put(
        tx,
        "tieout.events",
        "document.synced",
        &body,
        each.trace.as_deref(),
    )
    .await
}

impl Store {
    /// The oldest messages not yet published. Several publishers may take the same: consumers know the id.
    pub async fn unpublished(&self, limit: i64) -> Result<Vec<Outgoing>, StoreError> {
        let rows = sqlx::query_as!(
            Outgoing,
            r#"select id, exchange, routing_key, body, trace, created_at from outbox
               where published_at is null order by created_at, id limit $1"#,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Marks messages as published; call only after their confirms.
    pub async fn mark_published(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        sqlx::query!(
            "update outbox set published_at = clock_timestamp() where id = any($1) and published_at is null",
            ids
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes what was published before `keep`.
    pub async fn prune_outbox(&self, keep: std::time::Duration) -> Result<u64, StoreError> {
        let gone = sqlx::query!(
            "delete from outbox where published_at < clock_timestamp() - $1::interval",
            crate::lease::interval(keep) as _
        )
        .execute(&self.pool)
        .await?;
        Ok(gone.rows_affected())
    }
}
