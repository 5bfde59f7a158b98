//! The way of a provider request: fault rules, token, limits, the service, the journal, the wire.
//!
//! ```text
//! arrive -> rule? -> token and limits -> processing time -> effect -> journal -> reply
//!             |            |                                  |
//!           drop        refuse                    drop, hang, spoil the reply
//! ```
//!
//! A request runs in its own task: a caller who hangs up does not stop it from taking effect.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use rand::Rng as _;

use super::answer::Answer;
use super::call::{Call, Target};
use super::consent;
use super::fault::GatewayFault;
use super::mangle::{self, Delivery};
use super::oauth;
use super::service::{self, Conditions};
use super::world::{App, World};
use crate::web::connection::Line;
use crate::web::journal::{Entry, Execution};
use crate::web::limits::Arrival;
use crate::web::rules::{Action, Traits, When};

/// Pause between the two halves of a reply that is cut, so that the first one is written.
const CUT_PAUSE: Duration = Duration::from_millis(5);

/// Answers everything outside the control API.
pub async fn handle(
    State(app): State<App>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let at = app.clock().now();
    let Some(call) = Call::read(request, at).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let work = tokio::spawn(serve(app, line, call));
    work.await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// What is known of a request besides itself.
struct Context {
    concurrent: usize,
    intuit_tid: String,
    fault: Option<(u64, Action)>,
}

impl Context {
    fn action(&self) -> Option<&Action> {
        self.fault.as_ref().map(|(_, action)| action)
    }
}

async fn serve(app: App, line: Line, call: Call) -> Response {
    let (_in_progress, concurrent) = app.enter(call.realm.as_deref());
    let context = draw(&app, &call, concurrent);
    if let Some(Action::Delay {
        ms,
        when: When::Before,
    }) = context.action()
    {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
    }
    let delivery = if let Some(delivery) = intercept(&app, &call, &context) {
        delivery
    } else {
        match admit(&app, &call, concurrent) {
            Err(refused) => record(&app, &call, &context, Delivery::Send(refused)),
            Ok(client) => {
                tokio::time::sleep(processing_time(&app, &call)).await;
                commit(&app, &call, &context, client.as_deref())
            }
        }
    };
    if let Some(Action::Delay {
        ms,
        when: When::After,
    }) = context.action()
    {
        tokio::time::sleep(Duration::from_millis(*ms)).await;
    }
    deliver(delivery, &line, &context.intuit_tid).await
}

/// Chooses the fault and the trace id of a request.
fn draw(app: &App, call: &Call, concurrent: usize) -> Context {
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
        entities: call.entities(),
        realm: call.realm.as_deref(),
        body: call.body.as_deref().unwrap_or_default(),
    };
    let fault = rules.pick(&traits, fault_chance);
    let time = call.at.timestamp();
    let intuit_tid = format!("1-{time:08x}-{:024x}", chance.random::<u64>());
    Context {
        concurrent,
        intuit_tid,
        fault,
    }
}

/// A rule that keeps the request from the service.
fn intercept(app: &App, call: &Call, context: &Context) -> Option<Delivery> {
    let shape = app.world().settings.gateway_shape;
    let delivery = mangle::before(context.action()?, shape, app.clock().now())?;
    Some(record(app, call, context, delivery))
}

/// Token and limits; returns the application behind the token.
fn admit(app: &App, call: &Call, concurrent: usize) -> Result<Option<String>, Answer> {
    if call.is_identity() {
        return Ok(None);
    }
    let now = app.clock().now();
    let mut world = app.world();
    let World {
        tokens,
        meter,
        settings,
        companies,
        ..
    } = &mut *world;
    let refuse = |fault: GatewayFault| {
        let (content_type, body) = fault.reply(settings.gateway_shape, now);
        Answer::plain(fault.status(), content_type, body, Execution::Refused)
    };
    let token = call.authorization.strip_prefix("Bearer ").unwrap_or("");
    let access = tokens.access(token.trim(), now);
    let access = access.ok_or_else(|| refuse(GatewayFault::Authentication))?;
    let realm = call.realm.as_deref().unwrap_or_default();
    let covers = access.realms.iter().any(|known| known == realm);
    if !covers || !access.may_account() || !companies.contains_key(realm) {
        return Err(refuse(GatewayFault::Authorization));
    }
    let arrival = Arrival {
        realm,
        client: &access.client_id,
        at: now,
        is_batch: call.target == Target::Batch,
        is_read: call.is_read(),
        concurrent,
    };
    if meter.admit(&settings.limits, &arrival) {
        return Ok(Some(access.client_id.clone()));
    }
    Err(refuse(GatewayFault::Throttle))
}

