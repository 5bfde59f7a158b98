//! Tests of `oauth`.
