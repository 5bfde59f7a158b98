//! Everything the sandbox knows, behind one lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use tokio::sync::Notify;

use super::identity::grants::Identity;
use super::keys::Keys;
use super::limits::Meter;
use super::organisation::Organisation;
use super::profile::Profile;
use super::settings::Settings;
use super::webhooks::Webhooks;
use crate::clock::Clock;
use crate::web::journal::{Journal, Touched};
use crate::web::rules::RuleBook;

/// The state of a sandbox.
#[derive(Debug)]
pub struct World {
    /// Organisations by tenant id.
    pub organisations: BTreeMap<String, Organisation>,
    /// Settings.
    pub settings: Settings,
    /// Fault rules.
    pub rules: RuleBook,
    /// Journal.
    pub journal: Journal,
    /// Applications, grants, tokens, connections.
    pub identity: Identity,
    /// First replies by key.
    pub keys: Keys,
    /// Request counts for the limits.
    pub meter: Meter,
    /// Who is told what changed.
    pub webhooks: Webhooks,
    /// Requests in progress.
    pub in_progress: usize,
    /// The seeded source of ids and tokens.
    pub chance: StdRng,
    /// The seeded source of fault rules: its own, so that only matching requests draw from it.
    pub fault_chance: StdRng,
    /// The seeded source of slow requests.
    pub slow_chance: StdRng,
}

impl World {
    /// The instant up to which lists see commits.
    pub fn lookup_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let lag = i64::try_from(self.settings.lookup_lag_ms).unwrap_or(i64::MAX);
        TimeDelta::try_milliseconds(lag).map_or(now, |lag| now - lag)
    }

    /// Takes note for the webhooks of what was touched; true when there is something to tell.
    pub fn note(&mut self, tenant: &str, touched: &[Touched], now: DateTime<Utc>) -> bool {
        let Some(organisation) = self.organisations.get(tenant) else {
            return false;
        };
        if touched.is_empty() || self.webhooks.is_empty() {
            return false;
        }
        let clients = self.identity.clients_of(tenant);
        let settings = &self.settings.webhooks;
        self.webhooks
            .note(settings, organisation, &clients, touched, now)
    }

    /// Founds an organisation and returns its tenant id.
    pub fn found(&mut self, profile: Profile, now: DateTime<Utc>) -> String {
        let seed = self.chance.next_u64();
        let organisation = Organisation::found(profile, seed, now);
        let tenant = organisation.profile.tenant_id.clone();
        self.organisations.insert(tenant.clone(), organisation);
        tenant
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

impl Drop for Inner {
    fn drop(&mut self) {
        // Whoever waits for the bell finds nobody at home and goes.
        self.bell.notify_one();
    }
}

/// How the teller of webhooks waits for news, without keeping the sandbox alive.
#[derive(Debug, Clone)]
pub struct Doorbell {
    bell: Arc<Notify>,
    home: Weak<Inner>,
}

impl Doorbell {
    /// Waits until there is something to tell.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// The sandbox, while it lives.
    pub fn app(&self) -> Option<App> {
        self.home.upgrade().map(App)
    }
}

impl App {
    /// An empty sandbox.
    pub fn new(seed: u64, journal: Journal) -> Self {
        let world = World {
            organisations: BTreeMap::new(),
            settings: Settings::default(),
            rules: RuleBook::default(),
            journal,
            identity: Identity::default(),
            keys: Keys::default(),
            meter: Meter::new(seed),
            webhooks: Webhooks::seeded(seed),
            in_progress: 0,
            chance: StdRng::seed_from_u64(seed),
            fault_chance: StdRng::seed_from_u64(seed),
            slow_chance: StdRng::seed_from_u64(seed),
        };
        Self(Arc::new(Inner {
            clock: Clock::default(),
            world: Mutex::new(world),
            bell: Arc::default(),
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

    /// Where the teller of webhooks waits.
    pub fn doorbell(&self) -> Doorbell {
        Doorbell {
            bell: Arc::clone(&self.0.bell),
            home: Arc::downgrade(&self.0),
        }
    }

    /// Wakes the teller of webhooks.
    pub fn ring(&self) {
        self.0.bell.notify_one();
    }

    /// Counts a request in until the returned guard is dropped.
    pub fn enter(&self, tenant: Option<&str>, bearer: &str) -> (InProgress, u64) {
        let mut world = self.world();
        let tenant = tenant.unwrap_or_default().to_owned();
        let client = world.identity.app_of(bearer).to_owned();
        world.in_progress += 1;
        let in_flight = world.meter.enter(&tenant, &client);
        let app = self.clone();
        let guard = InProgress {
            app,
            tenant,
            client,
        };
        (guard, in_flight)
    }
}

/// Counts one request as being in progress.
#[derive(Debug)]
pub struct InProgress {
    app: App,
    tenant: String,
    client: String,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut world = self.app.world();
        world.in_progress = world.in_progress.saturating_sub(1);
        world.meter.leave(&self.tenant, &self.client);
    }
}
