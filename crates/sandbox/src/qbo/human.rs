//! A person working in the books: the same rules, but no revision check and no `requestid`.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::merge;
use super::record::Record;
use super::render::render;
use super::writing::{Circumstances, Operation, Written, touched, write};

/// What the person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deed {
    /// Creates an object from `changes`.
    Create,
    /// Changes the members in `changes`.
    Edit,
    /// Gives it the name `name`.
    Rename,
    /// Deletes a document.
    Delete,
    /// Voids a document.
    Void,
    /// Makes a customer or item inactive.
    Deactivate,
    /// Makes it active again.
    Reactivate,
    /// Applies a payment to the documents in `to`, and to nothing else.
    Apply,
    /// Takes a payment to the bank, on a deposit of its own.
    Deposit,
    /// Merges a customer into the customer `into`.
    Merge,
    /// Closes the books up to and with `date`, or opens them all without one.
    CloseBooks,
}

/// A person's work on one object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Work {
    /// Company.
    pub realm: String,
    /// Entity name; the books are closed in the `Preferences`.
    pub entity: String,
    /// Its id, unless it is created.
    #[serde(default)]
    pub id: String,
    /// What is done.
    pub action: Deed,
    /// New name for `rename`.
    #[serde(default)]
    pub name: String,
    /// Members for `create` and `edit`.
    #[serde(default)]
    pub changes: Map<String, Value>,
    /// What `apply` settles.
    #[serde(default)]
    pub to: Vec<Share>,
    /// Who stays after `merge`.
    #[serde(default)]
    pub into: String,
    /// The last closed day.
    #[serde(default)]
    pub date: Option<NaiveDate>,
}

/// How much of which document a payment settles.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Share {
    /// `Invoice` or `CreditMemo`.
    pub entity: String,
    /// Its id.
    pub id: String,
    /// How much of it.
    pub amount: Value,
}

/// Does the work.
pub fn act(company: &mut Company, work: &Work, now: DateTime<Utc>) -> Result<Written, QboFault> {
    let kind = Kind::named(&work.entity).ok_or_else(|| QboFault::unknown_property(&work.entity))?;
    match (work.action, kind) {
        (Deed::Merge, Kind::Customer) => merge::customers(company, &work.id, &work.into, now),
        (Deed::CloseBooks, Kind::Preferences) => close_books(company, work.date, now),
        (Deed::Deposit, Kind::Payment) => {
            let line = json!({"LinkedTxn": [{"TxnId": work.id, "TxnType": "Payment"}]});
            let body = json!({"Line": [line]});
            save(company, Kind::Deposit, Operation::Save, &body, now)
        }
        (Deed::Apply, Kind::Payment) => change(company, kind, work, now),
        (Deed::Merge | Deed::CloseBooks | Deed::Deposit | Deed::Apply, _) => {
            Err(QboFault::unsupported_operation("this work on this entity"))
        }
        _ => change(company, kind, work, now),
    }
}

fn change(
    company: &mut Company,
    kind: Kind,
    work: &Work,
    now: DateTime<Utc>,
) -> Result<Written, QboFault> {
    let mut body = work.changes.clone();
    if work.action != Deed::Create {
        if work.id.is_empty() {
            return Err(QboFault::missing("Id"));
        }
        body.insert("Id".to_owned(), json!(work.id));
        body.insert("sparse".to_owned(), json!(true));
    }
    let operation = match work.action {
        Deed::Rename => {
            body.insert(kind.name_member().to_owned(), json!(work.name));
            Operation::Save
        }
        Deed::Deactivate | Deed::Reactivate => {
            let is_active = work.action == Deed::Reactivate;
            body.insert("Active".to_owned(), json!(is_active));
            Operation::Save
        }
        Deed::Apply => {
            body.insert("Line".to_owned(), lines(&work.to));
            Operation::Save
        }
        Deed::Delete => Operation::Delete,
        Deed::Void => Operation::Void,
        Deed::Create | Deed::Edit | Deed::Merge | Deed::CloseBooks | Deed::Deposit => {
            Operation::Save
        }
    };
    save(company, kind, operation, &Value::Object(body), now)
}

fn lines(to: &[Share]) -> Value {
    let row = |share: &Share| {
        json!({
            "Amount": share.amount,
            "LinkedTxn": [{"TxnId": share.id, "TxnType": share.entity}],
        })
    };
    to.iter().map(row).collect()
}

fn save(
    company: &mut Company,
    kind: Kind,
    operation: Operation,
    body: &Value,
    now: DateTime<Utc>,
) -> Result<Written, QboFault> {
    let circumstances = Circumstances {
        now,
        // A person is asked about a repeated number and may keep it.
        may_repeat_number: true,
        is_human: true,
    };
    write(company, kind, operation, body, circumstances)
}

/// Closes the books: a new revision of the preferences, whose members follow from the profile.
fn close_books(
    company: &mut Company,
    date: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Written, QboFault> {
    let before = company.live(Kind::Preferences, "1").cloned();
    let before = before.ok_or_else(QboFault::not_found)?;
    company.profile.book_close_date = date;
    let record = Record {
        token: before.token + 1,
        updated_at: now,
        ..before
    };
    company.put(Kind::Preferences, record.clone());
    Ok(Written {
        entity: render(company, Kind::Preferences, &record),
        touched: vec![touched(Kind::Preferences, &record, "updated")],
    })
}
