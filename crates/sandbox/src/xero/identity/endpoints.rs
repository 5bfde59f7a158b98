//! The authorize page without a browser, the token endpoint, revocation and connections.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::grants::{Application, Code, Connection, Grant, Pair, Worth};
use crate::web::journal::Execution;
use crate::xero::answer::{Answer, JSON};
use crate::xero::call::{Call, form};
use crate::xero::dates;
use crate::xero::refusal;
use crate::xero::scopes;
use crate::xero::signature;
use crate::xero::world::World;

/// Lengths of a PKCE verifier.
const VERIFIER: std::ops::RangeInclusive<usize> = 43..=128;

fn error(word: &str) -> Answer {
    Answer::refused(400, &json!({"error": word}))
}

/// `GET /identity/connect/authorize`: the person of the settings answers at once.
pub fn authorize(world: &mut World, call: &Call, now: DateTime<Utc>) -> Answer {
    let parameter = |name: &str| call.parameter(name).unwrap_or_default();
    let client_id = parameter("client_id");
    let redirect_uri = parameter("redirect_uri");
    let Some(app) = world.identity.app(client_id) else {
        return error("unauthorized_client");
    };
    if !may_redirect(app, redirect_uri) {
        return error("invalid_request");
    }
    let back = |pairs: &str| {
        let state = call.parameter("state");
        let state = state.map_or(String::new(), |it| format!("&state={}", encoded(it)));
        let joint = if redirect_uri.contains('?') { '&' } else { '?' };
        let location = format!("{redirect_uri}{joint}{pairs}{state}");
        let execution = Execution::Executed;
        Answer::text(302, JSON, String::new(), execution).with("Location", location)
    };
    let asked = words(parameter("scope"));
    let is_allowed = |scope: &String| scopes::is_known(scope, app.broad_scopes);
    if parameter("response_type") != "code" {
        return back("error=unsupported_response_type");
    }
    if asked.is_empty() || !asked.iter().all(is_allowed) {
        return back("error=invalid_scope");
    }
    let challenge = call.parameter("code_challenge");
    let is_plain = challenge.is_some() && parameter("code_challenge_method") != "S256";
    if is_plain || (app.client_secret.is_none() && challenge.is_none()) {
        return back("error=invalid_request");
    }
    let person = world.settings.person.clone();
    if person.denies {
        return back("error=access_denied");
    }
    let all = || world.organisations.keys().cloned().collect();
    let code = Code {
        client_id: client_id.to_owned(),
        user_id: person.user_id,
        scopes: asked,
        tenants: person.tenants.unwrap_or_else(all),
        redirect_uri: Some(redirect_uri.to_owned()),
        challenge: challenge.map(str::to_owned),
        nonce: call.parameter("nonce").map(str::to_owned),
    };
    let tokens = &world.settings.tokens;
    let code = world
        .identity
        .issue_code(code, tokens, now, &mut world.chance);
    back(&format!("code={code}"))
}

/// Whether codes may be sent to an address: exactly one of the application's, by https or to
/// `localhost` by that name.
fn may_redirect(app: &Application, uri: &str) -> bool {
    let is_local = ["http://localhost/", "http://localhost:"]
        .iter()
        .any(|start| uri.starts_with(start));
    let is_named = app
        .redirect_uris
        .as_ref()
        .is_none_or(|known| known.iter().any(|known| known == uri));
    is_named && (is_local || uri.starts_with("https://"))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// `POST /connect/token`.
pub fn token(world: &mut World, call: &Call, now: DateTime<Utc>) -> Answer {
    let is_form = call
        .content_type
        .starts_with("application/x-www-form-urlencoded");
    let fields = call.body.as_deref().filter(|_| is_form).and_then(form);
    let Some(fields) = fields.filter(|_| call.method == "POST") else {
        return error("invalid_request");
    };
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let app = match client(world, call, &fields) {
        Ok(app) => app.clone(),
        Err(why) => return error(why),
    };
    let World {
        identity,
        settings,
        chance,
        ..
    } = world;
    let settings = &settings.tokens;
    let pair = match field("grant_type") {
        "refresh_token" => {
            let token = field("refresh_token");
            let pair = identity.refresh(&app.client_id, token, settings, now, chance);
            pair.ok_or("invalid_grant")
        }
        "authorization_code" => {
            let code = identity.take_code(field("code"), now);
            let proof = (field("redirect_uri"), field("code_verifier"));
            match code.filter(|code| fits(code, &app, proof)) {
                Some(code) => Ok(identity.grant(code, settings, now, chance)),
                None => Err("invalid_grant"),
            }
        }
        "client_credentials" => match minted(&app, field("scope")) {
            Ok(code) => Ok(identity.grant(code, settings, now, chance)),
            Err(why) => Err(why),
        },
        "" => Err("invalid_request"),
        _ => Err("unsupported_grant_type"),
    };
    match pair {
        Ok(pair) => Answer::success(&shown(&pair, settings.access_seconds), Vec::new()),
        Err(why) => error(why),
    }
}

fn shown(pair: &Pair, expires_in: i64) -> Value {
    let mut body = json!({
        "access_token": pair.access,
        "expires_in": expires_in,
        "token_type": "Bearer",
        "scope": pair.scopes.join(" "),
    });
    if let Some(refresh) = &pair.refresh {
        body["refresh_token"] = json!(refresh);
    }
    if let Some(id_token) = &pair.id_token {
        body["id_token"] = json!(id_token);
    }
    body
}

/// Whether a code is for this application, address and verifier.
fn fits(code: &Code, app: &Application, (redirect_uri, verifier): (&str, &str)) -> bool {
    let is_here = code
        .redirect_uri
        .as_deref()
        .is_none_or(|uri| uri == redirect_uri);
    let is_proved = code.challenge.as_deref().is_none_or(|challenge| {
        VERIFIER.contains(&verifier.len()) && signature::challenge(verifier) == challenge
    });
    code.client_id == app.client_id && is_here && is_proved
}

/// The grant of a custom connection to itself.
fn minted(app: &Application, scope: &str) -> Result<Code, &'static str> {
    let tenant = app.custom_tenant.clone().ok_or("unauthorized_client")?;
    let asked = words(scope);
    let is_allowed =
        |scope: &String| scopes::is_known(scope, app.broad_scopes) && scope != "offline_access";
    if asked.is_empty() || !asked.iter().all(is_allowed) {
        return Err("invalid_scope");
    }
    Ok(Code {
        client_id: app.client_id.clone(),
        user_id: format!("custom-{}", app.client_id),
        scopes: asked,
        tenants: vec![tenant],
        redirect_uri: None,
        challenge: None,
        nonce: None,
    })
}

