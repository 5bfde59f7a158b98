//! A provider's sandbox in this process, and its control API, which all of them share but for a few words.

use std::sync::{Arc, Once};
use std::time::Duration;

use provider_kit::Provider;
use provider_qbo::Qbo;
use provider_xero::Xero;
use reqwest::{Client, Method};
use sandbox::web::server::Running;
use serde_json::{Value, json};
use store::token::NewTokens;

/// A control call that takes longer is stuck.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// The application's credentials; the sandbox takes any.
pub(super) const CLIENT: (&str, &str) = ("test-client", "test-secret");

/// Journal entries asked for at once.
const PAGE: usize = 1_000;

/// Whose books it simulates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Simulated {
    /// `QuickBooks` Online.
    #[default]
    Qbo,
    /// Xero.
    Xero,
}

/// A running sandbox; it stops when dropped.
#[derive(Debug)]
pub struct Sandbox {
    running: Running,
    http: Client,
    simulated: Simulated,
}

impl Sandbox {
    /// A sandbox of `QuickBooks` Online without companies, on a port of its own.
    pub async fn start() -> Self {
        Self::start_of(Simulated::Qbo).await
    }

    /// A sandbox of some provider.
    pub async fn start_of(simulated: Simulated) -> Self {
        let running = match simulated {
            Simulated::Qbo => sandbox::qbo::start(sandbox::qbo::Config::default()).await,
            Simulated::Xero => sandbox::xero::start(sandbox::xero::Config::default()).await,
        };
        Self {
            running: running.expect("the loopback interface has a free port"),
            http: http(),
            simulated,
        }
    }

    /// The provider that it simulates.
    pub fn provider(&self) -> Arc<dyn Provider> {
        match self.simulated {
            Simulated::Qbo => Arc::new(Qbo),
            Simulated::Xero => Arc::new(Xero),
        }
    }

    /// Base address of the API.
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.url().trim_start_matches("http://").to_owned()
    }

    /// The token endpoint below some base: its own, or that of a proxy before it.
    pub fn token_url(&self, base: &str) -> String {
        match self.simulated {
            Simulated::Qbo => format!("{base}/oauth2/v1/tokens/bearer"),
            Simulated::Xero => format!("{base}/connect/token"),
        }
    }

    /// Founds an American company that leaves document numbers to its users.
    pub async fn company(&self, realm: &str) {
        self.company_of(json!({"realm": realm, "customTxnNumbers": true}))
            .await;
    }

    /// Founds a company of this profile.
    pub async fn company_of(&self, profile: Value) {
        let path = match self.simulated {
            Simulated::Qbo => "/companies",
            Simulated::Xero => "/organisations",
        };
        self.call(Method::POST, path, &profile).await;
    }

    /// Changes a company's profile.
    pub async fn change_company(&self, realm: &str, changes: Value) {
        self.call(Method::PATCH, &format!("/companies/{realm}"), &changes)
            .await;
    }

    /// A consent for these companies.
    pub async fn tokens(&self, realms: &[&str]) -> NewTokens {
        let (client_id, client_secret) = CLIENT;
        let consent = json!({
            "clientId": client_id, "clientSecret": client_secret, self.companies(): realms,
        });
        let issued = self.call(Method::POST, "/tokens", &consent).await;
        let text = |name: &str| issued[name].as_str().expect("tokens are texts").to_owned();
        let seconds = |name: &str| Duration::from_secs(issued[name].as_u64().unwrap_or_default());
        NewTokens {
            access: text("accessToken"),
            refresh: text("refreshToken"),
            expires_in: seconds("expiresIn"),
            refresh_expires_in: Some(seconds("refreshExpiresIn")),
        }
    }

    /// The word for companies in a consent.
    const fn companies(&self) -> &'static str {
        match self.simulated {
            Simulated::Qbo => "realms",
            Simulated::Xero => "tenants",
        }
    }

    /// Ends every consent for the company.
    pub async fn disconnect(&self, realm: &str) {
        self.call(Method::POST, &format!("/disconnect/{realm}"), &json!({}))
            .await;
    }

    /// Adds fault rules: one, or a list of them.
    pub async fn fault(&self, rules: Value) {
        self.call(Method::POST, "/faults", &rules).await;
    }

    /// Takes all fault rules away.
    pub async fn clear_faults(&self) {
        self.call(Method::DELETE, "/faults", &Value::Null).await;
    }

    /// Merges changes into the settings.
    pub async fn settings(&self, changes: Value) {
        self.call(Method::PATCH, "/settings", &changes).await;
    }

    /// Moves the sandbox's clock forward.
    pub async fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("a test advances by less than an age");
        self.call(Method::POST, "/clock", &json!({"advanceMs": by}))
            .await;
    }

    /// A person at work in the books; returns the object.
    pub async fn human(&self, work: Value) -> Value {
        self.call(Method::POST, "/human", &work).await
    }

    /// Every request so far, oldest first.
    pub async fn journal(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        loop {
            let since = entries.last().map_or(0, |last: &Value| {
                last["sequence"].as_u64().unwrap_or_default()
            });
            let path = format!("/journal?since={since}&limit={PAGE}");
            let mut page = self.call(Method::GET, &path, &Value::Null).await;
            let Some(found) = page["entries"].as_array_mut() else {
                panic!("a journal page has entries: {page}");
            };
            let is_last = found.len() < PAGE;
            entries.append(found);
            if is_last {
                return entries;
            }
        }
    }

    /// How many requests it is working on.
    pub async fn in_progress(&self) -> u64 {
        let page = self
            .call(Method::GET, "/journal?limit=0", &Value::Null)
            .await;
        page["inProgress"].as_u64().expect("the journal counts")
    }

    /// The books of a company in one piece: `totals` and `objects`.
    pub async fn books(&self, realm: &str) -> Value {
        self.call(Method::GET, &format!("/books/{realm}"), &Value::Null)
            .await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/_sandbox{path}", self.url());
        let mut request = self.http.request(method, &url);
        if !body.is_null() {
            request = request.json(body);
        }
        let reply = request.send().await.expect("the sandbox answers");
        let status = reply.status();
        let text = reply.text().await.expect("the sandbox answers whole");
        assert!(
            status.is_success(),
            "the sandbox refused {path}: {status} {text}"
        );
        serde_json::from_str(&text).expect("the sandbox answers in JSON")
    }
}

/// A plain HTTP client for what tests ask: control APIs, health and metrics.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests may not look through the product's own client"
)]
pub fn http() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // The product may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder()
        .no_proxy()
        .timeout(CALL_LIMIT)
        .build()
        .expect("a plain client can be built")
}
