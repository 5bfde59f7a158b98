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
    /// A credit memo.
    CreditMemo,
    /// A refund receipt.
    RefundReceipt,
    /// A payment received.
    Payment,
    /// A deposit of payments at the bank; only people make them.
    Deposit,
    /// An account of the chart.
    Account,
    /// A tax code.
    TaxCode,
    /// A tax rate.
    TaxRate,
    /// A tax agency.
    TaxAgency,
    /// Payment terms.
    Term,
    /// A way of paying.
    PaymentMethod,
    /// The company itself.
    CompanyInfo,
    /// The company's preferences.
    Preferences,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::Customer,
        Self::Vendor,
        Self::Employee,
        Self::Item,
        Self::Invoice,
        Self::CreditMemo,
        Self::RefundReceipt,
        Self::Payment,
        Self::Deposit,
        Self::Account,
        Self::TaxCode,
        Self::TaxRate,
        Self::TaxAgency,
        Self::Term,
        Self::PaymentMethod,
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
            Self::CreditMemo => "CreditMemo",
            Self::RefundReceipt => "RefundReceipt",
            Self::Payment => "Payment",
            Self::Deposit => "Deposit",
            Self::Account => "Account",
            Self::TaxCode => "TaxCode",
            Self::TaxRate => "TaxRate",
            Self::TaxAgency => "TaxAgency",
            Self::Term => "Term",
            Self::PaymentMethod => "PaymentMethod",
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
        self.is_sales_form() || matches!(self, Self::Payment | Self::Deposit)
    }

    /// Whether it has sales lines, tax and a number of the shared sequence.
    pub fn is_sales_form(self) -> bool {
        matches!(self, Self::Invoice | Self::CreditMemo | Self::RefundReceipt)
    }

    /// Whether it has an Active flag that queries filter on by default.
    pub fn is_name_list(self) -> bool {
        !self.is_transaction()
            && !matches!(
                self,
                Self::CompanyInfo | Self::Preferences | Self::TaxAgency
            )
    }

    /// Whether the provider API may create and change it.
    pub fn is_writable(self) -> bool {
        match self {
            Self::Customer
            | Self::Item
            | Self::Invoice
            | Self::CreditMemo
            | Self::RefundReceipt
            | Self::Payment
            | Self::Account
            | Self::Term
            | Self::PaymentMethod => true,
            Self::Vendor
            | Self::Employee
            | Self::Deposit
            | Self::TaxCode
            | Self::TaxRate
            | Self::TaxAgency
            | Self::CompanyInfo
            | Self::Preferences => false,
        }
    }

    /// Whether a person may make and change it through the control API.
    pub fn is_writable_by_people(self) -> bool {
        let is_theirs = matches!(self, Self::Deposit | Self::TaxCode | Self::TaxRate);
        self.is_writable() || self.is_party() || is_theirs
    }

    /// Whether change data capture tells about it.
    pub fn is_captured(self) -> bool {
        !matches!(self, Self::TaxCode | Self::TaxRate | Self::TaxAgency)
    }

    /// Whether it shares the one name space of people and firms.
    pub fn is_party(self) -> bool {
        matches!(self, Self::Customer | Self::Vendor | Self::Employee)
    }

    /// The member that holds its display name.
    pub fn name_member(self) -> &'static str {
        match self {
            Self::Customer | Self::Vendor | Self::Employee | Self::TaxAgency => "DisplayName",
            Self::Invoice | Self::CreditMemo | Self::RefundReceipt | Self::Deposit => "DocNumber",
            Self::Payment => "PaymentRefNum",
            Self::CompanyInfo => "CompanyName",
            Self::Item
            | Self::Account
            | Self::TaxCode
            | Self::TaxRate
            | Self::Term
            | Self::PaymentMethod
            | Self::Preferences => "Name",
        }
    }
}
