//! The control API under `/_sandbox`: organisations, applications, tokens, settings, faults,
//! journal, limits, books.
//!
//! It has no authentication: the sandbox listens on the loopback interface only.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::books;
use super::human::{self, Deeds};
use super::identity::grants::{Application, Code};
use super::mangle;
use super::organisation::is_guid;
use super::profile::Profile;
use super::query::listing;
use super::render::View;
use super::settings::Settings;
use super::webhooks::{Wish, telling};
use super::world::App;
use crate::web::journal::{Entry, Execution};
use crate::web::rules::{Action, Rule};

/// Journal entries in one reply when the caller does not say.
const JOURNAL_PAGE: usize = 10_000;

/// Scopes of a consent that names none: everything this product needs.
const USUAL_SCOPES: &str = "openid profile email offline_access accounting.contacts \
                            accounting.invoices accounting.payments accounting.banktransactions \
                            accounting.settings";

/// The routes of the control API.
pub fn router() -> Router<App> {
    Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/organisations", post(found).get(list_organisations))
        .route("/organisations/{tenant}", patch(change_organisation))
        .route("/apps", post(register))
        .route("/tokens", post(issue_tokens))
        .route("/codes", post(issue_code))
        .route("/disconnect/{tenant}", post(disconnect))
        .route("/settings", get(show_settings).patch(change_settings))
        .route("/clock", post(advance_clock))
        .route(
            "/faults",
            post(add_faults).get(list_faults).delete(clear_faults),
        )
        .route("/faults/{id}", delete(remove_fault))
        .route("/journal", get(journal))
        .route("/limits", get(limits))
        .route("/books/{tenant}", get(export_books))
        .route("/human", post(work_as_human))
        .route("/webhooks", post(subscribe).get(webhooks))
        .fallback(|| async { StatusCode::NOT_FOUND })
}

/// A refusal of the control API.
struct Complaint(StatusCode, String);

impl IntoResponse for Complaint {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

type Reply = Result<Json<Value>, Complaint>;

fn bad(error: impl std::fmt::Display) -> Complaint {
    Complaint(StatusCode::BAD_REQUEST, error.to_string())
}

fn no_organisation(tenant: &str) -> Complaint {
    let text = format!("there is no organisation {tenant}");
    Complaint(StatusCode::NOT_FOUND, text)
}

fn shown(value: impl Serialize) -> Reply {
    serde_json::to_value(value).map(Json).map_err(bad)
}

/// A value with some of its members replaced; nested structures are merged.
fn patched<T: Serialize + DeserializeOwned>(value: &T, changes: Value) -> Result<T, Complaint> {
    let mut merged = serde_json::to_value(value).map_err(bad)?;
    merge(&mut merged, changes);
    serde_json::from_value(merged).map_err(bad)
}

fn merge(target: &mut Value, changes: Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(target.entry(name).or_insert(Value::Null), change);
            }
        }
        (target, changes) => *target = changes,
    }
}

async fn found(State(app): State<App>, Json(wanted): Json<Profile>) -> Reply {
    if !wanted.tenant_id.is_empty() && !is_guid(&wanted.tenant_id) {
        return Err(bad("tenantId must be a GUID"));
    }
    let now = app.clock().now();
    let mut world = app.world();
    if world.organisations.contains_key(&wanted.tenant_id) {
        let text = format!("organisation {} exists", wanted.tenant_id);
        return Err(Complaint(StatusCode::CONFLICT, text));
    }
    let tenant = world.found(wanted, now);
    shown(world.organisations.get(&tenant).map(|it| &it.profile))
}

async fn list_organisations(State(app): State<App>) -> Reply {
    let world = app.world();
    let organisations = world.organisations.values();
    let profiles: Vec<&Profile> = organisations.map(|known| &known.profile).collect();
    shown(profiles)
}

