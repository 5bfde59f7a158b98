//! A running sandbox with one organisation, and a small HTTP client that carries the provider's requests to it.

use std::collections::HashMap;

use model::{DocumentKind, ImportKind};
use provider_kit::{
    BooksFacts, CurrentState, Effect, ElementResult, Imported, Judgement, Landed, LinkState,
    Marker, Member, Need, PastCall, PastMember, Plan, Presence, Provider as _, References, Reply,
    Request, Step,
};
use provider_xero::{CUSTOMER, INVOICE, Xero};
use sandbox::web::server::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::*;

/// A sandbox with one organisation and a token for it.
pub struct World {
    running: Running,
    token: String,
    pub books: BooksFacts,
    pub references: References,
}

impl World {
    /// British books with their accounts and tax rates imported, as the worker would.
    pub async fn start() -> Self {
        Self::with(
            json!({"countryCode": "GB", "baseCurrency": "GBP", "currencies": ["GBP", "EUR"],
            "exchangeRates": {"EUR": "1.2"}}),
        )
        .await
    }

    pub async fn with(profile: Value) -> Self {
        let running = sandbox::xero::start(sandbox::xero::Config::default())
            .await
            .unwrap();
        let mut world = Self {
            running,
            token: String::new(),
            books: books(),
            references: References::default(),
        };
        let mut whole = profile;
        whole["tenantId"] = json!(TENANT);
        world.control("POST", "/organisations", &whole).await;
        let consent = json!({"clientId": "app", "clientSecret": "s", "tenants": [TENANT],
            "scopes": provider_xero::auth::SCOPES.join(" ")});
        let tokens = world.control("POST", "/tokens", &consent).await;
        world.token = tokens["accessToken"].as_str().unwrap().to_owned();
        world.import().await;
        world
    }

