//! The HTTP client and the token refresh against real sockets that misbehave.

#![expect(
    clippy::unwrap_used,
    reason = "a panic with a line number is what a failing test is"
)]

mod calling;
mod counting;
mod limits;
mod refreshing;
mod server;
mod transport;
