//! Request limits: fixed windows of a minute and a day for each tenant, a minute for each
//! application, and requests in flight.
//!
//! Windows begin at a phase of their own, drawn from the sandbox's seed, which no caller knows. A
//! refused request is not counted against a window. Counts and maxima are kept whether or not a
//! limit is in force, so that a test can show that none would have been exceeded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Length of a minute and a day in milliseconds.
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// The limits in force; an absent one is not enforced and not reported in headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a minute for an application and tenant (60).
    pub per_minute: Option<u64>,
    /// Requests a day for an application and tenant (1,000 or 5,000 by tier).
    pub per_day: Option<u64>,
    /// Requests in flight for an application and tenant (5).
    pub concurrent: Option<u64>,
    /// Requests a minute for an application over all tenants (10,000).
    pub app_per_minute: Option<u64>,
    /// How many times faster than real time windows pass: at 60 a minute lasts a second.
    pub time_scale: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_minute: None,
            per_day: None,
            concurrent: None,
            app_per_minute: None,
            time_scale: 1,
        }
    }
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A minute of one tenant.
    Minute,
    /// A day of one tenant.
    Day,
    /// Requests in flight of one tenant.
    Concurrent,
    /// A minute of the application.
    AppMinute,
}

impl Limit {
    /// Its name in `X-Rate-Limit-Problem`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Concurrent => "concurrent",
            Self::AppMinute => "appminute",
        }
    }

    /// The limit of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Minute, Self::Day, Self::Concurrent, Self::AppMinute];
        all.into_iter().find(|limit| limit.name() == name)
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which.
    pub limit: Limit,
    /// Seconds to its next window; a full line of requests has none.
    pub retry_after: Option<i64>,
}

/// What is left, for the headers of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Of the tenant's minute.
    pub minute: Option<u64>,
    /// Of the tenant's day.
    pub day: Option<u64>,
    /// Of the application's minute.
    pub app_minute: Option<u64>,
}

/// One running window.
#[derive(Debug, Default, Clone)]
struct Window {
    index: Option<i64>,
    count: u64,
    most: u64,
}

impl Window {
    /// Opens the window of an index and returns what it holds.
    fn open(&mut self, index: i64) -> u64 {
        if self.index != Some(index) {
            self.index = Some(index);
            self.count = 0;
        }
        self.count
    }

    fn count_one(&mut self) {
        self.count += 1;
        self.most = self.most.max(self.count);
    }
}

#[derive(Debug, Default)]
struct TenantCounts {
    minute: Window,
    day: Window,
    in_flight: u64,
    most_in_flight: u64,
    admitted: u64,
    refused: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct AppCounts {
    minute: Window,
    refused: u64,
}

/// All counts.
#[derive(Debug, Default)]
pub struct Meter {
    seed: u64,
    tenants: BTreeMap<(String, String), TenantCounts>,
    apps: BTreeMap<String, AppCounts>,
}

/// Counts and maxima of one tenant and application, as the control API shows them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantReport<'a> {
    tenant_id: &'a str,
    client_id: &'a str,
    admitted: u64,
    minute_max: u64,
    day_max: u64,
    concurrent_max: u64,
    refused: &'a BTreeMap<&'static str, u64>,
}

/// The same of an application over all tenants.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppReport<'a> {
    client_id: &'a str,
    minute_max: u64,
    refused: u64,
}

impl Meter {
    /// A meter whose windows have phases of that seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Counts a request as being in flight and returns how many there are now.
    pub fn enter(&mut self, tenant: &str, app: &str) -> u64 {
        let counts = self.counts(tenant, app);
        counts.in_flight += 1;
        counts.in_flight
    }

    /// Ends what `enter` began.
    pub fn leave(&mut self, tenant: &str, app: &str) {
        let counts = self.counts(tenant, app);
        counts.in_flight = counts.in_flight.saturating_sub(1);
    }

