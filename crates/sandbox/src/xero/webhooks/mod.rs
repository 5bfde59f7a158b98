//! Webhooks: what changed, told to the address of each application that is connected.
//!
//! ```text
//! subscribe -> intent to receive: some POSTs, half of them mis-signed -> active, or refused
//! event -> waits -> (delay) -> one delivery of all that waits -> 2xx in time? -> next
//!                                       ^                            |no
//!                                       '--- at once, then every quarter of an hour; after a
//!                                            day the subscription is disabled, events are kept
//! ```
//!
//! Payments have no category of their own; whether they make an event of their invoice is not
//! established and is a setting.

pub mod post;
pub mod telling;

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::Kind;
use super::organisation::Organisation;
use crate::web::journal::Touched;

/// Deliveries remembered for the control API. Bounds a long soak, not a test.
const DELIVERIES_KEPT: usize = 10_000;

/// Most events of one delivery.
const EVENTS_MAX: usize = 100;

/// How webhooks travel.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// How long events gather before they are delivered.
    pub delay_ms: u64,
    /// How long the receiver may take.
    pub answer_ms: u64,
    /// Pause before every attempt after the second.
    pub retry_ms: u64,
    /// Attempts before the subscription is disabled.
    pub attempts_max: u32,
    /// Whether a payment or allocation is an update of its invoice and credit.
    pub payments_count: bool,
    /// Chance that a delivery that was acknowledged is made once more.
    pub duplicates: f64,
    /// Chance that a mis-signed copy comes before a delivery.
    pub mis_signed: f64,
    /// Chance that a delivery is never made.
    pub lost: f64,
    /// Whether the events of a delivery come in any order.
    pub shuffles: bool,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            delay_ms: 0,
            answer_ms: 5_000,
            retry_ms: 900_000,
            attempts_max: 96,
            payments_count: true,
            duplicates: 0.0,
            mis_signed: 0.0,
            lost: 0.0,
            shuffles: false,
        }
    }
}

/// Where an application wants to be told, as the control API takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wish {
    /// The application.
    pub client_id: String,
    /// Its address.
    pub url: String,
    /// The key of signatures.
    pub key: String,
    /// Categories; absent means all there are.
    #[serde(default)]
    pub categories: Option<Vec<String>>,
}

/// Whether a subscription is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// The intent to receive was answered rightly.
    Active,
    /// It was not.
    Refused,
    /// Deliveries failed for a day.
    Disabled,
}

#[derive(Debug)]
struct Subscription {
    wish: Wish,
    state: State,
    waiting: VecDeque<Event>,
    last_sequence: u64,
    /// A delivery is under way: what comes later waits for it.
    is_busy: bool,
}

/// Something that happened to an object.
#[derive(Debug, Clone)]
pub struct Event {
    tenant: String,
    kind: Kind,
    id: String,
    /// `CREATE` or `UPDATE`.
    action: &'static str,
    data: Option<Value>,
    at: DateTime<Utc>,
}

/// One POST to a receiver, for the control API.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it was answered or given up.
    pub at: DateTime<Utc>,
    /// The application.
    pub client_id: String,
    /// `intent`, `delivery`, `duplicate`, `misSigned` or `lost`.
    pub what: &'static str,
    /// Which attempt of a delivery, from 1.
    pub number: u32,
    /// Events it told of.
    pub events: usize,
    /// The answer, if there was one in time.
    pub status: Option<u16>,
}

/// All subscriptions.
#[derive(Debug)]
pub struct Webhooks {
    subscriptions: Vec<Subscription>,
    attempts: VecDeque<Attempt>,
    /// Its own source, so that webhooks draw from nobody else's.
    chance: StdRng,
}

