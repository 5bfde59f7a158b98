//! Request limits, off until a setting turns them on, and counts of what was really asked.
//!
//! Where a provider's windows begin is not known, so they come in two kinds: sliding ones, which
//! begin with every request, and fixed ones, which begin at an instant drawn from the seed for
//! every realm and application. Under a time scale of sixty a minute lasts a second.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The limits in force; an absent one is not enforced. `"official"` stands for the published ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Asked")]
pub struct Limits {
    /// Requests a minute for a realm and application (`QuickBooks` Online: 500).
    pub per_minute: Option<usize>,
    /// Requests a second for a realm and application (10).
    pub per_second: Option<usize>,
    /// Requests of a realm being worked on at the same time (10).
    pub concurrent: Option<usize>,
    /// Batch requests a minute for a realm and application (40).
    pub batch_per_minute: Option<usize>,
    /// Batch requests a minute for a realm, whatever the application (120).
    pub realm_batch_per_minute: Option<usize>,
    /// Successful reads a calendar month for an application (500 000).
    pub reads_per_month: Option<u64>,
    /// Where windows begin.
    pub windows: Windows,
    /// How many times faster than a clock the windows pass.
    pub time_scale: u32,
}

/// Where windows begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Windows {
    /// With every request.
    #[default]
    Sliding,
    /// At an instant drawn from the seed, and then one after the other.
    Fixed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_minute: None,
            per_second: None,
            concurrent: None,
            batch_per_minute: None,
            realm_batch_per_minute: None,
            reads_per_month: None,
            windows: Windows::Sliding,
            time_scale: 1,
        }
    }
}

impl Limits {
    /// The limits that `QuickBooks` Online publishes (fact sheet section 3).
    fn official() -> Self {
        Self {
            per_minute: Some(500),
            per_second: Some(10),
            concurrent: Some(10),
            batch_per_minute: Some(40),
            realm_batch_per_minute: Some(120),
            reads_per_month: Some(500_000),
            windows: Windows::Fixed,
            time_scale: 1,
        }
    }

    fn window(&self, seconds: i64) -> TimeDelta {
        TimeDelta::milliseconds(seconds * 1000 / i64::from(self.time_scale.max(1)))
    }
}

/// Limits as they are asked for: by name, or one by one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Named(String),
    Given(Given),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    per_minute: Option<usize>,
    per_second: Option<usize>,
    concurrent: Option<usize>,
    batch_per_minute: Option<usize>,
    realm_batch_per_minute: Option<usize>,
    reads_per_month: Option<u64>,
    #[serde(default)]
    windows: Windows,
    time_scale: Option<u32>,
}

impl TryFrom<Asked> for Limits {
    type Error = String;

    fn try_from(asked: Asked) -> Result<Self, String> {
        match asked {
            Asked::Named(name) if name == "official" => Ok(Self::official()),
            Asked::Named(name) if name == "none" => Ok(Self::default()),
            Asked::Named(name) => Err(format!("there are no limits named {name}")),
            Asked::Given(given) => Ok(Self {
                per_minute: given.per_minute,
                per_second: given.per_second,
                concurrent: given.concurrent,
                batch_per_minute: given.batch_per_minute,
                realm_batch_per_minute: given.realm_batch_per_minute,
                reads_per_month: given.reads_per_month,
                windows: given.windows,
                time_scale: given.time_scale.unwrap_or(1),
            }),
        }
    }
}

/// A request at the gate.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Company.
    pub realm: &'a str,
    /// Application.
    pub client: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it is a batch.
    pub is_batch: bool,
    /// Whether it is a read that counts.
    pub is_read: bool,
    /// Requests of the realm being worked on, this one included.
    pub concurrent: usize,
}

/// The most that was asked at once, by realm and application, whatever was let through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peaks {
    /// Requests within any minute.
    pub per_minute: usize,
    /// Requests within any second.
    pub per_second: usize,
    /// Requests at the same time.
    pub concurrent: usize,
    /// Batches within any minute.
    pub batch_per_minute: usize,
    /// Requests refused.
    pub refused: u64,
    /// Successful reads.
    pub reads: u64,
}

/// What was let through lately, and what was asked.
#[derive(Debug, Default)]
pub struct Meter {
    seed: u64,
    admitted: HashMap<String, VecDeque<DateTime<Utc>>>,
    asked: HashMap<String, VecDeque<DateTime<Utc>>>,
    reads: HashMap<(String, i32, u32), u64>,
    peaks: BTreeMap<String, Peaks>,
}

