//! What the command line needs: set up, status, explanation, tie-out.

use chrono::{DateTime, Utc};
use model::{
    AccountId, BooksId, DeadLetterId, DocumentKind, Environment, ImportKind, IntegrationId,
    SourceId, SyncFrequency, SyncSettings, TokenSetId,
};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Store, StoreError, dead};

/// A connected integration to be set up.
#[derive(Clone, Debug)]
pub struct NewIntegration<'a> {
    /// Whose.
    pub account: AccountId,
    /// With which provider.
    pub provider: &'a str,
    /// In which of its worlds.
    pub environment: Environment,
    /// The company's id there.
    pub external_id: &'a str,
    /// What is known of the company.
    pub facts: Value,
    /// Its consent.
    pub token_set: Option<TokenSetId>,
    /// What it is set to do.
    pub settings: &'a SyncSettings,
    /// How often.
    pub frequency: SyncFrequency,
    /// What the provider can import: due at once.
    pub imports: &'a [ImportKind],
    /// Who asked.
    pub actor: &'a str,
}

/// Where a document stands, for `explain`.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Provider.
    pub provider: String,
    /// Company.
    pub company: String,
    /// State.
    pub state: String,
    /// Newest version wanted.
    pub wanted_version: i64,
    /// Version in hand or last finished.
    pub version: Option<i64>,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// The code of the failure behind that, where there is one.
    pub failure_code: Option<String>,
    /// Who must act.
    pub owner: String,
    /// When it is due.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was wanted.
    pub wanted_at: DateTime<Utc>,
    /// When it was finished.
    pub done_at: Option<DateTime<Utc>>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Tries so far.
    pub attempts: i32,
    /// Why the whole books wait, if they do.
    pub books_reason: Option<String>,
    /// Until when.
    pub books_not_before: Option<DateTime<Utc>>,
    /// Named differences.
    pub findings: Vec<String>,
    /// Effects that are not in the books as wanted, in the provider's words.
    pub missing: Vec<String>,
}

/// One row of the status page.
#[derive(Clone, Debug)]
pub struct BooksStatus {
    /// Integration.
    pub integration: IntegrationId,
    /// Account.
    pub account: AccountId,
    /// Provider.
    pub provider: String,
    /// Company.
    pub company: String,
    /// Whether it may send.
    pub is_active: bool,
    /// Items by state.
    pub states: Value,
    /// Why the books wait, if they do.
    pub reason: Option<String>,
    /// Until when.
    pub not_before: Option<DateTime<Utc>>,
    /// Last success.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// Last failure.
    pub last_error: Option<String>,
}

/// Count and sum of one kind and currency, on both of our sides.
#[derive(Clone, Debug)]
pub struct TieoutRow {
    /// Kind.
    pub kind: DocumentKind,
    /// Currency; empty for kinds without money.
    pub currency: String,
    /// Standing documents as `ProjectLedger` sent them.
    pub source_count: i64,
    /// Their sum.
    pub source_sum: Decimal,
    /// Documents linked to an active object of the books.
    pub linked_count: i64,
    /// Sum of what the provider stated for them.
    pub linked_sum: Decimal,
}

