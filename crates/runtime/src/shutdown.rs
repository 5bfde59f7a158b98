//! Orderly shutdown: one request, seen by everybody, with a bounded grace period.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// The exit code of a process that was told twice to stop.
const EXIT_INTERRUPTED: i32 = 130;

/// A request to stop; clones see the same one.
#[derive(Debug, Clone)]
pub struct Shutdown {
    asked: Arc<watch::Sender<bool>>,
    grace: Duration,
}

impl Shutdown {
    /// A request that only [`Shutdown::trigger`] makes.
    pub fn new(grace: Duration) -> Self {
        Self {
            asked: Arc::new(watch::Sender::new(false)),
            grace,
        }
    }

    /// A request that SIGTERM or SIGINT makes too; a second signal exits at once with code 130.
    ///
    /// Fails if the signal handlers cannot be installed. Needs a tokio runtime.
    pub fn on_signals(grace: Duration) -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new(grace);
        tokio::spawn(obey_signals(shutdown.clone(), terminate, interrupt));
        Ok(shutdown)
    }

    /// Asks everybody to stop; asking again changes nothing.
    pub fn trigger(&self) {
        self.asked.send_replace(true);
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        *self.asked.borrow()
    }

    /// Completes when a stop is requested, at once if it already was.
    pub async fn requested(&self) {
        let mut asked = self.asked.subscribe();
        let answer = asked.wait_for(|asked| *asked).await;
        answer.expect("self keeps the sender alive");
    }

    /// How long work in flight may take to finish after the request.
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Completes when the grace period after a request is over.
    pub async fn grace_over(&self) {
        self.requested().await;
        tokio::time::sleep(self.grace).await;
    }
}

async fn obey_signals(shutdown: Shutdown, mut terminate: Signal, mut interrupt: Signal) {
    let name = either(&mut terminate, &mut interrupt).await;
    let grace_ms = u64::try_from(shutdown.grace.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        signal = name,
        grace_ms,
        "{name} received, stopping; a second signal exits at once"
    );
    shutdown.trigger();

    let name = either(&mut terminate, &mut interrupt).await;
    tracing::warn!(signal = name, "{name} received again, exiting at once");
    #[expect(
        clippy::disallowed_methods,
        reason = "told twice, the process must not drain"
    )]
    std::process::exit(EXIT_INTERRUPTED);
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[cfg(test)]
#[path = "shutdown_tests.rs"]
mod tests;
