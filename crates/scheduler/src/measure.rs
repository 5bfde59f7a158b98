//! What the leader measures. Labels come from closed sets: the model's states, the catalog's providers.

use std::collections::BTreeMap;
use std::time::Duration;

use model::ItemState;
use runtime::metric::{Counter, Gauge, Label, Unit};
use store::schedule::StateCount;
use store::{Store, StoreError};

pub(crate) static LEADER: Gauge<()> = Gauge::new(
    "tieout_leader",
    "1 while this process leads the schedulers, else 0.",
    Unit::Count,
);
pub(crate) static SLOTS: Counter<()> = Counter::new(
    "tieout_slots_run_total",
    "Calendar slots run by this process.",
    Unit::Count,
);
pub(crate) static KEPT: Counter<Kept> = Counter::new(
    "tieout_dead_messages_total",
    "Messages taken from the dead letters, by what became of them.",
    Unit::Count,
);
static ITEMS_OPEN: Gauge<(Provider, OpenState)> = Gauge::new(
    "tieout_items_open",
    "Items not finished; 0 on a process that does not lead.",
    Unit::Count,
);
static OLDEST_DUE: Gauge<Provider> = Gauge::new(
    "tieout_oldest_due_age_seconds",
    "How long the oldest due item that no worker has has been due; 0 on a process that does not lead.",
    Unit::Seconds,
);
static OLDEST_VERIFYING: Gauge<Provider> = Gauge::new(
    "tieout_oldest_verifying_age_seconds",
    "How long ago the oldest document whose outcome is being found out was wanted; 0 on a process that does not lead.",
    Unit::Seconds,
);
static OUTBOX_PENDING: Gauge<()> = Gauge::new(
    "tieout_outbox_pending",
    "Messages in the outbox not published yet; 0 on a process that does not lead.",
    Unit::Count,
);
static OUTBOX_OLDEST: Gauge<()> = Gauge::new(
    "tieout_outbox_oldest_age_seconds",
    "How long the oldest unpublished message has waited; 0 on a process that does not lead.",
    Unit::Seconds,
);
static DEAD_LETTERS: Gauge<()> = Gauge::new(
    "tieout_dead_letters_open",
    "Open dead letters; 0 on a process that does not lead.",
    Unit::Count,
);
static CONSENTS: Gauge<Provider> = Gauge::new(
    "tieout_consents_expiring",
    "Consents that end within 14 days; 0 on a process that does not lead.",
    Unit::Count,
);
static SOONEST: Gauge<Provider> = Gauge::new(
    "tieout_token_expiry_soonest_seconds",
    "Until the first consent ends, at most 14 days, which stands for none.",
    Unit::Seconds,
);

/// What [`SOONEST`] shows when no consent ends soon.
const NO_EXPIRY: Duration = Duration::from_hours(14 * 24);

/// What became of a message from the dead letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    /// Our own mirror of a row.
    Mirror,
    /// It became or found its row.
    Message,
    /// The database was away; it went back.
    Unavailable,
}

impl Label for Kept {
    const NAME: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Mirror, Self::Message, Self::Unavailable];

    fn value(self) -> &'static str {
        match self {
            Self::Mirror => "mirror",
            Self::Message => "message",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The states in which something is left to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum OpenState {
    Queued,
    Running,
    Verifying,
    Waiting,
    Parked,
}

impl OpenState {
    const fn of(state: ItemState) -> Option<Self> {
        match state {
            ItemState::Queued => Some(Self::Queued),
            ItemState::Running => Some(Self::Running),
            ItemState::Verifying => Some(Self::Verifying),
            ItemState::Waiting => Some(Self::Waiting),
            ItemState::Parked => Some(Self::Parked),
            ItemState::Done | ItemState::Partial | ItemState::Skipped | ItemState::Failed => None,
        }
    }

    const fn item_state(self) -> ItemState {
        match self {
            Self::Queued => ItemState::Queued,
            Self::Running => ItemState::Running,
            Self::Verifying => ItemState::Verifying,
            Self::Waiting => ItemState::Waiting,
            Self::Parked => ItemState::Parked,
        }
    }

    /// Whether an item in this state is late when its time has passed.
    const fn waits_for_a_worker(self) -> bool {
        matches!(self, Self::Queued | Self::Verifying | Self::Waiting)
    }
}

impl Label for OpenState {
    const NAME: &'static str = "state";
    const ALL: &'static [Self] = &[
        Self::Queued,
        Self::Running,
        Self::Verifying,
        Self::Waiting,
        Self::Parked,
    ];

    fn value(self) -> &'static str {
        self.item_state().as_str()
    }
}

