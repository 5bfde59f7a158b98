//! Stop points for crash tests: kill or freeze this process between two steps.
//!
//! `halt::point("07-claimed")` does nothing unless the build has debug
//! assertions and `TIEOUT_HALT` names the point: `07-claimed:kill` (SIGKILL to
//! itself), `10-sent:stop` (SIGSTOP; the harness sends SIGCONT), and
//! `07-claimed:kill:3` for the third passing. A release build has an empty
//! function here, so nothing in production can be halted by a variable.

/// The variable that names the point.
pub const VARIABLE: &str = "TIEOUT_HALT";

/// Passes the named point, or halts the process there if the test asked for it.
#[cfg(not(debug_assertions))]
#[inline]
pub fn point(_name: &'static str) {}

/// Passes the named point, or halts the process there if the test asked for it.
#[cfg(debug_assertions)]
pub fn point(name: &'static str) {
    armed::pass(name);
}

/// Says what is wrong with a value of [`VARIABLE`]; release builds accept none.
pub fn check(text: &str) -> Result<(), String> {
    #[cfg(debug_assertions)]
    return armed::parse(text).map(|_| ());
    #[cfg(not(debug_assertions))]
    return Err(format!(
        "is set to {text:?}, but this build has no stop points"
    ));
}

#[cfg(debug_assertions)]
mod armed {
    //! The stop points of debug builds.

    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Halt {
        pub(super) point: String,
        pub(super) action: Action,
        pub(super) at_passing: u32,
    }

    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum Action {
        Kill,
        Stop,
    }

    pub(super) fn pass(name: &str) {
        static ARMED: OnceLock<Option<Halt>> = OnceLock::new();
        static PASSED: AtomicU32 = AtomicU32::new(0);
        // A malformed value was refused when the process started; here it halts nothing.
        let armed = ARMED.get_or_init(|| parse(&std::env::var(super::VARIABLE).ok()?).ok());
        let Some(halt) = armed.as_ref().filter(|halt| halt.point == name) else {
            return;
        };
        if PASSED.fetch_add(1, Ordering::SeqCst) + 1 == halt.at_passing {
            halt.act();
        }
    }

    pub(super) fn parse(text: &str) -> Result<Halt, String> {
        let mut parts = text.split(':');
        let point = parts.next().filter(|point| !point.is_empty());
        let point = point.ok_or("names no point")?.to_owned();
        let action = match parts.next() {
            Some("kill") => Action::Kill,
            Some("stop") => Action::Stop,
            Some(_) | None => return Err("names neither kill nor stop".to_owned()),
        };
        let at_passing = match parts.next().map(str::parse) {
            None => 1,
            Some(Ok(count @ 1..)) => count,
            Some(Ok(0) | Err(_)) => return Err("has no passing of 1 or more".to_owned()),
        };
        if parts.next().is_some() {
            return Err("has more than three parts".to_owned());
        }
        Ok(Halt {
            point,
            action,
            at_passing,
        })
    }

    impl Halt {
        fn act(&self) {
            let signal = match self.action {
                Action::Kill => Signal::KILL,
                Action::Stop => Signal::STOP,
            };
            kill_process(getpid(), signal).expect("a process may always signal itself");
            // The kernel may stop another thread first and this one microseconds later;
            // it must not pass the point in between.
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[cfg(all(test, debug_assertions))]
#[path = "halt_tests.rs"]
mod tests;
