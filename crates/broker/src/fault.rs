//! Why a session with the broker ended, with how long to leave the broker alone afterwards.

use std::future::Future;
use std::time::Duration;

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use tokio::time::timeout;

/// The shortest pause after the broker refused what we asked for (404, 406 and the like).
pub(crate) const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// The shortest pause after the broker refused who we are or what we may.
pub(crate) const DENIED_PAUSE: Duration = Duration::from_secs(5);

/// Why a session with the broker could not start or could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Nothing came back in time.
    #[error("{step} took longer than {} ms", limit.as_millis())]
    Deadline {
        /// What was being done.
        step: &'static str,
        /// How long it was given.
        limit: Duration,
    },
    /// The broker or the connection said no.
    #[error("{step} failed")]
    Broker {
        /// What was being done.
        step: &'static str,
        /// What the client library said.
        source: lapin::Error,
    },
    /// The broker ended a consumer, as it does when the queue is deleted.
    #[error("the broker ended the consumer of {queue}")]
    ConsumerEnded {
        /// The queue's name.
        queue: String,
    },
    /// The connection or channel is no longer open, and nobody said why.
    #[error("the connection to the broker is no longer open")]
    Closed,
    /// A name longer than AMQP can carry.
    #[error("a queue or exchange name is longer than 255 bytes")]
    NameTooLong,
}

impl Fault {
    /// The shortest pause before the next try, whatever the backoff says.
    pub(crate) fn floor(&self) -> Duration {
        let Self::Broker { source, .. } = self else {
            return match self {
                Self::NameTooLong => REFUSED_PAUSE,
                _ => Duration::ZERO,
            };
        };
        let ErrorKind::ProtocolError(error) = source.kind() else {
            return Duration::ZERO;
        };
        match error.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)
            | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED | AMQPHardError::INVALIDPATH) => {
                DENIED_PAUSE
            }
            AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED) => Duration::ZERO,
            AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => REFUSED_PAUSE,
        }
    }
}

/// Runs one step of a conversation with the broker within its deadline.
pub(crate) async fn within<T>(
    limit: Duration,
    step: &'static str,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Fault> {
    match timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(Fault::Broker { step, source }),
        Err(_) => Err(Fault::Deadline { step, limit }),
    }
}
