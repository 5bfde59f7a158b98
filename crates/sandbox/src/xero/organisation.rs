//! One organisation: its shelves and the indexes over them.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use rand::RngCore as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::contact_record::{Contact, ContactStatus};
use super::document::Document;
use super::history::History;
use super::kind::Kind;
use super::ledger::{Account, Category, Item, TaxRate};
use super::payment::{Batch, Payment};
use super::profile::Profile;
use super::seed;
use super::shelf::Shelf;

/// An organisation and its books.
#[derive(Debug)]
pub struct Organisation {
    /// What it is like.
    pub profile: Profile,
    /// Accounts by id.
    pub accounts: Shelf<Account>,
    /// Tax rates by tax type.
    pub tax_rates: Shelf<TaxRate>,
    /// Items by id.
    pub items: Shelf<Item>,
    /// Tracking categories by id.
    pub categories: Shelf<Category>,
    /// Contacts by id.
    pub contacts: Shelf<Contact>,
    /// Payments by id.
    pub payments: Shelf<Payment>,
    /// Batch payments by id.
    pub batches: Shelf<Batch>,
    /// Notes on objects.
    pub history: History,
    /// The only layout.
    pub branding_theme_id: String,
    /// When it was founded.
    pub founded_at: DateTime<Utc>,
    documents: BTreeMap<Kind, Shelf<Document>>,
    ids: StdRng,
    last_numbers: HashMap<Kind, u64>,
    /// Numbers ever given to receivable documents; whether one is free again is not established.
    numbers: HashMap<(Kind, String), String>,
    contact_numbers: HashMap<String, String>,
    /// Lower-case names of active contacts.
    contact_names: HashMap<String, String>,
    payments_of: HashMap<String, Vec<String>>,
}

impl Organisation {
    /// A new organisation with accounts, tax rates and nothing else.
    pub fn found(mut profile: Profile, seed: u64, now: DateTime<Utc>) -> Self {
        let mut ids = StdRng::seed_from_u64(seed);
        if profile.tenant_id.is_empty() {
            profile.tenant_id = guid(&mut ids);
        }
        let before_first = profile.next_invoice_number.saturating_sub(1);
        let mut organisation = Self {
            profile,
            accounts: Shelf::default(),
            tax_rates: Shelf::default(),
            items: Shelf::default(),
            categories: Shelf::default(),
            contacts: Shelf::default(),
            payments: Shelf::default(),
            batches: Shelf::default(),
            history: History::default(),
            branding_theme_id: guid(&mut ids),
            founded_at: now,
            documents: BTreeMap::new(),
            ids,
            last_numbers: HashMap::from([(Kind::Invoice, before_first)]),
            numbers: HashMap::new(),
            contact_numbers: HashMap::new(),
            contact_names: HashMap::new(),
            payments_of: HashMap::new(),
        };
        seed::fill(&mut organisation, now);
        organisation
    }

    /// A fresh id.
    pub fn new_id(&mut self) -> String {
        guid(&mut self.ids)
    }

    /// The next number of the organisation's own sequence that is free.
    pub fn next_number(&mut self, kind: Kind) -> String {
        loop {
            let last = self.last_numbers.entry(kind).or_default();
            *last += 1;
            let number = match kind {
                Kind::CreditNote => format!("CN-{last:04}"),
                _ => format!("INV-{last:04}"),
            };
            if self.number_owner(kind, &number).is_none() {
                return number;
            }
        }
    }

    /// The documents of a kind.
    pub fn shelf(&self, kind: Kind) -> Option<&Shelf<Document>> {
        self.documents.get(&kind)
    }

    /// A document.
    pub fn document(&self, kind: Kind, id: &str) -> Option<&Document> {
        self.shelf(kind)?.get(id)
    }

    /// All documents of a kind.
    pub fn documents(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        self.shelf(kind).into_iter().flat_map(Shelf::all)
    }

    /// The receivable document that bears a number.
    pub fn number_owner(&self, kind: Kind, number: &str) -> Option<&str> {
        let owner = self.numbers.get(&(kind, number.to_owned()));
        owner.map(String::as_str)
    }

    /// Stores a document and returns its revision.
    pub fn put_document(&mut self, at: DateTime<Utc>, document: Document) -> u64 {
        let kind = document.kind;
        if document.is_receivable() && !document.number.is_empty() {
            let before = self.document(kind, &document.id);
            if let Some(before) = before.filter(|before| before.number != document.number) {
                let freed = (kind, before.number.clone());
                self.numbers.remove(&freed);
            }
            let key = (kind, document.number.clone());
            self.numbers.insert(key, document.id.clone());
        }
        let id = document.id.clone();
        let documents = self.documents.entry(kind).or_default();
        documents.put(&id, at, document)
    }

    /// The contact that bears a number.
    pub fn contact_by_number(&self, number: &str) -> Option<&Contact> {
        self.contacts.get(self.contact_numbers.get(number)?)
    }

    /// The active contact of a name, whatever its case.
    pub fn contact_by_name(&self, name: &str) -> Option<&Contact> {
        let id = self.contact_names.get(&name.to_lowercase())?;
        self.contacts.get(id)
    }

    /// Stores a contact and returns its revision.
    pub fn put_contact(&mut self, at: DateTime<Utc>, contact: Contact) -> u64 {
        if let Some(before) = self.contacts.get(&contact.id) {
            let name = before.name.to_lowercase();
            if self.contact_names.get(&name) == Some(&contact.id) {
                self.contact_names.remove(&name);
            }
            self.contact_numbers.remove(&before.number);
        }
        if contact.status == ContactStatus::Active {
            let name = contact.name.to_lowercase();
            self.contact_names.insert(name, contact.id.clone());
        }
        if !contact.number.is_empty() {
            let number = contact.number.clone();
            self.contact_numbers.insert(number, contact.id.clone());
        }
        let id = contact.id.clone();
        self.contacts.put(&id, at, contact)
    }

    /// The account of a code that is not deleted.
    pub fn account_by_code(&self, code: &str) -> Option<&Account> {
        self.accounts
            .all()
            .find(|account| account.code == code && account.status != "DELETED")
    }

    /// The item of a code.
    pub fn item_by_code(&self, code: &str) -> Option<&Item> {
        self.items.all().find(|item| item.code == code)
    }

    /// Stores a payment and returns its revision.
    pub fn put_payment(&mut self, at: DateTime<Utc>, payment: Payment) -> u64 {
        let of = self
            .payments_of
            .entry(payment.document_id.clone())
            .or_default();
        if !of.contains(&payment.id) {
            of.push(payment.id.clone());
        }
        let id = payment.id.clone();
        self.payments.put(&id, at, payment)
    }

    /// Payments ever made of a document, deleted ones too.
    pub fn payments_of(&self, document: &str) -> &[String] {
        self.payments_of.get(document).map_or(&[], Vec::as_slice)
    }
}

/// A random GUID in its usual dress.
pub fn guid(chance: &mut StdRng) -> String {
    let mut bytes = [0_u8; 16];
    chance.fill_bytes(&mut bytes);
    // Version 4, variant 1.
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let whole = u128::from_be_bytes(bytes);
    let hex = format!("{whole:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Whether a text has the form of a GUID.
pub fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
