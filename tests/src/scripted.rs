//! A made-up provider whose books obey the test: each request is executed, answered or lost when the test says.
//!
//! Its wire is a few lines of JSON over HTTP/1.1. What is held at the gate ([`Books::hold`]) reaches the test
//! as an [`Arrival`]; everything else is executed and answered at once. Like the real ones it answers a
//! repeated key with the reply of the first.

mod books;
mod wire;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::digest::sha256_hex;
use model::{Body, DocumentKind, Failure, FailureKind, Lifecycle, Operation};
use provider_kit::{
    AuthStyle, BooksFacts, CallResult, Cost, Current, CurrentState, Descriptor, Effect,
    ElementResult, External, Judgement, Landed, LinkState, Member, Method, Need, PastCall,
    PastMember, Plan, Prediction, Presence, Provider, Reply, Request, Step, Transport, View,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use books::{Arrival, Ask, Books, Object, Write};

/// The provider's key.
pub const KEY: &str = "MADE_UP";

/// Most members of one call.
pub const BATCH: usize = 3;

/// Longer than any test lets a call wait.
const DEADLINE: Duration = Duration::from_mins(1);

static DESCRIPTOR: Descriptor = Descriptor {
    key: KEY,
    short: "madeup",
    transport: Transport::Http,
    auth: AuthStyle::None,
    production_url: "https://books.invalid",
    sandbox_url: "https://books.invalid",
    kinds: &[
        DocumentKind::Client,
        DocumentKind::Invoice,
        DocumentKind::Payment,
    ],
    effect_kinds: &["CLIENT", "INVOICE", "PAYMENT"],
    batch_size: |_, _| BATCH,
    playbook: |_| None,
    read_size: 50,
    imports: &[],
    calls_in_flight: 4,
    limits: &[],
    processing_limit: Duration::from_secs(10),
    lookup_lag: Duration::from_secs(5),
    call_deadline: DEADLINE,
    reply_limit: 1 << 20,
};

/// The provider's pure side.
#[derive(Default)]
pub struct Scripted {
    pause: Mutex<Option<Pause>>,
}

struct Pause {
    reached: Sender<()>,
    go: Receiver<()>,
}

/// A worker stands still between claim and intent until this is opened or dropped.
pub struct Frozen {
    reached: Receiver<()>,
    go: Sender<()>,
}

impl Frozen {
    /// Whether a worker stands there.
    pub fn is_reached(&self) -> bool {
        self.reached.try_recv().is_ok()
    }

    /// Lets it go on.
    pub fn thaw(self) {
        // A worker that never came needs no word.
        let _ = self.go.send(());
    }
}

impl Scripted {
    /// The provider.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The next encoding stands still: whoever does it is between its claim and its intent. It blocks a thread
    /// of the runtime, so the test needs more than one.
    pub fn freeze_before_intent(&self) -> Frozen {
        let (reached, is_reached) = channel();
        let (go, may_go) = channel();
        *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = Some(Pause {
            reached,
            go: may_go,
        });
        Frozen {
            reached: is_reached,
            go,
        }
    }
}

/// An object as the wire shows it.
#[derive(Deserialize)]
struct Shown {
    id: String,
    revision: i64,
    marker: String,
    body: Value,
    is_void: bool,
}

impl Shown {
    fn landed(&self) -> Landed {
        Landed {
            external_id: self.id.clone(),
            revision: self.revision.to_string(),
            fingerprint: fingerprint(&self.body),
            totals: None,
            lacking: None,
        }
    }
}

/// One result of a write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Done(Shown),
    Refused { refused: String },
}

fn fingerprint(body: &Value) -> String {
    sha256_hex([body.to_string()])
}

impl Provider for Scripted {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn plan(&self, view: &View<'_>) -> Plan {
        let kind = view.document.kind();
        let effect = Effect::main(kind.as_str());
        let known = view.links.get(kind, &view.document.id, &effect);
        let body = json!({"id": view.document.id, "version": view.document.version});
        let step = |operation, target| Step {
            effect: effect.clone(),
            operation,
            target,
            fingerprint: fingerprint(&body),
            body: body.clone(),
            prediction: Prediction::NoTotals,
        };
        let Some(link) = known else {
            if view.document.lifecycle != Lifecycle::Live {
                return Plan::Skip("never sent");
            }
            return match missing_client(view) {
                Some(need) => Plan::Needs(vec![need]),
                None => Plan::Steps(vec![step(Operation::Create, None)]),
            };
        };
        let target = |revision: &str| {
            Some(External {
                id: link.external_id.clone(),
                revision: revision.to_owned(),
            })
        };
        let current = view.currents.get(&effect.kind, &link.external_id);
        match (view.document.lifecycle, current) {
            (_, None) => Plan::Needs(vec![Need::Current {
                effect,
                external: External {
                    id: link.external_id.clone(),
                    revision: link.revision.clone(),
                },
            }]),
            (_, Some(CurrentState::NotThere)) => Plan::Refused(Failure::new(
                FailureKind::Conflict,
                "DELETED_IN_BOOKS",
                "This document was deleted in the books.",
            )),
            (Lifecycle::Live, Some(CurrentState::There(now)))
                if now.landed.fingerprint == fingerprint(&body) =>
            {
                Plan::Steps(Vec::new())
            }
            (Lifecycle::Live, Some(CurrentState::There(now))) => {
                Plan::Steps(vec![step(Operation::Update, target(&now.landed.revision))])
            }
            (Lifecycle::Voided | Lifecycle::Deleted, Some(CurrentState::There(now)))
                if now.state == LinkState::Ended =>
            {
                Plan::Steps(Vec::new())
            }
            (Lifecycle::Voided | Lifecycle::Deleted, Some(CurrentState::There(now))) => {
                Plan::Steps(vec![step(Operation::Void, target(&now.landed.revision))])
            }
        }
    }

