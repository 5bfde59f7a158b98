//! The entity kinds the sandbox keeps.

/// An entity kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A customer.
    Customer,
    /// A vendor; it shares its names with customers.
    Vendor,
    /// An employee; it shares its names with customers.
    Employee,
    /// A product or service.
    Item,
    /// An invoice.
    Invoice,
    /// An account of the chart.
    Account,
    /// A tax code.
    TaxCode,
    /// A tax rate.
    TaxRate,
    /// Payment terms.
    Term,
    /// The company itself.
    CompanyInfo,
    /// The company's preferences.
    Preferences,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Customer,
        Self::Vendor,
        Self::Employee,
        Self::Item,
        Self::Invoice,
        Self::Account,
        Self::TaxCode,
        Self::TaxRate,
        Self::Term,
        Self::CompanyInfo,
        Self::Preferences,
    ];

    /// The name in bodies and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Vendor => "Vendor",
            Self::Employee => "Employee",
            Self::Item => "Item",
            Self::Invoice => "Invoice",
            Self::Account => "Account",
            Self::TaxCode => "TaxCode",
            Self::TaxRate => "TaxRate",
            Self::Term => "Term",
            Self::CompanyInfo => "CompanyInfo",
            Self::Preferences => "Preferences",
        }
    }

    /// The kind of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// The kind whose resource path is that segment; paths are lower case.
    pub fn at_path(segment: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().to_ascii_lowercase() == segment)
    }

    /// Whether it is a dated document that can be deleted.
    pub fn is_transaction(self) -> bool {
        matches!(self, Self::Invoice)
    }

    /// Whether it has an Active flag that queries filter on by default.
    pub fn is_name_list(self) -> bool {
        !self.is_transaction() && !matches!(self, Self::CompanyInfo | Self::Preferences)
    }

    /// Whether the provider API may create and change it.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Customer | Self::Item | Self::Invoice)
    }

    /// Whether it shares the one name space of people and firms.
    pub fn is_party(self) -> bool {
        matches!(self, Self::Customer | Self::Vendor | Self::Employee)
    }

    /// The member that holds its display name.
    pub fn name_member(self) -> &'static str {
        match self {
            Self::Customer | Self::Vendor | Self::Employee => "DisplayName",
            Self::Invoice => "DocNumber",
            Self::CompanyInfo => "CompanyName",
            Self::Item
            | Self::Account
            | Self::TaxCode
            | Self::TaxRate
            | Self::Term
            | Self::Preferences => "Name",
        }
    }
}
