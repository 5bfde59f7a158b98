//! Why a command failed, and with which exit code.

use std::io;
use std::path::PathBuf;

use runtime::ConfigErrors;
use store::StoreError;

/// A command that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The environment lacks something or is wrong.
    #[error("{0}")]
    Configuration(ConfigErrors),
    /// An argument is readable and still not usable.
    #[error("{0}")]
    Argument(String),
    /// There is no such thing, or it is not in a state for this.
    #[error("{0}")]
    NotPossible(String),
    /// The database does not answer.
    #[error("the database cannot be reached; check DATABASE_URL and that PostgreSQL runs")]
    DatabaseAway(#[source] StoreError),
    /// The database answered and refused.
    #[error("the database refused")]
    Store(#[source] StoreError),
    /// The broker does not answer.
    #[error("{0}")]
    BrokerAway(String),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Standard output or the async runtime.
    #[error("input or output failed")]
    Io(#[from] io::Error),
}

impl From<StoreError> for Failed {
    /// Automatic, so that outages and absences are told apart in one place.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(what) => Self::NotPossible(what),
            error if error.is_connection() => Self::DatabaseAway(error),
            error => Self::Store(error),
        }
    }
}

impl Failed {
    /// The exit code, as the help lists them; the last two are those of sysexits.h.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Store(_) | Self::File { .. } | Self::Io(_) => 1,
            Self::Argument(_) => 2,
            Self::NotPossible(_) => 3,
            Self::DatabaseAway(_) | Self::BrokerAway(_) => 69,
            Self::Configuration(_) => 78,
        }
    }
}
