//! Consents, their tokens and the rules of refreshing them.
//!
//! ```text
//! code --exchange--> consent --refresh--> consent (same or new refresh token)
//!                       |--revoke, code used twice, old token used (optional)--> revoked
//! ```

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngCore as _;
use rand::rngs::StdRng;

use super::settings::{Rotation, TokenSettings};

/// What a token holder may do.
#[derive(Debug, Clone)]
pub struct Access {
    /// The application.
    pub client_id: String,
    /// The companies.
    pub realms: Vec<String>,
    /// What of them, in the service's words.
    pub scopes: Vec<String>,
}

impl Access {
    /// Access to the accounting data of companies.
    pub fn accounting(client_id: &str, realms: Vec<String>) -> Self {
        Self {
            client_id: client_id.to_owned(),
            realms,
            scopes: vec![ACCOUNTING.to_owned()],
        }
    }

    /// Whether it covers the accounting data.
    pub fn may_account(&self) -> bool {
        self.scopes.iter().any(|scope| scope == ACCOUNTING)
    }
}

/// The scope of the accounting data.
const ACCOUNTING: &str = "com.intuit.quickbooks.accounting";

/// A pair as the token endpoint returns it.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Access token.
    pub access: String,
    /// Refresh token.
    pub refresh: String,
    /// When the consent ends for good.
    pub consent_until: DateTime<Utc>,
}

/// Why there are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown application or wrong secret.
    InvalidClient,
    /// Unknown, replaced, expired or revoked token or code.
    InvalidGrant,
}

#[derive(Debug)]
struct Consent {
    access: Access,
    refresh: String,
    refresh_issued_at: DateTime<Utc>,
    refresh_changed_at: DateTime<Utc>,
    until: DateTime<Utc>,
    is_revoked: bool,
}

#[derive(Debug)]
struct Code {
    access: Access,
    redirect_uri: Option<String>,
    issued_at: DateTime<Utc>,
    consent: Option<usize>,
}

/// All consents ever given.
#[derive(Debug, Default)]
pub struct TokenStore {
    secrets: HashMap<String, String>,
    /// Registered redirect addresses; an application without any may use every address.
    redirects: HashMap<String, Vec<String>>,
    consents: Vec<Consent>,
    access: HashMap<String, (usize, DateTime<Utc>)>,
    /// Every refresh token ever issued.
    refresh: HashMap<String, usize>,
    codes: HashMap<String, Code>,
}

impl TokenStore {
    /// Makes an application known.
    pub fn register(&mut self, client_id: &str, secret: &str) {
        let secret = secret.to_owned();
        self.secrets.insert(client_id.to_owned(), secret);
    }

    /// Registers where an application's authorize page may lead.
    pub fn register_redirects(&mut self, client_id: &str, uris: Vec<String>) {
        self.redirects.insert(client_id.to_owned(), uris);
    }

    /// Whether the authorize page may lead there.
    pub fn may_redirect(&self, client_id: &str, uri: &str) -> bool {
        self.redirects
            .get(client_id)
            .is_none_or(|known| known.iter().any(|known| known == uri))
    }

    /// Whether an application is known.
    pub fn is_known(&self, client_id: &str) -> bool {
        self.secrets.contains_key(client_id)
    }

    /// Whether the secret is the application's.
    pub fn is_client(&self, client_id: &str, secret: &str) -> bool {
        self.secrets
            .get(client_id)
            .is_some_and(|known| known == secret)
    }