    /// Everything that can be imported, in its order.
    pub async fn import(&mut self) {
        let mut accounts = Vec::new();
        let mut codes = Vec::new();
        for what in ImportKind::ALL {
            let mut replies = Vec::new();
            for request in Xero.imports(what, &self.books) {
                replies.push(self.send(&request).await);
            }
            let Imported::Done(import) = Xero.take_import(what, &replies, &self.books).unwrap()
            else {
                panic!("nothing here comes in pages");
            };
            self.books = import.facts.unwrap_or_else(|| self.books.clone());
            accounts.extend(import.accounts.unwrap_or_default());
            codes.extend(import.tax_codes.unwrap_or_default());
        }
        self.references = References::new(accounts, codes);
    }

    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let json = [("content-type".to_owned(), "application/json".to_owned())];
        let path = format!("/_sandbox{path}");
        let body = body.to_string();
        let reply = self.exchange(method, &path, &json, body.as_bytes()).await;
        let text = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, 200, "{text}");
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Sends a request of the provider, as the worker's client would.
    pub async fn send(&self, request: &Request) -> Reply {
        let query: Vec<String> = request
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
            .collect();
        let path = format!("{}?{}", request.path, query.join("&"));
        let method = request.method.as_str();
        self.exchange(method, &path, &request.headers, &request.body)
            .await
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Reply {
        let url = self.running.url();
        let host = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\
             authorization: Bearer {}\r\n",
            body.len(),
            self.token
        );
        for (name, value) in headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        stream
            .write_all(format!("{head}\r\n").as_bytes())
            .await
            .unwrap();
        stream.write_all(body).await.unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await.unwrap();
        parsed(&raw)
    }

    /// A case in these books.
    pub fn knowing(&self, mut case: Case) -> Case {
        case.books = self.books.clone();
        case.references = self.references.clone();
        case
    }

    /// Plans, reading what the plan asks for.
    pub async fn plan(&self, case: &mut Case) -> Plan {
        for _ in 0..4 {
            let planned = case.plan();
            let Plan::Needs(needs) = &planned else {
                return planned;
            };
            for need in needs {
                let Need::Current { effect, external } = need else {
                    return planned;
                };
                let request = Xero.read(effect, std::slice::from_ref(external), &self.books);
                let reply = self.send(&request).await;
                let found = Xero.parse_read(effect, &reply).unwrap();
                let state = found
                    .into_iter()
                    .find(|one| one.landed.external_id == external.id)
                    .map_or(CurrentState::NotThere, CurrentState::There);
                case.currents
                    .insert(effect.kind.clone(), external.id.clone(), state);
            }
        }
        panic!("the plan reads for ever");
    }

    pub async fn steps(&self, case: &mut Case) -> Vec<Step> {
        match self.plan(case).await {
            Plan::Steps(steps) => steps,
            other => panic!("expected steps, got {other:?}"),
        }
    }

    /// Sends steps as one call, each under its marker.
    pub async fn write(
        &self,
        steps: &[(Step, Marker)],
        key: &str,
    ) -> (PastCall, Vec<ElementResult>) {
        let members: Vec<Member<'_>> = steps
            .iter()
            .enumerate()
            .map(|(ordinal, (step, marker))| Member {
                ordinal,
                kind: DocumentKind::Invoice,
                step,
                marker,
            })
            .collect();
        let request = Xero.encode(&members, key, &self.books).unwrap();
        let reply = self.send(&request).await;
        let call = PastCall {
            key: key.to_owned(),
            members: members
                .iter()
                .map(|member| PastMember {
                    ordinal: member.ordinal,
                    kind: member.kind,
                    step: member.step.clone(),
                    marker: member.marker.clone(),
                })
                .collect(),
            opened_at: sandbox_now(&reply),
            books_external_id: TENANT.to_owned(),
        };
        let elements = Xero.classify(&call, &reply).elements;
        (call, elements)
    }

    pub async fn landed(&self, step: &Step, marker: &Marker, key: &str) -> Landed {
        let steps = [(step.clone(), marker.clone())];
        match self.write(&steps, key).await.1.remove(0) {
            ElementResult::Done(landed) => landed,
            ElementResult::Failed(failure) => panic!("{failure:?}"),
        }
    }

    /// Brings a document about as the worker does: the first step, then planned again, until nothing is left. Answers
    /// what was sent.
    pub async fn bring_about(&self, case: &mut Case, name: &str) -> Vec<Landed> {
        let mut all = Vec::new();
        for turn in 0..10 {
            case.currents = provider_kit::Currents::default();
            let steps = self.steps(case).await;
            let Some(step) = steps.first() else {
                return all;
            };
            let marker = marker_of(case, &step.effect);
            let key = format!("{}-{turn}", name.replace(' ', "-"));
            let landed = self.landed(step, &marker, &key).await;
            let is_over = matches!(
                step.operation,
                model::Operation::Void | model::Operation::Delete
            );
            let state = if is_over {
                LinkState::Ended
            } else {
                LinkState::Active
            };
            let mut known = link(&landed.external_id, &landed.fingerprint, state);
            known.revision.clone_from(&landed.revision);
            known.effect_id = marker.effect;
            *case = case.clone().with_link(step.effect.clone(), known);
            all.push(landed);
            // Done when the step was the only one of its plan.
            if steps.len() == 1 {
                return all;
            }
        }
        panic!("{name} is never done");
    }

    /// The whole look-up of a call, page by page.
    pub async fn look_up(&self, call: &PastCall) -> Vec<Presence> {
        let mut replies = Vec::new();
        let mut wanted = Xero.lookups(call, &self.books);
        for _ in 0..10 {
            for request in &wanted {
                replies.push(self.send(request).await);
            }
            match Xero.judge(call, &replies).unwrap() {
                Judgement::Settled(presences) => return presences,
                Judgement::More(more) => wanted = more,
            }
        }
        panic!("the look-up does not end");
    }

    /// A person does something in the books.
    pub async fn by_hand(&self, action: &str, entity: &str, id: &str, changes: &Value) {
        let work = json!({
            "tenantId": TENANT, "entity": entity, "id": id, "action": action, "changes": changes,
        });
        self.control("POST", "/human", &work).await;
    }

    /// One object as the books export it.
    pub async fn entity(&self, kind: &str, id: &str) -> Value {
        let whole = self
            .control("GET", &format!("/books/{TENANT}"), &json!({}))
            .await;
        assert_eq!(
            whole["imbalances"],
            json!([]),
            "the books agree with themselves"
        );
        let all = whole["objects"][kind].as_array().unwrap();
        let found = all.iter().find(|one| one["id"] == id);
        found.unwrap()["entity"].clone()
    }

    /// Adds the contact of client `c1` and, on request, invoices `i1`, `i2`… to a case.
    pub async fn with_invoices(&self, mut case: Case, invoices: &[(&str, &str)]) -> Case {
        let mut client = self.knowing(Case::client(client("Acme")));
        let landed = self.bring_about(&mut client, "client").await.remove(0);
        let customer = link(&landed.external_id, &landed.fingerprint, LinkState::Active);
        let place = |case: &mut Case| {
            case.links.insert(
                DocumentKind::Client,
                id("c1"),
                Effect::main(CUSTOMER),
                customer.clone(),
            );
        };
        place(&mut case);
        for (name, amount) in invoices {
            let mut own = invoice(vec![line("1", amount, amount)], totals(amount, "0", amount));
            own.number = format!("INV-{name}");
            let mut one = self.knowing(Case::new(name, model::Body::Invoice(own)));
            one.links = provider_kit::Links::default();
            place(&mut one);
            let landed = self.bring_about(&mut one, name).await.remove(0);
            let known = link(&landed.external_id, &landed.fingerprint, LinkState::Active);
            case.links.insert(
                DocumentKind::Invoice,
                id(name),
                Effect::main(INVOICE),
                known,
            );
        }
        self.knowing(case)
    }
}

/// The same effect of a document has the same marker always.
pub fn marker_of(case: &Case, effect: &Effect) -> Marker {
    let name = format!("{} {} {}", case.document.id, effect.kind, effect.part);
    let number = name.bytes().fold(7_u128, |all, byte| {
        all.wrapping_mul(131).wrapping_add(u128::from(byte))
    });
    marker(number)
}

/// When a call was opened, by the sandbox's own clock.
fn sandbox_now(reply: &Reply) -> chrono::DateTime<chrono::Utc> {
    let date = reply.header("date").unwrap();
    let parsed = chrono::DateTime::parse_from_rfc2822(date).unwrap();
    parsed.with_timezone(&chrono::Utc)
}

fn parsed(raw: &[u8]) -> Reply {
    let Some(end) = raw.windows(4).position(|w| w == b"\r\n\r\n") else {
        // A connection that was dropped says nothing at all.
        return Reply {
            status: 599,
            headers: vec![(
                "date".to_owned(),
                "Sun, 01 Mar 2026 12:00:00 GMT".to_owned(),
            )],
            body: Vec::new(),
        };
    };
    let head = std::str::from_utf8(&raw[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    assert!(
        !headers.contains_key("transfer-encoding"),
        "chunked replies are not read here"
    );
    Reply {
        status: status.parse().unwrap(),
        headers: headers.into_iter().collect(),
        body: raw[end + 4..].to_vec(),
    }
}

fn percent(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}
