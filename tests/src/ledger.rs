//! A made-up `ProjectLedger`: it publishes events as the contract wants them and keeps its own books.
//!
//! The same account, seed and calls give the same events, ids included. The books here are kept apart from
//! everything Tieout computes: what the tests compare in the end is this ledger with the provider's export.
//! Documents are as odd as real ones: names from many alphabets, quantities with decimals, discounts on lines
//! and on the whole, notes of several lines, numbers longer than a provider's field. What is set against an
//! invoice is never more than it is open for, and an invoice is voided only when nothing is set against it.

mod bill;
mod books;
mod business;
mod delivery;
mod month;
mod receipts;
mod sales;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use model::money::Currency;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub use books::Kept;
pub use business::{Abroad, Business, Tax};
pub use delivery::Delivery;
pub use month::Volume;
pub use receipts::Paying;
pub use words::Region;

use receipts::Payment;
use sales::{CreditNote, Invoice};
use words::Person;

/// The first day of the made-up month.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");

/// Days of the month.
const DAYS: u64 = 31;

/// One account of `ProjectLedger`: makes events and remembers what they add up to.
#[derive(Debug)]
pub struct Ledger {
    account: i64,
    business: Business,
    random: StdRng,
    sequence: u64,
    clients: BTreeMap<String, Client>,
    invoices: BTreeMap<String, Invoice>,
    payments: BTreeMap<String, Payment>,
    credit_notes: BTreeMap<String, CreditNote>,
}

#[derive(Clone, Debug)]
struct Client {
    version: u64,
    person: Person,
    currency: Currency,
}

/// What a payment or a credit note sets against an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The invoice.
    pub invoice: String,
    /// How much of it.
    pub amount: Decimal,
}

impl Ledger {
    /// An American company's ledger.
    pub fn new(account: i64, seed: u64) -> Self {
        Self::of(account, seed, Business::default())
    }

    /// The ledger of some other business.
    pub fn of(account: i64, seed: u64, business: Business) -> Self {
        Self {
            account,
            business,
            random: StdRng::seed_from_u64(seed),
            sequence: 0,
            clients: BTreeMap::new(),
            invoices: BTreeMap::new(),
            payments: BTreeMap::new(),
            credit_notes: BTreeMap::new(),
        }
    }

    /// The account.
    pub const fn account(&self) -> i64 {
        self.account
    }

    /// How many events it has made.
    pub const fn event_count(&self) -> u64 {
        self.sequence
    }

    /// A new client.
    pub fn client(&mut self) -> Value {
        let serial = self.clients.len() + 1;
        let id = format!("cl_{serial:05}");
        let person = Person::random(&mut self.random, self.business.region, serial);
        let currency = match &self.business.abroad {
            Some(abroad) if self.random.random_ratio(1, 4) => abroad.currency,
            _ => self.business.currency,
        };
        let client = Client {
            version: 1,
            person,
            currency,
        };
        self.clients.insert(id.clone(), client);
        self.client_event("client.created", &id)
    }

    /// A change of the client that this event is about.
    pub fn update_client(&mut self, client: &Value) -> Value {
        let id = subject(client);
        let known = self.clients.get_mut(&id).expect("a client of this ledger");
        known.version += self.random.random_range(1..=2);
        known.person.change(&mut self.random);
        self.client_event("client.updated", &id)
    }

    fn client_event(&mut self, event: &str, id: &str) -> Value {
        let data = self.client_data(id);
        self.event(event, id, &data)
    }

    fn client_data(&self, id: &str) -> Value {
        let client = &self.clients[id];
        let mut data = client.person.to_json();
        data["id"] = json!(id);
        data["version"] = json!(client.version);
        if self.business.abroad.is_some() {
            data["currency"] = json!(client.currency.as_str());
        }
        data
    }

    /// Some day of the month.
    fn some_day(&mut self) -> NaiveDate {
        FIRST_DAY + Days::new(self.random.random_range(0..DAYS))
    }

    /// What a unit of a foreign currency is worth on some day; none for the business's own.
    fn some_rate(&mut self, currency: Currency) -> Option<Decimal> {
        let abroad = self.business.abroad.as_ref()?;
        let is_foreign = currency != self.business.currency;
        let drift = Decimal::new(self.random.random_range(9_800..=10_200), 4);
        is_foreign.then(|| (abroad.rate * drift).round_dp(6))
    }

    /// Puts the envelope around the data; each event is a minute after the one before.
    fn event(&mut self, event: &str, subject: &str, data: &Value) -> Value {
        self.sequence += 1;
        let minutes = i64::try_from(self.sequence).expect("fewer events than minutes");
        let time: DateTime<Utc> =
            FIRST_DAY.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::minutes(minutes);
        let unique: u64 = self.random.random();
        json!({
            "specversion": "1.0",
            "id": format!("evt_{}_{unique:016x}", self.sequence),
            "source": "/projectledger/made-up",
            "type": format!("projectledger.{event}"),
            "subject": subject,
            "time": time.to_rfc3339(),
            "datacontenttype": "application/json",
            "schemaversion": "1.0",
            "accountid": self.account.to_string(),
            "sequence": self.sequence.to_string(),
            "data": data,
        })
    }
}

/// Allocations in the contract's words.
fn allocations_json(allocations: &[Allocation], places: u32) -> Value {
    let lines = allocations.iter().map(|allocation| {
        json!({
            "invoiceId": allocation.invoice,
            "amount": bill::shown(allocation.amount, places),
        })
    });
    lines.collect()
}

/// The id of the document that an event is about.
pub fn subject(event: &Value) -> String {
    let subject = event["subject"].as_str();
    subject
        .expect("an event about a document has a subject")
        .to_owned()
}

/// The routing key an event is published with.
pub fn routing_key(event: &Value) -> String {
    let event_type = event["type"].as_str().unwrap_or_default();
    let key = event_type.strip_prefix("projectledger.");
    key.expect("an event of ProjectLedger's has its type")
        .to_owned()
}

#[cfg(test)]
#[path = "ledger/ledger_tests.rs"]
mod tests;
