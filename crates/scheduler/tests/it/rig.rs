//! What the tests share: an integration in a database of its own, items that wait, components of health.

use std::sync::Arc;

use model::{AccountId, Environment, SyncFrequency, SyncSettings};
use runtime::{Component, Health, SystemClock};
use serde_json::json;
use store::admin::NewIntegration;
use store::{Role, Store};
use tests::harness::Database;

pub const PROVIDER: &str = "QUICKBOOKS_ONLINE";

/// Nobody listens there.
pub const NOWHERE: &str = "127.0.0.1:1";

/// The database as the scheduler sees it.
pub fn store(database: &Database) -> Store {
    Store::open(&database.url(), Role::Scheduler, 4).unwrap()
}

/// A database that does not answer.
pub fn no_store() -> Store {
    Store::open(
        &format!("postgres://nobody@{NOWHERE}/none"),
        Role::Scheduler,
        1,
    )
    .unwrap()
}

pub fn component(name: &'static str) -> Component {
    Health::new(Arc::new(SystemClock)).component(name)
}

/// A settings with this zone and hour of its daily slot.
pub fn at_hour(time_zone: &str, slot_hour: u8) -> SyncSettings {
    SyncSettings {
        time_zone: time_zone.to_owned(),
        slot_hour,
        ..SyncSettings::default()
    }
}

/// Connects account `account` with a company of its own.
pub async fn connect(
    database: &Database,
    account: i64,
    frequency: SyncFrequency,
    settings: &SyncSettings,
) {
    let operator = Store::open(&database.url(), Role::Operator, 1).unwrap();
    let company = format!("company-{account}");
    let new = NewIntegration {
        account: AccountId(account),
        provider: PROVIDER,
        environment: Environment::Sandbox,
        external_id: &company,
        facts: json!({}),
        token_set: None,
        settings,
        frequency,
        imports: &[],
        actor: "test",
    };
    operator.add_integration(&new).await.unwrap();
    operator.close().await;
}

/// Puts an item of account 1 that waits for the slot at `due_at` into its books.
pub fn wait_for_slot(database: &Database, source_id: &str, due_at: &str) {
    database.sql(&format!(
        "insert into item (id, account_id, books_id, integration_id, kind, source_id, wanted_version, state, lane, \
           rank, due_at, reason) \
         select gen_random_uuid(), account_id, books_id, id, 'INVOICE', '{source_id}', 1, 'waiting', 1, 30, \
           '{due_at}', 'waits for its slot' \
         from accounting_integration where account_id = 1"
    ));
}

/// Puts a message into the outbox and returns its id.
pub fn put(database: &Database, exchange: &str, routing_key: &str, body: &str) -> String {
    database.sql(&format!(
        "insert into outbox (id, exchange, routing_key, body, trace) \
         values (gen_random_uuid(), '{exchange}', '{routing_key}', '{body}', '00-cafe') returning id"
    ))
}