    /// A new consent and its first pair.
    pub fn consent(
        &mut self,
        access: Access,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Pair {
        let index = self.consents.len();
        let refresh = random_token("RT1-", 24, chance);
        self.refresh.insert(refresh.clone(), index);
        self.consents.push(Consent {
            access,
            refresh,
            refresh_issued_at: now,
            refresh_changed_at: now,
            until: now + TimeDelta::seconds(settings.consent_seconds),
            is_revoked: false,
        });
        self.pair(index, settings, now, chance)
    }

    /// A code to be exchanged once.
    pub fn issue_code(
        &mut self,
        access: Access,
        redirect_uri: Option<String>,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> String {
        let code = random_token("AB1", 32, chance);
        let issued = Code {
            access,
            redirect_uri,
            issued_at: now,
            consent: None,
        };
        self.codes.insert(code.clone(), issued);
        code
    }

    /// Exchanges a code; a second use revokes what the first brought.
    pub fn exchange(
        &mut self,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Result<Pair, Refusal> {
        let issued = self.codes.get_mut(code).ok_or(Refusal::InvalidGrant)?;
        if let Some(consent) = issued.consent {
            self.revoke_consent(consent);
            return Err(Refusal::InvalidGrant);
        }
        let redirects_elsewhere = issued
            .redirect_uri
            .as_ref()
            .is_some_and(|uri| uri != redirect_uri);
        let is_old = now - issued.issued_at >= TimeDelta::seconds(settings.code_seconds);
        if issued.access.client_id != client_id || redirects_elsewhere || is_old {
            return Err(Refusal::InvalidGrant);
        }
        issued.consent = Some(self.consents.len());
        let access = issued.access.clone();
        Ok(self.consent(access, settings, now, chance))
    }

    /// Refreshes; only the newest refresh token of a consent works.
    pub fn refresh(
        &mut self,
        client_id: &str,
        token: &str,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Result<Pair, Refusal> {
        let index = *self.refresh.get(token).ok_or(Refusal::InvalidGrant)?;
        let consent = &self.consents[index];
        if consent.refresh != token && settings.reuse_detection {
            self.revoke_consent(index);
            return Err(Refusal::InvalidGrant);
        }
        let expires_at = consent.refresh_issued_at + TimeDelta::seconds(settings.refresh_seconds);
        let is_dead = consent.is_revoked || now >= expires_at || now >= consent.until;
        if is_dead || consent.refresh != token || consent.access.client_id != client_id {
            return Err(Refusal::InvalidGrant);
        }
        let is_day_old = now - consent.refresh_changed_at >= TimeDelta::hours(24);
        if settings.rotation == Rotation::Always || is_day_old {
            let fresh = random_token("RT1-", 24, chance);
            self.refresh.insert(fresh.clone(), index);
            self.consents[index].refresh = fresh;
            self.consents[index].refresh_changed_at = now;
        }
        self.consents[index].refresh_issued_at = now;
        Ok(self.pair(index, settings, now, chance))
    }

    /// Revokes the consent behind an access or refresh token; false when it is unknown.
    pub fn revoke(&mut self, client_id: &str, token: &str) -> bool {
        let index = self.refresh.get(token).copied();
        let index = index.or_else(|| self.access.get(token).map(|(index, _)| *index));
        match index {
            Some(index) if self.consents[index].access.client_id == client_id => {
                self.revoke_consent(index);
                true
            }
            _ => false,
        }
    }

    /// Ends every consent that covers a company, as a person disconnecting the application does.
    pub fn disconnect(&mut self, realm: &str) {
        for consent in &mut self.consents {
            if consent.access.realms.iter().any(|known| known == realm) {
                consent.is_revoked = true;
            }
        }
    }

    /// Whether a living consent covers a company.
    pub fn is_connected(&self, realm: &str) -> bool {
        let covers = |consent: &Consent| consent.access.realms.iter().any(|known| known == realm);
        self.consents
            .iter()
            .any(|consent| !consent.is_revoked && covers(consent))
    }

    /// What an access token allows, while it lives.
    pub fn access(&self, token: &str, now: DateTime<Utc>) -> Option<&Access> {
        let (index, expires_at) = self.access.get(token)?;
        let consent = &self.consents[*index];
        (now < *expires_at && !consent.is_revoked).then_some(&consent.access)
    }

    fn pair(
        &mut self,
        index: usize,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Pair {
        let access = random_token("eyJlbmMiOiJBMTI4Q0JDLUhTMjU2In0..", 120, chance);
        let expires_at = now + TimeDelta::seconds(settings.access_seconds);
        self.access.insert(access.clone(), (index, expires_at));
        let consent = &self.consents[index];
        Pair {
            access,
            refresh: consent.refresh.clone(),
            consent_until: consent.until,
        }
    }

    fn revoke_consent(&mut self, index: usize) {
        self.consents[index].is_revoked = true;
    }
}

fn random_token(prefix: &str, bytes: usize, chance: &mut StdRng) -> String {
    let mut raw = vec![0_u8; bytes];
    chance.fill_bytes(&mut raw);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(raw))
}
