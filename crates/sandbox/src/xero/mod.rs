//! Xero: the Accounting API, its identity server and the sandbox's own controls.
//!
//! Built from the published behaviour of the service; where that is not established, the header
//! of the file concerned or the README says what was chosen. Absent: manual journals, quotes,
//! purchase orders, repeating invoices, reports, attachments, PDF and sending.

mod allocation;
mod answer;
mod bank;
mod billing;
mod books;
mod call;
mod chart;
mod complaints;
mod contact;
mod contact_record;
mod control;
mod dates;
mod document;
mod elements;
mod gateway;
mod history;
mod human;
mod identity;
mod keys;
mod kind;
mod ledger;
mod limits;
mod lines;
mod mangle;
mod number;
mod organisation;
mod payment;
mod profile;
mod query;
mod refusal;
mod render;
mod render_lists;
mod scopes;
mod seed;
mod service;
mod settings;
mod shape;
mod shelf;
mod signature;
mod webhooks;
mod wire;
mod work;
mod world;

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
    // It ends with the server, which holds the last handle on the application.
    tokio::spawn(webhooks::telling::keep_telling(app.doorbell()));
    let router = Router::new()
        .nest("/_sandbox", control::router())
        .fallback(any(gateway::handle))
        .with_state(app);
    Running::launch(config.port, router).await
}
