//! One books in a database of its own, and the store's statements in few words.

use std::sync::Arc;
use std::time::Duration;

use model::digest::sha256_hex;
use model::{
    AccountId, BooksId, DocumentKind, Environment, IntegrationId, Lifecycle, RetryPolicy,
    SyncFrequency, SyncSettings,
};
use provider_kit::Provider;
use provider_kit::http::{BaseUrl, HttpClient, HttpOptions};
use runtime::{Clock, SystemClock};
use serde_json::{Value, json};
use store::admin::NewIntegration;
use store::claim::{Claim, Claimed};
use store::intake::{IncomingDocument, Intake, Origin};
use store::intent::Intended;
use store::lease::{Held, Touched};
use store::record::{Basis, Next, Outcome, Recorded};
use store::seal::Sealer;
use store::units::{Unit, Unitary};
use store::{Role, Store};
use tests::harness::{Database, SEAL_KEYS};
use tests::scripted::{Books, KEY, Scripted};
use worker::{Parts, Policy, Worker};

use super::attempt::Attempt;

pub(crate) const ACCOUNT: AccountId = AccountId(7_001);
/// Long, because nobody beats here: a slow machine must not look like a dead holder.
pub(crate) const TTL: Duration = Duration::from_secs(30);
pub(crate) const SETTLE: Duration = Duration::from_secs(155);

