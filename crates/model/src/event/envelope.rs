//! The CloudEvents 1.0 envelope: whose event it is, of which type, when and in which order.

use std::fmt;

use chrono::{DateTime, Utc};

use super::fault::{Code, Fault};
use super::json::Node;
use super::reader::{Fields, TextRule};
use crate::document::{DocumentKind, Lifecycle};
use crate::id::{AccountId, SourceId};

/// The attributes of an event whose envelope is sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The event's own id.
    pub id: String,
    /// Who says so.
    pub source: String,
    /// What happened.
    pub event_type: EventType,
    /// The tenant.
    pub account: AccountId,
    /// The event's place in the order of its account.
    pub sequence: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The document's id; absent for control totals.
    pub subject: Option<SourceId>,
    /// The W3C `traceparent`, if well-formed.
    pub trace: Option<String>,
}

/// The only major version of the data's schema so far.
const SCHEMA_MAJOR: &str = "1";

/// Reads the envelope; the data stays closed.
pub(super) fn open(root: &Node) -> Result<Envelope, Fault> {
    let fields = Fields::of(root, "$".to_owned())?;
    check_spec_version(&fields)?;
    let event_type = event_type(&fields)?;
    check_schema_version(&fields)?;
    check_content_type(&fields)?;
    Ok(Envelope {
        id: fields.text("id", TextRule::name(128))?,
        source: fields.text("source", TextRule::name(500))?,
        event_type,
        account: AccountId(fields.serial("accountid")?),
        sequence: fields.serial("sequence")?,
        occurred_at: fields.instant("time")?,
        subject: match event_type.document() {
            Some(_) => Some(fields.source_id("subject")?),
            None => None,
        },
        trace: trace(&fields),
    })
}

fn check_spec_version(fields: &Fields<'_>) -> Result<(), Fault> {
    let version = fields.text("specversion", TextRule::name(20))?;
    if version == "1.0" {
        return Ok(());
    }
    let advice = "only CloudEvents 1.0 is understood; send specversion \"1.0\"";
    Err(fields.fault("specversion", Code::UnknownSpecVersion, advice))
}

fn event_type(fields: &Fields<'_>) -> Result<EventType, Fault> {
    let name = fields.text("type", TextRule::name(200))?;
    EventType::from_name(&name).ok_or_else(|| {
        let advice =
            "no event of this type is taken; use a type of docs/events.md, or upgrade Tieout";
        fields.fault("type", Code::UnknownType, advice)
    })
}

/// A newer minor version only adds fields, which are ignored; another major version means other fields.
fn check_schema_version(fields: &Fields<'_>) -> Result<(), Fault> {
    if !fields.has("schemaversion") {
        return Ok(());
    }
    let version = fields.text("schemaversion", TextRule::name(20))?;
    let (major, minor) = version.split_once('.').unwrap_or((&version, "0"));
    let known =
        major == SCHEMA_MAJOR && !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit());
    if known {
        return Ok(());
    }
    let advice = "only version 1 of the schemas is understood; send it, or upgrade Tieout";
    Err(fields.fault("schemaversion", Code::UnknownSchemaVersion, advice))
}

fn check_content_type(fields: &Fields<'_>) -> Result<(), Fault> {
    if !fields.has("datacontenttype") {
        return Ok(());
    }
    let given = fields.text("datacontenttype", TextRule::name(200))?;
    let bare = given.split(';').next().unwrap_or_default().trim();
    if bare.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let advice = "the data must be JSON; send application/json";
    Err(fields.fault("datacontenttype", Code::UnknownContentType, advice))
}

/// A broken `traceparent` starts a new trace, as W3C Trace Context says; it never refuses an event.
fn trace(fields: &Fields<'_>) -> Option<String> {
    let text = fields.text("traceparent", TextRule::name(55)).ok()?;
    let parts: Vec<_> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zeros = |part: &str| part.bytes().all(|b| b == b'0');
    let [version, trace, span, flags] = parts.as_slice() else {
        return None;
    };
    let sound = hex(version, 2)
        && *version != "ff"
        && hex(trace, 32)
        && !zeros(trace)
        && hex(span, 16)
        && !zeros(span)
        && hex(flags, 2);
    sound.then_some(text)
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $about:expr;)*) => {
        /// The types of event.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// All types.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The AMQP routing key, such as `invoice.issued`.
            pub const fn routing_key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }

            /// The CloudEvents type, such as `projectledger.invoice.issued`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("projectledger.", $key),)*
                }
            }

            /// The kind of document it brings and what became of it; none for control totals.
            pub const fn document(self) -> Option<(DocumentKind, Lifecycle)> {
                match self {
                    $(Self::$name => $about,)*
                }
            }
        }
    };
}

event_types! {
    /// An invoice was issued.
    InvoiceIssued = "invoice.issued", Some((DocumentKind::Invoice, Lifecycle::Live));
    /// An issued invoice was changed.
    InvoiceUpdated = "invoice.updated", Some((DocumentKind::Invoice, Lifecycle::Live));
    /// An invoice was voided.
    InvoiceVoided = "invoice.voided", Some((DocumentKind::Invoice, Lifecycle::Voided));
    /// Money came in.
    PaymentReceived = "payment.received", Some((DocumentKind::Payment, Lifecycle::Live));
    /// A payment was changed, or allocated otherwise.
    PaymentUpdated = "payment.updated", Some((DocumentKind::Payment, Lifecycle::Live));
    /// A payment was deleted.
    PaymentDeleted = "payment.deleted", Some((DocumentKind::Payment, Lifecycle::Deleted));
    /// A client was created.
    ClientCreated = "client.created", Some((DocumentKind::Client, Lifecycle::Live));
    /// A client was changed.
    ClientUpdated = "client.updated", Some((DocumentKind::Client, Lifecycle::Live));
    /// A credit note was issued.
    CreditNoteIssued = "credit_note.issued", Some((DocumentKind::CreditNote, Lifecycle::Live));
    /// A credit note was voided.
    CreditNoteVoided = "credit_note.voided", Some((DocumentKind::CreditNote, Lifecycle::Voided));
    /// A tax rate was made or changed.
    TaxRateChanged = "tax_rate.changed", Some((DocumentKind::TaxRate, Lifecycle::Live));
    /// Money was given back.
    RefundIssued = "refund.issued", Some((DocumentKind::Refund, Lifecycle::Live));
    /// A receivable was given up.
    WriteOffRecorded = "write_off.recorded", Some((DocumentKind::WriteOff, Lifecycle::Live));
    /// A day was counted.
    ControlTotals = "control.totals", None;
}

impl EventType {
    /// Finds a type by its CloudEvents name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
