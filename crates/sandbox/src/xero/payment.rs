//! Payments: made, deleted, never changed.
//!
//! A payment settles one document: an invoice, or a credit that is refunded. More than is
//! outstanding is refused, never turned into an overpayment.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::billing;
use super::complaints::{Complaints, Verdict};
use super::document::{Document, Settled, Status};
use super::kind::Kind;
use super::ledger::Account;
use super::number;
use super::organisation::Organisation;
use super::work::{Members, Work, Written, amount, day, flag, object, text, touched, word};

/// A payment.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Id.
    pub id: String,
    /// Kind of the document it settles.
    pub of: Kind,
    /// That document.
    pub document_id: String,
    /// Account the money went to or came from.
    pub account_id: String,
    /// Day.
    pub date: NaiveDate,
    /// Amount in the document's currency.
    pub amount: Decimal,
    /// Amount in the account's currency.
    pub bank_amount: Decimal,
    /// Units of the document's currency for one unit of the base currency.
    pub rate: Decimal,
    /// Reference.
    pub reference: String,
    /// Whether it was matched with a bank line.
    pub is_reconciled: bool,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// The batch it belongs to.
    pub batch_id: Option<String>,
}

/// Several payments on one bank line.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Id.
    pub id: String,
    /// Account.
    pub account_id: String,
    /// Day.
    pub date: NaiveDate,
    /// Reference.
    pub reference: String,
    /// Its payments.
    pub payment_ids: Vec<String>,
    /// Whether it was deleted with all of them.
    pub is_deleted: bool,
}

const NOT_AUTHORISED: &str = "Payments can only be made against Authorised documents";
const TOO_MUCH: &str = "Payment amount exceeds the amount outstanding on this document";

/// Makes a payment.
pub fn create(organisation: &mut Organisation, body: &Members, work: &Work) -> Verdict<Written> {
    let document = target(organisation, body)?;
    let account = account(organisation, object(body, "Account"))?.clone();
    let payment = compose(organisation, &document, &account, body, work)?;
    Ok(store(organisation, payment, document, work))
}

/// The members by which each kind of document is named.
const TARGETS: [(&str, Kind, &str); 4] = [
    ("Invoice", Kind::Invoice, "InvoiceNumber"),
    ("CreditNote", Kind::CreditNote, "CreditNoteNumber"),
    ("Overpayment", Kind::Overpayment, ""),
    ("Prepayment", Kind::Prepayment, ""),
];

fn target(organisation: &Organisation, body: &Members) -> Verdict<Document> {
    let mut found = Vec::new();
    for (member, kind, number_member) in TARGETS {
        let inner = object(body, member);
        let id = inner.and_then(|inner| word(inner, kind.id_member()));
        let number = inner.and_then(|inner| word(inner, number_member));
        // The number may also stand beside, without the object around it.
        let beside = word(body, number_member).filter(|_| !number_member.is_empty());
        if let Some(key) = id.or(number).or(beside) {
            found.push((kind, billing::find(organisation, kind, key)));
        }
    }
    match found.as_slice() {
        [(_, Some(document))] => Ok((*document).clone()),
        [(kind, None)] => Err(Complaints::one(format!(
            "The {} could not be found",
            kind.name()
        ))),
        _ => Err(Complaints::one(
            "A payment must have exactly one Invoice, CreditNote, Prepayment or Overpayment",
        )),
    }
}

fn account<'a>(organisation: &'a Organisation, named: Option<&Members>) -> Verdict<&'a Account> {
    let by_id = named.and_then(|named| word(named, "AccountID"));
    let by_code = named.and_then(|named| word(named, "Code"));
    let found = match (by_id, by_code) {
        (Some(id), _) => organisation.accounts.get(id),
        (None, Some(code)) => organisation.account_by_code(code),
        (None, None) => None,
    };
    let account = found.ok_or_else(|| Complaints::one("Account could not be found"))?;
    if account.status != "ACTIVE" || !account.takes_payments() {
        let message = "Account type is invalid for making a payment to/from";
        return Err(Complaints::one(message));
    }
    Ok(account)
}

fn compose(
    organisation: &mut Organisation,
    document: &Document,
    account: &Account,
    body: &Members,
    work: &Work,
) -> Verdict<Payment> {
    let mut complaints = Complaints::default();
    let date = day(body, "Date").unwrap_or(work.today);
    let amount = amount(body, "Amount").unwrap_or_default();
    if document.status != Status::Authorised {
        complaints.add(NOT_AUTHORISED);
    }
    if amount <= Decimal::ZERO || number::rounded(amount, number::CENTS) != Some(amount) {
        complaints.add("Payment amount must be greater than zero, in whole cents");
    } else if amount > document.outstanding() {
        complaints.add(TOO_MUCH);
    }
    for lock in organisation.profile.locks(date) {
        complaints.add(lock);
    }
    let is_base = document.currency == organisation.profile.base();
    let sent = super::work::amount(body, "CurrencyRate").filter(|_| !is_base);
    let rate = sent.unwrap_or_else(|| organisation.profile.rate(&document.currency));
    if rate <= Decimal::ZERO {
        complaints.add("The currency rate is not valid");
    }
    complaints.settle()?;
    Ok(Payment {
        id: organisation.new_id(),
        of: document.kind,
        document_id: document.id.clone(),
        account_id: account.id.clone(),
        date,
        amount,
        bank_amount: bank_amount(organisation, document, account, body, amount, rate),
        rate,
        reference: text(body, "Reference").unwrap_or_default().to_owned(),
        is_reconciled: flag(body, "IsReconciled").unwrap_or(false),
        is_deleted: false,
        batch_id: None,
    })
}

