//! A made-up provider: what a fifth one needs to run the suite, and a switch for each mistake it could make.

use std::time::Duration;

use model::{Body, DocumentKind, Environment, Failure, FailureKind, Lifecycle, Operation};
use serde_json::{Map, Value, json};

use crate::{
    AuthStyle, BooksFacts, CallResult, Cost, Current, CurrentState, Descriptor, Effect,
    ElementResult, External, Judgement, Landed, LinkState, Member, Method, Need, PastCall,
    PastMember, Plan, Prediction, Presence, Provider, Reply, Request, Step, Transport, View,
};

/// Mistakes that a provider's author could make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mistake {
    None,
    BelievesEverySuccess,
    CallsAServerErrorARefusal,
    PairsByPlace,
    ForgetsMissingAnswers,
    AdoptsByName,
    TakesGarbageForAbsence,
    TakesTheFirstOfTwo,
    CutsLongKeys,
    SendsLargerBatches,
    LetsPeopleForgeMarkers,
    SendsMoreThanItShowed,
    SendsWithoutWaiting,
    DropsUnknownKinds,
    RepeatsTheProvidersWords,
    NeverStopsPaging,
    LooksUpWithTheKey,
    GivesUpTooEarly,
}

static DESCRIPTOR: Descriptor = descriptor(60);
static HASTY: Descriptor = descriptor(1);

const fn descriptor(deadline: u64) -> Descriptor {
    Descriptor {
        key: "CARD_INDEX",
        short: "card",
        transport: Transport::Http,
        auth: AuthStyle::None,
        production_url: "https://cards.example",
        sandbox_url: "https://sandbox.cards.example",
        kinds: &[DocumentKind::Client, DocumentKind::WriteOff],
        effect_kinds: &["CLIENT", "WRITE_OFF"],
        batch_size: |_, _| LARGEST_BATCH,
        playbook: |_| None,
        read_size: 50,
        default_item: None,
        imports: &[],
        calls_in_flight: 1,
        limits: &[],
        processing_limit: Duration::from_secs(30),
        lookup_lag: Duration::ZERO,
        call_deadline: Duration::from_secs(deadline),
        reply_limit: 1024 * 1024,
    }
}

const LARGEST_BATCH: usize = 4;
pub(super) const LONGEST_KEY: usize = 40;
pub(super) const PAGE: usize = 20;
const MOST_PAGES: usize = 50;

/// The provider, with one mistake or none.
pub(super) struct CardIndex(pub(super) Mistake);

impl CardIndex {
    fn has(&self, mistake: Mistake) -> bool {
        self.0 == mistake
    }
}

