//! The arguments of `tieout`, as clap reads them. Secrets are never arguments: everybody can list processes.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use model::{
    AccountId, Currency, DeadLetterId, DocumentKind, Environment, ImportKind, IntegrationId,
    ProviderKey, SourceId, SyncFrequency,
};

/// Set up, look after and explain a Tieout installation.
#[derive(Debug, Parser)]
#[command(name = "tieout", version, about, after_help = ENVIRONMENT)]
pub(crate) struct Arguments {
    /// Print JSON for machines instead of tables for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ENVIRONMENT: &str = "\
Environment:
  DATABASE_URL           the database; `migrate` needs the owner of the tables
  AMQP_URL               the broker; only where something is published
  TIEOUT_SEAL_KEYS       the keys that seal tokens; only for `integration add`
  TIEOUT_ACTOR           who acts, for the audit (default: the user's name)
  Each of the first three may be given as a file: NAME_FILE=path.

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 not found or not possible in its state,
69 database or broker not reachable, 78 wrong configuration.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the database up to date and name the installation; may be run again at any time
    Migrate,
    /// Set up connections to accounting platforms
    Integration {
        #[command(subcommand)]
        command: IntegrationCommand,
    },
    /// Every integration: items by state, pauses, last sync and error; dead letters and outbox
    Status,
    /// Say in one sentence per books where a document stands, why, who must act and what comes next
    Explain(Document),
    /// Have a document tried again at once, whatever it waits for
    TryAgain(Document),
    /// Create again what was deleted in the books, as a new object; nothing does this by itself
    Recreate(Document),
    /// What is known of the books: the company, its accounts, its tax codes
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Map tax rates of `ProjectLedger` to tax codes of the books
    TaxCode {
        #[command(subcommand)]
        command: TaxCodeCommand,
    },
    /// Look at, replay and discard what the fleet gave up on
    Dead {
        #[command(subcommand)]
        command: DeadCommand,
    },
    /// Counts and sums per kind and currency: sent by `ProjectLedger`, taken by the books, difference
    Totals {
        /// The account in `ProjectLedger`
        #[arg(long, value_parser = account)]
        account: AccountId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Have it read from the books at once
    Run {
        /// The integration, as `tieout status` shows it
        #[arg(value_parser = integration)]
        integration: IntegrationId,
        /// Only `COMPANY`, `ACCOUNTS` or `TAX_CODES` [default: all]
        #[arg(value_parser = import)]
        what: Option<ImportKind>,
    },
    /// Show what was last imported
    Show {
        /// The integration, as `tieout status` shows it
        #[arg(value_parser = integration)]
        integration: IntegrationId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TaxCodeCommand {
    /// Say which tax code of the books stands for a tax rate of `ProjectLedger`
    Map {
        /// The integration, as `tieout status` shows it
        #[arg(value_parser = integration)]
        integration: IntegrationId,
        /// The tax code's id in the books, as `tieout import show` shows it
        code: String,
        /// The tax rate's id in `ProjectLedger`; without it the code stands for none
        rate: Option<SourceId>,
    },
}

/// A document of `ProjectLedger`.
#[derive(Debug, Args)]
pub(crate) struct Document {
    /// Its kind, such as `INVOICE` or `CLIENT`
    #[arg(value_parser = kind)]
    pub(crate) kind: DocumentKind,
    /// Its id in `ProjectLedger`
    pub(crate) id: SourceId,
    /// The account in `ProjectLedger`
    #[arg(long, value_parser = account)]
    pub(crate) account: AccountId,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters, newest first
    List(DeadList),
    /// Show one dead letter with its bytes
    Show {
        /// Its id
        id: DeadLetterId,
    },
    /// Try again: work is due at once, a message is published again as it came
    #[command(group = ArgGroup::new("which").required(true).args(["ids", "fingerprint"]))]
    Replay(Replay),
    /// Give up for good, with a reason; the document stays failed
    Discard {
        /// Its id
        id: DeadLetterId,
        /// Why; kept in the audit
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// Which dead letters are listed.
#[derive(Debug, Args)]
pub(crate) struct DeadList {
    /// Only those in this state
    #[arg(long, value_enum, ignore_case = true, default_value_t = DeadState::Open)]
    pub(crate) state: DeadState,
    /// Only those with this fingerprint
    #[arg(long)]
    pub(crate) fingerprint: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// The next page: only those listed after this one
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<DeadLetterId>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Which ones
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<DeadLetterId>,
    /// All open ones with this fingerprint
    #[arg(long)]
    pub(crate) fingerprint: Option<String>,
    /// With a fingerprint: at most this many
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Publish this file instead of the message's own bytes; for one message
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    pub(crate) file: Option<PathBuf>,
}

/// The states of dead letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum DeadState {
    /// Somebody should look
    Open,
    /// Being tried again
    Replayed,
    /// A newer success or a new submission closed it
    Resolved,
    /// Given up for good
    Discarded,
    /// All of them
    All,
}

impl DeadState {
    /// The word as stored; none for all.
    pub(crate) const fn stored(self) -> Option<&'static str> {
        match self {
            Self::Open => Some("OPEN"),
            Self::Replayed => Some("REPLAYED"),
            Self::Resolved => Some("RESOLVED"),
            Self::Discarded => Some("DISCARDED"),
            Self::All => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum IntegrationCommand {
    /// Connect an account with a company, with tokens from the environment
    #[command(
        after_help = "The tokens come from TIEOUT_ACCESS_TOKEN and TIEOUT_REFRESH_TOKEN \
                            (or TIEOUT_ACCESS_TOKEN_FILE and TIEOUT_REFRESH_TOKEN_FILE), never from arguments."
    )]
    Add(Box<AddIntegration>),
}

#[derive(Debug, Args)]
pub(crate) struct AddIntegration {
    /// The provider's key, such as `QUICKBOOKS_ONLINE`
    #[arg(long)]
    pub(crate) provider: ProviderKey,
    /// The account in `ProjectLedger`
    #[arg(long, value_parser = account)]
    pub(crate) account: AccountId,
    /// The company's id at the provider
    #[arg(long, value_name = "ID", value_parser = company)]
    pub(crate) realm: String,
    /// Which of the provider's worlds: `SANDBOX` or `PRODUCTION`
    #[arg(long, default_value = "SANDBOX", value_parser = environment)]
    pub(crate) environment: Environment,
    /// The company's country, ISO 3166 alpha-2
    #[arg(long, default_value = "US", value_parser = country)]
    pub(crate) country: String,
    /// The company's home currency, ISO 4217
    #[arg(long, default_value = "USD", value_name = "CODE")]
    pub(crate) home_currency: Currency,
    /// How the company does sales tax; without it the country's usual way
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) tax_mode: Option<TaxMode>,
    /// Item of the books for lines without a mapped product [default: the provider's own, where lines need one]
    #[arg(long, value_name = "ITEM")]
    pub(crate) default_item: Option<String>,
    /// Tax code of the books for lines without a mapped rate
    #[arg(long, value_name = "CODE")]
    pub(crate) default_tax_code: Option<String>,
    /// Tax code of the books for a tax rate id of `ProjectLedger`; may be repeated
    #[arg(long, value_name = "RATE=CODE")]
    pub(crate) tax_code: Vec<Pair>,
    /// Item of the books for a product code of `ProjectLedger`; may be repeated
    #[arg(long, value_name = "CODE=ITEM")]
    pub(crate) item: Vec<Pair>,
    /// Revenue account of the books, by the provider's id or its code, for providers that book lines on accounts
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) sales_account: Option<String>,
    /// Revenue account of the books for a billing category of `ProjectLedger`; may be repeated
    #[arg(long, value_name = "CATEGORY=ACCOUNT")]
    pub(crate) category_account: Vec<Pair>,
    /// Account of the books that payments come into
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) bank_account: Option<String>,
    /// When documents are sent: `REAL_TIME`, `HOURLY`, `DAILY`, `WEEKLY` or `MANUAL`
    #[arg(long, default_value = "REAL_TIME", value_parser = frequency)]
    pub(crate) frequency: SyncFrequency,
    /// Time zone of the calendars, an IANA name [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// Local hour of the daily and weekly slot [default: 2]
    #[arg(long, value_name = "HOUR", value_parser = clap::value_parser!(u8).range(0..24))]
    pub(crate) slot_hour: Option<u8>,
    /// Sync settings as JSON; the other options win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Seconds until the access token expires
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS")]
    pub(crate) access_expires_in: u64,
    /// Days until the refresh token expires, where known
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) refresh_expires_in_days: Option<u32>,
}

/// How a company does sales tax, in the words that its facts hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum TaxMode {
    /// Sales tax is switched off
    #[value(name = "OFF")]
    Off,
    /// Automated sales tax (United States)
    #[value(name = "AST")]
    Automated,
    /// Manual sales tax (United States)
    #[value(name = "MANUAL_US")]
    Manual,
    /// A tax code on every line (elsewhere)
    #[value(name = "NON_US")]
    PerLine,
}

