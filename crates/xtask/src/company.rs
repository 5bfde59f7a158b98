//! One company in the sandbox, the account of `ProjectLedger` whose books it keeps, and its connection.

use std::process::Stdio;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::command;
use crate::failure::{Context, Result};
use crate::http;
use crate::services::postgres;
use crate::stage::Stage;

/// Realms are numbers of this length; the account is added to this one.
const REALM_BASE: u64 = 4_620_816_365_000_000_000;

/// What kind of company keeps the books, in the words of the made-up ProjectLedger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nature {
    /// In the United States, without sales tax.
    Plain,
    /// In the United States; the books compute sales tax by themselves.
    American,
    /// In the United Kingdom: value added tax, and clients in the euro area.
    British,
}

/// An account and its company.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Company {
    account: u32,
    nature: Nature,
}

/// What `ProjectLedger` said it published: the number of events and its own books after them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) events: u64,
    pub(crate) totals: Value,
    pub(crate) applied: Value,
    pub(crate) balances: Vec<Balance>,
}

/// What a client owes, less what it has paid or was credited in advance.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Balance {
    pub(crate) client: String,
    pub(crate) currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    #[serde(rename = "balance")]
    pub(crate) owed: rust_decimal::Decimal,
}

impl Published {
    /// Reads the last line that the publisher wrote.
    pub(crate) fn from_output(output: &str) -> Result<Self> {
        let summary = output.lines().last().unwrap_or_default();
        serde_json::from_str(summary)
            .context(|| "the summary of the events is malformed".to_owned())
    }
}

impl Nature {
    /// The business that the publisher plays.
    pub(crate) const fn business(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::American => "american",
            Self::British => "british",
        }
    }

    /// The profile of the company in the sandbox.
    fn profile(self) -> Value {
        match self {
            Self::Plain => json!({"taxMode": "off"}),
            Self::American => json!({"taxMode": "usAutomated"}),
            Self::British => json!({
                "country": "GB", "homeCurrency": "GBP", "multicurrency": true, "taxMode": "perLine",
                "exchangeRates": {"EUR": "0.86"},
            }),
        }
    }

    /// What Tieout is told of the company. The tax codes are those that every British company is founded with.
    const fn facts(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["--tax-mode", "OFF"],
            Self::American => &["--tax-mode", "AST"],
            Self::British => &[
                "--country",
                "GB",
                "--home-currency",
                "GBP",
                "--tax-code",
                "tr_standard=2",
                "--tax-code",
                "tr_reduced=3",
                "--tax-code",
                "tr_zero=4",
            ],
        }
    }
}

impl Company {
    /// Founds the company in the sandbox, gets its consent and seeds the connected integration.
    pub(crate) fn found(stage: &Stage, account: u32, nature: Nature) -> Result<Self> {
        let founded = Self { account, nature };
        let realm = founded.realm();
        let mut company = nature.profile();
        company["realm"] = json!(realm);
        company["name"] = json!(format!("Demo Company {account}"));
        company["customTxnNumbers"] = json!(true);
        http::post_json(stage.sandbox, "/_sandbox/companies", &company)?;
        let (client_id, client_secret) = Stage::oauth_client();
        let consent =
            json!({"clientId": client_id, "clientSecret": client_secret, "realms": [realm]});
        let tokens = http::post_json(stage.sandbox, "/_sandbox/tokens", &consent)?;
        let mut add = stage.tieout(&["integration", "add", "--provider", "QUICKBOOKS_ONLINE"]);
        add.args(["--account", &founded.account(), "--realm", &realm]);
        add.args(nature.facts());
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

    pub(crate) const fn number(self) -> u32 {
        self.account
    }

    pub(crate) const fn nature(self) -> Nature {
        self.nature
    }

    pub(crate) fn realm(self) -> String {
        (REALM_BASE + u64::from(self.account)).to_string()
    }

    /// Everything in the company's books.
    pub(crate) fn export(self, stage: &Stage) -> Result<Value> {
        http::get_json(stage.sandbox, &format!("/_sandbox/books/{}", self.realm()))
    }
}

/// How much the fleet has given up on.
pub(crate) fn open_dead_letters(stage: &Stage) -> Result<u64> {
    let open = "select count(*) from dead_letter where state = 'OPEN'";
    Ok(postgres::run_sql(stage.database_url(), &["-c", open])?.parse()?)
}