    fn encode(
        &self,
        members: &[Member<'_>],
        key: &str,
        _books: &BooksFacts,
    ) -> Result<Request, Failure> {
        let pause = self
            .pause
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(pause) = pause
            && pause.reached.send(()).is_ok()
        {
            // A test that has dropped its end no longer wants anybody to stand still.
            let _ = tokio::task::block_in_place(|| pause.go.recv());
        }
        let members: Vec<Value> = members
            .iter()
            .map(|m| {
                json!({
                    "marker": m.marker.to_string(), "operation": m.step.operation.as_str(),
                    "target": m.step.target.as_ref().map(|t| t.id.as_str()), "body": m.step.body,
                })
            })
            .collect();
        Ok(post("/write", &json!({"key": key, "members": members})))
    }

    fn classify(&self, call: &PastCall, reply: &Reply) -> CallResult {
        let unclear = || {
            ElementResult::Failed(Failure::new(
                FailureKind::OutcomeUnknown,
                "NOT_CLEAR",
                "The answer does not say what became of it.",
            ))
        };
        let written: Option<Vec<Written>> = (reply.status == 200)
            .then(|| serde_json::from_slice(&reply.body).ok())
            .flatten();
        let elements = match written {
            Some(written) => written.into_iter().map(element).collect(),
            None => call.members.iter().map(|_| unclear()).collect(),
        };
        CallResult {
            elements,
            correlation: None,
        }
    }

    fn lookups(&self, call: &PastCall, _books: &BooksFacts) -> Vec<Request> {
        let markers: Vec<String> = call.members.iter().map(|m| m.marker.to_string()).collect();
        vec![post("/lookup", &json!({"markers": markers}))]
    }

    fn judge(&self, call: &PastCall, replies: &[Reply]) -> Result<Judgement, Failure> {
        let mut found = Vec::new();
        for reply in replies {
            found.extend(shown(reply)?);
        }
        let presences = call.members.iter().map(|m| presence(m, &found)).collect();
        Ok(Judgement::Settled(presences))
    }

    fn read(&self, _effect: &Effect, targets: &[External], _books: &BooksFacts) -> Request {
        let ids: Vec<&str> = targets.iter().map(|t| t.id.as_str()).collect();
        post("/read", &json!({"ids": ids}))
    }

    fn parse_read(&self, _effect: &Effect, reply: &Reply) -> Result<Vec<Current>, Failure> {
        let current = |object: Shown| Current {
            landed: object.landed(),
            state: if object.is_void {
                LinkState::Ended
            } else {
                LinkState::Active
            },
            body: object.body,
        };
        Ok(shown(reply)?.into_iter().map(current).collect())
    }
}

/// Invoices and payments go after their client.
fn missing_client(view: &View<'_>) -> Option<Need> {
    let id = match &view.document.body {
        Body::Invoice(invoice) => &invoice.client.id,
        Body::Payment(payment) => &payment.client.id,
        Body::Client(_)
        | Body::CreditNote(_)
        | Body::TaxRate(_)
        | Body::Refund(_)
        | Body::WriteOff(_)
        | Body::Product(_) => return None,
    };
    let kind = DocumentKind::Client;
    match view.links.get(kind, id, &Effect::main(kind.as_str())) {
        Some(_) => None,
        None => Some(Need::Document {
            kind,
            id: id.clone(),
        }),
    }
}

fn element(written: Written) -> ElementResult {
    match written {
        Written::Done(object) => ElementResult::Done(object.landed()),
        Written::Refused { refused } => ElementResult::Failed(Failure::new(
            FailureKind::Rejected,
            refused,
            "The made-up books refused it.",
        )),
    }
}

fn presence(member: &PastMember, found: &[Shown]) -> Presence {
    let marker = member.marker.to_string();
    let ours: Vec<&Shown> = found.iter().filter(|o| o.marker == marker).collect();
    let is_there = |one: &Shown| match member.step.operation {
        Operation::Create => true,
        Operation::Update => fingerprint(&one.body) == member.step.fingerprint,
        Operation::Void | Operation::Delete => one.is_void,
    };
    match ours.as_slice() {
        [one] if is_there(one) => Presence::Present(one.landed()),
        [] | [_] => Presence::Absent,
        many => Presence::Duplicate(many.iter().map(|o| o.id.clone()).collect()),
    }
}

fn shown(reply: &Reply) -> Result<Vec<Shown>, Failure> {
    let unreadable = || {
        Failure::new(
            FailureKind::Unreachable,
            "NOT_READ",
            "The made-up books could not be read.",
        )
    };
    if reply.status != 200 {
        return Err(unreadable());
    }
    serde_json::from_slice(&reply.body).map_err(|_| unreadable())
}

fn post(path: &str, body: &Value) -> Request {
    Request {
        method: Method::Post,
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
        cost: Cost::default(),
    }
}
