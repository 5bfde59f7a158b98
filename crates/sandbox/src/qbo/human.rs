//! A person working in the books: the same rules, but no revision check and no `requestid`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::writing::{Circumstances, Operation, Written, write};

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
}

/// A person's work on one object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Work {
    /// Company.
    pub realm: String,
    /// Entity name.
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
}

/// Does the work.
pub fn act(company: &mut Company, work: &Work, now: DateTime<Utc>) -> Result<Written, QboFault> {
    let kind = Kind::named(&work.entity).ok_or_else(|| QboFault::unknown_property(&work.entity))?;
    let mut body = work.changes.clone();
    if work.action != Deed::Create {
        if work.id.is_empty() {
            return Err(QboFault::missing("Id"));
        }
        body.insert("Id".to_owned(), json!(work.id));
        body.insert("sparse".to_owned(), json!(true));
    }
    let operation = match work.action {
        Deed::Create | Deed::Edit => Operation::Save,
        Deed::Rename => {
            body.insert(kind.name_member().to_owned(), json!(work.name));
            Operation::Save
        }
        Deed::Deactivate | Deed::Reactivate => {
            let is_active = work.action == Deed::Reactivate;
            body.insert("Active".to_owned(), json!(is_active));
            Operation::Save
        }
        Deed::Delete => Operation::Delete,
        Deed::Void => Operation::Void,
    };
    let circumstances = Circumstances {
        now,
        // A person is asked about a repeated number and may keep it.
        may_repeat_number: true,
        is_human: true,
    };
    write(
        company,
        kind,
        operation,
        &Value::Object(body),
        circumstances,
    )
}
