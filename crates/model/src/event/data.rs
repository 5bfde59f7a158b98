//! Reads an event's data into documents and control totals, field by field.

use std::collections::BTreeSet;

use super::envelope::{Envelope, EventType};
use super::fault::{Code, Fault};
use super::json::Node;
use super::reader::{Fields, TextRule};
use super::{ControlTotal, Limits, Origin, Payload, rules};
use crate::document::{
    Address, Allocation, Body, Client, ClientSnapshot, CreditNote, Discount, Document,
    DocumentKind, Invoice, Lifecycle, Line, LineTax, Payment, Refund, TaxRate, Totals, WriteOff,
};
use crate::id::IntegrationId;
use crate::money::{Currency, Rate};

/// What the data says.
pub(super) struct Contents {
    pub(super) origin: Option<Origin>,
    pub(super) payload: Payload,
}

/// Reads the data that belongs to this envelope.
pub(super) fn read(envelope: &Envelope, root: &Node, limits: &Limits) -> Result<Contents, Fault> {
    let data = Fields::of(root, "$".to_owned())?.object("data")?;
    let Some((_, lifecycle)) = envelope.event_type.document() else {
        return Ok(Contents {
            origin: None,
            payload: control_totals(&data)?,
        });
    };
    let id = data.source_id("id")?;
    if envelope.subject.as_ref() != Some(&id) {
        let advice = "the data's id is not the envelope's subject; send the document's id in both";
        return Err(data.fault("id", Code::SubjectMismatch, advice));
    }
    let document = Document {
        account: envelope.account,
        id,
        version: data.integer("version", 1)?,
        lifecycle,
        body: body(envelope.event_type, &data, limits)?,
    };
    let clients = named_client(&document).into_iter().collect();
    Ok(Contents {
        origin: data
            .maybe_object("origin")?
            .map(|o| origin(&o))
            .transpose()?,
        payload: Payload::Document { document, clients },
    })
}

fn body(event_type: EventType, data: &Fields<'_>, limits: &Limits) -> Result<Body, Fault> {
    Ok(match event_type {
        EventType::InvoiceIssued | EventType::InvoiceUpdated | EventType::InvoiceVoided => {
            Body::Invoice(invoice(data, limits)?)
        }
        EventType::PaymentReceived | EventType::PaymentUpdated | EventType::PaymentDeleted => {
            Body::Payment(payment(data, limits)?)
        }
        EventType::ClientCreated | EventType::ClientUpdated => Body::Client(client(data)?),
        EventType::CreditNoteIssued | EventType::CreditNoteVoided => {
            Body::CreditNote(credit_note(data, limits)?)
        }
        EventType::TaxRateChanged => Body::TaxRate(tax_rate(data)?),
        EventType::RefundIssued => Body::Refund(refund(data)?),
        EventType::WriteOffRecorded => Body::WriteOff(write_off(data)?),
        EventType::ControlTotals => unreachable!("control totals bring no document"),
    })
}

/// The client a document names, as a live document of its own.
fn named_client(document: &Document) -> Option<Document> {
    let snapshot = match &document.body {
        Body::Invoice(invoice) => &invoice.client,
        Body::Payment(payment) => &payment.client,
        Body::CreditNote(note) => &note.client,
        Body::Refund(refund) => &refund.client,
        Body::Client(_) | Body::TaxRate(_) | Body::WriteOff(_) | Body::Product(_) => return None,
    };
    Some(Document {
        account: document.account,
        id: snapshot.id.clone(),
        version: snapshot.version,
        lifecycle: Lifecycle::Live,
        body: Body::Client(snapshot.client.clone()),
    })
}

fn origin(fields: &Fields<'_>) -> Result<Origin, Fault> {
    Ok(Origin {
        integration_id: IntegrationId(fields.serial("integrationId")?),
        external_id: fields.text("externalId", TextRule::name(200))?,
        kind: kind(fields, &BROUGHT)?,
    })
}

