//! Typed metrics: names, help and units in one place, labels from closed sets only.
//!
//! A metric is a `static`; nobody else touches the `metrics` crate. Its labels
//! come from enums through [`Label`], so an id can never become a label and the
//! number of series is known when the program is compiled. Histogram buckets
//! follow from the name, which the constructors check at compile time.

use std::marker::PhantomData;
use std::sync::{Once, OnceLock};
use std::time::Duration;

use metrics::{Key, KeyName, Level, Metadata, SharedString};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use crate::metric_labels::{Label, Labels};

/// What a metric counts or measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Seconds,
    /// Octets.
    Bytes,
}

/// A number that only grows; its name ends in `_total`.
#[derive(Debug)]
pub struct Counter<L>(Named<L>);

/// A number that is set; time is given in seconds.
#[derive(Debug)]
pub struct Gauge<L>(Named<L>);

/// A distribution; its buckets follow from its unit and name.
#[derive(Debug)]
pub struct Histogram<L>(Named<L>);

impl<L: Labels> Counter<L> {
    /// A counter; the name must be `tieout_…_total`.
    pub const fn new(name: &'static str, help: &'static str, unit: Unit) -> Self {
        assert!(ends_with(name, "_total"), "a counter's name ends in _total");
        Self(Named::new(name, help, unit))
    }

    /// Counts one.
    pub fn increment(&self, labels: L) {
        self.add(labels, 1);
    }

    /// Counts several.
    pub fn add(&self, labels: L, count: u64) {
        self.0.describe(Kind::Counter);
        let key = self.0.key(labels);
        metrics::with_recorder(|recorder| {
            recorder.register_counter(&key, &METADATA).increment(count);
        });
    }

    /// Shows every series at zero, so that an alert sees the first event as a rise.
    pub fn show_all(&self) {
        for labels in L::all() {
            self.add(labels, 0);
        }
    }
}

impl<L: Labels> Gauge<L> {
    /// A gauge; the name must be `tieout_…`.
    pub const fn new(name: &'static str, help: &'static str, unit: Unit) -> Self {
        Self(Named::new(name, help, unit))
    }

    /// Sets a measured value.
    pub fn set(&self, labels: L, value: impl Into<f64>) {
        self.handle(labels).set(value.into());
    }

    /// Sets a number of things, as counted here or by the database; a negative one shows as 0.
    pub fn set_count(&self, labels: L, count: impl TryInto<u64>) {
        self.set(labels, count_as_number(count.try_into().unwrap_or(0)));
    }

    /// Sets an age or a wait.
    pub fn set_seconds(&self, labels: L, value: Duration) {
        self.set(labels, value.as_secs_f64());
    }

    /// One more.
    pub fn increment(&self, labels: L) {
        self.handle(labels).increment(1.0);
    }

    /// One less.
    pub fn decrement(&self, labels: L) {
        self.handle(labels).decrement(1.0);
    }

    fn handle(&self, labels: L) -> metrics::Gauge {
        self.0.describe(Kind::Gauge);
        let key = self.0.key(labels);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
    }
}

impl<L: Labels> Histogram<L> {
    /// A histogram with buckets for short times (5 ms to 60 s), sizes in bytes, or counts.
    ///
    /// A time's name ends in `_seconds`, a size's in `_bytes`.
    pub const fn new(name: &'static str, help: &'static str, unit: Unit) -> Self {
        assert!(
            matches!(unit, Unit::Seconds) == ends_with(name, SECONDS_SUFFIX),
            "a histogram of times, and no other, ends in _seconds"
        );
        assert!(
            matches!(unit, Unit::Bytes) == ends_with(name, BYTES_SUFFIX),
            "a histogram of sizes, and no other, ends in _bytes"
        );
        assert!(
            !starts_with(name, LONG_PREFIX),
            "use Histogram::sync for tieout_sync_ names"
        );
        Self(Named::new(name, help, unit))
    }

    /// A histogram of long times (0.1 s to 4 h), from event to books; named `tieout_sync_…_seconds`.
    pub const fn sync(name: &'static str, help: &'static str) -> Self {
        assert!(
            starts_with(name, LONG_PREFIX),
            "a sync time's name begins with tieout_sync_"
        );
        assert!(
            ends_with(name, SECONDS_SUFFIX),
            "a sync time's name ends in _seconds"
        );
        Self(Named::new(name, help, Unit::Seconds))
    }

    /// Records how long something took.
    pub fn record(&self, labels: L, took: Duration) {
        self.handle(labels).record(took.as_secs_f64());
    }

    /// Records how many or how large.
    pub fn record_count(&self, labels: L, count: impl TryInto<u64>) {
        self.handle(labels)
            .record(count_as_number(count.try_into().unwrap_or(0)));
    }

    fn handle(&self, labels: L) -> metrics::Histogram {
        self.0.describe(Kind::Histogram);
        let key = self.0.key(labels);
        metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }
}

/// The installed recorder, to be rendered for a scrape.
#[derive(Clone)]
pub struct MetricsHandle(PrometheusHandle);

