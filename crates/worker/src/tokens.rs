//! Access tokens: cached per process, refreshed by one process at a time, stored before use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{AccountId, Failure, FailureKind, Owner, Scope, TokenSetId};
use provider_kit::http::HttpClient;
use provider_kit::oauth::{self, RefreshError, TokenEndpoint};
use runtime::{Clock, Secret};
use store::Store;
use store::seal::Sealer;
use store::token::{Access, NewTokens, Turn};
use tokio::sync::Mutex;

/// A token with less life than this is refreshed first.
const LEAST_LIFE: Duration = Duration::from_mins(1);
/// Longest a token call may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Tries at storing renewed tokens, a second apart; the turn is long enough for them.
const KEEP_TRIES: u32 = 60;
/// How long one refresher has its turn: the token call's deadline and then some.
const TURN: Duration = Duration::from_mins(2);

/// An access token to send with.
#[derive(Clone)]
pub(crate) struct Bearer {
    pub(crate) token: String,
    pub(crate) generation: i64,
}

pub(crate) struct Tokens {
    store: Store,
    http: HttpClient,
    endpoint: Option<TokenEndpoint>,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    cache: Mutex<HashMap<TokenSetId, Slot>>,
}

/// One consent's place in the cache; its lock is held while it is renewed, and nobody else's.
type Slot = Arc<Mutex<Option<(Access, Instant)>>>;

impl Tokens {
    pub(crate) fn new(
        store: Store,
        http: HttpClient,
        endpoint: Option<TokenEndpoint>,
        sealer: Sealer,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            http,
            endpoint,
            sealer,
            clock,
            cache: Mutex::new(HashMap::new()),
        }
    }

    /// A token with life left, refreshed when needed.
    pub(crate) async fn bearer(
        &self,
        account: AccountId,
        id: TokenSetId,
    ) -> Result<Bearer, Failure> {
        let slot = self.slot(id).await;
        let mut cached = slot.lock().await;
        let now = self.clock.monotonic();
        if let Some((access, read_at)) = cached.as_ref()
            && life_left(access, now.saturating_duration_since(*read_at)) > LEAST_LIFE
        {
            return Ok(Bearer {
                token: access.token.clone(),
                generation: access.generation,
            });
        }
        let access = self.read(account, id).await?;
        let access = if life_left(&access, Duration::ZERO) > LEAST_LIFE {
            access
        } else {
            self.refresh(account, id, access.generation).await?
        };
        *cached = Some((access.clone(), now));
        Ok(Bearer {
            token: access.token,
            generation: access.generation,
        })
    }

    /// The provider refused this generation: a newer one is read or made. One refresh per generation.
    pub(crate) async fn refused(
        &self,
        account: AccountId,
        id: TokenSetId,
        generation: i64,
    ) -> Result<(), Failure> {
        let slot = self.slot(id).await;
        let mut cached = slot.lock().await;
        if cached
            .as_ref()
            .is_some_and(|(access, _)| access.generation > generation)
        {
            return Ok(());
        }
        *cached = None;
        let access = self.refresh(account, id, generation).await?;
        *cached = Some((access, self.clock.monotonic()));
        Ok(())
    }

    async fn slot(&self, id: TokenSetId) -> Slot {
        Arc::clone(self.cache.lock().await.entry(id).or_default())
    }

    async fn read(&self, account: AccountId, id: TokenSetId) -> Result<Access, Failure> {
        match self.store.access(account, id, &self.sealer).await {
            Ok(Some(access)) => Ok(access),
            Ok(None) => Err(broken()),
            Err(error) => Err(Failure::new(
                FailureKind::Unreachable,
                "TOKENS_UNREADABLE",
                "The connection's tokens cannot be read.",
            )
            .owned_by(Owner::Operator)
            .reaching(Scope::Books)
            .with_detail(runtime::chain(&error))),
        }
    }

    async fn refresh(
        &self,
        account: AccountId,
        id: TokenSetId,
        generation: i64,
    ) -> Result<Access, Failure> {
        let turn = self
            .store
            .begin_refresh(account, id, generation, TURN, &self.sealer)
            .await;
        match turn.map_err(|e| later(&runtime::chain(&e)))? {
            Turn::Broken => Err(broken()),
            Turn::Newer => self.read(account, id).await,
            Turn::Theirs => Err(later("another worker is renewing it")),
            Turn::Ours { run, refresh } => {
                self.exchange(account, id, run, generation, &refresh).await
            }
        }
    }

    async fn exchange(
        &self,
        account: AccountId,
        id: TokenSetId,
        run: model::RunId,
        generation: i64,
        refresh: &str,
    ) -> Result<Access, Failure> {
        let endpoint = self
            .endpoint
            .as_ref()
            .ok_or_else(|| later("no OAuth client is configured"))?;
        let answer = oauth::refresh(&self.http, endpoint, &Secret::new(refresh), DEADLINE).await;
        let tokens = match answer {
            Ok(tokens) => tokens,
            Err(error) => {
                // Somebody may have renewed it meanwhile: read once more before a person is asked.
                if let Ok(newer) = self.read(account, id).await
                    && newer.generation > generation
                {
                    return Ok(newer);
                }
                let is_broken = matches!(error, RefreshError::Rejected);
                let text = runtime::chain(&error);
                if let Err(error) = self
                    .store
                    .fail_refresh(account, id, run, is_broken, &text)
                    .await
                {
                    tracing::warn!(
                        "the end of a refresh could not be stored: {}",
                        runtime::chain(&error)
                    );
                }
                return Err(if is_broken { broken() } else { later(&text) });
            }
        };
        runtime::halt::point("token-rotated");
        let new = NewTokens {
            access: tokens.access_token.expose().to_owned(),
            refresh: tokens.refresh_token.expose().to_owned(),
            expires_in: tokens.expires_in,
            refresh_expires_in: tokens.refresh_expires_in,
        };
        self.keep(account, id, run, &new).await
    }

    /// Both new tokens are stored before either is used: the old one may be dead already, so this is tried for as
    /// long as the turn lasts.
    async fn keep(
        &self,
        account: AccountId,
        id: TokenSetId,
        run: model::RunId,
        new: &NewTokens,
    ) -> Result<Access, Failure> {
        let mut tries = 0;
        loop {
            match self
                .store
                .finish_refresh(account, id, run, new, &self.sealer)
                .await
            {
                Ok(true) => return self.read(account, id).await,
                Ok(false) => return Err(later("another worker renewed it")),
                Err(error) if tries < KEEP_TRIES => {
                    tries += 1;
                    tracing::warn!(
                        tries,
                        "renewed tokens could not be stored yet: {}",
                        runtime::chain(&error)
                    );
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(later(&runtime::chain(&error))),
            }
        }
    }
}

fn life_left(access: &Access, age: Duration) -> Duration {
    Duration::from_secs(u64::try_from(access.expires_in).unwrap_or(0)).saturating_sub(age)
}

fn broken() -> Failure {
    Failure::new(
        FailureKind::Unauthorized,
        "RECONNECT_NEEDED",
        "The connection to the books no longer works. Connect it again; everything waiting then goes on by itself.",
    )
    .owned_by(Owner::Customer)
    .reaching(Scope::Books)
}

fn later(detail: &str) -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "TOKEN_NOT_RENEWED",
        "The connection's access could not be renewed just now; it is tried again by itself.",
    )
    .reaching(Scope::Books)
    .with_detail(detail)
}
