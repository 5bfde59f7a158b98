//! Everything the sandbox knows, behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;

use super::company::Company;
use super::notices::Notices;
use super::settings::Settings;
use super::tokens::TokenStore;
use crate::clock::Clock;
use crate::web::journal::{Entry, Journal};
use crate::web::limits::Meter;
use crate::web::rules::RuleBook;

/// The state of a sandbox.
#[derive(Debug)]
pub struct World {
    /// Companies by realm.
    pub companies: BTreeMap<String, Company>,
    /// Settings.
    pub settings: Settings,
    /// Fault rules.
    pub rules: RuleBook,
    /// Journal.
    pub journal: Journal,
    /// Tokens.
    pub tokens: TokenStore,
    /// Request counts for the limits.
    pub meter: Meter,
    /// Requests in progress by realm.
    pub in_progress: HashMap<String, usize>,
    /// The seeded source of tokens and trace ids.
    pub chance: StdRng,
    /// The seeded source of fault rules: its own, so that only matching requests draw from it.
    pub fault_chance: StdRng,
    /// Changes on their way to the webhooks.
    pub notices: Notices,
    /// Rings when there is something to tell.
    bell: Arc<Notify>,
}

impl World {
    /// Writes an entry into the journal, ends its position in the ledger of its company and tells
    /// the webhooks.
    pub fn record(&mut self, entry: Entry) {
        let realm = entry.realm.clone().filter(|_| !entry.objects.is_empty());
        let objects = entry.objects.clone();
        let at = entry.decided_at;
        let sequence = self.journal.append(entry);
        let Some(realm) = realm else {
            return;
        };
        if let Some(company) = self.companies.get_mut(&realm) {
            company.close_position(sequence);
        }
        let settings = &self.settings.webhooks;
        if self.tokens.is_connected(&realm) && self.notices.note(settings, &realm, &objects, at) {
            self.bell.notify_one();
        }
    }

    /// The instant up to which queries see commits.
    pub fn lookup_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let lag = i64::try_from(self.settings.lookup_lag_ms).unwrap_or(i64::MAX);
        TimeDelta::try_milliseconds(lag).map_or(now, |lag| now - lag)
    }
}

/// The sandbox as its handlers hold it.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    world: Mutex<World>,
    bell: Arc<Notify>,
}

impl App {
    /// An empty sandbox.
    pub fn new(seed: u64, journal: Journal) -> Self {
        let bell = Arc::new(Notify::new());
        let world = World {
            companies: BTreeMap::new(),
            settings: Settings::default(),
            rules: RuleBook::default(),
            journal,
            tokens: TokenStore::default(),
            meter: Meter::seeded(seed),
            in_progress: HashMap::new(),
            chance: StdRng::seed_from_u64(seed),
            fault_chance: StdRng::seed_from_u64(seed),
            notices: Notices::seeded(seed),
            bell: Arc::clone(&bell),
        };
        Self(Arc::new(Inner {
            clock: Clock::default(),
            world: Mutex::new(world),
            bell,
        }))
    }

    /// The sandbox's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The state; never held across an await.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to tell the webhooks.
    pub async fn something_to_tell(&self) {
        self.0.bell.notified().await;
    }

    /// Counts a request in until the returned guard is dropped.
    pub fn enter(&self, realm: Option<&str>) -> (InProgress, usize) {
        let realm = realm.unwrap_or_default().to_owned();
        let concurrent = {
            let mut world = self.world();
            let count = world.in_progress.entry(realm.clone()).or_default();
            *count += 1;
            *count
        };
        let app = self.clone();
        (InProgress { app, realm }, concurrent)
    }
}

/// Counts one request as being in progress.
#[derive(Debug)]
pub struct InProgress {
    app: App,
    realm: String,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut world = self.app.world();
        if let Some(count) = world.in_progress.get_mut(&self.realm) {
            *count = count.saturating_sub(1);
        }
    }
}
