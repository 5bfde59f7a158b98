//! What every command needs: the environment's settings, the store in the operator's role, who acts.

use runtime::{Secret, Settings};
use store::{Role, Store};

use crate::failed::Failed;

/// Statements of one command follow one another; a second connection is for good measure.
const CONNECTIONS: u32 = 2;

/// The environment of one run.
pub(crate) struct Context {
    settings: Settings,
    pub(crate) is_json: bool,
}

impl Context {
    pub(crate) fn new(is_json: bool) -> Self {
        Self {
            settings: Settings::from_env(),
            is_json,
        }
    }

    /// Asks the environment; every problem is reported at once.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&mut Settings) -> T) -> Result<T, Failed> {
        let mut settings = self.settings.clone();
        let asked = ask(&mut settings);
        settings.finish().map_err(Failed::Configuration)?;
        Ok(asked)
    }

    pub(crate) fn database_url(&self) -> Result<Secret, Failed> {
        self.ask(|settings| settings.secret("DATABASE_URL"))
    }

    /// The store with the operator's rights.
    pub(crate) fn store(&self) -> Result<Store, Failed> {
        let url = self.database_url()?;
        Ok(Store::open(url.expose(), Role::Operator, CONNECTIONS)?)
    }

    /// Who acts, for the audit.
    pub(crate) fn actor(&self) -> Result<String, Failed> {
        self.ask(|settings| {
            let named = settings.optional("TIEOUT_ACTOR");
            let user = named
                .or_else(|| settings.optional("USER"))
                .or_else(|| settings.optional("LOGNAME"));
            user.unwrap_or_else(|| "unknown user".to_owned())
        })
    }
}
