//! From claimed items to calls: plan, read what must be known, group what goes together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use model::{
    Body, DocumentKind, EffectId, Failure, FailureKind, ItemState, Lane, Operation, SourceId,
};
use provider_kit::{Current, CurrentState, Effect, External, LinkState, Links, Need, Plan, View};
use store::StoreError;
use store::claim::{Claimed, LinkRow, SUSPECT};
use store::record::{self, ItemMove, Next};

use crate::Inner;
use crate::outcome::{Halt, next_after, seed, stored_landed};
use crate::work::{Books, Planned, Stated, Taken, Work, links_of, moved};

/// At most this many live documents go one by one, side by side; more go in a batch.
const SINGLE_CALLS: usize = 4;

/// Workers that may stop in the middle of a document before it is given up. A lease that lapses (a frozen process, a
/// slow database) looks like a crash, so an innocent document needs room for a few of those in a row; what is
/// poison runs alone from the second on, so that the rest costs nobody else anything.
pub(crate) const MOST_CRASHES: u32 = 5;

/// Ids of objects that we changed lately, with how long a read may still lag behind that.
type Young = HashMap<String, Duration>;

/// What is to be done with the items of a claim.
#[derive(Default)]
pub(crate) struct Prepared {
    /// Each inner list is one call.
    pub(crate) calls: Vec<Vec<Work>>,
    /// Items that go somewhere without a call.
    pub(crate) moves: Vec<ItemMove>,
    /// The whole books should pause.
    pub(crate) halt: Option<Halt>,
}

impl Inner {
    /// Plans claimed items that have no open call.
    pub(crate) async fn prepare(
        &self,
        books: &Books,
        claimed: Vec<Claimed>,
    ) -> Result<Prepared, StoreError> {
        let mut prepared = Prepared::default();
        let mut taken = Vec::with_capacity(claimed.len());
        for each in claimed {
            match Taken::read(each) {
                Ok(item) => taken.push(item),
                Err(unread) => {
                    let (claimed, error) = *unread;
                    prepared.moves.push(moved(&claimed, unreadable(&error)));
                }
            }
        }
        let rows = self.store.links(&books.held, &wanted_links(&taken)).await?;
        let young = self.young(&rows);
        let links = links_of(rows)?;
        let (first_reads, mut works) =
            self.plan_all(books, &links, taken, &HashMap::new(), &mut prepared);
        if !first_reads.is_empty() {
            works.extend(
                self.read_and_plan(books, &links, (&young, first_reads), &mut prepared)
                    .await,
            );
        }
        prepared.calls = self.group(works);
        Ok(prepared)
    }

    /// Plans each; answers those that must be read first, and those ready.
    fn plan_all(
        &self,
        books: &Books,
        links: &Links,
        taken: Vec<Taken>,
        current: &HashMap<model::ItemId, CurrentState>,
        prepared: &mut Prepared,
    ) -> (Vec<(Taken, Effect, External)>, Vec<Work>) {
        let mut reads = Vec::new();
        let mut works = Vec::new();
        for item in taken {
            let known = current.get(&item.claimed.item);
            if let Some((effect, external)) = must_look(&item, links).filter(|_| known.is_none()) {
                reads.push((item, effect, external));
                continue;
            }
            let view = View {
                document: &item.document,
                settings: &books.settings,
                books: &books.facts,
                links,
                current: known,
            };
            match self.provider.plan(&view) {
                Plan::Steps(steps) => {
                    let is_last = steps.len() == 1;
                    match steps.into_iter().next() {
                        None => {
                            let seen = known.and_then(|state| seen(&item, links, state));
                            let done = moved(&item.claimed, finished(ItemState::Done, None));
                            prepared.moves.push(ItemMove { seen, ..done });
                        }
                        Some(step) => {
                            let stated = Stated::of(&item.document.body);
                            let planned = Planned {
                                step,
                                is_last,
                                stated,
                            };
                            works.push(Work::new(item.claimed, planned, &books.installation));
                        }
                    }
                }
                Plan::Skip(why) => {
                    prepared.moves.push(moved(
                        &item.claimed,
                        finished(ItemState::Skipped, Some(why.to_owned())),
                    ));
                }
                Plan::Refused(failure) => {
                    let (next, halt) = self.after(&item.claimed, &failure);
                    prepared.halt = prepared.halt.take().or(halt);
                    prepared.moves.push(moved(&item.claimed, next));
                }
                Plan::Needs(needs) => match first_need(needs) {
                    Some(Need::Current { effect, external }) => {
                        reads.push((item, effect, external));
                    }
                    Some(Need::Document { kind, id }) => {
                        prepared
                            .moves
                            .push(moved(&item.claimed, wait_for(kind, id)));
                    }
                    None => prepared.moves.push(moved(&item.claimed, no_need())),
                },
            }
        }
        (reads, works)
    }

