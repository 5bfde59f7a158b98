//! A person working in the books: the same rules, but no application and no key.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::allocation;
use super::bank;
use super::billing;
use super::chart;
use super::complaints::{Complaints, Verdict};
use super::contact;
use super::kind::Kind;
use super::organisation::Organisation;
use super::payment;
use super::work::{Manner, Members, Work, Written};

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
    /// Deletes it.
    Delete,
    /// Voids a document.
    Void,
    /// Archives a contact or account.
    Archive,
    /// Takes it back out of the archive.
    Restore,
    /// Merges a contact into the one of the id `into`.
    Merge,
    /// Pays a document as `changes` say.
    Pay,
    /// Applies a credit as `changes` say.
    Allocate,
}

/// A person's work on one object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deeds {
    /// Organisation.
    pub tenant_id: String,
    /// Kind, by its name in the singular.
    pub entity: String,
    /// Its id, unless it is created.
    #[serde(default)]
    pub id: String,
    /// What is done.
    pub action: Deed,
    /// New name for `rename`.
    #[serde(default)]
    pub name: String,
    /// The other contact for `merge`.
    #[serde(default)]
    pub into: String,
    /// Members for `create`, `edit`, `pay` and `allocate`.
    #[serde(default)]
    pub changes: Map<String, Value>,
}

/// Does the work.
pub fn act(organisation: &mut Organisation, deeds: &Deeds, now: DateTime<Utc>) -> Verdict<Written> {
    let kind = Kind::named(&deeds.entity);
    let kind = kind.ok_or_else(|| Complaints::one(format!("there is no {}", deeds.entity)))?;
    let work = Work {
        now,
        today: organisation.profile.day(now),
        unit_places: 4,
        app: String::new(),
        user: "Pat Person".to_owned(),
    };
    let mut body = deeds.changes.clone();
    match deeds.action {
        Deed::Create => return save(organisation, kind, &body, None, &work),
        Deed::Edit => {}
        Deed::Rename => {
            let member = match kind {
                Kind::Invoice => "InvoiceNumber",
                Kind::CreditNote => "CreditNoteNumber",
                _ => "Name",
            };
            body.insert(member.to_owned(), json!(deeds.name));
        }
        Deed::Delete | Deed::Void | Deed::Archive | Deed::Restore => {
            let status = match deeds.action {
                Deed::Delete => "DELETED",
                Deed::Void => "VOIDED",
                Deed::Archive => "ARCHIVED",
                _ => "ACTIVE",
            };
            let member = if kind == Kind::Contact {
                "ContactStatus"
            } else {
                "Status"
            };
            body.insert(member.to_owned(), json!(status));
        }
        Deed::Merge => return contact::merge(organisation, &deeds.id, &deeds.into, &work),
        Deed::Pay => {
            body.insert(kind.name().to_owned(), json!({kind.id_member(): deeds.id}));
            return payment::create(organisation, &body, &work);
        }
        Deed::Allocate => {
            return allocation::create(organisation, kind, &deeds.id, &body, &work);
        }
    }
    save(organisation, kind, &body, Some(&deeds.id), &work)
}

fn save(
    organisation: &mut Organisation,
    kind: Kind,
    body: &Members,
    id: Option<&str>,
    work: &Work,
) -> Verdict<Written> {
    let manner = if id.is_some() {
        Manner::CreateOrUpdate
    } else {
        Manner::Create
    };
    match (kind, id) {
        (Kind::Invoice | Kind::CreditNote, _) => {
            billing::write(organisation, kind, body, manner, id, work)
        }
        (Kind::Contact, _) => contact::write(organisation, body, manner, id, work),
        (Kind::Account, _) => chart::account(organisation, body, id, work),
        (Kind::Item, _) => chart::item(organisation, body, manner, id, work),
        (Kind::TrackingCategory, _) => chart::category(organisation, body, id, false, work),
        (Kind::TaxRate, _) => chart::tax_rate(organisation, body, manner, work),
        (Kind::BankTransaction, _) => bank::write(organisation, body, manner, id, work),
        (Kind::Payment, Some(id)) => payment::change(organisation, id, body, work),
        (Kind::Payment, None) => payment::create(organisation, body, work),
        _ => Err(Complaints::one("a person does not do that here")),
    }
}
