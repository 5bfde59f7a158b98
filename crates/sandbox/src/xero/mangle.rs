//! What a fault rule makes of a request: whether it is stopped, and how its answer is spoiled.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::{Answer, JSON, PLAIN};
use super::call::{Call, Target};
use super::complaints::Complaints;
use super::elements::{self, Form, Outcome};
use super::kind::Kind;
use super::limits::{Exceeded, Limit};
use super::query::listing;
use super::refusal;
use super::render::View;
use super::world::World;
use crate::web::journal::Execution;
use crate::web::rules::Action;

/// What reaches the caller.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// The answer, in whatever state.
    Send(Answer),
    /// The first half of the answer under its full length.
    Half(Answer),
    /// Nothing; the connection closes after a while.
    Cut {
        /// The answer that is lost, if the request took effect.
        lost: Option<Answer>,
        /// How long the connection stays open.
        hang_ms: u64,
    },
}

impl Delivery {
    /// The service's answer, whether or not it arrives.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Send(answer) | Self::Half(answer) => Some(answer),
            Self::Cut { lost, .. } => lost.as_ref(),
        }
    }

    /// The answer that arrives.
    pub fn sent(&self) -> Option<&Answer> {
        match self {
            Self::Send(answer) | Self::Half(answer) => Some(answer),
            Self::Cut { .. } => None,
        }
    }
}

/// The delivery of a request that a rule keeps from the service.
pub fn before(
    action: &Action,
    world: &World,
    call: &Call,
    client: &str,
    instance: &str,
    now: DateTime<Utc>,
) -> Option<Delivery> {
    let mut answer = match action {
        Action::DropBefore => {
            return Some(Delivery::Cut {
                lost: None,
                hang_ms: 0,
            });
        }
        Action::Status { code, body } => error_page(*code, body.as_deref(), instance),
        Action::Refuse { name, retry_after } => {
            let mut answer = named(name, world, call, client, instance, now)?;
            if let Some(retry_after) = retry_after {
                answer.headers.retain(|(name, _)| *name != "Retry-After");
                if !retry_after.is_empty() {
                    answer = answer.with("Retry-After", retry_after.clone());
                }
            }
            answer
        }
        Action::OkWithFault {
            code,
            executed: false,
        } => ok_with_fault(code.as_deref(), call)?,
        _ => return None,
    };
    answer.execution = Execution::NotReached;
    Some(Delivery::Send(answer))
}

/// The refusals of the service by their names in rules; none for an unknown name.
fn named(
    name: &str,
    world: &World,
    call: &Call,
    client: &str,
    instance: &str,
    now: DateTime<Utc>,
) -> Option<Answer> {
    if let Some(limit) = Limit::named(name) {
        let tenant = call.tenant.as_deref().unwrap_or_default();
        let limits = &world.settings.limits;
        let retry_after = world.meter.retry_after(limits, tenant, client, limit, now);
        return Some(refusal::limited(Exceeded { limit, retry_after }));
    }
    Some(match name {
        "tokenExpired" => refusal::token_expired(now, instance),
        "authenticationUnsuccessful" => refusal::unauthenticated(instance),
        "insufficientScope" => refusal::insufficient_scope(instance),
        "forbidden" => refusal::forbidden(instance),
        "maintenance" => refusal::maintenance(),
        "unavailable" => refusal::unavailable(),
        "organisationOffline" => refusal::organisation_offline(),
        _ => return None,
    })
}

/// Whether a rule may name such a refusal.
pub fn is_refusal(name: &str) -> bool {
    let others = [
        "tokenExpired",
        "authenticationUnsuccessful",
        "insufficientScope",
        "forbidden",
        "maintenance",
        "unavailable",
        "organisationOffline",
    ];
    Limit::named(name).is_some() || others.contains(&name)
}

