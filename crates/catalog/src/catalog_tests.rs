//! Tests of the list of providers.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_provider_is_found_by_its_key_and_by_its_short_name() {
    for provider in providers() {
        assert!(std::ptr::eq(by_key(provider.key).unwrap(), provider));
        assert!(std::ptr::eq(by_short(provider.short).unwrap(), provider));
    }
    assert!(by_key("NOBODY").is_none());
    assert!(by_short("nobody").is_none());
}

#[test]
fn keys_have_the_stored_shape_and_no_two_providers_share_a_name() {
    let all = providers();
    let keys: BTreeSet<_> = all.iter().map(|p| p.key).collect();
    let shorts: BTreeSet<_> = all.iter().map(|p| p.short).collect();
    assert_eq!((keys.len(), shorts.len()), (all.len(), all.len()));
    for key in keys {
        assert!(key.parse::<model::ProviderKey>().is_ok(), "{key}");
    }
}
