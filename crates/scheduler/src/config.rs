//! What the scheduler is told by its environment.

use runtime::{Secret, Settings};

/// The settings of a scheduler.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) database_url: Secret,
    pub(crate) amqp_url: Secret,
    pub(crate) connections: u32,
}

impl Config {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Self {
        Self {
            database_url: settings.secret("DATABASE_URL"),
            amqp_url: settings.secret("AMQP_URL"),
            connections: settings.parse_or("TIEOUT_DB_CONNECTIONS", 8),
        }
    }
}
