//! The resources of the Accounting API.

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Accounts.
    Account,
    /// Money received or spent.
    BankTransaction,
    /// Several payments on one bank line.
    BatchPayment,
    /// Layouts of printed documents.
    BrandingTheme,
    /// Customers and suppliers.
    Contact,
    /// Credit notes.
    CreditNote,
    /// Currencies the organisation subscribed to.
    Currency,
    /// Invoices and bills.
    Invoice,
    /// The price list.
    Item,
    /// The organisation itself.
    Organisation,
    /// Money received beyond what was owed.
    Overpayment,
    /// Payments.
    Payment,
    /// Money received before there is an invoice.
    Prepayment,
    /// Tax rates.
    TaxRate,
    /// Tracking categories.
    TrackingCategory,
}

/// Every kind.
pub const ALL: [Kind; 15] = [
    Kind::Account,
    Kind::BankTransaction,
    Kind::BatchPayment,
    Kind::BrandingTheme,
    Kind::Contact,
    Kind::CreditNote,
    Kind::Currency,
    Kind::Invoice,
    Kind::Item,
    Kind::Organisation,
    Kind::Overpayment,
    Kind::Payment,
    Kind::Prepayment,
    Kind::TaxRate,
    Kind::TrackingCategory,
];

impl Kind {
    /// The name of one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::BankTransaction => "BankTransaction",
            Self::BatchPayment => "BatchPayment",
            Self::BrandingTheme => "BrandingTheme",
            Self::Contact => "Contact",
            Self::CreditNote => "CreditNote",
            Self::Currency => "Currency",
            Self::Invoice => "Invoice",
            Self::Item => "Item",
            Self::Organisation => "Organisation",
            Self::Overpayment => "Overpayment",
            Self::Payment => "Payment",
            Self::Prepayment => "Prepayment",
            Self::TaxRate => "TaxRate",
            Self::TrackingCategory => "TrackingCategory",
        }
    }

    /// The member that holds a list of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Account => "Accounts",
            Self::BankTransaction => "BankTransactions",
            Self::BatchPayment => "BatchPayments",
            Self::BrandingTheme => "BrandingThemes",
            Self::Contact => "Contacts",
            Self::CreditNote => "CreditNotes",
            Self::Currency => "Currencies",
            Self::Invoice => "Invoices",
            Self::Item => "Items",
            Self::Organisation => "Organisations",
            Self::Overpayment => "Overpayments",
            Self::Payment => "Payments",
            Self::Prepayment => "Prepayments",
            Self::TaxRate => "TaxRates",
            Self::TrackingCategory => "TrackingCategories",
        }
    }

    /// The member that holds its id.
    pub fn id_member(self) -> &'static str {
        match self {
            Self::Account => "AccountID",
            Self::BankTransaction => "BankTransactionID",
            Self::BatchPayment => "BatchPaymentID",
            Self::BrandingTheme => "BrandingThemeID",
            Self::Contact => "ContactID",
            Self::CreditNote => "CreditNoteID",
            Self::Currency => "Code",
            Self::Invoice => "InvoiceID",
            Self::Item => "ItemID",
            Self::Organisation => "OrganisationID",
            Self::Overpayment => "OverpaymentID",
            Self::Payment => "PaymentID",
            Self::Prepayment => "PrepaymentID",
            Self::TaxRate => "TaxType",
            Self::TrackingCategory => "TrackingCategoryID",
        }
    }

    /// The member that says an element failed, where elements have one.
    pub fn error_flag(self) -> Option<&'static str> {
        match self {
            Self::Invoice | Self::CreditNote => Some("HasErrors"),
            Self::Contact | Self::Payment => Some("HasValidationErrors"),
            _ => None,
        }
    }

    /// The kind at a path segment, whatever its case; `Organisation` is singular there.
    pub fn at_path(segment: &str) -> Option<Self> {
        if segment.eq_ignore_ascii_case("Organisation") {
            return Some(Self::Organisation);
        }
        ALL.into_iter()
            .find(|kind| kind.plural().eq_ignore_ascii_case(segment))
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its lists are paged.
    pub fn is_paged(self) -> bool {
        matches!(
            self,
            Self::BankTransaction
                | Self::Contact
                | Self::CreditNote
                | Self::Invoice
                | Self::Overpayment
                | Self::Payment
                | Self::Prepayment
        )
    }
}