impl Meter {
    /// A meter whose fixed windows begin where the seed says.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Counts the request and says whether it may pass; a refused one uses nothing up.
    pub fn admit(&mut self, limits: &Limits, arrival: &Arrival<'_>) -> bool {
        let key = format!("{}/{}", arrival.realm, arrival.client);
        self.note(limits, &key, arrival);
        let mut windows = vec![
            (format!("minute {key}"), 60, limits.per_minute),
            (format!("second {key}"), 1, limits.per_second),
        ];
        if arrival.is_batch {
            let realm = format!("batches {}", arrival.realm);
            windows.push((format!("batches {key}"), 60, limits.batch_per_minute));
            windows.push((realm, 60, limits.realm_batch_per_minute));
        }
        let is_free = windows.iter().all(|(name, seconds, most)| {
            let used = self.used(limits, name, *seconds, arrival.at);
            most.is_none_or(|most| used < most)
        });
        let is_admitted = is_free
            && limits
                .concurrent
                .is_none_or(|most| arrival.concurrent <= most)
            && (!arrival.is_read || self.has_reads_left(limits, arrival));
        if is_admitted {
            for (name, _, most) in windows {
                if most.is_some() {
                    self.admitted.entry(name).or_default().push_back(arrival.at);
                }
            }
        } else {
            self.peaks.entry(key).or_default().refused += 1;
        }
        is_admitted
    }

    /// Counts a read that succeeded.
    pub fn count_read(&mut self, realm: &str, client: &str, at: DateTime<Utc>) {
        *self.reads.entry(month(client, at)).or_default() += 1;
        let key = format!("{realm}/{client}");
        self.peaks.entry(key).or_default().reads += 1;
    }

    /// The most that was asked so far, by `realm/application`.
    pub fn peaks(&self) -> &BTreeMap<String, Peaks> {
        &self.peaks
    }

    fn has_reads_left(&self, limits: &Limits, arrival: &Arrival<'_>) -> bool {
        let used = self.reads.get(&month(arrival.client, arrival.at));
        let used = used.copied().unwrap_or_default();
        limits.reads_per_month.is_none_or(|most| used < most)
    }

    /// Requests let through in the window that `at` is in.
    fn used(&mut self, limits: &Limits, name: &str, seconds: i64, at: DateTime<Utc>) -> usize {
        let length = limits.window(seconds);
        let phase = self.phase(name);
        let Some(admitted) = self.admitted.get_mut(name) else {
            return 0;
        };
        let since = match limits.windows {
            Windows::Sliding => at - length,
            Windows::Fixed => {
                let length = length.num_milliseconds().max(1);
                let offset = i64::try_from(phase % length.unsigned_abs()).unwrap_or(0);
                let into = (at.timestamp_millis() + offset).rem_euclid(length);
                // One earlier, since what is exactly at the start belongs to this window.
                at - TimeDelta::milliseconds(into + 1)
            }
        };
        forget(admitted, since);
        admitted.len()
    }

    /// Where the fixed windows of a name begin: a hash (FNV-1a) of it and the seed.
    fn phase(&self, name: &str) -> u64 {
        let seed = self.seed.to_le_bytes();
        let bytes = seed.into_iter().chain(name.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Keeps the peaks, by windows that slide with every request.
    fn note(&mut self, limits: &Limits, key: &str, arrival: &Arrival<'_>) {
        let (minute, second) = (limits.window(60), limits.window(1));
        let mut count = |name: String, length: TimeDelta| {
            let asked = self.asked.entry(name).or_default();
            forget(asked, arrival.at - length);
            asked.push_back(arrival.at);
            asked.len()
        };
        let in_minute = count(format!("minute {key}"), minute);
        let in_second = count(format!("second {key}"), second);
        let batches = if arrival.is_batch {
            count(format!("batches {key}"), minute)
        } else {
            0
        };
        let peaks = self.peaks.entry(key.to_owned()).or_default();
        peaks.per_minute = peaks.per_minute.max(in_minute);
        peaks.per_second = peaks.per_second.max(in_second);
        peaks.batch_per_minute = peaks.batch_per_minute.max(batches);
        peaks.concurrent = peaks.concurrent.max(arrival.concurrent);
    }
}

fn month(client: &str, at: DateTime<Utc>) -> (String, i32, u32) {
    (client.to_owned(), at.year(), at.month())
}

fn forget(window: &mut VecDeque<DateTime<Utc>>, since: DateTime<Utc>) {
    while window.front().is_some_and(|at| *at <= since) {
        window.pop_front();
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