/// What arrives on the account: sent, or the same amount, or converted into the base currency.
fn bank_amount(
    organisation: &Organisation,
    document: &Document,
    account: &Account,
    body: &Members,
    amount: Decimal,
    rate: Decimal,
) -> Decimal {
    if let Some(sent) = super::work::amount(body, "BankAmount") {
        return sent;
    }
    let is_foreign = !account.currency.is_empty() && account.currency != document.currency;
    if !is_foreign || account.currency != organisation.profile.base() {
        return amount;
    }
    number::price(amount, rate, number::CENTS).unwrap_or(amount)
}

fn store(
    organisation: &mut Organisation,
    payment: Payment,
    mut document: Document,
    work: &Work,
) -> Written {
    document.payments.push(Settled {
        payment_id: payment.id.clone(),
        date: payment.date,
        amount: payment.amount,
        reference: payment.reference.clone(),
        rate: payment.rate,
    });
    document.settle();
    let id = payment.id.clone();
    let details = format!("Payment of {}", number::plain(payment.amount));
    let (of, document_id) = (document.kind, document.id.clone());
    let history = &mut organisation.history;
    history.add(
        &document_id,
        "Payment added",
        &details,
        &work.user,
        work.now,
    );
    let document_revision = organisation.put_document(work.now, document);
    let revision = organisation.put_payment(work.now, payment);
    let mut written = Written::new(Kind::Payment, &id, "created", revision);
    let also = touched(of, &document_id, "updated", document_revision);
    written.touched.push(also);
    written
}

/// Changes a payment, which can only mean to delete it.
pub fn change(
    organisation: &mut Organisation,
    id: &str,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let payment = organisation.payments.get(id).cloned();
    let payment = payment.ok_or_else(|| Complaints::one("The Payment could not be found"))?;
    if word(body, "Status") != Some("DELETED") {
        return Err(Complaints::one("Payments cannot be updated, only deleted"));
    }
    if payment.batch_id.is_some() {
        return Err(Complaints::one(
            "Payments within a batch cannot be deleted.",
        ));
    }
    remove(organisation, payment, work)
}

fn remove(organisation: &mut Organisation, mut payment: Payment, work: &Work) -> Verdict<Written> {
    let mut complaints = Complaints::default();
    if payment.is_deleted {
        complaints.add("The payment has already been deleted");
    }
    for lock in organisation.profile.locks(payment.date) {
        complaints.add(lock);
    }
    complaints.settle()?;
    payment.is_deleted = true;
    let id = payment.id.clone();
    let mut also = None;
    if let Some(document) = organisation.document(payment.of, &payment.document_id) {
        let mut document = document.clone();
        document.payments.retain(|settled| settled.payment_id != id);
        document.settle();
        let (kind, of) = (document.kind, document.id.clone());
        let history = &mut organisation.history;
        history.add(&of, "Payment removed", "", &work.user, work.now);
        let revision = organisation.put_document(work.now, document);
        also = Some(touched(kind, &of, "updated", revision));
    }
    let revision = organisation.put_payment(work.now, payment);
    let mut written = Written::new(Kind::Payment, &id, "deleted", revision);
    written.touched.extend(also);
    Ok(written)
}

/// Makes a batch of payments on one account and day; all of them or none.
pub fn create_batch(
    organisation: &mut Organisation,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let parts = body.get("Payments").and_then(serde_json::Value::as_array);
    let parts: Vec<&Members> = parts
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_object)
        .collect();
    if parts.is_empty() {
        return Err(Complaints::one("A batch payment must have payments"));
    }
    let account = account(organisation, object(body, "Account"))?.clone();
    let mut ready = Vec::new();
    for part in &parts {
        let document = target(organisation, part)?;
        let is_repeated = ready
            .iter()
            .any(|(_, known): &(_, Document)| known.id == document.id);
        if is_repeated {
            return Err(Complaints::one(
                "An invoice may appear in a batch only once",
            ));
        }
        let mut part = (*part).clone();
        if let Some(date) = body.get("Date") {
            part.insert("Date".to_owned(), date.clone());
        }
        let payment = compose(organisation, &document, &account, &part, work)?;
        ready.push((payment, document));
    }
    let batch_id = organisation.new_id();
    let mut touched = Vec::new();
    let mut payment_ids = Vec::new();
    for (mut payment, document) in ready {
        payment.batch_id = Some(batch_id.clone());
        payment_ids.push(payment.id.clone());
        touched.extend(store(organisation, payment, document, work).touched);
    }
    let batch = Batch {
        id: batch_id.clone(),
        account_id: account.id,
        date: day(body, "Date").unwrap_or(work.today),
        reference: text(body, "Reference").unwrap_or_default().to_owned(),
        payment_ids,
        is_deleted: false,
    };
    let revision = organisation.batches.put(&batch_id, work.now, batch);
    let mut written = Written::new(Kind::BatchPayment, &batch_id, "created", revision);
    written.touched.extend(touched);
    Ok(written)
}

/// Deletes a batch with all its payments.
pub fn change_batch(
    organisation: &mut Organisation,
    id: &str,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let batch = organisation.batches.get(id).cloned();
    let mut batch = batch.ok_or_else(|| Complaints::one("The batch payment could not be found"))?;
    if word(body, "Status") != Some("DELETED") || batch.is_deleted {
        return Err(Complaints::one("A batch payment can only be deleted, once"));
    }
    let mut touched = Vec::new();
    for payment_id in &batch.payment_ids {
        if let Some(payment) = organisation.payments.get(payment_id).cloned() {
            touched.extend(remove(organisation, payment, work)?.touched);
        }
    }
    batch.is_deleted = true;
    let revision = organisation.batches.put(id, work.now, batch);
    let mut written = Written::new(Kind::BatchPayment, id, "deleted", revision);
    written.touched.extend(touched);
    Ok(written)
}
