//! The one way out to a provider: a traced client that never repeats, never follows and never guesses.
//!
//! What it promises the core protocol: [`SendError::NotSent`] only when provably nothing of the request left
//! this process; everything else that is not a whole reply is [`SendError::Unclear`]. There are no redirects
//! (a bearer must not follow one), no resends and no content codings. Each call has a connection of its own
//! (HTTP/1.1), so that one reset makes one call unclear and not every call to that host.

mod base_url;
mod measure;
mod tls;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use runtime::{Clock as _, SystemClock, chain};
use tracing::Instrument as _;

pub use self::base_url::{BaseUrl, BaseUrlError};
pub use self::measure::{Labels, Purpose};
use crate::provider::{Method, Reply, Request};

/// Longest that name look-up, TCP and TLS handshake may take together. The request leaves after them, so
/// whoever reckons when a call's effect must be visible adds this and [`STALL_LIMIT`].
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Longest that sent bytes may stay unacknowledged before the kernel gives the connection up (Linux only).
pub const STALL_LIMIT: Duration = Duration::from_secs(10);

/// Idle connections are closed before the provider's side does it: load balancers wait 60 s or more.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// Idle connections kept per host: the most calls in flight per books (QBO 10), for a few books at a time.
const IDLE_PER_HOST: usize = 32;

/// A silent peer is probed this often while it thinks.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// More response headers than any provider sends; further ones make the call unclear.
const MOST_HEADERS: usize = 200;

/// Error texts of other libraries are cut here: they may quote what a server sent.
const LONGEST_REASON: usize = 300;

/// What the client is built with.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Longest that connecting may take; at most the call's own deadline.
    pub connect_limit: Duration,
    /// A proxy for `https` calls; the environment's is never taken.
    pub proxy: Option<runtime::Secret>,
    /// Certificates (PEM) to trust beside those of the machine.
    pub extra_roots: Vec<u8>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_limit: CONNECT_LIMIT,
            proxy: None,
            extra_roots: Vec::new(),
        }
    }
}

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// Without roots no certificate can be checked.
    #[error("no trusted root certificates found on this machine (package ca-certificates)")]
    NoRoots,
    /// The extra roots are not PEM certificates.
    #[error("extra root certificates not usable: {0}")]
    ExtraRoots(String),
    /// The proxy's address is not usable; the address is not repeated, it may hold a password.
    #[error("proxy address not usable")]
    Proxy,
    /// TLS is not usable.
    #[error("TLS not usable")]
    Tls(#[source] rustls::Error),
    /// The client cannot be built from these options.
    #[error("HTTP client not built")]
    Client(#[source] reqwest::Error),
}

/// Why there is no reply. The texts hold no token, no body and no query.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// Provably nothing of the request left.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have arrived and may have had effect.
    #[error("outcome unknown: {0}")]
    Unclear(String),
}

/// The process's HTTP client; clones share its connections.
#[derive(Clone)]
pub struct HttpClient(reqwest::Client);

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

impl HttpClient {
    /// A client; one per process.
    pub fn new(options: &HttpOptions) -> Result<Self, HttpSetupError> {
        let mut builder = builder()
            .tls_backend_preconfigured(tls::configuration(&options.extra_roots)?)
            .http1_only()
            .http1_max_headers(MOST_HEADERS)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("tieout/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_limit)
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEPALIVE)
            .tcp_keepalive_interval(KEEPALIVE)
            // `BaseUrl` lets plain HTTP to `localhost` pass: it must really be this machine.
            .resolve_to_addrs("localhost", &LOCALHOST);
        #[cfg(target_os = "linux")]
        {
            builder = builder.tcp_user_timeout(STALL_LIMIT);
        }
        if let Some(proxy) = &options.proxy {
            let proxy = reqwest::Proxy::https(proxy.expose()).map_err(|_| HttpSetupError::Proxy)?;
            builder = builder.proxy(proxy);
        }
        builder.build().map(Self).map_err(HttpSetupError::Client)
    }

