//! One POST over plain HTTP/1.1 to a receiver of webhooks, and what it answered.
//!
//! Only addresses like `http://127.0.0.1:8080/path` are taken. There are no redirects, no proxies
//! and no connections kept: each POST is a connection of its own.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of an answer that are read; a receiver should send a few dozen.
const ANSWER_BYTES: u64 = 16 * 1024;

/// What a receiver answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Whether there was neither a body nor a cookie, as the service demands.
    pub is_bare: bool,
}

/// Posts a body; none when there is no answer within the limit.
pub async fn post(url: &str, signature: &str, body: &str, limit: Duration) -> Option<Answer> {
    let exchange = tokio::time::timeout(limit, exchange(url, signature, body));
    read(&exchange.await.ok()?.ok()?)
}

async fn exchange(url: &str, signature: &str, body: &str) -> io::Result<Vec<u8>> {
    let rest = url.strip_prefix("http://");
    let rest = rest.ok_or(io::ErrorKind::InvalidInput)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(authority).await?;
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         User-Agent: Xero\r\nx-xero-signature: {signature}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Reads a whole answer, its connection being closed behind it.
fn read(answer: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let has_cookie = head.to_ascii_lowercase().contains("\r\nset-cookie:");
    Some(Answer {
        status,
        is_bare: body.is_empty() && !has_cookie,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Option<(u16, bool)> {
        read(text.as_bytes()).map(|answer| (answer.status, answer.is_bare))
    }

    #[test]
    fn an_answer_is_bare_or_not() {
        let bare = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(read_text(bare), Some((200, true)));
        let body = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno";
        assert_eq!(read_text(body), Some((401, false)));
        let cookie = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n";
        assert_eq!(read_text(cookie), Some((200, false)));
        assert_eq!(read_text("HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(read_text("SSH-2.0\r\n\r\n"), None);
    }
}