/// The delivery of a request that reached the service.
pub fn after(
    action: &Action,
    mut answer: Answer,
    world: &World,
    call: &Call,
    now: DateTime<Utc>,
) -> Delivery {
    match action {
        Action::CommitThenDrop => {
            return Delivery::Cut {
                lost: Some(answer),
                hang_ms: 0,
            };
        }
        Action::CommitThenHang { ms } => {
            return Delivery::Cut {
                lost: Some(answer),
                hang_ms: *ms,
            };
        }
        Action::Truncate {
            length_matches: false,
        } => return Delivery::Half(answer),
        Action::Truncate {
            length_matches: true,
        } => {
            let half = answer.body.len() / 2;
            let half = (0..=half)
                .rev()
                .find(|at| answer.body.is_char_boundary(*at));
            answer.body.truncate(half.unwrap_or(0));
        }
        Action::CommitThenStatus { code, body } => {
            let page = error_page(*code, body.as_deref(), "");
            answer.status = page.status;
            answer.content_type = page.content_type;
            answer.body = page.body;
            answer.headers = page.headers;
        }
        Action::WrongBody { body } => {
            answer.status = 200;
            answer.body.clone_from(body);
        }
        Action::OkWithFault { code, .. } => {
            if let Some(page) = ok_with_fault(code.as_deref(), call) {
                answer.status = 200;
                answer.body = page.body;
            }
        }
        Action::ReplyForOther | Action::DropItem { .. } | Action::Reorder | Action::Swap => {
            if let Some(kind) = call.kind() {
                answer.body = respell(action, &answer.body, world, call, kind, now);
            }
        }
        Action::DropBefore
        | Action::Status { .. }
        | Action::Refuse { .. }
        | Action::Delay { .. } => {}
    }
    Delivery::Send(answer)
}

/// The page of a failing edge; the service's own dialects for 401, 403, 429, 500 and 503.
pub fn error_page(code: u16, body: Option<&str>, instance: &str) -> Answer {
    if let Some(body) = body {
        let is_json = body.trim_start().starts_with(['{', '[']);
        let content_type = if is_json { JSON } else { PLAIN };
        return Answer::text(code, content_type, body.to_owned(), Execution::Refused);
    }
    match code {
        401 => refusal::unauthenticated(instance),
        403 => refusal::forbidden(instance),
        429 => refusal::limited(Exceeded {
            limit: Limit::Minute,
            retry_after: Some(1),
        }),
        500 => Answer::words(500, "An error occurred in Xero."),
        503 => refusal::unavailable(),
        _ => {
            let page = format!(
                "<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>"
            );
            Answer::text(code, "text/html", page, Execution::Refused)
        }
    }
}

/// Status 200 in which every element failed, although `summarizeErrors` may not have asked for it.
fn ok_with_fault(message: Option<&str>, call: &Call) -> Option<Answer> {
    let Target::Accounting(place) = &call.target else {
        return None;
    };
    let message = message.unwrap_or("An unexpected error occurred");
    let bodies = call.elements(place.kind);
    let refused = |body: &Value| Outcome::Refused(body.clone(), Complaints::one(message));
    let outcomes = bodies.into_iter().map(refused).collect();
    let form = Form {
        kind: place.kind,
        plural: place.kind.plural(),
        summarizes: false,
        wording: &std::collections::BTreeMap::new(),
    };
    let envelope = json!({"Status": "OK"});
    Some(elements::answer(outcomes, form, envelope))
}

/// The reply with other elements, fewer, or in another order.
fn respell(
    action: &Action,
    body: &str,
    world: &World,
    call: &Call,
    kind: Kind,
    now: DateTime<Utc>,
) -> String {
    let Ok(mut parsed) = serde_json::from_str::<Value>(body) else {
        return body.to_owned();
    };
    let Some(Value::Array(elements)) = parsed.get_mut(kind.plural()) else {
        return body.to_owned();
    };
    match action {
        Action::ReplyForOther => {
            for element in elements.iter_mut() {
                if let Some(other) = other(world, call, kind, element, now) {
                    *element = other;
                }
            }
        }
        Action::DropItem { index } => {
            let index = index.unwrap_or(elements.len().saturating_sub(1));
            if index < elements.len() {
                elements.remove(index);
            }
        }
        Action::Reorder => elements.reverse(),
        Action::Swap => {
            let last = elements.len().saturating_sub(1);
            if last > 0 {
                elements.swap(0, last);
            }
        }
        _ => {}
    }
    parsed.to_string()
}

/// Another object of the kind, the newest there is.
fn other(
    world: &World,
    call: &Call,
    kind: Kind,
    element: &Value,
    now: DateTime<Utc>,
) -> Option<Value> {
    let organisation = world.organisations.get(call.tenant.as_deref()?)?;
    let own = element[kind.id_member()].as_str().unwrap_or_default();
    let ids: Vec<&str> = match kind {
        Kind::Contact => organisation
            .contacts
            .all()
            .map(|it| it.id.as_str())
            .collect(),
        Kind::Payment => organisation
            .payments
            .all()
            .map(|it| it.id.as_str())
            .collect(),
        _ => organisation
            .documents(kind)
            .map(|it| it.id.as_str())
            .collect(),
    };
    let id = ids.into_iter().rev().find(|id| *id != own)?;
    listing::show(organisation, kind, id, now, View::full(4))
}
