//! The pool: one per process, in its role, safe against cancelled transactions.

use std::str::FromStr as _;
use std::time::Duration;

use model::AccountId;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Postgres, Transaction};

use crate::StoreError;

/// Which binary's rights the connections have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Takes documents in.
    Producer,
    /// Brings effects about.
    Worker,
    /// Keeps time, outbox and dead letters.
    Scheduler,
    /// The command line.
    Operator,
}

impl Role {
    const fn set_role(self) -> &'static str {
        match self {
            Self::Producer => "set role tieout_producer",
            Self::Worker => "set role tieout_worker",
            Self::Scheduler => "set role tieout_scheduler",
            Self::Operator => "set role tieout_operator",
        }
    }
}

/// The database, as one role.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
}

/// Longest wait for a free connection.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(10);
/// Longest a statement may run; every statement here is short.
const STATEMENT_LIMIT: &str = "15s";
/// Longest a transaction may sit idle: a frozen process must not keep locks for as long as a lease lives.
const IDLE_IN_TRANSACTION_LIMIT: &str = "3s";

impl Store {
    /// Opens a pool of at most `connections` connections in `role`. Connects lazily.
    pub fn open(url: &str, role: Role, connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("tieout")
            .options([
                ("statement_timeout", STATEMENT_LIMIT),
                (
                    "idle_in_transaction_session_timeout",
                    IDLE_IN_TRANSACTION_LIMIT,
                ),
                ("tcp_user_timeout", "10000"),
                ("tcp_keepalives_idle", "10"),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_LIMIT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    connection.execute(role.set_role()).await?;
                    Ok(())
                })
            })
            // sqlx 0.9.0 (issues 4385, 4393): a cancelled `begin()` leaves its transaction open on the pooled
            // connection, and the next borrower's work would vanish in it. This closes it; the test
            // `a_cancelled_begin_never_poisons_the_next_borrower` counts. `begin` first, so that the server
            // warns only when there really was one to close.
            .after_release(|connection, _| {
                Box::pin(async move {
                    connection.execute("begin; rollback").await?;
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Brings the schema up to date, as the owner of the tables.
    pub async fn migrate(url: &str) -> Result<(), StoreError> {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::migrate!("../../migrations")
            .run(&mut connection)
            .await
            .map_err(StoreError::Migration)?;
        connection.close().await?;
        Ok(())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query_scalar!("select 1 as one")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that sees one account.
    pub(crate) async fn begin_for(
        &self,
        account: AccountId,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self.pool.begin().await?;
        set_account(&mut tx, account).await?;
        Ok(tx)
    }
}

/// Names the account of the running transaction.
pub(crate) async fn set_account(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<(), StoreError> {
    sqlx::query_scalar!(
        "select set_config('tieout.account_id', $1, true)",
        account.0.to_string()
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}
