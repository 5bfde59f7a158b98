//! Checks of look-ups: what became of an unclear call is found by our marker, or not concluded at all.

use serde_json::Value;

use super::Fixture;
use super::rehearsal::{KEY, Sent, calls, marker};
use super::trials::{
    cut, damaged, damages, for_any, garbage, holds, is_proved, is_real_cut, only_reads, raw,
    speaks_plainly,
};
use crate::{Judgement, Presence, Reply, Request};

/// More pages than this are no look-up any more.
const MOST_PAGES: usize = 1_024;

/// Every operation can be looked up, by reads that carry no key.
pub fn every_call_has_look_ups_that_only_read(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let requests = look_ups(fixture, &sent);
        assert!(!requests.is_empty(), "{} cannot be looked up", sent.name());
        assert_eq!(requests, look_ups(fixture, &sent), "{}", sent.name());
        for request in &requests {
            only_reads(request, KEY);
        }
    }
}

/// What the books hold as it was sent is present, under its own id and fingerprint.
pub fn what_is_there_is_present(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let mut shuffled = sent.after.clone();
        shuffled.reverse();
        for objects in [sent.after.clone(), shuffled] {
            let found = settled(fixture, &sent, &objects);
            for ((member, at), presence) in sent.call.members.iter().zip(&sent.at).zip(&found) {
                let Presence::Present(landed) = presence else {
                    panic!("{}: {presence:?}", sent.name());
                };
                assert_eq!(landed.external_id, at.id, "{}", sent.name());
                assert_eq!(
                    landed.fingerprint,
                    member.step.fingerprint,
                    "{}",
                    sent.name()
                );
            }
        }
    }
}

/// Nothing there, or the object as it was before: the effect is absent, for each member by itself.
pub fn what_is_not_there_is_absent(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let found = settled(fixture, &sent, &sent.objects_before());
        assert!(
            found.iter().all(|presence| *presence == Presence::Absent),
            "{}: {found:?}",
            sent.name()
        );
        // Only the first one came through.
        let mut objects = sent.objects_before();
        if sent.is_creation() {
            objects.push(sent.after[0].clone());
        } else {
            objects[0] = sent.after[0].clone();
        }
        let found = settled(fixture, &sent, &objects);
        assert!(matches!(found[0], Presence::Present(_)), "{}", sent.name());
        assert!(
            found[1..]
                .iter()
                .all(|presence| *presence == Presence::Absent)
        );
        if !sent.is_creation() {
            // An object that is gone is neither as wanted nor as before: a person or a new plan decides.
            for presence in settled(fixture, &sent, &[]) {
                assert!(matches!(presence, Presence::Differs(_)), "{presence:?}");
            }
        }
    }
}

/// Two objects with one marker are a duplicate, with both ids.
pub fn what_is_there_twice_is_a_duplicate(fixture: &impl Fixture) {
    for sent in calls(fixture).iter().filter(|sent| sent.is_creation()) {
        let twin = fixture.external(500);
        let mut objects = sent.after.clone();
        objects.push(fixture.placed(sent.after[0].clone(), &twin));
        let found = settled(fixture, sent, &objects);
        let Presence::Duplicate(mut ids) = found[0].clone() else {
            panic!("{}: {:?}", sent.name(), found[0]);
        };
        ids.sort();
        let mut both = vec![sent.at[0].id.clone(), twin.id];
        both.sort();
        assert_eq!(ids, both, "{}", sent.name());
        assert!(
            found[1..]
                .iter()
                .all(|one| matches!(one, Presence::Present(_)))
        );
    }
}

/// The same number and name under no marker, or another's, is not ours.
pub fn a_number_or_a_strangers_marker_never_adopts(fixture: &impl Fixture) {
    let own = marker(0);
    let mut elsewhere = own.clone();
    "elsewhere".clone_into(&mut elsewhere.installation);
    let mut again = own.clone();
    again.generation += 1;
    let mark = fixture.mark(&own);
    let whole = [
        String::new(),
        "typed by a person".to_owned(),
        fixture.mark(&marker(7)),
        fixture.mark(&elsewhere),
        fixture.mark(&again),
        mark.replace('1', "2"),
    ];
    let cut = (1..mark.len()).map(|length| mark[..length].to_owned());
    let notes: Vec<String> = whole.into_iter().chain(cut).collect();
    for sent in calls(fixture).iter().filter(|sent| sent.is_creation()) {
        for note in &notes {
            let object = fixture.noted(sent.after[0].clone(), note);
            for presence in settled(fixture, sent, &[object]) {
                let is_ours = matches!(presence, Presence::Present(_) | Presence::Duplicate(_));
                assert!(!is_ours, "{} with {note:?}: {presence:?}", sent.name());
            }
        }
    }
}

