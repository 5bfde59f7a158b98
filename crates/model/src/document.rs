//! `ProjectLedger`'s documents as versioned snapshots, the form every other crate works on.
//!
//! These types are what an accepted event becomes; `event` checks and makes them. They serialise to the
//! camelCase JSON that is kept in the `document` table.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::digest::sha256_hex;
use crate::id::{AccountId, SourceId};
use crate::money::{Amount, Currency, Quantity, Rate, UnitPrice};

/// The kinds of document that `ProjectLedger` sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentKind {
    /// A customer.
    Client,
    /// A sales invoice.
    Invoice,
    /// Money received.
    Payment,
    /// A credit note.
    CreditNote,
    /// A tax rate.
    TaxRate,
    /// Money given back; not exported yet.
    Refund,
    /// A receivable given up; not exported yet.
    WriteOff,
    /// What lines are billed under; no event brings it, intake makes it of the lines' product codes.
    Product,
}

impl DocumentKind {
    /// All kinds, in rank order.
    pub const ALL: [Self; 8] = [
        Self::TaxRate,
        Self::Client,
        Self::Product,
        Self::Invoice,
        Self::Payment,
        Self::CreditNote,
        Self::Refund,
        Self::WriteOff,
    ];

    /// The kind as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "CLIENT",
            Self::Invoice => "INVOICE",
            Self::Payment => "PAYMENT",
            Self::CreditNote => "CREDIT_NOTE",
            Self::TaxRate => "TAX_RATE",
            Self::Refund => "REFUND",
            Self::WriteOff => "WRITE_OFF",
            Self::Product => "PRODUCT",
        }
    }

    /// The specification's `EntityType`; kinds that it has no word for keep their own.
    pub const fn entity_type(self) -> &'static str {
        match self {
            Self::TaxRate => "TAX_CODE",
            Self::Product => "ITEM",
            Self::Client
            | Self::Invoice
            | Self::Payment
            | Self::CreditNote
            | Self::Refund
            | Self::WriteOff => self.as_str(),
        }
    }

    /// Takes a stored kind back.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Creates and updates go up the ranks; voids and deletes go down.
    pub const fn rank(self) -> i16 {
        match self {
            Self::TaxRate => 5,
            Self::Client => 10,
            Self::Product => 20,
            Self::Invoice => 30,
            Self::Payment => 40,
            Self::CreditNote => 50,
            Self::Refund => 60,
            Self::WriteOff => 70,
        }
    }
}

/// Whether the document stands, was voided, or was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lifecycle {
    /// It stands.
    Live,
    /// It was voided and keeps its number.
    Voided,
    /// It was deleted.
    Deleted,
}

impl Lifecycle {
    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Voided => "VOIDED",
            Self::Deleted => "DELETED",
        }
    }

    /// Takes a stored word back.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Live, Self::Voided, Self::Deleted]
            .into_iter()
            .find(|l| l.as_str() == text)
    }
}

/// One version of one document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The tenant.
    pub account: AccountId,
    /// The document's own id in `ProjectLedger`.
    pub id: SourceId,
    /// Rises by at least one with every change.
    pub version: i64,
    /// Live, voided or deleted.
    pub lifecycle: Lifecycle,
    /// What it says.
    pub body: Body,
}

impl Document {
    /// The kind of its body.
    pub const fn kind(&self) -> DocumentKind {
        match self.body {
            Body::Client(_) => DocumentKind::Client,
            Body::Invoice(_) => DocumentKind::Invoice,
            Body::Payment(_) => DocumentKind::Payment,
            Body::CreditNote(_) => DocumentKind::CreditNote,
            Body::TaxRate(_) => DocumentKind::TaxRate,
            Body::Refund(_) => DocumentKind::Refund,
            Body::WriteOff(_) => DocumentKind::WriteOff,
            Body::Product(_) => DocumentKind::Product,
        }
    }
}

/// What a document says, by kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Body {
    /// A customer.
    Client(Client),
    /// A sales invoice.
    Invoice(Invoice),
    /// Money received.
    Payment(Payment),
    /// A credit note.
    CreditNote(CreditNote),
    /// A tax rate.
    TaxRate(TaxRate),
    /// Money given back.
    Refund(Refund),
    /// A receivable given up.
    WriteOff(WriteOff),
    /// What lines are billed under.
    Product(Product),
}

