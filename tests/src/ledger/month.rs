//! A month of a business: clients and invoices come, change and go in a random order.

use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use serde_json::Value;

use super::Ledger;

/// What is still to happen in the month.
#[derive(Clone, Copy, Debug)]
enum Act {
    NewClient,
    NewInvoice,
    UpdateClient,
    UpdateInvoice,
    VoidInvoice,
}

impl Ledger {
    /// The events of a month, in the order they happen: so many new clients and invoices, then
    /// `updated_percent` as many changes (of clients and of invoices) and `voided_percent` as many voids, rounded
    /// up, wherever they can fall. One document may change several times.
    pub fn month(
        &mut self,
        clients: u32,
        invoices: u32,
        updated_percent: u32,
        voided_percent: u32,
    ) -> Vec<Value> {
        let share = |of: u32, percent: u32| (of * percent).div_ceil(100);
        let mut left = vec![
            (Act::NewClient, clients),
            (Act::NewInvoice, invoices),
            (Act::UpdateClient, share(clients, updated_percent)),
            (Act::UpdateInvoice, share(invoices, updated_percent)),
            (Act::VoidInvoice, share(invoices, voided_percent)),
        ];
        let mut month = Month::default();
        let mut events = Vec::new();
        while let Some(act) = self.draw(&left, &month) {
            events.push(self.perform(act, &mut month));
            for (_, count) in left
                .iter_mut()
                .filter(|(other, _)| std::mem::discriminant(other) == std::mem::discriminant(&act))
            {
                *count -= 1;
            }
        }
        events
    }

    /// One of the acts left, as likely as there are many of it; none when nothing more can happen.
    fn draw(&mut self, left: &[(Act, u32)], month: &Month) -> Option<Act> {
        let possible = |act: Act| match act {
            Act::NewClient => true,
            Act::NewInvoice | Act::UpdateClient => !month.clients.is_empty(),
            Act::UpdateInvoice | Act::VoidInvoice => !month.live.is_empty(),
        };
        let acts: Vec<(Act, u32)> = left
            .iter()
            .copied()
            .filter(|(act, count)| *count > 0 && possible(*act))
            .collect();
        let drawn = acts.choose_weighted(&mut self.random, |(_, count)| *count);
        drawn.ok().map(|(act, _)| *act)
    }

    fn perform(&mut self, act: Act, month: &mut Month) -> Value {
        match act {
            Act::NewClient => {
                let client = self.client();
                month.clients.push(client.clone());
                client
            }
            Act::NewInvoice => {
                let client =
                    month.clients[self.random.random_range(0..month.clients.len())].clone();
                let invoice = self.invoice(&client);
                month.live.push(invoice.clone());
                invoice
            }
            Act::UpdateClient => {
                let client = &month.clients[self.random.random_range(0..month.clients.len())];
                self.update_client(client)
            }
            Act::UpdateInvoice => {
                let invoice = &month.live[self.random.random_range(0..month.live.len())];
                self.update_invoice(invoice)
            }
            Act::VoidInvoice => {
                let at = self.random.random_range(0..month.live.len());
                let invoice = month.live.swap_remove(at);
                self.void_invoice(&invoice)
            }
        }
    }
}

/// What the month has brought so far.
#[derive(Debug, Default)]
struct Month {
    clients: Vec<Value>,
    live: Vec<Value>,
}
