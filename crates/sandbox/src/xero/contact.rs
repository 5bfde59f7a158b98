//! Writing contacts: numbers are unique among all, names among the active ones.
//!
//! PUT refuses a name or number that is taken; POST updates the contact that has it. Texts of
//! refusals that no source gives are this sandbox's own: no test of a client may rest on them.

use serde_json::{Value, json};

use super::complaints::{Complaints, Verdict};
use super::contact_record::{Contact, ContactStatus};
use super::kind::Kind;
use super::organisation::{Organisation, is_guid};
use super::work::{Manner, Members, Work, Written, text, word};

/// Members kept as they come.
const KEPT: [&str; 19] = [
    "AccountNumber",
    "FirstName",
    "LastName",
    "EmailAddress",
    "CompanyNumber",
    "TaxNumber",
    "BankAccountDetails",
    "AccountsReceivableTaxType",
    "AccountsPayableTaxType",
    "SalesDefaultAccountCode",
    "PurchasesDefaultAccountCode",
    "SalesDefaultLineAmountType",
    "DefaultCurrency",
    "PaymentTerms",
    "Website",
    "ContactPersons",
    "Addresses",
    "Phones",
    "XeroNetworkKey",
];

/// Longest texts (fact sheet 4.1).
const LENGTHS: [(&str, usize); 8] = [
    ("Name", 255),
    ("ContactNumber", 50),
    ("AccountNumber", 50),
    ("FirstName", 255),
    ("LastName", 255),
    ("EmailAddress", 255),
    ("TaxNumber", 50),
    ("CompanyNumber", 50),
];

/// Most persons of one contact.
const PERSONS_MAX: usize = 5;

const UNIDENTIFIED: &str = "The Contact must contain at least 1 of the following elements to \
                            identify the contact: Name, ContactID, ContactNumber";
const ARCHIVED: &str = "The contact with the specified contact details has been archived. The \
                        contact must be un-archived before creating new invoices or credit notes.";

/// Creates or updates a contact.
pub fn write(
    organisation: &mut Organisation,
    body: &Members,
    manner: Manner,
    path_id: Option<&str>,
    work: &Work,
) -> Verdict<Written> {
    let target = target(organisation, body, manner, path_id)?;
    let is_new = target.is_none();
    let contact = prepare(organisation, body, target)?;
    let id = contact.id.clone();
    let revision = organisation.put_contact(work.now, contact);
    let (changes, action) = if is_new {
        ("Created", "created")
    } else {
        ("Edited", "updated")
    };
    organisation
        .history
        .add(&id, changes, "", &work.user, work.now);
    Ok(Written::new(Kind::Contact, &id, action, revision))
}

fn target(
    organisation: &Organisation,
    body: &Members,
    manner: Manner,
    path_id: Option<&str>,
) -> Verdict<Option<Contact>> {
    let id = path_id.or_else(|| word(body, "ContactID"));
    if let Some(id) = id {
        let found = organisation.contacts.get(id);
        if manner == Manner::Create {
            let message = "A ContactID may not be specified when creating a contact";
            return Err(Complaints::one(message));
        }
        let missing =
            || Complaints::one("A contact with the specified ContactID could not be found");
        return found.cloned().map(Some).ok_or_else(missing);
    }
    if manner == Manner::Create {
        return Ok(None);
    }
    let by_number = word(body, "ContactNumber").and_then(|it| organisation.contact_by_number(it));
    let by_name = || word(body, "Name").and_then(|it| organisation.contact_by_name(it));
    Ok(by_number.or_else(by_name).cloned())
}

/// The contact as it would be after the write; nothing is stored.
fn prepare(
    organisation: &mut Organisation,
    body: &Members,
    target: Option<Contact>,
) -> Verdict<Contact> {
    let mut complaints = Complaints::default();
    let is_new = target.is_none();
    let mut contact = target.unwrap_or_else(|| Contact {
        id: organisation.new_id(),
        name: String::new(),
        number: String::new(),
        status: ContactStatus::Active,
        merged_to: None,
        details: Members::new(),
        is_customer: false,
        is_supplier: false,
    });
    if let Some(name) = text(body, "Name") {
        name.clone_into(&mut contact.name);
    }
    if let Some(number) = text(body, "ContactNumber") {
        number.clone_into(&mut contact.number);
    }
    if let Some(name) = word(body, "ContactStatus") {
        match ContactStatus::named(name) {
            Some(status) => contact.status = status,
            None => complaints.add("The contact status is not valid"),
        }
    }
    for name in KEPT {
        if let Some(value) = body.get(name) {
            contact.details.insert(name.to_owned(), value.clone());
        }
    }
    if is_new && contact.name.is_empty() {
        complaints.add(UNIDENTIFIED);
    }
    check_details(body, &mut complaints);
    check_unique(organisation, &contact, &mut complaints);
    complaints.settle()?;
    Ok(contact)
}

