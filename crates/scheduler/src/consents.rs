//! Consents that run out: warned about in time, for only the customer can renew them.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use model::TokenSetId;
use store::{Store, StoreError};

use crate::measure;

/// How long before its end a consent is warned about.
const AHEAD: Duration = Duration::from_hours(14 * 24);
/// Between two warnings about the same consent.
const WARN_AGAIN_AFTER: TimeDelta = TimeDelta::days(1);

/// What has been warned about.
#[derive(Debug, Default)]
pub(crate) struct Consents {
    warned_at: HashMap<TokenSetId, DateTime<Utc>>,
}

impl Consents {
    /// Looks once; warns of each consent once a day.
    pub(crate) async fn look(
        &mut self,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let expiring = store.expiring_consents(AHEAD).await?;
        self.warned_at
            .retain(|id, _| expiring.iter().any(|(expiring, ..)| expiring == id));
        measure::consents(expiring.iter().map(|(_, _, provider, at)| {
            (
                provider.as_str(),
                (*at - now).to_std().unwrap_or(Duration::ZERO),
            )
        }));
        for (id, account, provider, at) in &expiring {
            let warned_at = self.warned_at.get(id);
            if warned_at.is_some_and(|warned_at| now - *warned_at < WARN_AGAIN_AFTER) {
                continue;
            }
            self.warned_at.insert(*id, now);
            tracing::warn!(
                tenant.id = account.0,
                provider.key = provider,
                "the consent {id} of account {account} ends on {}: somebody must connect it again before",
                at.format("%Y-%m-%d")
            );
        }
        Ok(())
    }
}
