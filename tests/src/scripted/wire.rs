//! Just enough of HTTP/1.1: one request and one reply on each connection.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More than any test sends.
const MOST: usize = 1 << 20;

/// Reads one request; answers its path and body.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length: usize = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                return Ok((path, bytes[head + 4..head + 4 + length].to_vec()));
            }
        }
        let count = stream.read(&mut chunk).await?;
        if count == 0 || bytes.len() > MOST {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
}

/// Writes one reply and closes. Whoever asked may be gone: then nobody hears it.
pub(super) async fn reply(mut stream: TcpStream, status: u16, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    let _ = stream.shutdown().await;
}
