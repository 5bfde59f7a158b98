//! One company: its shelves of objects and the indexes over them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, FixedOffset, NaiveDate, Offset as _, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use super::fault::QboFault;
use super::kind::Kind;
use super::ledger::Ledger;
use super::links;
use super::number;
use super::profile::Profile;
use super::record::{Record, Shelf};
use super::replies::Replies;
use super::seed;

/// A company and its books.
#[derive(Debug)]
pub struct Company {
    /// What it is like.
    pub profile: Profile,
    /// First replies by `requestid`.
    pub replies: Replies,
    /// The accounts.
    pub ledger: Ledger,
    shelves: HashMap<Kind, Shelf>,
    last_ids: HashMap<Kind, u64>,
    last_address_id: u64,
    last_doc_number: u64,
    /// Lower-case names of people and firms, to the object that bears it.
    party_names: HashMap<String, (Kind, String)>,
    /// Lower-case item names.
    item_names: HashMap<String, String>,
    /// Ids of live documents by number.
    doc_numbers: HashMap<(Kind, String), Vec<String>>,
    /// Open amounts by customer: invoices less credit memos and unapplied payments.
    balances: BTreeMap<String, Decimal>,
    /// What each payment settles of a document.
    applications: HashMap<(Kind, String), BTreeMap<String, Decimal>>,
    /// Sum of `balances`.
    owed: Decimal,
}

impl Company {
    /// A new company with its default chart of accounts, tax codes, terms and item.
    pub fn found(profile: Profile, now: DateTime<Utc>) -> Self {
        let last_doc_number = profile.next_doc_number.saturating_sub(1);
        let mut company = Self {
            profile,
            replies: Replies::default(),
            ledger: Ledger::default(),
            shelves: HashMap::new(),
            last_ids: HashMap::new(),
            last_address_id: 0,
            last_doc_number,
            party_names: HashMap::new(),
            item_names: HashMap::new(),
            doc_numbers: HashMap::new(),
            balances: BTreeMap::new(),
            applications: HashMap::new(),
            owed: Decimal::ZERO,
        };
        seed::fill(&mut company, now);
        company
    }

    /// The objects of a kind.
    pub fn shelf(&self, kind: Kind) -> Option<&Shelf> {
        self.shelves.get(&kind)
    }

    /// An object that is not deleted.
    pub fn live(&self, kind: Kind, id: &str) -> Option<&Record> {
        self.shelf(kind)?.live(id)
    }

    /// The present revision, deleted or not.
    pub fn latest(&self, kind: Kind, id: &str) -> Option<&Record> {
        self.shelf(kind)?.latest(id)
    }

    /// All objects of a kind that are not deleted, by numeric id.
    pub fn all_live(&self, kind: Kind) -> Vec<&Record> {
        let mut records: Vec<&Record> = self
            .shelf(kind)
            .map(|shelf| shelf.all_live().collect())
            .unwrap_or_default();
        records.sort_by_key(|record| (record.id.len(), record.id.clone()));
        records
    }

    /// The next free id; all transactions share one counter.
    pub fn next_id(&mut self, kind: Kind) -> String {
        let counter = if kind.is_transaction() {
            Kind::Invoice
        } else {
            kind
        };
        let last = self.last_ids.entry(counter).or_default();
        *last += 1;
        last.to_string()
    }

    /// The next free address id.
    pub fn next_address_id(&mut self) -> String {
        self.last_address_id += 1;
        self.last_address_id.to_string()
    }

    /// The next number of the company's own document sequence.
    pub fn next_doc_number(&mut self) -> String {
        self.last_doc_number += 1;
        self.last_doc_number.to_string()
    }

    /// Stores a revision and brings the indexes up to date.
    pub fn put(&mut self, kind: Kind, record: Record) {
        if let Some(before) = self.live(kind, &record.id).cloned() {
            self.unindex(kind, &before);
        }
        if !record.is_deleted {
            self.index(kind, &record);
        }
        if let Ok(id) = record.id.parse::<u64>() {
            let counter = if kind.is_transaction() {
                Kind::Invoice
            } else {
                kind
            };
            let last = self.last_ids.entry(counter).or_default();
            *last = id.max(*last);
        }
        self.shelves.entry(kind).or_default().put(record);
    }

    /// Whether a person's or firm's name is borne by anyone but `except`.
    pub fn party_name_taken(&self, name: &str, except: Option<(Kind, &str)>) -> bool {
        self.party_names
            .get(&name.to_lowercase())
            .is_some_and(|(kind, id)| except != Some((*kind, id.as_str())))
    }

    /// Whether an item name is borne by any item but `except`.
    pub fn item_name_taken(&self, name: &str, except: Option<&str>) -> bool {
        self.item_names
            .get(&name.to_lowercase())
            .is_some_and(|id| except != Some(id.as_str()))
    }

    /// The live document of a kind that bears a number, other than `except`.
    pub fn doc_number_owner(&self, kind: Kind, number: &str, except: Option<&str>) -> Option<&str> {
        self.doc_numbers
            .get(&(kind, number.to_lowercase()))?
            .iter()
            .map(String::as_str)
            .find(|id| except != Some(*id))
    }

