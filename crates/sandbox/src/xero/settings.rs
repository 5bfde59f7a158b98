//! Settings of the whole sandbox, changed through the control API while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::webhooks::WebhookSettings;

/// How the sandbox behaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Time a request takes before it has its effect.
    pub processing_ms: u64,
    /// Further time for each element of a write.
    pub per_element_ms: u64,
    /// Requests in a hundred that take `slowFactor` times as long.
    pub slow_percent: u32,
    /// How much longer those take.
    pub slow_factor: u32,
    /// Lists and reads by number do not see what was committed less than this ago.
    pub lookup_lag_ms: u64,
    /// Whether reads by id lag as well.
    pub lag_gets: bool,
    /// How long an `Idempotency-Key` is remembered; absent means for ever.
    pub key_life_ms: Option<u64>,
    /// Largest body taken (10 MB).
    pub body_bytes_max: usize,
    /// Most elements of one write; absent means no limit but 500 items, 1 account, 1 tax rate.
    pub elements_max: Option<usize>,
    /// Most records that a list may be taken from without its being refused.
    pub list_max: usize,
    /// Other words for validation messages: each key is replaced by its value.
    pub wording: BTreeMap<String, String>,
    /// Limits; none by default.
    pub limits: Limits,
    /// Token lifetimes.
    pub tokens: TokenSettings,
    /// Who is at the authorize page and what they choose.
    pub person: Person,
    /// Name of the application in envelopes.
    pub provider_name: String,
    /// How webhooks travel.
    pub webhooks: WebhookSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            processing_ms: 0,
            per_element_ms: 0,
            slow_percent: 0,
            slow_factor: 5,
            lookup_lag_ms: 0,
            lag_gets: false,
            key_life_ms: Some(360_000),
            body_bytes_max: 10 * 1024 * 1024,
            elements_max: None,
            list_max: 100_000,
            wording: BTreeMap::new(),
            limits: Limits::default(),
            tokens: TokenSettings::default(),
            person: Person::default(),
            provider_name: "Sandbox application".to_owned(),
            webhooks: WebhookSettings::default(),
        }
    }
}

/// Lifetimes of tokens and codes.
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of the control API, which state the unit"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TokenSettings {
    /// Life of an access token.
    pub access_seconds: i64,
    /// Life of a refresh token that is not used.
    pub refresh_seconds: i64,
    /// How long a refresh token works after it was used.
    pub grace_seconds: i64,
    /// Life of an authorization code.
    pub code_seconds: i64,
    /// Life of an id token.
    pub id_seconds: i64,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_seconds: 1_800,
            refresh_seconds: 60 * 86_400,
            grace_seconds: 1_800,
            code_seconds: 300,
            id_seconds: 300,
        }
    }
}

/// The person at the authorize page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Person {
    /// Their user id; the same person shares one set of connections for an application.
    pub user_id: String,
    /// Organisations they choose; absent means all there are.
    pub tenants: Option<Vec<String>>,
    /// Whether they refuse.
    pub denies: bool,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            user_id: "7c5f4a1e-0b6d-4e0b-9f53-6f6b0a5c2d11".to_owned(),
            tenants: None,
            denies: false,
        }
    }
}