async fn change_organisation(
    State(app): State<App>,
    Path(tenant): Path<String>,
    Json(changes): Json<Value>,
) -> Reply {
    let mut world = app.world();
    let organisation = world.organisations.get_mut(&tenant);
    let organisation = organisation.ok_or_else(|| no_organisation(&tenant))?;
    let profile: Profile = patched(&organisation.profile, changes)?;
    if profile.tenant_id != tenant {
        return Err(bad("the tenant id cannot be changed"));
    }
    organisation.profile = profile;
    shown(&organisation.profile)
}

async fn register(State(app): State<App>, Json(wanted): Json<Application>) -> Reply {
    app.world().identity.register(wanted);
    shown(json!({}))
}

/// A consent as it is asked for without the authorize page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consent {
    client_id: String,
    #[serde(default)]
    client_secret: Option<String>,
    tenants: Vec<String>,
    #[serde(default)]
    scopes: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    redirect_uri: Option<String>,
    #[serde(default)]
    code_challenge: Option<String>,
}

/// The code of a consent; an application that is not known becomes so.
fn code(app: &App, consent: Consent) -> Code {
    let mut world = app.world();
    if world.identity.app(&consent.client_id).is_none() {
        world.identity.register(Application {
            client_id: consent.client_id.clone(),
            client_secret: consent.client_secret,
            redirect_uris: None,
            broad_scopes: true,
            custom_tenant: None,
        });
    }
    let scopes = consent.scopes.as_deref().unwrap_or(USUAL_SCOPES);
    Code {
        client_id: consent.client_id,
        user_id: consent
            .user_id
            .unwrap_or_else(|| world.settings.person.user_id.clone()),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        tenants: consent.tenants,
        redirect_uri: consent.redirect_uri,
        challenge: consent.code_challenge,
        nonce: None,
    }
}

async fn issue_tokens(State(app): State<App>, Json(consent): Json<Consent>) -> Reply {
    let now = app.clock().now();
    let code = code(&app, consent);
    let mut guard = app.world();
    let world = &mut *guard;
    let settings = &world.settings.tokens;
    let pair = world.identity.grant(code, settings, now, &mut world.chance);
    shown(json!({
        "accessToken": pair.access,
        "refreshToken": pair.refresh,
        "idToken": pair.id_token,
        "authEventId": pair.auth_event_id,
        "scope": pair.scopes.join(" "),
        "expiresIn": settings.access_seconds,
        "refreshExpiresIn": settings.refresh_seconds,
    }))
}

async fn issue_code(State(app): State<App>, Json(consent): Json<Consent>) -> Reply {
    let now = app.clock().now();
    let code = code(&app, consent);
    let mut guard = app.world();
    let world = &mut *guard;
    let settings = &world.settings.tokens;
    let text = world
        .identity
        .issue_code(code, settings, now, &mut world.chance);
    shown(json!({"code": text}))
}

async fn disconnect(State(app): State<App>, Path(tenant): Path<String>) -> Reply {
    app.world().identity.disconnect(&tenant);
    shown(json!({}))
}

async fn show_settings(State(app): State<App>) -> Reply {
    shown(&app.world().settings)
}

async fn change_settings(State(app): State<App>, Json(changes): Json<Value>) -> Reply {
    let mut world = app.world();
    let settings: Settings = patched(&world.settings, changes)?;
    world.settings = settings;
    shown(&world.settings)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_ms: i64,
}

async fn advance_clock(State(app): State<App>, Json(advance): Json<Advance>) -> Reply {
    if advance.advance_ms < 0 {
        return Err(bad("the clock only goes forward"));
    }
    app.clock().advance(advance.advance_ms);
    shown(json!({"now": app.clock().now()}))
}

