//! How consent to QuickBooks Online works, as data.
//!
//! The token endpoint is the same for real and sandbox companies (Intuit's discovery document, checked
//! 2026-11-23); it takes a form body and the client's credentials in the Basic header.

use provider_kit::AuthStyle;

/// Where authorization codes and refresh tokens are exchanged.
pub const TOKEN_URL: &str = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer";

/// What we ask a company's administrator for; there is no read-only form of it.
pub const SCOPES: &[&str] = &["com.intuit.quickbooks.accounting"];

/// The consent style of the descriptor.
pub(crate) const STYLE: AuthStyle = AuthStyle::OAuth2Basic {
    token_url: TOKEN_URL,
};
