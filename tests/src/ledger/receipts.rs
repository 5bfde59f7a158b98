//! What clients pay: payments of one or several invoices, in part, in full, or too much.

use chrono::NaiveDate;
use model::money::Currency;
use rand::Rng as _;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Allocation, Ledger, allocations_json, bill, subject, words};

#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) version: u64,
    pub(super) client: String,
    pub(super) amount: Decimal,
    pub(super) currency: Currency,
    pub(super) exchange_rate: Option<Decimal>,
    pub(super) received_on: NaiveDate,
    pub(super) allocations: Vec<Allocation>,
    pub(super) method: Option<&'static str>,
    pub(super) reference: Option<String>,
    pub(super) notes: Option<&'static str>,
    pub(super) is_deleted: bool,
}

/// How much of what is open a client pays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paying {
    /// All of it.
    InFull,
    /// A part of each invoice.
    InPart,
    /// All of it and some more, which stays unapplied.
    TooMuch,
}

impl Ledger {
    /// What the invoice that this event is about is still open for.
    pub fn open(&self, invoice: &Value) -> Decimal {
        self.invoices[&subject(invoice)].open()
    }

    /// A new payment of these invoices, all of one client and open.
    pub fn payment(&mut self, invoices: &[&Value], paying: Paying) -> Value {
        let ids: Vec<String> = invoices.iter().map(|invoice| subject(invoice)).collect();
        let first = &self.invoices[&ids[0]];
        let (client, currency) = (first.client.clone(), first.currency);
        let allocations = self.allocate(&ids, &client, paying);
        let serial = self.payments.len() + 1;
        let id = format!("pa_{serial:06}");
        let surplus = self.surplus(paying, currency.minor_units());
        let payment = Payment {
            version: 1,
            client,
            amount: sum(&allocations) + surplus,
            currency,
            exchange_rate: self.some_rate(currency),
            received_on: self.some_day(),
            allocations,
            method: words::method(&mut self.random),
            reference: words::reference(&mut self.random),
            notes: words::notes(&mut self.random),
            is_deleted: false,
        };
        self.payments.insert(id.clone(), payment);
        self.payment_event("payment.received", &id)
    }

    /// A change of the payment that this event is about: it pays what it paid otherwise, or these invoices.
    pub fn update_payment(
        &mut self,
        payment: &Value,
        invoices: &[&Value],
        paying: Paying,
    ) -> Value {
        let id = subject(payment);
        let known = &self.payments[&id];
        assert!(!known.is_deleted, "{id} is deleted");
        let (client, places) = (known.client.clone(), known.currency.minor_units());
        let before = known.allocations.clone();
        self.take_back(&before);
        let wanted: Vec<String> = if invoices.is_empty() {
            before.into_iter().map(|each| each.invoice).collect()
        } else {
            invoices.iter().map(|invoice| subject(invoice)).collect()
        };
        let allocations = self.allocate(&wanted, &client, paying);
        let surplus = self.surplus(paying, places);
        let version = self.random.random_range(1..=2);
        let notes = words::notes(&mut self.random);
        let known = self.payments.get_mut(&id).expect("known a moment ago");
        known.version += version;
        known.amount = sum(&allocations) + surplus;
        known.allocations = allocations;
        known.notes = notes;
        self.payment_event("payment.updated", &id)
    }

    /// A change of the payment that this event is about, of what it says and not of what it pays.
    pub fn annotate_payment(&mut self, payment: &Value) -> Value {
        let id = subject(payment);
        let notes = words::notes(&mut self.random);
        let known = self
            .payments
            .get_mut(&id)
            .expect("a payment of this ledger");
        assert!(!known.is_deleted, "{id} is deleted");
        known.version += 1;
        known.notes = notes;
        self.payment_event("payment.updated", &id)
    }

