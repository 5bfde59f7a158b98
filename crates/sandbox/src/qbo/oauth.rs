//! The token and revocation endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, form};
use super::tokens::Refusal;
use super::world::World;
use crate::web::journal::Execution;

/// `POST /oauth2/v1/tokens/bearer`: exchanges a code or refreshes.
pub fn token(world: &mut World, call: &Call, now: DateTime<Utc>) -> Answer {
    if call.method != "POST" {
        return error(405, "invalid_request", "POST only");
    }
    let Some(client_id) = client(world, call) else {
        return refused(Refusal::InvalidClient);
    };
    let is_form = call
        .content_type
        .starts_with("application/x-www-form-urlencoded");
    let fields = call.body.as_deref().filter(|_| is_form).and_then(form);
    let Some(fields) = fields else {
        return error(400, "invalid_request", "The body must be a form");
    };
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let World {
        tokens,
        settings,
        chance,
        ..
    } = world;
    let settings = &settings.tokens;
    let pair = match field("grant_type") {
        "refresh_token" => {
            tokens.refresh(&client_id, field("refresh_token"), settings, now, chance)
        }
        "authorization_code" => {
            let (code, uri) = (field("code"), field("redirect_uri"));
            tokens.exchange(&client_id, code, uri, settings, now, chance)
        }
        "" => return error(400, "invalid_request", "grant_type is missing"),
        _ => return error(400, "unsupported_grant_type", "Unknown grant_type"),
    };
    let pair = match pair {
        Ok(pair) => pair,
        Err(refusal) => return refused(refusal),
    };
    let mut body = json!({
        "token_type": "bearer",
        "access_token": pair.access,
        "expires_in": settings.access_seconds,
        "refresh_token": pair.refresh,
        "x_refresh_token_expires_in": settings.refresh_seconds,
    });
    if call.wants_hard_expiry {
        let left = (pair.consent_until - now).num_seconds();
        body["x_refresh_token_hard_expires_in"] = json!(left);
    }
    Answer::success(&body, Vec::new())
}

/// `POST /v2/oauth2/tokens/revoke`: ends a consent.
pub fn revoke(world: &mut World, call: &Call) -> Answer {
    let Some(client_id) = client(world, call) else {
        return refused(Refusal::InvalidClient);
    };
    let token = call.json.as_ref().and_then(|json| json.get("token"));
    let token = token.and_then(Value::as_str).unwrap_or_default();
    if call.method == "POST" && world.tokens.revoke(&client_id, token) {
        return Answer::plain(200, "application/json", String::new(), Execution::Executed);
    }
    error(400, "invalid_request", "Unknown token")
}

/// The application that the Basic header proves.
fn client(world: &World, call: &Call) -> Option<String> {
    let encoded = call.authorization.strip_prefix("Basic ")?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    let is_known = world.tokens.is_client(client_id, secret);
    is_known.then(|| client_id.to_owned())
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::InvalidClient => error(401, "invalid_client", "Unknown client"),
        Refusal::InvalidGrant => error(400, "invalid_grant", "Token invalid"),
    }
}

fn error(status: u16, word: &str, description: &str) -> Answer {
    let body = json!({"error": word, "error_description": description}).to_string();
    Answer::plain(status, "application/json", body, Execution::Refused)
}
