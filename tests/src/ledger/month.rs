//! A month of a business: clients, invoices, payments and credit notes come, change and go in a random order.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use serde_json::Value;

use super::{Ledger, Paying, subject};

/// Most invoices that one payment is for.
const MOST_PAID: usize = 4;

/// How much happens in a month.
#[derive(Clone, Copy, Debug, Default)]
pub struct Volume {
    /// New clients.
    pub clients: u32,
    /// New invoices.
    pub invoices: u32,
    /// New payments.
    pub payments: u32,
    /// New credit notes.
    pub credit_notes: u32,
    /// Changes, per cent of clients, of invoices and of payments, rounded up.
    pub updated_percent: u32,
    /// Voided invoices and credit notes and deleted payments, per cent of each, rounded up.
    pub voided_percent: u32,
}

/// What is still to happen in the month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Act {
    NewClient,
    NewInvoice,
    NewPayment,
    NewCreditNote,
    UpdateClient,
    UpdateInvoice,
    UpdatePayment,
    VoidInvoice,
    VoidCreditNote,
    DeletePayment,
}

impl Ledger {
    /// A month without payments and credit notes: [`Self::busy_month`].
    pub fn month(
        &mut self,
        clients: u32,
        invoices: u32,
        updated_percent: u32,
        voided_percent: u32,
    ) -> Vec<Value> {
        self.busy_month(&Volume {
            clients,
            invoices,
            updated_percent,
            voided_percent,
            ..Volume::default()
        })
    }

    /// The events of a month, in the order they happen, as many as fit: a payment needs an open invoice, and a
    /// void an invoice. One document may change several times. Before a paid invoice is voided, what was set
    /// against it is released, which makes events of its own.
    pub fn busy_month(&mut self, volume: &Volume) -> Vec<Value> {
        let share = |of: u32, percent: u32| (of * percent).div_ceil(100);
        let (updated, voided) = (volume.updated_percent, volume.voided_percent);
        let mut left = vec![
            (Act::NewClient, volume.clients),
            (Act::NewInvoice, volume.invoices),
            (Act::NewPayment, volume.payments),
            (Act::NewCreditNote, volume.credit_notes),
            (Act::UpdateClient, share(volume.clients, updated)),
            (Act::UpdateInvoice, share(volume.invoices, updated)),
            (Act::UpdatePayment, share(volume.payments, updated)),
            (Act::VoidInvoice, share(volume.invoices, voided)),
            (Act::VoidCreditNote, share(volume.credit_notes, voided)),
            (Act::DeletePayment, share(volume.payments, voided)),
        ];
        let mut month = Month::default();
        let mut events = Vec::new();
        while let Some(act) = self.draw(&left, &month) {
            events.extend(self.perform(act, &mut month));
            for (_, count) in left.iter_mut().filter(|(other, _)| *other == act) {
                *count -= 1;
            }
        }
        events
    }

    /// One of the acts left, as likely as there are many of it; none when nothing more can happen.
    fn draw(&mut self, left: &[(Act, u32)], month: &Month) -> Option<Act> {
        let has_open = month.live.iter().any(|invoice| self.is_open(invoice));
        let possible = |act: Act| match act {
            Act::NewClient => true,
            Act::NewInvoice | Act::UpdateClient => !month.clients.is_empty(),
            Act::NewPayment | Act::NewCreditNote => has_open,
            Act::UpdateInvoice | Act::VoidInvoice => !month.live.is_empty(),
            Act::UpdatePayment | Act::DeletePayment => !month.payments.is_empty(),
            Act::VoidCreditNote => !month.credit_notes.is_empty(),
        };
        let acts: Vec<(Act, u32)> = left
            .iter()
            .copied()
            .filter(|(act, count)| *count > 0 && possible(*act))
            .collect();
        let drawn = acts.choose_weighted(&mut self.random, |(_, count)| *count);
        drawn.ok().map(|(act, _)| *act)
    }

