//! A database, a sandbox with a company, and an integration between the two, driven in this process.

use std::sync::Arc;
use std::time::Duration;

use model::{
    AccountId, BooksId, Environment, IntegrationId, RetryPolicy, SyncFrequency, SyncSettings,
};
use producer::Submitted;
use provider_kit::Provider;
use provider_kit::http::{BaseUrl, HttpClient, HttpOptions};
use provider_kit::oauth::TokenEndpoint;
use provider_qbo::Qbo;
use runtime::{Clock, Secret, SystemClock};
use serde_json::{Value, json};
use store::admin::NewIntegration;
use store::seal::Sealer;
use store::{Role, Store};
use worker::{Ended, Parts, Policy, Worker};

use super::sandbox::CLIENT;
use super::wait::within;
use super::{Database, Sandbox, Simulated};

/// 32 zero bytes: made-up secrets only.
pub const SEAL_KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// This installation's name in markers.
const INSTALLATION: &str = "test";

/// Connections of each of the stage's own pools.
const CONNECTIONS: u32 = 8;

/// Longest that draining may take: retries and look-ups of the quick policy included.
const DRAIN_LIMIT: Duration = Duration::from_mins(1);

/// What is connected with what.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The account in `ProjectLedger`.
    pub account: i64,
    /// The company's profile in the sandbox; its realm is the company's id.
    pub company: Value,
    /// What Tieout knows of the company.
    pub facts: Value,
    /// What the integration is set to do.
    pub settings: SyncSettings,
    /// Whose books they are.
    pub simulated: Simulated,
}

impl Default for Setting {
    /// Account 1 and an American company without sales tax.
    fn default() -> Self {
        Self::of(1, "9130347")
    }
}

impl Setting {
    /// An American company without sales tax.
    pub fn of(account: i64, realm: &str) -> Self {
        Self {
            account,
            company: json!({
                "realm": realm, "name": format!("Company {realm}"), "taxMode": "off",
                "customTxnNumbers": true,
            }),
            facts: json!({
                "country": "US", "homeCurrency": "USD", "extra": {"taxMode": "OFF"},
            }),
            settings: SyncSettings {
                default_item_id: Some("1".to_owned()),
                ..SyncSettings::default()
            },
            simulated: Simulated::Qbo,
        }
    }
}

impl Setting {
    /// An American company whose sales tax the books compute: 8 % wherever there is an address.
    pub fn american(account: i64, realm: &str) -> Self {
        let mut setting = Self::of(account, realm);
        setting.company["taxMode"] = json!("usAutomated");
        setting.facts["extra"] = json!({"taxMode": "AST"});
        setting
    }

    /// An organisation in Xero without sales tax.
    pub fn xero(account: i64) -> Self {
        let tenant = "45e4708e-d862-4111-ab3a-dd8cd03913e1";
        Self {
            account,
            company: json!({
                "tenantId": tenant, "name": "Organisation", "countryCode": "US", "baseCurrency": "USD",
                "currencies": ["USD"],
            }),
            facts: json!({
                "country": "US", "homeCurrency": "USD", "extra": {"receivableCode": "610"},
            }),
            settings: SyncSettings {
                invoice_account_id: Some("200".to_owned()),
                bank_account_id: Some("090".to_owned()),
                ..SyncSettings::default()
            },
            simulated: Simulated::Xero,
        }
    }

    /// A British company with value added tax and other currencies; the rates are those of
    /// [`crate::ledger::Business::british`].
    pub fn british(account: i64, realm: &str) -> Self {
        let plain = Self::of(account, realm);
        let tax_code = |(rate, code): (&str, &str)| (rate.to_owned(), code.to_owned());
        let codes = [("tr_standard", "2"), ("tr_reduced", "3"), ("tr_zero", "4")];
        Self {
            company: json!({
                "realm": realm, "name": format!("Company {realm}"), "country": "GB",
                "homeCurrency": "GBP", "multicurrency": true, "taxMode": "perLine",
                "customTxnNumbers": true, "exchangeRates": {"EUR": "0.86"},
            }),
            facts: json!({
                "country": "GB", "homeCurrency": "GBP",
                "extra": {"taxMode": "PER_LINE", "multicurrency": true},
            }),
            settings: SyncSettings {
                currency_code: "GBP".to_owned(),
                tax_codes: codes.map(tax_code).into_iter().collect(),
                ..plain.settings
            },
            account,
            simulated: Simulated::Qbo,
        }
    }
}

/// One integration of the stage.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The account.
    pub account: AccountId,
    /// The company.
    pub realm: String,
    /// Its books.
    pub books: BooksId,
    /// The integration.
    pub integration: IntegrationId,
}