    /// What a customer owes.
    pub fn balance(&self, customer: &str) -> Decimal {
        self.balances.get(customer).copied().unwrap_or_default()
    }

    /// How much payments settle of a document.
    pub fn applied(&self, kind: Kind, id: &str) -> Decimal {
        let payments = self.applications.get(&(kind, id.to_owned()));
        let payments = payments.into_iter().flat_map(BTreeMap::values);
        payments.copied().sum()
    }

    /// Ids of the payments that settle some of a document, the oldest first.
    pub fn payments_of(&self, kind: Kind, id: &str) -> Vec<String> {
        let payments = self.applications.get(&(kind, id.to_owned()));
        let payments = payments.into_iter().flat_map(BTreeMap::keys);
        let mut payments: Vec<String> = payments.cloned().collect();
        payments.sort_by_key(|id| (id.len(), id.clone()));
        payments
    }

    /// Ends a journal position of the ledger.
    pub fn close_position(&mut self, sequence: u64) {
        self.ledger.close(sequence, &self.balances, self.owed);
    }

    /// An active object that a reference points to.
    pub fn referenced(&self, kind: Kind, id: &str) -> Result<&Record, QboFault> {
        let family = match kind {
            Kind::Customer | Kind::Vendor | Kind::Employee => "Names",
            Kind::Account => "Accounts",
            Kind::Item => "Items",
            Kind::TaxCode => "Sales tax codes",
            Kind::TaxRate => "Tax rates",
            Kind::TaxAgency => "Tax agencies",
            Kind::Term => "Terms",
            Kind::PaymentMethod => "Payment methods",
            Kind::Invoice
            | Kind::CreditMemo
            | Kind::RefundReceipt
            | Kind::Payment
            | Kind::Deposit
            | Kind::CompanyInfo
            | Kind::Preferences => "Transactions",
        };
        let record = self
            .live(kind, id)
            .ok_or_else(|| QboFault::reference(format!("{family} element id {id} not found")))?;
        if record.is_active() {
            Ok(record)
        } else {
            Err(QboFault::not_found())
        }
    }

    /// The offset of the company's clock.
    pub fn offset(&self) -> FixedOffset {
        FixedOffset::east_opt(self.profile.utc_offset_minutes.saturating_mul(60))
            .unwrap_or_else(|| Utc.fix())
    }

    /// The company's day at an instant.
    pub fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.offset()).date_naive()
    }

    /// An instant as object timestamps are written: seconds and offset.
    pub fn stamp(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.offset());
        local.format("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// An instant as envelopes are stamped: milliseconds and offset.
    pub fn envelope_time(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.offset());
        local.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    fn index(&mut self, kind: Kind, record: &Record) {
        let name = record.text(kind.name_member()).to_lowercase();
        if kind.is_party() {
            self.party_names.insert(name, (kind, record.id.clone()));
        } else if kind == Kind::Item {
            let full = record.text("FullyQualifiedName").to_lowercase();
            self.item_names.insert(full, record.id.clone());
        } else if kind.is_sales_form() && !name.is_empty() {
            let holders = self.doc_numbers.entry((kind, name)).or_default();
            holders.push(record.id.clone());
        }
        if kind == Kind::Payment {
            for (target, amount) in links::by_target(&links::of(&record.data)) {
                let payments = self.applications.entry(target).or_default();
                payments.insert(record.id.clone(), amount);
            }
        }
        self.book(kind, record, Decimal::ONE);
    }

    fn unindex(&mut self, kind: Kind, record: &Record) {
        let name = record.text(kind.name_member()).to_lowercase();
        if kind.is_party() {
            self.party_names.remove(&name);
        } else if kind == Kind::Item {
            let full = record.text("FullyQualifiedName").to_lowercase();
            self.item_names.remove(&full);
        } else if kind.is_sales_form()
            && let Some(holders) = self.doc_numbers.get_mut(&(kind, name))
        {
            holders.retain(|id| *id != record.id);
        }
        if kind == Kind::Payment {
            for link in links::of(&record.data) {
                if let Some(payments) = self.applications.get_mut(&link.target) {
                    payments.remove(&record.id);
                }
            }
        }
        self.book(kind, record, Decimal::NEGATIVE_ONE);
    }

    /// Adds a document to the accounts and to its customer's open amount, or takes it off.
    fn book(&mut self, kind: Kind, record: &Record, sign: Decimal) {
        let home = self.profile.home_currency.as_str();
        self.ledger.post(kind, record, home, sign);
        let (member, sign) = match kind {
            Kind::Invoice => ("Balance", sign),
            Kind::CreditMemo => ("RemainingCredit", -sign),
            Kind::Payment => ("UnappliedAmt", -sign),
            _ => return,
        };
        let Some(customer) = record.reference("CustomerRef") else {
            return;
        };
        let open = record.data.get(member).unwrap_or(&Value::Null);
        let open = number::parse(open).unwrap_or_default();
        let balance = self.balances.entry(customer.to_owned()).or_default();
        // Amounts have at most 15 digits: the sum stays exact far beyond any simulated books.
        *balance += open * sign;
        self.owed += open * sign;
    }
}
