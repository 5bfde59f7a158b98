//! The fields we own in an object, in one normal form for what we send and for what comes back.
//!
//! What QuickBooks adds by itself (subtotal lines, ids, computed sums, defaults of fields we never send) is
//! not ours and is left out; trailing zeros and line ends do not matter. Two objects are the same to us when
//! their fingerprints are equal. A voided document has one fingerprint, whatever it said before.

use sha2::{Digest, Sha256};

use super::text;
use crate::entity::Entity;
use crate::wire::payment::TO_CREDIT_MEMO;
use crate::wire::{self, Address, Customer, Exact, Item, Payment, Sale, value_of};

/// How the addition starts that QuickBooks puts behind the name of a deactivated customer or item: `(deleted)`, or with
/// a number when that name is taken too.
const DELETED_SUFFIX: &str = " (deleted";

/// Named fields in a fixed order; the names are shown to bookkeepers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owned(Vec<(&'static str, String)>);

impl Owned {
    /// The normal form of a customer.
    pub(crate) fn of_customer(customer: &Customer) -> Self {
        let active = customer.active != Some(false);
        let name = without_suffix(customer.display_name.as_deref(), active);
        let email = customer
            .primary_email_addr
            .as_ref()
            .and_then(|e| e.address.as_deref());
        let phone = customer
            .primary_phone
            .as_ref()
            .and_then(|p| p.free_form_number.as_deref());
        let none = Address::default();
        let address = customer.bill_addr.as_ref().unwrap_or(&none);
        Self(vec![
            ("kind", "customer".to_owned()),
            ("active state", active.to_string()),
            ("name", name),
            ("company", plain(customer.company_name.as_deref())),
            ("e-mail", plain(email)),
            ("telephone", plain(phone)),
            ("address", list(&address_parts(address))),
        ])
    }

    /// The normal form of an item. Account, price and description are the bookkeeper's.
    pub(crate) fn of_item(item: &Item) -> Self {
        let active = item.active != Some(false);
        Self(vec![
            ("kind", "item".to_owned()),
            ("active state", active.to_string()),
            ("name", without_suffix(item.name.as_deref(), active)),
        ])
    }

    /// The normal form of an invoice or credit memo. `currency` stands in where the object does not name one.
    pub(crate) fn of_sale(entity: Entity, sale: &Sale, currency: &str) -> Self {
        if sale.is_voided() {
            return Self::voided(entity);
        }
        let all = sale.line.as_deref().unwrap_or_default();
        let sold: Vec<String> = all.iter().filter_map(sold_line).collect();
        let taken_off: Vec<String> = all.iter().filter_map(discount_line).collect();
        let memo = sale.customer_memo.as_ref().and_then(|m| m.value.as_deref());
        // Credit memos are never due, whatever QuickBooks shows.
        let due = sale
            .due_date
            .as_deref()
            .filter(|_| entity == Entity::Invoice);
        Self(vec![
            ("kind", entity.word().to_owned()),
            ("number", plain(sale.doc_number.as_deref())),
            ("date", plain(sale.txn_date.as_deref())),
            ("due date", plain(due)),
            ("customer", value_of(sale.customer_ref.as_ref()).to_owned()),
            ("currency", stated(sale.currency_ref.as_ref(), currency)),
            ("lines", list(&sold)),
            ("discount", list(&taken_off)),
            ("message to the customer", plain(memo)),
            ("void state", "standing".to_owned()),
        ])
    }

    /// The normal form of a payment. Where the money lies and how it was paid is the bookkeeper's. Of the link
    /// between a credit and an invoice, which moves no money, the date does not count either.
    pub(crate) fn of_payment(payment: &Payment, currency: &str) -> Self {
        if payment.is_voided() {
            return Self::voided(Entity::Payment);
        }
        let mut paid: Vec<String> = payment
            .lines()
            .iter()
            .map(|line| {
                let (kind, id) = line.target().unwrap_or_default();
                list(&[kind.to_owned(), id.to_owned(), digits(line.amount)])
            })
            .collect();
        paid.sort();
        let of_credit = |line: &wire::PaymentLine| {
            line.target()
                .is_some_and(|(kind, _)| kind == TO_CREDIT_MEMO)
        };
        let is_link = wire::is_zero(payment.total_amt) && payment.lines().iter().any(of_credit);
        let date = payment.txn_date.as_deref().filter(|_| !is_link);
        Self(vec![
            ("kind", Entity::Payment.word().to_owned()),
            ("date", plain(date)),
            (
                "customer",
                value_of(payment.customer_ref.as_ref()).to_owned(),
            ),
            ("currency", stated(payment.currency_ref.as_ref(), currency)),
            ("amount", digits(payment.total_amt)),
            ("reference", plain(payment.reference.as_deref())),
            ("invoices paid", list(&paid)),
            ("void state", "standing".to_owned()),
        ])
    }

