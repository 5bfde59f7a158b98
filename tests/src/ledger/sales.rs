//! What the business bills and takes back: invoices and credit notes.

use chrono::{Days, NaiveDate};
use model::money::Currency;
use rand::Rng;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::bill::Bill;
use super::{Allocation, Ledger, allocations_json, subject, words};

/// How often other lines are thrown until they are worth what is set against the invoice already.
const MOST_THROWS: usize = 20;

#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub(super) version: u64,
    pub(super) number: String,
    pub(super) client: String,
    pub(super) issued_on: NaiveDate,
    pub(super) currency: Currency,
    pub(super) exchange_rate: Option<Decimal>,
    pub(super) bill: Bill,
    pub(super) wording: Wording,
    /// What payments and credit notes are set against it for.
    pub(super) applied: Decimal,
    pub(super) is_voided: bool,
}

/// What an invoice says beside its lines.
#[derive(Clone, Debug)]
pub(super) struct Wording {
    due_after: Option<u64>,
    terms: Option<&'static str>,
    reference: Option<String>,
    notes: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct CreditNote {
    pub(super) version: u64,
    pub(super) number: String,
    pub(super) client: String,
    pub(super) issued_on: NaiveDate,
    pub(super) currency: Currency,
    pub(super) exchange_rate: Option<Decimal>,
    pub(super) bill: Bill,
    pub(super) reason: Option<&'static str>,
    pub(super) allocations: Vec<Allocation>,
    pub(super) is_voided: bool,
}

impl Invoice {
    /// What is still to be paid.
    pub(super) fn open(&self) -> Decimal {
        if self.is_voided {
            return Decimal::ZERO;
        }
        self.bill.gross() - self.applied
    }
}

impl Wording {
    fn random(random: &mut impl Rng) -> Self {
        Self {
            due_after: random
                .random_ratio(3, 4)
                .then(|| random.random_range(0..60)),
            terms: words::terms(random),
            reference: words::reference(random),
            notes: words::notes(random),
        }
    }
}

impl Ledger {
    /// A new invoice for the client that this event is about.
    pub fn invoice(&mut self, client: &Value) -> Value {
        let client = subject(client);
        let known = self
            .clients
            .get(&client)
            .unwrap_or_else(|| panic!("no client {client}"));
        let currency = known.currency;
        let serial = self.invoices.len() + 1;
        let id = format!("in_{serial:06}");
        let number = words::number(&mut self.random, serial);
        let issued_on = self.some_day();
        let exchange_rate = self.some_rate(currency);
        let bill = Bill::of_invoice(&mut self.random, &self.business, currency.minor_units());
        let invoice = Invoice {
            version: 1,
            number,
            client,
            issued_on,
            currency,
            exchange_rate,
            bill,
            wording: Wording::random(&mut self.random),
            applied: Decimal::ZERO,
            is_voided: false,
        };
        self.invoices.insert(id.clone(), invoice);
        self.invoice_event("invoice.issued", &id)
    }

    /// A change of the invoice that this event is about: other words, and other lines, of which it is worth no
    /// less than what is set against it.
    pub fn update_invoice(&mut self, invoice: &Value) -> Value {
        let id = subject(invoice);
        let known = self
            .invoices
            .get_mut(&id)
            .expect("an invoice of this ledger");
        assert!(!known.is_voided, "{id} is voided");
        known.version += self.random.random_range(1..=2);
        known.wording = Wording::random(&mut self.random);
        for _ in 0..MOST_THROWS {
            let places = known.currency.minor_units();
            let bill = Bill::of_invoice(&mut self.random, &self.business, places);
            if bill.gross() >= known.applied {
                known.bill = bill;
                break;
            }
        }
        self.invoice_event("invoice.updated", &id)
    }

    /// The end of the invoice that this event is about.
    ///
    /// # Panics
    ///
    /// When something is set against it; [`Self::release`] comes first.
    pub fn void_invoice(&mut self, invoice: &Value) -> Value {
        let id = subject(invoice);
        let known = self
            .invoices
            .get_mut(&id)
            .expect("an invoice of this ledger");
        assert!(!known.is_voided, "{id} is voided already");
        assert!(known.applied.is_zero(), "{id} is paid in part");
        known.version += 1;
        known.is_voided = true;
        self.invoice_event("invoice.voided", &id)
    }

