//! The provider conformance suite: what every provider must keep, whichever it is.
//!
//! A provider's crate implements `Fixture`, which plays the provider's books in a few dozen lines, and writes
//! `provider_kit::conformance_tests!(MyFixture);` in a test file: every check becomes a test of that crate,
//! also checks that are added later. The documents are the suite's own, so that all providers meet the same
//! ones. It is behind the feature `conformance`, so that no production build carries it.
//!
//! Absent on purpose: effects with parts (only the first step of a plan is rehearsed), and whether the books
//! are right, which only the provider's own tests and its sandbox can say.

pub mod answering;
pub mod data;
pub mod encoding;
pub mod finding;
pub mod planning;
pub mod reading;
mod rehearsal;
pub mod samples;
mod trials;

use model::{Document, DocumentKind, SyncSettings};
use serde_json::Value;

use crate::{
    BooksFacts, Effect, External, Marker, PastCall, PastMember, Provider, References, Reply,
    Request,
};

/// A provider with the little of its books that the checks need. Objects of the books are JSON in whatever
/// shape the fixture likes; only the fixture looks into them.
pub trait Fixture {
    /// The provider under test.
    fn provider(&self) -> &dyn Provider;

    /// Settings under which all kinds of the descriptor can be sent.
    fn settings(&self) -> SyncSettings;

    /// Facts of the books that the samples are sent to, with US dollars as home currency.
    fn books(&self) -> BooksFacts;

    /// Accounts and tax codes as imported from those books.
    fn references(&self) -> References {
        References::default()
    }

    /// The main effect of a document kind.
    fn effect(&self, kind: DocumentKind) -> Effect;

    /// The effect that a sample's creation brings about; another one than its kind's main effect where a document
    /// is made of parts.
    fn effect_of(&self, document: &Document) -> Effect {
        self.effect(document.kind())
    }

    /// Id and first revision of the object that was made as the `number`th, from 0.
    fn external(&self, number: usize) -> External;

    /// The same object after one more change.
    fn revised(&self, external: &External) -> External;

    /// The mark as this provider's objects carry it.
    fn mark(&self, marker: &Marker) -> String {
        marker.to_string()
    }

    /// The longest idempotency key that the provider takes.
    fn longest_key(&self) -> usize;

    /// The idempotency key in a write, as the provider would read it.
    fn key_of(&self, request: &Request) -> Option<String>;

    /// The elements in a write, in the order of its `count` members.
    fn elements(&self, request: &Request, count: usize) -> Vec<Value>;

    /// What the books hold once the member is brought about, with all that the provider adds by itself, but
    /// for id and revision.
    fn object(&self, member: &PastMember, element: &Value, before: Option<&Value>) -> Value;

    /// The object under this id and revision.
    fn placed(&self, object: Value, at: &External) -> Value;

    /// The object with this text in place of whatever carries our mark; its number and names stay.
    fn noted(&self, object: Value, text: &str) -> Value;

    /// A success that answers these members (ordinal and object), in this order, and no others.
    fn answer(&self, call: &PastCall, objects: &[(usize, Value)]) -> Reply;

    /// A refusal of the whole call with this code and these words.
    fn refusal(&self, code: &str, words: &str) -> Reply;

    /// The answer to a look-up or a read that finds these objects.
    fn found(&self, request: &Request, effect: &Effect, objects: &[Value]) -> Reply;

    /// A page full of strangers' objects, where look-ups come in pages.
    fn full_page(&self, effect: &Effect) -> Option<Reply>;
}

/// Makes a test of every check, with the fixture that the expression gives.
///
/// It is a macro and not a function with a list, so that each check is a test with its own name and result.
#[macro_export]
macro_rules! conformance_tests {
    (@all $fixture:expr; $($module:ident { $($check:ident,)* })*) => {$($(
        #[test]
        fn $check() {
            $crate::conformance::$module::$check(&$fixture);
        }
    )*)*};
    ($fixture:expr) => {
        $crate::conformance_tests! { @all $fixture;
            data {
                the_descriptor_is_sane,
                a_marker_is_found_again_and_nothing_else_passes_for_one,
            }
            planning {
                the_same_view_plans_the_same_whatever_the_order_of_its_links,
                what_was_never_sent_is_not_ended,
                a_kind_that_the_descriptor_does_not_name_is_refused_in_words,
                a_missing_dependency_is_named,
                what_the_books_already_hold_needs_nothing,
                any_text_is_planned_or_refused_in_words,
            }
            encoding {
                the_same_members_make_the_same_bytes,
                every_object_carries_its_marker_once_whatever_people_wrote,
                the_key_goes_along_whole_or_not_at_all,
                calls_keep_to_the_batch_sizes_of_the_descriptor,
                a_write_carries_no_authorisation,
                what_was_previewed_is_what_is_sent,
            }
            answering {
                a_faithful_reply_says_done_and_keeps_the_fingerprint,
                what_landed_needs_nothing_more,
                answers_in_another_order_find_their_members,
                a_member_without_an_answer_is_unknown,
                an_answer_with_somebody_elses_object_is_unknown,
                a_cut_reply_says_done_only_for_what_it_still_holds,
                a_damaged_reply_says_done_only_for_what_it_names,
                any_bytes_give_one_result_for_each_member,
                only_a_success_says_done,
                a_server_error_or_an_unreadable_success_leaves_the_outcome_unknown,
                a_refusal_is_put_in_our_own_words,
            }
            finding {
                every_call_has_look_ups_that_only_read,
                what_is_there_is_present,
                what_is_not_there_is_absent,
                what_is_there_twice_is_a_duplicate,
                a_number_or_a_strangers_marker_never_adopts,
                a_marker_is_found_among_what_people_wrote,
                a_look_up_that_cannot_be_trusted_concludes_nothing,
                pages_come_to_an_end,
            }
            reading {
                a_read_names_its_objects_and_only_reads,
                what_is_read_is_what_was_sent,
                what_is_gone_is_missing_from_the_answer,
                an_unreadable_answer_is_an_error,
            }
        }
    };
}

#[cfg(test)]
mod made_up;
#[cfg(test)]
#[path = "conformance/made_up_tests.rs"]
mod made_up_tests;
