//! Election: one leader by a row with an expiry, renewed well before it runs out.
//!
//! ```text
//! standing by --lead() true--> leading --renewed--> leading
//!      ^                          |  lead() false, or the validity passed without an answer
//!      '--------------------------'
//! ```
//!
//! The database's clock decides the expiry. A leader trusts a monotonic instant that it took before it asked,
//! less a second: so it stops before anybody else can begin, however long the answer took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::RunId;
use runtime::{Clock, Component};
use store::Store;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::measure;

/// The row in the table of leaders.
const ROLE: &str = "scheduler";
/// How long a leader that says nothing stays one. Start: 10 s.
const TTL: Duration = Duration::from_secs(10);
/// What a leader's own clock may be off by.
const MARGIN: Duration = Duration::from_secs(1);
/// How long a leader trusts an answer, from before it asked.
const VALIDITY: Duration = TTL.saturating_sub(MARGIN);
/// Between two renewals: two may fail before the leadership runs out.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// Between two looks at whether the validity has passed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A process's part in the election.
pub struct Election {
    store: Store,
    run: RunId,
    clock: Arc<dyn Clock>,
    component: Component,
    leads: watch::Sender<bool>,
}

/// Whether this process leads, for whoever must stop when it does not.
#[derive(Clone, Debug)]
pub struct Leading(watch::Receiver<bool>);

impl Leading {
    /// Completes when this process leads.
    pub async fn begins(&mut self) {
        self.becomes(true).await;
    }

    /// Completes when this process leads no more.
    pub async fn ends(&mut self) {
        self.becomes(false).await;
    }

    /// Whether it leads now.
    pub fn is_leading(&self) -> bool {
        *self.0.borrow()
    }

    async fn becomes(&mut self, wanted: bool) {
        let gone = self.0.wait_for(|leads| *leads == wanted).await.is_err();
        // Without an election nobody leads, and nobody will.
        if gone && wanted {
            std::future::pending::<()>().await;
        }
    }
}

impl Election {
    /// A candidate. `component` is ready while the election works: a standby is as ready as the leader.
    pub fn new(store: Store, clock: Arc<dyn Clock>, component: Component) -> (Self, Leading) {
        let (leads, leading) = watch::channel(false);
        let election = Self {
            store,
            run: RunId::fresh(),
            clock,
            component,
            leads,
        };
        (election, Leading(leading))
    }

    /// Stands for election for ever.
    pub async fn stand(&self) {
        let mut valid_until = None;
        loop {
            valid_until = self.campaign(valid_until).await;
            self.pause(valid_until).await;
        }
    }

    /// Steps down, so that a standby leads at once instead of after the expiry.
    pub async fn step_down(&self) {
        self.tell(false);
        if let Err(error) = self.store.step_down(ROLE, self.run).await {
            tracing::warn!(
                "the leadership was not given back and will run out: {}",
                runtime::chain(&error)
            );
        }
    }

    /// Asks once to lead or to go on leading; answers until when this process leads.
    pub async fn campaign(&self, valid_until: Option<Instant>) -> Option<Instant> {
        let asked_at = self.clock.monotonic();
        let asked = timeout(RENEW_EVERY, self.store.lead(ROLE, self.run, TTL)).await;
        let valid_until = match asked {
            Ok(Ok(true)) => {
                self.component.ready();
                Some(asked_at + VALIDITY)
            }
            Ok(Ok(false)) => {
                self.component.ready();
                None
            }
            Ok(Err(error)) => {
                self.component.not_ready(runtime::chain(&error));
                valid_until
            }
            Err(_) => {
                self.component
                    .not_ready("the database does not answer in time");
                valid_until
            }
        };
        let valid_until = valid_until.filter(|until| self.clock.monotonic() < *until);
        self.tell(valid_until.is_some());
        valid_until
    }

    /// Waits for the next renewal, and stops leading in between if the validity passes.
    async fn pause(&self, valid_until: Option<Instant>) {
        let begun_at = self.clock.monotonic();
        while self.clock.monotonic().duration_since(begun_at) < RENEW_EVERY {
            sleep(LOOK_EVERY).await;
            if valid_until.is_some_and(|until| self.clock.monotonic() >= until) {
                self.tell(false);
                return;
            }
        }
    }

    fn tell(&self, leads: bool) {
        let changed = self
            .leads
            .send_if_modified(|told| std::mem::replace(told, leads) != leads);
        measure::LEADER.set((), u8::from(leads));
        match (changed, leads) {
            (true, true) => tracing::info!("this process leads the schedulers"),
            (true, false) => tracing::info!("this process leads the schedulers no more"),
            (false, _) => {}
        }
    }
}