impl Provider for CardIndex {
    fn descriptor(&self) -> &'static Descriptor {
        if self.has(Mistake::GivesUpTooEarly) {
            &HASTY
        } else {
            &DESCRIPTOR
        }
    }

    fn plan(&self, view: &View<'_>) -> Plan {
        let document = view.document;
        let title = match self.title(view) {
            Ok(title) => title,
            Err(plan) => return plan,
        };
        let title = if self.has(Mistake::LetsPeopleForgeMarkers) {
            title
        } else {
            title.replace('[', "(")
        };
        let body = json!({
            "title": title,
            "isOver": document.lifecycle != Lifecycle::Live,
        });
        let fingerprint = fingerprint(&body);
        let effect = effect_of(document.kind());
        let Some(link) = view.links.get(document.kind(), &document.id, &effect) else {
            return match document.lifecycle {
                Lifecycle::Live => step(effect, Operation::Create, None, body, fingerprint),
                Lifecycle::Voided | Lifecycle::Deleted => Plan::Skip("never sent"),
            };
        };
        if link.fingerprint == fingerprint {
            return Plan::Steps(Vec::new());
        }
        let external = External {
            id: link.external_id.clone(),
            revision: link.revision.clone(),
        };
        match view.currents.get(&effect.kind, &external.id) {
            None => Plan::Needs(vec![Need::Current { effect, external }]),
            Some(CurrentState::NotThere) => Plan::Refused(unclear("GONE")),
            Some(CurrentState::There(_)) => {
                step(effect, Operation::Update, Some(external), body, fingerprint)
            }
        }
    }

    fn encode(
        &self,
        members: &[Member<'_>],
        key: &str,
        _books: &BooksFacts,
    ) -> Result<Request, Failure> {
        let defect =
            |code: &str| Failure::new(FailureKind::Defect, code, "Tieout made a mistake here.");
        let is_long = key.len() > LONGEST_KEY && !self.has(Mistake::CutsLongKeys);
        if key.is_empty() || is_long {
            return Err(defect("KEY"));
        }
        let key = &key[..key.len().min(LONGEST_KEY)];
        let Some(first) = members.first() else {
            return Err(defect("EMPTY"));
        };
        let is_large = members.len() > LARGEST_BATCH && !self.has(Mistake::SendsLargerBatches);
        let is_mixed = members.iter().any(|m| m.step.effect != first.step.effect);
        if is_large || is_mixed {
            return Err(defect("BATCH"));
        }
        let cards: Vec<Value> = members.iter().map(|member| self.card(member)).collect();
        Ok(Request {
            method: Method::Post,
            path: "/cards".to_owned(),
            query: vec![("key".to_owned(), key.to_owned())],
            headers: Vec::new(),
            body: json!({ "cards": cards }).to_string().into_bytes(),
            cost: Cost {
                batch: members.len() > 1,
                metered_read: false,
            },
        })
    }

    fn classify(&self, call: &PastCall, reply: &Reply) -> CallResult {
        let cards = cards(reply);
        let elements = call
            .members
            .iter()
            .enumerate()
            .map(|(place, member)| self.element(place, member, reply, cards.as_deref()))
            .collect::<Vec<_>>();
        let answered = cards.map_or(usize::MAX, |cards| cards.len());
        let kept = if self.has(Mistake::ForgetsMissingAnswers) {
            answered.min(elements.len())
        } else {
            elements.len()
        };
        CallResult {
            elements: elements.into_iter().take(kept).collect(),
            correlation: None,
        }
    }

    fn lookups(&self, call: &PastCall, _books: &BooksFacts) -> Vec<Request> {
        let mut request = get(&["all"]);
        if self.has(Mistake::LooksUpWithTheKey) {
            request.query.push(("key".to_owned(), call.key.clone()));
        }
        vec![request]
    }

    fn judge(&self, call: &PastCall, replies: &[Reply]) -> Result<Judgement, Failure> {
        let mut found = Vec::new();
        let mut is_last_full = false;
        for reply in replies {
            let page = match cards(reply) {
                None if self.has(Mistake::TakesGarbageForAbsence) => Vec::new(),
                page => page.ok_or_else(|| unclear("UNREADABLE"))?,
            };
            is_last_full = page.len() >= PAGE;
            found.extend(page);
        }
        if replies.is_empty() {
            return Err(unclear("NOT_ASKED"));
        }
        if is_last_full {
            if replies.len() >= MOST_PAGES && !self.has(Mistake::NeverStopsPaging) {
                return Err(unclear("TOO_LONG"));
            }
            return Ok(Judgement::More(vec![get(&[&replies.len().to_string()])]));
        }
        let settled = call
            .members
            .iter()
            .map(|member| self.presence(member, &found));
        Ok(Judgement::Settled(settled.collect()))
    }

    fn read(&self, _effect: &Effect, targets: &[External], _books: &BooksFacts) -> Request {
        let ids: Vec<&str> = targets.iter().map(|target| target.id.as_str()).collect();
        get(&ids)
    }

    fn parse_read(&self, _effect: &Effect, reply: &Reply) -> Result<Vec<Current>, Failure> {
        let found = cards(reply).ok_or_else(|| unclear("UNREADABLE"))?;
        let one = |body: Value| {
            Some(Current {
                landed: landed(&body)?,
                state: LinkState::Active,
                body,
            })
        };
        found
            .into_iter()
            .map(|body| one(body).ok_or_else(|| unclear("UNREADABLE")))
            .collect()
    }
}

impl CardIndex {
    /// What a card says, or the plan of a document that gets none.
    fn title(&self, view: &View<'_>) -> Result<String, Plan> {
        let document = view.document;
        Ok(match &document.body {
            Body::Client(client) => format!(
                "{} {} {}",
                client.name,
                client.email.as_deref().unwrap_or_default(),
                client.notes.as_deref().unwrap_or_default()
            ),
            Body::WriteOff(off) => {
                let invoice = Need::Document {
                    kind: DocumentKind::Invoice,
                    id: off.invoice_id.clone(),
                };
                let effect = effect_of(DocumentKind::Invoice);
                let link = view
                    .links
                    .get(DocumentKind::Invoice, &off.invoice_id, &effect);
                let is_live = document.lifecycle == Lifecycle::Live;
                if link.is_none() && is_live && !self.has(Mistake::SendsWithoutWaiting) {
                    return Err(Plan::Needs(vec![invoice]));
                }
                format!("{} {}", off.amount, off.written_off_on)
            }
            _ if self.has(Mistake::DropsUnknownKinds) => return Err(Plan::Skip("not ours")),
            _ => {
                let message = "The card index does not keep such documents yet.";
                return Err(Plan::Refused(Failure::new(
                    FailureKind::Unsupported,
                    "NOT_KEPT",
                    message,
                )));
            }
        })
    }

    fn card(&self, member: &Member<'_>) -> Value {
        let mut card = member.step.body.clone();
        card["ordinal"] = json!(member.ordinal);
        card["mark"] = json!(member.marker.to_string());
        if let Some(target) = &member.step.target {
            card["id"] = json!(target.id);
        }
        if self.has(Mistake::SendsMoreThanItShowed) {
            card["title"] = json!("something else");
        }
        card
    }

