//! `tieout recreate`: a person's decision to create again what was deleted in the books. Nothing does it by itself.

use serde_json::json;

use crate::context::Context;
use crate::explain::Question;
use crate::failed::Failed;
use crate::output::{say, say_json};

pub(crate) async fn run(context: &Context, question: &Question) -> Result<(), Failed> {
    let actor = context.actor()?;
    let store = context.store()?;
    let books = store
        .recreate(question.account, question.kind, &question.id, &actor)
        .await?;
    store.close().await;
    if books.is_empty() {
        return Err(Failed::NotPossible(format!(
            "nothing of {} {} of account {} is known to be deleted in the books, or a worker has it in hand",
            question.kind.as_str(),
            question.id,
            question.account
        )));
    }
    if context.is_json {
        return say_json(&json!({ "booksIds": books }));
    }
    say("it is created again at once, as a new object with a mark of its own")?;
    say(format!(
        "watch: tieout explain {} {} --account {}",
        question.kind.as_str(),
        question.id,
        question.account
    ))
}
