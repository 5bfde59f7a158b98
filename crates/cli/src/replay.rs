//! `tieout dead replay`: given-up work is made due again; a message is published again, then its row is closed.
//!
//! A message goes out before its row is closed, so that a crash in between leaves it open: submitting it twice
//! is harmless, forgetting it is not. The producer may refuse it again before we close: then the row has been
//! counted up and stays open.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use broker::topology::EVENTS_IN_EXCHANGE;
use broker::{Exchange, Message, PublishError, Publisher, PublisherOptions, Topology};
use model::DeadLetterId;
use runtime::{Health, SystemClock};
use serde_json::{Value, json};
use store::Store;
use store::dead::{DeadFilter, DeadLetter};

use crate::arguments::Replay;
use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json, warn};

/// How long the last confirms are waited for.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// What became of one dead letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Replayed {
    /// Work is due again.
    Due,
    /// The message is on its way in.
    Submitted,
    /// The message was submitted and refused again.
    RefusedAgain,
}

pub(crate) async fn run(context: &Context, replay: &Replay) -> Result<(), Failed> {
    let edited = edited(replay)?;
    let actor = context.actor()?;
    let store = context.store()?;
    let ids = ids(&store, replay).await?;
    let mut post = None;
    let mut told = Vec::new();
    let mut first_failure = None;
    for id in &ids {
        let replayed = one(context, &store, &mut post, *id, edited.as_deref(), &actor).await;
        match replayed {
            Ok(replayed) => told.push((*id, replayed)),
            Err(failed) => {
                warn(format!("{id}: {}", runtime::chain(&failed)));
                first_failure = first_failure.or(Some(failed));
            }
        }
    }
    if let Some(publisher) = post {
        publisher.close(CLOSE_LIMIT).await;
    }
    store.close().await;
    report(context, &told, ids.len())?;
    first_failure.map_or(Ok(()), Err)
}

fn edited(replay: &Replay) -> Result<Option<Vec<u8>>, Failed> {
    let Some(path) = &replay.file else {
        return Ok(None);
    };
    if replay.ids.len() != 1 {
        return Err(Failed::Argument(
            "--file stands for the bytes of one message: name one id".to_owned(),
        ));
    }
    let bytes = fs::read(path).map_err(|source| Failed::File {
        path: path.clone(),
        source,
    })?;
    // What is refused here would only become the next dead letter.
    model::event::parse(&bytes).map_err(|bad| {
        Failed::Argument(format!(
            "{} would be refused again: {} at {}: {}",
            path.display(),
            bad.code().as_str(),
            bad.fault().path,
            bad.fault().advice
        ))
    })?;
    Ok(Some(bytes))
}

async fn ids(store: &Store, replay: &Replay) -> Result<Vec<DeadLetterId>, Failed> {
    let Some(fingerprint) = &replay.fingerprint else {
        return Ok(replay.ids.clone());
    };
    let alike = DeadFilter {
        state: Some("OPEN"),
        fingerprint: Some(fingerprint),
        after: None,
    };
    let letters = store.dead_letters(&alike, i64::from(replay.limit)).await?;
    let ids: Vec<DeadLetterId> = letters.into_iter().map(|letter| letter.id).collect();
    if ids.is_empty() {
        return Err(Failed::NotPossible(format!(
            "no open dead letter has the fingerprint {fingerprint:?}"
        )));
    }
    Ok(ids)
}

async fn one(
    context: &Context,
    store: &Store,
    post: &mut Option<Publisher>,
    id: DeadLetterId,
    edited: Option<&[u8]>,
    actor: &str,
) -> Result<Replayed, Failed> {
    let letter = store.dead_letter(id).await?;
    if letter.source == "WORK" {
        if edited.is_some() {
            return Err(Failed::NotPossible(
                "this is given-up work, which has no bytes to edit: correct the document in ProjectLedger or the \
                 mapping, then replay it without --file"
                    .to_owned(),
            ));
        }
        store.replay_work(id, actor).await?;
        return Ok(Replayed::Due);
    }
    let message = message(&letter, edited)?;
    let publisher = match post {
        Some(publisher) => publisher,
        None => post.insert(open_post(context)?),
    };
    publisher.publish(message).await.map_err(not_published)?;
    if store
        .close_resubmitted(id, letter.account, letter.times, actor)
        .await?
    {
        Ok(Replayed::Submitted)
    } else {
        Ok(Replayed::RefusedAgain)
    }
}

