//! Which scope opens which resource: granular ones, and the broad ones they replace.

use super::call::Place;
use super::kind::Kind;

/// Scopes that are about the person, not about books.
const PERSONAL: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Scopes with a `.read` form, the granular ones first.
const GRANULAR: [&str; 6] = [
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
    "accounting.settings",
    "accounting.contacts",
];
const BROAD: [&str; 2] = ["accounting.transactions", "accounting.attachments"];

/// Whether there is such a scope; applications made since March 2026 get no broad ones.
pub fn is_known(scope: &str, allows_broad: bool) -> bool {
    let base = scope.strip_suffix(".read").unwrap_or(scope);
    PERSONAL.contains(&scope)
        || GRANULAR.contains(&base)
        || scope.starts_with("accounting.reports.")
        || (allows_broad && BROAD.contains(&base))
}

/// Whether scopes allow a request.
pub fn allow(scopes: &[String], place: &Place, is_write: bool) -> bool {
    let bases: &[&str] = match place.kind {
        Kind::Invoice | Kind::CreditNote => &["accounting.invoices", "accounting.transactions"],
        Kind::Payment | Kind::BatchPayment | Kind::Overpayment | Kind::Prepayment => {
            &["accounting.payments", "accounting.transactions"]
        }
        Kind::BankTransaction => &["accounting.banktransactions", "accounting.transactions"],
        Kind::Contact => &["accounting.contacts"],
        Kind::Item => &[
            "accounting.settings",
            "accounting.invoices",
            "accounting.transactions",
        ],
        Kind::Account
        | Kind::BrandingTheme
        | Kind::Currency
        | Kind::Organisation
        | Kind::TaxRate
        | Kind::TrackingCategory => &["accounting.settings"],
    };
    bases.iter().any(|base| {
        scopes.iter().any(|scope| {
            let is_read = scope
                .strip_suffix(".read")
                .is_some_and(|scope| scope == *base);
            scope == base || (is_read && !is_write)
        })
    })
}
