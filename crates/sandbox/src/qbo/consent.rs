//! The pages of the identity service that are not about tokens: connecting, discovery, who I am.
//!
//! The authorize page needs no browser: it answers at once with the redirect that a person's
//! choice would bring, as the settings say the person chooses. Identity tokens are not issued, so
//! the set of keys is empty; `openid` only opens the userinfo endpoint.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use super::tokens::Access;
use super::world::World;
use crate::web::journal::Execution;

/// Scopes the service grants.
const SCOPES: [&str; 7] = [
    "com.intuit.quickbooks.accounting",
    "com.intuit.quickbooks.payment",
    "openid",
    "profile",
    "email",
    "phone",
    "address",
];

/// `GET /connect/oauth2`: redirects with a code, or with the reason there is none.
pub fn authorize(world: &mut World, call: &Call, now: DateTime<Utc>) -> Answer {
    let asked = |name: &str| call.parameter(name).unwrap_or_default();
    let (client, uri) = (asked("client_id"), asked("redirect_uri"));
    // Whoever cannot be trusted with a redirect gets a page.
    if call.method != "GET" || !world.tokens.is_known(client) {
        return page(400, "The client_id is missing or unknown.");
    }
    if uri.is_empty() || !world.tokens.may_redirect(client, uri) {
        return page(400, "The redirect_uri query parameter value is invalid.");
    }
    let state = asked("state");
    let refuse = |word: &str| redirect(uri, &[("error", word), ("state", state)]);
    if asked("response_type") != "code" {
        return refuse("unsupported_response_type");
    }
    let scopes: Vec<String> = asked("scope").split(' ').map(str::to_owned).collect();
    let is_granted = |scope: &String| SCOPES.contains(&scope.as_str());
    if !scopes.iter().all(is_granted) {
        return refuse("invalid_scope");
    }
    let first = world.companies.keys().next().cloned();
    let realm = world.settings.consent.realm.clone().or(first);
    let Some(realm) = realm.filter(|_| !world.settings.consent.denies) else {
        return refuse("access_denied");
    };
    let access = Access {
        client_id: client.to_owned(),
        realms: vec![realm.clone()],
        scopes,
    };
    let World { tokens, chance, .. } = world;
    let code = tokens.issue_code(access, Some(uri.to_owned()), now, chance);
    redirect(
        uri,
        &[("code", &code), ("state", state), ("realmId", &realm)],
    )
}

/// `GET /.well-known/openid_configuration/`: where everything is.
pub fn discovery(call: &Call) -> Answer {
    let base = format!("http://{}", call.host);
    let body = json!({
        "issuer": format!("{base}/op/v1"),
        "authorization_endpoint": format!("{base}/connect/oauth2"),
        "token_endpoint": format!("{base}/oauth2/v1/tokens/bearer"),
        "userinfo_endpoint": format!("{base}/v1/openid_connect/userinfo"),
        "revocation_endpoint": format!("{base}/v2/oauth2/tokens/revoke"),
        "jwks_uri": format!("{base}/op/v1/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "address", "phone"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
    });
    Answer::success(&body, Vec::new())
}

/// `GET /op/v1/jwks`: no keys, since no identity tokens are issued.
pub fn keys() -> Answer {
    Answer::success(&json!({"keys": []}), Vec::new())
}

/// `GET /v1/openid_connect/userinfo`: the person who connected, for tokens with `openid`.
pub fn user_info(world: &World, call: &Call, now: DateTime<Utc>) -> Answer {
    let token = call.authorization.strip_prefix("Bearer ").unwrap_or("");
    let access = world.tokens.access(token.trim(), now);
    let scopes = access.map(|access| access.scopes.as_slice());
    if !scopes.is_some_and(|scopes| scopes.iter().any(|scope| scope == "openid")) {
        let body = json!({"error": "invalid_token"}).to_string();
        return Answer::plain(401, "application/json", body, Execution::Refused);
    }
    let body = json!({
        "sub": "248289761001",
        "givenName": "Sandbox",
        "familyName": "Owner",
        "email": "owner@example.com",
        "emailVerified": true,
    });
    Answer::success(&body, Vec::new())
}

fn redirect(uri: &str, parameters: &[(&str, &str)]) -> Answer {
    let mut location = uri.to_owned();
    let mut mark = if uri.contains('?') { '&' } else { '?' };
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        location.push(mark);
        location.push_str(name);
        location.push('=');
        location.push_str(&encoded(value));
        mark = '&';
    }
    let answer = Answer::plain(302, "text/html", String::new(), Execution::Executed);
    Answer {
        location: Some(location),
        ..answer
    }
}

/// A value as it stands in a query string.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                text.push(digit.to_ascii_uppercase());
            }
        }
    }
    text
}

fn page(status: u16, text: &str) -> Answer {
    let body = format!("<html><body><h1>Sorry</h1><p>{text}</p></body></html>");
    Answer::plain(status, "text/html", body, Execution::Refused)
}