    /// The end of the payment that this event is about; it is sent as it last stood.
    pub fn delete_payment(&mut self, payment: &Value) -> Value {
        let id = subject(payment);
        let known = self
            .payments
            .get_mut(&id)
            .expect("a payment of this ledger");
        assert!(!known.is_deleted, "{id} is deleted already");
        known.version += 1;
        known.is_deleted = true;
        let allocations = known.allocations.clone();
        self.take_back(&allocations);
        self.payment_event("payment.deleted", &id)
    }

    /// Sets nothing against this invoice any more: payments keep their amount, unapplied; credit notes end.
    pub fn release(&mut self, invoice: &Value) -> Vec<Value> {
        let id = subject(invoice);
        let is_against = |allocations: &[Allocation]| allocations.iter().any(|a| a.invoice == id);
        let payments: Vec<String> = self
            .payments
            .iter()
            .filter(|(_, payment)| !payment.is_deleted && is_against(&payment.allocations))
            .map(|(id, _)| id.clone())
            .collect();
        let notes: Vec<String> = self
            .credit_notes
            .iter()
            .filter(|(_, note)| !note.is_voided && is_against(&note.allocations))
            .map(|(id, _)| id.clone())
            .collect();
        let mut events = Vec::new();
        for payment in payments {
            let known = self.payments.get_mut(&payment).expect("found above");
            known.version += 1;
            let (gone, kept) = known
                .allocations
                .drain(..)
                .partition(|allocation| allocation.invoice == id);
            known.allocations = kept;
            let gone: Vec<Allocation> = gone;
            self.take_back(&gone);
            events.push(self.payment_event("payment.updated", &payment));
        }
        for note in notes {
            events.push(self.void_credit_note(&json!({"subject": note})));
        }
        events
    }

    /// Sets against each invoice what is paid of it; all must be open.
    fn allocate(&mut self, invoices: &[String], client: &str, paying: Paying) -> Vec<Allocation> {
        let mut allocations = Vec::new();
        for id in invoices {
            let known = self.invoices.get_mut(id).expect("an invoice");
            assert_eq!(known.client, client, "{id} is another client's");
            let open = known.open();
            let amount = match paying {
                Paying::InPart => {
                    let percent = Decimal::from(self.random.random_range(10..90));
                    let part = open * percent / Decimal::ONE_HUNDRED;
                    part.trunc_with_scale(known.currency.minor_units())
                }
                Paying::InFull | Paying::TooMuch => open,
            };
            // A part of next to nothing is nothing.
            let amount = if amount.is_zero() { open } else { amount };
            if amount > Decimal::ZERO {
                known.applied += amount;
                allocations.push(Allocation {
                    invoice: id.clone(),
                    amount,
                });
            }
        }
        assert!(!allocations.is_empty(), "nothing of {invoices:?} is open");
        allocations
    }

    fn surplus(&mut self, paying: Paying, places: u32) -> Decimal {
        match paying {
            Paying::TooMuch => Decimal::new(self.random.random_range(1..=25_000), places),
            Paying::InFull | Paying::InPart => Decimal::ZERO,
        }
    }

    fn payment_event(&mut self, event: &str, id: &str) -> Value {
        let payment = &self.payments[id];
        let places = payment.currency.minor_units();
        let mut data = json!({
            "id": id,
            "version": payment.version,
            "client": self.client_data(&payment.client),
            "amount": bill::shown(payment.amount, places),
            "currency": payment.currency.as_str(),
            "receivedOn": payment.received_on,
            "allocations": allocations_json(&payment.allocations, places),
        });
        if let Some(rate) = payment.exchange_rate {
            data["exchangeRate"] = json!(rate.to_string());
        }
        if let Some(method) = payment.method {
            data["method"] = json!(method);
        }
        if let Some(reference) = &payment.reference {
            data["reference"] = json!(reference);
        }
        if let Some(notes) = payment.notes {
            data["notes"] = json!(notes);
        }
        self.event(event, id, &data)
    }
}

fn sum(allocations: &[Allocation]) -> Decimal {
    allocations.iter().map(|each| each.amount).sum()
}
