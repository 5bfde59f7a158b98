//! The admin listener: `/metrics`, `/health/live`, `/health/ready`, nothing else.
//!
//! It never answers with anything a tenant owns, so it has no login; it is meant
//! for an address that only Prometheus and the orchestrator reach. One request a
//! connection, few connections, a short life each: a stuck scraper costs nothing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::health::Health;
use crate::metric::MetricsHandle;
use crate::patience::PatientListener;

/// Two scrapers, an orchestrator and a few people; more is a mistake or an attack.
const CONNECTION_LIMIT: usize = 32;
/// Longer than Prometheus' own default scrape timeout of 10 s.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(15);
/// No route reads a body.
const BODY_LIMIT_BYTES: usize = 1024;
/// How often samples are folded when nobody scrapes.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The running listener; dropping it stops it.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// The admin listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("admin listener cannot be opened on {address}")]
pub struct AdminError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

#[derive(Clone)]
struct Shown {
    health: Health,
    metrics: MetricsHandle,
}

/// Opens the listener and serves it until the returned [`Admin`] is dropped; port 0 picks a free one.
///
/// Fails if the address cannot be bound.
pub async fn start(
    address: SocketAddr,
    health: Health,
    metrics: MetricsHandle,
) -> Result<Admin, AdminError> {
    let failed = |source| AdminError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(admin.address = %address, "admin listens on {address}");
    let task = tokio::spawn(serve(listener, Shown { health, metrics }));
    Ok(Admin { address, task })
}

impl Admin {
    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shown: Shown) {
    let listener = PatientListener::new(listener, CONNECTION_LIMIT, CONNECTION_LIFETIME);
    let metrics = shown.metrics.clone();
    tokio::select! {
        ended = axum::serve(listener, routes(shown)) => {
            tracing::error!("admin listener ended: {ended:?}");
        }
        () = keep_up(metrics) => {}
    }
}

fn routes(shown: Shown) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(axum::middleware::map_response(close_after))
        .with_state(shown)
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, shown.metrics.render()).into_response()
}

/// Live means: the async runtime still turns. What else is broken, readiness tells.
async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(shown): State<Shown>) -> Response {
    let (ready, report) = shown.health.report();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(report)).into_response()
}

async fn close_after(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

async fn keep_up(metrics: MetricsHandle) {
    let mut beat = tokio::time::interval(UPKEEP_EVERY);
    loop {
        beat.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