fn kind(fields: &Fields<'_>, taken: &[DocumentKind]) -> Result<DocumentKind, Fault> {
    let word = fields.text("kind", TextRule::name(40))?;
    DocumentKind::from_stored(&word)
        .filter(|kind| taken.contains(kind))
        .ok_or_else(|| {
            let words: Vec<_> = taken.iter().map(|kind| kind.as_str()).collect();
            let advice = format!("this kind is not taken here; use {}", words.join(", "));
            fields.fault("kind", Code::UnknownKind, advice)
        })
}

fn client(fields: &Fields<'_>) -> Result<Client, Fault> {
    Ok(Client {
        name: fields.text("name", TextRule::name(500))?,
        company: fields.maybe_text("company", TextRule::line(500))?,
        email: fields.maybe_text("email", TextRule::line(320))?,
        phone: fields.maybe_text("phone", TextRule::line(60))?,
        address: fields
            .maybe_object("address")?
            .map(|a| address(&a))
            .transpose()?,
        currency: fields.maybe_currency("currency")?,
        tax_number: fields.maybe_text("taxNumber", TextRule::line(100))?,
        notes: fields.maybe_text("notes", TextRule::prose(4_000))?,
        is_active: fields.flag("isActive", true)?,
    })
}

fn address(fields: &Fields<'_>) -> Result<Address, Fault> {
    Ok(Address {
        line1: fields.maybe_text("line1", TextRule::prose(500))?,
        line2: fields.maybe_text("line2", TextRule::prose(500))?,
        city: fields.maybe_text("city", TextRule::line(255))?,
        region: fields.maybe_text("region", TextRule::line(255))?,
        postal_code: fields.maybe_text("postalCode", TextRule::line(60))?,
        country: fields.maybe_text("country", TextRule::line(100))?,
    })
}

fn snapshot(fields: &Fields<'_>) -> Result<ClientSnapshot, Fault> {
    let fields = fields.object("client")?;
    Ok(ClientSnapshot {
        id: fields.source_id("id")?,
        version: fields.integer("version", 1)?,
        client: client(&fields)?,
    })
}

fn invoice(data: &Fields<'_>, limits: &Limits) -> Result<Invoice, Fault> {
    let currency = data.currency("currency")?;
    let issued_on = data.date("issuedOn")?;
    let due_on = data.maybe_date("dueOn")?;
    if due_on.is_some_and(|due_on| due_on < issued_on) {
        let advice = "the invoice is due before it is issued; correct one of the dates";
        return Err(data.fault("dueOn", Code::DueBeforeIssue, advice));
    }
    let invoice = Invoice {
        number: data.text("number", TextRule::name(100))?,
        client: snapshot(data)?,
        issued_on,
        due_on,
        currency,
        exchange_rate: exchange_rate(data)?,
        tax_inclusive: data.flag("taxInclusive", false)?,
        lines: lines(data, currency, limits)?,
        discount: discount(data, currency)?,
        totals: totals(data, currency)?,
        terms: data.maybe_text("terms", TextRule::line(200))?,
        notes: data.maybe_text("notes", TextRule::prose(4_000))?,
        reference: data.maybe_text("reference", TextRule::line(200))?,
    };
    rules::check_totals(
        data,
        &rules::Bill {
            currency,
            lines: &invoice.lines,
            discount: invoice.discount,
            tax_inclusive: invoice.tax_inclusive,
            totals: invoice.totals,
        },
    )?;
    Ok(invoice)
}

