//! Texts as QuickBooks takes them: tidy, within its lengths, and never forging or cutting our marker.
//!
//! Lengths are counted in UTF-16 units, the strictest way the provider could count. Bounds are Intuit's API
//! reference and schema files, checked 2026-11-23.

use provider_kit::Marker;
use sha2::{Digest, Sha256};

/// Longest `DisplayName`.
pub(crate) const DISPLAY_NAME: usize = 500;
/// Longest `CompanyName`.
pub(crate) const COMPANY_NAME: usize = 100;
/// Longest telephone number.
pub(crate) const PHONE: usize = 30;
/// Longest address line.
pub(crate) const ADDRESS_LINE: usize = 500;
/// Longest city, region or country.
pub(crate) const PLACE: usize = 255;
/// Longest postal code.
pub(crate) const POSTAL_CODE: usize = 30;
/// Longest `Notes` of a customer.
pub(crate) const NOTES: usize = 1_024;
/// Longest `PrivateNote` of a transaction.
pub(crate) const PRIVATE_NOTE: usize = 4_000;
/// Longest `CustomerMemo`.
pub(crate) const MEMO: usize = 1_000;
/// Longest line description.
pub(crate) const DESCRIPTION: usize = 4_000;
/// Longest `DocNumber`, and longest `PaymentRefNum`.
pub(crate) const DOC_NUMBER: usize = 21;
/// Longest `Sku` of an item.
pub(crate) const SKU: usize = 100;
/// Longest `Name` of an item.
pub(crate) const ITEM_NAME: usize = 100;

/// How a marker starts.
const MARKER_START: &str = "[tieout ";
/// What a marker's start in a person's own text becomes.
const DISARMED: &str = "(tieout ";

/// Cuts to a length, never inside a character.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.len_utf16();
        if used > limit {
            return text[..at].trim_end();
        }
    }
    text
}

/// One line without control characters or doubled blanks.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    disarm(&words.join(" "))
}

/// Several lines without other control characters, trimmed.
pub(crate) fn lines(text: &str) -> String {
    let plain: String = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect();
    disarm(plain.trim())
}

/// A one-line text of at most `limit`, or none when nothing is left.
pub(crate) fn short(text: Option<&str>, limit: usize) -> Option<String> {
    let tidy = one_line(text?);
    let cut = cut(&tidy, limit);
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// A name without what separates a customer from its parent.
pub(crate) fn name(text: &str) -> String {
    let plain = one_line(&text.replace(':', "-"));
    cut(&plain, DISPLAY_NAME).to_owned()
}

/// The name of an item: without what separates it from its category, and without quotation marks.
pub(crate) fn item_name(text: &str) -> String {
    let plain = one_line(&text.replace(':', "-").replace('"', "'"));
    cut(&plain, ITEM_NAME).to_owned()
}

/// Fills `{key}` places in one pass, so that a value cannot open another place.
pub(crate) fn fill(format: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = values.iter().find_map(|(key, value)| {
            let after = rest.strip_prefix('{')?.strip_prefix(key)?;
            Some((*value, after.strip_prefix('}')?))
        });
        if let Some((value, after)) = found {
            out.push_str(value);
            rest = after;
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// A document or payment number that fits, unique for its full number, and whether it had to be shortened.
///
/// A bare cut could make two numbers one, so a longer number becomes a prefix and 50 bits of its hash.
pub(crate) fn short_number(full: &str) -> (String, bool) {
    if cut(full, DOC_NUMBER) == full {
        return (full.to_owned(), false);
    }
    let prefix = cut(full, 10);
    (format!("{prefix}-{}", base32(full)), true)
}

/// Ten letters and digits (Crockford's) of a text's SHA-256.
fn base32(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let hash = Sha256::digest(text.as_bytes());
    let mut bits = hash
        .iter()
        .take(8)
        .fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    let mut out = String::new();
    for _ in 0..10 {
        let top = usize::try_from(bits >> 59).unwrap_or_default();
        out.push(char::from(ALPHABET[top]));
        bits <<= 5;
    }
    out
}

/// The text with the marker after it; the text is cut so that both fit, the marker never is.
pub(crate) fn marked(text: &str, marker: &Marker, (limit, between): (usize, &str)) -> String {
    let mark = marker.to_string();
    let room = limit.saturating_sub(mark.encode_utf16().count() + 1);
    let kept = cut(text, room);
    if kept.is_empty() {
        mark
    } else {
        format!("{kept}{between}{mark}")
    }
}

/// Every marker in a text that people may have added to.
pub(crate) fn markers(text: &str) -> Vec<Marker> {
    text.match_indices(MARKER_START)
        .filter_map(|(at, _)| Marker::find(marker_at(text, at)?))
        .collect()
}

/// What people wrote around our markers.
pub(crate) fn unmarked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARKER_START) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let mark = marker_at(rest, at).filter(|mark| Marker::find(mark).is_some());
        if let Some(mark) = mark {
            rest = &tail[mark.len()..];
        } else {
            out.push_str(DISARMED);
            rest = &tail[MARKER_START.len()..];
        }
    }
    out.push_str(rest);
    lines(&out)
}

/// The text from a marker's start to its closing bracket. A marker that was cut has none: its generation may
/// have lost digits, so it proves nothing.
fn marker_at(text: &str, at: usize) -> Option<&str> {
    let tail = &text[at..];
    tail.find(']').map(|end| &tail[..=end])
}

/// Keeps a person's own text from passing for a marker.
fn disarm(text: &str) -> String {
    text.replace(MARKER_START, DISARMED)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
