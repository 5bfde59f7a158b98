//! `tieout status`: every integration with its items by state, what holds it up, and what the fleet gave up on.

use std::time::Duration;

use chrono::TimeDelta;
use model::ItemState;
use serde_json::{Value, json};
use store::admin::BooksStatus;

use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};
use crate::plain::{clause, due, instant, line, span};
use crate::table::table;

pub(crate) async fn run(context: &Context) -> Result<(), Failed> {
    let store = context.store()?;
    let all = store.status().await?;
    let (pending, oldest_seconds, dead) = store.backlog().await?;
    let now = store.now().await?;
    store.close().await;
    if context.is_json {
        return say_json(&json!({
            "integrations": all.iter().map(to_json).collect::<Vec<_>>(),
            "outbox": {"pending": pending, "oldestAgeSeconds": oldest_seconds},
            "deadLetters": {"open": dead},
        }));
    }
    if all.is_empty() {
        say("no integration yet; see: tieout integration add --help")?;
    } else {
        say(overview(&all))?;
    }
    for one in &all {
        if let Some(until) = one.not_before.filter(|until| *until > now) {
            let reason = one.reason.as_deref().unwrap_or("no reason is given");
            say(format!(
                "integration {} pauses and resumes {}: {}",
                one.integration,
                due(until, now),
                clause(reason)
            ))?;
        }
        if let Some(error) = &one.last_error {
            say(format!(
                "integration {} last failed: {}",
                one.integration,
                clause(error)
            ))?;
        }
    }
    say(match pending {
        0 => "outbox: empty".to_owned(),
        _ => format!(
            "outbox: {pending} to publish, the oldest for {}",
            span(seconds(oldest_seconds))
        ),
    })?;
    say(match dead {
        0 => "dead letters: none open".to_owned(),
        _ => format!("dead letters: {dead} open; see: tieout dead list"),
    })
}

/// Ages come from the database as seconds.
fn seconds(age: f64) -> TimeDelta {
    let age = Duration::try_from_secs_f64(age).unwrap_or_default();
    TimeDelta::from_std(age).unwrap_or_default()
}

fn overview(all: &[BooksStatus]) -> String {
    let rows: Vec<[String; 10]> = all
        .iter()
        .map(|one| {
            let count = |states: &[ItemState]| {
                let counts = states.iter().map(|state| count(&one.states, *state));
                counts.sum::<i64>().to_string()
            };
            [
                one.integration.to_string(),
                one.account.to_string(),
                line(&one.provider),
                line(&one.company),
                if one.is_active { "yes" } else { "no" }.to_owned(),
                count(&[ItemState::Queued, ItemState::Running, ItemState::Verifying]),
                count(&[ItemState::Waiting, ItemState::Parked]),
                count(&[ItemState::Done, ItemState::Partial, ItemState::Skipped]),
                count(&[ItemState::Failed]),
                one.last_sync_at.map_or_else(|| "never".to_owned(), instant),
            ]
        })
        .collect();
    table(
        [
            "INTEGRATION",
            "ACCOUNT",
            "PROVIDER",
            "COMPANY",
            "ACTIVE",
            "IN WORK",
            "WAITING",
            "FINISHED",
            "FAILED",
            "LAST SYNC",
        ],
        &rows,
    )
}

fn count(states: &Value, state: ItemState) -> i64 {
    states
        .get(state.as_str())
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

fn to_json(one: &BooksStatus) -> Value {
    let states: serde_json::Map<String, Value> = ItemState::ALL
        .into_iter()
        .map(|state| (state.as_str().to_owned(), json!(count(&one.states, state))))
        .collect();
    json!({
        "integrationId": one.integration, "accountId": one.account, "provider": one.provider,
        "company": one.company, "isActive": one.is_active, "states": states,
        "pausedUntil": one.not_before, "pauseReason": one.reason,
        "lastSyncAt": one.last_sync_at, "lastError": one.last_error,
    })
}
