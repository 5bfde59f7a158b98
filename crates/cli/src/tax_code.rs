//! `tieout tax-code map`: which tax code of the books stands for a tax rate of `ProjectLedger`.

use model::{IntegrationId, SourceId};
use serde_json::json;

use crate::context::Context;
use crate::failed::Failed;
use crate::output::{say, say_json};

pub(crate) async fn map(
    context: &Context,
    integration: IntegrationId,
    code: &str,
    rate: Option<&SourceId>,
) -> Result<(), Failed> {
    let actor = context.actor()?;
    let store = context.store()?;
    let done = store.map_tax_code(integration, code, rate, &actor).await?;
    store.close().await;
    if !done {
        return Err(Failed::NotPossible(format!(
            "integration {integration} knows no tax code {code:?}; see: tieout import show {integration}"
        )));
    }
    if context.is_json {
        return say_json(&json!({ "taxCode": code, "taxRate": rate }));
    }
    match rate {
        Some(rate) => say(format!("tax rate {rate} goes as tax code {code:?}")),
        None => say(format!("tax code {code:?} stands for no tax rate")),
    }
}
