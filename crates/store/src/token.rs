//! Token sets: one consent each, refreshed by one process at a time, stored before use.

use std::time::Duration;

use chrono::{DateTime, Utc};
use model::{AccountId, RunId, TokenSetId};

use crate::lease::interval;
use crate::seal::{Place, Sealer};
use crate::{Store, StoreError};

/// The usable part of a consent.
#[derive(Clone)]
pub struct Access {
    /// The access token.
    pub token: String,
    /// Seconds until it expires, by the database's clock; may be negative.
    pub expires_in: i64,
    /// Rises with every refresh.
    pub generation: i64,
}

/// New tokens to store.
#[derive(Clone)]
pub struct NewTokens {
    /// Access token.
    pub access: String,
    /// Refresh token.
    pub refresh: String,
    /// Lifetime of the access token.
    pub expires_in: Duration,
    /// Lifetime of the refresh token, where stated.
    pub refresh_expires_in: Option<Duration>,
}

/// Whose turn it is to refresh.
#[derive(Clone)]
pub enum Turn {
    /// Ours: exchange this refresh token, then finish under this run.
    Ours {
        /// The turn.
        run: RunId,
        /// The refresh token.
        refresh: String,
    },
    /// Somebody is at it.
    Theirs,
    /// It has been refreshed since: read again.
    Newer,
    /// The consent is broken: a person must reconnect.
    Broken,
}

fn place(id: TokenSetId, account: AccountId, column: &'static str) -> Place {
    Place {
        table: "token_set",
        column,
        row: id.uuid(),
        account,
    }
}

