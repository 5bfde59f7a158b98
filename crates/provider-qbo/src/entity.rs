//! The entities of QuickBooks that we write, and what is particular about each, as one table.

use model::Operation;
use provider_kit::Effect;

use crate::mapping::text;
use crate::{APPLICATION, CREDIT_NOTE, CUSTOMER, INVOICE, ITEM, PAYMENT};

/// Most members of a batch ("REST API features", checked 2026-11-23).
pub(crate) const LARGEST_BATCH: usize = 30;

/// The entities that we write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entity {
    Customer,
    Item,
    Invoice,
    CreditMemo,
    Payment,
}

impl Entity {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Customer,
        Self::Item,
        Self::Invoice,
        Self::CreditMemo,
        Self::Payment,
    ];

    /// The entity of an effect; none for effects of other providers.
    pub(crate) fn of_effect(effect: &Effect) -> Option<Self> {
        Self::of_kind(&effect.kind)
    }

    /// The entity of an effect kind.
    pub(crate) fn of_kind(effect_kind: &str) -> Option<Self> {
        match effect_kind {
            CUSTOMER => Some(Self::Customer),
            ITEM => Some(Self::Item),
            INVOICE => Some(Self::Invoice),
            CREDIT_NOTE => Some(Self::CreditMemo),
            // A credit is applied by a payment of nothing that links it to an invoice.
            PAYMENT | APPLICATION => Some(Self::Payment),
            _ => None,
        }
    }

    /// The name in envelopes and queries.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Item => "Item",
            Self::Invoice => "Invoice",
            Self::CreditMemo => "CreditMemo",
            Self::Payment => "Payment",
        }
    }

    /// The name in paths.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Item => "item",
            Self::Invoice => "invoice",
            Self::CreditMemo => "creditmemo",
            Self::Payment => "payment",
        }
    }

    /// The name in sentences for people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Item => "product or service",
            Self::Invoice => "invoice",
            Self::CreditMemo => "credit note",
            Self::Payment => "payment",
        }
    }

    /// The member that carries our marker.
    pub(crate) const fn note(self) -> &'static str {
        match self {
            Self::Customer => "Notes",
            Self::Item => "Sku",
            Self::Invoice | Self::CreditMemo | Self::Payment => "PrivateNote",
        }
    }

    /// How long that member may be, and what stands between a text and the marker.
    pub(crate) const fn note_shape(self) -> (usize, &'static str) {
        match self {
            Self::Customer => (text::NOTES, "\n"),
            Self::Item => (text::SKU, " "),
            Self::Invoice | Self::CreditMemo | Self::Payment => (text::PRIVATE_NOTE, "\n"),
        }
    }

    /// Whether it stands in a list of names: those hide inactive objects unless asked.
    pub(crate) const fn is_name(self) -> bool {
        matches!(self, Self::Customer | Self::Item)
    }

    /// Whether it has a document number that another document may have too.
    pub(crate) const fn has_number(self) -> bool {
        matches!(self, Self::Invoice | Self::CreditMemo)
    }

    /// Whether we ever delete it: invoices are voided, names are made inactive.
    pub(crate) const fn is_deletable(self) -> bool {
        matches!(self, Self::CreditMemo | Self::Payment)
    }

    /// Whether an update names only what it changes. A full update would clear what bookkeepers set on a customer
    /// or item; of transactions we own the whole, and a list of lines only exists whole.
    pub(crate) const fn is_sparse(self) -> bool {
        self.is_name()
    }

    /// Most members of one call. How a payment is voided inside a batch is not documented, so it goes alone.
    pub(crate) const fn batch(self, operation: Operation) -> usize {
        match (self, operation) {
            (Self::Payment, Operation::Void) => 1,
            _ => LARGEST_BATCH,
        }
    }
}
