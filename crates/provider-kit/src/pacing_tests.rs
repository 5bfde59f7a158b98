//! Tests of `pacing`.