    /// The normal form of every voided document of an entity.
    pub(crate) fn voided(entity: Entity) -> Self {
        Self(vec![
            ("kind", entity.word().to_owned()),
            ("void state", "voided".to_owned()),
        ])
    }

    /// The first 32 hexadecimal digits of the SHA-256 of the normal form.
    pub(crate) fn fingerprint(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| list(&[(*name).to_owned(), value.clone()]))
            .collect();
        let hash = Sha256::digest(list(&pairs).as_bytes());
        hash.iter().take(16).fold(String::new(), |mut hex, byte| {
            for nibble in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
            hex
        })
    }

    /// Names of the fields that differ, without their values.
    pub(crate) fn differing(&self, other: &Self) -> Vec<&'static str> {
        let value_in = |owned: &Self, field: &str| {
            owned
                .0
                .iter()
                .find(|(name, _)| *name == field)
                .map(|(_, value)| value.clone())
        };
        if value_in(self, "void state") != value_in(other, "void state") {
            return vec!["void state"];
        }
        self.0
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| value_in(self, name) != value_in(other, name))
            .collect()
    }
}

/// A list without ambiguity: each part with its length before it.
fn list(parts: &[String]) -> String {
    let sized: Vec<String> = parts
        .iter()
        .map(|part| format!("{}:{part}", part.len()))
        .collect();
    sized.join(";")
}

/// A name without what QuickBooks adds to it when it is deactivated.
fn without_suffix(name: Option<&str>, is_active: bool) -> String {
    let shown = plain(name);
    match shown.rfind(DELETED_SUFFIX) {
        Some(at) if !is_active && shown.ends_with(')') => shown[..at].to_owned(),
        _ => shown,
    }
}

/// The currency that is named, else the one that is meant.
fn stated(named: Option<&wire::Ref>, meant: &str) -> String {
    match value_of(named) {
        "" => meant.to_owned(),
        named => named.to_owned(),
    }
}

fn plain(text: Option<&str>) -> String {
    text::lines(text.unwrap_or_default())
}

fn digits(number: Option<Exact>) -> String {
    number.map_or_else(String::new, |n| n.0.normalize().to_string())
}

fn address_parts(address: &Address) -> [String; 6] {
    [
        &address.line1,
        &address.line2,
        &address.city,
        &address.country_sub_division_code,
        &address.postal_code,
        &address.country,
    ]
    .map(|part| plain(part.as_deref()))
}

/// A line that is neither the discount nor QuickBooks' own subtotal.
fn sold_line(line: &wire::Line) -> Option<String> {
    let kind = line.detail_type.as_deref().unwrap_or_default();
    if kind == wire::SUBTOTAL || kind == wire::DISCOUNT {
        return None;
    }
    let description = plain(line.description.as_deref());
    if kind == wire::TEXT {
        return Some(list(&["text".to_owned(), description]));
    }
    if kind != wire::SALES {
        return Some(list(&[
            "other".to_owned(),
            kind.to_owned(),
            digits(line.amount),
        ]));
    }
    let none = wire::SalesDetail::default();
    let detail = line.sales_item_line_detail.as_ref().unwrap_or(&none);
    // With tax inside, the amount that was sent comes back as the inclusive amount.
    let amount = digits(detail.tax_inclusive_amt.or(line.amount));
    let mut quantity = digits(detail.qty);
    let mut price = digits(detail.unit_price);
    // One of the whole amount says no more than the amount itself.
    if quantity == "1" && price == amount {
        quantity.clear();
        price.clear();
    }
    // In the United States a line without a code is not taxable; elsewhere there always is one.
    let code = match value_of(detail.tax_code_ref.as_ref()) {
        "" => "NON",
        code => code,
    };
    Some(list(&[
        "item".to_owned(),
        value_of(detail.item_ref.as_ref()).to_owned(),
        amount,
        quantity,
        price,
        description,
        code.to_owned(),
    ]))
}

/// The discount line, by percentage or by sum.
fn discount_line(line: &wire::Line) -> Option<String> {
    if line.detail_type.as_deref() != Some(wire::DISCOUNT) {
        return None;
    }
    let none = wire::DiscountDetail::default();
    let detail = line.discount_line_detail.as_ref().unwrap_or(&none);
    Some(if detail.percent_based == Some(true) {
        format!("{} per cent", digits(detail.discount_percent))
    } else {
        digits(line.amount)
    })
}
