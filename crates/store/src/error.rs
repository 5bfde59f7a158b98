//! What can go wrong in the database, and which of it is worth a second try.

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or did not answer.
    #[error("database")]
    Database(#[source] sqlx::Error),
    /// A stored value is not what the code writes.
    #[error("stored value is damaged: {0}")]
    Damaged(String),
    /// A named constraint refused the change.
    #[error("refused by {constraint}")]
    Refused {
        /// The constraint's name.
        constraint: String,
    },
    /// Sealed data could not be opened.
    #[error("sealed value")]
    Seal(#[source] crate::seal::SealError),
    /// The schema could not be brought up to date.
    #[error("migration")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// Something named does not exist.
    #[error("{0}")]
    Missing(String),
}

impl From<sqlx::Error> for StoreError {
    /// Automatic, so that constraints are named in one place.
    fn from(error: sqlx::Error) -> Self {
        if let Some(constraint) = error.as_database_error().and_then(|e| e.constraint()) {
            return Self::Refused {
                constraint: constraint.to_owned(),
            };
        }
        Self::Database(error)
    }
}

impl StoreError {
    /// Whether the same transaction may simply be run again: deadlock, serialisation failure, a
    /// statement or transaction that took too long.
    pub fn is_transient(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        matches!(code.as_deref(), Some("40P01" | "40001" | "57014" | "25P03"))
    }

    /// Whether the connection, not the statement, failed: what happened to a commit is then not known.
    pub fn is_connection(&self) -> bool {
        match self {
            Self::Database(
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed,
            ) => true,
            Self::Database(error) => error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
            _ => false,
        }
    }
}