fn credit_note(data: &Fields<'_>, limits: &Limits) -> Result<CreditNote, Fault> {
    let currency = data.currency("currency")?;
    let note = CreditNote {
        number: data.text("number", TextRule::name(100))?,
        client: snapshot(data)?,
        issued_on: data.date("issuedOn")?,
        currency,
        exchange_rate: exchange_rate(data)?,
        tax_inclusive: data.flag("taxInclusive", false)?,
        lines: lines(data, currency, limits)?,
        totals: totals(data, currency)?,
        allocations: allocations(data, currency, limits)?,
        reason: data.maybe_text("reason", TextRule::prose(1_000))?,
    };
    rules::check_credit(data, &note)?;
    rules::check_allocations(data, &note.allocations, note.totals.gross)?;
    Ok(note)
}

fn payment(data: &Fields<'_>, limits: &Limits) -> Result<Payment, Fault> {
    let currency = data.currency("currency")?;
    let payment = Payment {
        client: snapshot(data)?,
        amount: data.positive_amount("amount", currency)?,
        currency,
        exchange_rate: exchange_rate(data)?,
        received_on: data.date("receivedOn")?,
        allocations: allocations(data, currency, limits)?,
        method: data.maybe_text("method", TextRule::line(100))?,
        reference: data.maybe_text("reference", TextRule::line(200))?,
        notes: data.maybe_text("notes", TextRule::prose(4_000))?,
    };
    rules::check_allocations(data, &payment.allocations, payment.amount)?;
    Ok(payment)
}

fn tax_rate(data: &Fields<'_>) -> Result<TaxRate, Fault> {
    Ok(TaxRate {
        name: data.text("name", TextRule::name(200))?,
        percent: percent(data)?,
        is_active: data.flag("isActive", true)?,
    })
}

fn refund(data: &Fields<'_>) -> Result<Refund, Fault> {
    let currency = data.currency("currency")?;
    Ok(Refund {
        client: snapshot(data)?,
        amount: data.positive_amount("amount", currency)?,
        currency,
        refunded_on: data.date("refundedOn")?,
        reason: data.maybe_text("reason", TextRule::prose(1_000))?,
    })
}

fn write_off(data: &Fields<'_>) -> Result<WriteOff, Fault> {
    let currency = data.currency("currency")?;
    Ok(WriteOff {
        invoice_id: data.source_id("invoiceId")?,
        amount: data.positive_amount("amount", currency)?,
        currency,
        written_off_on: data.date("writtenOffOn")?,
        reason: data.maybe_text("reason", TextRule::prose(1_000))?,
    })
}

fn lines(data: &Fields<'_>, currency: Currency, limits: &Limits) -> Result<Vec<Line>, Fault> {
    let lines = data.list("lines", limits.lines, Code::TooManyLines)?;
    if lines.is_empty() {
        let advice = "the document has no lines; send at least one";
        return Err(data.fault("lines", Code::NoLines, advice));
    }
    lines
        .iter()
        .map(|line| self::line(line, currency))
        .collect()
}

fn line(fields: &Fields<'_>, currency: Currency) -> Result<Line, Fault> {
    let line = Line {
        description: fields.text("description", TextRule::prose(4_000))?,
        quantity: fields.decimal("quantity")?,
        unit_price: fields.decimal("unitPrice")?,
        discount: discount(fields, currency)?,
        amount: fields.amount("amount", currency)?,
        tax: fields
            .maybe_object("tax")?
            .map(|tax| line_tax(&tax, currency))
            .transpose()?,
        product_code: fields.maybe_text("productCode", TextRule::line(100))?,
        category: fields.maybe_text("category", TextRule::line(100))?,
    };
    rules::check_line(fields, &line, currency)?;
    Ok(line)
}

fn line_tax(fields: &Fields<'_>, currency: Currency) -> Result<LineTax, Fault> {
    Ok(LineTax {
        rate_id: fields.source_id("rateId")?,
        percent: percent(fields)?,
        amount: fields.amount("amount", currency)?,
    })
}

fn totals(data: &Fields<'_>, currency: Currency) -> Result<Totals, Fault> {
    let fields = data.object("totals")?;
    Ok(Totals {
        net: fields.unsigned_amount("net", currency)?,
        tax: fields.unsigned_amount("tax", currency)?,
        gross: fields.unsigned_amount("gross", currency)?,
    })
}

