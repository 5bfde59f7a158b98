//! The one loop: lease, claim, plan, intend, send, classify, decide, record.
//!
//! ```text
//!  ticket ─┐                 ┌─ closing: calls whose outcome is open
//!  sweep ──┴─ touch ─ drive ─┼─ prepare: plan, read, group        (pure but for reads)
//!                            └─ calling: intent → send → record   (several in flight)
//! ```
//!
//! The law it keeps is in ARCHITECTURE.md, "The core protocol". What is deliberately absent: any concrete
//! provider, SQL, and decisions about failures (`model::decide`).

mod board;
mod calling;
mod closing;
mod config;
mod drive;
mod holder;
mod importing;
mod looking;
mod metrics;
mod news;
mod outcome;
mod pace;
mod parts;
mod prepare;
mod reading;
mod recorder;
mod run;
mod tokens;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provider_kit::Provider;
use provider_kit::http::{BaseUrl, HttpClient};
use runtime::Clock;
use store::Store;
use store::seal::Sealer;

pub use config::{Config, Policy};
pub use drive::Ended;
pub use run::run;

use board::Board;
use recorder::Recorder;
use tokens::Tokens;

/// Everything a consumer process works with; clones share it.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    provider: Arc<dyn Provider>,
    http: HttpClient,
    base_url: BaseUrl,
    policy: Policy,
    clock: Arc<dyn Clock>,
    board: Board,
    recorder: Recorder,
    tokens: Tokens,
    draining: AtomicBool,
}

/// What a worker is made of.
pub struct Parts {
    /// The database, in the worker's role.
    pub store: Store,
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// HTTP out.
    pub http: HttpClient,
    /// API base.
    pub base_url: BaseUrl,
    /// The OAuth client, for providers with a consent.
    pub oauth: Option<provider_kit::oauth::TokenEndpoint>,
    /// Opens and seals tokens.
    pub sealer: Sealer,
    /// Times and sizes.
    pub policy: Policy,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Worker {
    /// A worker with its recorder started. Must be called in a tokio runtime.
    pub fn new(parts: Parts) -> Self {
        let recorder = Recorder::start(parts.store.clone());
        let tokens = Tokens::new(
            parts.store.clone(),
            parts.http.clone(),
            parts.oauth,
            parts.sealer,
            Arc::clone(&parts.clock),
        );
        let inner = Inner {
            board: Board::new(parts.policy.ttl, Arc::clone(&parts.clock)),
            recorder,
            tokens,
            store: parts.store,
            provider: parts.provider,
            http: parts.http,
            base_url: parts.base_url,
            policy: parts.policy,
            clock: parts.clock,
            draining: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Starts nothing more: holders give their leases back when nothing of theirs is in flight.
    pub fn drain(&self) {
        self.inner.draining.store(true, Ordering::Relaxed);
    }
}

impl Inner {
    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
