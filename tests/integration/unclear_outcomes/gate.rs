//! A gate before the provider that keeps the answer to the next write back for a while, or the end of its connection.
//!
//! Whoever waits for it is a frozen process as far as database and provider can tell: it learns nothing, writes
//! nothing and does not beat.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Bytes passed on at once.
const CHUNK: usize = 16 * 1024;

/// After a takeover: the new holder has looked, or is looking, when the old one wakes.
const AFTER_TAKEOVER: Duration = Duration::from_millis(400);

/// How long an answer is kept back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Silence {
    /// For so long.
    For(Duration),
    /// Until another worker has taken over, and a little more.
    PastTakeover,
}

#[derive(Debug)]
pub(super) struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    server: String,
    silence: Duration,
    is_armed: AtomicBool,
    held_count: AtomicU32,
    is_awaited: AtomicBool,
    /// Whoever waits for a takeover is told of it.
    takeover: Option<Notify>,
}

impl Gate {
    pub(super) async fn before(server: &str, silence: Silence) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            silence: match silence {
                Silence::For(time) => time,
                Silence::PastTakeover => AFTER_TAKEOVER,
            },
            is_armed: AtomicBool::new(false),
            held_count: AtomicU32::new(0),
            is_awaited: AtomicBool::new(false),
            takeover: (silence == Silence::PastTakeover).then(Notify::new),
        });
        let of_task = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, Arc::clone(&of_task)));
            }
        });
        Self {
            address,
            shared,
            task,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next write of invoices waits for its answer.
    pub(super) fn arm(&self) {
        self.shared.is_armed.store(true, Ordering::SeqCst);
    }

    /// Whether an answer is kept back now that comes after a takeover only.
    pub(super) fn waits_for_takeover(&self) -> bool {
        self.shared.is_awaited.load(Ordering::SeqCst)
    }

    /// Another worker is taking over now.
    pub(super) fn taken_over(&self) {
        if self.shared.is_awaited.swap(false, Ordering::SeqCst)
            && let Some(takeover) = &self.shared.takeover
        {
            takeover.notify_one();
        }
    }

    /// How many answers were kept back so far.
    pub(super) fn held_count(&self) -> u32 {
        self.shared.held_count.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn keep_silent(&self) {
        match &self.takeover {
            Some(takeover) => {
                takeover.notified().await;
                tokio::time::sleep(self.silence).await;
            }
            None => tokio::time::sleep(self.silence).await,
        }
    }
}

async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(&shared.server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (hold, is_held) = watch::channel(false);
    let there = async {
        let mut chunk = vec![0; CHUNK];
        while let Ok(count @ 1..) = from_client.read(&mut chunk).await {
            if is_write(&chunk[..count]) && shared.is_armed.swap(false, Ordering::SeqCst) {
                shared.held_count.fetch_add(1, Ordering::SeqCst);
                let is_awaited = shared.takeover.is_some();
                shared.is_awaited.store(is_awaited, Ordering::SeqCst);
                hold.send_replace(true);
            }
            if to_server.write_all(&chunk[..count]).await.is_err() {
                // The server is gone; its last words come the other way.
                std::future::pending::<()>().await;
            }
        }
    };
    let back = async {
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = from_server.read(&mut chunk).await.unwrap_or(0);
            if *is_held.borrow() {
                shared.keep_silent().await;
                hold.send_replace(false);
            }
            if count == 0 || to_client.write_all(&chunk[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

/// The head of a request that writes invoices: they all begin a piece of their own.
fn is_write(piece: &[u8]) -> bool {
    let line = piece
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.starts_with("POST ") && (line.contains("/invoice") || line.contains("/batch"))
}
