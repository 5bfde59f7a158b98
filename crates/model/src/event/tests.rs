//! Tests of reading events.
