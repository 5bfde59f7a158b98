//! A running sandbox with one organisation, and a client that holds a token for it.

use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, Method};
use sandbox::web::server::Running;
use sandbox::xero::{self, Config};
use serde_json::{Value, json};

/// The organisation of every test.
pub const TENANT: &str = "45e4708e-d862-4111-ab3a-dd8cd03913e1";

/// The application of every test.
pub const APP: (&str, &str) = ("app", "secret");

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
    pub headers: reqwest::header::HeaderMap,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The only element under a name.
    pub fn only(&self, plural: &str) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        let elements = self.json[plural].as_array().unwrap();
        assert_eq!(elements.len(), 1, "{}", self.text);
        elements[0].clone()
    }

    /// The messages of the first failing element of a 400.
    pub fn messages(&self) -> Vec<String> {
        assert_eq!(self.status, 400, "{}", self.text);
        assert_eq!(self.json["ErrorNumber"], 10, "{}", self.text);
        messages(&self.json["Elements"][0])
    }
}

/// The messages of an element.
pub fn messages(element: &Value) -> Vec<String> {
    let found = element["ValidationErrors"].as_array().unwrap().iter();
    found
        .map(|error| error["Message"].as_str().unwrap().to_owned())
        .collect()
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
    /// A sandbox with an organisation of that profile.
    pub async fn start(profile: Value) -> Self {
        Self::start_seeded(profile, 1).await
    }

    /// A British organisation with everything at its default.
    pub async fn usual() -> Self {
        Self::start(json!({})).await
    }

    pub async fn start_seeded(mut profile: Value, seed: u64) -> Self {
        let config = Config {
            seed,
            ..Config::default()
        };
        let running = xero::start(config).await.unwrap();
        let mut twin = Self {
            base: running.url(),
            running: Some(running),
            http: client(),
            token: String::new(),
            refresh: String::new(),
        };
        profile["tenantId"] = json!(TENANT);
        let made = twin.control(Method::POST, "/organisations", profile).await;
        assert_eq!(made.status, 200, "{}", made.text);
        twin.connect(json!({})).await;
        twin
    }

    /// Takes a fresh pair of tokens.
    pub async fn connect(&mut self, changes: Value) -> Value {
        let mut consent = json!({
            "clientId": APP.0, "clientSecret": APP.1, "tenants": [TENANT],
        });
        for (name, value) in changes.as_object().unwrap() {
            consent[name] = value.clone();
        }
        let pair = self.control(Method::POST, "/tokens", consent).await.json;
        pair["accessToken"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
        let refresh = pair["refreshToken"].as_str().unwrap_or_default();
        refresh.clone_into(&mut self.refresh);
        pair
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
        let path = format!("/organisations/{TENANT}");
        let reply = self.control(Method::PATCH, &path, changes).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    pub async fn fault(&self, rule: Value) {
        let reply = self.control(Method::POST, "/faults", rule).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }

    pub async fn advance(&self, milliseconds: i64) {
        let body = json!({"advanceMs": milliseconds});
        let reply = self.control(Method::POST, "/clock", body).await;
        assert_eq!(reply.status, 200);
    }

    pub async fn journal(&self) -> Vec<Value> {
        let reply = self.control(Method::GET, "/journal", json!({})).await;
        reply.json["entries"].as_array().unwrap().clone()
    }

    /// Requests being worked on.
    pub async fn in_progress(&self) -> u64 {
        let path = "/journal?limit=0";
        let reply = self.control(Method::GET, path, json!({})).await;
        reply.json["inProgress"].as_u64().unwrap()
    }

    /// Asks again and again until the condition holds, at most for a minute.
    pub async fn until(&self, mut condition: impl AsyncFnMut() -> bool) {
        let wait = async { while !condition().await {} };
        let limit = Duration::from_mins(1);
        tokio::time::timeout(limit, wait).await.unwrap();
    }

    /// The books, which must balance.
    pub async fn books(&self) -> Value {
        let path = format!("/books/{TENANT}");
        let books = self.control(Method::GET, &path, json!({})).await.json;
        assert_eq!(books["imbalances"], json!([]));
        books
    }

    /// Count, void count, sum and outstanding sum of a kind and currency.
    pub async fn total(&self, kind: &str, currency: &str) -> Value {
        let books = self.books().await;
        let totals = books["totals"].as_array().unwrap();
        let found = totals
            .iter()
            .find(|total| total["kind"] == kind && total["currency"] == currency);
        let total = found.cloned().unwrap_or(Value::Null);
        json!([
            total["count"],
            total["voided"],
            total["sum"],
            total["outstanding"]
        ])
    }

    pub async fn human(&self, mut work: Value) -> Reply {
        work["tenantId"] = json!(TENANT);
        self.control(Method::POST, "/human", work).await
    }

    /// A request to the Accounting API with headers of its own.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self
            .http
            .request(method, self.url(&format!("/api.xro/2.0/{path}")))
            .header("authorization", format!("Bearer {}", self.token))
            .header("xero-tenant-id", TENANT)
            .header("accept", "application/json");
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await?).await
    }

    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Reply {
        self.try_call(method, path, &[], body).await.unwrap()
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path, &body).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, &body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, &Value::Null).await
    }

    pub async fn keyed(&self, path: &str, key: &str, body: Value) -> Reply {
        let headers = [("idempotency-key", key)];
        let sent = self.try_call(Method::PUT, path, &headers, &body).await;
        sent.unwrap()
    }

    /// Creates a contact and returns its id.
    pub async fn contact(&self, name: &str) -> String {
        let made = self.put("Contacts", json!({"Name": name})).await;
        id(&made.only("Contacts"), "ContactID")
    }

    /// Creates an approved invoice of one line for a contact and returns it.
    pub async fn invoice(&self, contact: &str, number: &str, amount: Value) -> Value {
        let body = invoice(contact, number, amount);
        self.put("Invoices", body).await.only("Invoices")
    }

    /// Pays an invoice from the bank account and returns the payment.
    pub async fn pay(&self, invoice: &Value, amount: Value) -> Reply {
        self.put("Payments", payment(invoice, amount)).await
    }
}

/// The smallest approved invoice: one line, no tax.
pub fn invoice(contact: &str, number: &str, amount: Value) -> Value {
    json!({
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": contact},
        "InvoiceNumber": number,
        "Date": "2026-03-01",
        "DueDate": "2026-03-31",
        "LineAmountTypes": "NoTax",
        "LineItems": [line(amount)],
    })
}

/// A line of one piece.
pub fn line(amount: Value) -> Value {
    json!({
        "Description": "Work", "Quantity": 1, "UnitAmount": amount, "AccountCode": "200",
    })
}

/// A payment of an invoice from the bank account.
pub fn payment(invoice: &Value, amount: Value) -> Value {
    json!({
        "Invoice": {"InvoiceID": invoice["InvoiceID"]},
        "Account": {"Code": "090"},
        "Date": "2026-03-10",
        "Amount": amount,
        "Reference": "pay-1",
    })
}

/// A text member.
pub fn id(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}

/// The digits of a number member, as they were written.
pub fn digits(value: &Value, member: &str) -> String {
    value[member].to_string()
}

pub async fn read(response: reqwest::Response) -> Result<Reply, reqwest::Error> {
    let headers = response.headers().clone();
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok(Reply {
        status,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
        headers,
    })
}
