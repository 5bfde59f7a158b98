//! A running sandbox with one company, and a small HTTP client that carries the provider's requests to it.

use std::collections::HashMap;

use provider_kit::{
    ElementResult, Judgement, Landed, LinkState, PastCall, Presence, Provider as _, Reply, Request,
    Step,
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
        let request = Qbo.read(&case.effect(), &[target(external, "0")], &books());
        let reply = self.send(&request).await;
        let mut found = Qbo.parse_read(&case.effect(), &reply).unwrap();
        let mut case = case;
        case.current = Some(match found.pop() {
            Some(current) => provider_kit::CurrentState::There(current),
            None => provider_kit::CurrentState::NotThere,
        });
        case
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