    /// One read per effect kind and batch, then the plans with what was read.
    async fn read_and_plan(
        &self,
        books: &Books,
        links: &Links,
        (young, reads): (&Young, Vec<(Taken, Effect, External)>),
        prepared: &mut Prepared,
    ) -> Vec<Work> {
        let mut by_effect: BTreeMap<String, Vec<(Taken, Effect, External)>> = BTreeMap::new();
        for read in reads {
            by_effect.entry(read.1.kind.clone()).or_default().push(read);
        }
        let mut works = Vec::new();
        for group in by_effect.into_values() {
            let targets: Vec<External> = group
                .iter()
                .map(|(_, _, external)| external.clone())
                .collect();
            let Some((_, effect, _)) = group.first() else {
                continue;
            };
            let found = match self.read_current(books, effect, &targets).await {
                Ok(found) => found,
                Err(failure) => {
                    for (item, _, _) in &group {
                        let (next, halt) = self.after(&item.claimed, &failure);
                        prepared.halt = prepared.halt.take().or(halt);
                        prepared.moves.push(moved(&item.claimed, next));
                    }
                    continue;
                }
            };
            let mut current = HashMap::new();
            let mut taken = Vec::new();
            for (item, _, external) in group {
                if let Some(wait) = lags_behind(&found, &external, young) {
                    prepared.moves.push(moved(&item.claimed, read_later(wait)));
                    continue;
                }
                current.insert(item.claimed.item, state_of(&found, &external));
                taken.push(item);
            }
            let (unsettled, done) = self.plan_all(books, links, taken, &current, prepared);
            // A plan that asks for the same read again would ask for ever.
            prepared.moves.extend(
                unsettled
                    .iter()
                    .map(|(item, _, _)| moved(&item.claimed, no_need())),
            );
            works.extend(done);
        }
        works
    }

    /// Objects that we changed so lately that a read may not show it yet, and for how much longer.
    fn young(&self, links: &[LinkRow]) -> Young {
        let lag = self
            .provider
            .descriptor()
            .lookup_lag
            .min(self.policy.settle);
        links
            .iter()
            // An echo's link was written without looking, and not for a change of ours.
            .filter(|link| link.written_ago < lag && !link.revision.is_empty())
            .map(|link| {
                (
                    link.external_id.clone(),
                    lag.saturating_sub(link.written_ago),
                )
            })
            .collect()
    }

    fn after(&self, claimed: &Claimed, failure: &Failure) -> (Next, Option<Halt>) {
        let item = moved(claimed, Next::More);
        next_after(failure, claimed.attempts, &self.policy, seed(&item))
    }

    /// Calls of one kind and operation, in the provider's batch size; a few live documents go side by side.
    fn group(&self, works: Vec<Work>) -> Vec<Vec<Work>> {
        let mut groups: BTreeMap<(DocumentKind, &'static str, bool), Vec<Work>> = BTreeMap::new();
        for work in works {
            let is_suspect = work.claimed.crash_count >= SUSPECT;
            groups
                .entry((
                    work.claimed.kind,
                    work.planned.step.operation.as_str(),
                    is_suspect,
                ))
                .or_default()
                .push(work);
        }
        let mut calls = Vec::new();
        for ((kind, operation, is_suspect), group) in groups {
            let operation = Operation::from_stored(operation).unwrap_or(Operation::Create);
            let is_small =
                group.len() <= SINGLE_CALLS && group.iter().all(|w| w.claimed.lane == Lane::Live);
            let most = if is_small || is_suspect {
                1
            } else {
                (self.provider.descriptor().batch_size)(kind, operation).max(1)
            };
            let mut rest = group.into_iter();
            loop {
                let call: Vec<Work> = rest.by_ref().take(most).collect();
                if call.is_empty() {
                    break;
                }
                calls.push(call);
            }
        }
        calls
    }
}

/// An item that must look first, with the object to look at: its newest link.
fn must_look(item: &Taken, links: &Links) -> Option<(Effect, External)> {
    if !item.claimed.look_first {
        return None;
    }
    let row = item
        .claimed
        .effects
        .iter()
        .filter(|e| e.part.is_empty())
        .max_by_key(|e| e.generation)?;
    let effect = Effect {
        kind: row.kind.clone(),
        part: row.part.clone(),
    };
    let link = links.get(item.claimed.kind, &item.claimed.source_id, &effect)?;
    Some((
        effect,
        External {
            id: link.external_id.clone(),
            revision: link.revision.clone(),
        },
    ))
}

/// What was just read of the item's object, for its link: a person may have made the books agree.
fn seen(item: &Taken, links: &Links, state: &CurrentState) -> Option<(EffectId, record::Landed)> {
    let row = item
        .claimed
        .effects
        .iter()
        .filter(|e| e.part.is_empty())
        .max_by_key(|e| e.generation)?;
    let effect = Effect {
        kind: row.kind.clone(),
        part: row.part.clone(),
    };
    let link = links.get(item.claimed.kind, &item.claimed.source_id, &effect)?;
    Some((
        row.id,
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
        },
    ))
}