/// A provider of the catalog, or all that this build does not know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Provider(&'static str);

impl Provider {
    fn of(key: &str) -> Self {
        Self(catalog::by_key(key).map_or("OTHER", |provider| provider.key))
    }

    fn every() -> impl Iterator<Item = Self> {
        let known = catalog::providers().map(|provider| Self(provider.key));
        known.into_iter().chain([Self("OTHER")])
    }
}

impl Label for Provider {
    const NAME: &'static str = "provider";
    /// The catalog is no constant; [`Provider::every`] is the list, and each measurement sets all of it.
    const ALL: &'static [Self] = &[];

    fn value(self) -> &'static str {
        self.0
    }
}

/// Series exist before their first event.
pub(crate) fn show() {
    SLOTS.show_all();
    KEPT.show_all();
    LEADER.set((), 0);
    clear();
}

/// A process that does not lead measures nothing, and must not show what it measured once.
pub(crate) fn clear() {
    set_items(&[]);
    set_backlog(0, 0.0, 0);
    consents([]);
}

/// Measures what is open.
pub(crate) async fn backlog(store: &Store) -> Result<(), StoreError> {
    set_items(&store.state_counts().await?);
    let (pending, oldest_seconds, dead) = store.backlog().await?;
    set_backlog(pending, oldest_seconds, dead);
    Ok(())
}

fn set_backlog(pending: i64, oldest_seconds: f64, dead: i64) {
    OUTBOX_PENDING.set_count((), pending);
    OUTBOX_OLDEST.set((), oldest_seconds);
    DEAD_LETTERS.set_count((), dead);
}

fn set_items(counts: &[StateCount]) {
    let mut open: BTreeMap<(Provider, OpenState), i64> = BTreeMap::new();
    let mut oldest: BTreeMap<Provider, f64> = BTreeMap::new();
    let mut unclear: BTreeMap<Provider, f64> = BTreeMap::new();
    for count in counts {
        let Some(state) = ItemState::from_stored(&count.state).and_then(OpenState::of) else {
            continue;
        };
        let provider = Provider::of(&count.provider);
        *open.entry((provider, state)).or_default() += count.count;
        if state == OpenState::Verifying {
            unclear.insert(provider, count.oldest_wanted_seconds);
        }
        if state.waits_for_a_worker() {
            let age = oldest.entry(provider).or_default();
            *age = age.max(count.oldest_due_seconds);
        }
    }
    for provider in Provider::every() {
        for state in OpenState::ALL {
            let count = open.get(&(provider, *state)).copied().unwrap_or(0);
            ITEMS_OPEN.set_count((provider, *state), count);
        }
        OLDEST_DUE.set(provider, oldest.get(&provider).copied().unwrap_or(0.0));
        OLDEST_VERIFYING.set(provider, unclear.get(&provider).copied().unwrap_or(0.0));
    }
}

/// Shows the consents that end soon: provider and what is left.
pub(crate) fn consents<'a>(expiring: impl IntoIterator<Item = (&'a str, Duration)>) {
    let mut ends: BTreeMap<Provider, Vec<Duration>> = BTreeMap::new();
    for (provider, left) in expiring {
        ends.entry(Provider::of(provider)).or_default().push(left);
    }
    for provider in Provider::every() {
        let lefts = ends.get(&provider).map_or(&[][..], Vec::as_slice);
        CONSENTS.set_count(provider, lefts.len());
        SOONEST.set_seconds(provider, lefts.iter().copied().min().unwrap_or(NO_EXPIRY));
    }
}
