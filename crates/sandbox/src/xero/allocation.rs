//! Credits applied to invoices: from credit notes, overpayments and prepayments.

use super::billing;
use super::complaints::{Complaints, Verdict};
use super::document::{Allocation, Document, Status};
use super::kind::Kind;
use super::number;
use super::organisation::Organisation;
use super::work::{Members, Work, Written, amount, object, touched, word};
use rust_decimal::Decimal;

/// What the service calls a credit in its messages.
fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::Overpayment => "Overpayment",
        Kind::Prepayment => "Prepayment",
        _ => "Credit Note",
    }
}

/// Applies part of a credit to an invoice; the id in the answer is the allocation's.
pub fn create(
    organisation: &mut Organisation,
    kind: Kind,
    credit_key: &str,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let credit = billing::find(organisation, kind, credit_key).cloned();
    let mut credit = credit.ok_or_else(|| {
        Complaints::one(format!(
            "An existing {} with the specified {} could not be found",
            called(kind),
            kind.id_member()
        ))
    })?;
    let inner = object(body, "Invoice");
    let id = inner.and_then(|inner| word(inner, "InvoiceID"));
    let key = id.or_else(|| inner.and_then(|inner| word(inner, "InvoiceNumber")));
    let invoice = key.and_then(|key| billing::find(organisation, Kind::Invoice, key));
    let missing = || Complaints::one("The Invoice could not be found");
    let mut invoice = invoice.ok_or_else(missing)?.clone();
    let amount = amount(body, "Amount").unwrap_or_default();
    check(organisation, &credit, &invoice, amount)?;
    let allocation = Allocation {
        id: organisation.new_id(),
        credit_kind: kind,
        credit_id: credit.id.clone(),
        credit_number: credit.number.clone(),
        invoice_id: invoice.id.clone(),
        invoice_number: invoice.number.clone(),
        // The day that is sent is not looked at: it is the later of both documents' days.
        date: credit.date.max(invoice.date),
        amount,
    };
    let id = allocation.id.clone();
    for document in [&mut credit, &mut invoice] {
        document.allocations.push(allocation.clone());
        document.settle();
    }
    let mut written = Written {
        kind,
        id,
        touched: Vec::new(),
        warnings: Vec::new(),
    };
    for document in [credit, invoice] {
        let (kind, id) = (document.kind, document.id.clone());
        let details = format!("Credit of {}", number::plain(amount));
        let history = &mut organisation.history;
        history.add(&id, "Credit Applied", &details, &work.user, work.now);
        let revision = organisation.put_document(work.now, document);
        written
            .touched
            .push(touched(kind, &id, "updated", revision));
    }
    Ok(written)
}

fn check(
    organisation: &Organisation,
    credit: &Document,
    invoice: &Document,
    amount: Decimal,
) -> Verdict<()> {
    let mut complaints = Complaints::default();
    let name = called(credit.kind);
    if credit.is_receivable() != invoice.is_receivable() {
        let message = format!("{name} cannot be allocated to an incorrect invoice type");
        return Err(Complaints::one(message));
    }
    if invoice.status == Status::Paid {
        complaints.add("The invoice you are trying to allocate to has already been paid off");
    } else if invoice.status != Status::Authorised {
        complaints.add("Allocations can only be made against Authorised documents");
    }
    if !credit.status.is_booked() {
        complaints.add(format!(
            "{name} must be authorised before it can be allocated"
        ));
    }
    if credit.contact_id != invoice.contact_id {
        complaints.add(format!("{name} and invoice must have the same contact"));
    }
    if credit.currency != invoice.currency {
        complaints.add(format!("{name} and invoice must have the same currency"));
    }
    if amount <= Decimal::ZERO || number::rounded(amount, number::CENTS) != Some(amount) {
        complaints.add("The amount must be greater than zero, in whole cents");
    } else if amount > credit.outstanding() || amount > invoice.outstanding() {
        complaints.add(format!(
            "{name} cannot be allocated as amount is greater than amount outstanding"
        ));
    }
    for lock in organisation.profile.locks(credit.date.max(invoice.date)) {
        complaints.add(lock);
    }
    complaints.settle()
}

/// Takes an allocation back and returns it as it was; none when the credit has no such one.
pub fn delete(
    organisation: &mut Organisation,
    kind: Kind,
    credit_key: &str,
    allocation_id: &str,
    work: &Work,
) -> Option<Verdict<(Allocation, Written)>> {
    let credit = billing::find(organisation, kind, credit_key)?.clone();
    let found = credit.allocations.iter().find(|it| it.id == allocation_id);
    let found = found?.clone();
    if let Err(complaints) = billing::unlocked(organisation, found.date) {
        return Some(Err(complaints));
    }
    let invoice = organisation
        .document(Kind::Invoice, &found.invoice_id)
        .cloned();
    let mut written = Written {
        kind,
        id: found.id.clone(),
        touched: Vec::new(),
        warnings: Vec::new(),
    };
    for mut document in [Some(credit), invoice].into_iter().flatten() {
        document.allocations.retain(|it| it.id != found.id);
        document.settle();
        let (kind, id) = (document.kind, document.id.clone());
        let history = &mut organisation.history;
        history.add(&id, "Credit Removed", "", &work.user, work.now);
        let revision = organisation.put_document(work.now, document);
        written
            .touched
            .push(touched(kind, &id, "updated", revision));
    }
    Some(Ok((found, written)))
}
