//! Two customers become one: a person merges them, and every document moves to the one that stays.
//!
//! The other one is gone: read by id it is not found, in change data capture it is a stub, and
//! webhooks tell of a merge. No revision check protects anybody's document.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::links;
use super::record::Record;
use super::render::render;
use super::writing::{Written, touched};
use crate::web::journal::Touched;

/// Kinds that belong to a customer. Payments go last: their lines name documents that must have
/// moved by then.
const OWNED: [Kind; 4] = [
    Kind::Invoice,
    Kind::CreditMemo,
    Kind::RefundReceipt,
    Kind::Payment,
];

/// Merges one customer into another.
pub fn customers(
    company: &mut Company,
    id: &str,
    into: &str,
    now: DateTime<Utc>,
) -> Result<Written, QboFault> {
    let gone = company.live(Kind::Customer, id).cloned();
    let gone = gone.ok_or_else(QboFault::not_found)?;
    let stays = company.referenced(Kind::Customer, into)?;
    if id == into {
        return Err(QboFault::business(
            "A customer cannot be merged into itself.",
        ));
    }
    if gone.reference("CurrencyRef") != stays.reference("CurrencyRef") {
        return Err(QboFault::business(
            "Customers of different currencies cannot be merged.",
        ));
    }
    let mut changed = Vec::new();
    for kind in OWNED {
        changed.extend(move_documents(company, kind, id, into, now));
    }
    let record = Record {
        token: gone.token + 1,
        updated_at: now,
        is_deleted: true,
        ..gone
    };
    let merged = Touched {
        merged_into: Some(into.to_owned()),
        ..touched(Kind::Customer, &record, "merged")
    };
    company.put(Kind::Customer, record);
    changed.insert(0, merged);
    let stays = company.referenced(Kind::Customer, into)?;
    Ok(Written {
        entity: render(company, Kind::Customer, stays),
        touched: changed,
    })
}

fn move_documents(
    company: &mut Company,
    kind: Kind,
    from: &str,
    into: &str,
    now: DateTime<Utc>,
) -> Vec<Touched> {
    let owned = company.all_live(kind).into_iter();
    let owned = owned.filter(|record| record.reference("CustomerRef") == Some(from));
    let owned: Vec<Record> = owned.cloned().collect();
    let moved = owned.into_iter().map(|before| {
        let mut data = before.data.clone();
        data.insert("CustomerRef".to_owned(), json!({"value": into}));
        links::replace(company, kind, before, data, now)
    });
    moved.collect()
}
