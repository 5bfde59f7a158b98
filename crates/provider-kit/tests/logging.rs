//! What logs tell of a call, and what they never tell. Alone in its process: other tests would register the
//! same log lines at the same moment, for a subscriber that is not theirs.

#![expect(
    clippy::unwrap_used,
    reason = "a panic with a line number is what a failing test is"
)]

#[expect(
    dead_code,
    reason = "shared with the other test target, which uses it all"
)]
#[path = "it/server.rs"]
mod server;

use std::io;
use std::sync::{Arc, Mutex};

use provider_kit::http::{Labels, Purpose};
use tracing_subscriber::fmt::format::FmtSpan;

use server::{CANARY, PATIENCE, Server, client, reply, write};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_at_the_finest_level_name_the_call_and_hold_no_token_body_or_query() {
    let page = Page::default();
    let writer = page.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(vec![reply("200 OK", &format!("\"{CANARY}\""))]).await;
    let labels = Labels {
        provider: "LOGGED",
        purpose: Purpose::Write,
    };
    let base = server.base_url();
    let reply = client()
        .send(&base, &write(), Some(CANARY), PATIENCE, 100, labels)
        .await;
    assert_eq!(reply.unwrap().status, 200);
    drop(guard);
    let told = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    for word in [
        "provider.call",
        "LOGGED",
        "POST",
        "/v3/company/123/invoice",
        "status=200",
        "elapsed_ms",
    ] {
        assert!(told.contains(word), "{word} not in {told}");
    }
    assert!(!told.contains(CANARY), "{told}");
}