    /// Counts a request and lets it pass, or says which limit it met.
    pub fn admit(
        &mut self,
        limits: &Limits,
        tenant: &str,
        app: &str,
        in_flight: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Exceeded> {
        let spans = self.spans(limits, tenant, app, now);
        let app_counts = self.apps.entry(app.to_owned()).or_default();
        let app_count = app_counts.minute.open(spans.app_minute.index);
        if limits.app_per_minute.is_some_and(|most| app_count >= most) {
            app_counts.refused += 1;
            let refused = spans.app_minute.exceeded(Limit::AppMinute);
            self.refuse(tenant, app, Limit::AppMinute);
            return Err(refused);
        }
        let counts = self.counts(tenant, app);
        let day = counts.day.open(spans.day.index);
        let minute = counts.minute.open(spans.minute.index);
        let is_over = |most: Option<u64>, count: u64| most.is_some_and(|most| count >= most);
        let exceeded = if is_over(limits.per_day, day) {
            Some(spans.day.exceeded(Limit::Day))
        } else if is_over(limits.per_minute, minute) {
            Some(spans.minute.exceeded(Limit::Minute))
        } else if limits.concurrent.is_some_and(|most| in_flight > most) {
            Some(Exceeded {
                limit: Limit::Concurrent,
                retry_after: None,
            })
        } else {
            None
        };
        if let Some(exceeded) = exceeded {
            self.refuse(tenant, app, exceeded.limit);
            return Err(exceeded);
        }
        counts.day.count_one();
        counts.minute.count_one();
        counts.admitted += 1;
        counts.most_in_flight = counts.most_in_flight.max(in_flight);
        self.apps
            .entry(app.to_owned())
            .or_default()
            .minute
            .count_one();
        Ok(())
    }

    /// What is left of each limit in force.
    pub fn remaining(
        &mut self,
        limits: &Limits,
        tenant: &str,
        app: &str,
        now: DateTime<Utc>,
    ) -> Remaining {
        let spans = self.spans(limits, tenant, app, now);
        let app_minute = self.apps.entry(app.to_owned()).or_default();
        let app_minute = app_minute.minute.open(spans.app_minute.index);
        let counts = self.counts(tenant, app);
        let left = |most: Option<u64>, count: u64| most.map(|most| most.saturating_sub(count));
        Remaining {
            minute: left(limits.per_minute, counts.minute.open(spans.minute.index)),
            day: left(limits.per_day, counts.day.open(spans.day.index)),
            app_minute: left(limits.app_per_minute, app_minute),
        }
    }

    /// Seconds to the next window of a limit, as `Retry-After` of an injected refusal.
    pub fn retry_after(
        &self,
        limits: &Limits,
        tenant: &str,
        app: &str,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Option<i64> {
        let spans = self.spans(limits, tenant, app, now);
        match limit {
            Limit::Minute => spans.minute.exceeded(limit).retry_after,
            Limit::Day => spans.day.exceeded(limit).retry_after,
            Limit::AppMinute => spans.app_minute.exceeded(limit).retry_after,
            Limit::Concurrent => None,
        }
    }

    /// Counts and maxima by tenant.
    pub fn tenants(&self) -> Vec<TenantReport<'_>> {
        let rows = self.tenants.iter();
        rows.map(|((tenant_id, client_id), counts)| TenantReport {
            tenant_id,
            client_id,
            admitted: counts.admitted,
            minute_max: counts.minute.most,
            day_max: counts.day.most,
            concurrent_max: counts.most_in_flight,
            refused: &counts.refused,
        })
        .collect()
    }

    /// Counts and maxima by application.
    pub fn apps(&self) -> Vec<AppReport<'_>> {
        let rows = self.apps.iter();
        rows.map(|(client_id, counts)| AppReport {
            client_id,
            minute_max: counts.minute.most,
            refused: counts.refused,
        })
        .collect()
    }

    fn counts(&mut self, tenant: &str, app: &str) -> &mut TenantCounts {
        let key = (tenant.to_owned(), app.to_owned());
        self.tenants.entry(key).or_default()
    }

    fn refuse(&mut self, tenant: &str, app: &str, limit: Limit) {
        let refused = &mut self.counts(tenant, app).refused;
        *refused.entry(limit.name()).or_default() += 1;
    }

    fn spans(&self, limits: &Limits, tenant: &str, app: &str, now: DateTime<Utc>) -> Spans {
        let span = |length: i64, what: &str, who: &str| {
            let length = (length / limits.time_scale.max(1)).max(1);
            let phase = phase(self.seed, what, who).rem_euclid(length);
            let at = now.timestamp_millis() + phase;
            Span {
                index: at.div_euclid(length),
                left_ms: length - at.rem_euclid(length),
            }
        };
        let of_tenant = format!("{tenant}/{app}");
        Spans {
            minute: span(MINUTE_MS, "minute", &of_tenant),
            day: span(DAY_MS, "day", &of_tenant),
            app_minute: span(MINUTE_MS, "app", app),
        }
    }
}

struct Spans {
    minute: Span,
    day: Span,
    app_minute: Span,
}

#[derive(Clone, Copy)]
struct Span {
    index: i64,
    left_ms: i64,
}

impl Span {
    fn exceeded(self, limit: Limit) -> Exceeded {
        Exceeded {
            limit,
            // Whole seconds, rounded up: after that wait the window is a new one.
            retry_after: Some(self.left_ms.div_euclid(1000) + 1),
        }
    }
}

/// A number below a day that depends on the seed and the window's owner (FNV-1a).
fn phase(seed: u64, what: &str, who: &str) -> i64 {
    let bytes = seed.to_be_bytes();
    let bytes = bytes.iter().chain(what.as_bytes()).chain(who.as_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::try_from(hash % 86_400_000).unwrap_or(0)
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
