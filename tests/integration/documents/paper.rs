//! Invoices, payments and credit notes in few words.

use model::{DocumentKind, Lifecycle};
use serde_json::{Value, json};

use crate::interleavings::rig::{ACCOUNT, Rig};

/// `ProjectLedger` sends an invoice of a client.
pub(super) async fn invoice(rig: &Rig, id: &str, version: i64, client: &str) {
    let data = json!({
        "number": id, "client": snapshot(client), "issuedOn": "2026-01-02", "currency": "USD",
        "lines": [line()], "totals": totals(),
    });
    send(rig, DocumentKind::Invoice, id, version, &data).await;
}

/// It sends a payment that is set against invoices.
pub(super) async fn payment(rig: &Rig, id: &str, client: &str, invoices: &[&str]) {
    let data = json!({
        "client": snapshot(client), "amount": "10.00", "currency": "USD", "receivedOn": "2026-01-03",
        "allocations": allocations(invoices),
    });
    send(rig, DocumentKind::Payment, id, 1, &data).await;
}

/// It sends a credit note that is set against invoices.
pub(super) async fn credit_note(
    rig: &Rig,
    id: &str,
    version: i64,
    client: &str,
    invoices: &[&str],
) {
    let data = json!({
        "number": id, "client": snapshot(client), "issuedOn": "2026-01-04", "currency": "USD",
        "lines": [line()], "totals": totals(), "allocations": allocations(invoices),
    });
    send(rig, DocumentKind::CreditNote, id, version, &data).await;
}

/// Changes settings of the integration.
pub(super) fn set(rig: &Rig, settings: &Value) {
    rig.db.sql(&format!(
        "update accounting_integration set sync_settings = sync_settings || '{settings}'"
    ));
}

/// The made-up account.
pub(super) const fn account() -> model::AccountId {
    ACCOUNT
}

async fn send(rig: &Rig, kind: DocumentKind, id: &str, version: i64, data: &Value) {
    rig.take_in(kind, id, version, Lifecycle::Live, data, None)
        .await;
}

fn snapshot(client: &str) -> Value {
    json!({"id": client, "version": 1, "name": format!("Client {client}")})
}

fn line() -> Value {
    json!({"description": "Consulting", "quantity": "1", "unitPrice": "10", "amount": "10"})
}

fn totals() -> Value {
    json!({"net": "10", "tax": "0", "gross": "10"})
}

fn allocations(invoices: &[&str]) -> Vec<Value> {
    invoices
        .iter()
        .map(|invoice| json!({"invoiceId": invoice, "amount": "5"}))
        .collect()
}
