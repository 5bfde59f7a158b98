//! Tells receivers what waits for them, for as long as the sandbox lives.

use std::time::Duration;

use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use super::post::post;
use super::{Attempt, Event, State, WebhookSettings, Webhooks, Wish};
use crate::xero::signature;
use crate::xero::world::{App, Doorbell};

/// POSTs of an intent to receive: so many signed rightly, and as many wrongly.
const INTENTS: usize = 2;

/// Proves an address before it is told anything; the state that the subscription takes.
pub async fn intend(app: &App, wish: &Wish) -> State {
    let mut rightly = vec![true; INTENTS];
    rightly.extend([false; INTENTS]);
    rightly.shuffle(&mut app.world().webhooks.chance);
    let mut state = State::Active;
    for is_right in rightly {
        let (settings, body) = {
            let mut world = app.world();
            let body = payload(&[], 0, &mut world.webhooks);
            (world.settings.webhooks.clone(), body)
        };
        let key = if is_right { &wish.key } else { "not the key" };
        let limit = Duration::from_millis(settings.answer_ms);
        let signed = signature::of_webhook(key, body.as_bytes());
        let answer = post(&wish.url, &signed, &body, limit).await;
        let is_passed = answer.is_some_and(|answer| {
            let is_expected = if is_right {
                (200..300).contains(&answer.status)
            } else {
                answer.status == 401
            };
            is_expected && (answer.is_bare || !is_right)
        });
        if !is_passed {
            state = State::Refused;
        }
        let attempt = Attempt {
            at: app.clock().now(),
            client_id: wish.client_id.clone(),
            what: "intent",
            number: 1,
            events: 0,
            status: answer.map(|answer| answer.status),
        };
        app.world().webhooks.tried(attempt);
    }
    state
}

/// Sends what waits until the sandbox is gone.
pub async fn keep_telling(bell: Doorbell) {
    loop {
        bell.rung().await;
        let Some(app) = bell.app() else {
            return;
        };
        let due = app.world().webhooks.take_due();
        for client_id in due {
            // Each receiver is told at its own pace.
            let bell = bell.clone();
            tokio::spawn(async move {
                tell(&bell, &client_id).await;
                if let Some(app) = bell.app() {
                    app.world().webhooks.done(&client_id);
                    // For what came meanwhile.
                    app.ring();
                }
            });
        }
    }
}

/// Makes one delivery, again and again until it is acknowledged or given up.
async fn tell(bell: &Doorbell, client_id: &str) {
    let Some(delay) = bell.app().map(|app| app.world().settings.webhooks.delay_ms) else {
        return;
    };
    tokio::time::sleep(Duration::from_millis(delay)).await;
    let Some(app) = bell.app() else {
        return;
    };
    let (events, body, copies) = {
        let mut world = app.world();
        let settings = world.settings.webhooks.clone();
        let (events, first) = world.webhooks.gather(client_id, settings.shuffles);
        let body = payload(&events, first, &mut world.webhooks);
        let copies = Copies::draw(&mut world.webhooks, &settings);
        (events, body, copies)
    };
    drop(app);
    if events.is_empty() {
        return;
    }
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Some(app) = bell.app() else {
            return;
        };
        let settings = app.world().settings.webhooks.clone();
        let parcel = Parcel {
            client_id,
            body: &body,
            events: events.len(),
        };
        match parcel.deliver(&app, &settings, attempt, copies).await {
            Fate::Done => return,
            Fate::Failed if attempt < settings.attempts_max => {}
            fate => {
                let mut world = app.world();
                if fate == Fate::Failed {
                    world.webhooks.disable(client_id);
                }
                world.webhooks.put_back(client_id, events);
                return;
            }
        }
        drop(app);
        // The second attempt comes at once.
        if attempt > 1 {
            tokio::time::sleep(Duration::from_millis(settings.retry_ms)).await;
        }
    }
}

/// What happens to a delivery besides its being made.
#[derive(Debug, Clone, Copy)]
struct Copies {
    is_lost: bool,
    is_repeated: bool,
    is_forged: bool,
}

impl Copies {
    fn draw(webhooks: &mut Webhooks, settings: &WebhookSettings) -> Self {
        Self {
            is_lost: webhooks.draws(settings.lost),
            is_repeated: webhooks.draws(settings.duplicates),
            is_forged: webhooks.draws(settings.mis_signed),
        }
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was taken, or lost for good.
    Done,
    /// It was not taken.
    Failed,
    /// Nobody wants it any more.
    Unwanted,
}

/// One delivery to one receiver.
struct Parcel<'a> {
    client_id: &'a str,
    body: &'a str,
    events: usize,
}

impl Parcel<'_> {
    /// One attempt with its copies.
    async fn deliver(
        &self,
        app: &App,
        settings: &WebhookSettings,
        attempt: u32,
        copies: Copies,
    ) -> Fate {
        if copies.is_lost {
            self.note(app, "lost", attempt, None);
            return Fate::Done;
        }
        let wish = app
            .world()
            .webhooks
            .active(self.client_id)
            .map(|it| it.wish.clone());
        let Some(wish) = wish else {
            return Fate::Unwanted;
        };
        let limit = Duration::from_millis(settings.answer_ms);
        let send = async |what: &'static str, key: &str| {
            let signed = signature::of_webhook(key, self.body.as_bytes());
            let answer = post(&wish.url, &signed, self.body, limit).await;
            let status = answer.map(|answer| answer.status);
            self.note(app, what, attempt, status);
            status.is_some_and(|status| (200..300).contains(&status))
        };
        if copies.is_forged {
            send("misSigned", "not the key").await;
        }
        let is_taken = send("delivery", &wish.key).await;
        if is_taken && copies.is_repeated {
            send("duplicate", &wish.key).await;
        }
        if is_taken { Fate::Done } else { Fate::Failed }
    }

    fn note(&self, app: &App, what: &'static str, attempt: u32, status: Option<u16>) {
        let at = app.clock().now();
        app.world().webhooks.tried(Attempt {
            at,
            client_id: self.client_id.to_owned(),
            what,
            number: attempt,
            events: self.events,
            status,
        });
    }
}

/// The body of a delivery; without events it is an intent to receive.
fn payload(events: &[Event], first: u64, webhooks: &mut Webhooks) -> String {
    let count = u64::try_from(events.len()).unwrap_or(0);
    let last = (first + count).saturating_sub(1);
    json!({
        "events": events.iter().map(event).collect::<Value>(),
        "firstEventSequence": first,
        "lastEventSequence": if events.is_empty() { 0 } else { last },
        "entropy": webhooks.entropy(),
    })
    .to_string()
}

fn event(event: &Event) -> Value {
    let plural = event.kind.plural();
    let mut shown = json!({
        "resourceUrl": format!("https://api.xero.com/api.xro/2.0/{plural}/{}", event.id),
        "resourceId": event.id,
        "tenantId": event.tenant,
        "tenantType": "ORGANISATION",
        "eventCategory": event.kind.name().to_ascii_uppercase(),
        "eventType": event.action,
        "eventDateUtc": event.at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
    });
    if let Some(data) = &event.data {
        shown["data"] = data.clone();
    }
    shown
}
