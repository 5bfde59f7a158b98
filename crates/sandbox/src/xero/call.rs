//! A provider request, read once: where it goes and what it asks for.

use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Uri, header};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kind::Kind;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A resource of the Accounting API.
    Accounting(Place),
    /// The authorize page.
    Authorize,
    /// The token endpoint.
    Token,
    /// The revocation endpoint.
    Revoke,
    /// The list of connections, or one of them.
    Connections(Option<String>),
    /// Nothing that exists.
    Nowhere,
}

/// A place in the Accounting API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The resource.
    pub kind: Kind,
    /// Id, number or code in the path.
    pub key: Option<String>,
    /// What is below that object.
    pub below: Option<(Below, Option<String>)>,
}

/// What is below an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Allocations of a credit.
    Allocations,
    /// The history.
    History,
    /// Options of a tracking category.
    Options,
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
    /// Decoded query parameters; their names in lower case.
    pub parameters: Vec<(String, String)>,
    /// `xero-tenant-id`.
    pub tenant: Option<String>,
    /// Where it goes.
    pub target: Target,
    /// `Authorization`.
    pub authorization: String,
    /// `Content-Type`.
    pub content_type: String,
    /// `Accept`.
    pub accept: String,
    /// `If-Modified-Since`.
    pub modified_since: String,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// Body text; none when it is not UTF-8.
    pub body: Option<String>,
    /// Body as JSON, where it is JSON.
    pub json: Option<Value>,
}

impl Call {
    /// Reads a request; none when its body cannot be read or is too large.
    pub async fn read(request: Request, at: DateTime<Utc>, bytes_max: usize) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, bytes_max).await.ok()?;
        let body = String::from_utf8(bytes.into()).ok();
        let path = parts.uri.path().to_owned();
        let json = body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok());
        let parameters = form(parts.uri.query().unwrap_or_default()).unwrap_or_default();
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        let header = |name: &str| text(&parts.headers, name);
        let present = |name: &str| Some(header(name)).filter(|value| !value.is_empty());
        Some(Self {
            at,
            method: parts.method.as_str().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            parameters: parameters.into_iter().map(lower).collect(),
            target: route(&path),
            path,
            tenant: present("xero-tenant-id"),
            authorization: header(header::AUTHORIZATION.as_str()),
            content_type: header(header::CONTENT_TYPE.as_str()),
            accept: header(header::ACCEPT.as_str()),
            modified_since: header(header::IF_MODIFIED_SINCE.as_str()),
            key: present("idempotency-key"),
            body,
            json,
        })
    }

    /// A query parameter, by its name in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A query parameter that is true or false, whatever its case.
    pub fn switch(&self, name: &str) -> Option<bool> {
        self.parameter(name)?.to_ascii_lowercase().parse().ok()
    }

    /// Whether it goes to the identity server, whose bodies are secret.
    pub fn is_secret(&self) -> bool {
        matches!(self.target, Target::Token | Target::Revoke)
    }

    /// Whether it may change something.
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "POST" | "PATCH" | "DELETE")
    }

    /// The access token.
    pub fn bearer(&self) -> &str {
        self.authorization
            .strip_prefix("Bearer ")
            .unwrap_or("")
            .trim()
    }

    /// Decimal places of prices.
    pub fn unit_places(&self) -> u32 {
        if self.parameter("unitdp") == Some("4") {
            4
        } else {
            2
        }
    }

    /// What the request asks for, in the words of rules and journal.
    pub fn operation(&self) -> &'static str {
        let place = match &self.target {
            Target::Authorize => return "authorize",
            Target::Token => return "token",
            Target::Revoke => return "revoke",
            Target::Connections(_) => return "connections",
            Target::Nowhere => return "read",
            Target::Accounting(place) => place,
        };
        let is_allocation = matches!(place.below, Some((Below::Allocations, _)));
        match self.method.as_str() {
            "DELETE" => "delete",
            "PUT" | "POST" if is_allocation => "allocate",
            "PUT" => "create",
            "POST" => self.posted(place),
            _ if place.key.is_some() => "read",
            _ => "query",
        }
    }

    /// What a POST means, judged by its first element.
    fn posted(&self, place: &Place) -> &'static str {
        let first = self.elements(place.kind).into_iter().next();
        let status = first.and_then(|first| first.get("Status")?.as_str());
        let has_id = first.is_some_and(|first| first.get(place.kind.id_member()).is_some());
        match status {
            Some("VOIDED") => "void",
            Some("DELETED") => "delete",
            _ if has_id || place.key.is_some() => "update",
            _ => "create",
        }
    }

    /// The kind a request concerns.
    pub fn kind(&self) -> Option<Kind> {
        match &self.target {
            Target::Accounting(place) => Some(place.kind),
            _ => None,
        }
    }

    /// The elements of a body: a list under the plural name, a bare list, or one bare object.
    pub fn elements(&self, kind: Kind) -> Vec<&Value> {
        self.elements_under(kind.plural())
    }

    /// The same under another name.
    pub fn elements_under(&self, plural: &str) -> Vec<&Value> {
        let Some(json) = &self.json else {
            return Vec::new();
        };
        match json.get(plural) {
            Some(Value::Array(elements)) => elements.iter().collect(),
            Some(only @ Value::Object(_)) => vec![only],
            _ => match json {
                Value::Array(elements) => elements.iter().collect(),
                Value::Object(_) => vec![json],
                _ => Vec::new(),
            },
        }
    }
}

/// Reads `name=value` pairs as forms and query strings write them.
pub fn form(text: &str) -> Option<Vec<(String, String)>> {
    let uri: Uri = format!("/?{text}").parse().ok()?;
    let Query(pairs) = Query::try_from_uri(&uri).ok()?;
    Some(pairs)
}

/// A part of a path without its percent signs.
fn decoded(segment: &str) -> String {
    let pair = form(&format!(
        "x={}",
        segment.replace('+', "%2B").replace('&', "%26")
    ));
    let value = pair.and_then(|pairs| pairs.into_iter().next());
    value.map_or_else(|| segment.to_owned(), |(_, value)| value)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn route(path: &str) -> Target {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let lower: Vec<String> = segments.iter().map(|it| it.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match lower.as_slice() {
        ["identity", "connect", "authorize"] => Target::Authorize,
        ["connect", "token"] => Target::Token,
        ["connect", "revocation"] => Target::Revoke,
        ["connections"] => Target::Connections(None),
        ["connections", id] => Target::Connections(Some((*id).to_owned())),
        ["api.xro", "2.0", _, ..] => {
            place(&segments[2..]).map_or(Target::Nowhere, Target::Accounting)
        }
        _ => Target::Nowhere,
    }
}

fn place(segments: &[&str]) -> Option<Place> {
    let (resource, rest) = segments.split_first()?;
    let kind = Kind::at_path(resource)?;
    let key = rest.first().map(|key| decoded(key));
    let below = match rest.get(1) {
        None => None,
        Some(word) => {
            let below = match word.to_ascii_lowercase().as_str() {
                "allocations" => Below::Allocations,
                "history" => Below::History,
                "options" => Below::Options,
                _ => return None,
            };
            Some((below, rest.get(2).map(|key| decoded(key))))
        }
    };
    (rest.len() <= 3).then_some(Place { kind, key, below })
}
