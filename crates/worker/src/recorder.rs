//! The recorder: intents, raw replies and results of all lanes of a process, committed in groups.
//!
//! A lane waits for its own commit before it sends or goes on. When a group fails, its units are committed
//! one by one, so that one strange element cannot hold up its neighbours. A commit whose answer was lost is
//! not known: intents are read back by the id their maker chose, everything else is simply repeated, since
//! outcomes are written once.

use std::time::Duration;

use model::{Failure, FailureKind};
use store::intent::Intended;
use store::record::{Element, ItemMove, Next, Outcome, Record, Recorded};
use store::units::{Unit, Unitary};
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::metrics;

/// Most units in one transaction; more wait for the next.
const GROUP: usize = 64;
/// Units waiting before lanes wait to hand in.
const QUEUE: usize = 1_024;
/// Tries at recording what is known before the lane is told; about a minute with the pauses.
const TRIES: u32 = 60;
/// Between two tries while the database does not answer.
const PAUSE: Duration = Duration::from_secs(1);

type Answer = oneshot::Sender<Result<Unitary, StoreError>>;

#[derive(Clone)]
pub(crate) struct Recorder {
    units: mpsc::Sender<(Unit, Answer)>,
}

impl Recorder {
    pub(crate) fn start(store: Store) -> Self {
        let (units, queue) = mpsc::channel(QUEUE);
        tokio::spawn(commit_groups(store, queue));
        Self { units }
    }

    /// Hands a unit in and waits until it is committed.
    pub(crate) async fn commit(&self, unit: Unit) -> Result<Unitary, StoreError> {
        let (answer, committed) = oneshot::channel();
        let gone = || StoreError::Missing("the recorder has stopped".to_owned());
        self.units.send((unit, answer)).await.map_err(|_| gone())?;
        committed.await.map_err(|_| gone())?
    }
}

async fn commit_groups(store: Store, mut queue: mpsc::Receiver<(Unit, Answer)>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        // Leases are locked in key order, here and in every other process.
        group.sort_by_key(|(unit, _)| unit.books());
        let (units, answers): (Vec<Unit>, Vec<Answer>) = group.drain(..).unzip();
        metrics::GROUP_SIZE.record_count((), units.len());
        let outcomes = match store.commit_units(&units).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(_) => commit_singly(&store, &units).await,
        };
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // A lane that has gone away needs no answer.
            let _ = answer.send(outcome);
        }
    }
}

async fn commit_singly(store: &Store, units: &[Unit]) -> Vec<Result<Unitary, StoreError>> {
    let mut outcomes = Vec::with_capacity(units.len());
    for unit in units {
        outcomes.push(match unit {
            Unit::Intent(_) => commit_intent(store, unit).await,
            Unit::Record(record) => match commit_known(store, unit).await {
                Err(error) if !error.is_connection() => isolate(store, record, &error).await,
                outcome => outcome,
            },
            Unit::Reply(_) | Unit::Moves { .. } => commit_known(store, unit).await,
        });
    }
    outcomes
}

/// An intent is committed or read back; what cannot be read back is not sent. If the group's commit had gone through
/// and only its answer was lost, the intent made again is refused for its own attempt.
async fn commit_intent(store: &Store, unit: &Unit) -> Result<Unitary, StoreError> {
    let Unit::Intent(intent) = unit else {
        return Err(StoreError::Damaged("not an intent".to_owned()));
    };
    let again = store
        .commit_units(std::slice::from_ref(unit))
        .await
        .and_then(|mut outcomes| {
            outcomes
                .pop()
                .ok_or_else(|| StoreError::Damaged("no outcome".to_owned()))
        });
    if let Ok(outcome) = &again
        && !matches!(outcome, Unitary::Intended(Intended::Refused(_)))
    {
        return again;
    }
    let read = store.call_is_committed(intent.held.account, intent.call);
    match read.await {
        Ok(Some(opened_at)) => Ok(Unitary::Intended(Intended::Committed { opened_at })),
        Ok(None) | Err(_) => again,
    }
}

/// What is known is recorded however long the database takes, within reason.
async fn commit_known(store: &Store, unit: &Unit) -> Result<Unitary, StoreError> {
    let mut tries = 0;
    loop {
        match store.commit_units(std::slice::from_ref(unit)).await {
            Ok(mut outcomes) => {
                return outcomes
                    .pop()
                    .ok_or_else(|| StoreError::Damaged("no outcome".to_owned()));
            }
            Err(error) if tries < TRIES && (error.is_transient() || error.is_connection()) => {
                tries += 1;
                tracing::warn!(
                    tries,
                    "a result could not be recorded yet: {}",
                    runtime::chain(&error)
                );
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// One strange element cannot roll back its neighbours: each is recorded by itself. What cannot be recorded is
/// given up with its attempt open, so that it is looked up before anything is sent again.
async fn isolate(
    store: &Store,
    record: &Record,
    error: &StoreError,
) -> Result<Unitary, StoreError> {
    tracing::error!(
        "a call's results are recorded one by one: {}",
        runtime::chain(error)
    );
    let mut done = Recorded::default();
    let mut all_recorded = true;
    for element in &record.elements {
        let alone = |element: Element| {
            let elements = vec![element];
            Unit::Record(Box::new(Record {
                close: None,
                elements,
                ..record.clone()
            }))
        };
        let outcome = match commit_known(store, &alone(element.clone())).await {
            Err(error) if !error.is_connection() => {
                all_recorded = false;
                commit_known(store, &alone(given_up(element, &error))).await?
            }
            outcome => outcome?,
        };
        if let Unitary::Recorded(each) = outcome {
            done.written += each.written;
            done.late += each.late;
        }
    }
    if all_recorded && record.close.is_some() {
        let close = Record {
            elements: Vec::new(),
            ..record.clone()
        };
        commit_known(store, &Unit::Record(Box::new(close))).await?;
    }
    Ok(Unitary::Recorded(done))
}

fn given_up(element: &Element, error: &StoreError) -> Element {
    let failure = Failure::new(
        FailureKind::Defect,
        "NOT_RECORDED",
        "What the provider answered for this document could not be recorded. An operator must look before it is \
         tried again.",
    )
    .with_detail(runtime::chain(error));
    let next = Next::GiveUp {
        owner: failure.owner,
        failure: failure.clone(),
    };
    Element {
        outcome: Outcome::Unknown(failure),
        item: ItemMove {
            next,
            ..element.item.clone()
        },
        finding: None,
        ..element.clone()
    }
}
