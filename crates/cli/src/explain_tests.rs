//! Tests of the sentences: one for every state, one for each thing that can come on top.

use chrono::TimeDelta;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn question() -> Question {
    Question {
        kind: DocumentKind::Invoice,
        id: "INV-7".parse().unwrap(),
        account: AccountId(4),
    }
}

fn standing(state: ItemState) -> Standing {
    Standing {
        failure_code: None,
        provider: "QUICKBOOKS_ONLINE".to_owned(),
        company: "462".to_owned(),
        state: state.as_str().to_owned(),
        wanted_version: 3,
        version: Some(3),
        reason: None,
        owner: "SYSTEM".to_owned(),
        due_at: None,
        wanted_at: now() - TimeDelta::minutes(5),
        done_at: None,
        waits_for: None,
        external_id: None,
        attempts: 0,
        books_reason: None,
        books_not_before: None,
        findings: Vec::new(),
        missing: Vec::new(),
    }
}

fn told(standing: &Standing) -> String {
    let sentence = sentence(&question(), standing, now());
    let rest = sentence
        .strip_prefix("INVOICE INV-7 of account 4 in QUICKBOOKS_ONLINE 462 ")
        .unwrap();
    rest.to_owned()
}

#[test]
fn every_state_is_one_sentence_with_age_owner_and_next_step() {
    for state in ItemState::ALL {
        let told = told(&standing(state));
        assert!(told.contains(" ago; "), "{told}");
        assert!(told.contains("nobody has to act; "), "{told}");
        assert!(
            told.contains("next: ") || told.contains("nothing is left to do"),
            "{told}"
        );
        assert!(
            told.ends_with('.') && told.matches(". ").count() == 0,
            "{told}"
        );
    }
}

#[test]
fn what_is_queued_names_the_version_that_goes() {
    assert_eq!(
        told(&standing(ItemState::Queued)),
        "is queued: version 3 is ready to be sent; it was wanted 5 minutes ago; nobody has to act; \
         next: a worker takes it."
    );
}

#[test]
fn what_is_running_is_in_a_workers_hand() {
    assert_eq!(
        told(&standing(ItemState::Running)),
        "is being sent: a worker has version 3 in hand; it was wanted 5 minutes ago; nobody has to act; \
         next: its outcome is recorded."
    );
}

#[test]
fn what_is_verified_is_asked_for_before_it_is_sent_again() {
    let standing = Standing {
        due_at: Some(now() + TimeDelta::seconds(150)),
        reason: Some("the answer was lost.".to_owned()),
        ..standing(ItemState::Verifying)
    };
    assert_eq!(
        told(&standing),
        "is being verified: what became of an earlier call for version 3 is not known yet; because: \"the answer \
         was lost\"; it was wanted 5 minutes ago; nobody has to act; next: the books are asked in 2 minutes, at \
         2026-03-01 12:02:30 UTC, before anything is sent again."
    );
}

#[test]
fn what_waits_says_until_when() {
    let standing = Standing {
        due_at: Some(now() + TimeDelta::hours(2)),
        reason: Some("waits for its slot".to_owned()),
        ..standing(ItemState::Waiting)
    };
    assert_eq!(
        told(&standing),
        "waits and is due in 2 hours, at 2026-03-01 14:00:00 UTC; because: \"waits for its slot\"; it was wanted \
         5 minutes ago; nobody has to act; next: it is sent when it is due, or earlier with \
         `tieout try-again INVOICE INV-7 --account 4`."
    );
}

#[test]
fn what_is_parked_says_for_what_or_for_whom() {
    let for_a_client = Standing {
        waits_for: Some("CLIENT/9".to_owned()),
        ..standing(ItemState::Parked)
    };
    assert_eq!(
        told(&for_a_client),
        "is parked until CLIENT/9 is in the books; it was wanted 5 minutes ago; nobody has to act; \
         next: it goes on when CLIENT/9 arrives."
    );
    assert!(told(&standing(ItemState::Parked)).ends_with(
        "next: a person asks for it with `tieout try-again INVOICE INV-7 --account 4`."
    ));
    let for_a_person = Standing {
        owner: "BOOKKEEPER".to_owned(),
        reason: Some("A tax rate is not mapped. Choose one.".to_owned()),
        due_at: Some(now() + TimeDelta::minutes(15)),
        ..standing(ItemState::Parked)
    };
    assert_eq!(
        told(&for_a_person),
        "is parked; because: \"A tax rate is not mapped. Choose one\"; it was wanted 5 minutes ago; the bookkeeper \
         must act; next: it is looked at again in 15 minutes, at 2026-03-01 12:15:00 UTC, or now with \
         `tieout try-again INVOICE INV-7 --account 4`."
    );
}

