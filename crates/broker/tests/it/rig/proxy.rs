//! A proxy before the broker that can cut, freeze, and speak as a broker under an alarm does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Forwards everything.
    Pass,
    /// Forwards, having told every client that the broker reads no more; and reads no more.
    Blocked,
    /// Accepts and keeps connections, and forwards nothing.
    Frozen,
    /// Closes every connection, and new ones at once.
    Cut,
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    mode: watch::Sender<Mode>,
    accepted: Arc<AtomicUsize>,
    port: u16,
}

impl Proxy {
    /// Starts a proxy before the broker of this address.
    pub async fn start(url: &str) -> Self {
        let uri: lapin::uri::AMQPUri = url.parse().unwrap();
        let upstream = (uri.authority.host, uri.authority.port);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, watched) = watch::channel(Mode::Pass);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        tokio::spawn(async move {
            let mut ended = watched.clone();
            loop {
                tokio::select! {
                    client = listener.accept() => {
                        counter.fetch_add(1, Ordering::Relaxed);
                        tokio::spawn(serve(client.unwrap().0, upstream.clone(), watched.clone()));
                    }
                    gone = ended.changed() => if gone.is_err() { return },
                }
            }
        });
        Self {
            mode,
            accepted,
            port,
        }
    }

    /// The broker's address, through the proxy.
    pub fn url(&self, url: &str) -> String {
        let uri: lapin::uri::AMQPUri = url.parse().unwrap();
        let (scheme, user) = (uri.scheme, uri.authority.userinfo);
        let vhost = uri.vhost.replace('/', "%2f");
        let port = self.port;
        format!(
            "{scheme}://{}:{}@127.0.0.1:{port}/{vhost}",
            user.username, user.password
        )
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many connections were made so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

async fn serve(client: TcpStream, upstream: (String, u16), mode: watch::Receiver<Mode>) {
    let mut gate = mode.clone();
    let may_pass = |mode: &Mode| *mode != Mode::Frozen;
    let Ok(Mode::Pass | Mode::Blocked) = gate.wait_for(may_pass).await.map(|mode| *mode) else {
        return;
    };
    let broker = TcpStream::connect(upstream).await.unwrap();
    let (client_in, client_out) = client.into_split();
    let (broker_in, broker_out) = broker.into_split();
    let mut cut = mode.clone();
    tokio::select! {
        () = to_broker(client_in, broker_out, mode.clone()) => {}
        () = to_client(broker_in, client_out, mode) => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

/// Forwards frame by frame. A blocked broker does not read, and does not mind missing
/// heartbeats either; the broker behind is not blocked, so it is sent some meanwhile.
async fn to_broker(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
) {
    let mut greeting = [0; 8];
    let greeted = from.read_exact(&mut greeting).await.is_ok();
    if !greeted || to.write_all(&greeting).await.is_err() {
        return;
    }
    let mut frames = Vec::new();
    loop {
        let now = mode
            .wait_for(|mode| *mode != Mode::Frozen)
            .await
            .map(|mode| *mode);
        let Ok(now) = now else { return };
        if now == Mode::Blocked {
            if to.write_all(&HEARTBEAT).await.is_err() {
                return;
            }
            let _ = timeout(Duration::from_millis(500), mode.changed()).await;
            continue;
        }
        while let Some(whole) = whole_frame(&frames) {
            if to.write_all(&frames[..whole]).await.is_err() {
                return;
            }
            frames.drain(..whole);
        }
        tokio::select! {
            is_more = read_more(&mut from, &mut frames) => if !is_more { return },
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

/// Forwards frame by frame, so that a frame of our own can stand in between.
async fn to_client(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
) {
    let mut is_blocked = false;
    let mut frame = Vec::new();
    loop {
        let now = mode
            .wait_for(|mode| *mode != Mode::Frozen)
            .await
            .map(|mode| *mode);
        let Ok(now) = now else { return };
        if is_blocked != (now == Mode::Blocked) {
            is_blocked = now == Mode::Blocked;
            let notice = if is_blocked {
                blocked_frame()
            } else {
                unblocked_frame()
            };
            if to.write_all(&notice).await.is_err() {
                return;
            }
        }
        let read = tokio::select! {
            read = read_more(&mut from, &mut frame) => read,
            changed = mode.changed() => if changed.is_ok() { continue } else { return },
        };
        if !read {
            return;
        }
        while let Some(whole) = whole_frame(&frame) {
            if mode.wait_for(|mode| *mode != Mode::Frozen).await.is_err() {
                return;
            }
            if to.write_all(&frame[..whole]).await.is_err() {
                return;
            }
            frame.drain(..whole);
        }
    }
}

/// Adds what has arrived; false at the end.
async fn read_more(from: &mut OwnedReadHalf, frame: &mut Vec<u8>) -> bool {
    from.read_buf(frame).await.is_ok_and(|read| read > 0)
}

/// The length of the first frame, if it is all there: type, channel, size, payload, end.
fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let size = bytes.get(3..7)?;
    let size = u32::from_be_bytes(size.try_into().unwrap());
    let whole = 8 + usize::try_from(size).unwrap();
    (bytes.len() >= whole).then_some(whole)
}

/// A heartbeat frame.
const HEARTBEAT: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0xCE];

/// `connection.blocked` (10, 60) with the reason "low on disk".
fn blocked_frame() -> Vec<u8> {
    let reason = b"low on disk";
    let mut payload = vec![0, 10, 0, 60, u8::try_from(reason.len()).unwrap()];
    payload.extend_from_slice(reason);
    method_frame(&payload)
}

/// `connection.unblocked` (10, 61).
fn unblocked_frame() -> Vec<u8> {
    method_frame(&[0, 10, 0, 61])
}

fn method_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, 0, 0];
    frame.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(payload);
    frame.push(0xCE);
    frame
}
