//! Settings of the whole sandbox, changed through the control API while it runs.

use serde::{Deserialize, Serialize};

use super::fault::GatewayShape;
use super::notices::WebhookSettings;
use crate::web::limits::Limits;

/// How the sandbox behaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Time a request takes before it has its effect.
    pub processing_ms: u64,
    /// Further time for each element of a batch.
    pub per_element_ms: u64,
    /// Queries do not see what was committed less than this ago.
    pub lookup_lag_ms: u64,
    /// Whether reads by id lag as well.
    pub lag_gets: bool,
    /// How long a `requestid` is remembered; absent means for ever.
    pub request_id_life_ms: Option<u64>,
    /// Whether a fault given as first reply is replayed like a success.
    pub store_faults: bool,
    /// Shape of 401, 403 and 429 bodies.
    pub gateway_shape: GatewayShape,
    /// Limits; none by default.
    pub limits: Limits,
    /// Token lifetimes and rotation.
    pub tokens: TokenSettings,
    /// What the person at the authorize page does.
    pub consent: ConsentSettings,
    /// Where changes are told, and how badly.
    pub webhooks: WebhookSettings,
}

/// What the person at the authorize page does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConsentSettings {
    /// Whether the person says no.
    pub denies: bool,
    /// The company the person chooses; absent: the first one.
    pub realm: Option<String>,
}

/// Lifetimes and rotation of tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TokenSettings {
    /// Life of an authorization code.
    pub code_seconds: i64,
    /// Life of an access token.
    pub access_seconds: i64,
    /// Life of a refresh token since it was last issued.
    pub refresh_seconds: i64,
    /// Life of a consent, which refreshing does not extend.
    pub consent_seconds: i64,
    /// When a refresh brings a new refresh token.
    pub rotation: Rotation,
    /// Whether using a replaced refresh token revokes all tokens of its consent.
    pub reuse_detection: bool,
}

/// When a refresh brings a new refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rotation {
    /// With every refresh.
    #[serde(rename = "always")]
    Always,
    /// With the first refresh a day after the last change.
    #[serde(rename = "24h")]
    Daily,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            code_seconds: 600,
            access_seconds: 3600,
            refresh_seconds: 8_726_400,
            consent_seconds: 157_680_000,
            rotation: Rotation::Daily,
            reuse_detection: false,
        }
    }
}