/// Everything a document passes between `ProjectLedger` and the books, on one test's own servers.
#[derive(Debug)]
pub struct Stage {
    /// The integration most tests need no second of.
    pub connected: Connected,
    /// The provider.
    pub sandbox: Sandbox,
    /// The store as an operator sees it.
    pub operator: Store,
    /// The store as the producer sees it.
    pub producer: Store,
    /// The database; dropped last, after everything that has connections to it.
    pub database: Database,
}

/// What a worker is connected to, and its times; change what the test is about.
#[derive(Clone)]
pub struct Wiring {
    /// The database's address, or that of a proxy before it.
    pub database_url: String,
    /// The provider's address, or that of a proxy before it.
    pub base_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Times and sizes.
    pub policy: Policy,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The provider.
    pub provider: Arc<dyn Provider>,
}

impl Stage {
    /// The stage most tests need.
    pub async fn set() -> Self {
        Self::set_as(&Setting::default()).await
    }

    /// A stage for another company or other settings.
    pub async fn set_as(setting: &Setting) -> Self {
        let database = Database::fresh().await;
        let open = |role| {
            Store::open(&database.url(), role, CONNECTIONS).expect("the database has an address")
        };
        let (operator, producer) = (open(Role::Operator), open(Role::Producer));
        operator
            .install(INSTALLATION)
            .await
            .expect("a fresh database takes an installation");
        let sandbox = Sandbox::start_of(setting.simulated).await;
        let connected = connect(&sandbox, &operator, setting).await;
        Self {
            connected,
            sandbox,
            operator,
            producer,
            database,
        }
    }

    /// Founds another company and connects it.
    pub async fn connect(&self, setting: &Setting) -> Connected {
        connect(&self.sandbox, &self.operator, setting).await
    }

    /// A worker's usual connections, with short times. Nobody beats in a test, so its leases live long.
    pub fn wiring(&self) -> Wiring {
        let base_url = self.sandbox.url();
        Wiring {
            database_url: self.database.url(),
            token_url: self.sandbox.token_url(&base_url),
            base_url,
            policy: quick_policy(Duration::from_secs(30)),
            clock: Arc::new(SystemClock),
            provider: self.sandbox.provider(),
        }
    }

    /// The same for whole processes, which beat: a dead one's lease is free after two seconds.
    pub fn fleet_wiring(&self) -> Wiring {
        Wiring {
            policy: quick_policy(Duration::from_secs(2)),
            ..self.wiring()
        }
    }

    /// A worker of the sandbox's provider in this process.
    pub fn worker(&self) -> Worker {
        Self::worker_of(&self.wiring())
    }

    /// A worker with other connections or times.
    pub fn worker_of(wiring: &Wiring) -> Worker {
        let base = |url: &str| BaseUrl::parse(url).expect("the sandbox's address is an address");
        let (client_id, client_secret) = CLIENT;
        Worker::new(Parts {
            store: Store::open(&wiring.database_url, Role::Worker, CONNECTIONS)
                .expect("the database has an address"),
            provider: Arc::clone(&wiring.provider),
            http: HttpClient::new(&HttpOptions::default()).expect("a client can be built"),
            base_url: base(&wiring.base_url),
            oauth: Some(TokenEndpoint {
                provider: wiring.provider.descriptor().key,
                url: base(&wiring.token_url),
                client_id: client_id.to_owned(),
                client_secret: Secret::new(client_secret),
            }),
            sealer: Sealer::parse(SEAL_KEYS).expect("the keys are keys"),
            policy: wiring.policy,
            clock: Arc::clone(&wiring.clock),
        })
    }

    /// What any of our binaries needs to run on this stage, over this broker.
    pub fn environment(&self, wiring: &Wiring, amqp_url: &str) -> Vec<(&'static str, String)> {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let (client_id, client_secret) = CLIENT;
        let policy = &wiring.policy;
        vec![
            ("DATABASE_URL", wiring.database_url.clone()),
            ("AMQP_URL", amqp_url.to_owned()),
            ("TIEOUT_ADMIN_ADDR", "127.0.0.1:0".to_owned()),
            ("TIEOUT_LOG", "info".to_owned()),
            ("TIEOUT_SEAL_KEYS", SEAL_KEYS.to_owned()),
            ("TIEOUT_QBO_BASE_URL", wiring.base_url.clone()),
            ("TIEOUT_QBO_TOKEN_URL", wiring.token_url.clone()),
            ("TIEOUT_QBO_CLIENT_ID", client_id.to_owned()),
            ("TIEOUT_QBO_CLIENT_SECRET", client_secret.to_owned()),
            ("TIEOUT_XERO_BASE_URL", wiring.base_url.clone()),
            ("TIEOUT_XERO_TOKEN_URL", wiring.token_url.clone()),
            ("TIEOUT_XERO_CLIENT_ID", client_id.to_owned()),
            ("TIEOUT_XERO_CLIENT_SECRET", client_secret.to_owned()),
            ("TIEOUT_LEASE_TTL_MS", millis(policy.ttl)),
            ("TIEOUT_SETTLE_MS", millis(policy.settle)),
            ("TIEOUT_SLICE_MS", millis(policy.slice)),
            ("TIEOUT_FIRST_RETRY_MS", millis(policy.retry.first_delay)),
            ("TIEOUT_THROTTLE_MS", millis(policy.retry.throttle_delay)),
            (
                "TIEOUT_FIRST_LOOKUP_MS",
                millis(policy.retry.first_lookup_delay),
            ),
        ]
    }