async fn add_faults(State(app): State<App>, Json(body): Json<Value>) -> Reply {
    let rules: Vec<Value> = match body {
        Value::Array(rules) => rules,
        rule => vec![rule],
    };
    let rules = rules.into_iter().map(serde_json::from_value::<Rule>);
    let rules: Vec<Rule> = rules.collect::<Result<_, _>>().map_err(bad)?;
    for rule in &rules {
        if let Action::Refuse { name, .. } = &rule.action
            && !mangle::is_refusal(name)
        {
            return Err(bad(format!("there is no refusal {name}")));
        }
    }
    let mut world = app.world();
    let ids: Vec<u64> = rules
        .into_iter()
        .map(|rule| world.rules.add(rule))
        .collect();
    shown(json!({"ids": ids}))
}

async fn list_faults(State(app): State<App>) -> Reply {
    shown(app.world().rules.list())
}

async fn clear_faults(State(app): State<App>) -> Reply {
    app.world().rules.clear();
    shown(json!({}))
}

async fn remove_fault(State(app): State<App>, Path(id): Path<u64>) -> Reply {
    if app.world().rules.remove(id) {
        return shown(json!({}));
    }
    let text = format!("there is no fault rule {id}");
    Err(Complaint(StatusCode::NOT_FOUND, text))
}

#[derive(Deserialize)]
struct Page {
    since: Option<u64>,
    limit: Option<usize>,
}

async fn journal(State(app): State<App>, Query(page): Query<Page>) -> Reply {
    let world = app.world();
    let limit = page.limit.unwrap_or(JOURNAL_PAGE);
    let entries = world.journal.since(page.since.unwrap_or(0), limit);
    shown(json!({
        "lastSequence": world.journal.last_sequence(),
        "inProgress": world.in_progress,
        "entries": entries,
    }))
}

async fn limits(State(app): State<App>) -> Reply {
    let world = app.world();
    shown(json!({"tenants": world.meter.tenants(), "apps": world.meter.apps()}))
}

async fn export_books(State(app): State<App>, Path(tenant): Path<String>) -> Reply {
    let now = app.clock().now();
    let world = app.world();
    let organisation = world.organisations.get(&tenant);
    let organisation = organisation.ok_or_else(|| no_organisation(&tenant))?;
    Ok(Json(books::export(organisation, now)))
}

/// Proves the address and tells what waits for it since it was last active.
async fn subscribe(State(app): State<App>, Json(wish): Json<Wish>) -> Reply {
    let state = telling::intend(&app, &wish).await;
    app.world().webhooks.subscribe(wish, state);
    app.ring();
    shown(json!({"state": state}))
}

async fn webhooks(State(app): State<App>) -> Reply {
    Ok(Json(app.world().webhooks.report()))
}

async fn work_as_human(State(app): State<App>, Json(body): Json<Value>) -> Reply {
    let deeds: Deeds = serde_json::from_value(body.clone()).map_err(bad)?;
    let now = app.clock().now();
    let mut world = app.world();
    let organisation = world.organisations.get_mut(&deeds.tenant_id);
    let organisation = organisation.ok_or_else(|| no_organisation(&deeds.tenant_id))?;
    let written = human::act(organisation, &deeds, now)
        .map_err(|complaints| bad(complaints.messages().join("; ")))?;
    let entity = listing::show(organisation, written.kind, &written.id, now, View::full(4));
    let entity = entity.unwrap_or(Value::Null);
    if world.note(&deeds.tenant_id, &written.touched, now) {
        app.ring();
    }
    world.journal.append(Entry {
        sequence: 0,
        at: now,
        decided_at: now,
        realm: Some(deeds.tenant_id),
        method: "HUMAN".to_owned(),
        path: "/_sandbox/human".to_owned(),
        query: String::new(),
        requestid: None,
        operation: "human",
        body: body.to_string(),
        status: Some(200),
        reply: Some(entity.to_string()),
        execution: Execution::Executed,
        fault: None,
        fault_rule: None,
        objects: written.touched,
        concurrent: 0,
        intuit_tid: String::new(),
    });
    Ok(Json(entity))
}
