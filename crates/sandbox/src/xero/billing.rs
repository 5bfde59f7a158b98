//! Writing invoices and credit notes.
//!
//! PUT creates only. POST finds by id, then by the number of a receivable document, and updates
//! what it finds, whoever made it. A document with payments or credits keeps everything but its
//! reference, due date, number, layout, address, contact and the words and accounts of its lines.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

use super::complaints::{Complaints, Verdict};
use super::contact::{self, Named};
use super::document::{AmountTypes, Document, Status};
use super::kind::Kind;
use super::lines::{self, Demands};
use super::number;
use super::organisation::Organisation;
use super::work::{Manner, Members, Work, Written, amount, day, flag, text, touched, word};

/// Longest number and reference.
const TEXT_MAX: usize = 255;

const ALLOCATED: &str =
    "This document cannot be edited as it has a payment or credit note allocated to it.";

/// Creates or updates a document.
pub fn write(
    organisation: &mut Organisation,
    kind: Kind,
    body: &Members,
    manner: Manner,
    path_id: Option<&str>,
    work: &Work,
) -> Verdict<Written> {
    match target(organisation, kind, body, manner, path_id)? {
        Some(standing) => update(organisation, &standing, body, work),
        None => create(organisation, kind, body, work),
    }
}

fn number_member(kind: Kind) -> &'static str {
    if kind == Kind::CreditNote {
        "CreditNoteNumber"
    } else {
        "InvoiceNumber"
    }
}

fn receivable(kind: Kind) -> &'static str {
    if kind == Kind::CreditNote {
        "ACCRECCREDIT"
    } else {
        "ACCREC"
    }
}

fn payable(kind: Kind) -> &'static str {
    if kind == Kind::CreditNote {
        "ACCPAYCREDIT"
    } else {
        "ACCPAY"
    }
}

fn not_unique(kind: Kind) -> &'static str {
    if kind == Kind::CreditNote {
        // The service's own text for a credit note is not established.
        "Credit note number must be unique."
    } else {
        "Invoice # must be unique."
    }
}

fn not_modifiable(kind: Kind) -> String {
    let name = if kind == Kind::CreditNote {
        "Credit note"
    } else {
        "Invoice"
    };
    format!("{name} not of valid status for modification")
}

/// The document at an id or number, as paths name it.
pub fn find<'a>(organisation: &'a Organisation, kind: Kind, key: &str) -> Option<&'a Document> {
    let by_id = organisation.document(kind, key);
    by_id.or_else(|| organisation.document(kind, organisation.number_owner(kind, key)?))
}

fn target(
    organisation: &Organisation,
    kind: Kind,
    body: &Members,
    manner: Manner,
    path_id: Option<&str>,
) -> Verdict<Option<Document>> {
    let missing = || {
        let name = kind.name();
        let id = kind.id_member();
        Complaints::one(format!(
            "An existing {name} with the specified {id} could not be found"
        ))
    };
    if let Some(key) = path_id {
        let found = find(organisation, kind, key).cloned();
        return found.map(Some).ok_or_else(missing);
    }
    if let Some(id) = word(body, kind.id_member()) {
        let found = organisation.document(kind, id).cloned();
        // Ids are made by the service: none may be proposed for a new document.
        return match (found, manner) {
            (Some(found), Manner::CreateOrUpdate) => Ok(Some(found)),
            _ => Err(missing()),
        };
    }
    let is_payable = word(body, "Type") == Some(payable(kind));
    let number = word(body, number_member(kind)).filter(|_| !is_payable);
    let owner = number.and_then(|number| organisation.number_owner(kind, number));
    match (owner, manner) {
        (None, _) => Ok(None),
        (Some(_), Manner::Create) => Err(Complaints::one(not_unique(kind))),
        (Some(id), Manner::CreateOrUpdate) => Ok(organisation.document(kind, id).cloned()),
    }
}