    fn perform(&mut self, act: Act, month: &mut Month) -> Vec<Value> {
        let event = match act {
            Act::NewClient => {
                let client = self.client();
                month.clients.push(client.clone());
                client
            }
            Act::NewInvoice => {
                let client = self.one_of(&month.clients);
                let invoice = self.invoice(&client);
                month.live.push(invoice.clone());
                invoice
            }
            Act::NewPayment => {
                let invoices = self.open_of_one_client(month, MOST_PAID);
                let paying = self.some_paying();
                let payment = self.payment(&invoices.iter().collect::<Vec<_>>(), paying);
                month.payments.push(payment.clone());
                payment
            }
            Act::NewCreditNote => {
                let invoices = self.open_of_one_client(month, 2);
                let note = self.credit_note(&invoices.iter().collect::<Vec<_>>());
                month.credit_notes.push(note.clone());
                note
            }
            Act::UpdateClient => {
                let client = self.one_of(&month.clients);
                self.update_client(&client)
            }
            Act::UpdateInvoice => {
                let invoice = self.one_of(&month.live);
                self.update_invoice(&invoice)
            }
            Act::UpdatePayment => self.pay_otherwise(month),
            Act::VoidInvoice => return self.end_invoice(month),
            Act::VoidCreditNote => {
                let at = self.random.random_range(0..month.credit_notes.len());
                let note = month.credit_notes.swap_remove(at);
                self.void_credit_note(&note)
            }
            Act::DeletePayment => {
                let at = self.random.random_range(0..month.payments.len());
                let payment = month.payments.swap_remove(at);
                self.delete_payment(&payment)
            }
        };
        vec![event]
    }

    /// A payment that turns out to be another amount, or for other invoices of the same client.
    fn pay_otherwise(&mut self, month: &Month) -> Value {
        let payment = self.one_of(&month.payments);
        let paying = self.some_paying();
        let known = &self.payments[&subject(&payment)];
        let client = known.client.clone();
        let has_none = known.allocations.is_empty();
        let others: Vec<&Value> = month
            .live
            .iter()
            .filter(|invoice| self.is_open(invoice) && self.client_of(invoice) == client)
            .take(2)
            .collect();
        if others.is_empty() && has_none {
            return self.annotate_payment(&payment);
        }
        let is_elsewhere = has_none || self.random.random_ratio(1, 3);
        let invoices = if is_elsewhere { others } else { Vec::new() };
        self.update_payment(&payment, &invoices, paying)
    }

    /// Releases what an invoice is paid with and voids it.
    fn end_invoice(&mut self, month: &mut Month) -> Vec<Value> {
        let at = self.random.random_range(0..month.live.len());
        let invoice = month.live.swap_remove(at);
        let mut events = self.release(&invoice);
        let credit_notes = &self.credit_notes;
        month
            .credit_notes
            .retain(|note| !credit_notes[&subject(note)].is_voided);
        events.push(self.void_invoice(&invoice));
        events
    }

    /// One open invoice, now and then with others of the same client.
    fn open_of_one_client(&mut self, month: &Month, most: usize) -> Vec<Value> {
        let open: Vec<&Value> = month
            .live
            .iter()
            .filter(|each| self.is_open(each))
            .collect();
        let first = *open
            .choose(&mut self.random)
            .expect("drawn only when one is open");
        let mut chosen = vec![first.clone()];
        if self.random.random_ratio(1, 4) {
            let client = self.client_of(first);
            let others = open
                .into_iter()
                .filter(|each| *each != first && self.client_of(each) == client);
            chosen.extend(others.take(most - 1).cloned());
        }
        chosen
    }

    fn some_paying(&mut self) -> Paying {
        match self.random.random_range(0..8) {
            0..=4 => Paying::InFull,
            5 | 6 => Paying::InPart,
            _ => Paying::TooMuch,
        }
    }

    fn is_open(&self, invoice: &Value) -> bool {
        !self.open(invoice).is_zero()
    }

    fn client_of(&self, invoice: &Value) -> String {
        self.invoices[&subject(invoice)].client.clone()
    }

    fn one_of(&mut self, events: &[Value]) -> Value {
        let event = events.choose(&mut self.random);
        event.expect("drawn only when there is one").clone()
    }
}

/// What the month has brought so far.
#[derive(Debug, Default)]
struct Month {
    clients: Vec<Value>,
    live: Vec<Value>,
    payments: Vec<Value>,
    credit_notes: Vec<Value>,
}
