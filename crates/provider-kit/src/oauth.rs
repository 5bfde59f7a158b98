//! Renewing tokens at a provider's authorisation server (RFC 6749, section 6).
//!
//! The messages are the `oauth2` crate's; our own client carries them. Refresh tokens rotate, so a reply that
//! holds a new pair is never thrown away over a detail: content type, lifetimes and token type are read
//! leniently, the tokens themselves strictly. What is deliberately absent: storing and single flight (the
//! token set's lease), and any reading of `error_description`.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::{BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AccessToken, AsyncHttpClient, ClientId, ClientSecret, EmptyExtraTokenFields, EndpointNotSet,
    ErrorResponse, HttpRequest, HttpResponse, RefreshToken, RequestTokenError,
    RevocationErrorResponseType, Scope, StandardErrorResponse, StandardRevocableToken,
    StandardTokenIntrospectionResponse, TokenResponse, TokenUrl, http,
};
use reqwest::header::AUTHORIZATION;
use runtime::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::http::{BaseUrl, HttpClient, Labels, Purpose, SendError};
use crate::provider::Reply;

/// Token replies are a few thousand bytes; Intuit allows 4,096 characters for an access token.
const REPLY_LIMIT: usize = 64 * 1024;

/// Assumed where the reply does not say: short, so that the next refresh finds out.
const ASSUMED_LIFETIME: Duration = Duration::from_mins(5);

/// Longer lifetimes are cut to this, ten years, so that dates can be reckoned with them.
const LONGEST_LIFETIME: u64 = 10 * 365 * 86_400;

/// Where and as whom tokens are renewed.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    /// The provider's key, from its descriptor.
    pub provider: &'static str,
    /// The whole address of the token endpoint.
    pub url: BaseUrl,
    /// This installation's client id.
    pub client_id: String,
    /// Its secret; it travels in the Basic header.
    pub client_secret: Secret,
}

/// A new pair; the old refresh token may be dead from now on.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The bearer for calls.
    pub access_token: Secret,
    /// What renews it next; the one that was sent, if the reply named none.
    pub refresh_token: Secret,
    /// How long the access token lives from now.
    pub expires_in: Duration,
    /// How long the refresh token lives from now, where the provider says so.
    pub refresh_expires_in: Option<Duration>,
}

/// Why there are no new tokens.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RefreshError {
    /// `invalid_grant`: this refresh token is dead.
    #[error("refresh token refused")]
    Rejected,
    /// The request or this installation's client is refused, whatever the token; the word is from RFC 6749.
    #[error("client refused by the authorisation server: {0}")]
    ClientRejected(&'static str),
    /// Provably nothing was sent; the token is untouched.
    #[error("authorisation server not reached: {0}")]
    Unreachable(String),
    /// The token may have been used up: no reply, a server error, or a reply that says neither yes nor no.
    #[error("refresh outcome unknown: {0}")]
    Unclear(String),
    /// Too many requests; the token is untouched.
    #[error("authorisation server asks to wait")]
    Throttled {
        /// How long, where it says so.
        retry_after: Option<Duration>,
    },
}

/// Exchanges a refresh token for a new pair, once, within `deadline`.
pub async fn refresh(
    http: &HttpClient,
    endpoint: &TokenEndpoint,
    refresh_token: &Secret,
    deadline: Duration,
) -> Result<Tokens, RefreshError> {
    let client = Client::new(ClientId::new(endpoint.client_id.clone()))
        .set_client_secret(ClientSecret::new(
            endpoint.client_secret.expose().to_owned(),
        ))
        .set_token_uri(TokenUrl::from_url(endpoint.url.as_url().clone()));
    let sent = RefreshToken::new(refresh_token.expose().to_owned());
    let carrier = Carrier {
        http,
        provider: endpoint.provider,
        deadline,
    };
    let answer = client
        .exchange_refresh_token(&sent)
        .request_async(&carrier)
        .await;
    match answer {
        Ok(granted) => tokens(&granted, refresh_token),
        Err(error) => Err(refusal(error)),
    }
}

type Client = oauth2::Client<
    Refusal,
    Granted,
    StandardTokenIntrospectionResponse<EmptyExtraTokenFields, BasicTokenType>,
    StandardRevocableToken,
    StandardErrorResponse<RevocationErrorResponseType>,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
>;

/// Takes the crate's messages to our client.
struct Carrier<'a> {
    http: &'a HttpClient,
    provider: &'static str,
    deadline: Duration,
}

impl<'c> AsyncHttpClient<'c> for Carrier<'_> {
    type Error = CarryError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CarryError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}

