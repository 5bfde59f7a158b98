//! Sends one notification over plain HTTP/1.1 and reads the status: all a simulator sends out.
//!
//! Only addresses like `http://127.0.0.1:8080/path` are taken. There are no redirects, no proxies
//! and no connections kept: each delivery is a connection of its own.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of a status line that are read at most.
const STATUS_BYTES: usize = 32;

/// A notification on its way.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Where it goes.
    pub url: String,
    /// Headers besides `Host`, `Content-Length` and `Connection`.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes that were signed.
    pub body: Vec<u8>,
}

/// Delivers a parcel. Fails when nobody answers with a status within the limit.
pub async fn deliver(parcel: &Parcel, limit: Duration) -> io::Result<u16> {
    match tokio::time::timeout(limit, exchange(parcel)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn exchange(parcel: &Parcel) -> io::Result<u16> {
    let rest = parcel.url.strip_prefix("http://");
    let rest = rest.ok_or(io::ErrorKind::InvalidInput)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(authority).await?;
    let mut head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {}\r\nConnection: close\r\n",
        parcel.body.len()
    );
    for (name, value) in &parcel.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&parcel.body).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut chunk = [0_u8; STATUS_BYTES];
    while !answer.contains(&b'\n') && answer.len() < STATUS_BYTES {
        match stream.read(&mut chunk).await? {
            0 => break,
            read => answer.extend_from_slice(&chunk[..read]),
        }
    }
    status(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The status in `HTTP/1.1 200 OK`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer.get(..12)?).ok()?;
    let (version, code) = line.split_once(' ')?;
    let code = code.parse().ok()?;
    version.starts_with("HTTP/1.").then_some(code)
}
