//! A TCP proxy that stands for a bad network: it passes, delays, swallows or cuts.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Bytes passed on at once.
const CHUNK: usize = 16 * 1024;

/// How the network behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It carries everything.
    Pass,
    /// It carries everything, each piece this much later.
    Delay(Duration),
    /// Connections stand, nothing moves; what waits moves on when the way opens again.
    Blackhole,
    /// What the client sends arrives, what the server answers does not.
    NoReplies,
    /// Connections are closed, new ones at once.
    Cut,
}

/// A proxy before one server; it closes everything when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    cuts: watch::Sender<u32>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy on a port of its own before `server` (host and port); it passes at first.
    pub async fn before(server: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("the loopback interface has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (way, ways) = watch::channel(Way::Pass);
        let (cuts, cut) = watch::channel(0);
        let task = tokio::spawn(accept(listener, server.to_owned(), ways, cut));
        Self {
            address,
            way,
            cuts,
            task,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves in another way from now on, on open connections, too.
    pub fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Cuts the connections there are; new ones pass.
    pub fn cut_open(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.turn(Way::Cut);
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    ways: watch::Receiver<Way>,
    cut: watch::Receiver<u32>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, mut ways) = (server.clone(), ways.clone());
        let mut cut = cut.clone();
        cut.mark_unchanged();
        tokio::spawn(async move {
            let may_connect = |way: &Way| !matches!(way, Way::Blackhole);
            match ways.wait_for(may_connect).await.map(|way| *way) {
                Ok(Way::Pass | Way::Delay(_) | Way::NoReplies) => {}
                Ok(Way::Blackhole | Way::Cut) | Err(_) => return,
            }
            if let Ok(upstream) = TcpStream::connect(&server).await {
                tokio::select! {
                    () = join(client, upstream, ways) => {}
                    _ = cut.changed() => {}
                }
            }
        });
    }
}

/// Carries both ways until one side closes or the connection is cut.
async fn join(client: TcpStream, server: TcpStream, ways: watch::Receiver<Way>) {
    // A delay is what the test asked for, not what two algorithms of the kernel add.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = ways.clone();
    tokio::select! {
        () = carry(from_client, to_server, ways.clone(), Direction::There) => {}
        () = carry(from_server, to_client, ways, Direction::Back) => {}
        _ = cut.wait_for(|way| *way == Way::Cut) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    There,
    Back,
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut ways: watch::Receiver<Way>,
    direction: Direction,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        // The end of a connection travels like everything else: a blackhole swallows it.
        let count = from.read(&mut chunk).await.unwrap_or(0);
        let moves = |way: &Way| match way {
            Way::Pass | Way::Delay(_) | Way::Cut => true,
            Way::Blackhole => false,
            Way::NoReplies => direction == Direction::There,
        };
        let way = ways.wait_for(moves).await.map(|way| *way);
        match way {
            Ok(Way::Delay(by)) => sleep(by).await,
            Ok(Way::Pass | Way::NoReplies) => {}
            Ok(Way::Blackhole | Way::Cut) | Err(_) => return,
        }
        if count == 0 || to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}
