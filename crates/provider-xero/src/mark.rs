//! Our marker as Xero's objects carry it: short enough for a contact number of 50 characters.
//!
//! `tie`, the generation, the installation and the effect's id as 26 letters and digits (Crockford's base 32),
//! such as `tie1-acmebill-01jzs7a000e008000000000800`. The id stands last and has a fixed length, so a mark that
//! was cut proves nothing. The same form goes into every kind: contact numbers, links and references.

use model::EffectId;
use provider_kit::Marker;

/// How a mark starts.
const START: &str = "tie";
/// Crockford's letters and digits, in lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters and digits of 128 bits.
const ID: usize = 26;
/// Longest name of an installation (the database's own check).
const LONGEST_INSTALLATION: usize = 16;
/// Most digits of a generation that still fits a contact number.
const LONGEST_GENERATION: usize = 3;
/// The link that an invoice carries. `invalid` is reserved (RFC 2606): it can never lead to a stranger's site.
const LINK: &str = "https://tieout.invalid/";

/// The mark of a marker.
pub(crate) fn of(marker: &Marker) -> String {
    format!(
        "{START}{}-{}-{}",
        marker.generation,
        marker.installation,
        encoded(marker.effect.uuid().as_u128())
    )
}

/// The same as an address, for fields that take only those.
pub(crate) fn link(marker: &Marker) -> String {
    format!("{LINK}{}", of(marker))
}

/// Every marker in a text that people may have added to.
pub(crate) fn all(text: &str) -> Vec<Marker> {
    text.match_indices(START)
        .filter_map(|(at, _)| text.get(at + START.len()..).and_then(read))
        .collect()
}

/// What people wrote, with whatever could pass for a mark made harmless.
pub(crate) fn disarmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        let end = at + START.len();
        out.push_str(&rest[..end]);
        rest = &rest[end..];
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('_');
        }
    }
    out.push_str(rest);
    out
}

/// What people wrote around our marks.
pub(crate) fn without(text: &str) -> String {
    let mut kept = text.to_owned();
    for marker in all(text) {
        kept = kept.replace(&of(&marker), " ");
    }
    disarmed(&kept)
}

/// Reads what follows the start of a mark.
fn read(tail: &str) -> Option<Marker> {
    let (generation, tail) = tail.split_once('-')?;
    let (installation, tail) = tail.split_once('-')?;
    let is_number = (1..=LONGEST_GENERATION).contains(&generation.len())
        && generation.bytes().all(|b| b.is_ascii_digit())
        && !generation.starts_with('0');
    let is_name = (1..=LONGEST_INSTALLATION).contains(&installation.len())
        && installation
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !is_number || !is_name {
        return None;
    }
    Some(Marker {
        installation: installation.to_owned(),
        effect: effect(decoded(tail.get(..ID)?)?)?,
        generation: generation.parse().ok()?,
    })
}

fn effect(bits: u128) -> Option<EffectId> {
    format!("{bits:032x}").parse().ok()
}

fn encoded(bits: u128) -> String {
    (0..ID)
        .rev()
        .map(|place| {
            let five = (bits >> (place * 5)) & 31;
            char::from(ALPHABET[usize::try_from(five).unwrap_or_default()])
        })
        .collect()
}

fn decoded(text: &str) -> Option<u128> {
    text.bytes().try_fold(0_u128, |all, byte| {
        let five = ALPHABET.iter().position(|letter| *letter == byte)?;
        all.checked_mul(32)?.checked_add(u128::try_from(five).ok()?)
    })
}

#[cfg(test)]
#[path = "mark_tests.rs"]
mod tests;
