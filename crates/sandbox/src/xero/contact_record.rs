//! A contact as it is kept.

use serde_json::{Map, Value};

/// Whether a contact may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactStatus {
    /// It may.
    Active,
    /// It is out of the lists until it is restored.
    Archived,
    /// It is being erased.
    GdprRequest,
}

impl ContactStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Archived => "ARCHIVED",
            Self::GdprRequest => "GDPRREQUEST",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Active, Self::Archived, Self::GdprRequest];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// A contact.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Id.
    pub id: String,
    /// Name, unique among active contacts.
    pub name: String,
    /// Our number, unique among all.
    pub number: String,
    /// Whether it may be used.
    pub status: ContactStatus,
    /// The contact it was merged into.
    pub merged_to: Option<String>,
    /// Everything else that is kept as it came.
    pub details: Map<String, Value>,
    /// Whether an invoice was made for it.
    pub is_customer: bool,
    /// Whether a bill was made for it.
    pub is_supplier: bool,
}

impl Contact {
    /// A text among the details.
    pub fn text(&self, name: &str) -> &str {
        self.details.get(name).and_then(Value::as_str).unwrap_or("")
    }
}
