//! Tests of metrics: what a scrape shows. The recorder is global, so names differ per test.

use std::time::Duration;

use super::{Counter, Gauge, Histogram, Label, Labels, Unit, install};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lane {
    Live,
    Bulk,
}

impl Label for Lane {
    const NAME: &'static str = "lane";
    const ALL: &'static [Self] = &[Self::Live, Self::Bulk];

    fn value(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Bulk => "bulk",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Done,
}

impl Label for Outcome {
    const NAME: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Done];

    fn value(self) -> &'static str {
        "done"
    }
}

static CLAIMED: Counter<(Lane, Outcome)> =
    Counter::new("tieout_test_claimed_total", "Items claimed.", Unit::Count);
static OPEN: Gauge<()> = Gauge::new("tieout_test_open", "Items open.", Unit::Count);
static CALL: Histogram<Lane> =
    Histogram::new("tieout_test_call_seconds", "Call time.", Unit::Seconds);
static SYNC: Histogram<()> = Histogram::sync("tieout_sync_test_seconds", "Event to books.");
static BATCH: Histogram<()> = Histogram::new("tieout_test_batch", "Batch size.", Unit::Count);
static REPLY: Histogram<()> = Histogram::new("tieout_test_reply_bytes", "Reply size.", Unit::Bytes);

fn assert_shows(text: &str, line: &str) {
    assert!(
        text.lines().any(|shown| shown == line),
        "no {line:?} in\n{text}"
    );
}

#[test]
fn a_scrape_shows_values_labels_and_help() {
    let handle = install("test").unwrap();
    CLAIMED.show_all();
    CLAIMED.increment((Lane::Live, Outcome::Done));
    CLAIMED.add((Lane::Live, Outcome::Done), 4);
    OPEN.set_count((), 7_i64);
    OPEN.increment(());
    OPEN.decrement(());

    let text = handle.render();

    assert_shows(&text, "# HELP tieout_test_claimed_total Items claimed.");
    assert_shows(&text, "# TYPE tieout_test_claimed_total counter");
    assert_shows(
        &text,
        r#"tieout_test_claimed_total{lane="live",outcome="done"} 5"#,
    );
    assert_shows(
        &text,
        r#"tieout_test_claimed_total{lane="bulk",outcome="done"} 0"#,
    );
    assert_shows(&text, "tieout_test_open 7");
    assert!(text.contains(r#"tieout_build_info{service="test",version=""#));
}

#[test]
fn buckets_follow_from_the_kind_of_histogram() {
    let handle = install("test").unwrap();
    CALL.record(Lane::Live, Duration::from_millis(7));
    SYNC.record((), Duration::from_secs(10_000));
    BATCH.record_count((), 30_usize);
    REPLY.record_count((), 5_000_usize);
    handle.run_upkeep();

    let text = handle.render();

    assert_shows(
        &text,
        r#"tieout_test_call_seconds_bucket{lane="live",le="0.005"} 0"#,
    );
    assert_shows(
        &text,
        r#"tieout_test_call_seconds_bucket{lane="live",le="0.01"} 1"#,
    );
    assert_shows(
        &text,
        r#"tieout_test_call_seconds_bucket{lane="live",le="60"} 1"#,
    );
    assert_shows(&text, r#"tieout_sync_test_seconds_bucket{le="7200"} 0"#);
    assert_shows(&text, r#"tieout_sync_test_seconds_bucket{le="14400"} 1"#);
    assert_shows(&text, r#"tieout_test_batch_bucket{le="20"} 0"#);
    assert_shows(&text, r#"tieout_test_batch_bucket{le="50"} 1"#);
    assert_shows(&text, r#"tieout_test_reply_bytes_bucket{le="16384"} 1"#);
}

#[test]
fn a_count_out_of_range_is_shown_at_the_border() {
    static ODD: Gauge<Lane> = Gauge::new("tieout_test_odd", "Odd counts.", Unit::Count);
    let handle = install("test").unwrap();
    ODD.set_count(Lane::Live, -3_i64);
    ODD.set_count(Lane::Bulk, u64::MAX);

    let text = handle.render();

    assert_shows(&text, r#"tieout_test_odd{lane="live"} 0"#);
    assert_shows(&text, r#"tieout_test_odd{lane="bulk"} 4294967295"#);
}

#[test]
fn all_combinations_of_labels_are_known() {
    assert_eq!(<(Outcome, Lane)>::all().len(), 2);
    assert_eq!(<(Lane, Outcome, Lane)>::all().len(), 4);
    assert_eq!(
        (Lane::Live, Outcome::Done, Lane::Bulk).pairs(),
        [("lane", "live"), ("outcome", "done"), ("lane", "bulk")]
    );
}
