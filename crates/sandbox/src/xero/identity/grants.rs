//! Applications, what people granted them, tokens and connections.
//!
//! ```text
//! code --exchange--> grant --refresh--> the same grant, a new pair
//!                      |--revoke--> revoked, and its person's connections are gone
//! ```
//!
//! Tokens belong to a person and an application; which organisations they open is said by the
//! connections of that pair.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngCore as _;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::xero::organisation::guid;
use crate::xero::settings::TokenSettings;
use crate::xero::signature;

/// The key that access and id tokens are signed with; nobody checks it.
const SIGNING_KEY: &[u8] = b"sandbox";

/// An application as the control API takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Application {
    /// Its id.
    pub client_id: String,
    /// Its secret; absent for one that proves itself by PKCE alone.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Where codes may be sent; absent: anywhere that is allowed at all.
    #[serde(default)]
    pub redirect_uris: Option<Vec<String>>,
    /// Whether it may ask for broad scopes.
    #[serde(default)]
    pub broad_scopes: bool,
    /// The one organisation of a custom connection.
    #[serde(default)]
    pub custom_tenant: Option<String>,
}

/// What a person granted.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The application.
    pub client_id: String,
    /// The person.
    pub user_id: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The visit to the authorize page, or the minting of a custom connection's token.
    pub auth_event_id: String,
    is_revoked: bool,
}

/// An organisation that an application may work for on behalf of a person.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its id, which is not the tenant's.
    pub id: String,
    /// The person.
    pub user_id: String,
    /// The application.
    pub client_id: String,
    /// The organisation.
    pub tenant_id: String,
    /// The visit that made or renewed it.
    pub auth_event_id: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub updated_at: DateTime<Utc>,
}

/// A code as it was issued.
#[derive(Debug)]
pub struct Code {
    /// The application.
    pub client_id: String,
    /// The person.
    pub user_id: String,
    /// What was asked for.
    pub scopes: Vec<String>,
    /// The organisations chosen.
    pub tenants: Vec<String>,
    /// Where it was sent; none when the control API made it for anywhere.
    pub redirect_uri: Option<String>,
    /// The PKCE challenge.
    pub challenge: Option<String>,
    /// The `nonce` that the id token repeats.
    pub nonce: Option<String>,
}

/// Tokens as the token endpoint returns them.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Access token.
    pub access: String,
    /// Refresh token, with `offline_access`.
    pub refresh: Option<String>,
    /// Id token, with `openid`.
    pub id_token: Option<String>,
    /// What the tokens allow.
    pub scopes: Vec<String>,
    /// The visit behind them.
    pub auth_event_id: String,
}

/// What an access token is worth.
#[derive(Debug)]
pub enum Worth<'a> {
    /// Nothing.
    Unknown,
    /// Nothing any more.
    Expired(DateTime<Utc>),
    /// This.
    Granted(&'a Grant),
}

#[derive(Debug)]
struct Refresh {
    grant: usize,
    issued_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Identity {
    apps: HashMap<String, Application>,
    grants: Vec<Grant>,
    access: HashMap<String, (usize, DateTime<Utc>)>,
    refresh: HashMap<String, Refresh>,
    codes: HashMap<String, (Code, DateTime<Utc>)>,
    connections: Vec<Connection>,
}

impl Identity {
    /// Makes an application known, or changes it.
    pub fn register(&mut self, app: Application) {
        self.apps.insert(app.client_id.clone(), app);
    }

    /// An application.
    pub fn app(&self, client_id: &str) -> Option<&Application> {
        self.apps.get(client_id)
    }

