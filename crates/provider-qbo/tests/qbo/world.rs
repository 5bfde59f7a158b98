//! A running sandbox with one company, and a small HTTP client that carries the provider's requests to it.

use std::collections::HashMap;

use model::Operation;
use provider_kit::{
    CurrentState, Currents, Effect, ElementResult, Judgement, Landed, LinkState, Need, PastCall,
    PastMember, Plan, Presence, Provider as _, Reply, Request, Step,
};
use provider_qbo::Qbo;
use sandbox::web::server::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::*;

/// A sandbox with one company and a token for it.
pub struct World {
    running: Running,
    token: String,
}

impl World {
    pub async fn start(profile: Value) -> Self {
        let running = sandbox::qbo::start(sandbox::qbo::Config::default())
            .await
            .unwrap();
        let mut world = Self {
            running,
            token: String::new(),
        };
        let mut whole = profile;
        whole["realm"] = json!(REALM);
        world.control("POST", "/companies", &whole).await;
        let consent = json!({"clientId": "app", "clientSecret": "s", "realms": [REALM]});
        let tokens = world.control("POST", "/tokens", &consent).await;
        world.token = tokens["accessToken"].as_str().unwrap().to_owned();
        world
    }

    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self
            .exchange(
                method,
                &format!("/_sandbox{path}"),
                &[],
                body.to_string().as_bytes(),
            )
            .await;
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
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
        self.exchange(
            request.method.as_str(),
            &path,
            &request.headers,
            &request.body,
        )
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
        if headers.is_empty() {
            head.push_str("content-type: application/json\r\n");
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

    pub async fn write(&self, steps: &[Step], key: &str) -> (PastCall, Vec<ElementResult>) {
        let reply = self.send(&encode(steps, key).unwrap()).await;
        let call = now(past(steps));
        let elements = Qbo.classify(&call, &reply).elements;
        (call, elements)
    }

    pub async fn landed(&self, step: &Step, key: &str) -> Landed {
        match self
            .write(std::slice::from_ref(step), key)
            .await
            .1
            .remove(0)
        {
            ElementResult::Done(landed) => landed,
            ElementResult::Failed(failure) => panic!("{failure:?}"),
        }
    }

    /// The whole look-up of a call, page by page.
    pub async fn look_up(&self, call: &PastCall) -> Vec<Presence> {
        let mut replies = Vec::new();
        let mut wanted = Qbo.lookups(call, &books());
        for _ in 0..10 {
            for request in &wanted {
                replies.push(self.send(request).await);
            }
            match Qbo.judge(call, &replies).unwrap() {
                Judgement::Settled(presences) => return presences,
                Judgement::More(more) => wanted = more,
            }
        }
        panic!("the look-up does not end");
    }

    /// A document with its own object freshly read.
    pub async fn seen(&self, case: Case, external: &str) -> Case {
        let effect = case.effect();
        self.with_read(case, &effect, external).await
    }

    /// A document with an object freshly read.
    pub async fn with_read(&self, mut case: Case, effect: &Effect, external: &str) -> Case {
        let request = Qbo.read(effect, &[target(external, "0")], &books());
        let reply = self.send(&request).await;
        let state = match Qbo.parse_read(effect, &reply).unwrap().pop() {
            Some(current) => CurrentState::There(current),
            None => CurrentState::NotThere,
        };
        case.currents.insert(&*effect.kind, external, state);
        case
    }

    /// Plans, reads what the plan asks for, and plans again, until there is something else to do.
    pub async fn planned(&self, mut case: Case) -> (Case, Plan) {
        for _ in 0..5 {
            let plan = case.plan();
            let Plan::Needs(needs) = &plan else {
                return (case, plan);
            };
            for need in needs {
                let Need::Current { effect, external } = need else {
                    return (case, plan);
                };
                case = self.with_read(case, effect, &external.id).await;
            }
        }
        panic!("the plan asks for reads for ever");
    }

    /// Plans and carries out steps, linking what lands, until nothing is left to do.
    pub async fn brought_about(&self, mut case: Case) -> Case {
        for turn in 0..20 {
            case.currents = Currents::default();
            let (planned, plan) = self.planned(case).await;
            case = planned;
            let Plan::Steps(steps) = plan else {
                panic!("expected steps, got {plan:?}");
            };
            let Some(step) = steps.into_iter().next() else {
                return case;
            };
            let number = number_of(&case, &step.effect);
            let key = format!("{number}-{}-{turn}", case.document.version);
            let landed = self.landed_as(&step, &key, number).await;
            let state = match step.operation {
                Operation::Void | Operation::Delete => LinkState::Ended,
                Operation::Create | Operation::Update => LinkState::Active,
            };
            case.links.insert(
                case.document.kind(),
                case.document.id.clone(),
                step.effect.clone(),
                link(
                    &landed.external_id,
                    &landed.revision,
                    &landed.fingerprint,
                    state,
                ),
            );
        }
        panic!("the plan has no end");
    }

    /// One step alone, under a marker of its own.
    async fn landed_as(&self, step: &Step, key: &str, number: u32) -> Landed {
        let member = PastMember {
            ordinal: 0,
            kind: kind_of(step),
            step: step.clone(),
            marker: marker(u128::from(number)),
        };
        let sent = provider_kit::Member {
            ordinal: 0,
            kind: member.kind,
            step,
            marker: &member.marker,
        };
        let request = Qbo.encode(&[sent], key, &books()).unwrap();
        let reply = self.send(&request).await;
        let call = PastCall {
            members: vec![member],
            ..now(past(std::slice::from_ref(step)))
        };
        match Qbo.classify(&call, &reply).elements.remove(0) {
            ElementResult::Done(landed) => landed,
            ElementResult::Failed(failure) => panic!("{failure:?}"),
        }
    }

    /// An object of the books as it is.
    pub async fn object(&self, effect: &Effect, id: &str) -> Option<Value> {
        let request = Qbo.read(effect, &[target(id, "0")], &books());
        let reply: Value = serde_json::from_slice(&self.send(&request).await.body).unwrap();
        let found = &reply["QueryResponse"][entity_of(effect)];
        found.as_array().and_then(|all| all.first()).cloned()
    }

    /// A person does something in the books.
    pub async fn by_hand(&self, action: &str, entity: &str, id: &str, changes: &Value) {
        let work = json!({
            "realm": REALM, "entity": entity, "id": id, "action": action, "changes": changes,
        });
        self.control("POST", "/human", &work).await;
    }

    /// A customer in the books and its link in the case.
    pub async fn with_customer(&self, mut case: Case) -> Case {
        let step = Case::client(client("Acme")).step();
        let landed = self.landed(&step, "customer").await;
        case.links.insert(
            model::DocumentKind::Client,
            id("c1"),
            provider_kit::Effect::main(provider_qbo::CUSTOMER),
            link(
                &landed.external_id,
                "0",
                &landed.fingerprint,
                LinkState::Active,
            ),
        );
        case
    }

    /// The id of the tax code with this name.
    pub async fn tax_code(&self, name: &str) -> String {
        let effect = provider_kit::Effect::main(provider_qbo::INVOICE);
        let mut request = Qbo.read(&effect, &[], &books());
        request.query[0].1 = format!("select * from TaxCode where Name = '{name}'");
        let reply: Value = serde_json::from_slice(&self.send(&request).await.body).unwrap();
        let code = &reply["QueryResponse"]["TaxCode"][0]["Id"];
        code.as_str().unwrap().to_owned()
    }
}

/// A number that an effect of a document keeps for good, as its marker does (FNV-1a).
fn number_of(case: &Case, effect: &Effect) -> u32 {
    let name = format!("{}/{}/{}", case.document.id, effect.kind, effect.part);
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The sandbox runs on the real clock; a window that starts long ago holds everything it made.
pub fn now(mut call: PastCall) -> PastCall {
    call.opened_at = instant("2020-01-01T00:00:00Z");
    call
}

fn parsed(raw: &[u8]) -> Reply {
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
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