/// The message as it came, or with edited bytes, under its original routing key.
fn message(letter: &DeadLetter, edited: Option<&[u8]>) -> Result<Message, Failed> {
    let refuse = |why: &str| Err(Failed::NotPossible(why.to_owned()));
    if letter.state != "OPEN" {
        return refuse("it is not open");
    }
    let origin = |name: &str| letter.origin.get(name).and_then(Value::as_str);
    if origin("exchange") != Some(EVENTS_IN_EXCHANGE) {
        return refuse(
            "this is no event of ProjectLedger's but a signal between processes; its work is found without it: \
             discard it",
        );
    }
    let Some(routing_key) = origin("routingKey") else {
        return refuse("its routing key was not kept");
    };
    let raw = letter.raw.as_deref().unwrap_or_default();
    let full_length = letter.origin.get("bytes").and_then(Value::as_u64);
    let is_cut = full_length.is_some_and(|full| full > raw.len() as u64);
    let body = match edited {
        Some(edited) => edited,
        None if is_cut => {
            return refuse(
                "the message was too large to be kept whole: give it with --file, or have ProjectLedger send it again",
            );
        }
        None => raw,
    };
    let headers: BTreeMap<String, String> = origin("traceparent")
        .map(|trace| ("traceparent".to_owned(), trace.to_owned()))
        .into_iter()
        .collect();
    Ok(Message {
        exchange: Exchange::EventsIn,
        routing_key: routing_key.to_owned(),
        message_id: origin("messageId").map_or_else(|| letter.id.to_string(), str::to_owned),
        content_type: "application/json".to_owned(),
        headers,
        body: body.to_vec(),
    })
}

fn open_post(context: &Context) -> Result<Publisher, Failed> {
    let url = context.ask(|settings| settings.secret("AMQP_URL"))?;
    let health = Health::new(std::sync::Arc::new(SystemClock));
    Publisher::start(
        url.expose(),
        Topology::new::<&str>(&[]),
        PublisherOptions::named("tieout"),
        health.component("broker"),
    )
    .map_err(|error| Failed::Argument(format!("AMQP_URL: {}", runtime::chain(&error))))
}

fn not_published(error: PublishError) -> Failed {
    match error {
        PublishError::Returned { .. } => Failed::NotPossible(
            "no queue takes a message with this routing key; it stays open: discard it".to_owned(),
        ),
        PublishError::TooLong => Failed::NotPossible(
            "its routing key or id is too long to be published; it stays open".to_owned(),
        ),
        error @ (PublishError::Nacked
        | PublishError::DeadlinePassed
        | PublishError::Disconnected
        | PublishError::Blocked) => Failed::BrokerAway(format!(
            "the message was not confirmed and stays open; check AMQP_URL and that RabbitMQ runs: {error}"
        )),
    }
}

fn report(
    context: &Context,
    told: &[(DeadLetterId, Replayed)],
    asked: usize,
) -> Result<(), Failed> {
    if context.is_json {
        let replayed: Vec<Value> = told
            .iter()
            .map(|(id, replayed)| json!({"id": id, "outcome": replayed.as_str()}))
            .collect();
        return say_json(&json!({"asked": asked, "replayed": replayed}));
    }
    for (id, replayed) in told {
        say(format!("{id} {}", replayed.words()))?;
    }
    if asked > 1 {
        say(format!("{} of {asked} replayed", told.len()))?;
    }
    match told {
        [] => Ok(()),
        [(id, _)] => say(format!("watch: tieout dead show {id}")),
        [..] => say("watch: tieout dead list --state replayed, and tieout status"),
    }
}

impl Replayed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "DUE",
            Self::Submitted => "SUBMITTED",
            Self::RefusedAgain => "REFUSED_AGAIN",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Due => "is due again; it is RESOLVED when its document is in the books",
            Self::Submitted => {
                "was submitted again; if it is refused again, a new dead letter says so"
            }
            Self::RefusedAgain => "was submitted and refused again; it stays open",
        }
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
