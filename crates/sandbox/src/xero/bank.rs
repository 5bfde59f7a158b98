//! Bank transactions, and the overpayments and prepayments that come with them.
//!
//! Credits of money are made here alone; their own resources only read, allocate and refund them.

use super::billing;
use super::complaints::{Complaints, Verdict};
use super::contact;
use super::document::{AmountTypes, Document, Status};
use super::kind::Kind;
use super::lines::{self, Demands};
use super::organisation::Organisation;
use super::work::{Manner, Members, Work, Written, day, object, text, touched, word};

/// The credit that a type of bank transaction brings.
fn companion_kind(sort: &str) -> Option<Kind> {
    match sort {
        "RECEIVE-OVERPAYMENT" | "SPEND-OVERPAYMENT" => Some(Kind::Overpayment),
        "RECEIVE-PREPAYMENT" | "SPEND-PREPAYMENT" => Some(Kind::Prepayment),
        _ => None,
    }
}

/// Creates a bank transaction, or deletes one.
pub fn write(
    organisation: &mut Organisation,
    body: &Members,
    manner: Manner,
    path_id: Option<&str>,
    work: &Work,
) -> Verdict<Written> {
    let id = path_id.or_else(|| word(body, "BankTransactionID"));
    let Some(id) = id else {
        return create(organisation, body, work);
    };
    let standing = organisation.document(Kind::BankTransaction, id).cloned();
    let standing = standing.filter(|_| manner == Manner::CreateOrUpdate);
    let standing = standing.ok_or_else(|| {
        Complaints::one(
            "An existing BankTransaction with the specified BankTransactionID could not be found",
        )
    })?;
    change(organisation, standing, body, work)
}

fn create(organisation: &mut Organisation, body: &Members, work: &Work) -> Verdict<Written> {
    let sort = word(body, "Type").unwrap_or_default().to_owned();
    let companion = companion_kind(&sort);
    if companion.is_none() && sort != "RECEIVE" && sort != "SPEND" {
        return Err(Complaints::one("The bank transaction type is not valid"));
    }
    let mut complaints = Complaints::default();
    let mut document = billing::blank(organisation, Kind::BankTransaction, work);
    document.sort = sort;
    document.status = Status::Authorised;
    document.date = day(body, "Date").unwrap_or(work.today);
    text(body, "Reference")
        .unwrap_or_default()
        .clone_into(&mut document.reference);
    text(body, "Url")
        .unwrap_or_default()
        .clone_into(&mut document.url);
    let named = match body
        .get("Contact")
        .map(|it| contact::named(organisation, it))
    {
        Some(Ok(named)) => {
            document.contact_id.clone_from(&named.id);
            Some(named)
        }
        Some(Err(found)) => {
            complaints.add_all(found);
            None
        }
        None => {
            complaints.add("A Contact must be specified for this type of transaction");
            None
        }
    };
    bank_account(organisation, &mut document, body, &mut complaints);
    billing::currency(organisation, &mut document, body, &mut complaints);
    let types = word(body, "LineAmountTypes").and_then(AmountTypes::named);
    document.amount_types = match companion {
        Some(Kind::Overpayment) => AmountTypes::NoTax,
        _ => types.unwrap_or(AmountTypes::Exclusive),
    };
    let demands = Demands {
        kind: Kind::BankTransaction,
        is_receivable: document.is_receivable(),
        amount_types: document.amount_types,
        is_approved: true,
        is_control: companion == Some(Kind::Overpayment),
        unit_places: work.unit_places,
    };
    let bodies = body.get("LineItems").and_then(serde_json::Value::as_array);
    let bodies = bodies.cloned().unwrap_or_default();
    document.lines = lines::read(organisation, &bodies, &[], demands, &mut complaints);
    lines::total(&mut document);
    if document.lines.is_empty() {
        complaints.add("One or more line items must be specified");
    }
    if document.total.is_sign_negative() {
        complaints.add("The total of a bank transaction must not be negative");
    }
    for lock in organisation.profile.locks(document.date) {
        complaints.add(lock);
    }
    complaints.settle()?;
    let credit = companion.map(|kind| credit(organisation, kind, &mut document));
    let mut written = billing::save(organisation, document, named, true, work);
    if let Some(credit) = credit {
        let (kind, id) = (credit.kind, credit.id.clone());
        let revision = organisation.put_document(work.now, credit);
        written
            .touched
            .push(touched(kind, &id, "created", revision));
    }
    Ok(written)
}

fn bank_account(
    organisation: &Organisation,
    document: &mut Document,
    body: &Members,
    complaints: &mut Complaints,
) {
    let named = object(body, "BankAccount");
    let by_id = named.and_then(|named| word(named, "AccountID"));
    let by_code = named.and_then(|named| word(named, "Code"));
    let account = match (by_id, by_code) {
        (Some(id), _) => organisation.accounts.get(id),
        (None, Some(code)) => organisation.account_by_code(code),
        (None, None) => None,
    };
    match account {
        Some(account) if account.sort == "BANK" && account.status == "ACTIVE" => {
            document.bank_account_id.clone_from(&account.id);
            document.currency.clone_from(&account.currency);
            document.rate = organisation.profile.rate(&account.currency);
        }
        _ => complaints.add("Bank account could not be found"),
    }
}

fn credit(organisation: &mut Organisation, kind: Kind, document: &mut Document) -> Document {
    let mut credit = document.clone();
    credit.id = organisation.new_id();
    credit.kind = kind;
    credit.companion_id.clone_from(&document.id);
    document.companion_id.clone_from(&credit.id);
    credit
}

/// The only change taken is the one to DELETED; it takes an unused credit along.
fn change(
    organisation: &mut Organisation,
    mut standing: Document,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    if word(body, "Status") != Some("DELETED") || standing.status.is_final() {
        return Err(Complaints::one(
            "Bank transaction not of valid status for modification",
        ));
    }
    billing::unlocked(organisation, standing.date)?;
    let kind = companion_kind(&standing.sort);
    let credit = kind.and_then(|kind| organisation.document(kind, &standing.companion_id));
    let credit = credit.cloned();
    if credit.as_ref().is_some_and(Document::is_touched) {
        let message = "This document cannot be edited as it has a payment or credit note \
                       allocated to it.";
        return Err(Complaints::one(message));
    }
    standing.status = Status::Deleted;
    let id = standing.id.clone();
    let revision = organisation.put_document(work.now, standing);
    let mut written = Written::new(Kind::BankTransaction, &id, "deleted", revision);
    if let Some(mut credit) = credit {
        credit.status = Status::Voided;
        let (kind, id) = (credit.kind, credit.id.clone());
        let revision = organisation.put_document(work.now, credit);
        written.touched.push(touched(kind, &id, "voided", revision));
    }
    organisation
        .history
        .add(&id, "Deleted", "", &work.user, work.now);
    Ok(written)
}
