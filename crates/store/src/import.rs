//! Imports from the books: when each is due, what it brought, and who asked for it.
//!
//! An import is begun before it is made: it is then due again only later, so that one that stops its worker holds
//! no documents up. Every writer here locks the lease first, as writers of items do.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use model::reference::{AccountRef, TaxCodeRef};
use model::{BooksId, ImportKind};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;

use crate::lease::{Held, interval, lock_as_holder, wake};
use crate::{Store, StoreError};

/// An import that a refusal asks for is made at once, but no sooner than this after the last try: every document of
/// a day may ask.
const ASKED_AGAIN: Duration = Duration::from_mins(5);

/// An import that was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// Which.
    pub what: ImportKind,
    /// Failures since the last success.
    pub failures: u32,
}

/// What an import brought; a list that is there replaces what was known.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Brought {
    /// Facts about the company, as the books' row keeps them.
    pub facts: Option<Value>,
    /// The chart of accounts.
    pub accounts: Option<Vec<AccountRef>>,
    /// Tax codes.
    pub tax_codes: Option<Vec<TaxCodeRef>>,
}

impl Store {
    /// Begins the first import that is due; it is due again in `again`, however this try ends. None: nothing is
    /// due, the integration is switched off, or the lease is lost.
    pub async fn begin_import(
        &self,
        held: &Held,
        again: Duration,
    ) -> Result<Option<Begun>, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        if lock_as_holder(&mut tx, held).await?.is_none() {
            return Ok(None);
        }
        // The company first: accounts and tax codes may be read with its facts.
        let row = sqlx::query!(
            r#"update books_import b set due_at = clock_timestamp() + $3::interval, tried_at = clock_timestamp()
               from (select i.what from books_import i
                     join accounting_integration a on a.id = $2 and a.is_active and a.deleted_at is null
                     where i.books_id = $1 and i.due_at <= clock_timestamp()
                     order by i.what <> 'COMPANY', i.what limit 1) n
               where b.books_id = $1 and b.what = n.what
               returning b.what, b.failures"#,
            held.books.uuid(),
            held.integration.0,
            interval(again) as _,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let what = ImportKind::from_stored(&row.what)
            .ok_or_else(|| StoreError::Damaged(format!("import {}", row.what)))?;
        Ok(Some(Begun {
            what,
            failures: u32::try_from(row.failures).unwrap_or(0),
        }))
    }

