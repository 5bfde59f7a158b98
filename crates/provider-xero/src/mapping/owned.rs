//! The fields we own in an object, in one normal form for what we send and for what comes back.
//!
//! What Xero adds by itself (ids, sums, defaults of fields we never send) and what carries our marker are left
//! out; trailing zeros, line ends and the form of a date do not matter. Two objects are the same to us when their
//! fingerprints are equal. What is voided or deleted has one fingerprint for its kind, whatever it said before.

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::text;
use crate::client::Entity;
use crate::dates;
use crate::wire::{self, Bill, Contact, Exact, LineItem, Payment};

/// Named fields in a fixed order; the names are shown to bookkeepers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Owned(Vec<(&'static str, String)>);

/// What tells whether a document stands.
const STANDING: &str = "void state";
/// Fields that Xero lets change while payments are set against an invoice.
const CHANGEABLE_WHEN_PAID: [&str; 4] = ["number", "due date", "reference", "line texts"];

impl Owned {
    /// The normal form of an object, read or to be sent; none when a member has an impossible type.
    pub(crate) fn of(entity: Entity, object: &serde_json::Value) -> Option<Self> {
        Some(match entity {
            Entity::Contact => Self::of_contact(&wire::read(object)?),
            Entity::Invoice => Self::of_bill(&wire::read(object)?, "invoice"),
            Entity::CreditNote => Self::of_bill(&wire::read(object)?, "credit note"),
            Entity::Overpayment => Self::of_overpayment(&wire::read(object)?),
            Entity::Payment => Self::of_payment(&wire::read(object)?),
            Entity::Allocation => return None,
        })
    }

    /// The normal form of a contact.
    pub(crate) fn of_contact(contact: &Contact) -> Self {
        let none = wire::Address::default();
        let address = contact
            .addresses
            .iter()
            .flatten()
            .find(|one| wire::text(one.address_type.as_ref()) == wire::BILLED_AT)
            .unwrap_or(&none);
        let state = match contact.contact_status.as_deref() {
            None | Some(wire::ACTIVE) => "active",
            Some(_) => "archived",
        };
        Self(vec![
            ("kind", "contact".to_owned()),
            ("active state", state.to_owned()),
            ("name", plain(contact.name.as_ref())),
            ("e-mail", plain(contact.email_address.as_ref())),
            ("tax number", plain(contact.tax_number.as_ref())),
            ("telephone", telephone(contact)),
            ("address", list(&address_parts(address))),
        ])
    }

    /// The normal form of an invoice or credit note.
    pub(crate) fn of_bill(bill: &Bill, kind: &'static str) -> Self {
        if bill.is_over() {
            return Self::over(kind);
        }
        let is_untaxed = bill.line_amount_types.as_deref() == Some(wire::NO_TAX);
        let lines = bill.line_items.as_deref().unwrap_or_default();
        let texts: Vec<String> = lines.iter().map(line_text).collect();
        let amounts: Vec<String> = lines.iter().map(|one| line_sum(one, is_untaxed)).collect();
        let number = bill
            .invoice_number
            .as_ref()
            .or(bill.credit_note_number.as_ref());
        let mut fields = vec![
            ("kind", kind.to_owned()),
            ("number", plain(number)),
            (
                "date",
                day(bill.date_string.as_ref().or(bill.date.as_ref())),
            ),
            ("customer", customer(bill)),
            ("currency", plain(bill.currency_code.as_ref())),
            (
                "tax on amounts",
                wire::text(bill.line_amount_types.as_ref()).to_lowercase(),
            ),
            ("line texts", list(&texts)),
            ("line amounts", list(&amounts)),
            (STANDING, "standing".to_owned()),
        ];
        // A credit note has no due date, and its reference is where our marker stands.
        if kind == "invoice" {
            let due = bill.due_date_string.as_ref().or(bill.due_date.as_ref());
            fields.push(("due date", day(due)));
            fields.push(("reference", plain(bill.reference.as_ref())));
        }
        Self(fields)
    }

    /// The normal form of an overpayment.
    pub(crate) fn of_overpayment(bill: &Bill) -> Self {
        if bill.is_over() {
            return Self::over("overpayment");
        }
        let sums: Vec<String> = bill
            .line_items
            .iter()
            .flatten()
            .map(|line| digits(line.line_amount))
            .collect();
        Self(vec![
            ("kind", "overpayment".to_owned()),
            ("customer", customer(bill)),
            (
                "date",
                day(bill.date_string.as_ref().or(bill.date.as_ref())),
            ),
            ("amount", list(&sums)),
            (STANDING, "standing".to_owned()),
        ])
    }