impl Store {
    /// Names the installation once, before the first marker is made.
    pub async fn install(&self, name: &str) -> Result<(), StoreError> {
        sqlx::query!(
            r#"insert into installation (name, system_identifier)
               select $1, system_identifier from pg_control_system() on conflict do nothing"#,
            name
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whether this is the database the installation last ran on, and the mode it is in.
    pub async fn is_same_database(&self) -> Result<bool, StoreError> {
        let same = sqlx::query_scalar!(
            r#"select n.mode = 'NORMAL' and n.system_identifier = s.system_identifier as "same!"
               from installation n cross join pg_control_system() s"#
        )
        .fetch_optional(&self.pool)
        .await?;
        same.ok_or_else(|| {
            StoreError::Missing("this database has no installation; run: tieout migrate".to_owned())
        })
    }

    /// Sets up a connected integration with its books and lease, in one transaction.
    pub async fn add_integration(
        &self,
        new: &NewIntegration<'_>,
    ) -> Result<(IntegrationId, BooksId), StoreError> {
        let mut tx = self.begin_for(new.account).await?;
        let books = sqlx::query_scalar!(
            r#"insert into books (id, provider, environment, external_id, facts) values ($1, $2, $3, $4, $5)
               on conflict on constraint books_identity do update set facts = excluded.facts returning id"#,
            BooksId::fresh().uuid(),
            new.provider,
            new.environment.as_str(),
            new.external_id,
            new.facts,
        )
        .fetch_one(&mut *tx)
        .await?;
        let settings =
            serde_json::to_value(new.settings).map_err(|e| StoreError::Damaged(e.to_string()))?;
        let id = sqlx::query_scalar!(
            r#"insert into accounting_integration (account_id, provider, books_id, token_set_id, is_active, sync_settings,
                 sync_frequency)
               values ($1, $2, $3, $4, true, $5, $6) returning id"#,
            new.account.0,
            new.provider,
            books,
            new.token_set.map(TokenSetId::uuid),
            settings,
            new.frequency.as_str(),
        )
        .fetch_one(&mut *tx)
        .await?;
        let leased = sqlx::query!(
            r#"insert into lease (books_id, provider, account_id, integration_id) values ($1, $2, $3, $4)
               on conflict (books_id) do update set integration_id = excluded.integration_id
                 where lease.account_id = excluded.account_id"#,
            books,
            new.provider,
            new.account.0,
            id,
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if leased == 0 {
            return Err(StoreError::Missing(format!(
                "{} {} belongs to another account; a company is connected to one account",
                new.provider, new.external_id
            )));
        }
        for what in new.imports {
            sqlx::query!(
                r#"insert into books_import (books_id, account_id, what, due_at) values ($1, $2, $3, clock_timestamp())
                   on conflict on constraint books_import_once do update set due_at = excluded.due_at"#,
                books,
                new.account.0,
                what.as_str(),
            )
            .execute(&mut *tx)
            .await?;
        }
        if !new.imports.is_empty() {
            crate::lease::wake(&mut tx, BooksId::from_uuid(books), None).await?;
        }
        dead::act(&mut tx, new.actor, "integration add", &id.to_string(), None).await?;
        tx.commit().await?;
        Ok((IntegrationId(id), BooksId::from_uuid(books)))
    }

    /// Where a document stands in every books of its account.
    pub async fn standings(
        &self,
        account: AccountId,
        kind: DocumentKind,
        id: &SourceId,
    ) -> Result<Vec<Standing>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let rows = sqlx::query_as!(
            Standing,
            r#"select b.provider, b.external_id as company, i.state, i.wanted_version, i.version, i.reason, i.owner, i.due_at,
                 i.failure ->> 'code' as failure_code,
                 i.wanted_at, i.done_at, i.waits_for, i.attempts,
                 (select l.external_id from effect e join link l on l.effect_id = e.id where e.item_id = i.id
                   order by e.part <> '', e.generation desc limit 1) as external_id,
                 s.reason as books_reason, s.not_before as books_not_before,
                 coalesce((select array_agg(f.message) from finding f where f.item_id = i.id and f.closed_at is null), '{}')
                   as "findings!",
                 coalesce((select array_agg(trim(e.kind || ' ' || e.part) order by e.kind, e.part) from effect e
                   where e.item_id = i.id
                     and not exists (select from effect n where n.item_id = e.item_id and n.kind = e.kind
                       and n.part = e.part and n.generation > e.generation)
                     and coalesce((select a.outcome from attempt a where a.effect_id = e.id
                       order by a.outcome_at desc nulls first limit 1), '') not in ('DONE', 'ADOPTED')), '{}') as "missing!"
               from item i join books b on b.id = i.books_id join lease s on s.books_id = i.books_id
               where i.account_id = $1 and i.kind = $2 and i.source_id = $3"#,
            account.0,
            kind.as_str(),
            id.as_str(),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// A person's wish to have a document tried again at once, whatever it waits for; open attempts stay open, so
    /// that an unclear one is looked up first. Answers the books to be looked at.
    pub async fn try_again(
        &self,
        account: AccountId,
        kind: DocumentKind,
        id: &SourceId,
        actor: &str,
    ) -> Result<Vec<BooksId>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let locked = sqlx::query_scalar!(
            r#"select l.books_id from lease l join item i on i.books_id = l.books_id
               where i.account_id = $1 and i.kind = $2 and i.source_id = $3 order by l.books_id for update of l"#,
            account.0,
            kind.as_str(),
            id.as_str(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let books: Vec<BooksId> = locked.into_iter().map(BooksId::from_uuid).collect();
        sqlx::query!(
            r#"update item set state = 'queued', due_at = clock_timestamp(), attempts = 0, crash_count = 0,
                 look_first = true, owner = 'SYSTEM', reason = 'a person asked', waits_for = null,
                 updated_at = clock_timestamp()
               where account_id = $1 and kind = $2 and source_id = $3 and state not in ('running', 'verifying')"#,
            account.0,
            kind.as_str(),
            id.as_str(),
        )
        .execute(&mut *tx)
        .await?;
        for each in &books {
            crate::lease::wake(&mut tx, *each, None).await?;
        }
        dead::act(
            &mut tx,
            actor,
            "try again",
            &format!("{} {id}", kind.as_str()),
            None,
        )
        .await?;
        tx.commit().await?;
        Ok(books)
    }

    /// A dead message was submitted again: closes its row, unless it has been refused again since `times` was
    /// read; then it stays open and the answer is false.
    pub async fn close_resubmitted(
        &self,
        id: DeadLetterId,
        account: Option<AccountId>,
        times: i32,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_for(account.unwrap_or(AccountId(0))).await?;
        let done = sqlx::query!(
            r#"update dead_letter set state = 'RESOLVED', closed_at = clock_timestamp(), closed_by = $3
               where id = $1 and times = $2 and state in ('OPEN', 'REPLAYED')"#,
            id.uuid(),
            times,
            actor,
        )
        .execute(&mut *tx)
        .await?;
        dead::act(&mut tx, actor, "resubmit", &id.to_string(), None).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Every integration with its items by state.
    pub async fn status(&self) -> Result<Vec<BooksStatus>, StoreError> {
        let rows = sqlx::query!(
            r#"select a.id, a.account_id, a.provider, b.external_id, (a.is_active and a.deleted_at is null) as "is_active!",
                 coalesce((select jsonb_object_agg(c.state, c.n) from
                   (select state, count(*) as n from item where books_id = a.books_id group by state) c), '{}') as "states!",
                 l.reason, l.not_before, a.last_sync_at, a.last_error
               from accounting_integration a join books b on b.id = a.books_id
               left join lease l on l.books_id = a.books_id
               order by a.account_id, a.id"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| BooksStatus {
                integration: IntegrationId(r.id),
                account: AccountId(r.account_id),
                provider: r.provider,
                company: r.external_id,
                is_active: r.is_active,
                states: r.states,
                reason: r.reason,
                not_before: r.not_before,
                last_sync_at: r.last_sync_at,
                last_error: r.last_error,
            })
            .collect())
    }

    /// Source and linked counts and sums of one account, per kind and currency.
    pub async fn tieout(&self, account: AccountId) -> Result<Vec<TieoutRow>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let rows = sqlx::query!(
            r#"with newest as (
                 select distinct on (kind, source_id) kind, source_id, lifecycle, coalesce(currency, '') as currency, total
                 from document where account_id = $1 order by kind, source_id, version desc
               ), source as (
                 select kind, currency, count(*) as n, coalesce(sum(total), 0) as total
                 from newest where lifecycle = 'LIVE' group by kind, currency
               ), linked as (
                 select i.kind, case when n.total is null then '' else coalesce(l.currency, n.currency) end as currency,
                   count(distinct i.id) as n, coalesce(sum(case when n.total is null then null else l.gross end), 0) as total
                 from item i join effect e on e.item_id = i.id join link l on l.effect_id = e.id
                 join newest n on n.kind = i.kind and n.source_id = i.source_id
                 where i.account_id = $1 and l.state = 'ACTIVE' group by 1, 2
               )
               select coalesce(s.kind, k.kind) as "kind!", coalesce(s.currency, k.currency) as "currency!",
                 coalesce(s.n, 0) as "source_count!", coalesce(s.total, 0) as "source_sum!",
                 coalesce(k.n, 0) as "linked_count!", coalesce(k.total, 0) as "linked_sum!"
               from source s full join linked k on k.kind = s.kind and k.currency = s.currency
               order by 1, 2"#,
            account.0
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|r| {
                Ok(TieoutRow {
                    kind: crate::claim::kind_of(&r.kind)?,
                    currency: r.currency,
                    source_count: r.source_count,
                    source_sum: r.source_sum,
                    linked_count: r.linked_count,
                    linked_sum: r.linked_sum,
                })
            })
            .collect()
    }
}
