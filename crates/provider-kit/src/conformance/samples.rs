//! Sample documents of every kind, the same for all providers.

use chrono::NaiveDate;
use model::document::{
    Address, Client, ClientSnapshot, CreditNote, Invoice, Line, Payment, Product, Refund, TaxRate,
    Totals, WriteOff,
};
use model::money::{Quantity, UnitPrice};
use model::{AccountId, Amount, Body, Currency, Document, DocumentKind, Lifecycle, SourceId};

/// The `number`th live document of a kind, with `text` at the end of every free text in it.
pub fn document(kind: DocumentKind, number: usize, text: &str) -> Document {
    let body = match kind {
        DocumentKind::Client => Body::Client(client(number, text)),
        DocumentKind::Invoice => Body::Invoice(invoice(number, text)),
        DocumentKind::Payment => Body::Payment(payment(number, text)),
        DocumentKind::CreditNote => Body::CreditNote(credit_note(number, text)),
        DocumentKind::TaxRate => Body::TaxRate(TaxRate {
            name: format!("Rate {number}{text}"),
            percent: parsed("20"),
            is_active: true,
        }),
        DocumentKind::Refund => Body::Refund(Refund {
            client: snapshot(number, text),
            amount: parsed("40"),
            currency: dollars(),
            refunded_on: day(5),
            reason: Some(format!("Overpaid{text}")),
        }),
        DocumentKind::WriteOff => Body::WriteOff(WriteOff {
            invoice_id: id(DocumentKind::Invoice, number),
            amount: parsed("40"),
            currency: dollars(),
            written_off_on: day(6),
            reason: Some(format!("Insolvent{text}")),
        }),
        DocumentKind::Product => Body::Product(Product {
            code: id(kind, number).to_string(),
            name: format!("Product {number}{text}"),
        }),
    };
    Document {
        account: AccountId(1),
        id: id(kind, number),
        version: 1,
        lifecycle: Lifecycle::Live,
        body,
    }
}

/// The next version of a sample, with a change that any books can hold.
pub fn changed(document: &Document) -> Document {
    let mut next = document.clone();
    next.version += 1;
    match &mut next.body {
        Body::Client(client) => client.email = Some("new@sample.example".to_owned()),
        Body::Invoice(invoice) => invoice.due_on = Some(day(28)),
        Body::Payment(payment) => payment.received_on = day(20),
        Body::CreditNote(note) => note.issued_on = day(20),
        Body::TaxRate(rate) => rate.name.push_str(" (new)"),
        Body::Refund(refund) => refund.refunded_on = day(20),
        Body::WriteOff(off) => off.written_off_on = day(20),
        Body::Product(product) => product.name.push_str(" (new)"),
    }
    next
}

/// The next version of a sample, in which it is over: clients and products are deleted, the rest is voided.
pub fn ended(document: &Document) -> Document {
    Document {
        version: document.version + 1,
        lifecycle: match document.kind() {
            DocumentKind::Client | DocumentKind::Product => Lifecycle::Deleted,
            _ => Lifecycle::Voided,
        },
        ..document.clone()
    }
}

/// Documents that a sample names: without a link of theirs it cannot be sent.
pub fn named_by(document: &Document) -> Vec<(DocumentKind, SourceId)> {
    let client = |who: &ClientSnapshot| (DocumentKind::Client, who.id.clone());
    let invoice = |id: &SourceId| (DocumentKind::Invoice, id.clone());
    match &document.body {
        Body::Client(_) | Body::TaxRate(_) | Body::Product(_) => Vec::new(),
        Body::Invoice(own) => vec![client(&own.client)],
        Body::Payment(own) => std::iter::once(client(&own.client))
            .chain(own.allocations.iter().map(|a| invoice(&a.invoice_id)))
            .collect(),
        Body::CreditNote(own) => std::iter::once(client(&own.client))
            .chain(own.allocations.iter().map(|a| invoice(&a.invoice_id)))
            .collect(),
        Body::Refund(own) => vec![client(&own.client)],
        Body::WriteOff(own) => vec![invoice(&own.invoice_id)],
    }
}

/// The number of a sample with this id.
pub(super) fn number_of(id: &SourceId) -> usize {
    let (_, number) = id.as_str().rsplit_once('-').unwrap_or_default();
    parsed(number)
}

fn id(kind: DocumentKind, number: usize) -> SourceId {
    parsed(&format!("{}-{number}", kind.as_str()))
}

fn day(of_month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, of_month).expect("the samples live in March 2026")
}

fn dollars() -> Currency {
    parsed("USD")
}

fn parsed<T: std::str::FromStr>(text: &str) -> T {
    let Ok(value) = text.parse() else {
        panic!("{text:?} is a sample's own value");
    };
    value
}

fn client(number: usize, text: &str) -> Client {
    let with = |word: &str| Some(format!("{word}{text}"));
    Client {
        name: format!("Sample {number}{text}"),
        company: with("Sample Ltd"),
        email: Some("pay@sample.example".to_owned()),
        phone: with("+1 555 0100"),
        address: Some(Address {
            line1: with("1 High Street"),
            line2: None,
            city: with("Springfield"),
            region: None,
            postal_code: with("12345"),
            country: None,
        }),
        currency: None,
        tax_number: None,
        notes: with("Pays late."),
        is_active: true,
    }
}

fn snapshot(number: usize, text: &str) -> ClientSnapshot {
    ClientSnapshot {
        id: id(DocumentKind::Client, number),
        version: 1,
        client: client(number, text),
    }
}

fn lines(text: &str) -> Vec<Line> {
    [("2", "50", "100"), ("0.5", "40.50", "20.25")]
        .map(|(quantity, price, amount)| Line {
            description: format!("Consulting{text}"),
            quantity: parsed::<Quantity>(quantity),
            unit_price: parsed::<UnitPrice>(price),
            discount: None,
            amount: parsed::<Amount>(amount),
            tax: None,
            product_code: None,
            category: None,
        })
        .into()
}

fn totals() -> Totals {
    Totals {
        net: parsed("120.25"),
        tax: Amount::ZERO,
        gross: parsed("120.25"),
    }
}

fn invoice(number: usize, text: &str) -> Invoice {
    Invoice {
        number: format!("S-{number}{text}"),
        client: snapshot(number, text),
        issued_on: day(1),
        due_on: Some(day(15)),
        currency: dollars(),
        exchange_rate: None,
        tax_inclusive: false,
        lines: lines(text),
        discount: None,
        totals: totals(),
        terms: Some(format!("14 days{text}")),
        notes: Some(format!("Thank you.{text}")),
        reference: Some(format!("PO 7{text}")),
    }
}

fn payment(number: usize, text: &str) -> Payment {
    Payment {
        client: snapshot(number, text),
        amount: parsed("120.25"),
        currency: dollars(),
        exchange_rate: None,
        received_on: day(10),
        allocations: vec![model::document::Allocation {
            invoice_id: id(DocumentKind::Invoice, number),
            amount: parsed("120.25"),
        }],
        method: Some(format!("Transfer{text}")),
        reference: Some(format!("Ref 9{text}")),
        notes: Some(format!("Thank you.{text}")),
    }
}

fn credit_note(number: usize, text: &str) -> CreditNote {
    CreditNote {
        number: format!("C-{number}{text}"),
        client: snapshot(number, text),
        issued_on: day(4),
        currency: dollars(),
        exchange_rate: None,
        tax_inclusive: false,
        lines: lines(text),
        totals: totals(),
        allocations: Vec::new(),
        reason: Some(format!("Returned{text}")),
    }
}
