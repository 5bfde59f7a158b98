//! A running sandbox with one company, and a client that holds a token for it.

use std::sync::Once;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Method};
use sandbox::qbo::{self, Config};
use sandbox::web::server::Running;
use serde_json::{Value, json};

/// The company of every test.
pub const REALM: &str = "9130347";

/// A sandbox under test.
pub struct Twin {
    running: Option<Running>,
    base: String,
    http: Client,
    /// The access token in use.
    pub token: String,
    /// The refresh token of the same pair.
    pub refresh: String,
}

/// A reply.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub text: String,
    pub json: Value,
    pub intuit_tid: String,
    pub content_type: String,
}

impl Reply {
    /// The code of the first fault, in either shape.
    pub fn code(&self) -> &str {
        let upper = &self.json["Fault"]["Error"][0]["code"];
        let lower = &self.json["fault"]["error"][0]["code"];
        upper.as_str().or(lower.as_str()).unwrap_or("")
    }

    /// The detail of the first fault.
    pub fn detail(&self) -> &str {
        self.json["Fault"]["Error"][0]["Detail"].as_str().unwrap()
    }
}

/// A client without redirects, resends or a proxy.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox may not use the product's client"
)]
pub fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .unwrap()
}

impl Twin {
    /// A sandbox with a company of that profile.
    pub async fn start(profile: Value) -> Self {
        Self::start_seeded(profile, 1).await
    }

    /// A United States company with everything at its default.
    pub async fn usual() -> Self {
        Self::start(json!({})).await
    }

    pub async fn start_seeded(mut profile: Value, seed: u64) -> Self {
        let config = Config {
            seed,
            ..Config::default()
        };
        let running = qbo::start(config).await.unwrap();
        let mut twin = Self {
            base: running.url(),
            running: Some(running),
            http: client(),
            token: String::new(),
            refresh: String::new(),
        };
        profile["realm"] = json!(REALM);
        let made = twin.control(Method::POST, "/companies", profile).await;
        assert_eq!(made.status, 200, "{}", made.text);
        twin.connect().await;
        twin
    }