fn create(
    organisation: &mut Organisation,
    kind: Kind,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let sort = word(body, "Type").unwrap_or_default();
    if sort != receivable(kind) && sort != payable(kind) {
        return Err(Complaints::one(
            "The document type must be specified and valid.",
        ));
    }
    let mut blank = blank(organisation, kind, work);
    sort.clone_into(&mut blank.sort);
    let (mut document, named) = compose(organisation, blank, body, None, work)?;
    if document.number.is_empty() && document.is_receivable() {
        document.number = organisation.next_number(kind);
    }
    Ok(save(organisation, document, named, true, work))
}

/// A document with nothing in it yet.
pub fn blank(organisation: &mut Organisation, kind: Kind, work: &Work) -> Document {
    Document {
        id: organisation.new_id(),
        kind,
        sort: String::new(),
        number: String::new(),
        reference: String::new(),
        contact_id: String::new(),
        date: work.today,
        due_date: None,
        amount_types: AmountTypes::Exclusive,
        currency: organisation.profile.base().to_owned(),
        rate: organisation.profile.rate(organisation.profile.base()),
        status: Status::Draft,
        lines: Vec::new(),
        sub_total: Decimal::ZERO,
        total_tax: Decimal::ZERO,
        total: Decimal::ZERO,
        total_discount: Decimal::ZERO,
        url: String::new(),
        branding_theme_id: String::new(),
        is_sent: false,
        expected_on: None,
        bank_account_id: String::new(),
        companion_id: String::new(),
        payments: Vec::new(),
        allocations: Vec::new(),
        made_by: work.app.clone(),
    }
}

fn update(
    organisation: &mut Organisation,
    standing: &Document,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let wanted = word(body, "Status").and_then(Status::named);
    let kind = standing.kind;
    if standing.status.is_final() {
        return Err(Complaints::one(not_modifiable(kind)));
    }
    if let Some(end @ (Status::Voided | Status::Deleted)) = wanted {
        return finish(organisation, standing.clone(), end, work);
    }
    if standing.status.is_booked() {
        unlocked(organisation, standing.date)?;
    }
    let (document, named) = compose(organisation, standing.clone(), body, Some(standing), work)?;
    if standing.is_touched() && differs(standing, &document) {
        return Err(Complaints::one(format!(
            "{} {ALLOCATED}",
            not_modifiable(kind)
        )));
    }
    Ok(save(organisation, document, named, false, work))
}

/// Refuses a day in a locked period.
pub fn unlocked(organisation: &Organisation, day: NaiveDate) -> Verdict<()> {
    let mut complaints = Complaints::default();
    for lock in organisation.profile.locks(day) {
        complaints.add(lock);
    }
    complaints.settle()
}

/// Voids or deletes; the rest of the request is not looked at.
fn finish(
    organisation: &mut Organisation,
    mut document: Document,
    end: Status,
    work: &Work,
) -> Verdict<Written> {
    let kind = document.kind;
    let is_booked = document.status.is_booked();
    if is_booked != (end == Status::Voided) {
        return Err(Complaints::one(not_modifiable(kind)));
    }
    if document.is_touched() {
        let name = if kind == Kind::CreditNote {
            "credit note"
        } else {
            "invoice"
        };
        return Err(Complaints::one(format!(
            "The status VOIDED cannot be applied to the {name} because it has payments or credit \
             notes allocated to it."
        )));
    }
    if is_booked {
        unlocked(organisation, document.date)?;
    }
    document.status = end;
    let id = document.id.clone();
    let revision = organisation.put_document(work.now, document);
    let (changes, action) = if end == Status::Voided {
        ("Voided", "voided")
    } else {
        ("Deleted", "deleted")
    };
    organisation
        .history
        .add(&id, changes, "", &work.user, work.now);
    Ok(Written::new(kind, &id, action, revision))
}

