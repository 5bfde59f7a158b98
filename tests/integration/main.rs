//! The one integration-test binary.

mod lease_model;
mod tidy;
mod walls;