/// A read that does not show the revision we last saw may lag behind our own change: until the lag is over it
/// proves neither a person's edit nor a deletion. Answers how long to wait.
fn lags_behind(found: &[Current], external: &External, young: &Young) -> Option<Duration> {
    let wait = young.get(&external.id)?;
    let shows_ours = found.iter().any(|current| {
        current.landed.external_id == external.id && current.landed.revision == external.revision
    });
    (!shows_ours).then_some(*wait)
}

fn read_later(after: Duration) -> Next {
    let failure = Failure::new(
        FailureKind::Unreachable,
        "READ_LAGS",
        "The books do not show Tieout's own last change yet; they are read again by themselves.",
    );
    Next::Later { after, failure }
}

fn state_of(found: &[Current], external: &External) -> CurrentState {
    found
        .iter()
        .find(|current| current.landed.external_id == external.id)
        .map_or(CurrentState::NotThere, |current| {
            CurrentState::There(current.clone())
        })
}

/// The documents whose links planning will ask for.
fn wanted_links(taken: &[Taken]) -> BTreeSet<(DocumentKind, SourceId)> {
    let mut wanted = BTreeSet::new();
    for item in taken {
        wanted.insert((item.claimed.kind, item.claimed.source_id.clone()));
        match &item.document.body {
            Body::Client(_) | Body::TaxRate(_) => {}
            Body::Invoice(invoice) => {
                wanted.insert((DocumentKind::Client, invoice.client.id.clone()));
            }
            Body::Payment(payment) => {
                wanted.insert((DocumentKind::Client, payment.client.id.clone()));
                wanted.extend(
                    payment
                        .allocations
                        .iter()
                        .map(|a| (DocumentKind::Invoice, a.invoice_id.clone())),
                );
            }
            Body::CreditNote(note) => {
                wanted.insert((DocumentKind::Client, note.client.id.clone()));
                wanted.extend(
                    note.allocations
                        .iter()
                        .map(|a| (DocumentKind::Invoice, a.invoice_id.clone())),
                );
            }
            Body::Refund(refund) => {
                wanted.insert((DocumentKind::Client, refund.client.id.clone()));
            }
            Body::WriteOff(off) => {
                wanted.insert((DocumentKind::Invoice, off.invoice_id.clone()));
            }
        }
    }
    wanted
}

/// Documents first: what must be in the books before a read makes sense.
fn first_need(needs: Vec<Need>) -> Option<Need> {
    let (documents, others): (Vec<_>, Vec<_>) = needs
        .into_iter()
        .partition(|n| matches!(n, Need::Document { .. }));
    documents.into_iter().chain(others).next()
}

const fn finished(state: ItemState, reason: Option<String>) -> Next {
    Next::Finished { state, reason }
}

fn wait_for(kind: DocumentKind, id: SourceId) -> Next {
    let failure = Failure::new(
        FailureKind::DependencyMissing,
        "WAITS_FOR_DOCUMENT",
        format!(
            "waits for {} {id}, which is not in the books yet",
            kind.as_str().to_lowercase().replace('_', " ")
        ),
    );
    Next::Park {
        owner: failure.owner,
        failure,
        waits_for: Some((kind, id)),
    }
}

fn no_need() -> Next {
    let failure = Failure::new(
        FailureKind::Defect,
        "PLAN_GOES_NOWHERE",
        "The plan of this document cannot be made; an operator must look.",
    );
    Next::GiveUp {
        owner: failure.owner,
        failure,
    }
}

fn unreadable(error: &serde_json::Error) -> Next {
    let failure = Failure::new(
        FailureKind::Defect,
        "DOCUMENT_UNREADABLE",
        "The stored document cannot be read back; an operator must look.",
    )
    .with_detail(error.to_string());
    Next::GiveUp {
        owner: failure.owner,
        failure,
    }
}

pub(crate) fn crash_loop() -> Next {
    let failure = Failure::new(
        FailureKind::Defect,
        "CRASH_LOOP",
        "Five workers stopped while working on this document. An operator must look before it is tried again.",
    );
    Next::GiveUp {
        owner: failure.owner,
        failure,
    }
}
