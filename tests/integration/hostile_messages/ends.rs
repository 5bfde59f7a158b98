//! Where a message ends, and how that is seen.

use std::collections::BTreeMap;
use std::time::Duration;

use broker::{Exchange, Message};
use model::digest::sha256_hex;
use provider_kit::Marker;
use rust_decimal::Decimal;
use serde_json::Value;
use tests::harness::{Connected, Stage, until};

use super::{LIMIT, ODD, Odd, Row};

/// Most bytes of a message that its dead letter keeps.
const KEPT: usize = 64 * 1024;

/// A message passes the broker twice in milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the last message of a row ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// A dead letter of nobody's account: this code at this path.
    Undecodable(&'static str, &'static str),
    /// A dead letter of the account's: this code at this path.
    Refused(&'static str, &'static str),
    /// A dead letter: the same id or version came before with other contents.
    Conflict,
    /// Taken in; nothing changes by it, and there is one invoice of this id and amount.
    Booked(&'static str, &'static str),
    /// The same of a credit note.
    Credited(&'static str, &'static str),
    /// Taken in; this document waits with this code for somebody, and nothing of it is in the books.
    Unsupported(&'static str, &'static str),
    /// Taken in; the document is skipped and never reaches the books.
    NeverSent(&'static str),
    /// Taken in; the document is linked to this object and nothing is sent.
    Linked(&'static str, &'static str),
    /// Taken in, and kept; nobody wants the document anywhere.
    Unwanted(i64, &'static str),
    /// Taken in as the totals of this day.
    Totals(&'static str),
    /// Rejected by the consumer, dead-lettered by the broker, kept as a row by the scheduler.
    Rejected,
    /// Published to the dead letters by a stranger, kept as a row.
    Stray,
    /// Acked, and nothing else happens.
    Ignored,
}

/// A dead letter, by the bytes it keeps.
struct Dead {
    account: Option<i64>,
    cause: String,
    message: String,
    owner: String,
    state: String,
}

/// Checks every row.
pub(super) async fn check(stage: &Stage, odd: &Connected, table: &[Row]) {
    let wanted = table.iter().filter(|row| row.end.leaves_a_letter()).count();
    // The last of them may still be on their way through the broker; which are missing is said below.
    let all = until(LIMIT, "every dead letter is there", async || {
        (letters(stage).len() >= wanted).then_some(())
    });
    let _ = tokio::time::timeout(PATIENCE, all).await;
    let letters = letters(stage);
    let books = stage.sandbox.books(&odd.realm).await;
    let odd = Odd {
        stage,
        connected: odd,
    };
    let mut wrongs = Vec::new();
    for row in table {
        let letter = letters.get(&fingerprint(row.waves.last().unwrap()));
        if let Err(wrong) = row.end.holds(&odd, letter, &books) {
            wrongs.push(format!("{}: {wrong}", row.name));
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    assert_eq!(letters.len(), wanted, "a dead letter that no row explains");
}

/// What finds a message's dead letter: whose it is, and a hash of the bytes that are kept.
fn fingerprint(message: &Message) -> String {
    let keeper = match message.exchange {
        Exchange::EventsIn => "event",
        Exchange::Sync | Exchange::Dead | Exchange::EventsOut => "message",
    };
    let kept = &message.body[..message.body.len().min(KEPT)];
    format!("{keeper} {}", sha256_hex([kept]))
}

fn letters(stage: &Stage) -> BTreeMap<String, Dead> {
    let rows = stage.database.sql(
        "select split_part(subject, ' ', 1) || ' ' || encode(sha256(raw), 'hex'), json_build_object('account', account_id, 'cause', cause, \
           'message', message, 'owner', owner, 'state', state) from dead_letter where source = 'MESSAGE'",
    );
    let letters = rows.lines().map(|row| {
        let (hash, row) = row.split_once('|').unwrap();
        let row: Value = serde_json::from_str(row).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let dead = Dead {
            account: row["account"].as_i64(),
            cause: text("cause"),
            message: text("message"),
            owner: text("owner"),
            state: text("state"),
        };
        (hash.to_owned(), dead)
    });
    letters.collect()
}

impl End {
    const fn leaves_a_letter(&self) -> bool {
        match self {
            Self::Undecodable(..)
            | Self::Refused(..)
            | Self::Conflict
            | Self::Rejected
            | Self::Stray => true,
            Self::Booked(..)
            | Self::Credited(..)
            | Self::Unsupported(..)
            | Self::NeverSent(_)
            | Self::Linked(..)
            | Self::Unwanted(..)
            | Self::Totals(_)
            | Self::Ignored => false,
        }
    }

    fn holds(&self, odd: &Odd<'_>, letter: Option<&Dead>, books: &Value) -> Result<(), String> {
        match self {
            Self::Undecodable(code, path) => {
                dead(letter, None, code, &format!("{code} at {path}: "))
            }
            Self::Refused(code, path) => {
                dead(letter, Some(ODD), code, &format!("{code} at {path}: "))
            }
            Self::Conflict => {
                dead(letter, Some(ODD), "EVENT_CONFLICT", "")?;
                let message = &letter.unwrap().message;
                let is_named = message.contains("came before with another content");
                is_named.then_some(()).ok_or_else(|| message.clone())
            }
            Self::Rejected => dead(letter, None, "MESSAGE_REJECTED", "A process refused"),
            Self::Stray => dead(letter, None, "MESSAGE_STRAY", "Somebody published"),
            other => {
                if let Some(letter) = letter {
                    return Err(format!("{} {}", letter.cause, letter.message));
                }
                other.is_taken_in(odd, books)
            }
        }
    }

    fn is_taken_in(&self, odd: &Odd<'_>, books: &Value) -> Result<(), String> {
        match self {
            Self::Booked(id, amount) => odd.is_booked(id, amount, &books["objects"]["Invoice"]),
            Self::Credited(id, amount) => {
                odd.is_booked(id, amount, &books["objects"]["CreditMemo"])
            }
            Self::Unsupported(id, code) => {
                odd.stands(id, &["parked"], &format!("\"{code}\""))?;
                odd.has_no_link(id)
            }
            Self::NeverSent(id) => {
                odd.stands(id, &["skipped"], "never sent")?;
                odd.has_no_link(id)
            }
            Self::Linked(id, external) => {
                odd.stands(id, &["done"], "came from these books")?;
                let linked = odd.link(id);
                (linked == *external).then_some(()).ok_or(linked)
            }
            Self::Unwanted(account, id) => odd.is_unwanted(*account, id),
            Self::Totals(day) => {
                let count = format!(
                    "select count(*) from control_total where account_id = {ODD} and day = '{day}'"
                );
                let count = odd.stage.database.sql(&count);
                (count == "1").then_some(()).ok_or(count)
            }
            _ => Ok(()),
        }
    }
}

fn dead(
    letter: Option<&Dead>,
    account: Option<i64>,
    cause: &str,
    reason: &str,
) -> Result<(), String> {
    let Some(letter) = letter else {
        return Err("no dead letter".to_owned());
    };
    let Dead { message, .. } = letter;
    if letter.cause != cause || !message.starts_with(reason) || message.len() < reason.len() + 10 {
        return Err(format!("{} with {message:?}", letter.cause));
    }
    if letter.account != account || letter.state != "OPEN" || letter.owner != "OPERATOR" {
        return Err(format!(
            "of {:?}, {}, {}",
            letter.account, letter.state, letter.owner
        ));
    }
    Ok(())
}

impl Odd<'_> {
    fn item(&self, id: &str) -> String {
        self.stage.database.sql(&format!(
            "select state, coalesce(reason, ''), coalesce(failure::text, '') from item \
             where books_id = '{}' and source_id = '{id}'",
            self.connected.books.uuid()
        ))
    }

    fn link(&self, id: &str) -> String {
        self.stage.database.sql(&format!(
            "select l.external_id from link l join effect e on e.id = l.effect_id join item i on i.id = e.item_id \
             where i.books_id = '{}' and i.source_id = '{id}'",
            self.connected.books.uuid()
        ))
    }

    fn stands(&self, id: &str, states: &[&str], reason: &str) -> Result<(), String> {
        let item = self.item(id);
        let state = item.split('|').next().unwrap_or_default();
        if states.contains(&state) && item.contains(reason) {
            return Ok(());
        }
        Err(item)
    }

    fn has_no_link(&self, id: &str) -> Result<(), String> {
        let link = self.link(id);
        link.is_empty().then_some(()).ok_or(link)
    }

    fn is_booked(&self, id: &str, amount: &str, objects: &Value) -> Result<(), String> {
        self.stands(id, &["done"], "")?;
        let link = self.link(id);
        let invoices = objects.as_array().unwrap();
        let Some(object) = invoices.iter().find(|object| object["id"] == link.as_str()) else {
            return Err(format!("{link:?} is not in the books"));
        };
        let marker = |object: &Value| object["marker"].as_str().and_then(Marker::find);
        let alike = invoices
            .iter()
            .filter(|other| marker(other) == marker(object))
            .count();
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        let found = decimal(object["amount"].as_str().unwrap());
        if found != decimal(amount) || alike != 1 || object["isVoid"] == true {
            return Err(format!("{object}, {alike} times"));
        }
        Ok(())
    }

    fn is_unwanted(&self, account: i64, id: &str) -> Result<(), String> {
        let counts = self.stage.database.sql(&format!(
            "select (select count(*) from document where account_id = {account} and source_id = '{id}'), \
               (select count(*) from item where account_id = {account} and source_id = '{id}')"
        ));
        (counts == "1|0").then_some(()).ok_or(counts)
    }
}
