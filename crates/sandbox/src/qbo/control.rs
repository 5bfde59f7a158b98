//! The control API under `/_sandbox`: companies, tokens, settings, faults, journal, books.
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
use super::company::Company;
use super::human::{self, Work};
use super::profile::Profile;
use super::settings::Settings;
use super::tokens::Access;
use super::world::App;
use crate::web::journal::{Entry, Execution};
use crate::web::rules::Rule;

/// Journal entries in one reply when the caller does not say.
const JOURNAL_PAGE: usize = 10_000;

/// The routes of the control API.
pub fn router() -> Router<App> {
    Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/companies", post(create_company).get(list_companies))
        .route("/companies/{realm}", patch(change_company))
        .route("/tokens", post(issue_tokens))
        .route("/codes", post(issue_code))
        .route("/clients", post(register_client))
        .route("/disconnect/{realm}", post(disconnect))
        .route("/settings", get(show_settings).patch(change_settings))
        .route("/clock", post(advance_clock))
        .route(
            "/faults",
            post(add_faults).get(list_faults).delete(clear_faults),
        )
        .route("/faults/{id}", delete(remove_fault))
        .route("/journal", get(journal))
        .route("/webhooks", get(webhooks))
        .route("/limits", get(peaks))
        .route("/books/{realm}", get(export_books))
        .route("/books/{realm}/positions", get(export_positions))
        .route("/human", post(work_as_human))
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

fn no_company(realm: &str) -> Complaint {
    let text = format!("there is no company {realm}");
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

async fn create_company(State(app): State<App>, Json(wanted): Json<Profile>) -> Reply {
    if wanted.realm.is_empty() || !wanted.realm.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad("realm must be digits"));
    }
    let now = app.clock().now();
    let mut world = app.world();
    if world.companies.contains_key(&wanted.realm) {
        let text = format!("company {} exists", wanted.realm);
        return Err(Complaint(StatusCode::CONFLICT, text));
    }
    let realm = wanted.realm.clone();
    let company = Company::found(wanted, now);
    let reply = shown(&company.profile);
    world.companies.insert(realm, company);
    reply
}

async fn list_companies(State(app): State<App>) -> Reply {
    let world = app.world();
    let profiles: Vec<&Profile> = world
        .companies
        .values()
        .map(|known| &known.profile)
        .collect();
    shown(profiles)
}

async fn change_company(
    State(app): State<App>,
    Path(realm): Path<String>,
    Json(changes): Json<Value>,
) -> Reply {
    let mut world = app.world();
    let company = world.companies.get_mut(&realm);
    let company = company.ok_or_else(|| no_company(&realm))?;
    let profile: Profile = patched(&company.profile, changes)?;
    if profile.realm != realm {
        return Err(bad("the realm cannot be changed"));
    }
    company.profile = profile;
    shown(&company.profile)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consent {
    client_id: String,
    client_secret: String,
    realms: Vec<String>,
    #[serde(default)]
    redirect_uri: Option<String>,
}

async fn issue_tokens(State(app): State<App>, Json(asked): Json<Consent>) -> Reply {
    let now = app.clock().now();
    let mut guard = app.world();
    let world = &mut *guard;
    let access = Access::accounting(&asked.client_id, asked.realms);
    world
        .tokens
        .register(&asked.client_id, &asked.client_secret);
    let settings = &world.settings.tokens;
    let pair = world
        .tokens
        .consent(access, settings, now, &mut world.chance);
    shown(json!({
        "accessToken": pair.access,
        "refreshToken": pair.refresh,
        "expiresIn": settings.access_seconds,
        "refreshExpiresIn": settings.refresh_seconds,
    }))
}

async fn issue_code(State(app): State<App>, Json(asked): Json<Consent>) -> Reply {
    let mut guard = app.world();
    let world = &mut *guard;
    let access = Access::accounting(&asked.client_id, asked.realms);
    world
        .tokens
        .register(&asked.client_id, &asked.client_secret);
    let code = world.tokens.issue_code(
        access,
        asked.redirect_uri,
        app.clock().now(),
        &mut world.chance,
    );
    shown(json!({"code": code}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Application {
    client_id: String,
    client_secret: String,
    redirect_uris: Vec<String>,
}

async fn register_client(State(app): State<App>, Json(asked): Json<Application>) -> Reply {
    let mut world = app.world();
    let tokens = &mut world.tokens;
    tokens.register(&asked.client_id, &asked.client_secret);
    tokens.register_redirects(&asked.client_id, asked.redirect_uris);
    shown(json!({}))
}

async fn disconnect(State(app): State<App>, Path(realm): Path<String>) -> Reply {
    app.world().tokens.disconnect(&realm);
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
        "inProgress": world.in_progress.values().sum::<usize>(),
        "entries": entries,
    }))
}

async fn webhooks(State(app): State<App>) -> Reply {
    shown(app.world().notices.report())
}

async fn peaks(State(app): State<App>) -> Reply {
    shown(app.world().meter.peaks())
}

async fn export_books(State(app): State<App>, Path(realm): Path<String>) -> Reply {
    let world = app.world();
    let company = world.companies.get(&realm);
    let company = company.ok_or_else(|| no_company(&realm))?;
    Ok(Json(books::export(company)))
}

async fn export_positions(
    State(app): State<App>,
    Path(realm): Path<String>,
    Query(page): Query<Page>,
) -> Reply {
    let world = app.world();
    let company = world.companies.get(&realm);
    let company = company.ok_or_else(|| no_company(&realm))?;
    let since = page.since.unwrap_or(0);
    let limit = page.limit.unwrap_or(JOURNAL_PAGE);
    let positions = company.ledger.positions(company, since, limit);
    shown(json!({"positions": positions}))
}

async fn work_as_human(State(app): State<App>, Json(body): Json<Value>) -> Reply {
    let work: Work = serde_json::from_value(body.clone()).map_err(bad)?;
    let now = app.clock().now();
    let mut world = app.world();
    let company = world.companies.get_mut(&work.realm);
    let company = company.ok_or_else(|| no_company(&work.realm))?;
    let written = human::act(company, &work, now)
        .map_err(|fault| bad(format!("{}: {}", fault.code, fault.detail)))?;
    world.record(Entry {
        sequence: 0,
        at: now,
        decided_at: now,
        realm: Some(work.realm),
        method: "HUMAN".to_owned(),
        path: "/_sandbox/human".to_owned(),
        query: String::new(),
        requestid: None,
        operation: "human",
        body: body.to_string(),
        status: Some(200),
        reply: Some(written.entity.to_string()),
        execution: Execution::Executed,
        fault: None,
        fault_rule: None,
        objects: written.touched,
        concurrent: 0,
        intuit_tid: String::new(),
    });
    Ok(Json(written.entity))
}
