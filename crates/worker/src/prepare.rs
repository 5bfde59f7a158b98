//! From claimed items to calls: plan, read what must be known, group what goes together.

use std::collections::{BTreeMap, BTreeSet};

use model::document::{Line, Product};
use model::{
    Body, DocumentKind, EffectId, Failure, FailureKind, ItemState, Lane, Operation, SourceId,
    SyncSettings,
};
use provider_kit::{Need, Plan, View};
use store::StoreError;
use store::claim::{Claimed, SUSPECT};
use store::record::{self, ItemMove, Next};

use crate::Inner;
use crate::looking::{Known, Wish};
use crate::outcome::{Halt, next_after, seed};
use crate::work::{Books, Planned, Stated, Taken, Work, moved};

/// At most this many live documents go one by one, side by side; more go in a batch.
const SINGLE_CALLS: usize = 4;

/// Workers that may stop in the middle of a document before it is given up. A lease that lapses (a frozen process, a
/// slow database) looks like a crash, so an innocent document needs room for a few of those in a row; what is
/// poison runs alone from the second on, so that the rest costs nobody else anything.
pub(crate) const MOST_CRASHES: u32 = 5;

/// Rounds of reads that a plan may ask for: its own objects, then what these point to, then one more.
const MOST_READ_ROUNDS: usize = 3;

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

/// Where one item goes after planning.
enum Ahead {
    /// Something must be read first.
    Read(Vec<Wish>),
    /// Somewhere, without a call.
    Move(Next),
    /// Where a refusal leads; what was read of its own objects may be the reason.
    Refuse(Next),
    /// Nothing is left to do; what was read of its own objects is what their links say from now on.
    Finish(Vec<(EffectId, record::Landed)>),
    /// A step is to be brought about.
    Send(Box<Planned>),
}

impl Inner {
    /// Plans claimed items that have no open call, with as many rounds of reads as plans may ask for.
    pub(crate) async fn prepare(
        &self,
        books: &Books,
        claimed: Vec<Claimed>,
    ) -> Result<Prepared, StoreError> {
        let mut prepared = Prepared::default();
        let mut asking = Vec::with_capacity(claimed.len());
        for each in claimed {
            match Taken::read(each) {
                Ok(item) => asking.push(item),
                Err(unread) => {
                    let (claimed, error) = *unread;
                    prepared.moves.push(moved(&claimed, unreadable(&error)));
                }
            }
        }
        let rows = self
            .store
            .links(&books.held, &wanted_links(&asking, &books.settings))
            .await?;
        let mut known = Known::new(rows, self.lag())?;
        let mut works = Vec::new();
        for round in 0..=MOST_READ_ROUNDS {
            let wishes = self.plan_all(books, &known, asking, &mut prepared, &mut works);
            asking = if round == MOST_READ_ROUNDS {
                let endless = wishes
                    .iter()
                    .map(|(item, _)| moved(&item.claimed, no_need()));
                prepared.moves.extend(endless);
                Vec::new()
            } else {
                self.read_round(books, &mut known, wishes, &mut prepared)
                    .await
            };
            if asking.is_empty() {
                break;
            }
        }
        prepared.calls = self.group(works);
        Ok(prepared)
    }

    /// Plans each; answers those that something must be read for.
    fn plan_all(
        &self,
        books: &Books,
        known: &Known,
        items: Vec<Taken>,
        prepared: &mut Prepared,
        works: &mut Vec<Work>,
    ) -> Vec<(Taken, Vec<Wish>)> {
        let mut wishes = Vec::new();
        for item in items {
            match self.plan_one(books, known, &item, prepared) {
                Ahead::Read(wanted) => wishes.push((item, wanted)),
                Ahead::Move(next) => prepared.moves.push(moved(&item.claimed, next)),
                Ahead::Refuse(next) => {
                    let states = known.changed_states(&item);
                    let refused = moved(&item.claimed, next);
                    prepared.moves.push(ItemMove { states, ..refused });
                }
                Ahead::Finish(seen) => {
                    let done = moved(&item.claimed, finished(ItemState::Done, None));
                    prepared.moves.push(ItemMove { seen, ..done });
                }
                Ahead::Send(planned) => {
                    works.push(Work::new(item, *planned, known, &books.installation));
                }
            }
        }
        wishes
    }