/// Lays a request over a document; nothing is stored.
fn compose(
    organisation: &mut Organisation,
    mut document: Document,
    body: &Members,
    standing: Option<&Document>,
    work: &Work,
) -> Verdict<(Document, Option<Named>)> {
    let mut complaints = Complaints::default();
    let named = match body.get("Contact") {
        Some(value) if !value.is_null() => match contact::named(organisation, value) {
            Ok(named) => {
                document.contact_id.clone_from(&named.id);
                Some(named)
            }
            Err(found) => {
                complaints.add_all(found);
                None
            }
        },
        _ => None,
    };
    if document.contact_id.is_empty() && named.is_none() && body.get("Contact").is_none() {
        complaints.add("A Contact must be specified for this type of transaction");
    }
    heading(organisation, &mut document, body, &mut complaints);
    status(&mut document, body, standing, &mut complaints);
    let demands = Demands {
        kind: document.kind,
        is_receivable: document.is_receivable(),
        amount_types: document.amount_types,
        is_approved: document.status.is_booked(),
        is_control: false,
        unit_places: work.unit_places,
    };
    if let Some(Value::Array(bodies)) = body.get("LineItems") {
        let before = std::mem::take(&mut document.lines);
        document.lines = lines::read(organisation, bodies, &before, demands, &mut complaints);
    } else if standing.is_some_and(|it| it.amount_types != document.amount_types) {
        complaints.add("LineItems must be specified when LineAmountTypes changes");
    }
    lines::total(&mut document);
    if document.status.is_booked() {
        if document.lines.is_empty() {
            complaints.add("One or more line items must be specified");
        }
        for lock in organisation.profile.locks(document.date) {
            complaints.add(lock);
        }
    }
    document.settle();
    complaints.settle()?;
    Ok((document, named))
}

fn heading(
    organisation: &Organisation,
    document: &mut Document,
    body: &Members,
    complaints: &mut Complaints,
) {
    let kind = document.kind;
    if let Some(number) = word(body, number_member(kind)) {
        let owner = organisation.number_owner(kind, number);
        if document.is_receivable() && owner.is_some_and(|owner| owner != document.id) {
            complaints.add(not_unique(kind));
        }
        number.clone_into(&mut document.number);
    }
    if let Some(reference) = text(body, "Reference") {
        reference.clone_into(&mut document.reference);
    }
    for (name, value) in [
        ("number", &document.number),
        ("reference", &document.reference),
    ] {
        if value.chars().count() > TEXT_MAX {
            complaints.add(format!(
                "The {name} must not be more than 255 characters long."
            ));
        }
    }
    document.date = day(body, "Date").unwrap_or(document.date);
    document.due_date = day(body, "DueDate").or(document.due_date);
    document.expected_on = day(body, "ExpectedPaymentDate").or(document.expected_on);
    document.is_sent = flag(body, "SentToContact").unwrap_or(document.is_sent);
    if let Some(types) = word(body, "LineAmountTypes") {
        match AmountTypes::named(types) {
            Some(types) => document.amount_types = types,
            None => complaints.add("LineAmountTypes is not valid"),
        }
    }
    for (name, slot) in [
        ("Url", &mut document.url),
        ("BrandingThemeID", &mut document.branding_theme_id),
    ] {
        if let Some(value) = text(body, name) {
            value.clone_into(slot);
        }
    }
    currency(organisation, document, body, complaints);
}

/// Currency and rate; the organisation's own rate of the day when none is sent.
pub fn currency(
    organisation: &Organisation,
    document: &mut Document,
    body: &Members,
    complaints: &mut Complaints,
) {
    if let Some(code) = word(body, "CurrencyCode")
        && code != document.currency
    {
        if !organisation.profile.has_currency(code) {
            complaints.add(format!("Organisation is not subscribed to currency {code}"));
        }
        code.clone_into(&mut document.currency);
        document.rate = organisation.profile.rate(code);
    }
    if let Some(rate) = amount(body, "CurrencyRate") {
        let is_base = document.currency == organisation.profile.base();
        match number::rounded(rate, number::RATE_PLACES) {
            Some(rate) if !rate.is_zero() && !rate.is_sign_negative() => {
                document.rate = if is_base { document.rate } else { rate };
            }
            _ => complaints.add("The currency rate is not valid"),
        }
    }
}