    fn element(
        &self,
        place: usize,
        member: &PastMember,
        reply: &Reply,
        cards: Option<&[Value]>,
    ) -> ElementResult {
        if (400..500).contains(&reply.status)
            || (reply.status >= 500 && self.has(Mistake::CallsAServerErrorARefusal))
        {
            let kind = match reply.status {
                429 => FailureKind::Throttled,
                _ => FailureKind::Rejected,
            };
            let words = String::from_utf8_lossy(&reply.body).into_owned();
            let message = if self.has(Mistake::RepeatsTheProvidersWords) {
                format!("The card index says: {words}.")
            } else {
                "The card index refused this card.".to_owned()
            };
            let detail = words.replace('\0', " ");
            return ElementResult::Failed(
                Failure::new(kind, "REFUSED", message).with_detail(detail),
            );
        }
        let mine = cards.and_then(|cards| {
            if self.has(Mistake::PairsByPlace) {
                return cards.get(place);
            }
            let ordinal = json!(member.ordinal);
            let mut own = cards.iter().filter(|card| card["ordinal"] == ordinal);
            own.next().filter(|_| own.next().is_none())
        });
        mine.filter(|card| self.has(Mistake::BelievesEverySuccess) || is_ours(member, card))
            .and_then(landed)
            .map_or_else(
                || ElementResult::Failed(unclear("UNCLEAR")),
                ElementResult::Done,
            )
    }

    fn presence(&self, member: &PastMember, found: &[Value]) -> Presence {
        let title = &member.step.body["title"];
        let is_mine = |card: &&Value| match &member.step.target {
            Some(target) => card["id"] == json!(target.id),
            None if self.has(Mistake::AdoptsByName) => card["title"] == *title,
            None => is_ours(member, card),
        };
        let mut ours: Vec<Landed> = found.iter().filter(is_mine).filter_map(landed).collect();
        if self.has(Mistake::TakesTheFirstOfTwo) {
            ours.truncate(1);
        }
        match (ours.as_slice(), &member.step.target) {
            ([], None) => Presence::Absent,
            ([], Some(_)) => Presence::Differs(unclear("GONE")),
            ([only], None) => Presence::Present(only.clone()),
            ([only], Some(_)) if only.fingerprint == member.step.fingerprint => {
                Presence::Present(only.clone())
            }
            ([only], Some(target)) if only.revision == target.revision => Presence::Absent,
            ([_], Some(_)) => Presence::Differs(unclear("MOVED")),
            (more, _) => Presence::Duplicate(more.iter().map(|l| l.external_id.clone()).collect()),
        }
    }
}

/// The main effect of a kind.
pub(super) fn effect_of(kind: DocumentKind) -> Effect {
    Effect::main(kind.as_str())
}

/// The books of every test.
pub(super) fn books() -> BooksFacts {
    BooksFacts {
        external_id: "drawer-1".to_owned(),
        environment: Environment::Sandbox,
        country: None,
        home_currency: "USD".parse().ok(),
        extra: Value::Null,
    }
}

fn step(
    effect: Effect,
    operation: Operation,
    target: Option<External>,
    body: Value,
    fingerprint: String,
) -> Plan {
    Plan::Steps(vec![Step {
        effect,
        operation,
        target,
        body,
        prediction: Prediction::NoTotals,
        fingerprint,
    }])
}

fn fingerprint(card: &Value) -> String {
    json!([card["title"], card["isOver"]]).to_string()
}

fn unclear(code: &str) -> Failure {
    let message = "The card index did not say what became of this card.";
    Failure::new(FailureKind::OutcomeUnknown, code, message)
}

fn get(which: &[&str]) -> Request {
    Request {
        method: Method::Get,
        path: "/cards".to_owned(),
        query: vec![("ids".to_owned(), which.join(","))],
        headers: Vec::new(),
        body: Vec::new(),
        cost: Cost::default(),
    }
}

/// All cards of a success; none when it is anything else.
fn cards(reply: &Reply) -> Option<Vec<Value>> {
    if !(200..300).contains(&reply.status) {
        return None;
    }
    let mut body: Map<String, Value> = serde_json::from_slice(&reply.body).ok()?;
    match body.remove("cards") {
        Some(Value::Array(cards)) => Some(cards),
        _ => None,
    }
}

fn is_ours(member: &PastMember, card: &Value) -> bool {
    if let Some(target) = &member.step.target {
        return card["id"] == json!(target.id);
    }
    let mark = member.marker.to_string();
    card["mark"]
        .as_str()
        .is_some_and(|text| text.contains(&mark))
}

fn landed(card: &Value) -> Option<Landed> {
    let word = |name: &str| {
        let text = card[name].as_str()?;
        let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        is_word.then(|| text.to_owned())
    };
    Some(Landed {
        external_id: word("id")?,
        revision: word("revision")?,
        fingerprint: fingerprint(card),
        totals: None,
        lacking: None,
    })
}
