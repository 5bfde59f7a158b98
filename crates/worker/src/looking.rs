//! Reads that plans ask for: in rounds, shared by all items of a claim, in as few requests as possible.
//!
//! What was read of one object is known to every plan of the claim. A read that may lag behind our own change
//! proves nothing: its item is read again later.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use model::{EffectId, Failure, FailureKind, Operation};
use provider_kit::{CurrentState, Currents, Effect, External, Link, LinkState, Links, Step};
use store::StoreError;
use store::claim::LinkRow;
use store::record::{self, Next};

use crate::Inner;
use crate::outcome::stored_landed;
use crate::prepare::Prepared;
use crate::work::{Books, Taken, links_of, moved};

/// An object to be read: its effect kind, and its id with the revision we last saw.
pub(crate) type Wish = (String, External);

/// What is known of the books while the items of one claim are planned.
pub(crate) struct Known {
    /// Links of the items and of what they name.
    pub(crate) links: Links,
    /// What was read so far.
    pub(crate) currents: Currents,
    /// Objects, by effect kind and id, that we changed so lately that a read may not show it yet, and for how
    /// much longer.
    young: HashMap<(String, String), Duration>,
}

impl Known {
    /// From stored links; `lag` is how long reads may lag behind a change.
    pub(crate) fn new(rows: Vec<LinkRow>, lag: Duration) -> Result<Self, StoreError> {
        let young = rows
            .iter()
            // An echo's link was written without looking, and not for a change of ours.
            .filter(|link| link.written_ago < lag && !link.revision.is_empty())
            .map(|link| {
                let object = (link.effect.kind.clone(), link.external_id.clone());
                (object, lag.saturating_sub(link.written_ago))
            })
            .collect();
        Ok(Self {
            links: links_of(rows)?,
            currents: Currents::default(),
            young,
        })
    }

    /// The object that an item must look at before anything else: that of its newest main effect.
    pub(crate) fn must_look(&self, item: &Taken) -> Option<Wish> {
        if !item.claimed.look_first {
            return None;
        }
        let row = item
            .claimed
            .effects
            .iter()
            .filter(|e| e.part.is_empty())
            .max_by_key(|e| e.generation)?;
        let effect = Effect::main(&row.kind);
        let link = self
            .links
            .get(item.claimed.kind, &item.claimed.source_id, &effect)?;
        let is_read = self.currents.get(&row.kind, &link.external_id).is_some();
        (!is_read).then(|| {
            let external = External {
                id: link.external_id.clone(),
                revision: link.revision.clone(),
            };
            (effect.kind, external)
        })
    }

    /// What was read of the item's own objects, for their links: a person may have made the books agree.
    pub(crate) fn seen(&self, item: &Taken) -> Vec<(EffectId, record::Landed)> {
        self.own(item)
            .filter_map(|(effect, link)| {
                let state = self.currents.get(&effect.kind, &link.external_id)?;
                Some((link.effect_id, seen_landed(link, state)))
            })
            .collect()
    }

    /// What became of the item's own objects that were just read, where it is not what their links say. Only the
    /// state: revision and fingerprint are what we last agreed to, and tell a person's change from ours.
    pub(crate) fn changed_states(&self, item: &Taken) -> Vec<(EffectId, &'static str)> {
        self.own(item)
            .filter_map(|(effect, link)| {
                let state = match self.currents.get(&effect.kind, &link.external_id)? {
                    CurrentState::There(current) => current.state,
                    CurrentState::NotThere => LinkState::Gone,
                };
                (state != link.state).then(|| (link.effect_id, state.as_str()))
            })
            .collect()
    }

    /// Whether effects of the item that no step is about are in the books.
    pub(crate) fn rest_is_done(&self, item: &Taken, steps: &[Step]) -> bool {
        self.own(item).any(|(effect, link)| {
            link.state == LinkState::Active && !steps.iter().any(|step| step.effect == *effect)
        })
    }