impl Webhooks {
    /// None yet.
    pub fn seeded(seed: u64) -> Self {
        Self {
            subscriptions: Vec::new(),
            attempts: VecDeque::new(),
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// Enters a subscription; one of the same application keeps what waits for it.
    pub fn subscribe(&mut self, wish: Wish, state: State) {
        let same = |known: &&mut Subscription| known.wish.client_id == wish.client_id;
        match self.subscriptions.iter_mut().find(same) {
            Some(known) => {
                known.wish = wish;
                known.state = state;
            }
            None => self.subscriptions.push(Subscription {
                wish,
                state,
                waiting: VecDeque::new(),
                last_sequence: 0,
                is_busy: false,
            }),
        }
    }

    /// Whether anyone wants to be told anything.
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// Takes note of what was touched in an organisation; true when there is something to tell.
    pub fn note(
        &mut self,
        settings: &WebhookSettings,
        organisation: &Organisation,
        clients: &[String],
        touched: &[Touched],
        at: DateTime<Utc>,
    ) -> bool {
        let is_silent = !settings.payments_count && is_settlement(touched);
        let mut is_news = false;
        for object in touched {
            let Some((kind, category)) = told(&object.kind) else {
                continue;
            };
            if is_silent && object.action == "updated" {
                continue;
            }
            let event = Event {
                tenant: organisation.profile.tenant_id.clone(),
                kind,
                id: object.id.clone(),
                action: if object.action == "created" {
                    "CREATE"
                } else {
                    "UPDATE"
                },
                data: credit_note_data(organisation, kind, &object.id),
                at,
            };
            for subscription in &mut self.subscriptions {
                let wish = &subscription.wish;
                let is_wanted = wish
                    .categories
                    .as_ref()
                    .is_none_or(|wanted| wanted.iter().any(|one| one == category));
                if is_wanted && clients.contains(&wish.client_id) {
                    subscription.waiting.push_back(event.clone());
                    is_news = true;
                }
            }
        }
        is_news
    }

    /// Subscriptions, what waits for them and what was tried.
    pub fn report(&self) -> Value {
        let subscriptions = self.subscriptions.iter().map(|known| {
            json!({
                "clientId": known.wish.client_id,
                "url": known.wish.url,
                "categories": known.wish.categories,
                "state": known.state,
                "waiting": known.waiting.len(),
                "lastSequence": known.last_sequence,
            })
        });
        json!({
            "subscriptions": subscriptions.collect::<Value>(),
            "attempts": self.attempts,
        })
    }

    fn tried(&mut self, attempt: Attempt) {
        if self.attempts.len() == DELIVERIES_KEPT {
            self.attempts.pop_front();
        }
        self.attempts.push_back(attempt);
    }

    fn active(&self, client_id: &str) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .find(|known| known.wish.client_id == client_id && known.state == State::Active)
    }

    /// The active subscriptions that something waits for; each is busy from now on.
    fn take_due(&mut self) -> Vec<String> {
        let is_due = |known: &&mut Subscription| {
            known.state == State::Active && !known.waiting.is_empty() && !known.is_busy
        };
        let due = self.subscriptions.iter_mut().filter(is_due);
        due.map(|known| {
            known.is_busy = true;
            known.wish.client_id.clone()
        })
        .collect()
    }

    /// Ends a delivery.
    fn done(&mut self, client_id: &str) {
        if let Some(known) = self.of(client_id) {
            known.is_busy = false;
        }
    }

    fn of(&mut self, client_id: &str) -> Option<&mut Subscription> {
        let mut all = self.subscriptions.iter_mut();
        all.find(|known| known.wish.client_id == client_id)
    }

    /// Takes the events of the next delivery to an application, with their first sequence.
    fn gather(&mut self, client_id: &str, shuffles: bool) -> (Vec<Event>, u64) {
        let Some(known) = self.of(client_id) else {
            return (Vec::new(), 0);
        };
        let count = known.waiting.len().min(EVENTS_MAX);
        let mut events: Vec<Event> = known.waiting.drain(..count).collect();
        let first = known.last_sequence + 1;
        known.last_sequence += u64::try_from(count).unwrap_or(u64::MAX);
        if shuffles {
            events.shuffle(&mut self.chance);
        }
        (events, first)
    }

    /// Disables a subscription after a day of failures.
    fn disable(&mut self, client_id: &str) {
        if let Some(known) = self.of(client_id) {
            known.state = State::Disabled;
        }
    }

    /// Puts the events of a delivery that was not taken back to the front.
    fn put_back(&mut self, client_id: &str, events: Vec<Event>) {
        if let Some(known) = self.of(client_id) {
            known.last_sequence -= u64::try_from(events.len()).unwrap_or(0);
            for event in events.into_iter().rev() {
                known.waiting.push_front(event);
            }
        }
    }

    fn draws(&mut self, probability: f64) -> bool {
        self.chance.random_bool(probability.clamp(0.0, 1.0))
    }

    fn entropy(&mut self) -> String {
        let letters = (0..20).map(|_| char::from(self.chance.random_range(b'A'..=b'Z')));
        letters.collect()
    }
}

/// Whether documents were touched only by money: a payment, or a credit applied to an invoice,
/// which is the one change that touches both.
fn is_settlement(touched: &[Touched]) -> bool {
    let has = |kinds: &[&str]| touched.iter().any(|it| kinds.contains(&it.kind.as_str()));
    let is_payment = has(&["Payment", "BatchPayment"]);
    is_payment || (has(&["Invoice"]) && has(&["CreditNote", "Overpayment", "Prepayment"]))
}

/// The kinds that events tell of, and their categories.
fn told(name: &str) -> Option<(Kind, &'static str)> {
    let kind = Kind::named(name)?;
    let category = match kind {
        Kind::Contact => "CONTACT",
        Kind::Invoice => "INVOICE",
        Kind::CreditNote => "CREDITNOTE",
        Kind::Prepayment => "PREPAYMENT",
        Kind::Overpayment => "OVERPAYMENT",
        _ => return None,
    };
    Some((kind, category))
}

/// What events about credit notes carry besides the usual.
fn credit_note_data(organisation: &Organisation, kind: Kind, id: &str) -> Option<Value> {
    if kind != Kind::CreditNote {
        return None;
    }
    let document = organisation.document(kind, id)?;
    Some(json!({"Type": document.sort, "Status": document.status.name()}))
}
