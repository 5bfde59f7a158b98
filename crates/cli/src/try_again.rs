//! `tieout try-again`: a person's wish to have a document tried at once. An unclear outcome is looked up first.

use serde_json::json;

use crate::context::Context;
use crate::explain::Question;
use crate::failed::Failed;
use crate::output::{say, say_json};

pub(crate) async fn run(context: &Context, question: &Question) -> Result<(), Failed> {
    let actor = context.actor()?;
    let store = context.store()?;
    let known = store
        .standings(question.account, question.kind, &question.id)
        .await?;
    if known.is_empty() {
        return Err(Failed::NotPossible(format!(
            "nothing is known of {} {} of account {}",
            question.kind.as_str(),
            question.id,
            question.account
        )));
    }
    let books = store
        .try_again(question.account, question.kind, &question.id, &actor)
        .await?;
    store.close().await;
    if context.is_json {
        return say_json(&json!({ "booksIds": books }));
    }
    say("it is tried again at once, unless a worker has it in hand")?;
    say(format!(
        "watch: tieout explain {} {} --account {}",
        question.kind.as_str(),
        question.id,
        question.account
    ))
}
