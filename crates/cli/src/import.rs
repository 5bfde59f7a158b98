//! `tieout import`: what is known of the books of an integration, and having it read again at once.

use chrono::{DateTime, Utc};
use model::{ImportKind, IntegrationId};
use serde_json::{Value, json};
use store::operate::{ImportTimes, Imports};

use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};
use crate::plain::{clause, due, line, span};
use crate::table::table;

/// Makes imports due at once; whoever holds the books' lease makes them, within about a second.
pub(crate) async fn run(
    context: &Context,
    integration: IntegrationId,
    what: Option<ImportKind>,
) -> Result<(), Failed> {
    let actor = context.actor()?;
    let store = context.store()?;
    let all = what.map_or(ImportKind::ALL.to_vec(), |one| vec![one]);
    let books = store.ask_imports(integration, &all, &actor).await?;
    store.close().await;
    if context.is_json {
        return say_json(&json!({ "booksId": books, "what": all }));
    }
    say("it is imported at once, unless the books pause or the integration is switched off")?;
    say(format!("watch: tieout import show {integration}"))
}

/// Shows the company, its accounts and its tax codes as last imported.
pub(crate) async fn show(context: &Context, integration: IntegrationId) -> Result<(), Failed> {
    let store = context.store()?;
    let known = store.imports(integration).await?;
    let now = store.now().await?;
    store.close().await;
    if context.is_json {
        return say_json(&to_json(integration, &known));
    }
    for times in &known.times {
        say(sentence(times, now))?;
    }
    say(format!("company: {}", line(&known.facts.to_string())))?;
    let accounts = known.stored.accounts.iter().map(|account| {
        [
            line(&account.external_id),
            line(account.number.as_deref().unwrap_or("-")),
            line(&account.name),
            line(&account.account_type),
            usable(account.is_active, account.can_post).to_owned(),
        ]
    });
    let accounts: Vec<[String; 5]> = accounts.collect();
    say(table(["ACCOUNT", "NUMBER", "NAME", "TYPE", ""], &accounts))?;
    let codes = known.stored.tax_codes.iter().map(|code| {
        [
            line(&code.external_id),
            line(&code.name),
            code.percent
                .map_or_else(|| "-".to_owned(), |rate| rate.to_string()),
            code.local_id
                .as_ref()
                .map_or_else(|| "-".to_owned(), |id| line(id.as_str())),
            usable(code.is_active, code.is_sales_tax).to_owned(),
        ]
    });
    let codes: Vec<[String; 5]> = codes.collect();
    say(table(
        ["TAX CODE", "NAME", "PERCENT", "MAPPED TO", ""],
        &codes,
    ))
}

const fn usable(is_active: bool, is_for_us: bool) -> &'static str {
    match (is_active, is_for_us) {
        (true, true) => "",
        (true, false) => "not for sales",
        (false, _) => "inactive",
    }
}

fn sentence(times: &ImportTimes, now: DateTime<Utc>) -> String {
    let what = line(&times.what).to_lowercase().replace('_', " ");
    let last = times.last_at.map_or_else(
        || "never imported".to_owned(),
        |at| format!("imported {} ago", span(now - at)),
    );
    let next = times.due_at.map_or_else(
        || "not again by itself".to_owned(),
        |at| format!("due {}", due(at, now)),
    );
    match &times.last_error {
        Some(error) => format!(
            "{what}: {last}; {next}; the last try failed: {}",
            clause(error)
        ),
        None => format!("{what}: {last}; {next}"),
    }
}

fn to_json(integration: IntegrationId, known: &Imports) -> Value {
    let imports: Vec<Value> = known
        .times
        .iter()
        .map(|times| {
            json!({
                "what": times.what, "lastAt": times.last_at, "dueAt": times.due_at, "lastError": times.last_error,
            })
        })
        .collect();
    json!({
        "integrationId": integration, "imports": imports, "company": known.facts,
        "accounts": known.stored.accounts, "taxCodes": known.stored.tax_codes,
    })
}
