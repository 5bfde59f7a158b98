//! Webhooks: what changed, told to one address in either of the two shapes.
//!
//! ```text
//! journal entry -> events wait -> (delay) -> one notification of all that waits -> 2xx in time?
//!                       ^                                                  |no
//!                       '--- later events wait until it is acknowledged <--' retry after a while
//! ```
//!
//! An event says what was touched, never what it looks like now. Events of several companies may
//! share a notification; companies that no live consent covers are not told about.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::world::App;
use crate::web::journal::Touched;
use crate::web::outgoing::{Parcel, deliver};
use crate::web::signature::sign;

/// Deliveries remembered for the control API. Bounds a long soak, not a test.
const DELIVERIES_KEPT: usize = 10_000;

/// Where notifications go and how badly they travel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// Address; absent means that nothing is sent.
    pub url: Option<String>,
    /// The key of signatures.
    pub verifier_token: String,
    /// Which of the two shapes.
    pub format: Format,
    /// Entities told about; absent means all that can be.
    pub entities: Option<Vec<String>>,
    /// How long events gather.
    pub delay_ms: u64,
    /// How long the receiver may take.
    pub answer_ms: u64,
    /// Pauses before each further attempt; the last one repeats.
    pub retry_ms: Vec<u64>,
    /// Attempts before a notification is dropped; absent means never.
    pub attempts_max: Option<u32>,
    /// Chance that an acknowledged notification is sent once more.
    pub duplicates: f64,
    /// Whether the events of a notification come in any order.
    pub shuffles: bool,
}

/// The shapes of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// `eventNotifications`, by company.
    #[default]
    Legacy,
    /// An array of CloudEvents.
    CloudEvents,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            url: None,
            verifier_token: "verifier".to_owned(),
            format: Format::Legacy,
            entities: None,
            delay_ms: 0,
            answer_ms: 3000,
            // 10 s, 20 s, 30 s, 5 min, 20 min, 2 h, 4 h, 6 h, then every 6 h (fact sheet 8.2).
            retry_ms: vec![
                10_000, 20_000, 30_000, 300_000, 1_200_000, 7_200_000, 14_400_000, 21_600_000,
            ],
            attempts_max: None,
            duplicates: 0.0,
            shuffles: false,
        }
    }
}

/// Entities that webhooks tell about, of those kept here.
const TOLD: [&str; 14] = [
    "Account",
    "CreditMemo",
    "Customer",
    "Deposit",
    "Employee",
    "Invoice",
    "Item",
    "Payment",
    "PaymentMethod",
    "Preferences",
    "RefundReceipt",
    "TaxAgency",
    "Term",
    "Vendor",
];

/// Something that happened to an object.
#[derive(Debug, Clone)]
struct Event {
    realm: String,
    entity: String,
    id: String,
    operation: &'static str,
    merged_into: Option<String>,
    at: DateTime<Utc>,
    cloud_id: String,
}

/// One attempt to deliver, for the control API.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    at: DateTime<Utc>,
    attempt: u32,
    events: usize,
    status: Option<u16>,
    is_duplicate: bool,
}

/// Events on their way out.
#[derive(Debug)]
pub struct Notices {
    waiting: VecDeque<Event>,
    deliveries: VecDeque<Delivery>,
    in_flight: usize,
    /// Its own source, so that webhooks draw from nobody else's.
    chance: StdRng,
}

impl Notices {
    /// Nothing to tell yet.
    pub fn seeded(seed: u64) -> Self {
        Self {
            waiting: VecDeque::new(),
            deliveries: VecDeque::new(),
            in_flight: 0,
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// Takes note of what a journal entry touched; true when there is something to tell.
    pub fn note(
        &mut self,
        settings: &WebhookSettings,
        realm: &str,
        objects: &[Touched],
        at: DateTime<Utc>,
    ) -> bool {
        if settings.url.is_none() {
            return false;
        }
        let before = self.waiting.len();
        for object in objects {
            let is_wanted = settings.entities.as_ref().is_none_or(|wanted| {
                wanted
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&object.kind))
            });
            let operation = operation(object.action);
            if let (Some(operation), true, true) =
                (operation, is_wanted, TOLD.contains(&object.kind.as_str()))
            {
                let cloud_id = uuid(&mut self.chance);
                self.waiting.push_back(Event {
                    realm: realm.to_owned(),
                    entity: object.kind.clone(),
                    id: object.id.clone(),
                    operation,
                    merged_into: object.merged_into.clone(),
                    at,
                    cloud_id,
                });
            }
        }
        self.waiting.len() > before
    }

    /// What waits, what is under way and what was tried, for the control API.
    pub fn report(&self) -> Value {
        json!({
            "waiting": self.waiting.len(),
            "inFlight": self.in_flight,
            "deliveries": self.deliveries,
        })
    }

    fn gather(&mut self, settings: &WebhookSettings) -> Vec<Event> {
        let mut events: Vec<Event> = self.waiting.drain(..).collect();
        if settings.shuffles {
            events.shuffle(&mut self.chance);
        }
        self.in_flight = events.len();
        events
    }

    fn tried(&mut self, delivery: Delivery) {
        if self.deliveries.len() == DELIVERIES_KEPT {
            self.deliveries.pop_front();
        }
        self.deliveries.push_back(delivery);
    }
}