/// A database with one integration; two stores stand for two processes where a test needs two.
pub(crate) struct Rig {
    pub(crate) db: Database,
    pub(crate) store: Store,
    pub(crate) producer: Store,
    pub(crate) operator: Store,
    pub(crate) books: BooksId,
    pub(crate) integration: IntegrationId,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with_provider(KEY).await
    }

    pub(crate) async fn with_provider(provider: &str) -> Self {
        let db = Database::fresh().await;
        let open = |role| Store::open(&db.url(), role, 8).unwrap();
        let (store, producer, operator) = (
            open(Role::Worker),
            open(Role::Producer),
            open(Role::Operator),
        );
        operator.install("tests").await.unwrap();
        let (integration, books) = operator
            .add_integration(&NewIntegration {
                account: ACCOUNT,
                provider,
                environment: Environment::Sandbox,
                external_id: "company-1",
                facts: json!({"country": "US", "homeCurrency": "USD"}),
                token_set: None,
                settings: &SyncSettings::default(),
                frequency: SyncFrequency::RealTime,
                imports: &[],
                actor: "a test",
            })
            .await
            .unwrap();
        Self {
            db,
            store,
            producer,
            operator,
            books,
            integration,
        }
    }

    /// A worker process over the made-up books.
    pub(crate) fn worker(&self, provider: &Arc<Scripted>, books: &Books) -> Worker {
        self.worker_with(Arc::clone(provider) as _, books.url(), &|_| {})
    }

    pub(crate) fn worker_with(
        &self,
        provider: Arc<dyn Provider>,
        base_url: &str,
        change: &dyn Fn(&mut Parts),
    ) -> Worker {
        let mut parts = Parts {
            store: self.store.clone(),
            http: HttpClient::new(&HttpOptions::default()).unwrap(),
            base_url: BaseUrl::parse(base_url).unwrap(),
            oauth: None,
            sealer: Sealer::parse(SEAL_KEYS).unwrap(),
            policy: Policy {
                ttl: TTL,
                settle: SETTLE,
                slice: Duration::from_mins(1),
                sweep_every: Duration::from_secs(1),
                most_leases: 8,
                longest_hold_wait: Duration::from_secs(2),
                parked_recheck: Duration::from_mins(15),
                retry: RetryPolicy::default(),
            },
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
            provider,
        };
        change(&mut parts);
        Worker::new(parts)
    }

    /// `ProjectLedger` sends a client.
    pub(crate) async fn client(&self, id: &str, version: i64) {
        let data = json!({"name": format!("Client {id}, version {version}")});
        self.take_in(
            DocumentKind::Client,
            id,
            version,
            Lifecycle::Live,
            &data,
            None,
        )
        .await;
    }

    /// It voids the document it sent before.
    pub(crate) async fn void_client(&self, id: &str, version: i64) {
        let data = json!({"name": format!("Client {id}")});
        self.take_in(
            DocumentKind::Client,
            id,
            version,
            Lifecycle::Voided,
            &data,
            None,
        )
        .await;
    }

    /// It sends a payment of a client.
    pub(crate) async fn payment(&self, id: &str, version: i64, client: &str) {
        let data = json!({
            "client": {"id": client, "version": 1, "name": format!("Client {client}")},
            "amount": "10.00", "currency": "USD", "receivedOn": "2026-01-02",
        });
        self.take_in(
            DocumentKind::Payment,
            id,
            version,
            Lifecycle::Live,
            &data,
            None,
        )
        .await;
    }

    /// A document comes that Tieout itself had found in these books.
    pub(crate) async fn echo_of_client(&self, id: &str, external_id: &str) {
        let data = json!({"name": format!("Client {id}")});
        let origin = Origin {
            integration: self.integration,
            external_id: external_id.to_owned(),
            effect_kind: DocumentKind::Client.as_str().to_owned(),
        };
        self.take_in(
            DocumentKind::Client,
            id,
            1,
            Lifecycle::Live,
            &data,
            Some(origin),
        )
        .await;
    }

    pub(crate) async fn take_in(
        &self,
        kind: DocumentKind,
        id: &str,
        version: i64,
        lifecycle: Lifecycle,
        data: &Value,
        origin: Option<Origin>,
    ) {
        let body = json!({
            "account": ACCOUNT, "id": id, "version": version, "lifecycle": lifecycle,
            "body": {"kind": kind, "data": data},
        });
        let hash = sha256_hex([body.to_string()]);
        let document = IncomingDocument {
            kind,
            source_id: id.parse().unwrap(),
            version,
            lifecycle,
            body,
            body_hash: hash.clone(),
            currency: None,
            total: None,
            is_embedded: false,
        };
        let taken = self
            .producer
            .take_in(&Intake {
                account: ACCOUNT,
                event_id: format!("{id}-{version}"),
                event_hash: hash,
                sequence: None,
                trace: None,
                documents: vec![document],
                origin,
                control_totals: Vec::new(),
            })
            .await
            .unwrap();
        assert!(
            matches!(taken, store::intake::TakenIn::Accepted(_)),
            "{taken:?}"
        );
    }

    /// S1, expecting the lease.
    pub(crate) async fn take(&self) -> Held {
        match self.touch().await {
            Touched::Taken(held) => held,
            other => panic!("the lease was not free: {other:?}"),
        }
    }

    pub(crate) async fn touch(&self) -> Touched {
        self.store.touch(self.books, TTL, SETTLE).await.unwrap()
    }

    /// The holder is gone for longer than its lease lasts.
    pub(crate) fn expire(&self) {
        self.db
            .sql("update lease set expires_at = clock_timestamp() - interval '1 second'");
    }

    /// Nothing that was sent can still arrive, and every item is looked at again.
    pub(crate) fn settle(&self) {
        self.db.sql(
            "update call set settle_at = clock_timestamp() - interval '1 second' where closed_at is null;
             update item set due_at = clock_timestamp() where state in ('waiting', 'verifying')",
        );
        self.make_due();
    }

    /// The lease is open and due, whatever it waited for.
    pub(crate) fn make_due(&self) {
        self.db.sql(
            "update item set due_at = clock_timestamp() where state in ('waiting', 'verifying', 'parked');
             update lease set not_before = null, next_at = clock_timestamp()",
        );
    }

    /// S11.
    pub(crate) async fn sweep(&self) -> Vec<BooksId> {
        self.store.sweep(KEY, TTL, 10).await.unwrap()
    }

    /// S3: the mark and what is ready; none when the lease is lost.
    pub(crate) async fn claim(&self, held: &Held) -> Option<(i64, Vec<Claimed>)> {
        match self.store.claim(held, 100, false, None).await.unwrap() {
            Claim::Lost => None,
            Claim::Ready { wake, items, .. } => Some((wake, items)),
        }
    }

    /// S3, expecting exactly one item.
    pub(crate) async fn claim_one(&self, held: &Held) -> Claimed {
        let (_, mut items) = self.claim(held).await.unwrap();
        assert_eq!(items.len(), 1, "{items:?}");
        items.remove(0)
    }

    /// S4 for one item.
    pub(crate) async fn intend(&self, held: Held, claimed: &Claimed) -> (Attempt, Intended) {
        let attempt = Attempt::new(held.books, claimed);
        let intended = self.commit(attempt.intent(held, claimed)).await;
        let Unitary::Intended(intended) = intended else {
            panic!("an intent is answered as one");
        };
        (attempt, intended)
    }

    /// S4 for one item, expecting that it may be sent.
    pub(crate) async fn send(&self, held: Held, claimed: &Claimed) -> Attempt {
        let (attempt, intended) = self.intend(held, claimed).await;
        assert!(
            matches!(intended, Intended::Committed { .. }),
            "{intended:?}"
        );
        attempt
    }

    /// S6.
    pub(crate) async fn record(
        &self,
        attempt: &Attempt,
        basis: Basis,
        outcome: Outcome,
        next: Next,
    ) -> Recorded {
        let unit = attempt.record(self.integration, basis, outcome, next);
        match self.commit(unit).await {
            Unitary::Recorded(recorded) => recorded,
            other => panic!("a record is answered as one: {other:?}"),
        }
    }

    pub(crate) async fn commit(&self, unit: Unit) -> Unitary {
        let mut outcomes = self.store.commit_units(&[unit]).await.unwrap();
        outcomes.remove(0)
    }

    /// One column of an item.
    pub(crate) fn item(&self, column: &str, source_id: &str) -> String {
        self.db.sql(&format!(
            "select {column} from item where source_id = '{source_id}'"
        ))
    }

    /// One column of the lease.
    pub(crate) fn lease(&self, column: &str) -> String {
        self.db.sql(&format!("select {column} from lease"))
    }

    pub(crate) fn count(&self, table: &str) -> usize {
        self.db
            .sql(&format!("select count(*) from {table}"))
            .parse()
            .unwrap()
    }
}