    /// A code to be exchanged once, within its life.
    pub fn issue_code(
        &mut self,
        code: Code,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> String {
        let text = random(32, chance);
        let until = now + TimeDelta::seconds(settings.code_seconds);
        self.codes.insert(text.clone(), (code, until));
        text
    }

    /// Takes a code out; none when it is unknown, used or too old.
    pub fn take_code(&mut self, code: &str, now: DateTime<Utc>) -> Option<Code> {
        let (code, until) = self.codes.remove(code)?;
        (now < until).then_some(code)
    }

    /// A new grant with its first tokens; the organisations become connections.
    pub fn grant(
        &mut self,
        code: Code,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Pair {
        let auth_event_id = guid(chance);
        let mut scopes = code.scopes;
        // Scopes add up over the grants of one person to one application.
        let earlier = self.grants.iter().filter(|grant| {
            !grant.is_revoked && grant.client_id == code.client_id && grant.user_id == code.user_id
        });
        for scope in earlier.flat_map(|grant| &grant.scopes) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        for tenant in &code.tenants {
            let connection = Connection {
                id: guid(chance),
                user_id: code.user_id.clone(),
                client_id: code.client_id.clone(),
                tenant_id: tenant.clone(),
                auth_event_id: auth_event_id.clone(),
                created_at: now,
                updated_at: now,
            };
            self.connect(connection);
        }
        self.grants.push(Grant {
            client_id: code.client_id,
            user_id: code.user_id,
            scopes,
            auth_event_id,
            is_revoked: false,
        });
        let nonce = code.nonce.as_deref();
        self.pair(self.grants.len() - 1, nonce, settings, now, chance)
    }

    fn connect(&mut self, new: Connection) {
        let same = |known: &&mut Connection| {
            known.tenant_id == new.tenant_id
                && known.user_id == new.user_id
                && known.client_id == new.client_id
        };
        match self.connections.iter_mut().find(same) {
            Some(known) => {
                known.auth_event_id = new.auth_event_id;
                known.updated_at = new.updated_at;
            }
            None => self.connections.push(new),
        }
    }

    /// Refreshes. A used token works for a grace time after its first use.
    pub fn refresh(
        &mut self,
        client_id: &str,
        token: &str,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Option<Pair> {
        let refresh = self.refresh.get_mut(token)?;
        let grant = &self.grants[refresh.grant];
        let expires_at = refresh.issued_at + TimeDelta::seconds(settings.refresh_seconds);
        let grace = TimeDelta::seconds(settings.grace_seconds);
        let is_spent = refresh
            .used_at
            .is_some_and(|used_at| now >= used_at + grace);
        if grant.is_revoked || grant.client_id != client_id || now >= expires_at || is_spent {
            return None;
        }
        refresh.used_at.get_or_insert(now);
        let index = refresh.grant;
        Some(self.pair(index, None, settings, now, chance))
    }

    /// Revokes by a refresh token: the grants and connections of its person and application.
    pub fn revoke(&mut self, client_id: &str, token: &str) {
        let Some(refresh) = self.refresh.get(token) else {
            return;
        };
        let grant = self.grants[refresh.grant].clone();
        if grant.client_id != client_id {
            return;
        }
        for other in &mut self.grants {
            if other.client_id == grant.client_id && other.user_id == grant.user_id {
                other.is_revoked = true;
            }
        }
        self.connections.retain(|connection| {
            connection.client_id != grant.client_id || connection.user_id != grant.user_id
        });
    }

    /// What an access token is worth.
    pub fn worth(&self, token: &str, now: DateTime<Utc>) -> Worth<'_> {
        let Some((index, expires_at)) = self.access.get(token) else {
            return Worth::Unknown;
        };
        let grant = &self.grants[*index];
        if grant.is_revoked {
            return Worth::Unknown;
        }
        if now >= *expires_at {
            return Worth::Expired(*expires_at);
        }
        Worth::Granted(grant)
    }

    /// The application behind an access token, dead or alive.
    pub fn app_of(&self, token: &str) -> &str {
        let grant = self
            .access
            .get(token)
            .map(|(index, _)| &self.grants[*index]);
        grant.map_or("", |grant| &grant.client_id)
    }

    /// The connections of a grant's person and application.
    pub fn connections<'a>(&'a self, grant: &'a Grant) -> impl Iterator<Item = &'a Connection> {
        self.connections.iter().filter(|connection| {
            connection.client_id == grant.client_id && connection.user_id == grant.user_id
        })
    }

    /// The applications connected to an organisation.
    pub fn clients_of(&self, tenant: &str) -> Vec<String> {
        let connections = self.connections.iter();
        let of_tenant = connections.filter(|connection| connection.tenant_id == tenant);
        of_tenant.map(|it| it.client_id.clone()).collect()
    }

    /// Whether a grant opens an organisation.
    pub fn opens(&self, grant: &Grant, tenant: &str) -> bool {
        self.connections(grant)
            .any(|connection| connection.tenant_id == tenant)
    }

    /// Removes a connection.
    pub fn remove_connection(&mut self, id: &str) {
        self.connections.retain(|connection| connection.id != id);
    }

    /// Removes every connection of an organisation, as its people do in the service.
    pub fn disconnect(&mut self, tenant: &str) {
        self.connections
            .retain(|connection| connection.tenant_id != tenant);
    }

    fn pair(
        &mut self,
        index: usize,
        nonce: Option<&str>,
        settings: &TokenSettings,
        now: DateTime<Utc>,
        chance: &mut StdRng,
    ) -> Pair {
        let grant = self.grants[index].clone();
        let expires_at = now + TimeDelta::seconds(settings.access_seconds);
        let claims = json!({
            "nbf": now.timestamp(),
            "exp": expires_at.timestamp(),
            "iat": now.timestamp(),
            "iss": "https://identity.xero.com",
            "aud": "https://identity.xero.com/resources",
            "client_id": grant.client_id,
            "sub": grant.user_id.replace('-', ""),
            "auth_time": now.timestamp(),
            "xero_userid": grant.user_id,
            "global_session_id": guid(chance),
            "jti": guid(chance),
            "authentication_event_id": grant.auth_event_id,
            "scope": grant.scopes,
        });
        let access = signature::token(SIGNING_KEY, &claims);
        self.access.insert(access.clone(), (index, expires_at));
        let has = |wanted: &str| grant.scopes.iter().any(|scope| scope == wanted);
        let refresh = has("offline_access").then(|| random(32, chance));
        if let Some(refresh) = &refresh {
            let kept = Refresh {
                grant: index,
                issued_at: now,
                used_at: None,
            };
            self.refresh.insert(refresh.clone(), kept);
        }
        let id_token = has("openid").then(|| {
            let until = now + TimeDelta::seconds(settings.id_seconds);
            let claims = json!({
                "nbf": now.timestamp(), "exp": until.timestamp(), "iat": now.timestamp(),
                "iss": "https://identity.xero.com", "aud": grant.client_id,
                "sub": grant.user_id.replace('-', ""), "xero_userid": grant.user_id,
                "sid": guid(chance), "nonce": nonce,
                "email": "person@example.com", "preferred_username": "person@example.com",
                "given_name": "Pat", "family_name": "Person",
            });
            signature::token(SIGNING_KEY, &claims)
        });
        Pair {
            access,
            refresh,
            id_token,
            scopes: grant.scopes,
            auth_event_id: grant.auth_event_id,
        }
    }
}

fn random(bytes: usize, chance: &mut StdRng) -> String {
    let mut raw = vec![0_u8; bytes];
    chance.fill_bytes(&mut raw);
    URL_SAFE_NO_PAD.encode(raw)
}
