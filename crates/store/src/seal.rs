//! Sealing of secrets: XChaCha20-Poly1305 with key versions, bound to table, column, row and account.
//!
//! A value moved to another row, column, account or key version does not open. Nonces are random, 192 bits.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, AeadCore as _, KeyInit as _, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use model::AccountId;
use uuid::Uuid;

/// Length of the nonce in front of each sealed value.
const NONCE: usize = 24;

/// Why a value could not be sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The keys could not be read.
    #[error("seal keys must be version:base64-of-32-bytes, separated by commas; entry {0} is not")]
    BadKeys(usize),
    /// No key was given.
    #[error("no seal key is given")]
    NoKeys,
    /// The key version is not loaded.
    #[error("seal key version {0} is not loaded")]
    UnknownVersion(i32),
    /// The value was changed, moved or sealed with another key.
    #[error("the sealed value does not open here")]
    Refused,
}

/// Where a sealed value lives; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Row.
    pub row: Uuid,
    /// Account.
    pub account: AccountId,
}

/// The keys of this process, by version; the highest seals.
#[derive(Clone)]
pub struct Sealer {
    keys: BTreeMap<i32, XChaCha20Poly1305>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("versions", &self.keys.keys())
            .finish_non_exhaustive()
    }
}

impl Sealer {
    /// Reads `1:<base64 of 32 bytes>[,2:…]`.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let mut keys = BTreeMap::new();
        for (index, entry) in text
            .split(',')
            .map(str::trim)
            .filter(|e| !e.is_empty())
            .enumerate()
        {
            let (version, key) = entry.split_once(':').ok_or(SealError::BadKeys(index + 1))?;
            let version: i32 = version.parse().map_err(|_| SealError::BadKeys(index + 1))?;
            let bytes = STANDARD
                .decode(key)
                .map_err(|_| SealError::BadKeys(index + 1))?;
            let cipher = XChaCha20Poly1305::new_from_slice(&bytes)
                .map_err(|_| SealError::BadKeys(index + 1))?;
            keys.insert(version, cipher);
        }
        if keys.is_empty() {
            Err(SealError::NoKeys)
        } else {
            Ok(Self { keys })
        }
    }

    /// The version that seals.
    pub fn version(&self) -> i32 {
        self.keys.keys().next_back().copied().unwrap_or(0)
    }

    /// Seals with the newest key.
    pub fn seal(&self, place: &Place, secret: &str) -> Result<Vec<u8>, SealError> {
        let version = self.version();
        let cipher = self.keys.get(&version).ok_or(SealError::NoKeys)?;
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let aad = place.binding(version);
        let sealed = cipher
            .encrypt(
                &nonce,
                Payload {
                    msg: secret.as_bytes(),
                    aad: &aad,
                },
            )
            .map_err(|_| SealError::Refused)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed at this place with this key version.
    pub fn open(&self, place: &Place, version: i32, sealed: &[u8]) -> Result<String, SealError> {
        let cipher = self
            .keys
            .get(&version)
            .ok_or(SealError::UnknownVersion(version))?;
        let (nonce, body) = sealed.split_at_checked(NONCE).ok_or(SealError::Refused)?;
        let aad = place.binding(version);
        let opened = cipher
            .decrypt(
                XNonce::from_slice(nonce),
                Payload {
                    msg: body,
                    aad: &aad,
                },
            )
            .map_err(|_| SealError::Refused)?;
        String::from_utf8(opened).map_err(|_| SealError::Refused)
    }
}

impl Place {
    fn binding(&self, version: i32) -> Vec<u8> {
        format!(
            "tieout/{}/{}/{}/{}/{version}",
            self.table,
            self.column,
            self.row.simple(),
            self.account
        )
        .into_bytes()
    }
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