fn processing_time(app: &App, call: &Call) -> Duration {
    let world = app.world();
    let elements = call.elements().map_or(0, Vec::len);
    let elements = u64::try_from(elements).unwrap_or(u64::MAX);
    let elements = world.settings.per_element_ms.saturating_mul(elements);
    Duration::from_millis(world.settings.processing_ms.saturating_add(elements))
}

/// Lets the request take effect and writes it down, in one hold of the lock.
fn commit(app: &App, call: &Call, context: &Context, client: Option<&str>) -> Delivery {
    let now = app.clock().now();
    let mut world = app.world();
    let answer = match call.target {
        Target::Token => oauth::token(&mut world, call, now),
        Target::Revoke => oauth::revoke(&mut world, call),
        Target::Authorize => consent::authorize(&mut world, call, now),
        Target::Discovery => consent::discovery(call),
        Target::Keys => consent::keys(),
        Target::UserInfo => consent::user_info(&world, call, now),
        _ => {
            let lookup_until = world.lookup_until(now);
            let World {
                companies,
                settings,
                ..
            } = &mut *world;
            let conditions = Conditions {
                settings,
                now,
                lookup_until,
            };
            match companies.get_mut(call.realm.as_deref().unwrap_or_default()) {
                Some(company) => service::execute(company, call, conditions),
                None => Answer::plain(404, "text/html", String::new(), Execution::Refused),
            }
        }
    };
    if let (Some(client), Some(realm), 200) = (client, call.realm.as_deref(), answer.status)
        && call.is_read()
    {
        world.meter.count_read(realm, client, now);
    }
    let company = world
        .companies
        .get(call.realm.as_deref().unwrap_or_default());
    let shape = world.settings.gateway_shape;
    let delivery = match context.action() {
        Some(action) => mangle::after(action, answer, company, shape, now),
        None => Delivery::Send(answer),
    };
    write_entry(&mut world, call, context, &delivery, now);
    delivery
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
    now: chrono::DateTime<chrono::Utc>,
) {
    let is_secret = call.is_identity();
    let withheld = || "(withheld)".to_owned();
    let answer = delivery.answer();
    let sent = delivery.sent();
    world.record(Entry {
        sequence: 0,
        at: call.at,
        decided_at: now,
        realm: call.realm.clone(),
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        requestid: call.request_id().map(str::to_owned),
        operation: call.operation(),
        body: if is_secret {
            withheld()
        } else {
            call.body.clone().unwrap_or_default()
        },
        status: sent.map(|answer| answer.status),
        reply: sent.map(|answer| {
            if is_secret {
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
        concurrent: context.concurrent,
        intuit_tid: context.intuit_tid.clone(),
    });
}

async fn deliver(delivery: Delivery, line: &Line, intuit_tid: &str) -> Response {
    match delivery {
        Delivery::Send(answer) => {
            let body = Body::from(answer.body.clone());
            respond(&answer, body, answer.body.len(), intuit_tid)
        }
        Delivery::Half(answer) => {
            let full = answer.body.len();
            let half = Bytes::from(answer.body.as_bytes()[..full / 2].to_vec());
            let body = Body::from_stream(cut_short(half, line.clone()));
            respond(&answer, body, full, intuit_tid)
        }
        Delivery::Cut { hang_ms, .. } => {
            tokio::time::sleep(Duration::from_millis(hang_ms)).await;
            line.cut();
            // Never written: the connection is gone.
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// Bytes that arrive, then a connection that breaks.
fn cut_short(
    half: Bytes,
    line: Line,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold((Some(half), line), |(half, line)| async move {
        if let Some(half) = half {
            return Some((Ok(half), (None, line)));
        }
        tokio::time::sleep(CUT_PAUSE).await;
        line.cut();
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
        Some((Err(broken), (None, line)))
    })
}

fn respond(answer: &Answer, body: Body, length: usize, intuit_tid: &str) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let location = answer.location.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(location)) = location {
        headers.insert(header::LOCATION, location);
    }
    headers.insert("qbo-version", HeaderValue::from_static("1986.160"));
    if let Ok(tid) = HeaderValue::from_str(intuit_tid) {
        headers.insert("intuit_tid", tid);
    }
    response
}