    /// Takes an event in, as the producer does with a message.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn submit(&self, event: &Value) -> Submitted {
        let bytes = serde_json::to_vec(event).expect("an event is JSON");
        producer::submit(&self.producer, &bytes)
            .await
            .unwrap_or_else(|error| panic!("{}\n{event:#}", runtime::chain(&error)))
    }

    /// Takes events in, one after the other.
    pub async fn submit_all(&self, events: &[Value]) {
        for event in events {
            self.submit(event).await;
        }
    }

    /// One acquisition of the stage's books.
    pub async fn step(&self, worker: &Worker) -> Ended {
        worker
            .process_one(self.connected.books)
            .await
            .expect("the database answers")
    }

    /// Works until no item moves by itself any more: all are done, skipped, failed or parked.
    ///
    /// # Panics
    ///
    /// When that takes longer than a minute; the message says where the items stand.
    pub async fn drain(&self, worker: &Worker) {
        let drained = within(DRAIN_LIMIT, async || {
            self.step(worker).await;
            (self.open_items() == 0).then_some(())
        });
        self.must_be_settled(drained.await, DRAIN_LIMIT);
    }

    /// Waits until no item moves by itself any more, while others do the work.
    pub async fn settled(&self, limit: Duration) {
        let settled = within(limit, async || (self.open_items() == 0).then_some(()));
        self.must_be_settled(settled.await, limit);
    }

    fn must_be_settled(&self, settled: Option<()>, limit: Duration) {
        assert!(
            settled.is_some(),
            "still open after {limit:?}:\n{}",
            self.standings()
        );
    }

    /// How many items still move by themselves.
    pub fn open_items(&self) -> u64 {
        let count = "select count(*) from item where state in ('queued', 'running', 'verifying', 'waiting')";
        self.database.sql(count).parse().expect("a count")
    }

    /// Where items and leases stand, for the message of a failing test.
    pub fn standings(&self) -> String {
        self.database.sql(
            "select state, kind, count(*), min(attempts), max(attempts), left(min(reason), 200) from item group by 1, 2; \
             select 'lease', run is not null, not_before, reason from lease",
        )
    }
}

async fn connect(sandbox: &Sandbox, operator: &Store, setting: &Setting) -> Connected {
    let company = &setting.company;
    let realm = company["realm"].as_str().or(company["tenantId"].as_str());
    let realm = realm.expect("a company has a realm").to_owned();
    sandbox.company_of(setting.company.clone()).await;
    let account = AccountId(setting.account);
    let provider = sandbox.provider().descriptor().key;
    let environment = Environment::Sandbox;
    let sealer = Sealer::parse(SEAL_KEYS).expect("the keys are keys");
    let tokens = sandbox.tokens(&[&realm]).await;
    let token_set = operator
        .add_token_set(account, provider, environment.as_str(), &tokens, &sealer)
        .await
        .expect("a consent can be stored");
    let (integration, books) = operator
        .add_integration(&NewIntegration {
            account,
            provider,
            environment,
            external_id: &realm,
            facts: setting.facts.clone(),
            token_set: Some(token_set),
            settings: &setting.settings,
            frequency: SyncFrequency::RealTime,
            imports: &[],
            actor: "test",
        })
        .await
        .expect("an integration can be added");
    Connected {
        account,
        realm,
        books,
        integration,
    }
}

/// Times that let a test see retries, look-ups and turns without waiting for them.
fn quick_policy(ttl: Duration) -> Policy {
    Policy {
        ttl,
        settle: Duration::from_millis(1_500),
        slice: Duration::from_secs(2),
        sweep_every: Duration::from_millis(200),
        parked_recheck: Duration::from_secs(1),
        retry: RetryPolicy {
            first_delay: Duration::from_millis(50),
            longest_delay: Duration::from_secs(1),
            throttle_delay: Duration::from_millis(500),
            first_lookup_delay: Duration::from_millis(100),
            ..RetryPolicy::default()
        },
        ..Policy::for_provider(Qbo.descriptor())
    }
}