/// The application that a request proves to come from, by Basic header or form fields.
fn client<'a>(
    world: &'a World,
    call: &Call,
    fields: &[(String, String)],
) -> Result<&'a Application, &'static str> {
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let (client_id, secret) = match basic(call) {
        Some((client_id, secret)) => (client_id, Some(secret)),
        None => (
            field("client_id").unwrap_or_default(),
            field("client_secret"),
        ),
    };
    if client_id.is_empty() {
        return Err("invalid_request");
    }
    let app = world.identity.app(&client_id).ok_or("invalid_client")?;
    let secret = secret.filter(|secret| !secret.is_empty());
    if app.client_secret != secret {
        return Err("invalid_client");
    }
    Ok(app)
}

fn basic(call: &Call) -> Option<(String, String)> {
    let encoded = call.authorization.strip_prefix("Basic ")?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((client_id.to_owned(), secret.to_owned()))
}

/// `POST /connect/revocation`: 200 without a body, whether or not the token was known.
pub fn revoke(world: &mut World, call: &Call) -> Answer {
    let fields = call.body.as_deref().and_then(form).unwrap_or_default();
    let client_id = match client(world, call, &fields) {
        Ok(app) => app.client_id.clone(),
        Err(why) => return error(why),
    };
    let token = fields.iter().find(|(name, _)| name == "token");
    if let Some((_, token)) = token {
        world.identity.revoke(&client_id, token);
    }
    Answer::empty(200)
}

/// `GET /connections` and `DELETE /connections/{id}`.
pub fn connections(
    world: &mut World,
    call: &Call,
    id: Option<&str>,
    instance: &str,
    now: DateTime<Utc>,
) -> Answer {
    let grant = match world.identity.worth(call.bearer(), now) {
        Worth::Granted(grant) => grant.clone(),
        Worth::Expired(at) => return refusal::token_expired(at, instance),
        Worth::Unknown => return refusal::unauthenticated(instance),
    };
    match (call.method.as_str(), id) {
        ("GET", None) => list(world, call, &grant),
        ("DELETE", Some(id)) => remove(world, &grant, id, instance),
        _ => refusal::not_found(),
    }
}

fn list(world: &World, call: &Call, grant: &Grant) -> Answer {
    let wanted = call.parameter("autheventid");
    let of_visit = |connection: &&Connection| {
        wanted.is_none_or(|wanted| connection.auth_event_id.eq_ignore_ascii_case(wanted))
    };
    let connections = world.identity.connections(grant).filter(of_visit);
    let rows = connections.map(|connection| {
        let organisation = world.organisations.get(&connection.tenant_id);
        json!({
            "id": connection.id,
            "authEventId": connection.auth_event_id,
            "tenantId": connection.tenant_id,
            "tenantType": "ORGANISATION",
            "tenantName": organisation.map(|it| it.profile.name.as_str()),
            "createdDateUtc": dates::long(connection.created_at),
            "updatedDateUtc": dates::long(connection.updated_at),
        })
    });
    Answer::success(&rows.collect(), Vec::new())
}

fn remove(world: &mut World, grant: &Grant, id: &str, instance: &str) -> Answer {
    let is_own = world
        .identity
        .connections(grant)
        .any(|connection| connection.id == id);
    if is_own {
        world.identity.remove_connection(id);
        return Answer::empty(204);
    }
    // A tenant's id instead of the connection's was answered with 403 (fact sheet 2.3).
    if world.organisations.contains_key(id) {
        return refusal::forbidden(instance);
    }
    refusal::not_found()
}