    /// A new credit note for the client of these invoices, set against what is open of them, one after the
    /// other, so far as it goes. What is left of it stays unapplied.
    pub fn credit_note(&mut self, invoices: &[&Value]) -> Value {
        let ids: Vec<String> = invoices.iter().map(|invoice| subject(invoice)).collect();
        let first = &self.invoices[&ids[0]];
        let (client, currency) = (first.client.clone(), first.currency);
        let serial = self.credit_notes.len() + 1;
        let id = format!("cn_{serial:06}");
        let bill = Bill::of_credit_note(&mut self.random, &self.business, currency.minor_units());
        let mut left = bill.gross();
        let mut allocations = Vec::new();
        for invoice in ids {
            let known = self.invoices.get_mut(&invoice).expect("an invoice");
            assert_eq!(known.client, client, "{invoice} is another client's");
            let amount = left.min(known.open());
            if amount > Decimal::ZERO {
                left -= amount;
                known.applied += amount;
                allocations.push(Allocation { invoice, amount });
            }
        }
        let note = CreditNote {
            version: 1,
            number: words::credit_number(&mut self.random, serial),
            client,
            issued_on: self.some_day(),
            currency,
            exchange_rate: self.some_rate(currency),
            bill,
            reason: words::reason(&mut self.random),
            allocations,
            is_voided: false,
        };
        self.credit_notes.insert(id.clone(), note);
        self.credit_note_event("credit_note.issued", &id)
    }

    /// The end of the credit note that this event is about.
    pub fn void_credit_note(&mut self, note: &Value) -> Value {
        let id = subject(note);
        let known = self
            .credit_notes
            .get_mut(&id)
            .expect("a credit note of this ledger");
        assert!(!known.is_voided, "{id} is voided already");
        known.version += 1;
        known.is_voided = true;
        let allocations = known.allocations.clone();
        self.take_back(&allocations);
        self.credit_note_event("credit_note.voided", &id)
    }

    /// The invoices are open again for what was set against them.
    pub(super) fn take_back(&mut self, allocations: &[Allocation]) {
        for allocation in allocations {
            let invoice = self.invoices.get_mut(&allocation.invoice);
            invoice.expect("an invoice of this ledger").applied -= allocation.amount;
        }
    }

    fn invoice_event(&mut self, event: &str, id: &str) -> Value {
        let invoice = &self.invoices[id];
        let mut data = invoice.bill.to_json();
        data["id"] = json!(id);
        data["version"] = json!(invoice.version);
        data["number"] = json!(invoice.number);
        data["client"] = self.client_data(&invoice.client);
        data["issuedOn"] = json!(invoice.issued_on);
        data["currency"] = json!(invoice.currency.as_str());
        if let Some(rate) = invoice.exchange_rate {
            data["exchangeRate"] = json!(rate.to_string());
        }
        let wording = &invoice.wording;
        if let Some(days) = wording.due_after {
            data["dueOn"] = json!(invoice.issued_on + Days::new(days));
        }
        if let Some(terms) = wording.terms {
            data["terms"] = json!(terms);
        }
        if let Some(reference) = &wording.reference {
            data["reference"] = json!(reference);
        }
        if let Some(notes) = wording.notes {
            data["notes"] = json!(notes);
        }
        self.event(event, id, &data)
    }

    fn credit_note_event(&mut self, event: &str, id: &str) -> Value {
        let note = &self.credit_notes[id];
        let mut data = note.bill.to_json();
        data["id"] = json!(id);
        data["version"] = json!(note.version);
        data["number"] = json!(note.number);
        data["client"] = self.client_data(&note.client);
        data["issuedOn"] = json!(note.issued_on);
        data["currency"] = json!(note.currency.as_str());
        data["allocations"] = allocations_json(&note.allocations, note.currency.minor_units());
        if let Some(rate) = note.exchange_rate {
            data["exchangeRate"] = json!(rate.to_string());
        }
        if let Some(reason) = note.reason {
            data["reason"] = json!(reason);
        }
        self.event(event, id, &data)
    }
}
