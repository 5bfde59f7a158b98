//! One company in the sandbox, the account of `ProjectLedger` whose books it keeps, and how these tie.

use std::process::Stdio;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::command;
use crate::failure::{Context, Result};
use crate::http;
use crate::report::Books;
use crate::services::postgres;
use crate::stage::Stage;

/// Realms are numbers of this length; the account is added to this one.
const REALM_BASE: u64 = 4_620_816_365_000_000_000;

/// An account and its company.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Company {
    account: u32,
}

/// What `ProjectLedger` said it published: the number of events and its own books after them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) events: u64,
    pub(crate) totals: Value,
}

impl Published {
    /// Reads the last line that the publisher wrote.
    pub(crate) fn from_output(output: &str) -> Result<Self> {
        let summary = output.lines().last().unwrap_or_default();
        serde_json::from_str(summary)
            .context(|| "the summary of the events is malformed".to_owned())
    }
}

/// The same books seen from three sides.
pub(crate) struct Sides {
    pub(crate) source: Books,
    pub(crate) tieout: Books,
    pub(crate) books: Books,
}

impl Company {
    /// Founds the company in the sandbox, gets its consent and seeds the connected integration.
    pub(crate) fn found(stage: &Stage, account: u32) -> Result<Self> {
        let founded = Self { account };
        let realm = founded.realm();
        let company = json!({"realm": realm, "name": "Demo Company", "customTxnNumbers": true});
        http::post_json(stage.sandbox, "/_sandbox/companies", &company)?;
        let (client_id, client_secret) = Stage::oauth_client();
        let consent =
            json!({"clientId": client_id, "clientSecret": client_secret, "realms": [realm]});
        let tokens = http::post_json(stage.sandbox, "/_sandbox/tokens", &consent)?;
        let mut add = stage.tieout(&["integration", "add", "--provider", "QUICKBOOKS_ONLINE"]);
        add.args(["--account", &founded.account(), "--realm", &realm]);
        // By the environment, because everybody on the machine can read a command line.
        for (variable, member) in [
            ("TIEOUT_ACCESS_TOKEN", "accessToken"),
            ("TIEOUT_REFRESH_TOKEN", "refreshToken"),
        ] {
            let token = tokens[member]
                .as_str()
                .context(|| format!("the sandbox gave no {member}"))?;
            add.env(variable, token);
        }
        command::run(add.stdout(Stdio::null()))?;
        Ok(founded)
    }

    pub(crate) fn account(self) -> String {
        self.account.to_string()
    }

    pub(crate) fn realm(self) -> String {
        (REALM_BASE + u64::from(self.account)).to_string()
    }

    /// Everything in the company's books.
    pub(crate) fn export(self, stage: &Stage) -> Result<Value> {
        http::get_json(stage.sandbox, &format!("/_sandbox/books/{}", self.realm()))
    }

    /// What `ProjectLedger` published, what Tieout believes, what the company's books hold.
    pub(crate) fn sides(
        self,
        stage: &Stage,
        published: &Published,
        export: &Value,
    ) -> Result<Sides> {
        let ours = our_totals(self.account);
        let ours = postgres::run_sql(stage.database_url(), &["-c", &ours])?;
        Ok(Sides {
            source: Books::from_json(published.totals.clone())?,
            tieout: Books::from_json(serde_json::from_str(&ours)?)?,
            books: Books::from_json(live_totals(export))?,
        })
    }
}

/// How much the fleet has given up on.
pub(crate) fn open_dead_letters(stage: &Stage) -> Result<u64> {
    let open = "select count(*) from dead_letter where state = 'OPEN'";
    Ok(postgres::run_sql(stage.database_url(), &["-c", open])?.parse()?)
}

/// What we believe stands in the books: the live documents whose objects we linked.
fn our_totals(account: u32) -> String {
    format!(
        "select coalesce(json_agg(line), '[]') from (\
        select item.kind, coalesce(document.currency, '') as currency, count(*) as count, \
            coalesce(sum(link.gross), 0)::text as sum \
        from item \
        join effect on effect.item_id = item.id \
        join link on link.effect_id = effect.id and link.state = 'ACTIVE' \
        join document on document.account_id = item.account_id and document.kind = item.kind \
            and document.source_id = item.source_id and document.version = item.version \
        where item.state = 'done' and document.lifecycle = 'LIVE' and item.account_id = {account} \
        group by 1, 2) line"
    )
}

/// The sandbox's export in our words: a voided invoice stays in the books with nothing in it, and who
/// is not a client has no side to be compared with.
fn live_totals(export: &Value) -> Value {
    let totals = export["totals"].as_array().into_iter().flatten();
    totals
        .filter_map(|total| {
            let (kind, currency, sum) = match total["kind"].as_str()? {
                "Customer" => ("CLIENT", json!(""), json!("0")),
                "Invoice" => ("INVOICE", total["currency"].clone(), total["sum"].clone()),
                _ => return None,
            };
            let count = total["count"].as_i64()? - total["voided"].as_i64()?;
            Some(json!({"kind": kind, "currency": currency, "count": count, "sum": sum}))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_count_live_invoices_and_clients_only() {
        let total = |kind: &str, count: i64, voided: i64, sum: &str| {
            json!({"kind": kind, "currency": "USD", "count": count, "voided": voided,
                   "inactive": 0, "sum": sum})
        };
        let export = json!({"totals": [
            total("Customer", 100, 0, "0"),
            total("Employee", 1, 0, "0"),
            total("Invoice", 500, 25, "1234.50"),
        ]});
        assert_eq!(
            live_totals(&export),
            json!([
                {"kind": "CLIENT", "currency": "", "count": 100, "sum": "0"},
                {"kind": "INVOICE", "currency": "USD", "count": 475, "sum": "1234.50"},
            ])
        );
    }
}
