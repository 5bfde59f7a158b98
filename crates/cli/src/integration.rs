//! `tieout integration add`: a connected integration with its sealed tokens, books and settings.

use std::fs;
use std::time::Duration;

use model::SyncSettings;
use model::calendar::Calendar;
use serde_json::{Value, json};
use store::admin::NewIntegration;
use store::seal::Sealer;
use store::token::NewTokens;
use store::{Store, StoreError};

use crate::arguments::AddIntegration;
use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};

const SECONDS_OF_A_DAY: u64 = 86_400;

pub(crate) async fn add(context: &Context, add: &AddIntegration) -> Result<(), Failed> {
    let provider = catalog::by_key(add.provider.as_str()).ok_or_else(|| {
        let known: Vec<&str> = catalog::providers().iter().map(|p| p.key).collect();
        Failed::Argument(format!(
            "{} is no provider of this build; it knows {}",
            add.provider,
            known.join(", ")
        ))
    })?;
    let settings = settings(add, provider.default_item)?;
    let (sealer, tokens) = secrets(context, add)?;
    let actor = context.actor()?;
    let store = context.store()?;
    refuse_twice(&store, add).await?;
    let token_set = store
        .add_token_set(
            add.account,
            provider.key,
            add.environment.as_str(),
            &tokens,
            &sealer,
        )
        .await?;
    let new = NewIntegration {
        account: add.account,
        provider: provider.key,
        environment: add.environment,
        external_id: &add.realm,
        facts: facts(add),
        token_set: Some(token_set),
        settings: &settings,
        frequency: add.frequency,
        imports: provider.imports,
        actor: &actor,
    };
    let (integration, books) = store
        .add_integration(&new)
        .await
        .map_err(|error| plain_refusal(error, add))?;
    store.close().await;
    if context.is_json {
        return say_json(&json!({"integrationId": integration, "booksId": books}));
    }
    say(format!("integration {integration}"))?;
    say(format!("books {books}"))
}

/// The file's settings with the options written over them.
fn settings(add: &AddIntegration, default_item: Option<&str>) -> Result<SyncSettings, Failed> {
    let mut settings = match &add.settings {
        None => SyncSettings {
            currency_code: add.home_currency.to_string(),
            ..SyncSettings::default()
        },
        Some(path) => {
            let text = fs::read(path).map_err(|source| Failed::File {
                path: path.clone(),
                source,
            })?;
            serde_json::from_slice(&text).map_err(|error| {
                Failed::Argument(format!("{} is not settings: {error}", path.display()))
            })?
        }
    };
    if let Some(item) = &add.default_item {
        settings.default_item_id = Some(item.clone());
    }
    if settings.default_item_id.is_none() {
        settings.default_item_id = default_item.map(str::to_owned);
    }
    if let Some(code) = &add.default_tax_code {
        settings.default_tax_code = Some(code.clone());
    }
    if let Some(zone) = &add.time_zone {
        settings.time_zone.clone_from(zone);
    }
    if let Some(hour) = add.slot_hour {
        settings.slot_hour = hour;
    }
    let pairs = |pairs: &[crate::arguments::Pair]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|pair| (pair.left.clone(), pair.right.clone()))
            .collect()
    };
    settings.tax_codes.extend(pairs(&add.tax_code));
    settings.item_ids.extend(pairs(&add.item));
    settings.account_ids.extend(pairs(&add.category_account));
    if let Some(account) = &add.sales_account {
        settings.invoice_account_id = Some(account.clone());
    }
    if let Some(account) = &add.bank_account {
        settings.bank_account_id = Some(account.clone());
    }
    // A zone or hour that makes no calendar is refused now, not when its first slot is due.
    Calendar::new(model::SyncFrequency::Daily, &settings)
        .map_err(|error| Failed::Argument(error.to_string()))?;
    Ok(settings)
}

/// What is known of the company, in the shape that the worker reads.
fn facts(add: &AddIntegration) -> Value {
    let extra = match add.tax_mode {
        Some(mode) => json!({ "taxMode": mode.as_str() }),
        None => json!({}),
    };
    json!({
        "country": add.country,
        "homeCurrency": add.home_currency,
        "extra": extra,
    })
}

fn secrets(context: &Context, add: &AddIntegration) -> Result<(Sealer, NewTokens), Failed> {
    let (keys, access, refresh) = context.ask(|settings| {
        (
            settings.secret("TIEOUT_SEAL_KEYS"),
            settings.secret("TIEOUT_ACCESS_TOKEN"),
            settings.secret("TIEOUT_REFRESH_TOKEN"),
        )
    })?;
    let sealer = Sealer::parse(keys.expose())
        .map_err(|error| Failed::Argument(format!("TIEOUT_SEAL_KEYS: {error}")))?;
    let days = |days: u32| Duration::from_secs(u64::from(days) * SECONDS_OF_A_DAY);
    let tokens = NewTokens {
        access: access.expose().to_owned(),
        refresh: refresh.expose().to_owned(),
        expires_in: Duration::from_secs(add.access_expires_in),
        refresh_expires_in: add.refresh_expires_in_days.map(days),
    };
    Ok((sealer, tokens))
}

/// Asked before tokens are stored that nothing would use.
async fn refuse_twice(store: &Store, add: &AddIntegration) -> Result<(), Failed> {
    let all = store.status().await?;
    let same = all.iter().find(|one| {
        (one.account == add.account || one.is_active)
            && one.provider == add.provider.as_str()
            && one.company == add.realm
    });
    match same {
        None => Ok(()),
        Some(one) => Err(Failed::NotPossible(format!(
            "company {} is connected already, to account {} as integration {}",
            add.realm, one.account, one.integration
        ))),
    }
}

fn plain_refusal(error: StoreError, add: &AddIntegration) -> Failed {
    match &error {
        StoreError::Refused { constraint }
            if constraint == "accounting_integration_one_active_per_books" =>
        {
            Failed::NotPossible(format!(
                "company {} is connected to an account already; one active integration per company",
                add.realm
            ))
        }
        StoreError::Refused { constraint }
            if constraint == "accounting_integration_once_per_books" =>
        {
            Failed::NotPossible(format!(
                "account {} is connected to company {} already",
                add.account, add.realm
            ))
        }
        _ => Failed::from(error),
    }
}
