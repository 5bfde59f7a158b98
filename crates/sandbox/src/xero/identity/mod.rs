//! The identity server and the list of connections.

pub mod endpoints;
pub mod grants;
