//! How consent to Xero works, as data.
//!
//! Tokens belong to a person and an app, not to an organisation: one consent may cover several organisations, so
//! that one token set serves several integrations and is refreshed once for all of them. An access token lives
//! 30 minutes; a refresh token 60 days unused, and the one before it 30 minutes longer (Xero, "OAuth 2.0 FAQ",
//! <https://developer.xero.com/faq/oauth2/>, checked 2026-11-23). Apps of 2 March 2026 and later are given
//! granular scopes only, and the broad ones end in September 2027 ("Granular scopes", checked 2026-11-23).

use provider_kit::AuthStyle;

/// Where authorization codes and refresh tokens are exchanged.
pub const TOKEN_URL: &str = "https://identity.xero.com/connect/token";

/// What we ask a company's administrator for: each the narrowest that our calls need.
///
/// Bank transactions are for the unapplied rest of a payment, which Xero keeps as an overpayment.
pub const SCOPES: &[&str] = &[
    "offline_access",
    "accounting.contacts",
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.settings.read",
];

/// The consent style of the descriptor.
pub(crate) const STYLE: AuthStyle = AuthStyle::OAuth2Basic {
    token_url: TOKEN_URL,
};