    /// Takes a fresh pair of tokens.
    pub async fn connect(&mut self) {
        let consent = json!({"clientId": "app", "clientSecret": "secret", "realms": [REALM]});
        let pair = self.control(Method::POST, "/tokens", consent).await.json;
        pair["accessToken"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
        pair["refreshToken"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.refresh);
    }

    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn http(&self) -> &Client {
        &self.http
    }

    pub async fn control(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self
            .http
            .request(method, self.url(&format!("/_sandbox{path}")))
            .header("content-type", "application/json")
            .body(body.to_string());
        read(request.send().await.unwrap()).await.unwrap()
    }

    pub async fn settings(&self, changes: Value) {
        let reply = self.control(Method::PATCH, "/settings", changes).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    pub async fn profile(&self, changes: Value) {
        let path = format!("/companies/{REALM}");
        let reply = self.control(Method::PATCH, &path, changes).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    pub async fn fault(&self, rule: Value) {
        let reply = self.control(Method::POST, "/faults", rule).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    pub async fn advance(&self, milliseconds: i64) {
        self.advance_and_tell(milliseconds).await;
    }

    /// Advances the sandbox's clock and returns what it shows then.
    pub async fn advance_and_tell(&self, milliseconds: i64) -> DateTime<Utc> {
        let body = json!({"advanceMs": milliseconds});
        let reply = self.control(Method::POST, "/clock", body).await;
        assert_eq!(reply.status, 200);
        reply.json["now"].as_str().unwrap().parse().unwrap()
    }

    pub async fn journal(&self) -> Vec<Value> {
        let reply = self.control(Method::GET, "/journal", json!({})).await;
        reply.json["entries"].as_array().unwrap().clone()
    }

    /// Requests being worked on.
    pub async fn in_progress(&self) -> u64 {
        let reply = self
            .control(Method::GET, "/journal?limit=0", json!({}))
            .await;
        reply.json["inProgress"].as_u64().unwrap()
    }

    /// Asks again and again until the condition holds, at most for a minute.
    pub async fn until(&self, mut condition: impl AsyncFnMut() -> bool) {
        let wait = async { while !condition().await {} };
        let limit = Duration::from_mins(1);
        tokio::time::timeout(limit, wait).await.unwrap();
    }

    pub async fn books(&self) -> Value {
        let path = format!("/books/{REALM}");
        self.control(Method::GET, &path, json!({})).await.json
    }

    pub async fn human(&self, work: Value) -> Reply {
        let mut work = work;
        work["realm"] = json!(REALM);
        self.control(Method::POST, "/human", work).await
    }

    /// A POST below the company; fails when the connection does.
    pub async fn try_post(&self, resource: &str, body: &Value) -> Result<Reply, reqwest::Error> {
        let request = self
            .http
            .post(self.url(&format!("/v3/company/{REALM}/{resource}")))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body.to_string());
        read(request.send().await?).await
    }

    pub async fn post(&self, resource: &str, body: Value) -> Reply {
        self.try_post(resource, &body).await.unwrap()
    }

    pub async fn get(&self, resource: &str) -> Reply {
        let request = self
            .http
            .get(self.url(&format!("/v3/company/{REALM}/{resource}")))
            .header("authorization", format!("Bearer {}", self.token));
        read(request.send().await.unwrap()).await.unwrap()
    }

    /// A query by POST.
    pub async fn query(&self, statement: &str) -> Reply {
        let request = self
            .http
            .post(self.url(&format!("/v3/company/{REALM}/query?minorversion=75")))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/text")
            .body(statement.to_owned());
        read(request.send().await.unwrap()).await.unwrap()
    }

    /// The ids a query finds, in its order.
    pub async fn ids(&self, statement: &str) -> Vec<String> {
        let reply = self.query(statement).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let response = reply.json["QueryResponse"].as_object().unwrap();
        let rows = response.values().find_map(Value::as_array);
        let ids = rows.into_iter().flatten().map(|row| &row["Id"]);
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Creates a customer and returns it.
    pub async fn customer(&self, name: &str) -> Value {
        let reply = self.post("customer", json!({"DisplayName": name})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["Customer"].clone()
    }

    /// Creates an invoice of one line for a customer and returns it.
    pub async fn invoice(&self, customer: &str, amount: Value) -> Value {
        let reply = self.post("invoice", invoice(customer, amount)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json["Invoice"].clone()
    }
}

/// The smallest invoice.
pub fn invoice(customer: &str, amount: Value) -> Value {
    json!({"CustomerRef": {"value": customer}, "Line": [line(amount)]})
}

/// A sales line of the default item.
pub fn line(amount: Value) -> Value {
    json!({
        "Amount": amount,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}},
    })
}

pub async fn read(response: reqwest::Response) -> Result<Reply, reqwest::Error> {
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    let (intuit_tid, content_type) = (header("intuit_tid"), header("content-type"));
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok(Reply {
        status,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
        intuit_tid,
        content_type,
    })
}

/// A payment with those lines.
pub fn payment(customer: &str, total: Value, lines: Vec<Value>) -> Value {
    json!({"CustomerRef": {"value": customer}, "TotalAmt": total, "Line": lines})
}

/// A payment line that settles some of an invoice.
pub fn settles(invoice: &Value, amount: i64) -> Value {
    json!({"Amount": amount, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]})
}

/// A payment line that uses some of a credit memo.
pub fn credits(memo: &Value, amount: i64) -> Value {
    json!({"Amount": amount, "LinkedTxn": [{"TxnId": memo["Id"], "TxnType": "CreditMemo"}]})
}

/// Checks that the books balanced after every write so far.
pub async fn assert_books_balance(twin: &Twin) {
    let path = format!("/books/{REALM}/positions");
    let reply = twin.control(Method::GET, &path, json!({})).await;
    let positions = reply.json["positions"].as_array().unwrap();
    assert!(!positions.is_empty());
    for position in positions {
        assert_eq!(position["isBalanced"], json!(true), "{position}");
        assert_eq!(position["receivable"], position["owedByDocuments"]);
        for sheet in position["trialBalance"].as_array().unwrap() {
            assert_eq!(sheet["debits"], sheet["credits"], "{position}");
        }
    }
}