impl MetricsHandle {
    /// All series in the Prometheus text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds samples into buckets; without a scraper they would gather for ever.
    pub fn run_upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The metrics recorder could not be installed.
#[derive(Debug, thiserror::Error)]
#[error("metrics recorder not installed")]
pub struct InstallError(#[source] BuildError);

static INSTALLED: OnceLock<Result<MetricsHandle, InstallError>> = OnceLock::new();

/// Installs the process's recorder, once; later calls return the same one.
pub fn install(service: &'static str) -> Result<MetricsHandle, &'static InstallError> {
    let installed = INSTALLED.get_or_init(|| {
        let recorder = builder().and_then(PrometheusBuilder::install_recorder);
        recorder.map(MetricsHandle).map_err(InstallError)
    });
    let handle = installed.as_ref()?.clone();
    show_build_info(service);
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(&COUNT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix(SECONDS_SUFFIX.to_owned()), &SHORT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix(BYTES_SUFFIX.to_owned()), &BYTE_BUCKETS)?
        // The exporter asks prefixes before suffixes, so this wins over `_seconds`.
        .set_buckets_for_metric(Matcher::Prefix(LONG_PREFIX.to_owned()), &LONG_BUCKETS)
}

fn show_build_info(service: &'static str) {
    static BUILD_INFO: Named<()> = Named::new(
        "tieout_build_info",
        "Always 1; its labels name the running program.",
        Unit::Count,
    );
    BUILD_INFO.describe(Kind::Gauge);
    let labels = vec![
        metrics::Label::from_static_parts("service", service),
        metrics::Label::from_static_parts("version", env!("CARGO_PKG_VERSION")),
        metrics::Label::from_static_parts(
            "commit",
            option_env!("TIEOUT_COMMIT").unwrap_or("unknown"),
        ),
    ];
    let key = Key::from_parts(KeyName::from_const_str(BUILD_INFO.name), labels);
    metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(1.0));
}

const SECONDS_SUFFIX: &str = "_seconds";
const BYTES_SUFFIX: &str = "_bytes";
const LONG_PREFIX: &str = "tieout_sync_";

/// Calls, statements, waits: 5 ms to 60 s.
const SHORT_BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// Event to books: 0.1 s to 4 h.
const LONG_BUCKETS: [f64; 14] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 7200.0, 14400.0,
];
/// Batch sizes and attempts.
const COUNT_BUCKETS: [f64; 11] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0,
];
/// Request and reply sizes: 256 octets to 16 MiB.
const BYTE_BUCKETS: [f64; 9] = [
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

static METADATA: Metadata<'static> = Metadata::new("tieout", Level::INFO, None);

/// What every metric has.
#[derive(Debug)]
struct Named<L> {
    name: &'static str,
    help: &'static str,
    unit: Unit,
    described: Once,
    labels: PhantomData<fn(L)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl<L> Named<L> {
    const fn new(name: &'static str, help: &'static str, unit: Unit) -> Self {
        assert!(
            starts_with(name, "tieout_"),
            "a metric's name begins with tieout_"
        );
        Self {
            name,
            help,
            unit,
            described: Once::new(),
            labels: PhantomData,
        }
    }

    /// Tells the recorder help and unit at first use; before it is installed there is nobody to tell.
    fn describe(&self, kind: Kind) {
        if INSTALLED.get().is_none() {
            return;
        }
        self.described.call_once(|| {
            let name = KeyName::from_const_str(self.name);
            let unit = Some(match self.unit {
                Unit::Count => metrics::Unit::Count,
                Unit::Seconds => metrics::Unit::Seconds,
                Unit::Bytes => metrics::Unit::Bytes,
            });
            let help = SharedString::const_str(self.help);
            metrics::with_recorder(|recorder| match kind {
                Kind::Counter => recorder.describe_counter(name, unit, help),
                Kind::Gauge => recorder.describe_gauge(name, unit, help),
                Kind::Histogram => recorder.describe_histogram(name, unit, help),
            });
        });
    }
}

impl<L: Labels> Named<L> {
    fn key(&self, labels: L) -> Key {
        let pairs = labels.pairs().into_iter();
        let labels: Vec<_> = pairs
            .map(|(name, value)| metrics::Label::from_static_parts(name, value))
            .collect();
        Key::from_parts(KeyName::from_const_str(self.name), labels)
    }
}

/// Prometheus values are floating point; counts above 2^32 are shown as that.
fn count_as_number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

const fn starts_with(text: &str, start: &str) -> bool {
    match text.as_bytes().split_at_checked(start.len()) {
        Some((head, _)) => same(head, start.as_bytes()),
        None => false,
    }
}

const fn ends_with(text: &str, end: &str) -> bool {
    match text.len().checked_sub(end.len()) {
        Some(at) => same(text.as_bytes().split_at(at).1, end.as_bytes()),
        None => false,
    }
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    left.len() == right.len()
}

#[cfg(test)]
#[path = "metric_tests.rs"]
mod tests;