    /// The normal form of a payment.
    pub(crate) fn of_payment(payment: &Payment) -> Self {
        if payment.status.as_deref() == Some(wire::DELETED) {
            return Self::over("payment");
        }
        let invoice = payment.invoice.as_ref();
        Self(vec![
            ("kind", "payment".to_owned()),
            (
                "invoice",
                invoice
                    .and_then(|one| one.invoice_id.clone())
                    .unwrap_or_default(),
            ),
            ("date", day(payment.date.as_ref())),
            ("amount", digits(payment.amount)),
            (STANDING, "standing".to_owned()),
        ])
    }

    /// The normal form of a sum set against an invoice.
    pub(crate) fn of_allocation(note: &str, invoice: &str, sum: Decimal) -> Self {
        Self(vec![
            ("kind", "allocation".to_owned()),
            ("credit note", note.to_owned()),
            ("invoice", invoice.to_owned()),
            ("amount", digits(Some(Exact(sum)))),
        ])
    }

    /// The normal form of what is over.
    pub(crate) fn over(kind: &'static str) -> Self {
        Self(vec![
            ("kind", kind.to_owned()),
            (STANDING, "ended".to_owned()),
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
        if self.value(STANDING) != other.value(STANDING) {
            return vec![STANDING];
        }
        self.0
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| self.value(name) != other.value(name))
            .collect()
    }

    /// Whether Xero takes the change from `other` to this while payments stand against the document.
    pub(crate) fn is_open_when_paid(&self, other: &Self) -> bool {
        self.differing(other)
            .iter()
            .all(|field| CHANGEABLE_WHEN_PAID.contains(field))
    }

    fn value(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value.as_str())
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

fn plain(text: Option<&String>) -> String {
    text::lines(wire::text(text))
}

fn digits(number: Option<Exact>) -> String {
    number.map_or_else(String::new, |n| n.0.normalize().to_string())
}

fn day(date: Option<&String>) -> String {
    let text = wire::text(date);
    dates::day(text).map_or_else(|| text.to_owned(), |day| day.to_string())
}

fn customer(bill: &Bill) -> String {
    bill.contact
        .as_ref()
        .and_then(|contact| contact.contact_id.clone())
        .unwrap_or_default()
}

/// Xero keeps a number in three pieces; we send it in one.
fn telephone(contact: &Contact) -> String {
    let main = contact
        .phones
        .iter()
        .flatten()
        .find(|one| wire::text(one.phone_type.as_ref()) == wire::MAIN_PHONE);
    let Some(main) = main else {
        return String::new();
    };
    let pieces = [
        &main.phone_country_code,
        &main.phone_area_code,
        &main.phone_number,
    ]
    .map(|piece| plain(piece.as_ref()));
    let whole: Vec<&str> = pieces
        .iter()
        .map(String::as_str)
        .filter(|piece| !piece.is_empty())
        .collect();
    whole.join(" ")
}

fn address_parts(address: &wire::Address) -> [String; 6] {
    [
        &address.address_line1,
        &address.address_line2,
        &address.city,
        &address.region,
        &address.postal_code,
        &address.country,
    ]
    .map(|part| plain(part.as_ref()))
}

/// What a line says and where it is booked: it may change even on a paid invoice.
fn line_text(line: &LineItem) -> String {
    list(&[
        plain(line.description.as_ref()),
        plain(line.account_code.as_ref()),
    ])
}

/// What a line comes to.
fn line_sum(line: &LineItem, is_untaxed: bool) -> String {
    let percent = line.discount_rate.filter(|rate| !rate.0.is_zero());
    let taken_off = match percent {
        Some(rate) => format!("{} per cent", digits(Some(rate))),
        None => digits(line.discount_amount.filter(|sum| !sum.0.is_zero())),
    };
    let tax = if is_untaxed {
        String::new()
    } else {
        plain(line.tax_type.as_ref())
    };
    list(&[
        digits(line.quantity),
        digits(line.unit_amount),
        plain(line.item_code.as_ref()),
        taken_off,
        tax,
    ])
}
