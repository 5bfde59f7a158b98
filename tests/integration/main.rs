//! The one integration-test binary.

mod event_schemas;
mod lease_model;
mod tidy;
mod walls;
