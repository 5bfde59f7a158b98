//! A made-up `ProjectLedger`: it publishes events as the contract wants them and keeps its own books.
//!
//! The same account, seed and calls give the same events, ids included. The books here are kept apart from
//! everything Tieout computes: what the tests compare in the end is this ledger with the provider's export.
//! Documents are as odd as real ones: names from many alphabets, quantities with decimals, discounts on lines
//! and on the whole, notes of several lines, numbers longer than a provider's field.

mod goods;
mod month;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use model::money::Currency;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use goods::Goods;
use words::Person;

/// The first day of the made-up month.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");

/// What kind of business keeps this ledger.
#[derive(Clone, Debug)]
pub struct Business {
    /// The currency of its invoices.
    pub currency: Currency,
    /// The tax it charges on every line, if it does.
    pub tax: Option<Tax>,
}

/// A tax rate: id in `ProjectLedger`, per cent.
#[derive(Clone, Debug)]
pub struct Tax {
    /// The rate's id.
    pub rate_id: String,
    /// Per cent.
    pub percent: Decimal,
}

impl Default for Business {
    /// An American company that charges no sales tax.
    fn default() -> Self {
        Self {
            currency: "USD".parse().expect("a currency in use"),
            tax: None,
        }
    }
}

/// One account of `ProjectLedger`: makes events and remembers what they add up to.
#[derive(Debug)]
pub struct Ledger {
    account: i64,
    business: Business,
    random: StdRng,
    sequence: u64,
    clients: BTreeMap<String, Client>,
    invoices: BTreeMap<String, Invoice>,
}

#[derive(Clone, Debug)]
struct Client {
    version: u64,
    person: Person,
}

#[derive(Clone, Debug)]
struct Invoice {
    version: u64,
    number: String,
    client: String,
    issued_on: NaiveDate,
    goods: Goods,
    is_voided: bool,
}

/// A document as `ProjectLedger` keeps it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `CLIENT` or `INVOICE`.
    pub kind: &'static str,
    /// Its id in `ProjectLedger`.
    pub id: String,
    /// Its newest version.
    pub version: u64,
    /// Currency of its total; empty for a client.
    pub currency: String,
    /// What it amounts to; zero for a client.
    pub gross: Decimal,
    /// False once voided.
    pub is_live: bool,
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
        let person = Person::random(&mut self.random, serial);
        self.clients
            .insert(id.clone(), Client { version: 1, person });
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

    /// A new invoice for the client that this event is about.
    pub fn invoice(&mut self, client: &Value) -> Value {
        let client = subject(client);
        assert!(self.clients.contains_key(&client), "no client {client}");
        let serial = self.invoices.len() + 1;
        let id = format!("in_{serial:06}");
        let number = words::number(&mut self.random, serial);
        let issued_on = FIRST_DAY + Days::new(self.random.random_range(0..31));
        let goods = Goods::random(&mut self.random, &self.business);
        let invoice = Invoice {
            version: 1,
            number,
            client,
            issued_on,
            goods,
            is_voided: false,
        };
        self.invoices.insert(id.clone(), invoice);
        self.invoice_event("invoice.issued", &id)
    }

    /// A change of the invoice that this event is about: other lines, another total.
    pub fn update_invoice(&mut self, invoice: &Value) -> Value {
        let id = subject(invoice);
        let known = self
            .invoices
            .get_mut(&id)
            .expect("an invoice of this ledger");
        assert!(!known.is_voided, "{id} is voided");
        known.version += self.random.random_range(1..=2);
        known.goods = Goods::random(&mut self.random, &self.business);
        self.invoice_event("invoice.updated", &id)
    }

    /// The end of the invoice that this event is about.
    pub fn void_invoice(&mut self, invoice: &Value) -> Value {
        let id = subject(invoice);
        let known = self
            .invoices
            .get_mut(&id)
            .expect("an invoice of this ledger");
        assert!(!known.is_voided, "{id} is voided already");
        known.version += 1;
        known.is_voided = true;
        self.invoice_event("invoice.voided", &id)
    }

    /// What stands in these books, per kind and currency: `[{"kind","currency","count","sum"}]`.
    pub fn totals(&self) -> Value {
        let mut totals: BTreeMap<(&str, String), (u64, Decimal)> = BTreeMap::new();
        for document in self.documents().into_iter().filter(|kept| kept.is_live) {
            let total = totals
                .entry((document.kind, document.currency))
                .or_default();
            total.0 += 1;
            total.1 += document.gross;
        }
        totals
            .into_iter()
            .map(|((kind, currency), (count, sum))| {
                json!({"kind": kind, "currency": currency, "count": count, "sum": sum.to_string()})
            })
            .collect()
    }

    /// Every document as it is now.
    pub fn documents(&self) -> Vec<Kept> {
        let clients = self.clients.iter().map(|(id, client)| Kept {
            kind: "CLIENT",
            id: id.clone(),
            version: client.version,
            currency: String::new(),
            gross: Decimal::ZERO,
            is_live: true,
        });
        let invoices = self.invoices.iter().map(|(id, invoice)| Kept {
            kind: "INVOICE",
            id: id.clone(),
            version: invoice.version,
            currency: self.business.currency.to_string(),
            gross: invoice.goods.gross(),
            is_live: !invoice.is_voided,
        });
        clients.chain(invoices).collect()
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
        data
    }

    fn invoice_event(&mut self, event: &str, id: &str) -> Value {
        let invoice = &self.invoices[id];
        let mut data = invoice.goods.to_json(invoice.issued_on);
        data["id"] = json!(id);
        data["version"] = json!(invoice.version);
        data["number"] = json!(invoice.number);
        data["client"] = self.client_data(&invoice.client);
        data["issuedOn"] = json!(invoice.issued_on);
        data["currency"] = json!(self.business.currency.as_str());
        self.event(event, id, &data)
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
