//! The way of a provider request: fault rules, token, tenant, scope, limits, the service, the
//! journal, the wire.
//!
//! ```text
//! arrive -> rule? -> 401, 403, 429 -> processing time -> key? -> effect -> journal -> reply
//!             |            |                                        |
//!           drop        refuse                          drop, hang, spoil the reply
//! ```
//!
//! A request runs in its own task: a caller who hangs up does not stop it from taking effect.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use rand::Rng as _;

use super::answer::Answer;
use super::call::{Call, Place, Target};
use super::identity::endpoints;
use super::identity::grants::Worth;
use super::keys::{self, Recall};
use super::mangle::{self, Delivery};
use super::organisation::guid;
use super::refusal;
use super::scopes;
use super::service::{self, Conditions};
use super::wire;
use super::world::{App, World};
use crate::web::connection::Line;
use crate::web::journal::{Entry, Execution};
use crate::web::rules::{Action, Traits, When};

/// Answers everything outside the control API.
pub async fn handle(
    State(app): State<App>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let at = app.clock().now();
    let bytes_max = app.world().settings.body_bytes_max;
    let Some(call) = Call::read(request, at, bytes_max).await else {
        let answer = refusal::too_large();
        return wire::respond(&answer, Body::from(answer.body.clone()), answer.body.len());
    };
    let work = tokio::spawn(serve(app, line, call));
    work.await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// What is known of a request besides itself.
pub struct Context {
    in_flight: u64,
    correlation_id: String,
    fault: Option<(u64, Action)>,
}

impl Context {
    fn action(&self) -> Option<&Action> {
        self.fault.as_ref().map(|(_, action)| action)
    }
}

async fn serve(app: App, line: Line, call: Call) -> Response {
    let (_in_progress, in_flight) = app.enter(call.tenant.as_deref(), call.bearer());
    let context = draw(&app, &call, in_flight);
    pause(&context, When::Before).await;
    let delivery = if let Some(delivery) = intercept(&app, &call, &context) {
        delivery
    } else {
        match admit(&app, &call, &context) {
            Err(refused) => record(&app, &call, &context, Delivery::Send(refused)),
            Ok(client) => {
                tokio::time::sleep(processing_time(&app, &call)).await;
                commit(&app, &call, &context, &client)
            }
        }
    };
    pause(&context, When::After).await;
    let headers = standing_headers(&app, &call, &context);
    wire::deliver(delivery, &line, headers).await
}

async fn pause(context: &Context, moment: When) {
    if let Some(Action::Delay { ms, when }) = context.action()
        && *when == moment
    {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
    }
}

/// Chooses the fault and the correlation id of a request.
fn draw(app: &App, call: &Call, in_flight: u64) -> Context {
    let mut world = app.world();
    let World {
        rules,
        chance,
        fault_chance,
        ..
    } = &mut *world;
    let traits = Traits {
        method: &call.method,
        path: &call.path,
        operation: call.operation(),
        entities: call
            .kind()
            .into_iter()
            .map(super::kind::Kind::name)
            .collect(),
        realm: call.tenant.as_deref(),
        body: call.body.as_deref().unwrap_or_default(),
    };
    Context {
        in_flight,
        fault: rules.pick(&traits, fault_chance),
        correlation_id: guid(chance),
    }
}

/// A rule that keeps the request from the service.
fn intercept(app: &App, call: &Call, context: &Context) -> Option<Delivery> {
    let now = app.clock().now();
    let mut world = app.world();
    let client = world.identity.app_of(call.bearer()).to_owned();
    let action = context.action()?;
    let delivery = mangle::before(action, &world, call, &client, &context.correlation_id, now)?;
    // A keyed request that fails inside the service fails again under its key.
    if let Delivery::Send(answer) = &delivery
        && answer.status == 500
    {
        keep(&mut world, call, &client, answer, now);
    }
    write_entry(&mut world, call, context, &delivery, now);
    Some(delivery)
}

/// Token, tenant, scope and limits; the application that may pass.
fn admit(app: &App, call: &Call, context: &Context) -> Result<String, Answer> {
    let Target::Accounting(place) = &call.target else {
        return Ok(String::new());
    };
    let now = app.clock().now();
    let mut world = app.world();
    let instance = &context.correlation_id;
    let grant = match world.identity.worth(call.bearer(), now) {
        Worth::Granted(grant) => grant.clone(),
        Worth::Expired(at) => return Err(refusal::token_expired(at, instance)),
        Worth::Unknown => return Err(refusal::unauthenticated(instance)),
    };
    let tenant = call.tenant.clone().unwrap_or_default();
    let organisation = world.organisations.get(&tenant);
    let is_there = organisation.is_some_and(|organisation| !organisation.profile.suspended);
    if !is_there || !world.identity.opens(&grant, &tenant) {
        return Err(refusal::forbidden(instance));
    }
    if !scopes::allow(&grant.scopes, place, call.is_write()) {
        return Err(refusal::insufficient_scope(instance));
    }
    let World {
        meter,
        settings,
        organisations,
        ..
    } = &mut *world;
    let client = grant.client_id;
    meter
        .admit(&settings.limits, &tenant, &client, context.in_flight, now)
        .map_err(refusal::limited)?;
    if organisations
        .get(&tenant)
        .is_some_and(|it| it.profile.offline)
    {
        return Err(refusal::organisation_offline());
    }
    Ok(client)
}

fn processing_time(app: &App, call: &Call) -> Duration {
    let mut world = app.world();
    let Some(kind) = call.kind() else {
        return Duration::ZERO;
    };
    let elements = if call.is_write() {
        call.elements(kind).len()
    } else {
        0
    };
    let elements = u64::try_from(elements).unwrap_or(u64::MAX);
    let settings = &world.settings;
    let elements = settings.per_element_ms.saturating_mul(elements);
    let usual = settings.processing_ms.saturating_add(elements);
    let (percent, factor) = (settings.slow_percent, settings.slow_factor);
    let is_slow = percent > 0 && world.slow_chance.random_range(0..100) < percent;
    let factor = if is_slow { u64::from(factor) } else { 1 };
    Duration::from_millis(usual.saturating_mul(factor))
}

/// Lets the request take effect and writes it down, in one hold of the lock.
fn commit(app: &App, call: &Call, context: &Context, client: &str) -> Delivery {
    let now = app.clock().now();
    let mut world = app.world();
    let correlation_id = &context.correlation_id;
    let answer = match &call.target {
        Target::Accounting(place) => accounting(&mut world, call, place, context, client, now),
        Target::Authorize => endpoints::authorize(&mut world, call, now),
        Target::Token => endpoints::token(&mut world, call, now),
        Target::Revoke => endpoints::revoke(&mut world, call),
        Target::Connections(id) => {
            endpoints::connections(&mut world, call, id.as_deref(), correlation_id, now)
        }
        Target::Nowhere => refusal::not_found(),
    };
    let tenant = call.tenant.as_deref().unwrap_or_default();
    if world.note(tenant, &answer.touched, now) {
        app.ring();
    }
    let delivery = match context.action() {
        Some(action) => mangle::after(action, answer, &world, call, now),
        None => Delivery::Send(answer),
    };
    write_entry(&mut world, call, context, &delivery, now);
    delivery
}

/// The Accounting API behind the idempotency keys.
fn accounting(
    world: &mut World,
    call: &Call,
    place: &Place,
    context: &Context,
    client: &str,
    now: DateTime<Utc>,
) -> Answer {
    if let Some(key) = keyed(call) {
        if key.chars().count() > keys::LENGTH_MAX {
            return refusal::key_too_long();
        }
        let life = world.settings.key_life_ms;
        match world
            .keys
            .recall(client, key, &key_request(call), life, now)
        {
            Recall::Fresh => {}
            Recall::Conflict => return refusal::key_conflict(key),
            Recall::Same(kept) => {
                return Answer {
                    execution: Execution::Replayed,
                    touched: Vec::new(),
                    ..kept.clone()
                };
            }
        }
    }
    let lookup_until = world.lookup_until(now);
    let World {
        organisations,
        settings,
        ..
    } = world;
    let conditions = Conditions {
        settings,
        now,
        lookup_until,
        app: client,
        correlation_id: &context.correlation_id,
    };
    let tenant = call.tenant.as_deref().unwrap_or_default();
    let Some(organisation) = organisations.get_mut(tenant) else {
        return refusal::forbidden(&context.correlation_id);
    };
    let answer = service::execute(organisation, call, place, conditions);
    let stored = match context.action() {
        // The service fails after the effect: its own failure is what the key remembers.
        Some(Action::CommitThenStatus { code: 500, body }) => {
            let mut failed = mangle::error_page(500, body.as_deref(), &context.correlation_id);
            failed.execution = answer.execution;
            failed
        }
        _ => answer.clone(),
    };
    keep(world, call, client, &stored, now);
    answer
}

/// The key of a request that honours one.
fn keyed(call: &Call) -> Option<&str> {
    let is_keyed = matches!(call.method.as_str(), "PUT" | "POST" | "PATCH");
    call.key.as_deref().filter(|_| is_keyed)
}

fn key_request(call: &Call) -> keys::Request {
    keys::Request {
        parts: [
            call.method.clone(),
            format!("{}?{}", call.path, call.query),
            call.tenant.clone().unwrap_or_default(),
            call.body.clone().unwrap_or_default(),
        ],
    }
}

fn keep(world: &mut World, call: &Call, client: &str, answer: &Answer, now: DateTime<Utc>) {
    if let Some(key) = keyed(call) {
        let life = world.settings.key_life_ms;
        let request = key_request(call);
        world
            .keys
            .keep(client, key, request, answer.clone(), life, now);
    }
}

fn record(app: &App, call: &Call, context: &Context, delivery: Delivery) -> Delivery {
    let now = app.clock().now();
    write_entry(&mut app.world(), call, context, &delivery, now);
    delivery
}

fn write_entry(
    world: &mut World,
    call: &Call,
    context: &Context,
    delivery: &Delivery,
    now: DateTime<Utc>,
) {
    let withheld = || "(withheld)".to_owned();
    let answer = delivery.answer();
    let sent = delivery.sent();
    world.journal.append(Entry {
        sequence: 0,
        at: call.at,
        decided_at: now,
        realm: call.tenant.clone(),
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        requestid: call.key.clone(),
        operation: call.operation(),
        body: if call.is_secret() {
            withheld()
        } else {
            call.body.clone().unwrap_or_default()
        },
        status: sent.map(|answer| answer.status),
        reply: sent.map(|answer| {
            if call.is_secret() {
                withheld()
            } else {
                answer.body.clone()
            }
        }),
        execution: answer.map_or(Execution::NotReached, |answer| answer.execution),
        fault: context.action().map(Action::name),
        fault_rule: context.fault.as_ref().map(|(id, _)| *id),
        objects: answer
            .map(|answer| answer.touched.clone())
            .unwrap_or_default(),
        concurrent: usize::try_from(context.in_flight).unwrap_or(usize::MAX),
        intuit_tid: context.correlation_id.clone(),
    });
}

/// The headers that stand on every answer, with what is left of the limits in force.
fn standing_headers(app: &App, call: &Call, context: &Context) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Xero-Correlation-Id", context.correlation_id.clone()),
        ("Cache-Control", "max-age=0, no-cache, no-store".to_owned()),
    ];
    let now = app.clock().now();
    let mut world = app.world();
    let World {
        meter,
        settings,
        identity,
        ..
    } = &mut *world;
    let tenant = call.tenant.as_deref().unwrap_or_default();
    let client = identity.app_of(call.bearer());
    if call.kind().is_none() || client.is_empty() {
        return headers;
    }
    let left = meter.remaining(&settings.limits, tenant, client, now);
    for (name, left) in [
        ("X-MinLimit-Remaining", left.minute),
        ("X-DayLimit-Remaining", left.day),
        ("X-AppMinLimit-Remaining", left.app_minute),
    ] {
        headers.extend(left.map(|left| (name, left.to_string())));
    }
    headers
}
