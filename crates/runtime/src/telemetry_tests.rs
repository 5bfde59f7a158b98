//! What the filter lets through.

use super::*;

#[test]
fn the_talkative_are_quiet_unless_they_are_asked_for() {
    let quiet = quieted(default_filter()).to_string();
    assert!(
        quiet.contains("info") && quiet.contains("lapin=off"),
        "{quiet}"
    );
    assert!(quiet.contains("sqlx::pool::acquire=off"), "{quiet}");
    let asked = quieted(EnvFilter::new("debug,lapin=warn")).to_string();
    assert!(
        asked.contains("lapin=warn") && !asked.contains("lapin=off"),
        "{asked}"
    );
}