fn check_details(body: &Members, complaints: &mut Complaints) {
    for (name, most) in LENGTHS {
        if text(body, name).is_some_and(|text| text.chars().count() > most) {
            complaints.add(format!(
                "{name} must not be more than {most} characters long."
            ));
        }
    }
    if let Some(name) = word(body, "Name") {
        let is_spaced = name.trim() != name || name.contains("  ");
        if is_spaced || name.contains(['<', '>']) {
            complaints.add("The contact name contains characters that are not allowed");
        }
    }
    if let Some(address) = word(body, "EmailAddress") {
        check_email(address, complaints);
    }
    let persons = body.get("ContactPersons").and_then(Value::as_array);
    if persons.is_some_and(|persons| persons.len() > PERSONS_MAX) {
        complaints.add("A maximum of 5 Contact Persons can be added to a contact");
    }
    for person in persons.into_iter().flatten() {
        if let Some(address) = person["EmailAddress"].as_str().filter(|it| !it.is_empty()) {
            check_email(address, complaints);
        }
    }
}

fn check_email(address: &str, complaints: &mut Complaints) {
    let is_valid = address.is_ascii()
        && !address.contains(' ')
        && address.split_once('@').is_some_and(|(user, domain)| {
            !user.is_empty() && domain.contains('.') && !domain.starts_with('.')
        });
    if !is_valid {
        complaints.add("Email address must be valid.");
    }
}

fn check_unique(organisation: &Organisation, contact: &Contact, complaints: &mut Complaints) {
    let is_other = |found: Option<&Contact>| found.is_some_and(|found| found.id != contact.id);
    let is_active = contact.status == ContactStatus::Active;
    if is_active && is_other(organisation.contact_by_name(&contact.name)) {
        complaints.add(format!(
            "The contact name {} is already assigned to another contact. The contact name must \
             be unique across all active contacts.",
            contact.name
        ));
    }
    if is_other(organisation.contact_by_number(&contact.number)) {
        complaints.add(format!(
            "The contact number {} is already assigned to another contact. The contact number \
             must be unique across all contacts.",
            contact.number
        ));
    }
}

/// The contact of a document: which it is, and what is to be stored if the document is.
#[derive(Debug)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// What it becomes when the document is saved.
    pub put: Option<Contact>,
}

/// Finds the contact that a document names, or prepares to create it.
///
/// By id, else by number, else by name, else a new one. Anything beside the identification is
/// applied to the contact's record, and persons that are not repeated are dropped.
pub fn named(organisation: &mut Organisation, value: &Value) -> Verdict<Named> {
    let body = value.as_object().filter(|body| !body.is_empty());
    let Some(body) = body else {
        return Err(Complaints::one(UNIDENTIFIED));
    };
    let target = target(organisation, body, Manner::CreateOrUpdate, None)?;
    let Some(found) = target else {
        let contact = prepare(organisation, body, None)?;
        return Ok(Named {
            id: contact.id.clone(),
            put: Some(contact),
        });
    };
    if found.status != ContactStatus::Active {
        return Err(Complaints::one(ARCHIVED));
    }
    let id = found.id.clone();
    let is_by_id = word(body, "ContactID").is_some_and(is_guid);
    let identification = ["ContactID", "ContactNumber", "Name"];
    let is_plain = body.iter().all(|(name, value)| {
        let is_known = identification.contains(&name.as_str());
        let changes_name = is_by_id && name != "ContactID" && !value.is_null();
        is_known && !changes_name || value.is_null()
    });
    if is_plain {
        return Ok(Named { id, put: None });
    }
    let mut body = body.clone();
    body.entry("ContactPersons").or_insert(json!([]));
    let contact = prepare(organisation, &body, Some(found))?;
    Ok(Named {
        id,
        put: Some(contact),
    })
}

/// Merges one contact into another: its documents move, it is archived and points to the other.
pub fn merge(
    organisation: &mut Organisation,
    from: &str,
    into: &str,
    work: &Work,
) -> Verdict<Written> {
    let find = |id: &str| organisation.contacts.get(id).cloned();
    let missing = || Complaints::one("A contact with the specified ContactID could not be found");
    let mut merged = find(from).ok_or_else(missing)?;
    let kept = find(into).ok_or_else(missing)?;
    if merged.id == kept.id || kept.status != ContactStatus::Active {
        return Err(Complaints::one(
            "A contact is merged into another, active one",
        ));
    }
    for kind in [
        Kind::Invoice,
        Kind::CreditNote,
        Kind::Overpayment,
        Kind::Prepayment,
        Kind::BankTransaction,
    ] {
        let of_merged = |document: &&super::document::Document| document.contact_id == merged.id;
        let moved: Vec<_> = organisation
            .documents(kind)
            .filter(of_merged)
            .cloned()
            .collect();
        for mut document in moved {
            document.contact_id.clone_from(&kept.id);
            organisation.put_document(work.now, document);
        }
    }
    merged.status = ContactStatus::Archived;
    merged.merged_to = Some(kept.id);
    let id = merged.id.clone();
    let revision = organisation.put_contact(work.now, merged);
    organisation
        .history
        .add(&id, "Merged", "", &work.user, work.now);
    Ok(Written::new(Kind::Contact, &id, "updated", revision))
}
