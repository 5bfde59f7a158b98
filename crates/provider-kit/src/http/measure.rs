//! What is told of every call: its span, its count and its time.

use std::time::Duration;

use runtime::metric::{Counter, Histogram, Label, Unit};
use tracing::Span;
use tracing::field::Empty;

use super::SendError;
use crate::provider::Reply;

/// Whose call it is and what for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Labels {
    /// The provider's key, from its descriptor.
    pub provider: &'static str,
    /// What the call is for.
    pub purpose: Purpose,
}

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Changes one object.
    Write,
    /// Changes several.
    Batch,
    /// Reads for a plan.
    Read,
    /// Finds out what became of an unclear call.
    LookUp,
    /// Renews tokens.
    Refresh,
}

impl Label for Purpose {
    const NAME: &'static str = "op";
    const ALL: &'static [Self] = &[
        Self::Write,
        Self::Batch,
        Self::Read,
        Self::LookUp,
        Self::Refresh,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Batch => "batch",
            Self::Read => "read",
            Self::LookUp => "look_up",
            Self::Refresh => "refresh",
        }
    }
}

/// The kit knows no provider, so the closed set is the catalog's: keys are written in descriptors.
#[derive(Clone, Copy)]
struct ProviderLabel(&'static str);

impl Label for ProviderLabel {
    const NAME: &'static str = "provider";
    const ALL: &'static [Self] = &[];

    fn value(self) -> &'static str {
        self.0
    }
}

/// How a call ended, as a label.
#[derive(Clone, Copy)]
enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
    Strange,
    NotSent,
    Unclear,
}

impl StatusClass {
    fn of(result: &Result<Reply, SendError>) -> Self {
        match result {
            Ok(reply) => match reply.status {
                100..=199 => Self::Informational,
                200..=299 => Self::Success,
                300..=399 => Self::Redirection,
                400..=499 => Self::ClientError,
                500..=599 => Self::ServerError,
                _ => Self::Strange,
            },
            Err(SendError::NotSent(_)) => Self::NotSent,
            Err(SendError::Unclear(_)) => Self::Unclear,
        }
    }
}

impl Label for StatusClass {
    const NAME: &'static str = "status_class";
    const ALL: &'static [Self] = &[
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Strange,
        Self::NotSent,
        Self::Unclear,
    ];

    fn value(self) -> &'static str {
        match self {
            Self::Informational => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Strange => "other",
            Self::NotSent => "not_sent",
            Self::Unclear => "unclear",
        }
    }
}

static REQUESTS: Counter<(ProviderLabel, Purpose, StatusClass)> = Counter::new(
    "tieout_provider_requests_total",
    "Requests to providers, by how they ended.",
    Unit::Count,
);

static DURATION: Histogram<(ProviderLabel, Purpose)> = Histogram::new(
    "tieout_provider_request_duration_seconds",
    "Time of whole calls to providers, from connecting to the last byte.",
    Unit::Seconds,
);

/// The span of one call. The path holds ids only; the query may hold names and is left out.
pub(super) fn span(outgoing: &reqwest::Request, labels: Labels) -> Span {
    tracing::info_span!(
        "provider.call",
        provider.key = labels.provider,
        provider.op = labels.purpose.value(),
        http.method = outgoing.method().as_str(),
        http.path = outgoing.url().path(),
        http.status = Empty,
        elapsed_ms = Empty,
    )
}

/// Tells how a call ended.
pub(super) fn record(
    span: &Span,
    labels: Labels,
    took: Duration,
    result: &Result<Reply, SendError>,
) {
    let provider = ProviderLabel(labels.provider);
    let class = StatusClass::of(result);
    REQUESTS.increment((provider, labels.purpose, class));
    DURATION.record((provider, labels.purpose), took);
    let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.record("elapsed_ms", elapsed_ms);
    match result {
        Ok(reply) => {
            span.record("http.status", reply.status);
            tracing::debug!(parent: span, elapsed_ms, "provider answered {}", reply.status);
        }
        Err(error) => tracing::debug!(parent: span, elapsed_ms, "no reply: {error}"),
    }
}
