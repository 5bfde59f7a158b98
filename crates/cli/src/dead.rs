//! `tieout dead list`, `show` and `discard`: what the fleet gave up on, as people see it.

use model::DeadLetterId;
use serde_json::{Value, json};
use store::dead::{DeadFilter, DeadLetter};

use crate::arguments::DeadList;
use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};
use crate::plain::{block, instant, line};
use crate::table::table;

/// Most characters of a message in the list; `show` has all of it.
const EXCERPT: usize = 80;

pub(crate) async fn list(context: &Context, which: &DeadList) -> Result<(), Failed> {
    let store = context.store()?;
    let filter = DeadFilter {
        state: which.state.stored(),
        fingerprint: which.fingerprint.as_deref(),
        after: which.after,
    };
    // One more than is shown tells whether there is a next page.
    let mut letters = store
        .dead_letters(&filter, i64::from(which.limit) + 1)
        .await?;
    store.close().await;
    let shown = usize::try_from(which.limit).unwrap_or(usize::MAX);
    let has_more = letters.len() > shown;
    letters.truncate(shown);
    if context.is_json {
        let listed: Vec<Value> = letters.iter().map(to_json).collect();
        return say_json(&listed);
    }
    if letters.is_empty() {
        return say("there are none");
    }
    let rows: Vec<[String; 8]> = letters.iter().map(cells).collect();
    say(table(
        [
            "ID",
            "STATE",
            "ACCOUNT",
            "OWNER",
            "FINGERPRINT",
            "TIMES",
            "LAST",
            "WHAT",
        ],
        &rows,
    ))?;
    match letters.last().filter(|_| has_more) {
        Some(last) => say(format!("there are more: --after {}", last.id)),
        None => Ok(()),
    }
}

pub(crate) async fn show(context: &Context, id: DeadLetterId) -> Result<(), Failed> {
    let store = context.store()?;
    let letter = store.dead_letter(id).await?;
    store.close().await;
    if context.is_json {
        let mut shown = to_json(&letter);
        if let (Some(raw), Some(shown)) = (&letter.raw, shown.as_object_mut()) {
            shown.insert("raw".to_owned(), json!(String::from_utf8_lossy(raw)));
        }
        return say_json(&shown);
    }
    let account = letter
        .account
        .map_or_else(|| "not known".to_owned(), |account| account.to_string());
    let facts = [
        ("id", letter.id.to_string()),
        ("state", line(&letter.state)),
        ("about", line(&letter.subject)),
        ("account", account),
        (
            "provider",
            letter.provider.as_deref().map_or_else(String::new, line),
        ),
        ("cause", line(&letter.cause)),
        ("message", line(&letter.message)),
        ("owner", line(&letter.owner)),
        ("fingerprint", line(&letter.fingerprint)),
        ("times", letter.times.to_string()),
        ("first", instant(letter.first_at)),
        ("last", instant(letter.last_at)),
        ("origin", origin(&letter)),
    ];
    for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        say(format!("{name:<12} {fact}"))?;
    }
    if let Some(raw) = &letter.raw {
        say(format!("\n{} bytes:", raw.len()))?;
        say(block(raw))?;
    }
    Ok(())
}

pub(crate) async fn discard(
    context: &Context,
    id: DeadLetterId,
    reason: &str,
) -> Result<(), Failed> {
    let actor = context.actor()?;
    let store = context.store()?;
    store.discard(id, &actor, reason).await?;
    store.close().await;
    if context.is_json {
        return say_json(&json!({"id": id, "state": "DISCARDED"}));
    }
    say(format!("{id} is discarded"))
}

fn origin(letter: &DeadLetter) -> String {
    match letter.origin.as_object() {
        Some(origin) if !origin.is_empty() => line(&letter.origin.to_string()),
        _ => String::new(),
    }
}

fn cells(letter: &DeadLetter) -> [String; 8] {
    let account = letter
        .account
        .map_or_else(|| "-".to_owned(), |account| account.to_string());
    let mut what: String = letter.message.chars().take(EXCERPT).collect();
    if what.len() < letter.message.len() {
        what.push_str("...");
    }
    [
        letter.id.to_string(),
        line(&letter.state),
        account,
        line(&letter.owner),
        line(&letter.fingerprint),
        letter.times.to_string(),
        instant(letter.last_at),
        line(&what),
    ]
}

fn to_json(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id, "state": letter.state, "source": letter.source, "subject": letter.subject,
        "accountId": letter.account, "provider": letter.provider, "itemId": letter.item,
        "cause": letter.cause, "message": letter.message, "owner": letter.owner,
        "fingerprint": letter.fingerprint, "times": letter.times, "firstAt": letter.first_at,
        "lastAt": letter.last_at, "origin": letter.origin,
    })
}