/// People write before, behind and between; beginnings of other markers do not hide ours.
pub fn a_marker_is_found_among_what_people_wrote(fixture: &impl Fixture) {
    for sent in calls(fixture).iter().filter(|sent| sent.is_creation()) {
        let mark = fixture.mark(&marker(0));
        if !holds(sent.after[0].to_string().as_bytes(), &mark) {
            // Where the mark has a place of its own, nobody writes around it.
            continue;
        }
        let stranger = fixture.mark(&marker(9));
        for note in [
            format!("Ask Jo.\n{mark} Paid twice?"),
            format!("{stranger} {mark}"),
            format!("{mark}{stranger}"),
            format!("[tieout x/y/z] {mark}"),
            format!("[tieout {mark}"),
            format!("[tieout ]{mark}[tieout "),
        ] {
            let object = fixture.noted(sent.after[0].clone(), &note);
            let found = settled(fixture, sent, &[object]);
            assert!(
                matches!(found[0], Presence::Present(_)),
                "{}: {note:?}",
                sent.name()
            );
        }
    }
}

/// A look-up that is missing, cut, refused or garbage proves neither presence nor absence.
pub fn a_look_up_that_cannot_be_trusted_concludes_nothing(fixture: &impl Fixture) {
    for sent in calls(fixture) {
        let replies = answers(fixture, &sent, &look_ups(fixture, &sent), &sent.after);
        let is_refused =
            |replies: &[Reply], what: &str| match fixture.provider().judge(&sent.call, replies) {
                Err(failure) => speaks_plainly(&failure),
                Ok(judgement) => panic!("{}: {what}: {judgement:?}", sent.name()),
            };
        is_refused(&[], "no reply");
        for bad in 0..replies.len() {
            let with = |reply: Reply| {
                let mut all = replies.clone();
                all[bad] = reply;
                all
            };
            is_refused(&replies[..bad], "a reply is missing");
            for status in (100..600).filter(|status| !(200..300).contains(status)) {
                let odd = raw(status, replies[bad].body.clone());
                is_refused(&with(odd), "no success");
            }
            let lengths = 0..replies[bad].body.len();
            for length in lengths.filter(|length| is_real_cut(&replies[bad], *length)) {
                is_refused(&with(cut(&replies[bad], length)), "a cut reply");
            }
            for_any(&(garbage(), 200_u16..300), |(body, status)| {
                is_refused(&with(raw(status, body)), "garbage");
            });
            for_any(&damages(), |damages| {
                let replies = with(damaged(&replies[bad], &damages));
                let bytes: Vec<u8> = replies.iter().flat_map(|r| r.body.clone()).collect();
                match fixture.provider().judge(&sent.call, &replies) {
                    Err(failure) => speaks_plainly(&failure),
                    Ok(Judgement::More(requests)) => assert!(!requests.is_empty()),
                    Ok(Judgement::Settled(found)) => {
                        for (member, presence) in sent.call.members.iter().zip(&found) {
                            if let Presence::Present(landed) = presence {
                                is_proved(fixture, member, landed, &bytes);
                            }
                        }
                    }
                }
            });
        }
    }
}

/// Where look-ups come in pages, each page is another one, and there is a last.
pub fn pages_come_to_an_end(fixture: &impl Fixture) {
    for sent in calls(fixture).iter().filter(|sent| sent.is_creation()) {
        let Some(full) = fixture.full_page(sent.effect()) else {
            continue;
        };
        let first = look_ups(fixture, sent).len();
        let judge = |pages: usize| {
            let replies = vec![full.clone(); first - 1 + pages];
            fixture.provider().judge(&sent.call, &replies)
        };
        let more = |pages: usize| match judge(pages) {
            Ok(Judgement::More(requests)) => requests,
            other => panic!("{}: a full page is not the last: {other:?}", sent.name()),
        };
        let (second, third) = (more(1), more(2));
        assert_ne!(second, third, "each page is another one");
        for request in second.iter().chain(&third) {
            only_reads(request, KEY);
        }
        let mut pages = 4;
        while let Ok(judgement) = judge(pages) {
            assert!(
                matches!(judgement, Judgement::More(_)),
                "strangers' objects on full pages prove nothing yet"
            );
            pages *= 2;
            assert!(
                pages <= MOST_PAGES,
                "{}: the look-up has no end",
                sent.name()
            );
        }
    }
}

fn look_ups(fixture: &impl Fixture, sent: &Sent) -> Vec<Request> {
    fixture.provider().lookups(&sent.call, &fixture.books())
}

fn answers(
    fixture: &impl Fixture,
    sent: &Sent,
    requests: &[Request],
    objects: &[Value],
) -> Vec<Reply> {
    requests
        .iter()
        .map(|request| fixture.found(request, sent.effect(), objects))
        .collect()
}

/// What look-ups say when these objects are in the books.
fn settled(fixture: &impl Fixture, sent: &Sent, objects: &[Value]) -> Vec<Presence> {
    let replies = answers(fixture, sent, &look_ups(fixture, sent), objects);
    match fixture.provider().judge(&sent.call, &replies) {
        Ok(Judgement::Settled(found)) => {
            assert_eq!(
                found.len(),
                sent.call.members.len(),
                "one answer for each member"
            );
            for presence in &found {
                if let Presence::Differs(failure) = presence {
                    speaks_plainly(failure);
                }
            }
            found
        }
        other => panic!("{}: {other:?}", sent.name()),
    }
}
