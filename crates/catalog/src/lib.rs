//! The one list of providers. A new provider is one line here; nothing else in the fleet names one.

use provider_kit::Descriptor;
pub use provider_kit::Playbook;

/// All providers of this build.
pub fn providers() -> [&'static Descriptor; 2] {
    [&provider_qbo::DESCRIPTOR, &provider_xero::DESCRIPTOR]
}

/// The provider with this stored key, such as `QUICKBOOKS_ONLINE`.
pub fn by_key(key: &str) -> Option<&'static Descriptor> {
    providers().into_iter().find(|provider| provider.key == key)
}

/// The provider with this short name, such as `qbo`.
pub fn by_short(short: &str) -> Option<&'static Descriptor> {
    providers()
        .into_iter()
        .find(|provider| provider.short == short)
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