#[test]
fn what_begins_by_itself_is_named_with_its_playbook() {
    let parked = |code: &str| {
        told(&Standing {
            failure_code: Some(code.to_owned()),
            reason: Some("QuickBooks does not find the customer.".to_owned()),
            ..standing(ItemState::Parked)
        })
    };
    let asked = parked("CUSTOMER_GONE");
    assert!(
        asked.contains("by itself Tieout marks the object that was refused")
            && asked.contains("(playbook ASK_ONCE); "),
        "{asked}"
    );
    assert!(!parked("ITEM_NOT_MAPPED").contains("playbook"));
}

#[test]
fn what_is_done_names_its_object() {
    let standing = Standing {
        external_id: Some("145".to_owned()),
        done_at: Some(now() - TimeDelta::days(2)),
        ..standing(ItemState::Done)
    };
    assert_eq!(
        told(&standing),
        "is done: version 3 is in the books as object 145; that was 2 days ago; nobody has to act; \
         nothing is left to do."
    );
}

#[test]
fn what_is_done_with_an_older_version_is_followed_by_the_newer() {
    let standing = Standing {
        version: Some(2),
        ..standing(ItemState::Done)
    };
    assert!(told(&standing).ends_with("next: version 3 follows."));
}

#[test]
fn findings_are_named_and_need_a_bookkeeper() {
    let standing = Standing {
        findings: vec![
            "total is 0.01 less.".to_owned(),
            "number differs".to_owned(),
        ],
        ..standing(ItemState::Done)
    };
    assert!(told(&standing).ends_with(
        "; the books differ: \"total is 0.01 less\", \"number differs\"; the bookkeeper must act; \
         next: look at the difference in the books."
    ));
}

#[test]
fn what_is_partly_done_says_what_is_missing() {
    let standing = Standing {
        external_id: Some("77".to_owned()),
        missing: vec![
            "credit_application I-1".to_owned(),
            "credit_application I-2".to_owned(),
        ],
        ..standing(ItemState::Partial)
    };
    assert_eq!(
        told(&standing),
        "is partly done: some of version 3 is in the books as object 77, without credit_application I-1 and \
         credit_application I-2; it was wanted 5 minutes ago; nobody has to act; next: once the cause is mended, \
         replay its dead letter (`tieout dead list`), which goes on with what is missing."
    );
}

#[test]
fn what_was_skipped_says_why() {
    let standing = Standing {
        reason: Some("never sent".to_owned()),
        ..standing(ItemState::Skipped)
    };
    assert_eq!(
        told(&standing),
        "was skipped on purpose with version 3; because: \"never sent\"; it was wanted 5 minutes ago; nobody has to \
         act; next: nothing, until a newer version comes."
    );
}

#[test]
fn what_failed_leads_to_its_dead_letter() {
    let standing = Standing {
        owner: "OPERATOR".to_owned(),
        attempts: 1,
        reason: Some("a rule of ours was broken".to_owned()),
        ..standing(ItemState::Failed)
    };
    assert_eq!(
        told(&standing),
        "has failed: version 3 was given up after 1 try; because: \"a rule of ours was broken\"; it was wanted \
         5 minutes ago; an operator must act; next: once the cause is mended, replay its dead letter \
         (`tieout dead list`)."
    );
}

#[test]
fn a_pause_of_the_books_is_told_while_it_lasts_and_holds_something_up() {
    let paused = |state| Standing {
        books_reason: Some("Reconnect to QuickBooks.".to_owned()),
        books_not_before: Some(now() + TimeDelta::minutes(10)),
        ..standing(state)
    };
    let told_while_queued = told(&paused(ItemState::Queued));
    assert!(
        told_while_queued.contains(
            "; all work on these books pauses and resumes in 10 minutes, at 2026-03-01 12:10:00 UTC because: \
             \"Reconnect to QuickBooks\"; "
        ),
        "{told_while_queued}"
    );
    assert!(told_while_queued.ends_with("next: it goes on when the books do."));
    assert!(!told(&paused(ItemState::Done)).contains("pauses"));
    let over = Standing {
        books_not_before: Some(now()),
        ..paused(ItemState::Queued)
    };
    assert!(!told(&over).contains("pauses"));
}

#[test]
fn words_from_outside_cannot_steer_the_terminal() {
    let standing = Standing {
        company: "4\u{1b}[31m2".to_owned(),
        reason: Some("a\nb".to_owned()),
        ..standing(ItemState::Queued)
    };
    let sentence = sentence(&question(), &standing, now());
    assert!(!sentence.chars().any(char::is_control), "{sentence}");
}

#[test]
fn a_state_of_a_newer_build_is_admitted() {
    let standing = Standing {
        state: "dreaming".to_owned(),
        ..standing(ItemState::Queued)
    };
    assert!(told(&standing).starts_with("is in the state \"dreaming\", which this build"));
}

#[test]
fn an_outcome_unclear_for_a_day_is_an_operators() {
    let told = told(&Standing {
        findings: vec!["What became of a call has not been found out for a day.".to_owned()],
        ..standing(ItemState::Verifying)
    });
    assert!(
        told.contains("an operator was told: \"What became"),
        "{told}"
    );
    assert!(told.contains("; an operator must act; "), "{told}");
    assert!(told.contains("before anything is sent again"), "{told}");
}
