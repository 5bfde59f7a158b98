//! `QuickBooks` Online: the accounting API, its token endpoints and the sandbox's own controls.
//!
//! Built from the published behaviour of the service; where that is not established, the header
//! of the file concerned says what was chosen. Absent so far: bundles, PDF and sending.

mod answer;
mod auto_apply;
mod batch;
mod books;
mod call;
mod cdc;
mod company;
mod consent;
mod control;
mod deposit;
mod fault;
mod fields;
mod gateway;
mod human;
mod item;
mod kind;
mod ledger;
mod lines;
mod links;
mod lists;
mod mangle;
mod merge;
mod notices;
mod number;
mod numbering;
mod oauth;
mod party;
mod payment;
mod profile;
mod query;
mod record;
mod render;
mod replies;
mod sales;
mod seed;
mod service;
mod settings;
mod shape;
mod tax;
mod tax_service;
mod tokens;
mod world;
mod writing;

use std::io;
use std::path::PathBuf;

use axum::Router;
use axum::routing::any;

use crate::web::journal::Journal;
use crate::web::server::Running;
use world::App;

/// How to start a sandbox.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Port on the loopback interface; 0 takes a free one.
    pub port: u16,
    /// Seed of every random choice.
    pub seed: u64,
    /// File that journal entries are appended to.
    pub journal: Option<PathBuf>,
}

/// Starts a sandbox. Fails when the port is taken or the journal file cannot be opened.
pub async fn start(config: Config) -> io::Result<Running> {
    let journal = Journal::open(config.journal.as_deref())?;
    let app = App::new(config.seed, journal);
    let router = Router::new()
        .nest("/_sandbox", control::router())
        .fallback(any(gateway::handle))
        .with_state(app.clone());
    let running = Running::launch(config.port, router).await?;
    Ok(running.with(tokio::spawn(notices::keep_telling(app))))
}
