//! Waiting for a condition, with a limit: the only place in the tests that sleeps.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Between two looks: short beside any limit, long beside a look.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until the condition holds; panics, saying `what` was waited for, when it does not within `limit`.
pub async fn eventually<F>(limit: Duration, what: &str, mut condition: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let look = || {
        let holds = condition();
        async { holds.await.then_some(()) }
    };
    until(limit, what, look).await;
}

/// Waits until there is a value; panics, saying `what` was waited for, when there is none within `limit`.
///
/// The futures are a type of their own, and not those of an `AsyncFnMut`, so that tests can spawn this.
pub async fn until<T, F>(limit: Duration, what: &str, look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    within(limit, look)
        .await
        .unwrap_or_else(|| panic!("waited {limit:?} in vain until {what}"))
}

/// Looks again and again for a value; none when there is none within `limit`.
pub(super) async fn within<T, F>(limit: Duration, mut look: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(limit, looking).await.ok()
}
