//! What a provider can do and must not exceed, as data.

use std::time::Duration;

use model::{DocumentKind, ImportKind, Operation};

/// How requests reach the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// We call its HTTP API.
    Http,
    /// Its agent at the customer's calls us.
    Called,
    /// We write files.
    Files,
}

/// How a provider's consent works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthStyle {
    /// OAuth 2.0 with rotating refresh tokens; client credentials in the Basic header.
    OAuth2Basic {
        /// Where codes and refresh tokens are exchanged, unless configured otherwise.
        token_url: &'static str,
    },
    /// None of ours: the agent brings its own.
    None,
}

/// What a limit counts for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LimitScope {
    /// Every request.
    Requests,
    /// Batch requests only.
    Batches,
    /// Reads that the provider charges for.
    MeteredReads,
}

/// So many in a sliding window, per books.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// What is counted.
    pub scope: LimitScope,
    /// How many.
    pub count: u32,
    /// In how long.
    pub window: Duration,
}

/// What the fleet does by itself about a failure, before or instead of asking a person; shown by `tieout explain`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Playbook {
    /// Its name, such as `READ_AGAIN`.
    pub name: &'static str,
    /// What it does, to follow "Tieout".
    pub what: &'static str,
}

/// A provider's capabilities, limits and batch sizes.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// Its key, as stored: `QUICKBOOKS_ONLINE`.
    pub key: &'static str,
    /// Its short name in queue and binary names: `qbo`.
    pub short: &'static str,
    /// How requests reach it.
    pub transport: Transport,
    /// How its consent works.
    pub auth: AuthStyle,
    /// API base of real companies.
    pub production_url: &'static str,
    /// API base of the provider's own sandbox.
    pub sandbox_url: &'static str,
    /// Document kinds it can take today.
    pub kinds: &'static [DocumentKind],
    /// Kinds of the effects it brings about, such as `customer` and `invoice`.
    pub effect_kinds: &'static [&'static str],
    /// Most members of one call for this effect kind and operation; 1 where it has no batch.
    pub batch_size: fn(&str, Operation) -> usize,
    /// The playbook that begins by itself at a failure with this code; none where a person acts.
    pub playbook: fn(&str) -> Option<Playbook>,
    /// Most objects of one read.
    pub read_size: usize,
    /// The item of the books that a connection starts with for lines without a mapped product, where lines need one.
    pub default_item: Option<&'static str>,
    /// What can be imported from its books.
    pub imports: &'static [ImportKind],
    /// Most calls in flight per books.
    pub calls_in_flight: usize,
    /// Published limits per books.
    pub limits: &'static [Limit],
    /// Longest the provider may work on a request before it gives up on it.
    pub processing_limit: Duration,
    /// Longest a committed object may stay invisible to look-ups.
    pub lookup_lag: Duration,
    /// Our own deadline for a whole call.
    pub call_deadline: Duration,
    /// Largest reply we read, in bytes.
    pub reply_limit: usize,
}
