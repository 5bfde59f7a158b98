//! A TCP connection that a handler can close without answering.
//!
//! HTTP servers insist on a reply; a provider that loses one does not. The handler cuts the
//! connection it was called on and whatever it returns is never written.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The handle by which a connection is cut.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<LineState>);

#[derive(Debug, Default)]
struct LineState {
    cut: AtomicBool,
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Line {
    /// Closes the connection; bytes not yet written are lost.
    pub fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        for slot in [&self.0.reader, &self.0.writer] {
            let waker = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn refuse(&self, slot: &Mutex<Option<Waker>>, context: &Context<'_>) -> io::Result<()> {
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.cut.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        *held = Some(context.waker().clone());
        Ok(())
    }
}

/// Every open connection of a server, so that stopping it closes them all.
#[derive(Debug, Clone, Default)]
pub struct Switchboard(Arc<Mutex<Vec<Weak<LineState>>>>);

impl Switchboard {
    fn connect(&self) -> Line {
        let line = Line::default();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|known| known.strong_count() > 0);
        lines.push(Arc::downgrade(&line.0));
        line
    }

    /// Cuts every open connection.
    pub fn cut_all(&self) {
        let lines = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for state in lines.iter().filter_map(Weak::upgrade) {
            Line(state).cut();
        }
    }
}

/// Accepts connections that can be cut.
#[derive(Debug)]
pub struct CuttableListener {
    inner: TcpListener,
    switchboard: Switchboard,
}

impl CuttableListener {
    /// Wraps a bound listener.
    pub fn new(inner: TcpListener, switchboard: Switchboard) -> Self {
        Self { inner, switchboard }
    }
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.inner).await;
        // Small replies must not wait for the peer's acknowledgement; a failure only costs time.
        let _ = stream.set_nodelay(true);
        let line = self.switchboard.connect();
        (CuttableStream { stream, line }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// One such connection.
#[derive(Debug)]
pub struct CuttableStream {
    stream: TcpStream,
    line: Line,
}

impl Connected<IncomingStream<'_, CuttableListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().line.clone()
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line.refuse(&self.line.0.reader, context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.refuse(&self.line.0.writer, context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.refuse(&self.line.0.writer, context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
