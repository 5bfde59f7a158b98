//! Checks of reads: what is in the books is read as it landed, and garbage is an error.

use super::Fixture;
use super::rehearsal::{KEY, Sent, calls, read};
use super::trials::{
    cut, damaged, damages, for_any, garbage, holds, is_real_cut, only_reads, raw, speaks_plainly,
};
use crate::Reply;

/// A read asks for the objects it was given, and only reads.
pub fn a_read_names_its_objects_and_only_reads(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let request = fixture
            .provider()
            .read(sent.effect(), &sent.at, &fixture.books());
        only_reads(&request, KEY);
        for at in &sent.at {
            let is_named = request.path.contains(&at.id)
                || request
                    .query
                    .iter()
                    .any(|(_, value)| value.contains(&at.id))
                || holds(&request.body, &at.id);
            assert!(is_named, "{}: {} is not asked for", sent.name(), at.id);
        }
    }
}

/// An object is read with the id, revision and fingerprint that it landed with.
pub fn what_is_read_is_what_was_sent(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let found = read(fixture, sent.effect(), &sent.at, &sent.after);
        assert_eq!(found.len(), sent.at.len(), "{}", sent.name());
        for (member, at) in sent.call.members.iter().zip(&sent.at) {
            let current = found.iter().find(|one| one.landed.external_id == at.id);
            let Some(current) = current else {
                panic!("{}: {} was not read", sent.name(), at.id);
            };
            assert_eq!(current.landed.revision, at.revision, "{}", sent.name());
            let fingerprint = &current.landed.fingerprint;
            assert_eq!(*fingerprint, member.step.fingerprint, "{}", sent.name());
        }
    }
}

/// What is not there is missing, and nothing is put in its place.
pub fn what_is_gone_is_missing_from_the_answer(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        assert!(read(fixture, sent.effect(), &sent.at, &[]).is_empty());
        let found = read(fixture, sent.effect(), &sent.at, &sent.after[..1]);
        let ids: Vec<&str> = found
            .iter()
            .map(|one| one.landed.external_id.as_str())
            .collect();
        assert_eq!(ids, [&sent.at[0].id], "{}", sent.name());
    }
}

/// Garbage, cut answers and refusals are errors in words, never an empty answer.
pub fn an_unreadable_answer_is_an_error(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let request = fixture
            .provider()
            .read(sent.effect(), &sent.at, &fixture.books());
        let whole = fixture.found(&request, sent.effect(), &sent.after);
        is_error(fixture, &sent, &fixture.refusal("9", "no"));
        for status in (100..600).filter(|status| !(200..300).contains(status)) {
            is_error(fixture, &sent, &raw(status, whole.body.clone()));
        }
        let lengths = 0..whole.body.len();
        for length in lengths.filter(|length| is_real_cut(&whole, *length)) {
            is_error(fixture, &sent, &cut(&whole, length));
        }
        for_any(&(garbage(), 200_u16..300), |(body, status)| {
            is_error(fixture, &sent, &raw(status, body));
        });
        for_any(&damages(), |damages| {
            let reply = damaged(&whole, &damages);
            match fixture.provider().parse_read(sent.effect(), &reply) {
                Err(failure) => speaks_plainly(&failure),
                Ok(found) => assert!(
                    found
                        .iter()
                        .all(|one| holds(&reply.body, &one.landed.external_id)),
                    "{}: an object that was not answered",
                    sent.name()
                ),
            }
        });
    }
}

fn is_error(fixture: &impl Fixture, sent: &Sent, reply: &Reply) {
    match fixture.provider().parse_read(sent.effect(), reply) {
        Err(failure) => speaks_plainly(&failure),
        Ok(found) => panic!("{}: {} objects of nothing", sent.name(), found.len()),
    }
}
