//! Texts as Xero takes them: tidy and within its lengths.
//!
//! Bounds are Xero's API pages "Contacts", "Invoices", "Credit notes" and "Payments" and its `OpenAPI` file
//! (version 16.1.0), checked 2026-11-23. The length of a payment's reference is not documented; 255 is that of
//! an invoice's. Xero refuses angle brackets and doubled blanks in contact names.

use provider_kit::Marker;
use sha2::{Digest, Sha256};

use crate::mark;

/// Longest name of a contact.
pub(crate) const NAME: usize = 255;
/// Longest e-mail address.
pub(crate) const EMAIL: usize = 255;
/// Longest telephone number, tax number, postal code or country.
pub(crate) const SHORT: usize = 50;
/// Longest address line.
pub(crate) const ADDRESS_LINE: usize = 500;
/// Longest city or region.
pub(crate) const PLACE: usize = 255;
/// Longest reference.
pub(crate) const REFERENCE: usize = 255;
/// Longest description of a line.
pub(crate) const DESCRIPTION: usize = 4_000;
/// Longest number of an invoice or credit note.
const NUMBER: usize = 255;

/// Cuts to a length in characters, without blanks at the end.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    match text.char_indices().nth(limit) {
        Some((at, _)) => text[..at].trim_end(),
        None => text,
    }
}

/// One line without control characters or doubled blanks.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ")
}

/// Several lines without other control characters, trimmed.
pub(crate) fn lines(text: &str) -> String {
    let plain: String = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect();
    plain.trim().to_owned()
}

/// A one-line text of at most `limit`, or none when nothing is left.
pub(crate) fn short(text: Option<&str>, limit: usize) -> Option<String> {
    let tidy = one_line(text?);
    let cut = cut(&tidy, limit);
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// A contact's name: one line, without angle brackets.
pub(crate) fn name(text: &str) -> String {
    let plain = one_line(&text.replace('<', "(").replace('>', ")"));
    cut(&plain, NAME).to_owned()
}

/// A country: Xero takes letters only.
pub(crate) fn country(text: Option<&str>) -> Option<String> {
    let letters: String = text?
        .chars()
        .map(|c| if c.is_alphabetic() { c } else { ' ' })
        .collect();
    short(Some(&letters), SHORT)
}

/// A document's number: printable ASCII, or, where it is not, what is printable of it and 50 bits of its hash, so
/// that two numbers never become one.
pub(crate) fn number(full: &str) -> String {
    let tidy = one_line(full);
    if tidy.is_ascii() && tidy.len() <= NUMBER {
        return tidy;
    }
    let plain: String = tidy
        .chars()
        .map(|c| if c.is_ascii() { c } else { '-' })
        .collect();
    format!("{}-{}", cut(&plain, NUMBER - 11), hashed(&tidy))
}

/// Ten letters and digits (Crockford's) of a text's SHA-256.
fn hashed(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    Sha256::digest(text.as_bytes())
        .iter()
        .take(10)
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
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

/// A reference with the mark behind it; the text is cut so that both fit, the mark never is.
pub(crate) fn marked(text: &str, marker: &Marker) -> String {
    let mark = mark::of(marker);
    let tidy = mark::disarmed(text);
    let kept = cut(&tidy, REFERENCE.saturating_sub(mark.len() + 1));
    if kept.is_empty() {
        mark
    } else {
        format!("{kept} {mark}")
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