    /// Sends one request once and reads its whole reply. `deadline` covers connecting, headers and body;
    /// `reply_limit` is the largest body in bytes. Any status is a reply, redirects too.
    pub async fn send(
        &self,
        base_url: &BaseUrl,
        request: &Request,
        bearer: Option<&str>,
        deadline: Duration,
        reply_limit: usize,
        labels: Labels,
    ) -> Result<Reply, SendError> {
        match outgoing(base_url, request, bearer) {
            Ok(outgoing) => self.exchange(outgoing, deadline, reply_limit, labels).await,
            Err(reason) => Err(SendError::NotSent(reason)),
        }
    }

    /// Sends a request that is complete, authorisation included.
    pub(crate) async fn exchange(
        &self,
        outgoing: reqwest::Request,
        deadline: Duration,
        reply_limit: usize,
        labels: Labels,
    ) -> Result<Reply, SendError> {
        if deadline.is_zero() {
            return Err(SendError::NotSent("no time left".to_owned()));
        }
        let span = measure::span(&outgoing, labels);
        let started = SystemClock.monotonic();
        let result = tokio::time::timeout(deadline, self.round_trip(outgoing, reply_limit))
            .instrument(span.clone())
            .await
            .unwrap_or_else(|_| {
                let reason = format!("no whole reply within {} ms", deadline.as_millis());
                Err(SendError::Unclear(reason))
            });
        measure::record(&span, labels, started.elapsed(), &result);
        result
    }

    async fn round_trip(
        &self,
        outgoing: reqwest::Request,
        reply_limit: usize,
    ) -> Result<Reply, SendError> {
        let mut response = self.0.execute(outgoing).await.map_err(failure)?;
        let too_large = || SendError::Unclear(format!("reply larger than {reply_limit} bytes"));
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |length| length > reply_limit) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(interrupted)? {
            if chunk.len() > reply_limit - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status().as_u16(),
            headers: told_headers(response.headers()),
            body,
        })
    }
}

/// Port 0 stands for the port of the URL.
const LOCALHOST: [SocketAddr; 2] = [
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

#[expect(
    clippy::disallowed_methods,
    reason = "this file is the one that owns the HTTP client"
)]
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
}

/// The request as it goes out, or why it must not.
fn outgoing(
    base_url: &BaseUrl,
    request: &Request,
    bearer: Option<&str>,
) -> Result<reqwest::Request, String> {
    let url = base_url.at(&request.path, &request.query)?;
    let mut outgoing = reqwest::Request::new(method(request.method), url);
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name).map_err(|_| "header name not usable".to_owned())?;
        if RESERVED.contains(&name) {
            return Err(format!("header {name} is not the provider's to set"));
        }
        let value = HeaderValue::try_from(value)
            .map_err(|_| format!("value of header {name} not usable"))?;
        outgoing.headers_mut().append(name, value);
    }
    if let Some(token) = bearer {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "access token is not a header value".to_owned())?;
        value.set_sensitive(true);
        outgoing.headers_mut().insert(header::AUTHORIZATION, value);
    }
    if !request.body.is_empty() {
        *outgoing.body_mut() = Some(request.body.clone().into());
    } else if request.method != Method::Get {
        // RFC 9110, 8.6: some servers answer 411 without it; the library leaves it out.
        let none = HeaderValue::from_static("0");
        outgoing.headers_mut().insert(header::CONTENT_LENGTH, none);
    }
    Ok(outgoing)
}

/// Headers that authorise, frame the message or ask for what we cannot read. A committed request may hold
/// none of them: it is stored, and secrets are not.
const RESERVED: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::ACCEPT_ENCODING,
];

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Names come in lower case from the parser. Cookies are left out: a reply is stored, a session is a secret.
fn told_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| *name != header::SET_COOKIE)
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Sorts a failure before the reply's headers. `is_connect` covers name look-up, TCP, proxy and TLS: the
/// client hands the request to a connection only after all of them.
fn failure(error: reqwest::Error) -> SendError {
    let provably_unsent = error.is_connect() || error.is_builder();
    let reason = reason(error);
    if provably_unsent {
        SendError::NotSent(reason)
    } else {
        SendError::Unclear(reason)
    }
}

/// A failure after the reply's headers; the request was there.
fn interrupted(error: reqwest::Error) -> SendError {
    SendError::Unclear(reason(error))
}

/// The causes in words, without the URL: a query may hold names.
fn reason(error: reqwest::Error) -> String {
    let words = chain(&error.without_url());
    words.chars().take(LONGEST_REASON).collect()
}
