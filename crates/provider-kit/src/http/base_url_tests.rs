//! Tests of base URLs.