impl Store {
    /// The access token, or none when the consent is broken.
    pub async fn access(
        &self,
        account: AccountId,
        id: TokenSetId,
        sealer: &Sealer,
    ) -> Result<Option<Access>, StoreError> {
        let mut tx = self.begin_for(account).await?;
        let row = sqlx::query!(
            r#"select access_sealed, key_version, generation, state,
                 coalesce(extract(epoch from access_expires_at - clock_timestamp()), -1)::bigint as "expires_in!"
               from token_set where id = $1"#,
            id.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        let row = row.ok_or_else(|| StoreError::Missing(format!("token set {id}")))?;
        let Some(locked) = row.access_sealed.filter(|_| row.state == "ACTIVE") else {
            return Ok(None);
        };
        let token = sealer
            .open(
                &place(id, account, "access_sealed"),
                row.key_version,
                &locked,
            )
            .map_err(StoreError::Seal)?;
        Ok(Some(Access {
            token,
            expires_in: row.expires_in,
            generation: row.generation,
        }))
    }

    /// Takes the turn to refresh what has `generation`, for at most `ttl`.
    pub async fn begin_refresh(
        &self,
        account: AccountId,
        id: TokenSetId,
        generation: i64,
        ttl: Duration,
        sealer: &Sealer,
    ) -> Result<Turn, StoreError> {
        let run = RunId::fresh();
        let mut tx = self.begin_for(account).await?;
        let row = sqlx::query!(
            r#"select generation, state, refresh_sealed, key_version,
                 (refresh_run is null or refresh_until < clock_timestamp()) as "is_free!"
               from token_set where id = $1 for update"#,
            id.uuid()
        )
        .fetch_one(&mut *tx)
        .await?;
        if row.state != "ACTIVE" {
            return Ok(Turn::Broken);
        }
        if row.generation != generation {
            return Ok(Turn::Newer);
        }
        if !row.is_free {
            return Ok(Turn::Theirs);
        }
        sqlx::query!(
            "update token_set set refresh_run = $2, refresh_until = clock_timestamp() + $3::interval where id = $1",
            id.uuid(),
            run.uuid(),
            interval(ttl) as _,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        let locked = row
            .refresh_sealed
            .ok_or_else(|| StoreError::Damaged(format!("{id} has no refresh token")))?;
        let refresh = sealer
            .open(
                &place(id, account, "refresh_sealed"),
                row.key_version,
                &locked,
            )
            .map_err(StoreError::Seal)?;
        Ok(Turn::Ours { run, refresh })
    }

    /// Stores both new tokens before either is used; the previous refresh token is kept. False: the turn was lost.
    pub async fn finish_refresh(
        &self,
        account: AccountId,
        id: TokenSetId,
        run: RunId,
        tokens: &NewTokens,
        sealer: &Sealer,
    ) -> Result<bool, StoreError> {
        let seal = |column, secret: &str| {
            sealer
                .seal(&place(id, account, column), secret)
                .map_err(StoreError::Seal)
        };
        let access = seal("access_sealed", &tokens.access)?;
        let refresh = seal("refresh_sealed", &tokens.refresh)?;
        let mut tx = self.begin_for(account).await?;
        let done = sqlx::query!(
            r#"update token_set set previous_refresh_sealed = refresh_sealed, access_sealed = $3, refresh_sealed = $4,
                 key_version = $5, access_expires_at = clock_timestamp() + $6::interval,
                 refresh_expires_at = coalesce(clock_timestamp() + $7::interval, refresh_expires_at),
                 generation = generation + 1, refresh_run = null, refresh_until = null, last_error = null,
                 updated_at = clock_timestamp()
               where id = $1 and refresh_run = $2"#,
            id.uuid(),
            run.uuid(),
            access,
            refresh,
            sealer.version(),
            interval(tokens.expires_in) as _,
            tokens.refresh_expires_in.map(interval) as _,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a turn without new tokens; a broken consent waits for a person.
    pub async fn fail_refresh(
        &self,
        account: AccountId,
        id: TokenSetId,
        run: RunId,
        is_broken: bool,
        error: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_for(account).await?;
        sqlx::query!(
            r#"update token_set set refresh_run = null, refresh_until = null, last_error = $3,
                 state = case when $4 then 'BROKEN' else state end, updated_at = clock_timestamp()
               where id = $1 and refresh_run = $2"#,
            id.uuid(),
            run.uuid(),
            error,
            is_broken,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A new consent's tokens.
    pub async fn add_token_set(
        &self,
        account: AccountId,
        provider: &str,
        environment: &str,
        tokens: &NewTokens,
        sealer: &Sealer,
    ) -> Result<TokenSetId, StoreError> {
        let id = TokenSetId::fresh();
        let seal = |column, secret: &str| {
            sealer
                .seal(&place(id, account, column), secret)
                .map_err(StoreError::Seal)
        };
        let access = seal("access_sealed", &tokens.access)?;
        let refresh = seal("refresh_sealed", &tokens.refresh)?;
        let mut tx = self.begin_for(account).await?;
        sqlx::query!(
            r#"insert into token_set (id, account_id, provider, environment, access_sealed, refresh_sealed, key_version,
                 access_expires_at, refresh_expires_at)
               values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8::interval, clock_timestamp() + $9::interval)"#,
            id.uuid(),
            account.0,
            provider,
            environment,
            access,
            refresh,
            sealer.version(),
            interval(tokens.expires_in) as _,
            tokens.refresh_expires_in.map(interval) as _,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Consents whose refresh token expires before `within` has passed: id, account, provider, when.
    pub async fn expiring_consents(
        &self,
        within: Duration,
    ) -> Result<Vec<(TokenSetId, AccountId, String, DateTime<Utc>)>, StoreError> {
        let rows = sqlx::query!(
            r#"select id, account_id, provider, refresh_expires_at as "at!" from token_set
               where state = 'ACTIVE' and refresh_expires_at < clock_timestamp() + $1::interval"#,
            interval(within) as _
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| {
                (
                    TokenSetId::from_uuid(r.id),
                    AccountId(r.account_id),
                    r.provider,
                    r.at,
                )
            })
            .collect())
    }
}