fn status(
    document: &mut Document,
    body: &Members,
    standing: Option<&Document>,
    complaints: &mut Complaints,
) {
    let Some(name) = word(body, "Status") else {
        return;
    };
    let Some(wanted) = Status::named(name) else {
        complaints.add("The status is not valid");
        return;
    };
    let kind = document.kind;
    match standing.map(|standing| standing.status) {
        None if matches!(
            wanted,
            Status::Draft | Status::Submitted | Status::Authorised
        ) =>
        {
            document.status = wanted;
        }
        None => {
            let name = if kind == Kind::CreditNote {
                "Credit note"
            } else {
                "Invoice"
            };
            complaints.add(format!("{name} not of valid status for creation"));
        }
        Some(Status::Draft | Status::Submitted)
            if matches!(
                wanted,
                Status::Draft | Status::Submitted | Status::Authorised
            ) =>
        {
            document.status = wanted;
        }
        // What is booked stays booked; naming its own status changes nothing.
        Some(Status::Authorised | Status::Paid) if wanted.is_booked() => {}
        Some(_) => complaints.add(not_modifiable(kind)),
    }
}

/// Whether anything changed that a paid or credited document must keep.
fn differs(before: &Document, after: &Document) -> bool {
    let money = |document: &Document| -> Vec<_> {
        let parts = document.lines.iter().map(|line| {
            (
                line.id.clone(),
                (line.quantity, line.unit_amount, line.amount),
                (line.discount_rate, line.discount_amount),
                (line.tax_type.clone(), line.tax_amount),
                line.item_code.clone(),
            )
        });
        parts.collect()
    };
    before.date != after.date
        || before.currency != after.currency
        || before.rate != after.rate
        || before.amount_types != after.amount_types
        || before.sort != after.sort
        || money(before) != money(after)
        || (before.contact_id != after.contact_id && !before.allocations.is_empty())
}

/// Stores a document, the contact it brought along, and its place in the history.
pub fn save(
    organisation: &mut Organisation,
    document: Document,
    named: Option<Named>,
    is_new: bool,
    work: &Work,
) -> Written {
    let (kind, id) = (document.kind, document.id.clone());
    let mut extra = Vec::new();
    if let Some(contact) = named.and_then(|named| named.put) {
        let is_known = organisation.contacts.get(&contact.id).is_some();
        let contact_id = contact.id.clone();
        let revision = organisation.put_contact(work.now, contact);
        let action = if is_known { "updated" } else { "created" };
        extra.push(touched(Kind::Contact, &contact_id, action, revision));
    }
    mark_contact(organisation, &document);
    let revision = organisation.put_document(work.now, document);
    let (changes, action) = if is_new {
        ("Created", "created")
    } else {
        ("Edited", "updated")
    };
    organisation
        .history
        .add(&id, changes, "", &work.user, work.now);
    let mut written = Written::new(kind, &id, action, revision);
    written.touched.extend(extra);
    written.warnings.extend(odd_rate(organisation, kind, &id));
    written
}

/// A warning about a currency rate that is less than half or more than twice the usual one. Where
/// the service draws the line is not established.
fn odd_rate(organisation: &Organisation, kind: Kind, id: &str) -> Option<String> {
    let document = organisation.document(kind, id)?;
    let usual = organisation.profile.rate(&document.currency);
    let is_odd = document.rate * Decimal::TWO < usual || usual * Decimal::TWO < document.rate;
    is_odd.then(|| "The currency rate differs much from the rate of the day".to_owned())
}

/// A contact with a sales document is a customer; that does not count as a change of it.
fn mark_contact(organisation: &mut Organisation, document: &Document) {
    let Some(latest) = organisation.contacts.latest(&document.contact_id) else {
        return;
    };
    let (at, mut contact) = (latest.at, latest.value.clone());
    let is_receivable = document.is_receivable();
    let is_marked = if is_receivable {
        contact.is_customer
    } else {
        contact.is_supplier
    };
    if is_marked {
        return;
    }
    contact.is_customer |= is_receivable;
    contact.is_supplier |= !is_receivable;
    organisation.put_contact(at, contact);
}
