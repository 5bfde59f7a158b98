//! Tests of whose message a return belongs to, and of the proof in the window's header.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Carried, Landed, Window};
use crate::PublishError;
use crate::instant::now;

fn carried(seq: u64) -> Carried {
    Carried {
        seq,
        code: 312,
        text: "NO_ROUTE".to_owned(),
    }
}

fn landed(seq: u64, carried_seq: Option<u64>) -> Landed {
    Landed {
        seq,
        is_ack: true,
        carried: carried_seq.map(carried),
    }
}

fn returned() -> Result<(), PublishError> {
    Err(PublishError::Returned {
        code: 312,
        text: "NO_ROUTE".to_owned(),
    })
}

fn window(count: u64) -> Window<u64> {
    let mut window = Window::new();
    for name in 1..=count {
        assert_eq!(window.depart(name, now()), name);
    }
    window
}

#[test]
fn a_return_carried_by_anothers_confirm_belongs_to_its_own_message() {
    let mut window = window(2);
    // Message 2 was returned; the confirm of message 1 happened to be next.
    let answers = window.settle(vec![landed(1, Some(2)), landed(2, None)]);
    assert_eq!(answers, vec![(2, returned()), (1, Ok(()))]);
    assert_eq!(window.len(), 0);
}

#[test]
fn a_return_is_remembered_until_its_message_is_confirmed() {
    let mut window = window(2);
    assert_eq!(window.settle(vec![landed(1, Some(2))]), vec![]);
    assert_eq!(window.len(), 2);
    let answers = window.settle(vec![landed(2, None)]);
    assert_eq!(answers, vec![(2, returned()), (1, Ok(()))]);
}

#[test]
fn two_returns_that_changed_places_are_both_failures() {
    let mut window = window(2);
    // Message 1 could be returned too: it is not answered yet.
    assert_eq!(window.settle(vec![landed(1, Some(2))]), vec![]);
    let answers = window.settle(vec![landed(2, Some(1))]);
    assert_eq!(answers, vec![(2, returned()), (1, returned())]);
}

#[test]
fn later_publishes_do_not_hold_back_an_answer() {
    let mut window = window(2);
    assert_eq!(window.settle(vec![landed(1, Some(2))]), vec![]);
    assert_eq!(window.depart(3, now()), 3);
    let answers = window.settle(vec![landed(2, None)]);
    assert_eq!(answers, vec![(2, returned()), (1, Ok(()))]);
    assert_eq!(window.len(), 1);
}

#[test]
fn a_refused_message_is_nacked() {
    let mut window = window(1);
    let refused = Landed {
        seq: 1,
        is_ack: false,
        carried: None,
    };
    assert_eq!(
        window.settle(vec![refused]),
        vec![(1, Err(PublishError::Nacked))]
    );
}

#[test]
fn a_lost_session_leaves_every_open_publish_unknown() {
    let mut window = window(3);
    window.settle(vec![landed(1, Some(3))]);
    let answers = window.abandon();
    let names: Vec<_> = answers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [2, 3, 1]);
    for (_, answer) in answers {
        assert_eq!(answer, Err(PublishError::Disconnected));
    }
    assert_eq!(window.len(), 0);
}

/// Plays a broker that returns and confirms in any order it may, and a client library that
/// hangs the oldest waiting return on each confirm, 2,000 times.
#[test]
fn every_message_gets_its_own_answer_in_any_legal_order() {
    for seed in 0..2_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut window = Window::new();
        let mut unroutable = Vec::new();
        let mut unconfirmed: Vec<u64> = Vec::new();
        let mut waiting: VecDeque<u64> = VecDeque::new();
        let mut batch = Vec::new();
        let mut answers = Vec::new();
        let mut sent = 0;
        while sent < 40 || !unconfirmed.is_empty() {
            if sent < 40 && rng.random_bool(0.5) {
                let seq = window.depart(sent, now());
                unconfirmed.push(seq);
                let is_unroutable = rng.random_bool(0.4);
                unroutable.push(is_unroutable);
                if is_unroutable {
                    waiting.push_back(seq);
                }
                sent += 1;
            } else if !unconfirmed.is_empty() {
                let seq = unconfirmed.swap_remove(rng.random_range(0..unconfirmed.len()));
                batch.push(landed(seq, waiting.pop_front()));
            }
            if rng.random_bool(0.3) {
                // Within a batch the order of completion may be lost.
                let at = rng.random_range(0..=batch.len());
                batch.rotate_left(at);
                answers.extend(window.settle(std::mem::take(&mut batch)));
            }
        }
        answers.extend(window.settle(batch));
        assert_eq!(answers.len(), 40, "seed {seed}");
        for (index, answer) in answers {
            let is_unroutable = unroutable[usize::try_from(index).expect("40 fit")];
            assert_eq!(
                answer.is_err(),
                is_unroutable,
                "seed {seed}, message {index}"
            );
        }
    }
}
