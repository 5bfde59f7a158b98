//! The publishes in flight, and which of them a returned message belongs to.
//!
//! The broker sends `basic.return` for an unroutable message and, some time after, the ack that
//! covers it. It may send other acks in between and may acknowledge many at once. The client
//! library hangs a returned message on the *next* ack it handles, so under load the confirm that
//! carries it is often another message's, and the message's own confirm looks like success.
//! Every publish therefore carries a number that comes back in the return.
//!
//! What makes the answer certain, given that the caller hands over *every* confirm completed so
//! far ([`Window::settle`]'s batch):
//! - A confirm that carries nothing: no return was waiting when it completed, so if the message
//!   was returned, an earlier confirm carried that return and has been seen.
//! - A confirm that carries its own return: returned.
//! - A confirm that carries another's return: its own may still be waiting in the library. The
//!   returns waiting at that moment belong to messages in flight at that moment, and each of
//!   their confirms takes one off, oldest first. So once all of those are in, it is certain.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::PublishError;

/// The number a publish carries to the broker and back, unique per session.
pub(super) type Seq = u64;

/// A confirm that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Landed {
    /// Whose confirm it is.
    pub(super) seq: Seq,
    /// Whether the broker took it.
    pub(super) is_ack: bool,
    /// The returned message that the library hung on it, which may be another's.
    pub(super) carried: Option<Carried>,
}

/// A message that the broker returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// Whose message it is.
    pub(super) seq: Seq,
    /// AMQP's reply code.
    pub(super) code: u16,
    /// The broker's words.
    pub(super) text: String,
}

/// The publishes not answered yet; `T` is where the answer goes.
#[derive(Debug)]
pub(super) struct Window<T> {
    next_seq: Seq,
    in_flight: BTreeMap<Seq, Flight<T>>,
    held: Vec<Held<T>>,
    returned: HashMap<Seq, PublishError>,
}

#[derive(Debug)]
struct Flight<T> {
    target: T,
    sent_at: Instant,
}

/// Acknowledged, but its return may still be to come.
#[derive(Debug)]
struct Held<T> {
    seq: Seq,
    target: T,
    /// Certain when everything below this number has landed.
    until: Seq,
}

/// An answer and where it goes.
pub(super) type Answer<T> = (T, Result<(), PublishError>);

impl<T> Window<T> {
    /// An empty window.
    pub(super) fn new() -> Self {
        Self {
            next_seq: 1,
            in_flight: BTreeMap::new(),
            held: Vec::new(),
            returned: HashMap::new(),
        }
    }

    /// How many publishes are not answered yet.
    pub(super) fn len(&self) -> usize {
        self.in_flight.len() + self.held.len()
    }

    /// When the oldest publish in flight was handed over.
    pub(super) fn oldest_sent_at(&self) -> Option<Instant> {
        self.in_flight
            .first_key_value()
            .map(|(_, flight)| flight.sent_at)
    }

    /// Notes a publish that is about to be handed over, and gives it its number.
    pub(super) fn depart(&mut self, target: T, sent_at: Instant) -> Seq {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.in_flight.insert(seq, Flight { target, sent_at });
        seq
    }

    /// Takes *every* confirm that has completed by now, and answers what is certain.
    pub(super) fn settle(&mut self, batch: Vec<Landed>) -> Vec<Answer<T>> {
        for carried in batch.iter().filter_map(|landed| landed.carried.as_ref()) {
            let error = PublishError::Returned {
                code: carried.code,
                text: carried.text.clone(),
            };
            self.returned.insert(carried.seq, error);
        }
        let mut answers = Vec::with_capacity(batch.len());
        for landed in batch {
            let Some(flight) = self.in_flight.remove(&landed.seq) else {
                continue;
            };
            let is_foreign = landed
                .carried
                .is_some_and(|carried| carried.seq != landed.seq);
            match self.returned.remove(&landed.seq) {
                Some(error) => answers.push((flight.target, Err(error))),
                None if !landed.is_ack => answers.push((flight.target, Err(PublishError::Nacked))),
                None if is_foreign => self.held.push(Held {
                    seq: landed.seq,
                    target: flight.target,
                    until: self.next_seq,
                }),
                None => answers.push((flight.target, Ok(()))),
            }
        }
        self.release_held(&mut answers);
        answers
    }

    /// Ends the window with its session: what is not answered may or may not have arrived.
    pub(super) fn abandon(&mut self) -> Vec<Answer<T>> {
        let in_flight = std::mem::take(&mut self.in_flight)
            .into_values()
            .map(|flight| flight.target);
        let held = std::mem::take(&mut self.held)
            .into_iter()
            .map(|held| held.target);
        self.returned.clear();
        in_flight
            .chain(held)
            .map(|target| (target, Err(PublishError::Disconnected)))
            .collect()
    }

    fn release_held(&mut self, answers: &mut Vec<Answer<T>>) {
        let oldest = self.in_flight.first_key_value().map(|(seq, _)| *seq);
        for held in std::mem::take(&mut self.held) {
            if let Some(error) = self.returned.remove(&held.seq) {
                answers.push((held.target, Err(error)));
            } else if oldest.is_none_or(|oldest| oldest >= held.until) {
                answers.push((held.target, Ok(())));
            } else {
                self.held.push(held);
            }
        }
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
