//! A made-up provider whose books obey the test: each request is executed, answered or lost when the test says.
//!
//! Its wire is a few lines of JSON over HTTP/1.1. What is held at the gate ([`Books::hold`]) reaches the test
//! as an [`Arrival`]; everything else is executed and answered at once. Like the real ones it answers a
//! repeated key with the reply of the first.

mod books;
mod plan;
mod wire;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::digest::sha256_hex;
use model::reference::{AccountRef, TaxCodeRef};
use model::{DocumentKind, Failure, FailureKind, ImportKind, Operation, ReferenceState};
use provider_kit::{
    AuthStyle, BooksFacts, CallResult, Cost, Current, Descriptor, Effect, ElementResult, External,
    Import, Imported, Judgement, Landed, LinkState, Member, Method, PastCall, PastMember, Plan,
    Presence, Provider, Reply, Request, Transport, View,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use books::{Arrival, Ask, Books, Object, Write};

/// The provider's key.
pub const KEY: &str = "MADE_UP";

/// The effect of a credit note for each invoice that it is set against.
pub const APPLICATION: &str = "APPLICATION";

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
        DocumentKind::CreditNote,
        DocumentKind::Product,
    ],
    effect_kinds: &[
        "CLIENT",
        "INVOICE",
        "PAYMENT",
        "CREDIT_NOTE",
        "PRODUCT",
        APPLICATION,
    ],
    batch_size: |_, _| BATCH,
    playbook: |_| None,
    read_size: 50,
    default_item: None,
    imports: &[ImportKind::Accounts, ImportKind::TaxCodes],
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
    #[serde(default)]
    is_inactive: bool,
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
        plan::plan(view)
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
            state: match (object.is_void, object.is_inactive) {
                (true, _) => LinkState::Ended,
                (false, true) => LinkState::Inactive,
                (false, false) => LinkState::Active,
            },
            body: object.body,
        };
        Ok(shown(reply)?.into_iter().map(current).collect())
    }

    fn imports(&self, what: ImportKind, _books: &BooksFacts) -> Vec<Request> {
        if DESCRIPTOR.imports.contains(&what) {
            vec![page(what, 0)]
        } else {
            Vec::new()
        }
    }

    fn take_import(
        &self,
        what: ImportKind,
        replies: &[Reply],
        _books: &BooksFacts,
    ) -> Result<Imported, Failure> {
        let pages: Vec<Value> = replies.iter().map(read_page).collect::<Result<_, _>>()?;
        if pages.last().is_some_and(|page| page["more"] == true) {
            return Ok(Imported::More(vec![page(what, pages.len())]));
        }
        let rows = Value::Array(
            pages
                .iter()
                .flat_map(|page| page["rows"].as_array().cloned().unwrap_or_default())
                .collect(),
        );
        let mut import = Import::default();
        if what == ImportKind::Accounts {
            import.accounts = serde_json::from_value::<Vec<AccountRef>>(rows).ok();
        } else {
            import.tax_codes = serde_json::from_value::<Vec<TaxCodeRef>>(rows).ok();
        }
        Ok(Imported::Done(import))
    }
}

fn page(what: ImportKind, number: usize) -> Request {
    post("/import", &json!({"what": what.as_str(), "page": number}))
}

fn read_page(reply: &Reply) -> Result<Value, Failure> {
    let page = (reply.status == 200).then(|| serde_json::from_slice(&reply.body).ok());
    page.flatten().ok_or_else(unreadable)
}

fn unreadable() -> Failure {
    Failure::new(
        FailureKind::Unreachable,
        "NOT_READ",
        "The made-up books could not be read.",
    )
}

fn element(written: Written) -> ElementResult {
    match written {
        Written::Done(object) => ElementResult::Done(object.landed()),
        Written::Refused { refused } => ElementResult::Failed(refusal(&refused)),
    }
}

/// A code, or `INACTIVE KIND ID` and `GONE KIND ID` where another object is the reason, or `UNKNOWN_TAX_CODE`.
fn refusal(refused: &str) -> Failure {
    let words: Vec<&str> = refused.split(' ').collect();
    match words.as_slice() {
        ["INACTIVE", kind, id] => plan::unusable(kind, id, ReferenceState::Inactive),
        ["GONE", kind, id] => plan::unusable(kind, id, ReferenceState::Gone),
        _ => {
            let failure = Failure::new(
                FailureKind::Rejected,
                refused,
                "The made-up books refused it.",
            );
            if refused == "UNKNOWN_TAX_CODE" {
                failure.asking_import(ImportKind::TaxCodes)
            } else {
                failure
            }
        }
    }
}

fn presence(member: &PastMember, found: &[Shown]) -> Presence {
    let marker = member.marker.to_string();
    let ours: Vec<&Shown> = found.iter().filter(|o| o.marker == marker).collect();
    let is_there = |one: &Shown| match member.step.operation {
        Operation::Create => true,
        Operation::Update => fingerprint(&one.body) == member.step.fingerprint,
        Operation::Void => one.is_void,
        Operation::Delete => false,
    };
    match ours.as_slice() {
        [] if member.step.operation == Operation::Delete => Presence::Present(deleted(member)),
        [one] if is_there(one) => Presence::Present(one.landed()),
        [] | [_] => Presence::Absent,
        many => Presence::Duplicate(many.iter().map(|o| o.id.clone()).collect()),
    }
}

fn deleted(member: &PastMember) -> Landed {
    let target = member.step.target.clone().unwrap_or(External {
        id: String::new(),
        revision: String::new(),
    });
    Landed {
        external_id: target.id,
        revision: target.revision,
        fingerprint: member.step.fingerprint.clone(),
        totals: None,
        lacking: None,
    }
}

fn shown(reply: &Reply) -> Result<Vec<Shown>, Failure> {
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