    fn own<'a>(&'a self, item: &'a Taken) -> impl Iterator<Item = (&'a Effect, &'a Link)> {
        self.links.of(item.claimed.kind, &item.claimed.source_id)
    }

    /// How long until a read of the wanted objects proves something for this item. One of its own must show the
    /// revision we last saw, or it may not show our change yet: until the lag is over that proves neither a
    /// person's edit nor a deletion. Another document's must only be there: payments and credits change its
    /// revision without us.
    fn lags(&self, item: &Taken, wishes: &[Wish]) -> Option<Duration> {
        let lagging = wishes.iter().filter_map(|(kind, external)| {
            let wait = self.young.get(&(kind.clone(), external.id.clone()))?;
            let is_own = self
                .own(item)
                .any(|(effect, link)| effect.kind == *kind && link.external_id == external.id);
            let proves = match self.currents.get(kind, &external.id) {
                Some(CurrentState::There(current)) => {
                    !is_own || current.landed.revision == external.revision
                }
                Some(CurrentState::NotThere) | None => false,
            };
            (!proves).then_some(*wait)
        });
        lagging.max()
    }
}

impl Inner {
    /// How long reads may lag behind a change.
    pub(crate) fn lag(&self) -> Duration {
        self.provider
            .descriptor()
            .lookup_lag
            .min(self.policy.settle)
    }

    /// Reads what is wished for and was not read yet. Answers the items to be planned again; what could not be
    /// read, or proves nothing yet, goes where that leads.
    pub(crate) async fn read_round(
        &self,
        books: &Books,
        known: &mut Known,
        wishes: Vec<(Taken, Vec<Wish>)>,
        prepared: &mut Prepared,
    ) -> Vec<Taken> {
        let failures = self.read_all(books, known, &wishes).await;
        let mut again = Vec::with_capacity(wishes.len());
        for (item, wanted) in wishes {
            let failed = wanted
                .iter()
                .find_map(|(kind, external)| failures.get(&(kind.clone(), external.id.clone())));
            if let Some(failure) = failed {
                let (next, halt) = self.after(&item.claimed, failure);
                prepared.halt = prepared.halt.take().or(halt);
                prepared.moves.push(moved(&item.claimed, next));
            } else if let Some(wait) = known.lags(&item, &wanted) {
                prepared.moves.push(moved(&item.claimed, read_later(wait)));
            } else {
                again.push(item);
            }
        }
        again
    }

    /// Each object once, by effect kind, at most `read_size` in one request. Answers which could not be read.
    async fn read_all(
        &self,
        books: &Books,
        known: &mut Known,
        wishes: &[(Taken, Vec<Wish>)],
    ) -> HashMap<(String, String), Failure> {
        let mut by_kind: BTreeMap<&str, Vec<External>> = BTreeMap::new();
        let mut asked = HashSet::new();
        for (kind, external) in wishes.iter().flat_map(|(_, wanted)| wanted) {
            let is_read = known.currents.get(kind, &external.id).is_some();
            if !is_read && asked.insert((kind, &external.id)) {
                by_kind.entry(kind).or_default().push(external.clone());
            }
        }
        let mut failures = HashMap::new();
        let most = self.provider.descriptor().read_size.max(1);
        for (kind, targets) in by_kind {
            for targets in targets.chunks(most) {
                match self.read_current(books, kind, targets).await {
                    Ok(found) => {
                        for target in targets {
                            let current = found.iter().find(|c| c.landed.external_id == target.id);
                            let state =
                                current.cloned().map_or(CurrentState::NotThere, |current| {
                                    CurrentState::There(current)
                                });
                            known.currents.insert(kind, &target.id, state);
                        }
                    }
                    Err(failure) => failures.extend(
                        targets
                            .iter()
                            .map(|target| ((kind.to_owned(), target.id.clone()), failure.clone())),
                    ),
                }
            }
        }
        failures
    }
}

fn seen_landed(link: &Link, state: &CurrentState) -> record::Landed {
    match state {
        CurrentState::There(current) => record::Landed {
            state: current.state.as_str(),
            ..stored_landed(&current.landed, Operation::Update)
        },
        CurrentState::NotThere => record::Landed {
            external_id: link.external_id.clone(),
            revision: link.revision.clone(),
            fingerprint: link.fingerprint.clone(),
            state: LinkState::Gone.as_str(),
            currency: None,
            tax: None,
            gross: None,
        },
    }
}

fn read_later(after: Duration) -> Next {
    let failure = Failure::new(
        FailureKind::Unreachable,
        "READ_LAGS",
        "The books do not show Tieout's own last change yet; they are read again by themselves.",
    );
    Next::Later { after, failure }
}
