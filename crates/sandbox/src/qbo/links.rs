//! Which payment settles how much of which document, and what follows when that changes.
//!
//! ```text
//! Payment.Line --Amount--> Invoice      takes off its Balance
//!              --Amount--> CreditMemo   takes off its RemainingCredit, pays invoices on the same
//!                                       payment
//! sum(invoice lines) - sum(credit lines) = TotalAmt - UnappliedAmt
//! ```
//!
//! The documents at the far end get a new revision whenever what is applied to them changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::company::Company;
use super::kind::Kind;
use super::number;
use super::record::{Members, Record};
use super::writing::touched;
use crate::web::journal::Touched;

/// A document that payments can be applied to.
pub type Target = (Kind, String);

/// One line of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The document.
    pub target: Target,
    /// How much of it is settled.
    pub amount: Decimal,
}

/// The lines of a payment as it is stored.
pub fn of(data: &Members) -> Vec<Link> {
    let rows = data.get("Line").and_then(Value::as_array);
    let link = |row: &Value| {
        let linked = row.get("LinkedTxn")?.get(0)?;
        let kind = match linked.get("TxnType")?.as_str()? {
            "Invoice" => Kind::Invoice,
            "CreditMemo" => Kind::CreditMemo,
            _ => return None,
        };
        Some(Link {
            target: (kind, linked.get("TxnId")?.as_str()?.to_owned()),
            amount: number::parse(row.get("Amount")?)?,
        })
    };
    rows.into_iter().flatten().filter_map(link).collect()
}

/// The lines of a payment as they are stored; those of nothing are left out.
pub fn rows(links: &[Link]) -> Value {
    let full = links.iter().filter(|link| !link.amount.is_zero());
    let row = |link: &Link| {
        let (kind, id) = &link.target;
        json!({
            "Amount": number::json(link.amount),
            "LinkedTxn": [{"TxnId": id, "TxnType": kind.name()}],
        })
    };
    full.map(row).collect()
}

/// The sums of the invoice lines and of the credit lines.
pub fn sums(links: &[Link]) -> (Decimal, Decimal) {
    let sum = |kind: Kind| {
        let of_kind = links.iter().filter(|link| link.target.0 == kind);
        of_kind.map(|link| link.amount).sum()
    };
    (sum(Kind::Invoice), sum(Kind::CreditMemo))
}

/// How much of each document a payment settles.
pub fn by_target(links: &[Link]) -> BTreeMap<Target, Decimal> {
    let mut sums: BTreeMap<Target, Decimal> = BTreeMap::new();
    for link in links {
        *sums.entry(link.target.clone()).or_default() += link.amount;
    }
    sums
}

/// Writes the open amount of a document afresh after what is applied to it changed.
pub fn settle_open_amount(company: &Company, kind: Kind, id: Option<&str>, data: &mut Members) {
    let amount = |name: &str| data.get(name).and_then(number::parse).unwrap_or_default();
    let applied = id.map_or(Decimal::ZERO, |id| company.applied(kind, id));
    // What is applied beyond the total is released right after, see `release`.
    let open = (amount("TotalAmt") - applied).max(Decimal::ZERO);
    let rate = amount("ExchangeRate");
    let home = number::product(open, rate).unwrap_or_default();
    data.insert("Balance".to_owned(), number::json(open));
    if data.contains_key("HomeBalance") {
        data.insert("HomeBalance".to_owned(), number::json(home));
    }
    if kind == Kind::CreditMemo {
        data.insert("RemainingCredit".to_owned(), number::json(open));
    } else {
        let payments = id.map(|id| company.payments_of(kind, id));
        let linked = payments.into_iter().flatten();
        let linked = linked.map(|payment| json!({"TxnId": payment, "TxnType": "Payment"}));
        data.insert("LinkedTxn".to_owned(), linked.collect());
    }
}

/// Brings documents up to date with what is applied to them.
pub fn refresh(
    company: &mut Company,
    targets: impl IntoIterator<Item = Target>,
    now: DateTime<Utc>,
) -> Vec<Touched> {
    let targets: BTreeSet<Target> = targets.into_iter().collect();
    let mut changed = Vec::new();
    for (kind, id) in targets {
        let Some(before) = company.live(kind, &id).cloned() else {
            continue;
        };
        let mut data = before.data.clone();
        settle_open_amount(company, kind, Some(&id), &mut data);
        if data != before.data {
            changed.push(replace(company, kind, before, data, now));
        }
    }
    changed
}

/// Takes payments off a document until no more than `most` is applied, the newest first.
///
/// Credit that paid for the part taken off goes back to its credit memo, money stays with its
/// payment as unapplied.
pub fn release(
    company: &mut Company,
    target: &Target,
    most: Decimal,
    now: DateTime<Utc>,
) -> Vec<Touched> {
    let (kind, id) = target;
    let mut excess = company.applied(*kind, id) - most;
    let mut payments = company.payments_of(*kind, id);
    payments.reverse();
    let mut changed = Vec::new();
    let mut targets = BTreeSet::from([target.clone()]);
    for payment in payments {
        if excess <= Decimal::ZERO {
            break;
        }
        let Some(before) = company.live(Kind::Payment, &payment).cloned() else {
            continue;
        };
        let mut links = of(&before.data);
        targets.extend(links.iter().map(|link| link.target.clone()));
        let taken = shorten(&mut links, excess, |link| link.target == *target);
        excess -= taken;
        balance_out(&before, &mut links, *kind, taken);
        let data = with_links(&before.data, &links);
        changed.push(replace(company, Kind::Payment, before, data, now));
    }
    changed.extend(refresh(company, targets, now));
    changed
}

/// After `taken` left the lines of one kind, shortens the other kind's so that the rule holds.
fn balance_out(payment: &Record, links: &mut [Link], kind: Kind, taken: Decimal) {
    if kind == Kind::Invoice {
        shorten(links, taken, |link| link.target.0 == Kind::CreditMemo);
        return;
    }
    let unapplied = payment.data.get("UnappliedAmt").and_then(number::parse);
    let uncovered = taken - unapplied.unwrap_or_default();
    if uncovered > Decimal::ZERO {
        shorten(links, uncovered, |link| link.target.0 == Kind::Invoice);
    }
}

/// Takes up to `amount` off the lines that are meant, the last first; returns what was taken.
fn shorten(links: &mut [Link], amount: Decimal, is_meant: impl Fn(&Link) -> bool) -> Decimal {
    let mut left = amount;
    for link in links.iter_mut().rev().filter(|link| is_meant(link)) {
        let part = link.amount.min(left);
        link.amount -= part;
        left -= part;
    }
    amount - left
}

/// A payment's members with other lines, and what stays unapplied.
pub fn with_links(before: &Members, links: &[Link]) -> Members {
    let mut data = before.clone();
    let total = before.get("TotalAmt").and_then(number::parse);
    let (invoices, credits) = sums(links);
    let unapplied = total.unwrap_or_default() - invoices + credits;
    data.insert("Line".to_owned(), rows(links));
    data.insert("UnappliedAmt".to_owned(), number::json(unapplied));
    data
}

/// Stores another revision of a record.
pub fn replace(
    company: &mut Company,
    kind: Kind,
    before: Record,
    data: Members,
    now: DateTime<Utc>,
) -> Touched {
    let record = Record {
        token: before.token + 1,
        updated_at: now,
        data,
        ..before
    };
    let changed = touched(kind, &record, "updated");
    company.put(kind, record);
    changed
}