    /// Stores what an import brought; it is due again in `again`, or never by itself. Documents that wait for a
    /// person because of what was known before are looked at again when anything changed. False: the lease is lost
    /// and nothing was stored.
    pub async fn finish_import(
        &self,
        held: &Held,
        what: ImportKind,
        brought: &Brought,
        again: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        if lock_as_holder(&mut tx, held).await?.is_none() {
            return Ok(false);
        }
        let mut changed = 0;
        if let Some(facts) = &brought.facts {
            changed += store_facts(&mut tx, held, facts).await?;
        }
        if let Some(accounts) = &brought.accounts {
            changed += store_accounts(&mut tx, held, accounts).await?;
        }
        if let Some(codes) = &brought.tax_codes {
            changed += store_tax_codes(&mut tx, held, codes).await?;
        }
        sqlx::query!(
            r#"update books_import set last_at = clock_timestamp(), failures = 0, last_error = null,
                 due_at = clock_timestamp() + $3::interval
               where books_id = $1 and what = $2"#,
            held.books.uuid(),
            what.as_str(),
            again.map(interval) as _,
        )
        .execute(&mut *tx)
        .await?;
        if changed > 0 {
            release_askers(&mut tx, held.books, what).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Notes that an import did not come about; it is due again in `after`.
    pub async fn fail_import(
        &self,
        held: &Held,
        what: ImportKind,
        why: &str,
        after: Duration,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(held.account).await?;
        if lock_as_holder(&mut tx, held).await?.is_some() {
            sqlx::query!(
                r#"update books_import set failures = failures + 1, last_error = $3,
                     due_at = clock_timestamp() + $4::interval
                   where books_id = $1 and what = $2"#,
                held.books.uuid(),
                what.as_str(),
                why.replace('\0', ""),
                interval(after) as _,
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// In the transaction that records a refusal which suggests it: the import is due at once, or as soon as may be.
/// Answers when; none where these books import nothing of that sort.
pub(crate) async fn ask(
    tx: &mut PgConnection,
    books: BooksId,
    what: ImportKind,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let due = sqlx::query_scalar!(
        r#"update books_import set
             due_at = least(due_at, greatest(clock_timestamp(), coalesce(tried_at + $3::interval, '-infinity')))
           where books_id = $1 and what = $2 and due_at is not null
           returning due_at"#,
        books.uuid(),
        what.as_str(),
        interval(ASKED_AGAIN) as _,
    )
    .fetch_optional(tx)
    .await?;
    Ok(due.flatten())
}

/// Documents that were parked because of what was known before are ready. Under the lease's lock.
pub(crate) async fn release_askers(
    tx: &mut PgConnection,
    books: BooksId,
    what: ImportKind,
) -> Result<(), StoreError> {
    let released = sqlx::query!(
        r#"update item set state = 'queued', due_at = clock_timestamp(), reason = null, failure = null, waits_for = null,
             owner = 'SYSTEM', updated_at = clock_timestamp()
           where books_id = $1 and state = 'parked' and failure ->> 'asksImport' = $2"#,
        books.uuid(),
        what.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    if released.rows_affected() > 0 {
        wake(tx, books, None).await?;
    }
    Ok(())
}

/// What the import does not say stays as it was. Answers how many rows changed, as its neighbours do.
async fn store_facts(tx: &mut PgConnection, held: &Held, facts: &Value) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"update books b set facts = n.facts
           from (select id, facts || jsonb_strip_nulls($2::jsonb - 'extra') || jsonb_build_object('extra',
               case when jsonb_typeof(facts -> 'extra') = 'object' then facts -> 'extra' else '{}' end
               || case when jsonb_typeof($2::jsonb -> 'extra') = 'object' then $2::jsonb -> 'extra' else '{}' end) as facts
             from books where id = $1) n
           where b.id = n.id and b.facts is distinct from n.facts"#,
        held.books.uuid(),
        facts,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn store_accounts(
    tx: &mut PgConnection,
    held: &Held,
    accounts: &[AccountRef],
) -> Result<u64, StoreError> {
    // One row for each id, whatever the pages repeat.
    let rows: BTreeMap<&str, &AccountRef> = accounts
        .iter()
        .map(|account| (account.external_id.as_str(), account))
        .collect();
    let ids: Vec<String> = rows.keys().map(|id| (*id).to_owned()).collect();
    let names: Vec<String> = rows.values().map(|a| plain(&a.name)).collect();
    let types: Vec<String> = rows.values().map(|a| plain(&a.account_type)).collect();
    let numbers: Vec<Option<String>> = rows
        .values()
        .map(|a| a.number.as_deref().map(plain))
        .collect();
    let active: Vec<bool> = rows.values().map(|a| a.is_active).collect();
    let posting: Vec<bool> = rows.values().map(|a| a.can_post).collect();
    let changed = sqlx::query!(
        r#"insert into accounting_account as a (account_id, integration_id, external_id, name, account_type, account_number,
             is_active, can_post)
           select $1, $2, n.* from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[]) n
           on conflict on constraint accounting_account_once do update set name = excluded.name,
             account_type = excluded.account_type, account_number = excluded.account_number,
             is_active = excluded.is_active, can_post = excluded.can_post
           where (a.name, a.account_type, a.account_number, a.is_active, a.can_post) is distinct from
             (excluded.name, excluded.account_type, excluded.account_number, excluded.is_active, excluded.can_post)"#,
        held.account.0,
        held.integration.0,
        &ids,
        &names,
        &types,
        &numbers as &[Option<String>],
        &active,
        &posting,
    )
    .execute(&mut *tx)
    .await?;
    let vanished = sqlx::query!(
        r#"update accounting_account set is_active = false
           where integration_id = $1 and is_active and external_id <> all($2)"#,
        held.integration.0,
        &ids,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update accounting_account set last_sync_at = clock_timestamp() where integration_id = $1",
        held.integration.0
    )
    .execute(tx)
    .await?;
    Ok(changed.rows_affected() + vanished.rows_affected())
}

async fn store_tax_codes(
    tx: &mut PgConnection,
    held: &Held,
    codes: &[TaxCodeRef],
) -> Result<u64, StoreError> {
    let rows: BTreeMap<&str, &TaxCodeRef> = codes
        .iter()
        .map(|code| (code.external_id.as_str(), code))
        .collect();
    let ids: Vec<String> = rows.keys().map(|id| (*id).to_owned()).collect();
    let names: Vec<String> = rows.values().map(|c| plain(&c.name)).collect();
    let rates: Vec<Option<Decimal>> = rows
        .values()
        .map(|c| c.percent.map(model::money::Rate::get))
        .collect();
    let components: Vec<Value> = rows
        .values()
        .map(|c| serde_json::to_value(&c.rates).map_err(|e| StoreError::Damaged(e.to_string())))
        .collect::<Result<_, _>>()?;
    let active: Vec<bool> = rows.values().map(|c| c.is_active).collect();
    let on_sales: Vec<bool> = rows.values().map(|c| c.is_sales_tax).collect();
    let changed = sqlx::query!(
        r#"insert into accounting_tax_code as a (account_id, integration_id, external_id, name, rate, components, is_active,
             is_sales_tax)
           select $1, $2, n.* from unnest($3::text[], $4::text[], $5::numeric[], $6::jsonb[], $7::bool[], $8::bool[]) n
           on conflict on constraint accounting_tax_code_once do update set name = excluded.name, rate = excluded.rate,
             components = excluded.components, is_active = excluded.is_active, is_sales_tax = excluded.is_sales_tax
           where (a.name, a.rate, a.components, a.is_active, a.is_sales_tax) is distinct from
             (excluded.name, excluded.rate, excluded.components, excluded.is_active, excluded.is_sales_tax)"#,
        held.account.0,
        held.integration.0,
        &ids,
        &names,
        &rates as &[Option<Decimal>],
        &components,
        &active,
        &on_sales,
    )
    .execute(&mut *tx)
    .await?;
    let vanished = sqlx::query!(
        r#"update accounting_tax_code set is_active = false
           where integration_id = $1 and is_active and external_id <> all($2)"#,
        held.integration.0,
        &ids,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update accounting_tax_code set last_sync_at = clock_timestamp() where integration_id = $1",
        held.integration.0
    )
    .execute(tx)
    .await?;
    Ok(changed.rows_affected() + vanished.rows_affected())
}

/// Text as the database takes it.
fn plain(text: &str) -> String {
    text.replace('\0', "")
}
