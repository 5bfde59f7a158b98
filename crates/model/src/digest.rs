//! SHA-256 as text, for fingerprints and stable keys.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some parts, one after the other, as 64 hexadecimal digits.
pub fn sha256_hex<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