/// Sends what waits, for as long as the sandbox lives.
pub async fn keep_telling(app: App) {
    loop {
        app.something_to_tell().await;
        let settings = app.world().settings.webhooks.clone();
        tokio::time::sleep(Duration::from_millis(settings.delay_ms)).await;
        let events = app.world().notices.gather(&settings);
        if !events.is_empty() {
            tell(&app, &events).await;
        }
        app.world().notices.in_flight = 0;
    }
}

/// Delivers one notification, again and again until it is acknowledged or given up.
async fn tell(app: &App, events: &[Event]) {
    let mut attempt = 0;
    loop {
        // Read afresh: a test may have turned the address or the pauses meanwhile.
        let settings = app.world().settings.webhooks.clone();
        let Some(url) = settings.url.clone() else {
            return;
        };
        attempt += 1;
        let parcel = parcel(url, &settings, events, app.clock().now());
        if send(app, &settings, &parcel, events, attempt, false).await {
            let again = {
                let mut world = app.world();
                let chance = settings.duplicates.clamp(0.0, 1.0);
                world.notices.chance.random_bool(chance)
            };
            if again {
                send(app, &settings, &parcel, events, 1, true).await;
            }
            return;
        }
        if settings.attempts_max.is_some_and(|most| attempt >= most) {
            return;
        }
        let step = usize::try_from(attempt - 1).unwrap_or(usize::MAX);
        let pause = settings.retry_ms.get(step).or(settings.retry_ms.last());
        let pause = pause.copied().unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// One attempt; true when it was acknowledged in time.
async fn send(
    app: &App,
    settings: &WebhookSettings,
    parcel: &Parcel,
    events: &[Event],
    attempt: u32,
    is_duplicate: bool,
) -> bool {
    let limit = Duration::from_millis(settings.answer_ms);
    let status = deliver(parcel, limit).await.ok();
    let at = app.clock().now();
    app.world().notices.tried(Delivery {
        at,
        attempt,
        events: events.len(),
        status,
        is_duplicate,
    });
    status.is_some_and(|status| (200..300).contains(&status))
}

fn parcel(url: String, settings: &WebhookSettings, events: &[Event], now: DateTime<Utc>) -> Parcel {
    let (content_type, body) = match settings.format {
        Format::Legacy => ("application/json; charset=utf-8", legacy(events)),
        Format::CloudEvents => ("application/cloudevents+json", cloud_events(events)),
    };
    let body = body.to_string().into_bytes();
    let signature = sign(settings.verifier_token.as_bytes(), &body);
    let created = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    Parcel {
        url,
        headers: vec![
            ("Content-Type", content_type.to_owned()),
            ("User-Agent", "intuit_notification_server/0.1".to_owned()),
            ("intuit-signature", signature),
            ("intuit-created-time", created),
            ("intuit-notification-schema-version", "0.1".to_owned()),
        ],
        body,
    }
}

fn legacy(events: &[Event]) -> Value {
    let mut by_realm: Vec<(&str, Vec<Value>)> = Vec::new();
    for event in events {
        let mut entity = json!({
            "name": event.entity,
            "id": event.id,
            "operation": event.operation,
            "lastUpdated": event.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        if let Some(survivor) = &event.merged_into {
            // The object that was merged away is named beside the one that stays.
            entity["deletedId"] = json!(event.id);
            entity["id"] = json!(survivor);
        }
        match by_realm.iter_mut().find(|(realm, _)| *realm == event.realm) {
            Some((_, entities)) => entities.push(entity),
            None => by_realm.push((&event.realm, vec![entity])),
        }
    }
    let notifications: Vec<Value> = by_realm
        .into_iter()
        .map(|(realm, entities)| {
            json!({"realmId": realm, "dataChangeEvent": {"entities": entities}})
        })
        .collect();
    json!({"eventNotifications": notifications})
}

fn cloud_events(events: &[Event]) -> Value {
    let word = |operation: &str| match operation {
        "Create" => "created",
        "Update" => "updated",
        "Delete" => "deleted",
        "Void" => "voided",
        _ => "merged",
    };
    let rows = events.iter().map(|event| {
        let id = event.merged_into.as_ref().unwrap_or(&event.id);
        json!({
            "specversion": "1.0",
            "id": event.cloud_id,
            "source": format!("intuit.{}", STANDARD.encode("sandbox")),
            "type": format!(
                "qbo.{}.{}.v1",
                event.entity.to_lowercase(),
                word(event.operation)
            ),
            "datacontenttype": "application/json",
            "time": event.at.to_rfc3339_opts(SecondsFormat::Nanos, true),
            "intuitentityid": id,
            "intuitaccountid": event.realm,
            "data": {},
        })
    });
    rows.collect()
}

/// The webhook's word for what the journal calls an action.
fn operation(action: &str) -> Option<&'static str> {
    match action {
        "created" => Some("Create"),
        "updated" => Some("Update"),
        "deleted" => Some("Delete"),
        "voided" => Some("Void"),
        "merged" => Some("Merge"),
        _ => None,
    }
}

fn uuid(chance: &mut StdRng) -> String {
    let bits: u128 = chance.random();
    // Version 4, variant 1, as RFC 9562 marks random ones.
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let bits = bits & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}
