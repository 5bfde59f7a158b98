//! A server of a few lines that answers each request with exactly the bytes, and the end, a test wants.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_kit::http::{BaseUrl, HttpClient, HttpOptions, Labels, Purpose, SendError};
use provider_kit::{Cost, Method, Reply, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Must never appear in an error, a log line or on another host.
pub const CANARY: &str = "canary-7f3a";

/// Enough for anything that is meant to arrive.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a server does with one request.
#[derive(Clone)]
pub enum Act {
    /// Answers and keeps the connection.
    Say(Vec<u8>),
    /// Answers, then closes in order.
    SayAndClose(Vec<u8>),
    /// Answers, then resets the connection.
    SayAndReset(Vec<u8>),
    /// Answers, then keeps the connection and is silent.
    SayAndHang(Vec<u8>),
    /// Answers, then sends the second part again and again, with a pause between.
    SayAndDrip(Vec<u8>, Vec<u8>, Duration),
}

pub fn say(text: impl AsRef<str>) -> Act {
    Act::Say(text.as_ref().as_bytes().to_vec())
}

/// A whole reply with the right length.
pub fn reply(status: &str, body: &str) -> Act {
    say(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// What reached a server.
#[derive(Default)]
pub struct Seen {
    pub connections: usize,
    pub requests: Vec<String>,
}

/// A server that lives as long as this value.
pub struct Server {
    pub base: String,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Does one act per request, the last one again and again.
    pub async fn start(acts: Vec<Act>) -> Self {
        Self::listen(acts, None).await
    }

    /// The same behind TLS, as `localhost`.
    pub async fn start_tls(acts: Vec<Act>, tls: TlsAcceptor) -> Self {
        Self::listen(acts, Some(tls)).await
    }

    async fn listen(acts: Vec<Act>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(accept(listener, acts, tls, Arc::clone(&seen)));
        Self { base, seen, task }
    }

    pub fn base_url(&self) -> BaseUrl {
        BaseUrl::parse(&self.base).unwrap()
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }
}

async fn accept(
    listener: TcpListener,
    acts: Vec<Act>,
    tls: Option<TlsAcceptor>,
    seen: Arc<Mutex<Seen>>,
) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        seen.lock().unwrap().connections += 1;
        let (acts, tls, seen) = (acts.clone(), tls.clone(), Arc::clone(&seen));
        tokio::spawn(async move {
            // Faults are what these servers are for: a connection that breaks is no failure of the test.
            let _ = match tls {
                None => serve(socket, &acts, &seen, zero_linger).await,
                Some(tls) => match tls.accept(socket).await {
                    Ok(stream) => serve(stream, &acts, &seen, |_| Ok(())).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

/// Closing sends a reset.
fn zero_linger(socket: &TcpStream) -> io::Result<()> {
    socket.set_zero_linger()
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    acts: &[Act],
    seen: &Mutex<Seen>,
    make_abrupt: impl Fn(&S) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let request = read_request(&mut stream).await?;
        let at = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request);
            (seen.requests.len() - 1).min(acts.len() - 1)
        };
        match &acts[at] {
            Act::Say(bytes) => stream.write_all(bytes).await?,
            Act::SayAndClose(bytes) => {
                stream.write_all(bytes).await?;
                return stream.shutdown().await;
            }
            Act::SayAndReset(bytes) => {
                stream.write_all(bytes).await?;
                return make_abrupt(&stream);
            }
            Act::SayAndHang(bytes) => {
                stream.write_all(bytes).await?;
                std::future::pending::<()>().await;
            }
            Act::SayAndDrip(bytes, drop, pause) => {
                stream.write_all(bytes).await?;
                let mut ticks = tokio::time::interval(*pause);
                loop {
                    ticks.tick().await;
                    stream.write_all(drop).await?;
                    stream.flush().await?;
                }
            }
        }
        stream.flush().await?;
    }
}

/// One request, head and body.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length: ")
                .map(|length| length.parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return Ok(text);
        }
    }
}

/// A write that carries the canary in its query and body.
pub fn write() -> Request {
    Request {
        method: Method::Post,
        path: "/v3/company/123/invoice".to_owned(),
        query: vec![("name".to_owned(), CANARY.to_owned())],
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: format!("{{\"memo\":\"{CANARY}\"}}").into_bytes(),
        cost: Cost::default(),
    }
}

pub const LABELS: Labels = Labels {
    provider: "TEST",
    purpose: Purpose::Write,
};

/// A client that gives up connecting after half a second.
pub fn client() -> HttpClient {
    client_that_trusts(&[])
}

pub fn client_that_trusts(roots: &[u8]) -> HttpClient {
    let options = HttpOptions {
        connect_limit: Duration::from_millis(500),
        extra_roots: roots.to_vec(),
        ..HttpOptions::default()
    };
    HttpClient::new(&options).unwrap()
}

/// Sends the write with a canary bearer, patiently, up to 1,000 bytes.
pub async fn send(client: &HttpClient, base: &BaseUrl) -> Result<Reply, SendError> {
    send_within(client, base, PATIENCE).await
}

/// The same with a deadline; an error that quotes a canary fails the test.
pub async fn send_within(
    client: &HttpClient,
    base: &BaseUrl,
    deadline: Duration,
) -> Result<Reply, SendError> {
    let request = write();
    let result = client
        .send(base, &request, Some(CANARY), deadline, 1000, LABELS)
        .await;
    if let Err(error) = &result {
        assert!(!format!("{error:?} {error}").contains(CANARY), "{error}");
    }
    result
}

/// The outcome must count as unknown.
pub fn assert_unclear(result: &Result<Reply, SendError>, case: &str) {
    assert!(
        matches!(result, Err(SendError::Unclear(_))),
        "{case}: {result:?}"
    );
}

/// The outcome must count as never sent.
pub fn assert_not_sent(result: &Result<Reply, SendError>, case: &str) {
    assert!(
        matches!(result, Err(SendError::NotSent(_))),
        "{case}: {result:?}"
    );
}