impl Carrier<'_> {
    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, CarryError> {
        let mut outgoing = reqwest::Request::try_from(request)
            .map_err(|_| CarryError::NoReply(SendError::NotSent("request not built".to_owned())))?;
        if let Some(credentials) = outgoing.headers_mut().get_mut(AUTHORIZATION) {
            credentials.set_sensitive(true);
        }
        let labels = Labels {
            provider: self.provider,
            purpose: Purpose::Refresh,
        };
        let reply = self
            .http
            .exchange(outgoing, self.deadline, REPLY_LIMIT, labels)
            .await
            .map_err(CarryError::NoReply)?;
        response(reply)
    }
}

/// Only what may hold an answer is handed to the crate.
fn response(reply: Reply) -> Result<HttpResponse, CarryError> {
    let status = match reply.status {
        // Without a content type, which the crate would insist on: the pair is worth more.
        200..=299 => http::StatusCode::OK,
        429 => return Err(CarryError::Throttled(reply.retry_after())),
        400..=499 => http::StatusCode::BAD_REQUEST,
        other => return Err(CarryError::Status(other)),
    };
    let mut response = HttpResponse::new(reply.body);
    *response.status_mut() = status;
    Ok(response)
}

/// Why there is nothing for the `oauth2` crate to read.
#[derive(Debug, thiserror::Error)]
enum CarryError {
    #[error("no reply")]
    NoReply(#[source] SendError),
    #[error("throttled")]
    Throttled(Option<Duration>),
    #[error("status {0}")]
    Status(u16),
}

/// What a refusal says; the description is not even read.
#[derive(Debug, Serialize, Deserialize)]
struct Refusal {
    error: BasicErrorResponseType,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.as_ref())
    }
}

impl ErrorResponse for Refusal {}

/// A token reply, as far as we read it.
#[derive(Serialize, Deserialize)]
struct Granted {
    access_token: AccessToken,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    /// Intuit's own field.
    #[serde(default, deserialize_with = "seconds")]
    x_refresh_token_expires_in: Option<u64>,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Granted([redacted])")
    }
}

impl TokenResponse for Granted {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(lifetime)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// Whole seconds, also as text (one of Intuit's own samples has them so); anything else is as if not said.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

fn lifetime(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(LONGEST_LIFETIME))
}

fn tokens(granted: &Granted, sent: &Secret) -> Result<Tokens, RefreshError> {
    let access_token = granted.access_token.secret();
    let refresh_token = granted.refresh_token.as_ref().map(RefreshToken::secret);
    let refresh_token = refresh_token.filter(|token| !token.is_empty());
    let usable = |token: &String| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    if !usable(access_token) || refresh_token.is_some_and(|token| !usable(token)) {
        let reason = "reply holds a token that cannot be one".to_owned();
        return Err(RefreshError::Unclear(reason));
    }
    Ok(Tokens {
        access_token: Secret::new(access_token),
        refresh_token: refresh_token.map_or_else(|| sent.clone(), Secret::new),
        expires_in: granted.expires_in().unwrap_or(ASSUMED_LIFETIME),
        refresh_expires_in: granted.x_refresh_token_expires_in.map(lifetime),
    })
}

/// Only the word in `error` decides; replies are not quoted, they may hold tokens.
fn refusal(error: RequestTokenError<CarryError, Refusal>) -> RefreshError {
    let unclear = |reason: &str| RefreshError::Unclear(reason.to_owned());
    match error {
        RequestTokenError::ServerResponse(refusal) => match refusal.error {
            BasicErrorResponseType::InvalidGrant => RefreshError::Rejected,
            BasicErrorResponseType::InvalidClient => RefreshError::ClientRejected("invalid_client"),
            BasicErrorResponseType::UnauthorizedClient => {
                RefreshError::ClientRejected("unauthorized_client")
            }
            BasicErrorResponseType::InvalidRequest => {
                RefreshError::ClientRejected("invalid_request")
            }
            BasicErrorResponseType::InvalidScope => RefreshError::ClientRejected("invalid_scope"),
            BasicErrorResponseType::UnsupportedGrantType => {
                RefreshError::ClientRejected("unsupported_grant_type")
            }
            BasicErrorResponseType::Extension(_) => unclear("refused for a reason we do not know"),
        },
        RequestTokenError::Request(CarryError::NoReply(SendError::NotSent(reason))) => {
            RefreshError::Unreachable(reason)
        }
        RequestTokenError::Request(CarryError::NoReply(SendError::Unclear(reason))) => {
            RefreshError::Unclear(reason)
        }
        RequestTokenError::Request(CarryError::Throttled(retry_after)) => {
            RefreshError::Throttled { retry_after }
        }
        RequestTokenError::Request(CarryError::Status(status)) => {
            RefreshError::Unclear(format!("answered with status {status}"))
        }
        RequestTokenError::Parse(..) => unclear("reply not understood"),
        RequestTokenError::Other(_) => unclear("empty reply"),
    }
}
