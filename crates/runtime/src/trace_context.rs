//! W3C trace context: the thread from a ProjectLedger event to the call it caused.
//!
//! Convention: a span that starts or continues a trace carries the field
//! `trace.id = %context.trace_id()`; every log line inside it inherits the field.
//! Format: <https://www.w3.org/TR/trace-context/> (checked 2026-11-23).

use std::fmt;

use uuid::Uuid;

/// One trace and our place in it, as carried by a `traceparent` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    parent_id: String,
    sampled: bool,
}

/// Length of `00-<32 hex>-<16 hex>-<2 hex>`.
const HEADER_LENGTH: usize = 55;

impl TraceContext {
    /// Starts a new trace.
    #[expect(
        clippy::new_without_default,
        reason = "a default that is random would surprise"
    )]
    pub fn new() -> Self {
        Self {
            trace_id: random_hex(),
            parent_id: new_parent_id(),
            sampled: true,
        }
    }

    /// Reads a `traceparent` header; `None` if it is malformed, so that the caller starts anew.
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let header = header.trim();
        let (known, rest) = header.split_at_checked(HEADER_LENGTH)?;
        let mut parts = known.split('-');
        let (version, trace_id) = (parts.next()?, parts.next()?);
        let (parent_id, flags) = (parts.next()?, parts.next()?);
        let well_formed = parts.next().is_none()
            && is_hex(version, 2)
            && is_hex(trace_id, 32)
            && is_hex(parent_id, 16)
            && is_hex(flags, 2);
        // A later version may append fields; version 00 may not, and ff is never valid.
        let ends_well = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        if !well_formed || !ends_well || version == "ff" || is_zero(trace_id) || is_zero(parent_id)
        {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self {
            trace_id: trace_id.to_owned(),
            parent_id: parent_id.to_owned(),
            sampled: flags & 1 == 1,
        })
    }

    /// The next step of the same trace, for what this process sends on.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            parent_id: new_parent_id(),
            ..self.clone()
        }
    }

    /// The header's text, to be sent or stored.
    pub fn traceparent(&self) -> String {
        self.to_string()
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace_id, self.parent_id)
    }
}

/// Half of a random UUID; its version digit keeps it from being all zeros.
fn new_parent_id() -> String {
    let mut id = random_hex();
    id.truncate(16);
    id
}

#[expect(
    clippy::disallowed_methods,
    reason = "the standard asks for random ids; nothing is keyed by them"
)]
fn random_hex() -> String {
    Uuid::new_v4().simple().to_string()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}

#[cfg(test)]
#[path = "trace_context_tests.rs"]
mod tests;
