//! The smallest events these tests need: one client, invoices of one line.

use serde_json::{Value, json};

/// An invoice event of an account's document, of this type and version, over `quantity` hours at 10.01.
pub(super) fn invoice(
    account: i64,
    sequence: u64,
    what: (&str, &str, u64),
    quantity: u64,
) -> Value {
    let (kind, id, version) = what;
    let cents = 1_001 * quantity;
    let amount = format!("{}.{:02}", cents / 100, cents % 100);
    json!({
        "specversion": "1.0", "id": format!("e-{account}-{sequence}"), "source": "/projectledger/test",
        "type": format!("projectledger.{kind}"), "subject": id, "time": "2026-03-30T09:15:00Z",
        "accountid": account.to_string(), "sequence": sequence.to_string(),
        "data": {
            "id": id, "version": version, "number": id.to_uppercase(),
            "client": {"id": "cl-1", "version": 1, "name": "Nora Newell"},
            "issuedOn": "2026-03-30", "currency": "USD",
            "lines": [{
                "description": "Work", "quantity": quantity.to_string(), "unitPrice": "10.01", "amount": amount,
            }],
            "totals": {"net": amount, "tax": "0", "gross": amount},
        },
    })
}
