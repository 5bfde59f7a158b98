//! What every simulator needs of the web: a server whose connections can be cut, a journal and
//! the rules by which it misbehaves.

pub mod connection;
pub mod journal;
pub mod limits;
pub mod outgoing;
pub mod rules;
pub mod server;
pub mod signature;