    fn plan_one(
        &self,
        books: &Books,
        known: &Known,
        item: &Taken,
        prepared: &mut Prepared,
    ) -> Ahead {
        if let Some(why) = books.settings.switched_off(item.claimed.kind) {
            return Ahead::Move(finished(ItemState::Skipped, Some(why.to_owned())));
        }
        if let Some(wish) = known.must_look(item) {
            return Ahead::Read(vec![wish]);
        }
        let view = View {
            document: &item.document,
            settings: &books.settings,
            books: &books.facts,
            links: &known.links,
            currents: &known.currents,
            references: &books.references,
        };
        match self.provider.plan(&view) {
            Plan::Steps(steps) => {
                let (is_last, rest_is_done) = (steps.len() == 1, known.rest_is_done(item, &steps));
                let Some(step) = steps.into_iter().next() else {
                    return Ahead::Finish(known.seen(item));
                };
                // A part, such as what sets a credit note against an invoice, has totals of its own.
                let is_main = step.effect.part.is_empty();
                Ahead::Send(Box::new(Planned {
                    step,
                    is_last,
                    rest_is_done,
                    stated: Stated::of(&item.document.body).filter(|_| is_main),
                }))
            }
            Plan::Skip(why) => Ahead::Move(finished(ItemState::Skipped, Some(why.to_owned()))),
            Plan::Refused(failure) => {
                let (next, halt) = self.after(&item.claimed, &failure);
                prepared.halt = prepared.halt.take().or(halt);
                Ahead::Refuse(next)
            }
            Plan::Needs(needs) => wanted(needs, known),
        }
    }

    pub(crate) fn after(&self, claimed: &Claimed, failure: &Failure) -> (Next, Option<Halt>) {
        let item = moved(claimed, Next::More);
        next_after(failure, claimed.attempts, &self.policy, seed(&item))
    }

    /// Calls of one document kind, effect kind and operation, in the provider's batch size; a few live documents
    /// go side by side.
    fn group(&self, works: Vec<Work>) -> Vec<Vec<Work>> {
        let mut groups: BTreeMap<(DocumentKind, String, &'static str, bool), Vec<Work>> =
            BTreeMap::new();
        for work in works {
            let step = &work.planned.step;
            let key = (
                work.claimed.kind,
                step.effect.kind.clone(),
                step.operation.as_str(),
                work.claimed.crash_count >= SUSPECT,
            );
            groups.entry(key).or_default().push(work);
        }
        let mut calls = Vec::new();
        for ((_, effect_kind, operation, is_suspect), group) in groups {
            let operation = Operation::from_stored(operation).unwrap_or(Operation::Create);
            let is_small =
                group.len() <= SINGLE_CALLS && group.iter().all(|w| w.claimed.lane == Lane::Live);
            let most = if is_small || is_suspect {
                1
            } else {
                (self.provider.descriptor().batch_size)(&effect_kind, operation).max(1)
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

/// The products of some lines, where items are made of them.
fn products<'a>(
    lines: &'a [Line],
    settings: &'a SyncSettings,
) -> impl Iterator<Item = (DocumentKind, SourceId)> + 'a {
    lines
        .iter()
        .filter_map(|line| line.product_code.as_deref())
        .filter(|code| settings.create_items && !settings.item_ids.contains_key(*code))
        .map(|code| (DocumentKind::Product, Product::id_of(code)))
}

/// What a plan needs: documents first, since what is not in the books cannot be read; then reads that were not
/// made yet. A plan that asks again for what was read would ask for ever.
fn wanted(needs: Vec<Need>, known: &Known) -> Ahead {
    let mut wishes = Vec::new();
    for need in needs {
        match need {
            Need::Document { kind, id } => return Ahead::Move(wait_for(kind, id)),
            Need::Current { effect, external } => {
                let is_read = known.currents.get(&effect.kind, &external.id).is_some();
                let wish = (effect.kind, external);
                if !is_read && !wishes.contains(&wish) {
                    wishes.push(wish);
                }
            }
        }
    }
    if wishes.is_empty() {
        Ahead::Move(no_need())
    } else {
        Ahead::Read(wishes)
    }
}

/// The documents whose links planning will ask for.
fn wanted_links(taken: &[Taken], settings: &SyncSettings) -> BTreeSet<(DocumentKind, SourceId)> {
    let mut wanted = BTreeSet::new();
    for item in taken {
        wanted.insert((item.claimed.kind, item.claimed.source_id.clone()));
        // Parts are named after invoices; one that the document no longer names may have to be ended.
        let parts = item
            .claimed
            .effects
            .iter()
            .filter_map(|e| e.part.parse().ok());
        wanted.extend(parts.map(|invoice| (DocumentKind::Invoice, invoice)));
        match &item.document.body {
            Body::Client(_) | Body::TaxRate(_) | Body::Product(_) => {}
            Body::Invoice(invoice) => {
                wanted.insert((DocumentKind::Client, invoice.client.id.clone()));
                wanted.extend(products(&invoice.lines, settings));
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
                wanted.extend(products(&note.lines, settings));
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
