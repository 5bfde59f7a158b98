//! What a fault rule makes of a request: whether it is stopped, and how its answer is spoiled.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::answer::Answer;
use super::company::Company;
use super::fault::{GatewayFault, GatewayShape, QboFault};
use super::kind::Kind;
use super::render::render;
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
pub fn before(action: &Action, shape: GatewayShape, now: DateTime<Utc>) -> Option<Delivery> {
    match action {
        Action::DropBefore => Some(Delivery::Cut {
            lost: None,
            hang_ms: 0,
        }),
        Action::Status { code, body } => {
            let (content_type, body) = error_page(*code, body.as_deref(), shape, now);
            let answer = Answer::plain(*code, content_type, body, Execution::NotReached);
            Some(Delivery::Send(answer))
        }
        Action::OkWithFault {
            code,
            executed: false,
        } => {
            let body = fault_in_success(code.as_deref(), now);
            let answer = Answer::plain(200, "application/json", body, Execution::NotReached);
            Some(Delivery::Send(answer))
        }
        _ => None,
    }
}

/// The delivery of a request that reached the service.
pub fn after(
    action: &Action,
    mut answer: Answer,
    company: Option<&Company>,
    shape: GatewayShape,
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
            let (content_type, body) = error_page(*code, body.as_deref(), shape, now);
            answer.status = *code;
            answer.content_type = content_type;
            answer.body = body;
        }
        Action::WrongBody { body } => {
            answer.status = 200;
            answer.body.clone_from(body);
        }
        Action::OkWithFault { code, .. } => {
            answer.status = 200;
            answer.body = fault_in_success(code.as_deref(), now);
        }
        Action::ReplyForOther => {
            if let Some(company) = company {
                answer.body = reply_for_other(company, &answer);
            }
        }
        Action::DropItem { .. } | Action::Reorder | Action::Swap => {
            answer.body = spoil_batch(action, &answer.body);
        }
        Action::DropBefore
        | Action::Status { .. }
        | Action::Refuse { .. }
        | Action::Delay { .. } => {}
    }
    Delivery::Send(answer)
}

/// The page of a failing edge; 401, 403 and 429 speak the gateway's own language.
fn error_page(
    code: u16,
    body: Option<&str>,
    shape: GatewayShape,
    now: DateTime<Utc>,
) -> (&'static str, String) {
    if let Some(body) = body {
        let is_json = body.trim_start().starts_with(['{', '[']);
        let content_type = if is_json {
            "application/json"
        } else {
            "text/html"
        };
        return (content_type, body.to_owned());
    }
    match code {
        401 => GatewayFault::Authentication.reply(shape, now),
        403 => GatewayFault::Authorization.reply(shape, now),
        429 => GatewayFault::Throttle.reply(shape, now),
        _ => (
            "text/html",
            format!(
                "<html><head><title>{code}</title></head><body><h1>{code}</h1>\
                 <hr>nginx</body></html>"
            ),
        ),
    }
}

fn fault_in_success(code: Option<&str>, now: DateTime<Utc>) -> String {
    let system = QboFault::system("injected");
    let fault = match code {
        None | Some("10000") => system,
        Some(code) => QboFault {
            code: code.to_owned(),
            kind: "ValidationFault",
            ..system
        },
    };
    fault.body(&now.to_rfc3339()).to_string()
}

/// The same reply about other documents: for each entity another one of its kind, or, where there
/// is none, the default item.
fn reply_for_other(company: &Company, answer: &Answer) -> String {
    let Ok(mut body) = serde_json::from_str::<Value>(&answer.body) else {
        return answer.body.clone();
    };
    let elements = match body.get_mut("BatchItemResponse") {
        Some(Value::Array(elements)) => elements.iter_mut().collect(),
        _ => vec![&mut body],
    };
    for element in elements.into_iter().filter_map(Value::as_object_mut) {
        let names: Vec<String> = element.keys().cloned().collect();
        let Some(kind) = names.iter().find_map(|name| Kind::named(name)) else {
            continue;
        };
        let own = element.remove(kind.name()).unwrap_or(Value::Null);
        let others = company.all_live(kind);
        let other = others
            .iter()
            .rev()
            .find(|record| own["Id"] != json!(record.id));
        let (name, other) = match other {
            Some(other) => (kind.name(), render(company, kind, other)),
            None => match company.live(Kind::Item, "1") {
                Some(item) => (Kind::Item.name(), render(company, Kind::Item, item)),
                None => continue,
            },
        };
        element.insert(name.to_owned(), other);
    }
    body.to_string()
}

fn spoil_batch(action: &Action, body: &str) -> String {
    let Ok(mut parsed) = serde_json::from_str::<Value>(body) else {
        return body.to_owned();
    };
    let Some(Value::Array(elements)) = parsed.get_mut("BatchItemResponse") else {
        return body.to_owned();
    };
    match action {
        Action::DropItem { index } => {
            let index = index.unwrap_or(elements.len().saturating_sub(1));
            if index < elements.len() {
                elements.remove(index);
            }
        }
        Action::Reorder => elements.reverse(),
        Action::Swap => {
            if let [first, .., last] = elements.as_mut_slice() {
                let (one, other) = (first["bId"].clone(), last["bId"].clone());
                first["bId"] = other;
                last["bId"] = one;
            }
        }
        _ => {}
    }
    parsed.to_string()
}