impl TaxMode {
    /// The word in the facts.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Automated => "AST",
            Self::Manual => "MANUAL_US",
            Self::PerLine => "NON_US",
        }
    }
}

/// `LEFT=RIGHT`, both present.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pair {
    pub(crate) left: String,
    pub(crate) right: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((left, right)) if !left.trim().is_empty() && !right.trim().is_empty() => {
                Ok(Self {
                    left: left.trim().to_owned(),
                    right: right.trim().to_owned(),
                })
            }
            _ => Err("write it as LEFT=RIGHT, with something on both sides".to_owned()),
        }
    }
}

/// An account is a positive number: 0 stands for none.
fn account(text: &str) -> Result<AccountId, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(AccountId(number)),
        _ => Err("an account is a whole number above 0".to_owned()),
    }
}

fn integration(text: &str) -> Result<IntegrationId, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(IntegrationId(number)),
        _ => Err("an integration is a whole number above 0".to_owned()),
    }
}

fn import(text: &str) -> Result<ImportKind, String> {
    ImportKind::from_stored(&text.to_uppercase().replace('-', "_"))
        .ok_or_else(|| one_of(ImportKind::ALL.map(ImportKind::as_str)))
}

fn company(text: &str) -> Result<String, String> {
    let text = text.trim();
    if (1..=200).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("use 1 to 200 printable characters".to_owned())
}

fn environment(text: &str) -> Result<Environment, String> {
    Environment::from_stored(&text.to_uppercase())
        .ok_or_else(|| "use SANDBOX or PRODUCTION".to_owned())
}

fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Ok(text.to_uppercase());
    }
    Err("use two letters, such as US or DE".to_owned())
}

fn frequency(text: &str) -> Result<SyncFrequency, String> {
    SyncFrequency::from_stored(&text.to_uppercase().replace('-', "_"))
        .ok_or_else(|| one_of(SyncFrequency::ALL.map(SyncFrequency::as_str)))
}

fn kind(text: &str) -> Result<DocumentKind, String> {
    DocumentKind::from_stored(&text.to_uppercase().replace('-', "_"))
        .ok_or_else(|| one_of(DocumentKind::ALL.map(DocumentKind::as_str)))
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if (3..=500).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err("say why in 3 to 500 characters".to_owned())
}

fn one_of<const N: usize>(words: [&str; N]) -> String {
    format!("use one of {}", words.join(", "))
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
