//! The one integration-test binary.

mod event_schemas;
mod harness_works;
mod lease_model;
mod tidy;
mod walls;