/// A customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Display name, 1 to 500 characters.
    pub name: String,
    /// Company name, if the client is a person at a company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Currency the client is billed in, if fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Tax registration number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_number: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// False when the client is no longer billed.
    #[serde(default = "yes")]
    pub is_active: bool,
}

const fn yes() -> bool {
    true
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, county or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, as `ProjectLedger` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// The client of a document, with the version of the client it was made from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientSnapshot {
    /// The client's id.
    pub id: SourceId,
    /// The client's version.
    pub version: i64,
    /// What it said.
    #[serde(flatten)]
    pub client: Client,
}

/// One line of an invoice or credit note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What was sold.
    pub description: String,
    /// How many.
    pub quantity: Quantity,
    /// Price of one.
    pub unit_price: UnitPrice,
    /// Taken off this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// The line's total after discount; without tax, or with it when the document is tax inclusive.
    pub amount: Amount,
    /// Tax on the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<LineTax>,
    /// What is mapped to an item of the books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// Billing category, mapped to an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A discount: a percentage or a sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Discount {
    /// So many per cent.
    Percent(Rate),
    /// So much money.
    Amount(Amount),
}

/// The tax of one line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineTax {
    /// The tax rate's id in `ProjectLedger`.
    pub rate_id: SourceId,
    /// Per cent.
    pub percent: Rate,
    /// The tax in money.
    pub amount: Amount,
}

/// Totals as `ProjectLedger` states them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Without tax.
    pub net: Amount,
    /// Tax.
    pub tax: Amount,
    /// With tax.
    pub gross: Amount,
}

/// A sales invoice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// The number printed on it.
    pub number: String,
    /// Whom it bills.
    pub client: ClientSnapshot,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<NaiveDate>,
    /// Currency of every amount on it.
    pub currency: Currency,
    /// Home units per unit of `currency`, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<Rate>,
    /// True when line amounts include tax.
    #[serde(default)]
    pub tax_inclusive: bool,
    /// Its lines, 1 to 1,000.
    pub lines: Vec<Line>,
    /// Taken off the whole document before tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// Totals.
    pub totals: Totals,
    /// Payment terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// Free text for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The client's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// An amount set against one invoice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// The invoice.
    pub invoice_id: SourceId,
    /// How much of it.
    pub amount: Amount,
}

/// Money received.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Who paid.
    pub client: ClientSnapshot,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Home units per unit of `currency`, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<Rate>,
    /// When.
    pub received_on: NaiveDate,
    /// Which invoices it pays; the rest is unapplied.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The payer's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// A credit note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreditNote {
    /// The number printed on it.
    pub number: String,
    /// Whom it credits.
    pub client: ClientSnapshot,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// Currency of every amount on it.
    pub currency: Currency,
    /// Home units per unit of `currency`, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_rate: Option<Rate>,
    /// True when line amounts include tax.
    #[serde(default)]
    pub tax_inclusive: bool,
    /// Its lines; amounts are positive.
    pub lines: Vec<Line>,
    /// Totals; positive.
    pub totals: Totals,
    /// Which invoices it is set against.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
    /// Why it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A tax rate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxRate {
    /// Its name.
    pub name: String,
    /// Per cent.
    pub percent: Rate,
    /// False when it is no longer used.
    #[serde(default = "yes")]
    pub is_active: bool,
}

/// Money given back; has its schema, is not exported yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// To whom.
    pub client: ClientSnapshot,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub refunded_on: NaiveDate,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A receivable given up; has its schema, is not exported yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteOff {
    /// Which invoice.
    pub invoice_id: SourceId,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// When.
    pub written_off_on: NaiveDate,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What lines are billed under: all that `ProjectLedger` says of it is the code on its lines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The code, as lines carry it.
    pub code: String,
    /// Its name.
    pub name: String,
}

impl Product {
    /// The product of a code.
    pub fn of_code(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            name: code.to_owned(),
        }
    }

    /// The document id of a code: the code itself where it has the shape of an id, else its digest. No two
    /// codes share an id.
    pub fn id_of(code: &str) -> SourceId {
        let own = code
            .parse()
            .ok()
            .filter(|_| !code.starts_with(DIGEST_PREFIX));
        own.unwrap_or_else(|| {
            let digest = sha256_hex([code]);
            format!("{DIGEST_PREFIX}{}", digest.get(..40).unwrap_or(&digest))
                .parse()
                .expect("a prefix and forty hexadecimal digits have the shape of an id")
        })
    }
}

/// Begins the ids of products whose codes cannot be ids themselves.
const DIGEST_PREFIX: &str = "sha256-";
