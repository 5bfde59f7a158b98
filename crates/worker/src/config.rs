//! Times and sizes of the worker, and the settings every consumer binary reads.

use std::time::Duration;

use model::RetryPolicy;
use provider_kit::Descriptor;
use provider_kit::http::{CONNECT_LIMIT, STALL_LIMIT};
use runtime::{Secret, Settings};

/// Times and sizes; starting values, data and not code.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Life of a lease without a beat.
    pub ttl: Duration,
    /// How long after a send or takeover absence begins to prove something.
    pub settle: Duration,
    /// Longest a holder works before others have their turn.
    pub slice: Duration,
    /// Between two sweeps.
    pub sweep_every: Duration,
    /// Leases a process holds at once.
    pub most_leases: usize,
    /// Longest a permit is waited for while a lease is held.
    pub longest_hold_wait: Duration,
    /// How long books stay parked for a person before they are tried again.
    pub parked_recheck: Duration,
    /// Retrying.
    pub retry: RetryPolicy,
}

impl Policy {
    /// Starting values for a provider.
    pub fn for_provider(descriptor: &Descriptor) -> Self {
        let ttl = Duration::from_secs(5);
        Self {
            ttl,
            settle: settle(ttl, descriptor),
            slice: Duration::from_secs(10),
            sweep_every: Duration::from_secs(1),
            most_leases: 32,
            longest_hold_wait: Duration::from_secs(2),
            parked_recheck: Duration::from_mins(15),
            retry: RetryPolicy::default(),
        }
    }
}

/// What a consumer binary is told by its environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub database_url: Secret,
    /// The broker.
    pub amqp_url: Secret,
    /// Seal keys.
    pub seal_keys: Secret,
    /// Database connections of this process.
    pub connections: u32,
    /// API base instead of the provider's own.
    pub base_url: Option<String>,
    /// Token endpoint instead of the provider's own.
    pub token_url: Option<String>,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: Secret,
    /// Times and sizes.
    pub policy: Policy,
}

impl Config {
    /// Reads the settings of the consumer of one provider.
    pub fn read(settings: &mut Settings, descriptor: &Descriptor) -> Self {
        let name = |suffix: &str| format!("TIEOUT_{}_{suffix}", descriptor.short.to_uppercase());
        let mut policy = Policy::for_provider(descriptor);
        policy.ttl = settings.millis_or("TIEOUT_LEASE_TTL_MS", millis(policy.ttl));
        policy.settle =
            settings.millis_or("TIEOUT_SETTLE_MS", millis(settle(policy.ttl, descriptor)));
        policy.slice = settings.millis_or("TIEOUT_SLICE_MS", millis(policy.slice));
        policy.most_leases = settings.parse_or("TIEOUT_MOST_LEASES", policy.most_leases);
        policy.retry.first_delay =
            settings.millis_or("TIEOUT_FIRST_RETRY_MS", millis(policy.retry.first_delay));
        policy.retry.throttle_delay =
            settings.millis_or("TIEOUT_THROTTLE_MS", millis(policy.retry.throttle_delay));
        policy.retry.first_lookup_delay = settings.millis_or(
            "TIEOUT_FIRST_LOOKUP_MS",
            millis(policy.retry.first_lookup_delay),
        );
        if policy.ttl < Duration::from_millis(1_500) {
            settings.reject(
                "TIEOUT_LEASE_TTL_MS",
                "is under 1500",
                "use 1500 or more; a holder trusts ttl less 1 s",
            );
        }
        Self {
            database_url: settings.secret("DATABASE_URL"),
            amqp_url: settings.secret("AMQP_URL"),
            seal_keys: settings.secret("TIEOUT_SEAL_KEYS"),
            connections: settings.parse_or("TIEOUT_DB_CONNECTIONS", 8),
            base_url: settings.optional(&name("BASE_URL")),
            token_url: settings.optional(&name("TOKEN_URL")),
            client_id: settings.required(&name("CLIENT_ID")),
            client_secret: settings.secret(&name("CLIENT_SECRET")),
            policy,
        }
    }
}

/// After this long nothing that was sent can still come into effect unseen: the lease's life, connecting and a
/// stalled socket (bytes may leave that long after the last check), the provider's own limit, its look-up lag.
fn settle(ttl: Duration, descriptor: &Descriptor) -> Duration {
    ttl + CONNECT_LIMIT + STALL_LIMIT + descriptor.processing_limit + descriptor.lookup_lag
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
