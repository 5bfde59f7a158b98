//! What the holder works with: the situation of the books, and an effect ready to be attempted.

use std::sync::{Arc, Mutex};

use model::money::Amount;
use model::{AttemptId, Body, Currency, Document, EffectId, Environment, Operation, SyncSettings};
use provider_kit::pacing::Pacer;
use provider_kit::{BooksFacts, Effect, Link, LinkState, Links, Marker, References, Step};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::StoreError;
use store::claim::{Claimed, EffectRow, LinkRow, Situation};
use store::lease::Held;
use store::record::{ItemMove, Next};
use store::reference::Stored;

use crate::looking::Known;

/// The books under this lease.
#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) held: Held,
    pub(crate) provider: String,
    pub(crate) facts: BooksFacts,
    pub(crate) settings: SyncSettings,
    pub(crate) references: Arc<References>,
    pub(crate) installation: String,
    pub(crate) token_set: Option<model::TokenSetId>,
    pub(crate) pacer: Arc<Mutex<Pacer>>,
}

impl Books {
    pub(crate) fn from_situation(
        held: Held,
        situation: Situation,
        references: Stored,
        pacer: Pacer,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            held,
            facts: facts_of(&held, &situation)?,
            settings: serde_json::from_value(situation.settings)
                .map_err(|e| damaged(&held, "settings", &e))?,
            references: Arc::new(References::new(references.accounts, references.tax_codes)),
            provider: situation.provider,
            installation: situation.installation,
            token_set: situation.token_set,
            pacer: Arc::new(Mutex::new(pacer)),
        })
    }

    /// After an import: what is known of the books now.
    pub(crate) fn refresh(
        &mut self,
        situation: &Situation,
        references: Stored,
    ) -> Result<(), StoreError> {
        self.facts = facts_of(&self.held, situation)?;
        self.references = Arc::new(References::new(references.accounts, references.tax_codes));
        Ok(())
    }
}

fn facts_of(held: &Held, situation: &Situation) -> Result<BooksFacts, StoreError> {
    let fact = |name: &str| situation.facts.get(name).and_then(Value::as_str);
    let environment = Environment::from_stored(&situation.environment)
        .ok_or_else(|| damaged(held, "environment", &situation.environment))?;
    Ok(BooksFacts {
        external_id: situation.external_id.clone(),
        environment,
        country: fact("country").map(str::to_owned),
        home_currency: fact("homeCurrency").and_then(|c| c.parse().ok()),
        extra: situation
            .facts
            .get("extra")
            .cloned()
            .unwrap_or_else(|| json!({})),
    })
}

fn damaged(held: &Held, what: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{what} of {}: {error}", held.books))
}

/// A claimed item with its document read back.
pub(crate) struct Taken {
    pub(crate) claimed: Claimed,
    pub(crate) document: Document,
}

impl Taken {
    pub(crate) fn read(claimed: Claimed) -> Result<Self, Box<(Claimed, serde_json::Error)>> {
        match serde_json::from_value(claimed.document.clone()) {
            Ok(document) => Ok(Self { claimed, document }),
            Err(error) => Err(Box::new((claimed, error))),
        }
    }
}

/// Where an item goes.
pub(crate) fn moved(claimed: &Claimed, next: Next) -> ItemMove {
    ItemMove {
        item: claimed.item,
        kind: claimed.kind,
        source_id: claimed.source_id.clone(),
        version: claimed.version,
        trace: claimed.trace.clone(),
        attempts: claimed.attempts,
        claim: Some(claimed.claim),
        wanted_at: claimed.wanted_at,
        seen: Vec::new(),
        states: Vec::new(),
        rest_is_done: false,
        next,
    }
}

/// A step with what is needed to record it; stored with its attempt and taken back by whoever closes the call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Planned {
    pub(crate) step: Step,
    /// The item is finished when this is done.
    pub(crate) is_last: bool,
    /// Other effects of the document are in the books as wanted: without this one it is there in part.
    #[serde(default)]
    pub(crate) rest_is_done: bool,
    /// What the document itself comes to.
    #[serde(default)]
    pub(crate) stated: Option<Stated>,
}

/// The totals of a document as `ProjectLedger` states them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Stated {
    pub(crate) currency: Currency,
    pub(crate) tax: Amount,
    pub(crate) gross: Amount,
}

impl Stated {
    pub(crate) const fn of(body: &Body) -> Option<Self> {
        match body {
            Body::Invoice(i) => Some(Self {
                currency: i.currency,
                tax: i.totals.tax,
                gross: i.totals.gross,
            }),
            Body::CreditNote(n) => Some(Self {
                currency: n.currency,
                tax: n.totals.tax,
                gross: n.totals.gross,
            }),
            Body::Client(_)
            | Body::Payment(_)
            | Body::TaxRate(_)
            | Body::Refund(_)
            | Body::WriteOff(_)
            | Body::Product(_) => None,
        }
    }
}

/// One effect ready to be attempted.
pub(crate) struct Work {
    pub(crate) claimed: Claimed,
    pub(crate) planned: Planned,
    pub(crate) effect: EffectId,
    pub(crate) marker: Marker,
    pub(crate) attempt: AttemptId,
}

impl Work {
    /// Uses the effect's newest generation, or makes the first. What we ended ourselves is not created again
    /// under its old mark: that begins a new generation.
    pub(crate) fn new(item: Taken, planned: Planned, known: &Known, installation: &str) -> Self {
        let claimed = item.claimed;
        let step = &planned.step;
        let newest = claimed
            .effects
            .iter()
            .filter(|row| row.kind == step.effect.kind && row.part == step.effect.part)
            .max_by_key(|row| row.generation);
        let link = known
            .links
            .get(claimed.kind, &claimed.source_id, &step.effect);
        let (effect, generation) = match newest {
            None => (EffectId::fresh(), 1),
            Some(row) if step.operation == Operation::Create && has_ended(link, row) => {
                (EffectId::fresh(), row.generation + 1)
            }
            Some(row) => (row.id, row.generation),
        };
        let marker = Marker {
            installation: installation.to_owned(),
            effect,
            generation,
        };
        Self {
            claimed,
            planned,
            effect,
            marker,
            attempt: AttemptId::fresh(),
        }
    }
}

/// Whether this very generation was ended by us.
fn has_ended(link: Option<&Link>, row: &EffectRow) -> bool {
    link.is_some_and(|link| link.effect_id == row.id && link.state == LinkState::Ended)
}

/// Stored links in the words of the kit.
pub(crate) fn links_of(rows: Vec<LinkRow>) -> Result<Links, StoreError> {
    let mut links = Links::default();
    for row in rows {
        let state = LinkState::from_stored(&row.state)
            .ok_or_else(|| StoreError::Damaged(format!("link state {}", row.state)))?;
        let link = Link {
            effect_id: row.effect.id,
            external_id: row.external_id,
            revision: row.revision,
            fingerprint: row.fingerprint,
            state,
        };
        let effect = Effect {
            kind: row.effect.kind,
            part: row.effect.part,
        };
        links.insert(row.kind, row.source_id, effect, link);
    }
    Ok(links)
}