fn discount(fields: &Fields<'_>, currency: Currency) -> Result<Option<Discount>, Fault> {
    let Some(discount) = fields.maybe_object("discount")? else {
        return Ok(None);
    };
    match (discount.has("percent"), discount.has("amount")) {
        (true, false) => percent(&discount).map(|percent| Some(Discount::Percent(percent))),
        (false, true) => {
            let amount = discount.unsigned_amount("amount", currency)?;
            Ok(Some(Discount::Amount(amount)))
        }
        (true, true) => {
            let advice = "a discount has a percentage or an amount; send one of the two";
            Err(discount.fault("amount", Code::DuplicateEntry, advice))
        }
        (false, false) => {
            let advice = "a discount needs a percentage or an amount; send one of the two";
            Err(discount.fault("percent", Code::MissingField, advice))
        }
    }
}

fn percent(fields: &Fields<'_>) -> Result<Rate, Fault> {
    let percent: Rate = fields.decimal("percent")?;
    if (rules::NOTHING..=rules::WHOLE).contains(&percent.get()) {
        return Ok(percent);
    }
    let advice = format!("{percent} per cent lies outside 0 to 100; correct it");
    Err(fields.fault("percent", Code::PercentOutOfRange, advice))
}

fn exchange_rate(fields: &Fields<'_>) -> Result<Option<Rate>, Fault> {
    let rate: Option<Rate> = fields.maybe_decimal("exchangeRate")?;
    match rate {
        Some(rate) if rate <= Rate::ZERO => {
            let advice = format!("a rate of {rate} exchanges nothing; send one above zero");
            Err(fields.fault("exchangeRate", Code::NotPositive, advice))
        }
        rate => Ok(rate),
    }
}

fn allocations(
    data: &Fields<'_>,
    currency: Currency,
    limits: &Limits,
) -> Result<Vec<Allocation>, Fault> {
    data.list("allocations", limits.allocations, Code::TooManyAllocations)?
        .iter()
        .map(|fields| {
            Ok(Allocation {
                invoice_id: fields.source_id("invoiceId")?,
                amount: fields.positive_amount("amount", currency)?,
            })
        })
        .collect()
}

/// The kinds that events bring.
const BROUGHT: [DocumentKind; 7] = [
    DocumentKind::TaxRate,
    DocumentKind::Client,
    DocumentKind::Invoice,
    DocumentKind::Payment,
    DocumentKind::CreditNote,
    DocumentKind::Refund,
    DocumentKind::WriteOff,
];

/// The kinds that a day's totals can add up.
const COUNTED: [DocumentKind; 5] = [
    DocumentKind::Invoice,
    DocumentKind::Payment,
    DocumentKind::CreditNote,
    DocumentKind::Refund,
    DocumentKind::WriteOff,
];

/// More kinds times currencies than there can be.
const MOST_TOTALS: usize = 1_000;

fn control_totals(data: &Fields<'_>) -> Result<Payload, Fault> {
    let day = data.date("day")?;
    let entries = data.need_list("kinds", MOST_TOTALS)?;
    let mut seen = BTreeSet::new();
    let mut kinds = Vec::with_capacity(entries.len());
    for entry in &entries {
        let currency = entry.currency("currency")?;
        let total = ControlTotal {
            kind: kind(entry, &COUNTED)?,
            currency,
            count: entry.integer("count", 0)?,
            sum: entry.unsigned_amount("sum", currency)?,
        };
        if !seen.insert((total.kind, currency)) {
            let advice = "this kind and currency are counted twice; add them up";
            return Err(entry.fault("kind", Code::DuplicateEntry, advice));
        }
        kinds.push(total);
    }
    Ok(Payload::ControlTotals { day, kinds })
}
