//! What people decide about objects of the books: create again what was deleted, import now, map a tax code.
//! All of it is audited.

use chrono::{DateTime, Utc};
use model::{AccountId, BooksId, DocumentKind, EffectId, ImportKind, IntegrationId, SourceId};
use serde_json::Value;
use uuid::Uuid;

use crate::lease::{lock_any, wake};
use crate::reference::Stored;
use crate::{Store, StoreError, dead, import};

/// What is known of the books of an integration.
#[derive(Clone, Debug)]
pub struct Imports {
    /// Facts about the company.
    pub facts: Value,
    /// Accounts and tax codes.
    pub stored: Stored,
    /// When each import was and will be made.
    pub times: Vec<ImportTimes>,
}

/// When an import was made, and will be.
#[derive(Clone, Debug)]
pub struct ImportTimes {
    /// Which.
    pub what: String,
    /// Last success.
    pub last_at: Option<DateTime<Utc>>,
    /// Due again; never by itself when empty.
    pub due_at: Option<DateTime<Utc>>,
    /// Why the last try failed, if it did.
    pub last_error: Option<String>,
}

/// Where an integration works.
struct Place {
    account: AccountId,
    books: BooksId,
}

impl Store {
    /// A person's decision to create again what was deleted in the books: each such effect of the document gets a
    /// new generation, with a mark and key of its own, and with it the parts that hung on it. Answers the books to
    /// be looked at; none: nothing of it was deleted, or it is in hand.
    pub async fn recreate(
        &self,
        account: AccountId,
        kind: DocumentKind,
        id: &SourceId,
        actor: &str,
    ) -> Result<Vec<BooksId>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let items = sqlx::query!(
            r#"select i.id, i.books_id from lease l join item i on i.books_id = l.books_id
               where i.account_id = $1 and i.kind = $2 and i.source_id = $3
                 and i.state not in ('running', 'verifying')
                 and not exists (select from attempt a where a.item_id = i.id and a.outcome is null)
               order by l.books_id for update of l"#,
            account.0,
            kind.as_str(),
            id.as_str(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut books = Vec::new();
        for item in items {
            if !raise_generations(&mut tx, item.id).await? {
                continue;
            }
            sqlx::query!(
                r#"update item set state = 'queued', due_at = clock_timestamp(), attempts = 0, crash_count = 0,
                     look_first = false, owner = 'SYSTEM', reason = 'a person has it created again', failure = null,
                     waits_for = null, updated_at = clock_timestamp()
                   where id = $1"#,
                item.id,
            )
            .execute(&mut *tx)
            .await?;
            let place = BooksId::from_uuid(item.books_id);
            wake(&mut tx, place, None).await?;
            books.push(place);
        }
        if !books.is_empty() {
            let subject = format!("{} {id} of account {account}", kind.as_str());
            dead::act(&mut tx, actor, "recreate", &subject, None).await?;
        }
        tx.commit().await?;
        Ok(books)
    }

    /// Makes imports due at once. Answers the books to be looked at.
    pub async fn ask_imports(
        &self,
        integration: IntegrationId,
        what: &[ImportKind],
        actor: &str,
    ) -> Result<BooksId, StoreError> {
        let place = self.place(integration).await?;
        let mut tx = self.begin_for(place.account).await?;
        lock_any(&mut tx, place.books).await?;
        for each in what {
            sqlx::query!(
                r#"insert into books_import (books_id, account_id, what, due_at) values ($1, $2, $3, clock_timestamp())
                   on conflict on constraint books_import_once do update set due_at = excluded.due_at"#,
                place.books.uuid(),
                place.account.0,
                each.as_str(),
            )
            .execute(&mut *tx)
            .await?;
        }
        wake(&mut tx, place.books, None).await?;
        dead::act(&mut tx, actor, "import", &integration.to_string(), None).await?;
        tx.commit().await?;
        Ok(place.books)
    }

    /// What was imported from the books of an integration.
    pub async fn imports(&self, integration: IntegrationId) -> Result<Imports, StoreError> {
        let place = self.place(integration).await?;
        let stored = self.stored(place.account, integration).await?;
        let mut tx = self.begin_for(place.account).await?;
        let facts =
            sqlx::query_scalar!("select facts from books where id = $1", place.books.uuid())
                .fetch_one(&mut *tx)
                .await?;
        let times = sqlx::query_as!(
            ImportTimes,
            "select what, last_at, due_at, last_error from books_import where books_id = $1 order by what",
            place.books.uuid()
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Imports {
            facts,
            stored,
            times,
        })
    }

    /// Maps a tax rate of `ProjectLedger` to a tax code of the books, and to no other; without a rate, the code is
    /// mapped to none. Documents that wait for it are looked at again. False: there is no such code.
    pub async fn map_tax_code(
        &self,
        integration: IntegrationId,
        code: &str,
        rate: Option<&SourceId>,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let place = self.place(integration).await?;
        let mut tx = self.begin_for(place.account).await?;
        lock_any(&mut tx, place.books).await?;
        let rate = rate.map(SourceId::as_str);
        sqlx::query!(
            "update accounting_tax_code set local_tax_code_id = null where integration_id = $1 and local_tax_code_id = $2",
            integration.0,
            rate,
        )
        .execute(&mut *tx)
        .await?;
        let done = sqlx::query!(
            "update accounting_tax_code set local_tax_code_id = $3 where integration_id = $1 and external_id = $2",
            integration.0,
            code,
            rate,
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        import::release_askers(&mut tx, place.books, ImportKind::TaxCodes).await?;
        let subject = format!("{integration}: {} to {code}", rate.unwrap_or("none"));
        dead::act(&mut tx, actor, "map tax code", &subject, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn place(&self, integration: IntegrationId) -> Result<Place, StoreError> {
        let row = sqlx::query!(
            "select account_id, books_id from accounting_integration where id = $1",
            integration.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Place {
            account: AccountId(row.account_id),
            books: BooksId::from_uuid(row.books_id),
        })
        .ok_or_else(|| StoreError::Missing(format!("there is no integration {integration}")))
    }
}

/// A new generation of each effect whose object is gone. When the main object is, its parts are gone with it,
/// whatever their links say: they hung on it.
async fn raise_generations(tx: &mut sqlx::PgConnection, item: Uuid) -> Result<bool, StoreError> {
    let gone = sqlx::query!(
        r#"with newest as (
             select e.*, l.state as link_state from effect e left join link l on l.effect_id = e.id
             where e.item_id = $1 and not exists (select from effect n
               where n.item_id = e.item_id and n.kind = e.kind and n.part = e.part and n.generation > e.generation)
           )
           select account_id as "account_id!", books_id as "books_id!", kind as "kind!", part as "part!",
             generation as "generation!"
           from newest
           where link_state = 'GONE' or (part <> '' and link_state in ('ACTIVE', 'INACTIVE')
             and exists (select from newest m where m.part = '' and m.link_state = 'GONE'))"#,
        item,
    )
    .fetch_all(&mut *tx)
    .await?;
    for effect in &gone {
        sqlx::query!(
            r#"insert into effect (id, account_id, books_id, item_id, kind, part, generation)
               values ($1, $2, $3, $4, $5, $6, $7)"#,
            EffectId::fresh().uuid(),
            effect.account_id,
            effect.books_id,
            item,
            effect.kind,
            effect.part,
            effect.generation + 1,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(!gone.is_empty())
}
