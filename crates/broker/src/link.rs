//! One connection to the broker that cannot outlive its deadline.
//!
//! The client library has no deadline for its handshake: a peer that accepts and then says
//! nothing holds a thread and a socket for as long as the socket lives. So the socket is
//! opened here, and a second handle on it is kept to shut it down when the attempt is given
//! up, and whenever a link is dropped. The library's own recovery stays off: it did not come
//! back in 2 of 9 broker restarts, and confirms in flight hang while it tries.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties};
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::fault::{Fault, within};

/// How long a polite goodbye may take before the socket is just cut.
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);

/// The broker's address is not a valid `amqp://` or `amqps://` address. It may hold a password,
/// so it is not repeated here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the broker's address is not a valid amqp:// or amqps:// address")]
pub struct InvalidAddress;

/// What a link needs to know to connect.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    uri: AMQPUri,
    name: String,
    limit: Duration,
}

impl Address {
    /// Reads the address; the heartbeat given here wins over one in its query.
    pub(crate) fn parse(
        url: &str,
        name: &str,
        heartbeat_secs: u16,
        limit: Duration,
    ) -> Result<Self, InvalidAddress> {
        let mut uri: AMQPUri = url.parse().map_err(|_| InvalidAddress)?;
        uri.query.heartbeat = Some(heartbeat_secs);
        Ok(Self {
            uri,
            name: name.to_owned(),
            limit,
        })
    }
}

/// An open connection; dropping it shuts its socket down.
pub(crate) struct Link {
    connection: Connection,
    limit: Duration,
    _cutter: Cutter,
}

impl Link {
    /// Connects, within the address's deadline for everything up to the open connection.
    pub(crate) async fn open(address: &Address) -> Result<Self, Fault> {
        let step = "connecting to the broker";
        let limit = address.limit;
        let runtime =
            lapin::runtime::default_runtime().map_err(|source| Fault::Broker { step, source })?;
        let cutter = Cutter::default();
        let wire = Arc::clone(&cutter.0);
        let properties =
            ConnectionProperties::default().with_connection_name(address.name.as_str().into());
        let attempt = Connection::connector(
            address.uri.clone(),
            runtime,
            async move |uri: AMQPUri, runtime| {
                // This runs on the library's own thread, which a dropped attempt leaves behind.
                let Ok(opened) = timeout(limit, async {
                    let host = (uri.authority.host.as_str(), uri.authority.port);
                    let peers: Vec<SocketAddr> = lookup_host(host).await?.collect();
                    let stream = AsyncTcpStream::connect(&runtime, peers).await?;
                    if let AsyncTcpStream::Plain(tcp) = &stream {
                        tcp.get_ref().set_nodelay(true)?;
                        Wire::hold(&wire, tcp.get_ref())?;
                    }
                    match uri.scheme {
                        AMQPScheme::AMQP => Ok::<_, io::Error>(stream),
                        AMQPScheme::AMQPS => {
                            let trust = lapin::tcp::OwnedTLSConfig::default();
                            let host = uri.authority.host.as_str();
                            stream.into_tls(host, trust.as_ref()).await
                        }
                    }
                })
                .await
                else {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                };
                Ok(opened?)
            },
            properties,
        );
        let connection = within(limit, step, attempt).await?;
        Ok(Self {
            connection,
            limit,
            _cutter: cutter,
        })
    }

    /// Opens a channel.
    pub(crate) async fn channel(&self) -> Result<Channel, Fault> {
        let opened = self.connection.create_channel();
        within(self.limit, "opening a channel", opened).await
    }

    /// How long one step of the conversation may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// The connection itself, for its state and its events.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether the broker has told us that it reads nothing more from this connection.
    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Whether the connection is open.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// Says goodbye if the broker still listens; the socket is shut down either way.
    pub(crate) async fn close(self) {
        if self.is_open() && !self.is_blocked() {
            let goodbye = self.connection.close(200, "OK".into());
            if let Err(fault) = within(GOODBYE_LIMIT, "closing the connection", goodbye).await {
                tracing::debug!(
                    reason = runtime::chain(&fault),
                    "the broker did not say goodbye"
                );
            }
        }
    }
}

/// Shuts a link's socket down when it goes.
#[derive(Debug, Default)]
struct Cutter(Arc<Mutex<Wire>>);

/// What the cutter and the thread that connects share.
#[derive(Debug, Default)]
enum Wire {
    /// No socket yet.
    #[default]
    Waiting,
    /// A second handle on the socket.
    Open(std::net::TcpStream),
    /// Given up: a socket that opens now is not wanted any more.
    Cut,
}

impl Wire {
    fn hold(wire: &Mutex<Self>, socket: &tokio::net::TcpStream) -> io::Result<()> {
        let duplicate = socket.as_fd().try_clone_to_owned()?;
        let mut wire = wire.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*wire, Self::Cut) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        *wire = Self::Open(duplicate.into());
        Ok(())
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        let mut wire = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Wire::Open(socket) = std::mem::replace(&mut *wire, Wire::Cut) {
            // The other side may have closed it already; there is nothing to do about that.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
