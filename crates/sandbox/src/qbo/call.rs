//! A provider request, read once: where it goes and what it asks for.

use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Uri, header};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kind::Kind;

/// Largest body taken.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An entity, by id or to be written.
    Entity(Kind, Option<String>),
    /// The query resource.
    Query,
    /// The batch resource.
    Batch,
    /// Change data capture.
    Changes,
    /// The tax service, which makes tax codes.
    TaxService,
    /// The token endpoint.
    Token,
    /// The revocation endpoint.
    Revoke,
    /// The page on which a person connects an application.
    Authorize,
    /// Where everything of the identity service is.
    Discovery,
    /// The keys of identity tokens.
    Keys,
    /// Who connected the application.
    UserInfo,
    /// Nothing that exists.
    Nowhere,
}

/// A provider request.
#[derive(Debug)]
pub struct Call {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query string as sent.
    pub query: String,
    /// Decoded query parameters.
    pub parameters: Vec<(String, String)>,
    /// Company in the path.
    pub realm: Option<String>,
    /// Where it goes.
    pub target: Target,
    /// `Host`.
    pub host: String,
    /// `Authorization`.
    pub authorization: String,
    /// `Content-Type`.
    pub content_type: String,
    /// `x-include-refresh-token-hard-expires-in: true`.
    pub wants_hard_expiry: bool,
    /// Body text; none when it is not UTF-8.
    pub body: Option<String>,
    /// Body as JSON, where it is JSON.
    pub json: Option<Value>,
}

impl Call {
    /// Reads a request; none when its body cannot be read or is too large.
    pub async fn read(request: Request, at: DateTime<Utc>) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.ok()?;
        let body = String::from_utf8(bytes.into()).ok();
        let path = parts.uri.path().to_owned();
        let (realm, target) = route(&path);
        let json = body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok());
        Some(Self {
            at,
            method: parts.method.as_str().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            parameters: form(parts.uri.query().unwrap_or_default()).unwrap_or_default(),
            path,
            realm,
            target,
            host: text(&parts.headers, header::HOST.as_str()),
            authorization: text(&parts.headers, header::AUTHORIZATION.as_str()),
            content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()),
            wants_hard_expiry: text(&parts.headers, "x-include-refresh-token-hard-expires-in")
                == "true",
            body,
            json,
        })
    }

    /// A query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The `requestid`, unless it is empty.
    pub fn request_id(&self) -> Option<&str> {
        self.parameter("requestid").filter(|id| !id.is_empty())
    }

    /// What the request asks for, in the words of rules and journal.
    pub fn operation(&self) -> &'static str {
        match (&self.target, self.method.as_str()) {
            (Target::Query, _) => "query",
            (Target::Batch, _) => "batch",
            (Target::Changes, _) => "cdc",
            (Target::Token, _) => "token",
            (Target::Revoke, _) => "revoke",
            (Target::Authorize, _) => "authorize",
            (Target::TaxService, _) => "create",
            (Target::Entity(..), "POST") if self.is_void() => "void",
            (Target::Entity(..), "POST") => match self.parameter("operation") {
                Some("delete") => "delete",
                _ if self.has_id() => "update",
                _ => "create",
            },
            _ => "read",
        }
    }

    /// Names of the entities the request concerns.
    pub fn entities(&self) -> Vec<&str> {
        match &self.target {
            Target::Entity(kind, _) => vec![kind.name()],
            Target::Batch => {
                let elements = self.elements().into_iter().flatten();
                let members = elements.filter_map(Value::as_object);
                members
                    .flat_map(|members| members.keys())
                    .map(String::as_str)
                    .collect()
            }
            Target::Query => {
                let words = self.statement().split_whitespace();
                let after = words.skip_while(|word| !word.eq_ignore_ascii_case("from"));
                after.skip(1).take(1).collect()
            }
            Target::Changes => {
                let asked = self.parameter("entities").unwrap_or_default();
                asked.split(',').map(str::trim).collect()
            }
            Target::TaxService => vec![Kind::TaxCode.name()],
            _ => Vec::new(),
        }
    }

    /// The elements of a batch.
    pub fn elements(&self) -> Option<&Vec<Value>> {
        self.json.as_ref()?.get("BatchItemRequest")?.as_array()
    }

    /// The query statement, from the parameter or the body.
    pub fn statement(&self) -> &str {
        let body = self.body.as_deref().unwrap_or_default();
        self.parameter("query").unwrap_or(body)
    }

    /// Whether the request voids: `operation=void`, or `include=void` as payments have it.
    pub fn is_void(&self) -> bool {
        let includes = self.parameter("include").unwrap_or_default();
        self.parameter("operation") == Some("void")
            || includes.split(',').any(|word| word == "void")
    }

    /// Whether it takes data out, which is what is metered.
    pub fn is_read(&self) -> bool {
        match self.target {
            Target::Query | Target::Changes => true,
            Target::Entity(..) => self.method == "GET",
            _ => false,
        }
    }

    /// Whether it goes to the identity service, which has rules of its own for who may ask.
    pub fn is_identity(&self) -> bool {
        matches!(
            self.target,
            Target::Token
                | Target::Revoke
                | Target::Authorize
                | Target::Discovery
                | Target::Keys
                | Target::UserInfo
        )
    }

    fn has_id(&self) -> bool {
        let id = self.json.as_ref().and_then(|json| json.get("Id"));
        !matches!(id, None | Some(Value::Null))
    }
}

/// Reads `name=value` pairs as forms and query strings write them.
pub fn form(text: &str) -> Option<Vec<(String, String)>> {
    let uri: Uri = format!("/?{text}").parse().ok()?;
    let Query(pairs) = Query::try_from_uri(&uri).ok()?;
    Some(pairs)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn route(path: &str) -> (Option<String>, Target) {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["oauth2", "v1", "tokens", "bearer"] => (None, Target::Token),
        ["v2", "oauth2", "tokens", "revoke"] => (None, Target::Revoke),
        ["connect", "oauth2"] => (None, Target::Authorize),
        [
            ".well-known",
            "openid_configuration" | "openid_sandbox_configuration",
        ] => (None, Target::Discovery),
        ["op", "v1", "jwks"] => (None, Target::Keys),
        ["v1", "openid_connect", "userinfo"] => (None, Target::UserInfo),
        ["v3", "company", realm, rest @ ..] => {
            let target = match rest {
                ["query"] => Target::Query,
                ["batch"] => Target::Batch,
                ["cdc"] => Target::Changes,
                ["taxservice", "taxcode"] => Target::TaxService,
                [entity] => entity_target(entity, None),
                [entity, id] => entity_target(entity, Some(id)),
                _ => Target::Nowhere,
            };
            (Some((*realm).to_owned()), target)
        }
        _ => (None, Target::Nowhere),
    }
}

fn entity_target(segment: &str, id: Option<&str>) -> Target {
    Kind::at_path(segment).map_or(Target::Nowhere, |kind| {
        Target::Entity(kind, id.map(str::to_owned))
    })
}
