//! Sliding-window request limits, off until a setting turns them on.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The limits in force; an absent one is not enforced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a minute for a realm and application (`QuickBooks` Online: 500).
    pub per_minute: Option<usize>,
    /// Requests a second for a realm and application (10).
    pub per_second: Option<usize>,
    /// Requests of a realm being worked on at the same time (10).
    pub concurrent: Option<usize>,
    /// Batch requests a minute for a realm and application (40).
    pub batch_per_minute: Option<usize>,
}

/// What was let through lately, by realm and application.
#[derive(Debug, Default)]
pub struct Meter {
    requests: HashMap<String, VecDeque<DateTime<Utc>>>,
    batches: HashMap<String, VecDeque<DateTime<Utc>>>,
}

impl Meter {
    /// Counts the request and says whether it may pass; a refused one is not counted.
    pub fn admit(
        &mut self,
        limits: &Limits,
        key: &str,
        now: DateTime<Utc>,
        is_batch: bool,
        concurrent: usize,
    ) -> bool {
        let minute = TimeDelta::seconds(60);
        let requests = recent(&mut self.requests, key, now - minute);
        let last_second = now - TimeDelta::seconds(1);
        let in_second = requests.iter().filter(|at| **at > last_second).count();
        let within = |limit: Option<usize>, count: usize| limit.is_none_or(|most| count < most);
        let mut admitted = within(limits.per_minute, requests.len())
            && within(limits.per_second, in_second)
            && limits.concurrent.is_none_or(|most| concurrent <= most);
        if is_batch {
            let batches = recent(&mut self.batches, key, now - minute);
            admitted = admitted && within(limits.batch_per_minute, batches.len());
            if admitted {
                batches.push_back(now);
            }
        }
        if admitted {
            recent(&mut self.requests, key, now - minute).push_back(now);
        }
        admitted
    }
}

fn recent<'a>(
    windows: &'a mut HashMap<String, VecDeque<DateTime<Utc>>>,
    key: &str,
    since: DateTime<Utc>,
) -> &'a mut VecDeque<DateTime<Utc>> {
    let window = windows.entry(key.to_owned()).or_default();
    while window.front().is_some_and(|at| *at <= since) {
        window.pop_front();
    }
    window
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
